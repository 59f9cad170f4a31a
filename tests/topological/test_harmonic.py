"""Smoothing against sparse least squares, and the reduction of mixed loops against search."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr
from scipy.spatial.distance import cdist

from geomsim_topological.circles.cocycles import integer_cocycle, loops_of
from geomsim_topological.circles.harmonic import edge_weights, simplest, smoothed


def noisy_circle(n, seed=0, noise=0.05):
    random = np.random.default_rng(seed)
    turn = np.sort(random.uniform(0, 2 * np.pi, n))
    return turn, np.column_stack([np.cos(turn), np.sin(turn)]) + noise * random.normal(size=(n, 2))


@pytest.mark.parametrize("kind", ["density", "uniform"])
def test_angles_are_the_least_squares(kind):
    points = noisy_circle(50)[1]
    distances = cdist(points, points)
    loops = loops_of(distances, 47)
    scale = float(loops.bars[0].mean())
    cocycle = integer_cocycle(loops, 0, scale)[0]
    weights = edge_weights(distances, scale, kind)
    found = smoothed(cocycle, weights)
    start, end = np.nonzero(np.triu(weights))
    roots = np.sqrt(weights[start, end])
    rows = np.arange(len(start))
    gradient = csr_array(
        (np.concatenate([-roots, roots]), (np.concatenate([rows, rows]), np.concatenate([start, end])))
    )
    expected = lsqr(gradient, roots * cocycle[start, end], atol=1e-14, btol=1e-14)[0]
    assert found.angles - found.angles.mean() == pytest.approx(expected - expected.mean(), abs=1e-9)
    assert found.energy == pytest.approx(np.square(roots * found.steps[start, end]).sum() / np.square(roots).sum())
    # Steps are those of the angles up to whole turns, and around the loop they add up to one.
    turns = found.angles[None, :] - found.angles[:, None] - found.steps
    assert turns[start, end] == pytest.approx(np.rint(turns[start, end]), abs=1e-9)
    around = np.arange(50)
    assert abs(found.steps[around, np.roll(around, -1)].sum()) == pytest.approx(1.0, abs=1e-9)


def test_weights_are_those_of_the_definition():
    points = noisy_circle(12)[1]
    distances = cdist(points, points)
    found = edge_weights(distances, 0.9, "density")
    kernel = np.exp(-(distances**2) / (2 * 0.3**2)) * (distances <= 0.9)
    for i, j in product(range(12), repeat=2):
        expected = 0.0 if i == j else kernel[i, j] / (kernel[i].sum() * kernel[j].sum())
        assert found[i, j] == pytest.approx(expected)
    assert (
        edge_weights(distances, 0.9, "uniform").tolist()
        == ((distances <= 0.9) & (distances > 0)).astype(float).tolist()
    )


def test_parts_without_the_loop_are_told():
    circle = noisy_circle(30)[1]
    points = np.concatenate([circle, circle * 0.1 + 50.0])
    distances = cdist(points, points)
    loops = loops_of(distances, 47)
    scale = float(loops.bars[0].mean())
    found = smoothed(integer_cocycle(loops, 0, scale)[0], edge_weights(distances, scale, "density"))
    assert found.carrying.tolist() == [True] * 30 + [False] * 30
    assert np.abs(found.steps[30:, 30:]).max() < 1e-12


@pytest.mark.parametrize(
    "mixing", [[[1, 0], [1, 1]], [[1, 1], [0, 1]], [[2, 1], [1, 1]], [[1, 0], [-3, 1]], [[3, 2], [4, 3]]]
)
def test_mixed_loops_are_taken_apart(mixing):
    random = np.random.default_rng(0)
    weights = np.ones((6, 6))
    basis = np.linalg.qr(random.normal(size=(36, 2)))[0].T.reshape(2, 6, 6) * np.array([1.0, 1.3])[:, None, None]
    forms = list(np.tensordot(mixing, basis, axes=1))
    found = simplest(forms, weights)
    assert abs(round(np.linalg.det(found))) == 1
    apart = found @ np.array(mixing)
    assert sorted(np.abs(apart).tolist()) == [[0, 1], [1, 0]]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_simpler_is_one_step_away(seed):
    random = np.random.default_rng(seed)
    forms = list(random.normal(size=(3, 5, 5)))
    weights = np.ones((5, 5))
    found = simplest(forms, weights)
    made = np.tensordot(found, np.stack(forms), axes=1)
    assert abs(round(np.linalg.det(found))) == 1
    for one, other in product(range(3), repeat=2):
        if one != other:
            for sign in (-1, 1):
                assert (made[one] ** 2).sum() <= ((made[one] + sign * made[other]) ** 2).sum() * (1 + 1e-5)


def test_equally_simple_loops_stay_as_they_are():
    # Two of length 1 at 60 degrees: taking one off the other changes no length.
    one, other = np.array([[1.0, 0.0]]), np.array([[0.5, 0.75**0.5]])
    assert simplest([one, other], np.ones((1, 2))).tolist() == [[1, 0], [0, 1]]
