"""The landscape band: its mean by hand, its coverage by simulation, and how often bars come back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geomsim import InvalidConfig
from geomsim_topological import landmark_confidence as module
from geomsim_topological.landmark_confidence import diagram_band, landscape_values
from geomsim_topological.persistence import diagram, landscape_distance

TURN = 2 * np.pi


def noisy_circle(rows=400, noise=0.1, seed=0):
    random = np.random.default_rng(seed)
    turn = random.uniform(0, TURN, rows)
    return np.column_stack([np.cos(turn), np.sin(turn)]) + noise * random.normal(size=(rows, 2))


def test_functions_of_the_landscape():
    random = np.random.default_rng(0)
    bars = np.sort(random.random((7, 2)), axis=1)
    grid = np.linspace(0, 1, 20_001)
    found = landscape_values(bars, grid, 9)
    assert (np.diff(found, axis=0) <= 0).all()
    assert not found[7:].any()
    for place in (100, 9000, 15_000):
        tents = sorted((max(0, min(grid[place] - b, d - grid[place])) for b, d in bars), reverse=True)
        assert found[:7, place] == pytest.approx(tents)
    squares = np.square(found).sum() * (grid[1] - grid[0])
    assert squares**0.5 == pytest.approx(landscape_distance(bars, []), rel=1e-4)
    assert landscape_values([], grid[:3], 2).tolist() == [[0.0] * 3] * 2


def test_the_band_is_the_mean_of_random_sets_with_its_bootstrap(monkeypatch):
    seen = []
    plain = module.diagram
    monkeypatch.setattr(module, "diagram", lambda *given: seen.append(plain(*given)) or seen[-1])
    points = noisy_circle()
    found = diagram_band(points, landmarks=40, repeats=12, functions=2, scales=50)
    assert seen[0].to_dict() == plain(points, 1, 40).to_dict()
    each = np.stack([landscape_values(one.finite, found.grid, 2) for one in seen[1:]])
    assert len(each) == 12
    assert all((one.n_points, one.n_landmarks) == (40, 40) for one in seen[1:])
    assert found.mean == pytest.approx(each.mean(axis=0))
    assert found.mean.shape == (2, 50)
    half = found.high - found.mean
    assert half == pytest.approx(half[0, 0])
    assert found.low == pytest.approx(np.maximum(found.mean - half, 0))
    # Where all scales but one are left out the band is that of a mean: 1.96 standard errors.
    widest = each.std(axis=0).max() / 12**0.5
    assert 1.9 * widest < half[0, 0] < 4 * widest
    assert (found.grid[0], found.grid[-1]) == (0.0, max(one.finite[:, 1].max() for one in seen))


def test_coverage():
    points = noisy_circle(150, noise=0.15)
    truth = diagram_band(points, landmarks=25, repeats=1500, seed=10_000, scales=60)
    held, trials = 0, 60
    for seed in range(trials):
        found = diagram_band(points, landmarks=25, repeats=40, seed=seed, level=0.9, scales=60)
        mean = np.interp(found.grid, truth.grid, truth.mean[0])
        held += bool(((found.low[0] <= mean + 1e-3) & (mean <= found.high[0] + 1e-3)).all())
    assert 0.78 <= held / trials <= 0.99


def test_a_loop_comes_back_and_noise_does_not():
    found = diagram_band(noisy_circle(), landmarks=80, repeats=20)
    assert found.confidence[0] == 1.0
    assert found.confidence[1:].max() < 0.9
    assert len(found.confidence) == len(found.diagram.finite)
    assert found.above_zero()[0].any()
    middle = np.argmax(found.mean[0])
    assert found.above_zero()[0, middle]
    assert found.low[0, 0] == 0.0
    assert not found.above_zero()[0, 0]
    blob = diagram_band(np.random.default_rng(1).normal(size=(400, 2)), landmarks=80, repeats=20)
    assert found.mean.max() > 3 * blob.mean.max()


def test_each_bar_stands_for_one():
    wanted = np.array([[0.0, 4.0], [0.5, 3.5]])
    assert module._returned(wanted, np.array([[0.2, 3.8]])).tolist() == [True, False]
    assert module._returned(wanted, np.array([[0.2, 3.8], [0.6, 3.4]])).tolist() == [True, True]
    assert module._returned(wanted, np.array([[2.0, 2.1]])).tolist() == [False, False]
    assert module._returned(wanted, np.empty((0, 2))).tolist() == [False, False]
    assert module._returned(np.empty((0, 2)), wanted).tolist() == []


def test_all_rows_as_landmarks_leave_nothing_to_chance():
    points = noisy_circle(30)
    found = diagram_band(points, landmarks=100, repeats=3)
    assert found.high == pytest.approx(found.mean)
    assert found.confidence.tolist() == [1.0] * len(diagram(points).bars)


def test_components_and_clouds_without_bars():
    found = diagram_band(noisy_circle(60), dimension=0, landmarks=20, repeats=5)
    assert np.isfinite(found.mean).all()
    assert len(found.confidence) == 19
    line = diagram_band(np.linspace(0, 1, 40)[:, None], landmarks=20, repeats=4)
    assert (line.mean.max(), line.high.max(), len(line.confidence)) == (0.0, 0.0, 0)
    assert "no bars" in repr(line)


def test_seeds_and_json():
    points = noisy_circle(100)
    one, again, other = (diagram_band(points, landmarks=30, repeats=4, seed=seed) for seed in (1, 1, 2))
    assert one.to_dict() == again.to_dict()
    assert one.mean.tolist() != other.mean.tolist()
    assert json.loads(json.dumps(one.to_dict(), allow_nan=False))["repeats"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repeats": 1}, "repeats is a whole number, at least 2; got 1"),
        ({"landmarks": None}, "landmarks is a whole number"),
        ({"functions": 0}, "functions is a whole number"),
        ({"scales": 1}, "scales is a whole number, at least 2"),
        ({"level": 1.0}, "level is a probability"),
        ({"dimension": -1}, "dimension is 0"),
    ],
)
def test_parameters_are_checked(options, message):
    with pytest.raises(InvalidConfig, match=message):
        diagram_band(noisy_circle(20), **options)
