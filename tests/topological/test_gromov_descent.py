"""What each step of the solvers promises: never up, masses kept, and the change that the formula says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim_topological.couplings.gromov_descent import descend, exchanged, gradient_step
from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.gromov_starts import monotone_plan, random_vertex, starting_plans
from geomsim_topological.couplings.measured_space import measured_space
from geomsim_topological.kernels.exchange_kernel import exchange_cells


def problem(n_left, n_right, seed, alpha=1.0, uniform=False):
    random = np.random.default_rng(seed)
    spaces = []
    for n in (n_left, n_right):
        points = random.normal(size=(n, 3))
        distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
        spaces.append(measured_space(distances, None if uniform else random.dirichlet(np.full(n, 2.0))))
    linear = None if alpha == 1.0 else random.random((n_left, n_right))
    return GromovProblem(spaces[0], spaces[1], linear, alpha)


def misses(given_problem, plan):
    return max(
        np.abs(plan.sum(axis=1) - given_problem.left.mass).max(),
        np.abs(plan.sum(axis=0) - given_problem.right.mass).max(),
        -plan.min(),
    )


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 1000), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
@settings(max_examples=60)
def test_every_start_is_a_plan_and_no_step_goes_up(n_left, n_right, seed, alpha, uniform):
    given_problem = problem(n_left, n_right, seed, alpha, uniform)
    for plan in starting_plans(given_problem, 8, seed):
        assert misses(given_problem, plan) < 1e-12
        value = given_problem.value(plan)
        for step in (exchanged, lambda one, other: gradient_step(one, other)[0], descend):
            after = step(given_problem, plan.copy())
            assert misses(given_problem, after) < 1e-12
            assert given_problem.value(after) <= value + 1e-12


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 1000))
@settings(max_examples=60)
def test_an_exchange_changes_the_objective_by_what_the_formula_says(n_left, n_right, seed):
    given_problem = problem(n_left, n_right, seed, 0.6)
    left, right = given_problem.left.distances, given_problem.right.distances
    random = np.random.default_rng(seed)
    plan = random_vertex(given_problem.left.mass, given_problem.right.mass, random)
    cells = np.argwhere(plan > 0)
    (i, j), (k, m) = cells[random.choice(len(cells), 2, replace=False)]
    amount = min(plan[i, j], plan[k, m])
    after = plan.copy()
    for row, column, change in ((i, j, -1), (k, m, -1), (i, m, 1), (k, j, 1)):
        after[row, column] += change * amount
    slope = given_problem.gradient(given_problem.moved(plan))
    expected = amount * (slope[i, m] + slope[k, j] - slope[i, j] - slope[k, m])
    expected -= 8 * 0.6 * amount**2 * left[i, k] * right[j, m]
    assert given_problem.value(after.clip(0)) - given_problem.value(plan) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_after_the_search_no_exchange_of_two_cells_gains(seed):
    given_problem = problem(8, 10, seed)
    plan = exchanged(
        given_problem, random_vertex(given_problem.left.mass, given_problem.right.mass, np.random.default_rng(seed))
    )
    value = given_problem.value(plan)
    cells = np.argwhere(plan > 0)
    for i, j in cells:
        for k, m in cells:
            amount = min(plan[i, j], plan[k, m])
            after = plan.copy()
            for row, column, change in ((i, j, -1), (k, m, -1), (i, m, 1), (k, j, 1)):
                after[row, column] += change * amount
            assert given_problem.value(after.clip(0)) >= value - 1e-10


def test_the_kernel_keeps_the_gradient_and_stops_when_told():
    given_problem = problem(12, 15, 0)
    left, right = given_problem.left.distances, given_problem.right.distances
    start = random_vertex(given_problem.left.mass, given_problem.right.mass, np.random.default_rng(0))
    values = []
    for most in (0, 1, 5, 10_000):
        plan = start.copy()
        slope = given_problem.gradient(given_problem.moved(plan))
        done = exchange_cells(plan, slope, left, right, 1.0, 1e-12, most)
        assert done == most or most == 10_000
        assert slope == pytest.approx(given_problem.gradient(given_problem.moved(plan)), abs=1e-11)
        values.append(given_problem.value(plan))
    assert (np.diff(values) < 0).all()


def test_both_ways_of_summing_the_distortion_agree(monkeypatch):
    given_problem = problem(9, 7, 1)
    plan = np.outer(given_problem.left.mass, given_problem.right.mass)
    exact = given_problem.distortion(plan)
    monkeypatch.setattr("geomsim_topological.couplings.gromov_problem._TILE_PAIRS", 100)
    assert given_problem.distortion(plan) == pytest.approx(exact, rel=1e-13)
    monkeypatch.setattr("geomsim_topological.couplings.gromov_problem._MOST_PAIRS", 0)
    assert given_problem.distortion(plan) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("most", [0, 1 << 27])
def test_no_plan_is_taken_on_trust(monkeypatch, most):
    monkeypatch.setattr("geomsim_topological.couplings.gromov_problem._MOST_PAIRS", most)
    given_problem = problem(4, 5, 0)
    plan = np.outer(given_problem.left.mass, given_problem.right.mass)
    for wrong, message in (
        (np.full((4, 5), np.nan), "not finite"),
        (np.zeros((4, 5)), "total mass 0"),
        (0.9 * plan, "total mass 0.9"),
        (plan + np.array([[1e-3, -1e-3, 0, 0, 0]] + 3 * [[0] * 5]), "right marginal misses the mass by 0.001"),
    ):
        with pytest.raises(GeomsimError, match=message):
            given_problem.value(wrong)


def test_plans_on_the_line():
    assert monotone_plan(np.array([0.2, 0.8]), np.array([1.0])).tolist() == [[0.2], [0.8]]
    random = np.random.default_rng(0)
    p, q = random.dirichlet(np.ones(40)), random.dirichlet(np.ones(30))
    plan = monotone_plan(p, q)
    assert plan.sum(axis=1) == pytest.approx(p, abs=1e-14)
    assert plan.sum(axis=0) == pytest.approx(q, abs=1e-14)
    assert np.count_nonzero(plan) <= 69
    rows, columns = np.nonzero(plan)
    assert (np.diff(columns) >= 0).all()
    assert (np.diff(rows) >= 0).all()
