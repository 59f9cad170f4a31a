"""Farthest-point landmarks against the plain algorithm and what is known of it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geomsim_topological.rows import landmarks as module
from geomsim_topological.rows.landmarks import distinct_rows, farthest_points


def plain(points, count):
    """Greedy choice on the full matrix of distances, beginning farthest from the mean."""
    distances = cdist(points, points)
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmax())]
    while len(chosen) < count:
        chosen.append(int(distances[:, chosen].min(axis=1).argmax()))
    return points[chosen], distances[:, chosen].min(axis=1).max()


@given(st.integers(6, 80), st.integers(1, 6), st.integers(0, 10_000))
@settings(max_examples=40)
def test_each_is_the_farthest_from_those_before(n, width, seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, width)) + 10 * random.normal(size=width)
    count = int(random.integers(1, n))
    distinct = distinct_rows(points)
    found = farthest_points(distinct, count)
    expected, radius = plain(points, count)
    chosen = (distinct.rows[found.rows]) * distinct.unit
    assert chosen.tolist() == expected.tolist()
    assert found.covering_radius * distinct.unit == pytest.approx(radius, rel=1e-9)


def test_tiles_change_nothing(monkeypatch):
    points = np.random.default_rng(1).normal(size=(101, 5))
    for dtype in (np.float32, np.float64):
        whole = farthest_points(distinct_rows(points.astype(dtype)), 12)
        monkeypatch.setattr(module, "_TILE", 35)
        tiled = farthest_points(distinct_rows(points.astype(dtype)), 12)
        monkeypatch.undo()
        assert tiled.rows.tolist() == whole.rows.tolist()
        assert tiled.covering_radius == whole.covering_radius


def test_the_radius_is_never_too_small_in_single_precision():
    # A far origin and near rows: products would cancel.
    random = np.random.default_rng(2)
    points = (random.normal(size=(500, 3)) * 1e-2 + 100).astype(np.float32)
    distinct = distinct_rows(points)
    found = farthest_points(distinct, 40)
    exact = distinct.rows.astype(np.float64) * distinct.unit
    radius = cdist(exact, exact[found.rows]).min(axis=1).max()
    assert found.covering_radius * distinct.unit >= radius * (1 - 1e-9)
    assert found.covering_radius * distinct.unit == pytest.approx(radius, rel=1e-4)


def test_half_of_the_best_covering_is_out_of_reach():
    points = np.random.default_rng(3).normal(size=(14, 2))
    distances = cdist(points, points)
    best = min(distances[:, list(some)].min(axis=1).max() for some in combinations(range(14), 4))
    distinct = distinct_rows(points)
    assert best <= farthest_points(distinct, 4).covering_radius * distinct.unit <= 2 * best


def test_equal_rows_are_one_and_pull_at_the_mean():
    points = np.array([[0.0, 0.0], [0.0, 4.0], [-0.0, 0.0], [0.0, 0.0], [0.0, 4.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    distinct = distinct_rows(points)
    assert sorted(map(tuple, (distinct.rows * distinct.unit).tolist())) == [(0.0, 0.0), (0.0, 2.0), (0.0, 4.0)]
    assert sorted(distinct.counts.tolist()) == [1, 2, 5]
    assert (distinct.centre * distinct.unit).tolist() == [0.0, 1.25]
    found = farthest_points(distinct, 1)
    assert found.covering_radius * distinct.unit == 4.0
    assert (distinct.rows[found.rows] * distinct.unit).tolist() == [[0.0, 4.0]]


def test_ties_are_broken_by_values():
    angle = 2 * np.pi * np.arange(24) / 24
    points = np.column_stack([np.cos(angle), np.sin(angle)]).round(3)
    first = None
    for seed in range(6):
        distinct = distinct_rows(points[np.random.default_rng(seed).permutation(24)])
        chosen = distinct.rows[farthest_points(distinct, 7).rows].tolist()
        first = first or chosen
        assert chosen == first


def test_all_rows_cover_themselves():
    distinct = distinct_rows(np.random.default_rng(4).normal(size=(9, 2)))
    for count in (9, 100):
        found = farthest_points(distinct, count)
        assert (sorted(found.rows.tolist()), found.covering_radius) == (list(range(9)), 0.0)


def test_rows_too_near_for_single_precision_are_chosen_once():
    points = np.concatenate([np.eye(3), np.eye(3) * (1 + 1e-30), [[1e-25, 0, 0]], [[2e-25, 0, 0]], [[0, 0, 0]]])
    found = farthest_points(distinct_rows(points.astype(np.float32)), 5)
    assert len(set(found.rows.tolist())) == 5
