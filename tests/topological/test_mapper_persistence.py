"""The metric on shapes whose branches and loops are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning, InvalidConfig
from geomsim_topological.mapper import Cubes, Dbscan, MapperGraph, mapper_graph
from geomsim_topological.metrics.mapper_persistence import MapperPersistence

FINE = MapperPersistence(components=1, n_cubes=10, overlap=0.3, relative_eps=0.15)


def circle(n=600, stretch=1.6):
    angle = 2 * np.pi * np.arange(n) / n
    return torch.from_numpy(np.column_stack([stretch * np.cos(angle), np.sin(angle)]))


def tree(n=200):
    """Three arms, the stem longest; seen along its stem, it forks at two fifths of its height."""
    reach = np.linspace(0, 1, n)[:, None]
    arms = [reach * end for end in ([0.0, -3.0], [1.0, 2.0], [-0.8, 1.6])]
    return torch.from_numpy(np.concatenate(arms))


def line(n=600):
    return torch.linspace(-1, 1, n, dtype=torch.float64)[:, None]


def distance(left, right, metric=FINE):
    return float(metric.score(*(metric.prepare(side) if torch.is_tensor(side) else side for side in (left, right))))


@pytest.mark.parametrize(
    "metric",
    [
        MapperPersistence(),
        MapperPersistence(components=1, n_cubes=2),
        MapperPersistence(component=1, filled=False),
        MapperPersistence(relative_eps=0.8, n_cubes=4, min_samples=1),
    ],
    ids=repr,
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def test_a_noise_free_circle_is_one_loop_from_the_least_to_the_largest_node():
    angle = 2 * np.pi * np.arange(2000) / 2000
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    graph = mapper_graph(points, points[:, 0], Cubes(10, 0.3), Dbscan(0.05, 3))
    assert (len(graph.names), len(graph.edges)) == (18, 18)
    state = FINE.state_of(replace(graph, lens=points[:, :1]))
    bars = state.bars.bars
    assert [len(bars[kind]) for kind in bars] == [0, 0, 1, 1]
    means = np.sort(graph.incidence.T @ points[:, 0] / graph.sizes)
    for kind in ("component", "loop"):
        np.testing.assert_allclose(bars[kind], [[(1 + means[0]) / 2, (1 + means[-1]) / 2]], atol=1e-12)


def test_circle_line_and_tree_differ_by_what_one_has_and_the_other_lacks():
    ring, straight, fork = (FINE.prepare(points) for points in (circle(), line(), tree()))
    assert [len(ring.bars.bars[kind]) for kind in ring.bars.bars] == [0, 0, 1, 1]
    assert [len(straight.bars.bars[kind]) for kind in straight.bars.bars] == [0, 0, 1, 0]
    assert sum(len(fork.bars.bars[kind]) for kind in ("downward branch", "upward branch")) == 1
    assert len(fork.bars.bars["loop"]) == 0
    loop = ring.bars.bars["loop"][0]
    assert distance(ring, straight) == pytest.approx((loop[1] - loop[0]) / 2)
    assert 0.1 < distance(fork, straight) < 0.25 < distance(ring, fork)


@pytest.mark.parametrize("points", [circle(), tree()], ids=["circle", "tree"])
def test_a_turned_reflected_and_reordered_copy_scores_0(points):
    random = np.random.default_rng(0)
    order = torch.from_numpy(random.permutation(len(points)))
    for turn in (np.diag([-1.0, 1.0]), np.diag([1.0, -1.0]), np.linalg.qr(random.normal(size=(2, 2)))[0]):
        assert distance(points, 3 * points[order] @ torch.from_numpy(turn) + 1) == pytest.approx(0.0, abs=1e-9)


def test_a_lens_upside_down_is_the_same_lens():
    graph = FINE.graph(tree())
    lens = tree().numpy()[:, 1:]
    up, down = (FINE.state_of(replace(graph, lens=each)) for each in (lens, -lens))
    assert len(up.bars.bars["upward branch"]) == len(down.bars.bars["downward branch"]) == 1
    assert up.bars.distance(down.bars) > 0.1
    assert distance(up, down) == pytest.approx(0.0, abs=1e-12)
    assert FINE.explain(up, down).facts["right lens upside down"] == "yes"
    assert FINE.explain(up, up).facts["right lens upside down"] == "no"


def test_triangles_of_the_cover_are_no_loops():
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 3)) * [3.0, 2.0, 0.3])
    filled, hollow = MapperPersistence(), MapperPersistence(filled=False)
    assert len(hollow.prepare(points).bars.bars["loop"]) > 5 * max(len(filled.prepare(points).bars.bars["loop"]), 1)
    square = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2], "c": [2, 3], "d": [3, 0]}}, 4)
    square = replace(square, lens=np.arange(4.0)[:, None])
    assert len(filled.state_of(square).bars.bars["loop"]) == len(hollow.state_of(square).bars.bars["loop"]) == 1


def test_the_chosen_component_is_the_height():
    random = np.random.default_rng(2)
    points = random.normal(size=(400, 2))
    points = torch.from_numpy(np.linalg.qr(points - points.mean(axis=0))[0] * [3.0, 1.0])
    for component in (0, 1):
        metric = MapperPersistence(component=component)
        state = metric.prepare(points)
        means = np.array([float(points[rows, component].mean()) for rows in state.graph.nodes.values()])
        assert abs(np.corrcoef(means, state.heights)[0, 1]) == pytest.approx(1.0)
        assert 0.0 <= state.heights.min() < state.heights.max() <= 1.0


def test_rewiring_keeps_heights_and_degrees():
    metric = MapperPersistence()
    state = metric.prepare(torch.from_numpy(np.random.default_rng(3).normal(size=(300, 4)) * [3.0, 2.0, 1.0, 1.0]))
    rewired = metric.rewired(state, np.random.default_rng(0))
    np.testing.assert_array_equal(rewired.heights, state.heights)
    np.testing.assert_array_equal(np.bincount(rewired.edges.ravel()), np.bincount(state.edges.ravel()))
    assert not np.array_equal(rewired.edges, state.edges)
    assert len(rewired.bars.bars["loop"]) > len(state.bars.bars["loop"])
    assert distance(state, rewired, metric) > 0.1


def test_explanation_tells_the_kinds_and_the_longest_bars():
    found = FINE.explain(FINE.prepare(circle()), FINE.prepare(tree()))
    assert found.facts["decided by"] == "loop"
    assert found.facts["distance of loop bars"] == pytest.approx(distance(circle(), tree()))
    assert found.facts["loop bars left"] == 1
    assert found.tables["longest bars left"]["kind"] == ["component", "loop"]
    lengths = found.tables["longest bars right"]["length"]
    assert lengths == sorted(lengths, reverse=True)
    json.dumps([dict(found.tables), dict(found.facts)])
    assert FINE.explain(FINE.prepare(line()), FINE.prepare(line())).facts["decided by"] == "nothing"


def test_states_and_parameters_that_make_no_sense():
    graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2]}}, 4)
    with pytest.raises(GeomsimError, match=r"keeps no lens.*give it one"):
        FINE.state_of(graph)
    flat = replace(graph, lens=np.array([[1.0], [1.0], [1.0], [2.0]]))
    with pytest.raises(
        DegenerateSpace, match=r"component 0 of the lens is the same on all 3 rows in nodes.*use a larger"
    ):
        FINE.state_of(flat)
    with pytest.raises(DegenerateSpace, match=r"the lens has 1 components.*use component=0 or lower"):
        MapperPersistence(component=1, n_cubes=8).prepare(line())
    for component in (-1, 2):
        with pytest.raises(InvalidConfig, match=rf"component is one of the lens's 2, counted from 0, got {component}"):
            MapperPersistence(component=component)


def test_degenerate_clouds():
    metric = MapperPersistence()
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        metric.prepare(torch.ones(40, 3))
    random = torch.from_numpy(np.random.default_rng(0).normal(size=(100, 8)))
    with pytest.raises(DegenerateSpace, match=r"each of the 100 rows is noise.*Use a larger relative_eps"):
        MapperPersistence(relative_eps=1e-3).prepare(random)
    with pytest.warns(GeomsimWarning, match="a single node"):
        single = MapperPersistence(n_cubes=1, relative_eps=10.0).prepare(random)
    assert distance(single, single, metric) == 0.0
    assert distance(single, metric.prepare(random), metric) > 0.1
    found = geomsim.compare(random, random[:50], MapperPersistence(), draws=19)
    assert np.isfinite(found.score)
