from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from geomsim.activations.codes import Codes
from geomsim.activations.latent_histogram import activation_histogram
from geomsim.errors import GeomsimError
from geomsim.report.activations import activation_bars
from geomsim.report.saving import save_figure


def histogram(values, bins=8, scale="linear"):
    return activation_histogram(Codes(np.array(values, dtype=np.float32)[:, None]), 0, bins, scale=scale)


RANDOM = np.random.default_rng(0)
SPARSE = histogram(np.exp(RANDOM.normal(size=500)) * (RANDOM.random(500) < 0.3))
RATIOS = histogram(np.exp(RANDOM.normal(size=500)), scale="log")
NEURON = histogram(RANDOM.normal(size=500))


def key(axes):
    return [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("found", [SPARSE, NEURON, RATIOS], ids=["sparse", "neuron", "equal ratios"])
def test_bars_are_the_counts_between_the_edges(found):
    axes = activation_bars(found)
    assert [bar.get_height() for bar in axes.patches] == found.counts.tolist()
    np.testing.assert_allclose([bar.get_x() for bar in axes.patches], found.edges[:-1])
    np.testing.assert_allclose([bar.get_x() + bar.get_width() for bar in axes.patches], found.edges[1:])
    assert axes.get_xlim() == pytest.approx((found.edges[0], found.edges[-1]))
    assert axes.get_ylim()[1] > found.counts.max()


def test_quantiles_are_drawn_and_named():
    axes = activation_bars(histogram([1.0, 2.0, 3.0, 4.0, 0.0]))
    spread, median = axes.lines
    assert list(spread.get_xdata()) == pytest.approx([1.15, 3.85])
    assert list(median.get_xdata()) == [2.5]
    assert key(axes) == ["central 90%: 1.15 to 3.85", "median: 2.50"]
    assert axes.texts[0].get_text() == "active on 4 of 5 tokens (80.00%)"
    assert activation_bars(SPARSE, key=False).get_legend() is None


def test_bins_of_equal_ratio_stand_on_a_logarithmic_axis_with_plain_numbers():
    axes = activation_bars(histogram([0.02, 0.5, 3.0, 40.0, 0.0], scale="log"))
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "1", "10"]
    assert 2 <= len(axes.get_xticks()) <= 6
    assert len(axes.get_xticks(minor=True)) == 0
    assert activation_bars(SPARSE, log_counts=True).get_yscale() == "log"


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.001), (0.3, 4.0), (1e-9, 1e9), (5.0, 5.0), (9.0, 11.0)])
def test_logarithmic_ticks_are_few_and_inside(low, high):
    found = histogram([low, high], scale="log")
    ticks = activation_bars(found).get_xticks()
    assert 2 <= len(ticks) <= 6
    assert found.edges[0] <= min(ticks) < max(ticks) <= found.edges[-1]


def test_nothing_is_cut_off_at_the_edge_of_the_figure():
    axes = activation_bars(histogram([5.0, 0.0, 0.0]), title="latent 123456 of a model with a long name, residual:12")
    axes.figure.draw_without_rendering()
    inside = axes.figure.bbox
    for part in [axes.title, axes.get_legend(), *axes.lines, *axes.get_xticklabels()]:
        box = part.get_window_extent()
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1


def test_a_silent_latent_cannot_be_drawn():
    with pytest.raises(GeomsimError, match="never active on the 3 tokens that were read, so there is no activation"):
        activation_bars(histogram([0.0, 0.0, 0.0]))


def test_the_axes_given_are_returned_and_nothing_global_changes():
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert activation_bars(SPARSE, axes) is axes
    assert dict(mpl.rcParams) == before


def test_the_same_histogram_gives_the_same_pdf(tmp_path):
    paths = [save_figure(activation_bars(SPARSE).figure, tmp_path / f"{n}.pdf") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
