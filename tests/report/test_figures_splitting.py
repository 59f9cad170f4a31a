from __future__ import annotations

import re

import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from geomsim.activations.splitting_classes import JUDGED
from geomsim.errors import GeomsimError
from geomsim.report.look import DARK, LIGHT
from geomsim.report.saving import save_figure
from geomsim.report.splitting import split_sizes, splitting_bars, splitting_figure

COUNTS = {
    "512 in 4,096": {"one-to-one": 100, "split": 60, "merged": 2, "nested": 38, "vanished": 0, "dead": 12},
    "4,096": {"one-to-one": 100, "split": 150, "overlapping": 740, "new": 10},
}  # fmt: skip
PARTS = {"512 to 1,024": [2, 2, 3], "512 to 4,096": [2, 5, 8, 20]}


def test_bars_are_shares_of_the_judged_latents_one_behind_the_other():
    axes = splitting_bars(COUNTS)
    widths = [[bar.get_width() for bar in axes.patches if round(bar.get_y() + 0.34) == row] for row in (0, 1)]
    assert [sum(each) for each in widths] == pytest.approx([1.0, 1.0])
    assert [width for width in widths[0] if width] == pytest.approx([0.5, 0.3, 0.01, 0.19])
    assert [width for width in widths[1] if width] == pytest.approx([0.1, 0.15, 0.74, 0.01])
    first = [bar for bar in axes.patches if round(bar.get_y() + 0.34) == 0]
    assert [bar.get_x() for bar in first][1:3] == pytest.approx([0.5, 0.8])
    texts = [text.get_text() for text in axes.texts]
    assert {"100", "60", "740", "+ 12 not judged"} <= set(texts)
    assert "2" not in texts  # too narrow for its number


def test_the_key_names_each_class_that_occurs_and_each_colour_once():
    legend = splitting_bars(COUNTS).get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["one-to-one", "split", "merged", "nested", "overlapping", "new"]
    both = {"a": {"vanished": 1, "one-to-one": 1}, "b": {"new": 1, "tangled": 3}}
    legend = splitting_bars(both).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["one-to-one", "tangled", "vanished or new"]
    assert splitting_bars(COUNTS, key=False).get_legend() is None
    for look in (LIGHT, DARK):
        legend = splitting_bars({"all": dict.fromkeys(JUDGED, 5)}, look=look).get_legend()
        colours = [to_hex(handle.get_facecolor()) for handle in legend.legend_handles]
        assert len(set(colours)) == len(colours)


def test_splits_are_counted_by_their_parts():
    axes = split_sizes(PARTS)
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [[2, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 2]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["512 to 1,024: 3", "512 to 4,096: 4"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "3", "4", "5", "6", "more"]
    assert split_sizes({"none": []}).containers[0][0].get_height() == 0


def test_axes_that_are_given_are_drawn_into_and_answered():
    for draw in (lambda axes: splitting_bars(COUNTS, axes), lambda axes: split_sizes(PARTS, axes)):
        given = Figure().add_subplot()
        assert draw(given) is given


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(GeomsimError, match="at least one dictionary"):
        splitting_bars({})
    with pytest.raises(GeomsimError, match="x: no latent was judged"):
        splitting_bars({"x": {"dead": 3}})
    with pytest.raises(GeomsimError, match="at least one comparison"):
        split_sizes({})
    with pytest.raises(GeomsimError, match="y: a split has two parts at least"):
        split_sizes({"y": [2, 1]})


def test_the_figure_has_both_and_the_same_bytes_each_time(tmp_path):
    assert len(splitting_figure(COUNTS, PARTS).axes) == 2
    assert len(splitting_figure(COUNTS, {}).axes) == 1
    before = dict(mpl.rcParams)
    written = [save_figure(splitting_figure(COUNTS, PARTS), tmp_path / "figure.svg").read_bytes() for _ in range(2)]
    assert written[0] == written[1]
    assert dict(mpl.rcParams) == before
    assert not re.search(rb"<dc:date>|/tmp/", written[0])
