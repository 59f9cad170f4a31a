from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from scipy import stats

import geomsim
from geomsim.errors import GeomsimError
from geomsim.report.look import DARK, LIGHT
from geomsim.report.null_distribution import null_histogram, null_histograms, verdict
from geomsim.report.saving import save_figure

GREY, ORANGE, BLUE = (to_rgba(colour) for colour in (LIGHT.chance, LIGHT.bars[1], LIGHT.bars[0]))


def real(metric="procrustes", null="auto", draws=99, noise=1.0, **options):
    random = np.random.default_rng(0)
    left = random.normal(size=(40, 4))
    return geomsim.compare(
        left, left + noise * random.normal(size=left.shape), metric, null=null, draws=draws, **options
    )


@pytest.fixture(scope="module")
def far():
    return real()


@pytest.fixture(scope="module")
def by_chance():
    return real(noise=20.0)


@pytest.fixture(scope="module")
def floor():
    return real("singular-values")


def exact(score=0.3, larger_means="closer", **facts):
    """As the exact null gives it, with moments that are known."""
    base = real("cka", null="exact")
    p = stats.norm.sf((score - 0.1) / 0.1)
    return replace(
        base, score=score, null_mean=0.1, null_sd=0.1, p_value=float(p), larger_means=larger_means,
        facts={"law": "normal (third moment unknown)"} | facts,
    )  # fmt: skip


def bars(axes, colour):
    return [patch for patch in axes.patches if patch.get_facecolor() == colour]


def counted(axes, colour):
    return round(sum(patch.get_height() for patch in bars(axes, colour)))


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def key(axes):
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text().replace("\n", " ") for text in legend.get_texts()]


def test_random_groups_are_no_chance_level_whichever_side_is_kept():
    points = np.random.default_rng(0).normal(size=(30, 4))
    null = geomsim.nulls.RandomGroup("left")
    found = geomsim.compare_groups(points, range(8), range(8, 16), "singular-values", null=null, draws=19)
    assert any(text.startswith("groups ") for text in texts(null_histogram(found)))
    assert "or random groups" in null_histograms([found]).get_supxlabel()


def test_every_draw_is_in_a_bar_and_the_lines_are_labelled(far):
    axes = null_histogram(far)
    assert counted(axes, GREY) == 99
    assert texts(axes)[:2] == [f"score {far.score:.2f}", f"chance {far.null_mean:.2f}"]
    assert texts(axes)[2] == "p ≤ 0.01: none of 99 as close"
    at = {line.get_xdata()[0] for line in axes.lines}
    assert at == {far.score, far.null_mean}
    assert axes.get_xlim()[0] < far.null.min()
    assert axes.get_xlim()[1] > far.score
    assert axes.get_title(loc="left").strip() == "procrustes"


@pytest.mark.parametrize("larger_means", ["closer", "farther"])
def test_the_tail_that_p_counts_is_coloured_on_its_side(by_chance, larger_means):
    from geomsim.nulls import p_value

    p = p_value(by_chance.score, by_chance.null, larger_means)
    closer = round(100 * p) - 1
    comparison = replace(by_chance, larger_means=larger_means, p_value=p)
    axes = null_histogram(comparison)
    assert counted(axes, ORANGE) == closer > 5
    assert counted(axes, GREY) == 99 - closer
    for bar in bars(axes, ORANGE):
        middle = bar.get_x() + bar.get_width() / 2
        assert middle > comparison.score if larger_means == "closer" else middle < comparison.score
    assert texts(axes)[2] == f"p = {p:.2g}: {closer} of 99 as close"
    assert key(axes)[1] == "as close as the score, or closer"
    assert ("larger" if larger_means == "closer" else "smaller") + " is closer" in axes.get_xlabel()


def test_draws_equal_to_the_score_are_in_the_tail():
    comparison = replace(real(), null=np.array([0.5, 0.5, 0.4, 0.3]), score=0.5, p_value=3 / 5, draws=4)
    assert counted(null_histogram(comparison), ORANGE) == 2


def test_a_noise_floor_is_called_one_and_has_no_tail(floor):
    axes = null_histogram(floor)
    assert counted(axes, ORANGE) == 0
    assert counted(axes, GREY) == len(floor.null)
    assert "floor" in texts(axes)[1]
    assert texts(axes)[2].endswith("times the noise floor; no p-value")
    assert key(axes)[0].startswith(f"noise floor: {len(floor.null)} random halvings")
    assert "chance" not in " ".join([*texts(axes), *key(axes)])


@pytest.mark.parametrize(
    ("facts", "law"),
    [({}, stats.norm(0.1, 0.1)), ({"law": "Pearson type III", "skewness": 0.8}, stats.pearson3(0.8, 0.1, 0.1))],
)
@pytest.mark.parametrize("larger_means", ["closer", "farther"])
def test_an_exact_null_is_drawn_as_the_density_of_its_law(facts, law, larger_means):
    axes = null_histogram(exact(score=0.2, larger_means=larger_means, **facts))
    grey, tail = axes.collections
    path = grey.get_paths()[0].vertices
    at, density = path[path[:, 1] > 0].T
    assert density == pytest.approx(law.pdf(at), rel=1e-6)
    shaded = tail.get_paths()[0].vertices[:, 0]
    assert tail.get_facecolor()[0] == pytest.approx(ORANGE)
    assert (shaded.min() if larger_means == "closer" else shaded.max()) == pytest.approx(0.2)
    area = np.trapezoid(density[np.argsort(at)], np.sort(at))
    assert area == pytest.approx(1, abs=1e-3)
    assert axes.patches == [] or not list(axes.patches)


