"""Sweeps against the single graphs of their settings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import DegenerateSpace, GeomsimError
from geomsim_topological.clusters import density_clusters
from geomsim_topological.covers.nested_sets import nested_chains
from geomsim_topological.mapper import Cubes, Dbscan, mapper_graph
from geomsim_topological.sweep import Setting, mapper_sweep


def assert_same(graph, other):
    assert graph.names == other.names
    assert (graph.incidence != other.incidence).nnz == 0
    assert graph.eps == other.eps
    assert graph.to_kmapper() == other.to_kmapper()
    assert np.array_equal(graph.lens, other.lens)


@given(st.integers(120, 300), st.integers(2, 4), st.integers(1, 5), st.booleans(), st.integers(0, 10_000))
@settings(max_examples=15)
def test_graphs_are_those_of_single_runs(n_rows, width, min_samples, whole, seed):
    points = np.random.default_rng(seed).normal(size=(n_rows, width))
    points = np.round(2 * points) if whole else points
    lens = points[:, :2] + np.arange(n_rows)[:, None] * 1e-3  # no constant column
    swept = mapper_sweep(points, lens, (2, 5), (0.5, 0.0, 0.3), (1.0, "knee", 0.4), min_samples)
    assert len(swept.settings) == len(swept.graphs) == 18
    assert swept.settings[:4] == (Setting(2, 0.5, 1.0), Setting(2, 0.5), Setting(2, 0.5, 0.4), Setting(2, 0.0, 1.0))
    for setting, graph in zip(swept.settings, swept.graphs, strict=True):
        alone = mapper_graph(points, lens, Cubes(setting.n, setting.overlap), Dbscan(setting.eps, min_samples))
        assert_same(graph, alone)


def test_large_sweeps_run_in_threads_and_are_the_same(monkeypatch):
    monkeypatch.setattr(density_clusters, "_WORTH_THREADS", 1)
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, 6000)
    points = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((6000, 6))]).astype(np.float32)
    points += generator.normal(scale=0.02, size=points.shape).astype(np.float32)
    swept = mapper_sweep(points, points[:, :2], (5, 9), (0.2, 0.4, 0.6), (0.1, 0.2))
    for setting, graph in zip(swept.settings, swept.graphs, strict=True):
        assert_same(graph, mapper_graph(points, points[:, :2], Cubes(setting.n, setting.overlap), Dbscan(setting.eps)))


def test_what_was_reused_is_counted():
    points = np.random.default_rng(0).normal(size=(300, 2))
    reused = mapper_sweep(points, points, (4,), (0.2, 0.4), (0.3, 0.5)).reused
    small, large = (sum(map(len, Cubes(4, overlap).sets(points))) for overlap in (0.2, 0.4))
    assert reused["rows of cubes at a fixed eps"] == small + large
    assert reused["of which clustered already in a smaller cube"] == small
    assert reused["scales begun with the clusters of a smaller one"] == 1
    assert reused["covers"] == "2 for 4 settings"
    assert mapper_sweep(points, points, (4,), (0.2,)).reused["rows of cubes at a fixed eps"] == 0


def test_default_sweep_has_25_settings_and_takes_settings_twice():
    points = np.random.default_rng(0).normal(size=(200, 4)) * np.arange(4, 0, -1)
    assert len(mapper_sweep(points).graphs) == 25
    twice = mapper_sweep(points, resolutions=(4, 4), overlaps=(0.3, 0.3), eps=(1.0, 1.0))
    assert len(twice.graphs) == 8
    assert twice.graphs[0] is twice.graphs[-1]


def test_bad_settings_are_refused_before_any_work():
    with pytest.raises(GeomsimError, match="from 0 to below 1"):
        mapper_sweep(np.empty((0, 2)), overlaps=(0.2, 1.0))
    with pytest.raises(GeomsimError, match="positive distance"):
        mapper_sweep(np.empty((0, 2)), eps=(-1.0,))
    with pytest.raises(GeomsimError, match="cuts the values of a lens, and there is none"):
        mapper_sweep(np.eye(3), lens=None)


def test_a_cover_without_a_knee_is_named():
    with pytest.raises(DegenerateSpace, match=r"at Cubes\(n=9, overlap=0.1\): in no cover set has a row 2 others"):
        mapper_sweep(np.eye(9), np.arange(9.0), (9,), (0.1,))


def test_chains_skip_sets_that_were_empty():
    levels = [
        [np.array([1, 2]), np.array([7])],
        [np.array([0, 1, 2]), np.array([4]), np.array([6, 7])],
        [np.array([0, 1, 2, 3]), np.array([3, 4]), np.array([6, 7])],
    ]
    assert nested_chains(levels) == [[0, 2, 5], [1, 4, 7], [3, 6]]
