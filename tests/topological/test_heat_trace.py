"""Heat traces: the contract, closed forms, and estimates for many rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

import geomsim
from geomsim import InvalidConfig
from geomsim_topological.metrics import heat_trace
from geomsim_topological.metrics.heat_trace import HeatTrace

TIMES = np.logspace(-1, 1, 256)
WEIGHTS = np.exp(-2 * (TIMES + 1 / TIMES))


def score(left, right, metric=None):
    return geomsim.compare(left, right, metric or HeatTrace(), null=None).score


def circle(n):
    angle = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def slow_trace(points, k):
    """All neighbours, loops and eigenvalues written out."""
    distances = squareform(pdist(points))
    np.fill_diagonal(distances, np.inf)
    graph = np.zeros_like(distances)
    for row, nearest in enumerate(np.argsort(distances, axis=1)[:, :k]):
        graph[row, nearest] = graph[nearest, row] = 1.0
    degrees = graph.sum(axis=1)
    laplacian = np.eye(len(points)) - graph / np.sqrt(np.outer(degrees, degrees))
    return np.exp(-np.outer(TIMES, np.linalg.eigvalsh(laplacian))).mean(axis=1)


@pytest.mark.parametrize("metric", [HeatTrace(), HeatTrace(k=2), HeatTrace(k=10, seed=4)], ids=repr)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


@pytest.mark.parametrize(("left", "right"), [(30, 50), (12, 300)])
def test_circles_have_closed_forms(left, right):
    traces = [np.exp(-np.outer(TIMES, 1 - np.cos(2 * np.pi * np.arange(n) / n))).mean(axis=1) for n in (left, right)]
    expected = (WEIGHTS * np.abs(traces[0] - traces[1])).max()
    assert score(circle(left), circle(right), HeatTrace(k=2)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("k", [1, 5, 8])
def test_equals_the_slow_way(k):
    random = np.random.default_rng(k)
    left, right = random.normal(size=(90, 3)), random.normal(size=(60, 7))
    expected = (WEIGHTS * np.abs(slow_trace(left, k) - slow_trace(right, k))).max()
    assert score(left, right, HeatTrace(k=k)) == pytest.approx(expected, rel=1e-9)


def test_the_dimension_is_seen_and_copies_score_zero():
    random = np.random.default_rng(0)
    clouds = {width: random.normal(size=(300, width)) for width in (1, 2, 10)}
    assert score(clouds[2], 5 * clouds[2][::-1, ::-1] - 3) == pytest.approx(0.0, abs=1e-12)
    same = score(clouds[2], random.normal(size=(300, 2)))
    assert score(clouds[2], clouds[10]) > 5 * same
    assert score(clouds[1], clouds[2]) > 3 * same
    assert score(clouds[1], clouds[10]) < math.exp(-4)


def test_equal_rows_count_once():
    points = np.random.default_rng(0).normal(size=(40, 3))
    assert score(points, points[np.arange(120) // 3]) == 0.0


def test_estimates_for_many_rows(monkeypatch):
    random = np.random.default_rng(0)
    left, right = random.normal(size=(300, 3)), random.normal(size=(300, 6))
    exact = score(left, right)
    monkeypatch.setattr(heat_trace, "_EXACT_ROWS", 100)
    metric = HeatTrace()
    states = [metric.prepare(torch.from_numpy(side)) for side in (left, right)]
    error = metric.explain(*states).facts["standard error"]
    assert 0 < error < 1e-6
    assert float(metric.score(*states)) == pytest.approx(exact, abs=5 * error)
    turned = left @ np.linalg.qr(random.normal(size=(3, 3)))[0]
    assert score(left, turned[random.permutation(300)]) == pytest.approx(0.0, abs=1e-12)
    assert score(left, right, HeatTrace(seed=1)) != float(metric.score(*states))
    assert score(left, right, HeatTrace(probes=10)) == pytest.approx(exact, abs=20 * error)


def test_explanation():
    metric = HeatTrace(k=2)
    states = [metric.prepare(torch.from_numpy(circle(n))) for n in (10, 40)]
    found = metric.explain(*states)
    assert found.facts["edges left"] == 10
    assert found.facts["different rows right"] == 40
    assert found.facts["components right"] == 1
    assert found.facts["standard error"] == 0.0
    apart = abs(found.facts["heat trace left"] - found.facts["heat trace right"])
    time = found.facts["time"]
    assert math.exp(-2 * (time + 1 / time)) * apart == pytest.approx(float(metric.score(*states)))
    assert len(found.tables["heat traces"]["time"]) == 16


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"k": 0}, "k is a whole number, at least 1"), ({"probes": 1}, "probes is"), ({"seed": -1}, "seed is")],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(InvalidConfig, match=message):
        HeatTrace(**parameters)