def test_an_exact_null_without_its_skewness_draws_no_law():
    axes = null_histogram(exact(law="Pearson type III"))
    assert not axes.collections
    assert axes.lines[0].get_xdata() == pytest.approx([0.0, 0.2])
    assert "want of its skewness" in key(axes)[0]
    assert axes.get_ylabel() == ""


def test_a_mean_alone_is_said():
    comparison = replace(exact(law="mean only: no p-value"), null_sd=None, p_value=None)
    axes = null_histogram(comparison)
    assert "mean by chance only; no p-value" in texts(axes)
    assert key(axes) == []


def test_the_interval_is_drawn_and_explained():
    comparison = real(interval="jackknife")
    axes = null_histogram(comparison)
    line = axes.lines[-1]
    assert line.get_xdata() == pytest.approx([comparison.interval.low, comparison.interval.high])
    assert key(axes)[-1] == "95% interval of the score"


def test_few_orders_are_named_where_they_decide_p(far):
    assert verdict(replace(far, p_value=0.2)) == "p = 0.2: few different draws exist"


@pytest.mark.parametrize("draws", [np.array([0.3]), np.full(20, 0.3), np.zeros(5), np.array([0.1, 0.3])])
def test_draws_without_spread_are_drawn(far, draws):
    comparison = replace(far, null=draws, null_mean=float(draws.mean()), null_sd=None, draws=len(draws), score=0.3)
    axes = null_histogram(comparison)
    assert counted(axes, GREY) + counted(axes, ORANGE) == len(draws)


@settings(max_examples=60)
@given(st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=1, max_size=30), st.integers(0, 40))
def test_no_draw_is_lost_between_bins(far, values, which):
    draws = np.array(values)
    score = draws[which] if which < len(draws) else 0.05
    comparison = replace(far, null=draws, null_mean=float(draws.mean()), null_sd=None, draws=len(draws), score=score)
    axes = null_histogram(comparison)
    assert counted(axes, GREY) + counted(axes, ORANGE) == len(draws)


@pytest.mark.parametrize("score", [0.215, 0.2, 0.26, 0.9, -0.5])
def test_labels_stay_inside_and_apart(by_chance, score):
    axes = null_histogram(replace(by_chance, score=score))
    figure = axes.figure
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in axes.texts[:2])
    inside = axes.get_window_extent()
    for box in (first, second):
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1
    assert first.y0 >= second.y1 - 1
    line = axes.transData.transform((score, 0))[0]
    assert not second.x0 < line < second.x1


def test_panels_have_one_key_and_titles(far, floor):
    figure = null_histograms([far, floor], "Nulls", titles=["features", "neurons"])
    assert [axes.get_title(loc="left").strip() for axes in figure.axes] == ["features", "neurons"]
    assert figure.get_supxlabel() == "grey: by chance, or noise floor"
    assert all(axes.get_legend() is None for axes in figure.axes)
    assert len(null_histograms([far] * 20).axes) == 20


def test_the_key_of_panels_names_orange_only_where_there_is_some(far, by_chance):
    swapped = real("singular-values", "label-swap")
    key = "grey: by chance; orange: "
    assert null_histograms([far]).get_supxlabel() == "grey: by chance"
    assert null_histograms([far, by_chance]).get_supxlabel() == key + "as close as the score or closer"
    assert (
        null_histograms([swapped]).get_supxlabel().replace("\n", "; ") == key + "as far apart as the score or farther"
    )
    assert null_histograms([swapped, by_chance]).get_supxlabel() == key + "the scores that p counts"


@pytest.mark.parametrize("metric", ["singular-values", "mmcs"])
def test_a_label_swap_colours_the_scores_farther_apart(metric):
    found = real(metric, "label-swap")
    counted = round(found.p_value * (found.draws + 1)) - 1
    assert 0 < counted < found.draws
    farther = found.null >= found.score if found.larger_means == "farther" else found.null <= found.score
    assert farther.sum() == counted
    assert verdict(found).endswith(f"{counted} of 99 as far apart")
    axes = null_histogram(found)
    orange = [bar for bar in axes.patches if bar.get_facecolor() == ORANGE]
    assert sum(bar.get_height() for bar in orange) == counted
    assert "as far apart as the score, or farther" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_axes_given_are_returned_and_nothing_global_changes(far):
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert null_histogram(far, axes, look=DARK) is axes
    assert dict(mpl.rcParams) == before


def test_the_same_comparison_gives_the_same_pdf(tmp_path, far):
    paths = [save_figure(null_histogram(far).figure, tmp_path / f"{n}.pdf") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"/Type3" not in paths[0].read_bytes()


def test_no_null_is_no_distribution():
    with pytest.raises(GeomsimError, match="procrustes was compared without a null"):
        null_histogram(real(null=None))


def test_panels_need_comparisons_and_a_title_for_each(far):
    with pytest.raises(GeomsimError, match="at least one comparison"):
        null_histograms([])
    with pytest.raises(GeomsimError, match="1 comparisons and 2 titles"):
        null_histograms([far], titles=["one", "two"])
