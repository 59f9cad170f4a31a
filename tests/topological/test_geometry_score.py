"""Geometry score: the contract, shapes with known loops, and what is told of the draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim.nulls import NoiseFloor
from geomsim_topological.metrics.geometry_score import GeometryScore


def score(left, right, metric=None):
    return geomsim.compare(left, right, metric or GeometryScore(repeats=30), null=None).score


def circle(n=400, seed=0, at=0.0):
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(angle) + at, np.sin(angle)]) + 0.02 * random.normal(size=(n, 2))


@pytest.mark.parametrize(
    "metric",
    [
        GeometryScore(repeats=10),
        GeometryScore(repeats=5, landmarks=16, gamma=0.05, seed=3),
        GeometryScore(repeats=5, landmarks=40, gamma=0.2, loops=5),
    ],
    ids=repr,
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def test_shapes_differ_by_their_loops():
    two = np.concatenate([circle(200, 1), circle(200, 2, at=4.0)])
    line = np.linspace(0, 1, 400)[:, None]
    assert score(circle(), circle(seed=5)) < 0.05
    assert score(circle(), 9 * circle(seed=6)[:, ::-1] + 4) < 0.05  # the size of a loop does not matter
    assert score(circle(), line) > 1.2
    assert score(circle(), two) > 1.2
    metric = GeometryScore(repeats=30)
    states = [metric.prepare(torch.from_numpy(side)) for side in (circle(), two)]
    found = metric.explain(*states)
    assert found.facts["most likely loops left"] == 1
    assert found.facts["most likely loops right"] == 2


def test_the_same_cloud_scores_zero_in_any_order():
    points = np.random.default_rng(0).normal(size=(150, 3))
    moved = np.random.default_rng(1).permutation(150)
    assert score(points, points[moved]) == 0.0
    assert score(points, points[np.arange(300) // 2]) == 0.0


def test_what_the_draws_alone_would_score():
    points = np.random.default_rng(0).normal(size=(200, 3))
    states = [GeometryScore(seed=seed).prepare(torch.from_numpy(points)) for seed in range(10)]
    metric = GeometryScore()
    expected = metric.explain(states[0], states[1]).facts["score by the draw of landmarks"]
    found = np.mean([float(metric.score(states[i], states[j])) for i in range(10) for j in range(i)])
    assert found == pytest.approx(expected, rel=0.3)


def test_explanation():
    metric = GeometryScore(repeats=20, loops=50)
    states = [metric.prepare(torch.from_numpy(circle(n))) for n in (300, 100)]
    found = metric.explain(*states)
    assert found.facts["different rows left"] == 300
    assert found.facts["landmarks right"] == 32
    table = found.tables["relative living times"]
    assert sum(table["left"]) == pytest.approx(1.0)
    assert found.facts["mean loops left"] == pytest.approx(np.dot(table["loops"], table["left"]))


def test_warns_of_unequal_numbers_of_landmarks():
    found = geomsim.compare(circle(100), circle(20), GeometryScore(repeats=5), null=None)
    assert any("left side has 32 landmarks and the right 10" in warning for warning in map(str, found.warnings))
    metric = GeometryScore(repeats=5)
    states = [metric.prepare(torch.from_numpy(side)) for side in (circle(100), circle(20))]
    with pytest.warns(GeomsimWarning, match="use landmarks=10 for both"):
        metric.score(*states)


def test_the_noise_floor_of_a_circle():
    found = geomsim.compare(
        circle(200), np.linspace(0, 1, 200)[:, None], GeometryScore(repeats=10), null=NoiseFloor(splits=4)
    )
    assert found.score > found.null_mean


def test_few_rows_are_refused():
    with pytest.raises(DegenerateSpace, match=r"7 different rows are too few.*use at least 8"):
        score(circle(100), circle(7))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"landmarks": 3}, "landmarks is a whole number, at least 4; got 3"),
        ({"loops": 1}, "loops is a whole number"),
        ({"repeats": 1}, "repeats is a whole number"),
        ({"gamma": 0.0}, "gamma is a share of the largest distance"),
        ({"gamma": 2.0}, "at most 1; got 2.0"),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(InvalidConfig, match=message):
        GeometryScore(**parameters)
