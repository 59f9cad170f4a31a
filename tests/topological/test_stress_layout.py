"""Layout by stress: as good as Kamada and Kawai's, true distances where they fit a plane, the same each time."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from scipy import sparse

from geomsim_topological.graph_layout import as_wide, graph_layout
from geomsim_topological.graphs import stress_layout as module
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.stress_layout import stress_layout


def edges_of(graph):
    return np.array(networkx.convert_node_labels_to_integers(graph).edges())


def hops(edges, n):
    joined = sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(n, n))
    return sparse.csgraph.dijkstra(joined + joined.T, unweighted=True)


def stress(places, wanted):
    """Per pair, at the best scale."""
    first, second = np.triu_indices(len(places), 1)
    ratio = np.linalg.norm(places[first] - places[second], axis=1) / wanted[first, second]
    scale = ratio.sum() / (ratio**2).sum()
    return float(((scale * ratio - 1.0) ** 2).mean())


@pytest.mark.parametrize(
    "graph",
    [networkx.grid_2d_graph(9, 9), networkx.balanced_tree(2, 5), networkx.cycle_graph(60), networkx.star_graph(40)],
    ids=["grid", "tree", "cycle", "star"],
)
def test_stress_is_that_of_networkx(graph):
    edges, n = edges_of(graph), len(graph)
    theirs = networkx.kamada_kawai_layout(networkx.convert_node_labels_to_integers(graph))
    wanted = hops(edges, n)
    ours = stress(stress_layout(edges, n), wanted)
    assert ours <= 1.05 * stress(np.array([theirs[node] for node in range(n)]), wanted)


@pytest.mark.parametrize("graph", [networkx.grid_2d_graph(20, 20), networkx.balanced_tree(2, 7)], ids=["grid", "tree"])
def test_with_pivots_it_is_nearly_as_good_as_with_all_pairs(graph, monkeypatch):
    edges, n = edges_of(graph), len(graph)
    wanted = hops(edges, n)
    whole = stress(stress_layout(edges, n), wanted)
    monkeypatch.setattr(module, "_ALL_PAIRS", 100)
    monkeypatch.setattr(module, "_PIVOTS", 40)
    assert stress(stress_layout(edges, n), wanted) <= 1.15 * whole


def test_a_path_is_straight_and_its_order_stays(monkeypatch):
    edges = np.column_stack([np.arange(199), np.arange(1, 200)])
    for pairs in (1000, 50):
        monkeypatch.setattr(module, "_ALL_PAIRS", pairs)
        monkeypatch.setattr(module, "_PIVOTS", 30)
        places = stress_layout(edges, 200)
        along = np.linalg.norm(places - places[0], axis=1)
        assert (np.diff(along) > 0).all()
        assert along[-1] == pytest.approx(199, rel=0.02)


def test_nodes_with_the_same_neighbours_come_apart():
    edges = np.array([[0, leaf] for leaf in range(1, 130)])
    places = stress_layout(edges, 130)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(130)
    assert apart.min() > 0.01


def test_seeds_and_repeats():
    edges = edges_of(networkx.grid_2d_graph(12, 12))
    assert np.array_equal(stress_layout(edges, 144, 3), stress_layout(edges, 144, 3))
    assert not np.array_equal(stress_layout(edges, 144, 3), stress_layout(edges, 144, 4))


def test_large_components_of_a_graph_keep_apart_and_in_shape():
    """A ring of 300 nodes and a chain of 150, and single nodes."""
    nodes = [[i, (i + 1) % 300] for i in range(300)] + [[400 + i, 401 + i] for i in range(150)] + [[900], [901]]
    graph = MapperGraph.from_kmapper({"nodes": {str(i): rows for i, rows in enumerate(nodes)}}, n_rows=902)
    places = graph_layout(graph)
    assert np.array_equal(places, graph_layout(graph))
    ring, chain = places[:300], places[300:450]
    low, high = ring.min(axis=0), ring.max(axis=0)
    assert ((chain < low) | (chain > high)).any(axis=1).all()
    radius = np.linalg.norm(ring - ring.mean(axis=0), axis=1)
    assert radius.std() < 0.02 * radius.mean()
    steps = np.linalg.norm(np.diff(ring, axis=0), axis=1)
    assert np.linalg.norm(np.diff(chain, axis=0), axis=1).mean() == pytest.approx(steps.mean(), rel=0.02)


def test_as_wide_takes_extent_and_middle_of_the_others():
    others = np.array([[0.0, 0.0], [4.0, 1.0]])
    found = as_wide(np.array([[10.0, 10.0], [11.0, 12.0]]), others)
    assert found.tolist() == [[1.0, -1.5], [3.0, 2.5]]
    assert as_wide(others[:1], others).tolist() == [[0.0, 0.0]]
