"""Exact transport against linear programming, and the guards around the solver."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geomsim import GeomsimError
from geomsim_topological.transport import checked, exact_transport


def cheapest(cost, p, q):
    k, m = cost.shape
    sums = np.concatenate([np.kron(np.eye(k), np.ones(m)), np.kron(np.ones(k), np.eye(m))])
    return linprog(cost.ravel(), A_eq=sums, b_eq=np.concatenate([p, q]), method="highs").fun


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000))
@settings(max_examples=60)
def test_value_is_that_of_linear_programming(k, m, seed):
    random = np.random.default_rng(seed)
    p, q = random.dirichlet(np.ones(k)), random.dirichlet(np.ones(m))
    cost = random.random((k, m))
    found = exact_transport(cost, p, q)
    assert found.value == pytest.approx(cheapest(cost, p, q), abs=1e-9)
    assert found.plan.sum(axis=1) == pytest.approx(p)
    assert found.plan.sum(axis=0) == pytest.approx(q)


def test_whole_numbers_are_costs_too():
    random = np.random.default_rng(0)
    cost = random.integers(0, 9, size=(6, 5))
    p, q = random.dirichlet(np.ones(6)), random.dirichlet(np.ones(5))
    assert exact_transport(cost, p, q).value == pytest.approx(cheapest(cost.astype(float), p, q))
    assert exact_transport([[0, 1], [1, 0]], [1, 0], [0, 1]).value == 1.0


def test_places_without_mass_are_allowed():
    found = exact_transport(np.ones((3, 2)), [0.5, 0.0, 0.5], [0.0, 1.0])
    assert found.value == 1.0
    assert found.plan[1].sum() == 0.0


@pytest.mark.parametrize(
    ("cost", "left", "right", "message"),
    [
        (np.ones((2, 3)), [0.5, 0.5], [0.5, 0.5], r"must be \(left, right\), \(2, 2\), got \(2, 3\)"),
        ([[0.0, np.inf], [1.0, 0.0]], [0.5, 0.5], [0.5, 0.5], r"1 costs are not finite, first at \(0, 1\)"),
        (np.ones((2, 2)), [0.5, 0.6], [0.5, 0.5], "left mass sums to 1.1, expected 1"),
        (np.ones((2, 2)), [0.5, 0.5], [1.5, -0.5], "right mass has entries that are negative"),
        (np.ones((2, 2)), [0.5, 0.5], [np.nan, 0.5], "right mass has entries that are negative or not finite"),
        (np.ones((0, 2)), [], [0.5, 0.5], "left mass is one number for each place"),
    ],
)
def test_what_is_no_problem_of_transport_is_refused(cost, left, right, message):
    with pytest.raises(GeomsimError, match=message):
        exact_transport(cost, left, right)


def test_answers_that_are_no_plan_are_refused():
    half, cost = np.array([0.5, 0.5]), np.ones((2, 2))
    assert checked(np.diag(half), cost, half, half).value == 1.0
    with pytest.raises(GeomsimError, match=r"total mass 0 whose left marginal misses the mass by 0.5"):
        checked(np.zeros((2, 2)), cost, half, half)
    with pytest.raises(GeomsimError, match="right marginal misses"):
        checked(np.array([[0.5, 0.0], [0.5, 0.0]]), cost, half, half)
    with pytest.raises(GeomsimError, match="not finite"):
        checked(np.full((2, 2), np.nan), cost, half, half)
    with pytest.raises(GeomsimError, match="negative mass"):
        checked(np.array([[1.0, -0.5], [-0.5, 1.0]]), cost, half, half)


def test_a_solver_that_gives_up_is_an_error(monkeypatch):
    solve = ot.emd
    monkeypatch.setattr(ot, "emd", lambda *given, numItermax, **options: solve(*given, numItermax=1, **options))
    random = np.random.default_rng(0)
    with (
        pytest.warns(UserWarning, match="numItermax"),
        pytest.raises(GeomsimError, match="gave up on 30 x 30 masses"),
    ):
        exact_transport(random.random((30, 30)), np.full(30, 1 / 30), random.dirichlet(np.ones(30)))
