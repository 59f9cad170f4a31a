"""Single linkage against scipy's hierarchy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from geomsim import GeomsimError
from geomsim_topological import mapper
from geomsim_topological.clusters.single_linkage import SingleLinkage, histogram_gap


def parts(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def labels_of(points, clusterer):
    found = clusterer.cluster(points, [np.arange(len(points))])
    labels = np.empty(len(points), dtype=int)
    labels[found.rows] = found.labels
    return labels


@given(st.integers(2, 200), st.integers(1, 4), st.floats(0.05, 2.0), st.integers(0, 10_000))
@settings(max_examples=60)
def test_a_gap_cuts_where_scipy_cuts(n_rows, width, gap, seed):
    points = np.random.default_rng(seed).normal(size=(n_rows, width))
    expected = fcluster(linkage(points, "single"), gap, criterion="distance")
    assert parts(labels_of(points, SingleLinkage(gap))) == parts(expected)


@given(st.integers(3, 120), st.integers(2, 12), st.integers(0, 10_000))
@settings(max_examples=60)
def test_the_histogram_cuts_below_its_first_empty_bin(n_rows, bins, seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(n_rows, 2)) * 0.2 + generator.integers(0, 3, size=(n_rows, 1)) * 3
    heights = linkage(points, "single")[:, 2]
    counts, edges = np.histogram(heights, bins, (heights[0], heights[-1]))
    empty = np.flatnonzero(counts == 0)
    cut = edges[empty[0]] if len(empty) else np.inf
    expected = fcluster(linkage(points, "single"), min(cut, 2 * heights[-1]), criterion="distance")
    assert parts(labels_of(points, SingleLinkage(bins=bins))) == parts(expected)


def test_order_and_copies_of_rows_change_nothing():
    generator = np.random.default_rng(0)
    points = np.concatenate([generator.normal(size=(30, 2)) * 0.1, generator.normal(size=(30, 2)) * 0.1 + 5])
    labels = labels_of(points, SingleLinkage())
    assert labels.tolist() == [0] * 30 + [1] * 30
    order = generator.permutation(60)
    assert np.array_equal(labels_of(points[order], SingleLinkage()), labels[order])
    assert np.array_equal(labels_of(np.repeat(points, 3, axis=0), SingleLinkage()), np.repeat(labels, 3))


def test_sets_with_nothing_to_cut_are_one_cluster():
    assert labels_of(np.zeros((1, 2)), SingleLinkage()).tolist() == [0]
    assert labels_of(np.ones((4, 2)), SingleLinkage()).tolist() == [0] * 4
    assert labels_of(np.array([[0.0], [7.0]]), SingleLinkage()).tolist() == [0, 0]
    assert labels_of(np.arange(50.0)[:, None], SingleLinkage()).tolist() == [0] * 50
    assert histogram_gap(np.array([1.0, 2.0]), 2) == 4.0


def test_a_graph_has_no_noise():
    points = np.random.default_rng(0).normal(size=(200, 3))
    for clusterer in (SingleLinkage(0.1), SingleLinkage()):
        graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(5, 0.4), clusterer)
        assert len(graph.noise) == 0
        assert str(clusterer) == graph.meta_data["clusterer"]
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    graph = mapper.mapper_graph(circle, circle[:, 0], mapper.Cubes(6, 0.3), SingleLinkage())
    assert (len(graph.nodes), graph.components) == (10, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SingleLinkage("elbow"), "gap is a distance or 'histogram', got 'elbow'"),
        (lambda: SingleLinkage(0.0), "gap is a positive distance"),
        (lambda: SingleLinkage(bins=1), "at least 2 bins, got 1"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()
