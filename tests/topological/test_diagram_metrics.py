"""Metrics on diagrams: the contract with every parameter, known values, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim.nulls import NoiseFloor
from geomsim_topological.metrics.diagram_metrics import (
    PersistenceBottleneck,
    PersistenceLandscape,
    PersistenceWasserstein,
)

KINDS = [PersistenceBottleneck, PersistenceWasserstein, PersistenceLandscape]


@pytest.mark.parametrize(
    "metric",
    [
        *(kind() for kind in KINDS),
        *(kind(normalise=False, landmarks=40) for kind in KINDS),
        PersistenceBottleneck(dimension=0),
        PersistenceLandscape(dimension=0, landmarks=25),
        PersistenceWasserstein(order=2, landmarks=60),
        PersistenceBottleneck(dimension=2, landmarks=40),
    ],
    ids=repr,
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def circle(n=60, radius=1.0):
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def score(left, right, metric):
    return geomsim.compare(left, right, metric, null=None).score


def test_a_circle_against_a_line_is_its_only_bar():
    birth, death = 2 * np.sin(np.pi / 60), 3**0.5
    line = np.linspace(0, 1, 40)[:, None]
    length = (death - birth) / 2.0  # in units of the diameter, which is 2
    for metric, expected in (
        (PersistenceBottleneck(), length / 2),
        (PersistenceWasserstein(), length / 2),
        (PersistenceWasserstein(order=2), length / 2),
        (PersistenceLandscape(), (length**3 / 12) ** 0.5),
    ):
        assert score(circle(), line, metric) == pytest.approx(expected, rel=1e-9)
        assert score(circle(radius=5.0), line, metric) == pytest.approx(expected, rel=1e-9)
    assert score(circle(), line, PersistenceBottleneck(normalise=False)) == pytest.approx(length, rel=1e-9)


def test_circles_of_two_sizes_differ_where_size_counts():
    metric = PersistenceBottleneck(normalise=False)
    assert score(circle(), circle(radius=1.1), metric) == pytest.approx(0.1 * 3**0.5, rel=1e-9)
    assert score(circle(), circle(radius=1.1), PersistenceBottleneck()) == pytest.approx(0.0, abs=1e-12)


def test_components_compare_the_lengths_of_spanning_trees():
    # Spanning trees of three steps 1, 2, 4 and 1, 2, 3; the bar that never dies is left out.
    left, right = np.array([[0.0], [1.0], [3.0], [7.0]]), np.array([[0.0], [1.0], [3.0], [6.0]])
    assert score(left, right, PersistenceBottleneck(dimension=0, normalise=False)) == pytest.approx(1.0)
    assert score(left, right, PersistenceWasserstein(dimension=0, normalise=False)) == pytest.approx(1.0)
    assert score(left, right, PersistenceBottleneck(dimension=0)) == pytest.approx(4 / 7 - 3 / 6)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_moves_a_loop_little(kind):
    random = np.random.default_rng(0)
    noisy = circle() + 0.01 * random.normal(size=(60, 2))
    blob = random.normal(size=(60, 2)) / 2**0.5
    metric = kind()
    assert score(circle(), noisy, metric) < 0.2 * score(circle(), blob, metric)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_are_degenerate(kind):
    metric = kind()
    for points in (np.ones((20, 3)), np.full((20, 3), 0.1) + 1e5, np.zeros((1, 3))):
        with pytest.raises(DegenerateSpace, match="rows are equal"):
            score(circle(), points, metric)


def test_warns_where_no_bar_is_certain():
    points = np.random.default_rng(1).normal(size=(200, 6))
    metric = PersistenceBottleneck(landmarks=30)
    with pytest.warns(GeomsimWarning, match=r"with 30 landmarks of 200 rows none of the \d+ bars"):
        metric.prepare(torch.from_numpy(points))
    found = geomsim.compare(points, points[:150], metric, null=None)
    assert any("none is certain" in str(warning) for warning in found.warnings)
    assert not geomsim.compare(circle(500), circle(60), metric, null=None).warnings


def test_the_noise_floor_of_a_circle():
    random = np.random.default_rng(2)
    angle = random.uniform(0, 2 * np.pi, 200)
    noisy = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * random.normal(size=(200, 2))
    blob = random.normal(size=(200, 2)) / 2**0.5
    found = geomsim.compare(noisy, blob, PersistenceBottleneck(), null=NoiseFloor(splits=10))
    assert found.p_value is None
    assert found.score > found.null_mean


def test_explanation():
    metric = PersistenceBottleneck(landmarks=40)
    left, right = metric.prepare(torch.from_numpy(circle(100))), metric.prepare(torch.from_numpy(circle(30, 2.0)))
    found = metric.explain(left, right)
    assert found.facts["landmarks left"] == 40
    assert found.facts["landmarks right"] == 30
    assert found.facts["covering radius right"] == 0.0
    assert found.facts["certified bars left"] == 1
    assert found.facts["diameter right"] == pytest.approx(4.0)
    assert found.tables["longest finite bars right"]["birth"] == pytest.approx([4 * np.sin(np.pi / 30)])
    assert found.tables["longest finite bars right"]["certified"] == [True]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dimension": -1}, "dimension is 0"),
        ({"landmarks": 1}, "landmarks is at least 2"),
        ({"dimension": 2, "landmarks": 300}, "landmarks=200 or fewer, got 300"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_checked(kind, parameters, message):
    with pytest.raises(InvalidConfig, match=message):
        kind(**parameters)


def test_orders_are_checked():
    with pytest.raises(InvalidConfig, match="order is 1 or 2, got 3"):
        PersistenceWasserstein(order=3)
