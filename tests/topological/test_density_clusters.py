"""DBSCAN without a list of pairs against scikit-learn with all distances; sets that grow against sets made at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN

from geomsim_topological.clusters.density_clusters import cluster_chains, compilable, density_clusters


def reference(points, eps, min_samples):
    """All distances in float64; border rows go to the nearest core row, clusters are numbered by coordinates."""
    order = np.lexsort(points.T[::-1])
    rows = points[order].astype(np.float64)
    distances = cdist(rows, rows)
    found = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit(distances)
    labels, core = found.labels_.astype(int), found.core_sample_indices_
    border = np.setdiff1d(np.flatnonzero(labels >= 0), core)
    if len(border):
        to_core = distances[np.ix_(border, core)]
        nearest = to_core <= to_core.min(axis=1, keepdims=True) * (1 + 1e-9)
        labels[border] = labels[core[nearest.argmax(axis=1)]]
    return labels[np.argsort(order)]


def labels_of(found, number, n_rows):
    """The labels of one set by row, -2 for rows that are not in it."""
    here = slice(found.starts[number], found.starts[number + 1])
    labels = np.full(n_rows, -2)
    labels[found.rows[here]] = found.labels[here]
    return labels


def one_set(points, eps, min_samples):
    return labels_of(density_clusters(points, [np.arange(len(points))], eps, min_samples), 0, len(points))


def some_cloud(kind, n_rows, width, seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(n_rows, width))
    if kind == "whole numbers":
        return np.round(2 * points)
    if kind == "copies":
        return points[generator.integers(0, n_rows, size=n_rows)]
    if kind == "clumps":
        return 0.1 * points + generator.integers(0, 4, size=(n_rows, 1))
    if kind == "far away":
        return points + 1e6
    return points


kinds = st.sampled_from(["cloud", "whole numbers", "copies", "clumps", "far away"])


@given(
    kinds, st.sampled_from([np.float32, np.float64]), st.integers(1, 500), st.sampled_from([1, 2, 3, 9]),
    st.floats(0.05, 2.0), st.integers(1, 12), st.integers(0, 10_000),
)  # fmt: skip
@settings(max_examples=150)
def test_clusters_are_those_of_all_distances(kind, dtype, n_rows, width, eps, min_samples, seed):
    points = some_cloud(kind, n_rows, width, seed).astype(dtype)
    eps = round(eps) or 1 if kind == "whole numbers" else eps
    assert np.array_equal(one_set(points, eps, min_samples), reference(points, eps, min_samples))


@pytest.mark.parametrize("n_rows", [1, 2, 127, 128, 129, 255, 256, 257, 1300])
@pytest.mark.parametrize("width", [2, 64])
def test_sizes_around_those_of_blocks(n_rows, width):
    points = np.random.default_rng(n_rows).normal(size=(n_rows, width)).astype(np.float32)
    for eps in (0.3, 2.0, 9.0, 10.5):
        for min_samples in (1, 4, 200):
            assert np.array_equal(one_set(points, eps, min_samples), reference(points, eps, min_samples))


@given(kinds, st.integers(20, 400), st.integers(1, 4), st.integers(1, 6), st.integers(0, 10_000), st.booleans())
@settings(max_examples=80)
def test_sets_that_grow_end_like_sets_made_at_once(kind, n_rows, width, min_samples, seed, nested):
    generator = np.random.default_rng(seed)
    points = some_cloud(kind, n_rows, width, seed)
    order = generator.permutation(n_rows)
    ends = np.sort(generator.integers(1, n_rows + 1, size=4))
    begins = np.zeros(4, dtype=int) if nested else np.array([0, 0, ends[0] // 2, 0])
    sets = [np.sort(order[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    scales = [0.2, 0.7, 0.7, 1.5]
    found, known = cluster_chains(points, sets, [[0, 1, 2, 3]], scales, min_samples)
    if nested:
        assert known == ends[:3].sum()
    for scale, clusters in zip(scales, found, strict=True):
        for number, rows in enumerate(sets):
            labels = labels_of(clusters, number, n_rows)
            assert np.array_equal(labels[rows], reference(points[rows], scale, min_samples))
            assert clusters.counts[number] == labels.max() + 1 if (labels >= 0).any() else clusters.counts[number] == 0
            assert (np.delete(labels, rows) == -2).all()


def test_order_of_chains_and_of_sets_changes_nothing():
    points = some_cloud("cloud", 3000, 3, 0)
    sets = [np.arange(0, 3000, step) for step in (1, 3, 2, 7)] * 5  # enough for threads
    found = density_clusters(points, sets, 0.4, 3)
    for number, rows in enumerate(sets):
        alone = density_clusters(points, [rows], 0.4, 3)
        assert np.array_equal(labels_of(found, number, 3000), labels_of(alone, 0, 3000))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chains_of_rows_hang_together_at_exactly_eps(dtype):
    order = np.random.default_rng(0).permutation(4000)
    line = order[:, None].astype(dtype) * np.array([[3, 4]], dtype=dtype)  # steps of 5
    line[order >= 2000] += 5  # and one of 5 * sqrt(2) + 5, and no more
    assert one_set(line, 5.0, 2).max() == 1
    assert np.array_equal(one_set(line, 5.0, 2), (order >= 2000).astype(int))
    assert (one_set(line, np.nextafter(5.0, 0), 2) == -1).all()
    assert one_set(line, 12.1, 2).max() == 0


def test_many_copies_of_few_rows():
    points = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]], dtype=np.float32), [20_000, 20_000, 2], axis=0)
    assert np.bincount(one_set(points, 1.0, 3) + 1).tolist() == [2, 40_000]
    assert np.bincount(one_set(points, 0.5, 3) + 1).tolist() == [2, 20_000, 20_000]
    assert np.bincount(one_set(points, 0.5, 2) + 1).tolist() == [0, 20_000, 20_000, 2]


def test_two_large_components_close_to_each_other():
    # No block of one is out of reach of the other: whole tiles have to say that nothing is within eps.
    generator = np.random.default_rng(0)
    disc = generator.uniform(-1, 1, size=(6000, 2))
    points = np.column_stack([disc, np.arange(6000) % 2 * 0.5])
    assert np.array_equal(np.sort(np.bincount(one_set(points, 0.45, 3))), [3000, 3000])
    assert one_set(points, 0.51, 3).max() == 0


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 1e30), (np.float32, 1e-30), (np.float64, 1e120)])
def test_the_unit_of_length_changes_nothing(dtype, unit):
    points = some_cloud("cloud", 600, 5, 1)
    expected = reference(points, 1.0, 4)
    assert 0 < (expected == -1).sum() < 600
    assert np.array_equal(one_set((points * unit).astype(dtype), unit, 4), expected)


def test_points_are_not_copied_where_they_need_not_be():
    for dtype in (np.float32, np.float64):
        points = np.zeros((4, 2), dtype=dtype)
        assert compilable(points) is points
    frozen = np.zeros((4, 2), dtype=np.float32)
    frozen.flags.writeable = False
    assert compilable(frozen).dtype == np.float32
    assert compilable(np.zeros((4, 2), dtype=np.int32)).dtype == np.float64


def test_no_sets_and_no_rows_in_clusters():
    nothing = density_clusters(np.zeros((3, 1)), [], 1.0, 3)
    assert (len(nothing.rows), len(nothing.counts), nothing.starts.tolist()) == (0, 0, [0])
    noise = density_clusters(np.array([[0.0], [9.0]]), [np.array([0]), np.array([0, 1])], 1.0, 2)
    assert noise.labels.tolist() == [-1, -1, -1]
    assert noise.counts.tolist() == [0, 0]
