"""Places of nodes: components apart, the largest first, and the right graph turned to its partners."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.graph_layout import aligned_layout, graph_layout
from geomsim_topological.graphs.graph import MapperGraph


def graph_of(*nodes):
    return MapperGraph.from_kmapper({"nodes": {str(number): rows for number, rows in enumerate(nodes)}}, n_rows=40)


RING = graph_of(*([row, (row + 1) % 8] for row in range(8)))


def test_components_stand_apart_and_the_largest_comes_first():
    graph = graph_of([30], [0, 1], [1, 2], [2, 3], [20, 21], [21, 22])
    places = graph_layout(graph)
    assert np.array_equal(places, graph_layout(graph))
    boxes = [(places[part].min(axis=0), places[part].max(axis=0)) for part in ([1, 2, 3], [4, 5], [0])]
    for number, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[number + 1 :]:
            assert ((other_low > high) | (other_high < low)).any()
    # Rows are filled from the left and from the top.
    corner = min(range(3), key=lambda number: (-boxes[number][1][1].round(9), boxes[number][0][0]))
    assert corner == 0


def test_a_copy_lies_on_its_partners_and_an_empty_plan_moves_nothing():
    left = graph_layout(RING)
    turned = left @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + 2.0
    assert aligned_layout(turned, RING, np.eye(8) / 8) == pytest.approx(turned, abs=1e-9)
    assert np.array_equal(aligned_layout(turned, RING, np.zeros((8, 8))), left)
    with pytest.raises(GeomsimError, match="between 8 and 8 nodes"):
        aligned_layout(left, RING, np.eye(7))


def test_a_graph_without_nodes_has_no_places():
    assert graph_layout(graph_of()).shape == (0, 2)
