"""Partial and unbalanced transport against linear programming and POT, and the parameters that are refused."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.plans.unmatched import Matching, partial_transport, unbalanced_transport
from geomsim_topological.transport import exact_transport


def problem(k, m, seed):
    random = np.random.default_rng(seed)
    return random.random((k, m)), random.dirichlet(np.ones(k)), random.dirichlet(np.ones(m))


def sums(k, m):
    return np.concatenate([np.kron(np.eye(k), np.ones(m)), np.kron(np.ones(k), np.eye(m))])


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.01, 1.0), st.integers(0, 10_000))
@settings(max_examples=60)
def test_partial_is_the_linear_programme(k, m, mass, seed):
    cost, p, q = problem(k, m, seed)
    expected = linprog(
        cost.ravel(), A_ub=sums(k, m), b_ub=np.concatenate([p, q]), A_eq=np.ones((1, k * m)), b_eq=[mass]
    ).fun
    found = partial_transport(cost, p, q, mass)
    assert found.value == pytest.approx(expected, abs=1e-8)
    assert found.plan.sum() == pytest.approx(mass, abs=1e-9)
    assert (found.plan.sum(axis=1) <= p + 1e-9).all()
    assert (found.plan.sum(axis=0) <= q + 1e-9).all()


def test_partial_is_that_of_pot():
    for seed in range(5):
        cost, p, q = problem(8, 6, seed)
        theirs = ot.partial.partial_wasserstein(p, q, cost, m=0.7)
        assert partial_transport(cost, p, q, 0.7).value == pytest.approx(float((theirs * cost).sum()), abs=1e-9)


def test_partial_moves_no_more_than_asked_where_more_would_cost_nothing():
    for seed in range(10):
        _, p, q = problem(4, 5, seed)
        found = partial_transport(np.zeros((4, 5)), p, q, 0.3)
        assert found.plan.sum() == pytest.approx(0.3)
        assert found.value == 0.0


def test_partial_of_everything_is_balanced():
    cost, p, q = problem(6, 5, 1)
    assert partial_transport(cost, p, q, 1.0).value == exact_transport(cost, p, q).value
    assert partial_transport(cost, p, q, 1).value == exact_transport(cost, p, q).value


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.01, 1.0), st.integers(0, 10_000))
@settings(max_examples=60)
def test_unbalanced_is_the_linear_programme(k, m, price, seed):
    cost, p, q = problem(k, m, seed)
    # With P 1 <= p, the penalty is price (2 - 2 sum P).
    expected = linprog((cost - 2 * price).ravel(), A_ub=sums(k, m), b_ub=np.concatenate([p, q])).fun + 2 * price
    found = unbalanced_transport(cost, p, q, price)
    assert found.value == pytest.approx(expected, abs=1e-8)
    penalty = np.abs(p - found.plan.sum(axis=1)).sum() + np.abs(q - found.plan.sum(axis=0)).sum()
    assert found.value == pytest.approx((found.plan * cost).sum() + price * penalty, abs=1e-9)
    assert (cost[found.plan > 1e-9] <= 2 * price + 1e-9).all()


@pytest.mark.filterwarnings("ignore:scipy.optimize")  # POT asks for an option that scipy drops
def test_nothing_that_pot_finds_costs_less():
    for seed in range(3):
        cost, p, q = problem(6, 7, seed)
        ours = unbalanced_transport(cost, p, q, 0.2).value
        theirs = ot.unbalanced.lbfgsb_unbalanced(p, q, cost, reg=0, reg_m=0.2, regm_div="tv")
        penalty = np.abs(p - theirs.sum(axis=1)).sum() + np.abs(q - theirs.sum(axis=0)).sum()
        value = float((theirs * cost).sum() + 0.2 * penalty)
        assert ours <= value + 1e-9
        assert ours == pytest.approx(value, rel=0.1)


def test_a_high_price_matches_everything_and_a_low_one_what_costs_nothing():
    cost, p, q = problem(6, 5, 2)
    assert unbalanced_transport(cost, p, q, 0.5).value == pytest.approx(exact_transport(cost, p, q).value)
    cost[0, 0] = 0.0
    found = unbalanced_transport(cost, p, q, 1e-9)
    assert np.argwhere(found.plan > 0).tolist() == [[0, 0]]
    assert found.plan[0, 0] == pytest.approx(min(p[0], q[0]))


def test_whole_numbers_are_costs_and_masses_too():
    assert partial_transport([[0, 3], [3, 1]], [1, 0], [0, 1], 1).value == 3.0
    assert partial_transport([[0, 3], [3, 1]], [0.5, 0.5], [0.5, 0.5], 0.5).value == 0.0
    assert unbalanced_transport([[0, 3], [3, 1]], [1, 0], [0, 1], 1).value == 2.0


@pytest.mark.parametrize(
    ("cost", "left", "right", "message"),
    [
        ([[0.0, -1.0]], [1.0], [0.5, 0.5], r"the cost at \(0, 1\) is -1: .* costs are not negative"),
        ([[0.0, np.nan]], [1.0], [0.5, 0.5], r"1 costs are not finite, first at \(0, 1\)"),
        ([[0.0, np.inf]], [1.0], [0.5, 0.5], r"1 costs are not finite, first at \(0, 1\)"),
        ([[0.0, 1.0]], [0.9], [0.5, 0.5], "the left mass sums to 0.9, expected 1"),
        ([[0.0, 1.0]], [1.0], [np.nan, 0.5], "the right mass sums to nan"),
        ([[0.0, 1.0]], [1.0], [1.5, -0.5], "right mass has entries that are negative"),
        ([0.0, 1.0], [1.0], [0.5, 0.5], "one number for each left and right place"),
    ],
)
def test_what_is_no_problem_of_transport_is_refused(cost, left, right, message):
    with pytest.raises(GeomsimError, match=message):
        partial_transport(cost, left, right, 0.5)
    with pytest.raises(GeomsimError, match=message):
        unbalanced_transport(cost, left, right, 0.3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "entropic"}, "variant is one of 'balanced', 'partial', 'unbalanced', got 'entropic'"),
        ({"variant": "partial"}, "variant='partial' needs the share of mass to match, for example mass=0.8"),
        ({"variant": "partial", "mass": 0.0}, "above 0 and at most 1, got 0.0"),
        ({"variant": "partial", "mass": 1.2}, "above 0 and at most 1, got 1.2"),
        ({"variant": "partial", "mass": "half"}, "above 0 and at most 1, got 'half'"),
        ({"mass": 0.5}, "mass=0.5 is for variant='partial', and the variant is 'balanced'"),
        ({"variant": "unbalanced", "mass": 0.5}, "mass=0.5 is for variant='partial'"),
        ({"variant": "unbalanced", "regularisation": 0.0}, "price of a unit of unmatched mass, above 0, got 0.0"),
        ({"variant": "unbalanced", "regularisation": np.inf}, "above 0, got inf"),
        ({"regularisation": 0.5}, "regularisation=0.5 is for variant='unbalanced'"),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(InvalidConfig, match=message):
        Matching(**parameters)


def test_the_price_has_a_default():
    assert Matching("unbalanced").regularisation == 0.4
    cost, p, q = problem(4, 4, 3)
    assert Matching("unbalanced").solve(cost, p, q).value == unbalanced_transport(cost, p, q, 0.4).value
    assert Matching("partial", mass=0.5).solve(cost, p, q).value == partial_transport(cost, p, q, 0.5).value
    assert Matching().solve(cost, p, q).value == exact_transport(cost, p, q).value
