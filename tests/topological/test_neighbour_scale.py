"""Distances to the k-th nearest row in tiles against all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geomsim_topological.clusters import neighbour_scale
from geomsim_topological.clusters.neighbour_scale import cloud_radius, neighbour_curve


def reference(points, sets, k):
    points = points.astype(np.float64)
    copy = 1e-9 * np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).mean())
    curve = [np.empty(0)]
    for rows in sets:
        if len(rows) > k:
            distances = cdist(points[rows], points[rows])
            distances[distances <= copy] = np.inf
            curve.append(np.partition(distances, k - 1, axis=1)[:, k - 1])
    pooled = np.concatenate(curve)
    return np.sort(pooled[np.isfinite(pooled)])


@given(
    st.sampled_from(["cloud", "whole numbers", "copies", "far away"]), st.sampled_from([np.float32, np.float64]),
    st.integers(1, 500), st.sampled_from([1, 2, 9]), st.integers(1, 9), st.integers(0, 10_000),
)  # fmt: skip
@settings(max_examples=80)
def test_distances_are_those_of_all_pairs(kind, dtype, n_rows, width, k, seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(n_rows, width))
    if kind == "whole numbers":
        points = np.round(2 * points)
    if kind == "copies":
        points = points[generator.integers(0, n_rows, size=n_rows)]
    if kind == "far away":
        points = points + 1e4
    points = points.astype(dtype)
    sizes = generator.integers(1, n_rows + 1, size=3)
    sets = [np.sort(generator.choice(n_rows, size=size, replace=False)) for size in sizes]
    assert np.sort(neighbour_curve(points, sets, k)) == pytest.approx(reference(points, sets, k), rel=1e-12)


def test_a_large_set_is_sampled_whatever_the_order_of_its_rows(monkeypatch):
    monkeypatch.setattr(neighbour_scale, "LARGEST_EXACT_SET", 1000)
    monkeypatch.setattr(neighbour_scale, "_SAMPLE", 400)
    generator = np.random.default_rng(0)
    points = generator.normal(size=(3000, 3))
    points[2000:2300] = points[:300]  # copies have one hash
    sets = [np.arange(3000), np.arange(500)]
    whole = reference(points, sets, 2)
    found = np.sort(neighbour_curve(points, sets, 2))
    assert len(found) == len(whole)
    for share in (0.1, 0.5, 0.9):
        assert np.quantile(found, share) == pytest.approx(np.quantile(whole, share), rel=0.1)
    order = generator.permutation(3000)
    places = np.argsort(order)
    moved = neighbour_curve(points[order], [np.sort(places[rows]) for rows in sets], 2)
    assert np.array_equal(np.sort(moved), found)


def test_rows_without_others_have_no_distance():
    points = np.zeros((5, 2))
    assert len(neighbour_curve(points, [np.arange(5)], 1)) == 0
    assert len(neighbour_curve(np.eye(5), [np.array([0]), np.array([1, 2])], 2)) == 0
    assert neighbour_curve(np.eye(5), [np.array([1, 2])], 1).tolist() == [np.sqrt(2)] * 2


def test_radius_is_that_of_all_rows_at_once(monkeypatch):
    points = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32) + 100
    whole = points.astype(np.float64)
    expected = np.sqrt(np.square(whole - whole.mean(axis=0)).sum(axis=1).mean())
    monkeypatch.setattr(neighbour_scale, "_CHUNK_BYTES", 999)
    assert cloud_radius(points) == pytest.approx(expected, rel=1e-12)
