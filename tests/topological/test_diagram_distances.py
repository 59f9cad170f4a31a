"""Bottleneck and Wasserstein distance against matching by enumeration and assignment of every bar and diagonal."""

from __future__ import annotations

import gudhi.hera
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.persistence import bottleneck_distance, wasserstein_distance

bars = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 9)).map(lambda ends: (ends[0] / 4, (ends[0] + ends[1]) / 4)),
    max_size=7,
)


def costs(left, right):
    """(m + n, m + n): bars of one side and diagonal places of the other; two diagonal places cost nothing."""
    left, right = (np.array(side, dtype=float).reshape(-1, 2) for side in (left, right))
    m, n = len(left), len(right)
    cost = np.zeros((m + n, m + n))
    cost[:m, :n] = np.abs(left[:, None] - right).max(axis=2, initial=0)
    cost[:m, n:] = ((left[:, 1] - left[:, 0]) / 2)[:, None]
    cost[m:, :n] = (right[:, 1] - right[:, 0]) / 2
    return cost


def by_assignment(left, right, order):
    cost = costs(left, right) ** order
    return cost[linear_sum_assignment(cost)].sum() ** (1 / order)


def by_trial(left, right):
    """The least cost at which all can be matched."""
    cost = costs(left, right)
    for level in np.unique(cost):
        matched = maximum_bipartite_matching(csr_array((cost <= level).astype(int)), perm_type="column")
        if (matched >= 0).all():
            return level
    return 0.0


@given(bars, bars)
@settings(max_examples=150)
def test_bottleneck_is_the_least_that_matches_all(left, right):
    assert bottleneck_distance(left, right) == pytest.approx(by_trial(left, right), abs=1e-12)


@given(bars, bars, st.sampled_from([1, 2]))
@settings(max_examples=150)
def test_wasserstein_is_the_cheapest_assignment(left, right, order):
    assert wasserstein_distance(left, right, order) == pytest.approx(by_assignment(left, right, order), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_many_bars(seed):
    random = np.random.default_rng(seed)
    left, right = (np.sort(random.random((size, 2)), axis=1) for size in (90, 70))
    assert bottleneck_distance(left, right) == pytest.approx(by_trial(left, right), abs=1e-13)
    for order in (1, 2):
        found = wasserstein_distance(left, right, order)
        assert found == pytest.approx(by_assignment(left, right, order), rel=1e-12)
        assert found == pytest.approx(gudhi.hera.wasserstein_distance(left, right, float(order), delta=1e-4), rel=1e-3)


def test_the_documented_example():
    left = [(2.7, 3.7), (9.6, 14), (34.2, 34.974), (3, np.inf)]
    right = [(2.8, 4.45), (9.5, 14.1), (3.2, np.inf)]
    assert bottleneck_distance(left, right) == pytest.approx(0.75, abs=1e-12)


DISTANCES = [bottleneck_distance, wasserstein_distance, lambda left, right: wasserstein_distance(left, right, order=2)]


@pytest.mark.parametrize("distance", DISTANCES)
class TestBoth:
    def test_infinite_bars_are_matched_by_birth(self, distance):
        assert distance([(3, np.inf)], [(3.5, np.inf)]) == 0.5
        assert distance([(3, np.inf), (0, 1)], [(3.5, np.inf), (0, 1)]) == 0.5
        assert distance([(0, np.inf), (5, np.inf)], [(5, np.inf), (0, np.inf)]) == 0.0
        assert distance([(0, np.inf)], []) == np.inf
        assert distance([(0, np.inf)], [(0, 1)]) == np.inf

    def test_one_bar_goes_to_the_diagonal(self, distance):
        assert distance([(1.0, 3.0)], []) == 1.0
        assert distance([], [(1.0, 3.0)]) == 1.0
        assert distance([], []) == 0.0
        assert distance([(2.0, 2.0)], [(5.0, 5.0)]) == 0.0

    @given(left=bars, right=bars, third=bars)
    @settings(max_examples=40)
    def test_distances_they_are(self, distance, left, right, third):
        there = distance(left, right)
        assert there == pytest.approx(distance(right, left), abs=1e-12)
        assert distance(left, left[::-1]) == pytest.approx(0.0, abs=1e-12)
        assert there <= distance(left, third) + distance(third, right) + 1e-9

    @pytest.mark.parametrize("factor", [1e-200, 1e-9, 1e9, 1e200])
    def test_scale(self, distance, factor):
        random = np.random.default_rng(1)
        left, right = (np.sort(random.random((12, 2)), axis=1) for _ in range(2))
        assert distance(left * factor, right * factor) == pytest.approx(factor * distance(left, right), rel=1e-9)

    def test_what_is_no_list_of_bars_is_refused(self, distance):
        with pytest.raises(GeomsimError, match="die before it"):
            distance([(1.0, 0.0)], [])


def test_other_orders_and_too_many_bars_are_refused(monkeypatch):
    with pytest.raises(InvalidConfig, match="order is 1 or 2, got 3"):
        wasserstein_distance([], [], order=3)
    monkeypatch.setattr("geomsim_topological.homology.diagram_distances._MOST_PAIRS", 3)
    with pytest.raises(InvalidConfig, match="2 bars against 2 are too many"):
        wasserstein_distance([(0, 1), (0, 2)], [(0, 1), (0, 2)])
