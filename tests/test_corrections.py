"""Corrections for many tests, against plain references, scipy, and full enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from geomsim.corrections import benjamini_hochberg, holm, step_down_max_t
from geomsim.errors import InvalidConfig

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def plain_holm(p: list[float]) -> list[float]:
    """Reject step by step: the adjusted p is the smallest level at which the procedure rejects."""
    m, found = len(p), [0.0] * len(p)
    running = 0.0
    for rank, test in enumerate(sorted(range(m), key=lambda i: p[i])):
        running = max(running, min(1.0, (m - rank) * p[test]))
        found[test] = running
    return found


def plain_max_t(observed: NDArray[np.float64], draws: NDArray[np.float64]) -> list[float]:
    """Westfall and Young's algorithm, loop by loop."""
    tests, m = draws.shape
    z, drawn = np.zeros(tests), np.zeros((tests, m))
    for i in range(tests):
        values = [observed[i], *draws[i]]
        mean, sd = np.mean(values), np.std(values)
        z[i], drawn[i] = (observed[i] - mean) / sd, (draws[i] - mean) / sd
    order = sorted(range(tests), key=lambda i: -z[i])
    p, running = [0.0] * tests, 0.0
    for place, test in enumerate(order):
        reached = 1
        for draw in range(m):
            reached += max(drawn[other, draw] for other in order[place:]) >= z[test] - 1e-9
        running = max(running, reached / (m + 1))
        p[test] = running
    return p


@given(p_lists)
def test_holm_is_the_plain_procedure(p: list[float]) -> None:
    np.testing.assert_allclose(holm(p), plain_holm(p))


@given(p_lists)
def test_benjamini_hochberg_is_scipys(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p, method="bh"))


@given(p_lists)
def test_corrected_values_are_never_below_the_raw_ones_and_keep_their_order(p: list[float]) -> None:
    for corrected in (holm(p), benjamini_hochberg(p)):
        assert (corrected >= np.asarray(p) - 1e-15).all()
        assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()
    assert (holm(p) >= benjamini_hochberg(p) - 1e-15).all()


@pytest.mark.parametrize("seed", range(5))
def test_max_t_is_the_plain_algorithm(seed: int) -> None:
    random = np.random.default_rng(seed)
    observed = random.normal(size=6) + np.array([3, 0, 0, 2, 0, 1])
    draws = random.normal(size=(6, 40)) * [[1], [5], [0.1], [1], [2], [1]]
    np.testing.assert_allclose(step_down_max_t(observed, draws), plain_max_t(observed, draws))


def test_one_test_alone_keeps_its_raw_p() -> None:
    draws = np.random.default_rng(0).normal(size=(1, 99))
    assert step_down_max_t([1.0], draws)[0] == pytest.approx(((draws >= 1.0).sum() + 1) / 100)


def test_copies_of_one_test_cost_nothing() -> None:
    """Perfect dependence: Holm multiplies by the number of tests, maxT by nothing."""
    draws = np.random.default_rng(0).normal(size=(1, 199)).repeat(8, axis=0)
    p = step_down_max_t(np.full(8, 2.0), draws)
    np.testing.assert_allclose(p, ((draws[0] >= 2.0).sum() + 1) / 200)
    assert holm(p).max() > 4 * p[0]


def test_family_wise_error_by_full_enumeration() -> None:
    """Two correlations over the 120 orders of 5 rows: with each order as the observed one, alarms at .1 are <= .1."""
    random = np.random.default_rng(3)
    left, right = random.normal(size=(2, 5)), random.normal(size=(2, 5))
    orders = list(itertools.permutations(range(5)))
    scores = np.array([[np.corrcoef(left[t], right[t, list(order)])[0, 1] for order in orders] for t in range(2)])
    alarms = 0
    for place in range(len(orders)):
        rest = np.delete(scores, place, axis=1)
        alarms += bool((step_down_max_t(scores[:, place], rest) <= 0.1).any())
    assert 0 < alarms <= 0.1 * len(orders)


def test_a_test_without_spread_is_no_surprise() -> None:
    p = step_down_max_t([1.0, 5.0], [[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])
    assert p[0] == 1.0
    assert p[1] == 0.25


def test_bad_input() -> None:
    with pytest.raises(InvalidConfig, match=r"numbers in \[0, 1\]; leave out tests without one"):
        holm([0.1, float("nan")])
    with pytest.raises(InvalidConfig, match=r"numbers in \[0, 1\]"):
        benjamini_hochberg([1.2])
    with pytest.raises(InvalidConfig, match=r"one row of draws per test, got \(2,\) scores and draws"):
        step_down_max_t([1, 2], np.zeros((3, 4)))
    with pytest.raises(InvalidConfig, match="finite scores and draws"):
        step_down_max_t([np.nan], np.zeros((1, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sorted", "random"])
@pytest.mark.parametrize("windows", ["sliding", "nested"])
def test_family_wise_error_over_overlapping_subsets(windows: str, kind: str) -> None:
    """Subsets of one pool share what decides their orders; neighbours that are alike must not make that a fault."""
    from geomsim.orders import subset_orders

    def correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        left, right = (side - side.mean(axis=-1, keepdims=True) for side in (left, right))
        found: NDArray[np.float64] = (left * right).sum(axis=-1)
        return found / np.linalg.norm(left, axis=-1) / np.linalg.norm(right, axis=-1)

    subsets = [np.arange(start, start + 40) for start in range(0, 22, 2)]
    if windows == "nested":
        subsets = [np.arange(rows) for rows in (15, 20, 25, 30, 40, 50, 59)]
    random, alarms = np.random.default_rng(1), 0
    for seed in range(600):
        left, right = random.normal(size=(2, 60))
        right = np.sort(right) if kind == "sorted" else right
        orders = [np.array(list(subset_orders(rows, 60, 199, seed))) for rows in subsets]
        observed = [correlation(left[rows], right[rows]) for rows in subsets]
        draws = [correlation(left[rows], right[rows][order]) for rows, order in zip(subsets, orders, strict=True)]
        alarms += bool((step_down_max_t(observed, draws) <= 0.05).any())
    assert alarms / 600 <= 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5
