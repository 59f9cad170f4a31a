"""The landscape distance against closed forms and a plain sum over a fine grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim_topological.persistence import landscape_distance

bars = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda ends: (ends[0] / 4, (ends[0] + ends[1]) / 4)), max_size=6
)


def plain(left, right, steps=4000):
    """Middle-point rule over a grid; tents sorted at each place."""
    edges = np.linspace(0, 4.5, steps + 1)
    at = (edges[1:] + edges[:-1]) / 2
    sides = []
    for side in (left, right):
        tents = [np.maximum(0, np.minimum(at - birth, death - at)) for birth, death in side]
        levels = np.sort(np.array(tents + [np.zeros(steps)] * (8 - len(tents))), axis=0)[::-1]
        sides.append(levels)
    return np.sqrt(((sides[0] - sides[1]) ** 2).sum() * (edges[1] - edges[0]))


@given(bars, bars)
@settings(max_examples=80)
def test_integral_of_a_fine_grid(left, right):
    assert landscape_distance(left, right) == pytest.approx(plain(left, right), abs=2e-3)


@pytest.mark.parametrize("length", [1e-3, 1.0, 7.5])
def test_one_bar(length):
    assert landscape_distance([(0.3, 0.3 + length)], []) == pytest.approx((length**3 / 12) ** 0.5, rel=1e-9)


def test_nested_bars_are_two_levels():
    # Two tents, one within the other: the levels do not cross, so squares add up.
    expected = ((4.0**3 + 2.0**3) / 12) ** 0.5
    assert landscape_distance([(0, 4), (1, 3)], []) == pytest.approx(expected, rel=1e-12)


def test_crossing_bars():
    # (0, 2) and (1, 3): the second level is the tent of (1, 2), the first the rest of both.
    both = landscape_distance([(0, 2), (1, 3)], [])
    assert both == pytest.approx((2 * 2.0**3 / 12) ** 0.5, rel=1e-12)
    assert landscape_distance([(0, 2), (1, 3)], [(1, 2)]) == pytest.approx(plain([(0, 2), (1, 3)], [(1, 2)]), abs=1e-3)


@given(bars, bars, bars)
@settings(max_examples=40)
def test_a_distance_it_is(left, right, third):
    there = landscape_distance(left, right)
    assert there == pytest.approx(landscape_distance(right, left), abs=1e-12)
    assert landscape_distance(left, left[::-1]) == 0.0
    assert there <= landscape_distance(left, third) + landscape_distance(third, right) + 1e-9


def test_many_bars():
    random = np.random.default_rng(0)
    left, right = (np.sort(random.random((size, 2)), axis=1) for size in (60, 90))
    edges = np.linspace(0, 1, 20_001)
    at = (edges[1:] + edges[:-1])[:, None] / 2
    levels = []
    for side in (left, right):
        tents = np.minimum(at - side[:, 0], side[:, 1] - at).clip(min=0)
        levels.append(np.pad(np.sort(tents, axis=1)[:, ::-1], ((0, 0), (0, 90 - len(side)))))
    expected = (np.square(levels[0] - levels[1]).sum() / 20_000) ** 0.5
    assert landscape_distance(left, right) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("factor", [1e-100, 1e-5, 1e100])
def test_scale(factor):
    random = np.random.default_rng(1)
    left, right = (np.sort(random.random((12, 2)), axis=1) for _ in range(2))
    expected = factor**1.5 * landscape_distance(left, right)
    assert landscape_distance(left * factor, right * factor) == pytest.approx(expected, rel=1e-9)


def test_infinite_bars_are_refused():
    with pytest.raises(GeomsimError, match="1 bars never die"):
        landscape_distance([(0, np.inf)], [])
    assert landscape_distance([], []) == 0.0
    assert landscape_distance([(1, 1)], []) == 0.0
