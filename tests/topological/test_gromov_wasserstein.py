"""Gromov-Wasserstein between clouds: copies, closed forms, masses of landmarks, and units."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import geomsim
from geomsim import DegenerateSpace, InvalidConfig
from geomsim_topological.metrics.gromov_wasserstein import GromovWasserstein, nearest_counts
from geomsim_topological.rows.landmarks import distinct_rows, farthest_points


def cloud(n_rows, width=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, width)) * np.linspace(1, 2, width)


def score(left, right, **parameters):
    metric = GromovWasserstein(**parameters)
    return float(metric.score(*(metric.prepare(torch.from_numpy(np.asarray(each, float))) for each in (left, right))))


@pytest.mark.parametrize(
    "metric",
    [
        GromovWasserstein(landmarks=30),
        GromovWasserstein(landmarks=12, normalise="rms"),
        GromovWasserstein(landmarks=10, normalise=None, starts=5),
    ],
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def test_two_points_and_one_path():
    assert score([[0.0], [1.0]], [[0.0], [4.0]], normalise=None) == pytest.approx(3 / 2**0.5)
    assert score([[0.0], [1.0]], [[0.0], [4.0]]) == pytest.approx(0.0, abs=1e-12)
    assert score([[0.0], [1.0]], [[0.0], [4.0]], normalise="rms") == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("normalise", ["diameter", "rms"])
def test_a_turned_mirrored_moved_scaled_and_reordered_copy_is_at_distance_0(normalise):
    random = np.random.default_rng(1)
    points = cloud(60)
    copy = 7 * points[random.permutation(60)] @ np.linalg.qr(random.normal(size=(3, 3)))[0] * [1, 1, 1] + 4
    assert score(points, copy, normalise=normalise) == pytest.approx(0.0, abs=1e-9)
    assert score(points, np.hstack([copy, np.zeros((60, 5))]), normalise=normalise) == pytest.approx(0.0, abs=1e-9)
    assert score(points, copy, normalise=normalise, landmarks=20) == pytest.approx(0.0, abs=1e-9)


def test_as_the_best_of_all_permutations():
    for seed in range(4):
        left, right = cloud(6, seed=seed), cloud(6, seed=seed + 20)
        d, e = (cdist(each, each) for each in (left, right))
        d, e = d / d.max(), e / e.max()
        best = min(np.square(d - e[np.ix_(order, order)]).mean() for order in map(list, permutations(range(6))))
        assert score(left, right) == pytest.approx(best**0.5, abs=1e-9)


def test_repeated_rows_are_mass():
    points = cloud(20)
    assert score(points, np.repeat(points, 3, axis=0)) == pytest.approx(0.0, abs=1e-9)
    heavier = np.vstack([points, np.repeat(points[:1], 40, axis=0)])
    assert score(points, heavier) > 0.05


def test_units():
    metric = GromovWasserstein(normalise="diameter", landmarks=15)
    points = torch.from_numpy(cloud(40))
    state = metric.prepare(points * 8)
    assert state.space.distances.max() == pytest.approx(1.0)
    assert state.unit == pytest.approx(8 * float(metric.prepare(points).unit))
    assert GromovWasserstein(normalise="rms").prepare(points).space.mean_square == pytest.approx(1.0)
    plain = GromovWasserstein(normalise=None, landmarks=40).prepare(points)
    order = np.argsort(plain.space.distances.sum(axis=1))
    expected = cdist(points, points)
    again = np.argsort(expected.sum(axis=1))
    assert plain.space.distances[np.ix_(order, order)] == pytest.approx(expected[np.ix_(again, again)])
    assert plain.unit == 1.0
    radius = GromovWasserstein(normalise=None, landmarks=15).prepare(points).covering_radius
    assert state.covering_radius * state.unit == pytest.approx(8 * radius)
    assert score(3 * points.numpy(), np.zeros((1, 3)) + cloud(2), normalise=None) > 0


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_each_row_counts_for_the_nearest_landmark(kind):
    points = cloud(500).astype(kind)
    points = np.vstack([points, points[:100]])
    distinct = distinct_rows(points)
    chosen = farthest_points(distinct, 25)
    nearest = cdist(points.astype(float), distinct.rows[chosen.rows].astype(float) * distinct.unit).argmin(axis=1)
    assert nearest_counts(distinct, chosen) == pytest.approx(np.bincount(nearest, minlength=25))


def test_a_row_in_the_middle_counts_half_for_either():
    line = np.array([[-1.0], [0.0], [1.0]])
    distinct = distinct_rows(np.vstack([line, line[1:2]]))
    chosen = farthest_points(distinct, 2)
    assert nearest_counts(distinct, chosen).tolist() == [2.0, 2.0]
    state = GromovWasserstein(landmarks=2).prepare(torch.from_numpy(line))
    assert state.space.mass.tolist() == [0.5, 0.5]


def test_noise_moves_it_little_and_another_shape_much():
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 200)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    line = random.uniform(-1, 1, size=(200, 1))
    near = score(circle, circle[::-1] + 0.01 * random.normal(size=(200, 2)), landmarks=30)
    assert near < 0.25 * score(circle, line, landmarks=30)


def test_explanation():
    metric = GromovWasserstein(landmarks=10)
    left, right = (metric.prepare(torch.from_numpy(cloud(50, seed=seed))) for seed in (0, 1))
    found = metric.explain(left, right)
    assert found.facts["landmarks left"] == 10
    assert found.facts["rows left"] == 50
    assert found.facts["value"] == pytest.approx(float(metric.score(left, right)) ** 2)
    assert sum(found.tables["partners"]["rows"]) == 50
    assert len(found.tables["starts"]["value"]) == 20
    json.dumps([dict(found.facts), dict(found.tables)])


def test_what_cannot_be_compared():
    with pytest.raises(DegenerateSpace, match=r"all 30 rows are equal, .*look where they come from"):
        GromovWasserstein().prepare(torch.ones(30, 4))
    with pytest.raises(DegenerateSpace, match="all 1 rows are equal"):
        GromovWasserstein().prepare(torch.ones(1, 4))
    for parameters, message in (
        ({"landmarks": 1}, "landmarks is a whole number, at least 2; got 1"),
        ({"starts": 0}, "starts is a whole number, at least 1"),
        ({"normalise": "max"}, "normalise is 'diameter', 'rms' or None, got 'max'"),
    ):
        with pytest.raises(InvalidConfig, match=message):
            GromovWasserstein(**parameters)
