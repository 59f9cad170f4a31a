from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

import geomsim
from geomsim.errors import DegenerateSpace, GeomsimError
from geomsim.report.saving import save_figure
from geomsim.report.scree import scree_plot, spectrum

RANDOM = np.random.default_rng(0)
LEFT = RANDOM.normal(size=(60, 8)) * np.arange(8, 0, -1) + 5
RIGHT = RANDOM.normal(size=(60, 3)) @ RANDOM.normal(size=(3, 20))


def curve(axes, name):
    return next(line for line in axes.lines if str(line.get_label()).startswith(name))


def key(axes):
    return [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]


def test_shares_are_those_of_principal_components():
    pca = PCA().fit(LEFT)
    found = spectrum(LEFT, kept=0.9)
    assert found.shares == pytest.approx(pca.explained_variance_ratio_)
    assert found.kept == PCA(n_components=0.9).fit(LEFT).n_components_


def test_not_centred_is_the_raw_spectrum():
    squares = np.linalg.svd(LEFT, compute_uv=False) ** 2
    assert spectrum(LEFT, centre=False).shares == pytest.approx(squares / squares.sum())


def test_components_below_the_rank_are_left_out_and_the_rank_is_said():
    assert len(spectrum(RIGHT).shares) == 3
    axes = scree_plot(LEFT, RIGHT)
    assert key(axes)[1] == "right: 3 of 20 components keep 99% (rank 3)"


@pytest.mark.parametrize(("kept", "number"), [(0.5, 1), (0.8, 1), (0.81, 2), (1.0, 2)])
def test_kept_is_the_fewest_components_that_reach_the_share(kept, number):
    points = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert spectrum(points, kept).kept == number


def test_the_curves_are_the_shares_on_a_log_scale_with_the_kept_marked():
    axes = scree_plot(geomsim.Space(LEFT, name="pythia"), RIGHT, kept=0.9)
    found = spectrum(LEFT, 0.9)
    line = curve(axes, "pythia")
    assert line.get_ydata() == pytest.approx(found.shares)
    assert list(line.get_xdata()) == list(range(1, 9))
    assert (axes.get_yscale(), axes.get_xscale()) == ("log", "linear")
    marked = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [int(line.get_xdata()[0]) for line in marked] == [found.kept, spectrum(RIGHT, 0.9).kept]
    assert marked[0].get_ydata()[0] == found.shares[found.kept - 1]
    assert key(axes)[0] == f"pythia: {found.kept} of 8 components keep 90%"
    assert scree_plot(LEFT, RIGHT, log_components=True).get_xscale() == "log"


def test_cumulative_shares_are_drawn_where_asked_for():
    axes = scree_plot(LEFT, RIGHT, cumulative=True)
    thin = [line for line in axes.lines if line.get_linewidth() == 0.7]
    assert [line.get_ydata()[-1] for line in thin] == pytest.approx([1.0, 1.0])
    assert key(axes)[-1] == "cumulative share"
    assert "cumulative share" not in key(scree_plot(LEFT, RIGHT))


def test_the_two_sides_differ_in_more_than_colour():
    axes = scree_plot(LEFT, RIGHT)
    first, second = curve(axes, "left"), curve(axes, "right")
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()


def test_long_names_are_set_in_lines_inside_the_figure():
    axes = scree_plot(LEFT, RIGHT, names=("a model with a name that does not end soon, layer 3", "right"))
    axes.figure.draw_without_rendering()
    box, figure = axes.get_legend().get_window_extent(), axes.figure.bbox
    assert box.x0 >= figure.x0
    assert box.x1 <= figure.x1
    assert box.y0 >= figure.y0 - 1
    assert axes.get_position().width > 0.6


def test_one_component_and_wide_points_are_drawn():
    axes = scree_plot(LEFT[:, :1], RANDOM.normal(size=(10, 300)))
    assert key(axes)[0] == "left: 1 of 1 components keep 99%"
    assert key(axes)[1] == "right: 9 of 300 components keep 99% (rank 9)"


def test_small_units_change_nothing():
    assert spectrum(1e-200 * LEFT).shares == pytest.approx(spectrum(LEFT).shares)


def test_the_axes_given_are_returned_and_nothing_global_changes():
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert scree_plot(LEFT, RIGHT, axes) is axes
    assert dict(mpl.rcParams) == before


def test_the_same_spaces_give_the_same_pdf(tmp_path):
    paths = [save_figure(scree_plot(LEFT, RIGHT).figure, tmp_path / f"{n}.pdf") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("kept", [0.0, 1.5, -1])
def test_a_share_outside_its_range_is_refused(kept):
    with pytest.raises(GeomsimError, match="kept is a share of the variance, above 0 and at most 1"):
        spectrum(LEFT, kept)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6])
def test_points_without_variance_are_refused_by_name(level):
    with pytest.raises(DegenerateSpace, match="right: all points are equal"):
        scree_plot(LEFT, np.full((30, 4), level))
    with pytest.raises(DegenerateSpace, match="all points are zero"):
        spectrum(np.zeros((5, 3)), centre=False)
