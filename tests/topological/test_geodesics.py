"""Geodesics against Floyd and Warshall's algorithm, and graphs in pieces."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim_topological.graphs.geodesics import geodesics


@given(st.integers(1, 12), st.integers(0, 10_000), st.floats(0.05, 0.6))
@settings(max_examples=60)
def test_as_floyd_and_warshall(n_nodes, seed, share):
    random = np.random.default_rng(seed)
    edges = [(i, j) for i in range(n_nodes) for j in range(i) if random.random() < share]
    lengths = random.integers(0, 5, size=len(edges)) / 7
    graph = networkx.Graph()
    graph.add_nodes_from(range(n_nodes))
    graph.add_weighted_edges_from((*edge, length) for edge, length in zip(edges, lengths, strict=True))
    expected = np.asarray(networkx.floyd_warshall_numpy(graph))
    found = geodesics(edges, lengths, n_nodes)
    apart = np.isinf(expected)
    assert found.capped == apart.sum() / 2
    assert found.components == networkx.number_connected_components(graph)
    assert found.distances[~apart] == pytest.approx(expected[~apart], abs=1e-11)
    if found.capped:
        assert (found.distances[apart] == found.cap).all()
        assert found.cap == pytest.approx(2 * (expected[~apart].max() or 1.0))
    else:
        assert found.cap == 0.0
    assert (found.distances == found.distances.T).all()


def test_no_edges_and_edges_of_no_length():
    assert geodesics([], [], 1).distances.tolist() == [[0.0]]
    assert geodesics([], [], 2).distances.tolist() == [[0.0, 2.0], [2.0, 0.0]]
    found = geodesics([[0, 1], [1, 2]], [0.0, 3.0], 3)
    assert found.distances.tolist() == [[0, 0, 3], [0, 0, 3], [3, 3, 0]]
    assert geodesics([[0, 1], [1, 0], [0, 1]], [4.0, 1.0, 2.0], 2).distances[0, 1] == 1.0


def test_lengths_scale():
    edges, lengths = [[0, 1], [1, 2], [3, 4]], np.array([0.3, 0.4, 0.9])
    for scale in (1e-12, 3.0, 1e9):
        assert geodesics(edges, scale * lengths, 5).distances == pytest.approx(
            scale * geodesics(edges, lengths, 5).distances, rel=1e-10
        )


@pytest.mark.parametrize(
    ("edges", "lengths", "message"),
    [
        ([[0, 3]], [1.0], "edges name nodes 0 to 3, but nodes are 0 to 2"),
        ([[-1, 1]], [1.0], "edges name nodes -1 to 1"),
        ([[0, 1]], [-1.0], r"edge 0 has length -1.0: use lengths"),
        ([[0, 1], [1, 2]], [1.0, np.inf], r"edge 1 has length inf"),
        ([[0, 1]], [1.0, 2.0], "1 edges and 2 lengths"),
    ],
)
def test_what_is_no_graph(edges, lengths, message):
    with pytest.raises(GeomsimError, match=message):
        geodesics(edges, lengths, 3)
