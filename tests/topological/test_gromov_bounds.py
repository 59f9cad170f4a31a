"""Lower bounds against linear programs, and below every plan."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geomsim_topological.couplings.gromov import gromov_plan, lower_bound
from geomsim_topological.couplings.gromov_bounds import (
    first_lower_bound,
    line_transport,
    local_costs,
    second_lower_bound,
    third_lower_bound,
)
from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.measured_space import measured_space


def by_programming(cost, p, q):
    """The cheapest plan by linear programming."""
    sums = np.concatenate([np.kron(np.eye(len(p)), np.ones(len(q))), np.kron(np.ones(len(p)), np.eye(len(q)))])
    return linprog(np.ravel(cost), A_eq=sums, b_eq=np.concatenate([p, q])).fun


def on_the_line(left, p, right, q):
    return by_programming(np.square(np.subtract.outer(left, right)), p, q)


def space(n_points, seed, whole=False):
    random = np.random.default_rng(seed)
    points = random.integers(0, 3, size=(n_points, 2)) if whole else random.normal(size=(n_points, 2))
    return measured_space(
        np.linalg.norm(points[:, None] - points[None], axis=-1), random.dirichlet(np.full(n_points, 2.0))
    )


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000), st.booleans())
@settings(max_examples=50)
def test_transport_on_the_line_as_a_linear_program(n_left, n_right, seed, whole):
    random = np.random.default_rng(seed)
    values = [random.integers(0, 4, size=n) * 1.0 if whole else random.normal(size=n) for n in (n_left, n_right)]
    p, q = (random.dirichlet(np.ones(n)) for n in (n_left, n_right))
    found = line_transport(values[0], p, values[1], q)
    assert found == pytest.approx(on_the_line(values[0], p, values[1], q), abs=1e-8)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_each_bound_by_its_definition(seed, whole):
    left, right = space(4, seed, whole), space(5, seed + 50, whole)
    p, q = left.mass, right.mass
    eccentricities = [np.sqrt((each.distances**2 * each.mass).sum(axis=1)) for each in (left, right)]
    assert first_lower_bound(left, right) == pytest.approx(on_the_line(*_zip(eccentricities, (p, q))), abs=1e-8)
    all_distances = on_the_line(
        left.distances.ravel(), np.outer(p, p).ravel(), right.distances.ravel(), np.outer(q, q).ravel()
    )
    assert second_lower_bound(left, right) == pytest.approx(all_distances, abs=1e-8)
    local = np.array([[on_the_line(left.distances[i], p, right.distances[j], q) for j in range(5)] for i in range(4)])
    assert local_costs(left, right) == pytest.approx(local, abs=1e-8)
    assert third_lower_bound(left, right) == pytest.approx(by_programming(local, p, q), abs=1e-8)


def _zip(values, masses):
    return values[0], masses[0], values[1], masses[1]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10_000), st.booleans())
@settings(max_examples=60)
def test_bounds_are_below_the_value_and_in_their_order(n_left, n_right, seed, whole):
    left, right = space(n_left, seed, whole), space(n_right, seed + 1, whole)
    value = gromov_plan(left, right, starts=5).value
    slack = 1e-12 * max(left.diameter, right.diameter, 1.0) ** 2
    first, second = first_lower_bound(left, right), second_lower_bound(left, right)
    third = third_lower_bound(left, right)
    assert max(first, second) <= third + slack
    assert third <= value + slack
    # Nor is a plan below them that is no minimum.
    plan = np.outer(left.mass, right.mass)
    assert third <= GromovProblem(left, right).value(plan) + slack


def test_isometric_spaces_have_no_bound_above_0():
    left = space(30, 0)
    moved = np.random.default_rng(1).permutation(30)
    right = measured_space(left.distances[np.ix_(moved, moved)], left.mass[moved])
    assert [bound(left, right) for bound in (first_lower_bound, second_lower_bound, third_lower_bound)] == [0.0] * 3


def test_the_largest_bound_is_named():
    one, path = measured_space([[0]]), measured_space(np.abs(np.subtract.outer(range(5), range(5))))
    bound, name = lower_bound(GromovProblem(one, path))
    assert bound == pytest.approx(4.0)
    assert name in {"FLB", "SLB", "TLB"}
    left, right = space(6, 3), space(7, 4)
    assert lower_bound(GromovProblem(left, right))[0] == third_lower_bound(left, right)
    assert lower_bound(GromovProblem(left, right), third=False)[1] in {"FLB", "SLB"}
    cost = np.random.default_rng(0).random((6, 7))
    fused = lower_bound(GromovProblem(left, right, cost, 0.25))[0]
    assert fused == pytest.approx(
        0.25 * third_lower_bound(left, right) + 0.75 * by_programming(cost, left.mass, right.mass)
    )


def test_the_sketch_of_a_space_is_made_of_quantiles():
    found = space(7, 5)
    for row, profile in zip(found.distances, found.profiles, strict=True):
        order = np.argsort(row)
        reached = np.cumsum(found.mass[order])
        middles = (np.arange(32) + 0.5) / 32
        assert profile == pytest.approx([row[order][np.searchsorted(reached, u)] for u in middles])
    assert found.eccentricities == pytest.approx(np.sqrt((found.distances**2 * found.mass).sum(axis=1)))
    pairs = product(range(7), range(7))
    expected = sum(found.mass[i] * found.mass[j] * found.distances[i, j] ** 2 for i, j in pairs)
    assert found.mean_square == pytest.approx(expected)
