"""What the figures of graphs, diagrams and sweeps show: their parts, not their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim.report.birth_death import birth_death
from geomsim.report.look import DARK, NO_NUMBER
from geomsim.report.node_link import NodeLink, node_link, node_link_pair
from geomsim.report.panels import figure_of
from geomsim.report.saving import svg
from geomsim.report.setting_field import setting_field


def ring(n: int, colours: np.ndarray | None = None, name: str = "ring") -> NodeLink:
    angle = 2 * np.pi * np.arange(n) / n
    edges = np.column_stack([np.arange(n), (np.arange(n) + 1) % n])
    positions = np.column_stack([np.cos(angle), np.sin(angle)])
    return NodeLink(positions, np.arange(1.0, n + 1), edges, np.arange(1.0, n + 1), colours, name)


def test_dots_grow_with_rows_and_lines_with_shared_rows():
    axes = node_link(ring(8))
    lines, dots = axes.collections
    assert np.all(np.diff(dots.get_sizes()) > 0)
    assert np.all(np.diff(lines.get_linewidths()) > 0)
    assert len(dots.get_offsets()) == 8
    assert axes.texts[0].get_text() == "8 nodes, 8 edges"


def test_nodes_without_a_colour_are_hollow():
    colours = np.array([0.0, np.nan, 1.0])
    dots = node_link(ring(3, colours), colour_name="lens").collections[1]
    faces = dots.get_facecolors()
    assert faces[1, 3] == 0
    assert (faces[[0, 2], 3] == 1).all()
    assert not np.array_equal(faces[0], faces[2])


def test_both_graphs_have_one_scale_of_colours_and_of_places():
    figure = node_link_pair(ring(5, np.arange(5.0), "left"), ring(7, np.arange(7.0), "right"), colour_name="lens")
    left, right, bar = figure.axes
    assert left.get_xlim() == right.get_xlim()
    assert np.array_equal(left.collections[1].get_facecolors()[4], right.collections[1].get_facecolors()[4])
    assert [text.get_text() for text in bar.get_xticklabels()] == ["0.00", "6.00"]


@pytest.mark.parametrize("colours", [None, np.array([2.0]), np.array([np.nan])])
def test_graphs_of_one_node_and_of_none_are_drawn(colours: np.ndarray | None):
    one = NodeLink(np.zeros((1, 2)), np.ones(1), np.empty((0, 2), dtype=int), None, colours)
    none = NodeLink(np.empty((0, 2)), np.empty(0), np.empty((0, 2), dtype=int))
    figure = node_link_pair(one, none, colour_name="lens", look=DARK)
    assert "no nodes" in [text.get_text() for text in figure.axes[1].texts]
    assert svg(figure) == svg(node_link_pair(one, none, colour_name="lens", look=DARK))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (np.zeros((3, 3)), np.ones(3), np.empty((0, 2))),
            r"positions of a graph of 3 nodes must be .* \(3, 2\)",
        ),
        ((np.zeros((3, 2)), np.ones(2), np.empty((0, 2))), r"sizes .* \(3,\), got \(2,\)"),
        ((np.zeros((3, 2)), np.ones(3), np.zeros((1, 2)), np.ones(2)), r"weights .* \(1,\), got \(2,\)"),
    ],
)
def test_what_is_no_graph_is_refused(parts, message):
    with pytest.raises(GeomsimError, match=message):
        NodeLink(*parts)


def test_bars_above_the_certificate_are_filled():
    bars = [[0.1, 1.7], [0.1, 0.25], [0.2, np.inf]]
    axes = birth_death(bars, covering_radius=0.1)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "2 certain", "2 certain that never die", "1 that landmarks may have made", "certain above this line"
    ]  # fmt: skip
    line = axes.lines[-1]
    assert np.allclose(line.get_ydata() - line.get_xdata(), 0.4)
    assert "4 covering radii = 0.40" in axes.texts[0].get_text()


def test_without_landmarks_there_is_no_line():
    axes = birth_death([[0.1, 0.2]])
    assert len(axes.lines) == 1
    assert axes.texts[0].get_text() == "loops; every point was used"
    assert birth_death([], what="voids").texts[0].get_text() == "no voids"
    with pytest.raises(GeomsimError, match="a birth and a death each"):
        birth_death([1.0, 2.0, 3.0])


def test_a_field_writes_and_shades_each_setting():
    values = np.array([[0.2, 0.4], [0.6, np.nan], [0.8, 1.0]])
    axes = setting_field(values, [5, 10, 20], [0.3, 0.5], marked=(2, 1), title="Stability", reading="share")
    written = [text.get_text() for text in axes.texts[:6]]
    assert written == ["0.20", "0.40", "0.60", NO_NUMBER, "0.80", "1.00"]
    shades = axes.images[0].get_array()
    assert shades[1, 1, 3] == 0
    assert shades[0, 0, :3].sum() > shades[2, 1, :3].sum()
    assert axes.patches[0].get_xy() == (0.5, 1.5)
    turned = setting_field(values, [5, 10, 20], [0.3, 0.5], darker_is_smaller=True).images[0].get_array()
    assert turned[0, 0, :3].sum() < turned[2, 1, :3].sum()
    with pytest.raises(GeomsimError, match="3 rows and 1 columns of settings need values of that shape"):
        setting_field(values, [5, 10, 20], [0.3])


def test_the_same_figure_gives_the_same_bytes():
    assert svg(figure_of(birth_death([[0.1, 0.9]], 0.1))) == svg(figure_of(birth_death([[0.1, 0.9]], 0.1)))
