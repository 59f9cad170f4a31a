"""The spanning tree in tiles against scipy's single linkage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

from geomsim_topological.clusters import components as module
from geomsim_topological.clusters.components import spanning_tree


def check(points, found, rel=1e-12):
    assert found.lengths == pytest.approx(linkage(pdist(points), "single")[:, 2], rel=rel, abs=1e-300)
    assert (np.diff(found.lengths) >= 0).all()
    ends = points[found.edges]
    assert np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) == pytest.approx(found.lengths, rel=rel)
    joined = coo_array((np.ones(len(found.edges)), found.edges.T), (len(points), len(points)))
    assert connected_components(joined, directed=False)[0] == 1
    assert found.diameter == pytest.approx(pdist(points).max(), rel=1e-9)


@given(st.integers(2, 120), st.integers(1, 6), st.integers(0, 10_000))
@settings(max_examples=40)
def test_lengths_are_the_heights_of_single_linkage(n, width, seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, width)) * random.choice([1e-3, 1.0, 10.0], size=(n, 1)) + 3
    check(points, spanning_tree(points))


@given(st.integers(2, 60), st.integers(1, 3), st.integers(1, 4), st.integers(0, 10_000))
@settings(max_examples=40)
def test_ties_make_no_cycles(n, width, side, seed):
    points = np.unique(np.random.default_rng(seed).integers(0, side + 1, size=(n, width)), axis=0).astype(float)
    if len(points) > 1:
        check(points, spanning_tree(points))


def test_tiles_change_nothing(monkeypatch):
    points = np.random.default_rng(0).normal(size=(150, 4))
    monkeypatch.setattr(module, "_TILE_BYTES", 8 * 150 * 7)
    check(points, spanning_tree(points))


def test_near_rows_far_from_the_origin_keep_their_digits():
    # Products of rows this long cancel all digits of distances this small.
    random = np.random.default_rng(1)
    heads = np.array([[0.0, 0.0, 0.0], [1e6, 0, 0], [0, 1e6, 0], [0, 0, 1e6], [1e6, 1e6, 1e6]])
    points = np.repeat(heads, 20, axis=0) + 1e-3 * random.normal(size=(100, 3))
    check(points, spanning_tree(points), rel=1e-9)


def test_a_far_row_costs_the_others_nothing():
    points = np.random.default_rng(2).normal(size=(60, 3))
    points[7] = 1e9
    check(points, spanning_tree(points))


def test_one_point_has_no_edge():
    found = spanning_tree(np.zeros((1, 3)))
    assert (found.lengths.shape, found.edges.shape, found.diameter) == ((0,), (0, 2), 0.0)
