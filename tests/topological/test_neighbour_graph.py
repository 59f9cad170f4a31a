"""Graphs of nearest neighbours against sorted distances, with ties, repeated rows and other orders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from geomsim import DegenerateSpace
from geomsim_topological.neighbours import neighbour_graph as module
from geomsim_topological.neighbours.neighbour_graph import in_own_order, neighbour_graph


def by_sorting(points, k):
    """Edges of the graph on rows in their own order, as a matrix."""
    rows = in_own_order(points)
    distances = squareform(pdist(rows))
    np.fill_diagonal(distances, np.inf)
    limit = np.sort(distances, axis=1)[:, k - 1] * (1 + 1e-9)
    near = distances <= limit[:, None]
    return near | near.T


@pytest.mark.parametrize("k", [1, 5, 9])
@pytest.mark.parametrize("kind", ["normal", "grid", "repeated", "far off"])
def test_equals_sorted_distances(kind, k):
    points = np.random.default_rng(0).normal(size=(700, 3))
    if kind == "grid":
        points = np.round(points)
    elif kind == "repeated":
        points = points[np.arange(700) // 7]
    elif kind == "far off":
        points += 1e7
    graph = neighbour_graph(points, k)
    np.testing.assert_array_equal(graph.adjacency.toarray(), by_sorting(points, k).astype(float))
    assert graph.n_rows == len(np.unique(points, axis=0))
    assert graph.n_edges == by_sorting(points, k).sum() / 2


def test_ties_are_not_broken():
    angle = 2 * np.pi * np.arange(12) / 12
    ring = neighbour_graph(np.column_stack([np.cos(angle), np.sin(angle)]), 1)
    assert set(ring.adjacency.sum(axis=1).tolist()) == {2.0}  # both neighbours are equally near
    assert neighbour_graph(np.eye(9), 2).n_edges == 36


def test_components():
    points = np.concatenate([np.arange(6.0), 100 + np.arange(6.0)])[:, None]
    assert neighbour_graph(points, 2).components == 2


def test_the_order_of_rows_follows_from_the_cloud():
    points = np.random.default_rng(0).normal(size=(90, 4))
    turned = 7 * points @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0] + 3
    moved = np.random.default_rng(2).permutation(90)
    np.testing.assert_array_equal(in_own_order(points[moved]), in_own_order(points))
    first, second = neighbour_graph(points, 5), neighbour_graph(turned[moved], 5)
    np.testing.assert_array_equal(first.adjacency.toarray(), second.adjacency.toarray())


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.ones((9, 2)), "all 9 rows are equal, so none has a neighbour; look where"),
        (np.ones((1, 2)), "1 different rows are too few for k=5 neighbours: use more rows"),
        (np.eye(4)[:, :3], "4 different rows are too few for k=5 neighbours: use k <= 3 or more rows"),
        (np.r_[np.random.default_rng(0).normal(size=20), 1e200][:, None], "20 of 21 different rows.*leave outliers"),
    ],
)
def test_clouds_without_neighbours(points, message):
    with pytest.raises(DegenerateSpace, match=message):
        neighbour_graph(points, 5)


def test_too_many_ties(monkeypatch):
    monkeypatch.setattr(module, "_MOST_EDGES", 300)
    with pytest.raises(
        DegenerateSpace, match=r"more than 300 pairs of rows are as near as the 2 nearest.*use another k"
    ):
        neighbour_graph(np.eye(30), 2)
