"""Cocycles in whole numbers against the definition, and the torsion that has none."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.circles import cocycles as module
from geomsim_topological.circles.cocycles import integer_cocycle, is_cocycle, lift, loops_of
from geomsim_topological.circular_coordinates import circular_coordinates
from geomsim_topological.persistence import diagram_of_distances


def cloud(seed, n=40):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 3)) * [1.0, 1.0, 0.3]


@given(st.integers(3, 9), st.integers(0, 10_000))
@settings(max_examples=60)
def test_every_triangle_is_looked_at(n, seed):
    random = np.random.default_rng(seed)
    joined = random.random((n, n)) < 0.8
    joined = joined | joined.T | np.eye(n, dtype=bool)
    heights = random.integers(-2, 3, n)
    values = (heights - heights[:, None]) * joined
    assert is_cocycle(values, joined)
    one, other = random.choice(n, 2, replace=False)
    values[one, other] += 1
    values[other, one] -= 1
    expected = all(
        values[i, j] + values[j, k] == values[i, k]
        for i, j, k in combinations(range(n), 3)
        if joined[i, j] and joined[j, k] and joined[i, k]
    )
    assert is_cocycle(values, joined) == expected


@pytest.mark.parametrize("field", [3, 47, 127])
@pytest.mark.parametrize("seed", range(4))
def test_each_bar_has_a_cocycle_wherever_it_lives(seed, field):
    points = cloud(seed)
    distances = cdist(points, points)
    loops = loops_of(distances, field)
    assert loops.bars.tolist() == diagram_of_distances(distances, field=field).bars.tolist()
    for bar, (birth, death) in enumerate(loops.bars[:6]):
        for scale in (birth, (birth + death) / 2, np.nextafter(death, 0)):
            joined = distances <= scale
            found, prime = integer_cocycle(loops, bar, scale)
            assert prime == field
            assert is_cocycle(found, joined)
            assert (found == -found.T).all()
            assert not found[~joined].any()
            # No differences of heights: somewhere it goes round.
            edges = np.argwhere(joined & (np.arange(len(joined))[:, None] < np.arange(len(joined))))
            boundary = np.zeros((len(edges), len(joined)))
            boundary[np.arange(len(edges)), edges[:, 0]] = -1
            boundary[np.arange(len(edges)), edges[:, 1]] = 1
            wanted = found[edges[:, 0], edges[:, 1]]
            left = wanted - boundary @ np.linalg.lstsq(boundary, wanted, rcond=None)[0]
            assert np.abs(left).max() > 1e-6


def test_values_are_lifted_to_the_whole_numbers_nearest_zero():
    found = lift(np.array([[0, 1, 23], [1, 2, 24], [0, 2, 46]]), 3, 47)
    assert found.tolist() == [[0, 23, -1], [-23, 0, -23], [1, 23, 0]]


def projective_plane(n=60):
    """The matrices x x' of points on a sphere, where x and -x are one."""
    place = np.arange(n) + 0.5
    height, turn = 1 - place / n, np.pi * (1 + 5**0.5) * place
    width = np.sqrt(1 - height**2)
    sphere = np.column_stack([width * np.cos(turn), width * np.sin(turn), height])
    return (sphere[:, :, None] * sphere[:, None, :]).reshape(n, 9)


def test_torsion_has_no_angle():
    points = projective_plane()
    distances = cdist(points, points)
    only_even = loops_of(distances, 2)
    lengths = only_even.bars[:, 1] - only_even.bars[:, 0]
    assert lengths[0] > 3 * lengths[1:].max(initial=0.0)
    with pytest.raises(GeomsimError, match=r"none in whole numbers at scale .* any of 2, 47, 53.*try another scale"):
        circular_coordinates(points, field=2)


def test_another_prime_is_tried(monkeypatch):
    distances = cdist(cloud(0), cloud(0))
    loops = loops_of(distances, 47)
    scale = float(loops.bars[0].mean())
    plain = module.lift
    broken = {47, 53}

    def sometimes_wrong(cocycle, points, prime):
        found = plain(cocycle, points, prime)
        if prime in broken:
            near = np.argwhere(np.triu(distances <= scale, 1))[0]
            found[near[0], near[1]] += 5
        return found

    monkeypatch.setattr(module, "lift", sometimes_wrong)
    found, prime = integer_cocycle(loops, 0, scale)
    assert prime == 59
    assert is_cocycle(found, distances <= scale)


def test_fields_are_checked():
    with pytest.raises(InvalidConfig, match="field is a prime up to 127"):
        loops_of(np.zeros((2, 2)), 49)
    assert loops_of(np.zeros((1, 1)), 47).bars.shape == (0, 2)
