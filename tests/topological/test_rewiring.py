"""Rewired graphs: the degrees stay, the graph stays simple, and all such graphs are equally likely."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from geomsim import GeomsimError
from geomsim_topological.graphs.rewiring import rewired_edges


def of_degrees(degrees):
    """Every simple graph with these degrees, by trying all sets of edges."""
    pairs = list(combinations(range(len(degrees)), 2))
    wanted = sum(degrees) // 2
    return [
        edges
        for edges in combinations(pairs, wanted)
        if np.bincount(np.ravel(edges), minlength=len(degrees)).tolist() == list(degrees)
    ]


@given(st.integers(2, 30), st.floats(0.05, 0.9), st.integers(0, 1000))
@settings(max_examples=60)
def test_degrees_stay_and_the_graph_is_simple(n_nodes, share, seed):
    edges = np.array(networkx.gnp_random_graph(n_nodes, share, seed=seed).edges, dtype=int).reshape(-1, 2)
    before = edges.copy()
    found = rewired_edges(edges, n_nodes, np.random.default_rng(seed))
    assert np.array_equal(edges, before)
    assert found.shape == edges.shape
    assert (found[:, 0] < found[:, 1]).all()
    assert len({tuple(edge) for edge in found.tolist()}) == len(edges)
    degrees = [np.bincount(each.ravel(), minlength=n_nodes).tolist() for each in (edges, found)]
    assert degrees[0] == degrees[1]


@pytest.mark.parametrize(
    ("start", "count"),
    [
        ([[0, 1], [2, 3], [4, 5]], 15),  # perfect matchings of six nodes
        ([[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]], 12),  # rings of five
        ([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [1, 4]], None),  # unequal degrees
    ],
)
def test_all_graphs_of_these_degrees_are_equally_likely(start, count):
    n_nodes = int(np.max(start)) + 1
    graphs = of_degrees(np.bincount(np.ravel(start), minlength=n_nodes))
    assert count is None or len(graphs) == count
    random = np.random.default_rng(0)
    seen = Counter(
        tuple(sorted(map(tuple, rewired_edges(start, n_nodes, random).tolist()))) for _ in range(60 * len(graphs))
    )
    assert set(seen) == {tuple(sorted(graph)) for graph in graphs}
    assert chisquare([seen[tuple(sorted(graph))] for graph in graphs]).pvalue > 1e-3


def test_an_edge_may_become_any_other():
    """Row by row what became of an edge: lengths that travel along must end anywhere."""
    random = np.random.default_rng(1)
    ring = [[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]
    ends = Counter(tuple(rewired_edges(ring, 5, random)[0].tolist()) for _ in range(2000))
    assert set(ends) == set(combinations(range(5), 2))
    assert chisquare(list(ends.values())).pvalue > 1e-3


def test_few_edges_and_no_steps():
    random = np.random.default_rng(0)
    assert rewired_edges([], 3, random).shape == (0, 2)
    assert rewired_edges([[2, 0]], 3, random).tolist() == [[0, 2]]
    star = [[0, 1], [0, 2], [0, 3]]
    assert sorted(rewired_edges(star, 4, random).tolist()) == star
    ring = [[0, 1], [1, 2], [2, 3], [0, 3]]
    assert rewired_edges(ring, 4, random, swaps_per_edge=0).tolist() == ring


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 0]], "without loops and repeated edges"),
        ([[0, 1], [1, 0]], "without loops and repeated edges"),
        ([[0, 5]], "edges name nodes 0 to 5, but nodes are 0 to 2"),
    ],
)
def test_what_is_no_simple_graph(edges, message):
    with pytest.raises(GeomsimError, match=message):
        rewired_edges(edges, 3, np.random.default_rng(0))
    with pytest.raises(GeomsimError, match="swaps_per_edge is not negative"):
        rewired_edges([[0, 1]], 2, np.random.default_rng(0), swaps_per_edge=-1)
