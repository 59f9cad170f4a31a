"""The solvers for many points, at sizes where the exact one can be asked too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geomsim_topological.couplings import gromov
from geomsim_topological.couplings.gromov import gromov_plan
from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.gromov_proximal import proximal_plan, rounded_plan
from geomsim_topological.couplings.gromov_quantised import farthest_first, quantised_plan
from geomsim_topological.couplings.measured_space import measured_space


def space(n_points, seed, spread=1.0):
    random = np.random.default_rng(seed)
    points = random.normal(size=(n_points, 4)) * np.linspace(1, 1 + spread, 4)
    return measured_space(
        np.linalg.norm(points[:, None] - points[None], axis=-1), random.dirichlet(np.full(n_points, 2.0))
    )


def renumbered(given, seed):
    moved = np.random.default_rng(seed).permutation(len(given.mass))
    return measured_space(given.distances[np.ix_(moved, moved)], given.mass[moved]), moved


@pytest.mark.parametrize("method", ["proximal", "quantised"])
def test_near_the_exact_value_and_above_the_bound(method):
    left, right = space(70, 0), space(80, 1, spread=3.0)
    exact = gromov_plan(left, right, starts=10)
    found = gromov_plan(left, right, method=method)
    assert found.method == method
    assert exact.method == "exact"
    assert found.bound <= found.value
    assert found.value <= 1.1 * exact.value
    assert np.abs(found.plan.sum(axis=1) - left.mass).max() < 1e-9
    assert np.abs(found.plan.sum(axis=0) - right.mass).max() < 1e-9
    assert found.value == pytest.approx(GromovProblem(left, right).value(found.plan), rel=1e-12)


def test_the_proximal_solver_finds_a_renumbered_copy():
    left = space(90, 2)
    right, moved = renumbered(left, 3)
    found = gromov_plan(left, right, method="proximal")
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert np.array_equal(moved[found.plan.argmax(axis=1)], np.arange(90))


def test_the_quantised_solver_finds_a_renumbered_copy_from_its_landmarks():
    left = space(90, 2)
    right, moved = renumbered(left, 3)
    problem = GromovProblem(left, right)
    plan = quantised_plan(problem, lambda coarse: gromov_plan(coarse.left, coarse.right).plan, landmarks=12)
    assert problem.value(plan) == pytest.approx(0.0, abs=1e-12)
    assert np.array_equal(moved[plan.argmax(axis=1)], np.arange(90))


@pytest.mark.parametrize("method", ["proximal", "quantised"])
def test_fused_uses_the_linear_cost(method):
    left = measured_space(np.ones((40, 40)) - np.eye(40))
    linear = np.random.default_rng(0).random((40, 40))
    found = gromov_plan(left, left, linear, 0.1, method=method)
    best = gromov_plan(left, left, linear, 0.0).value
    assert found.linear < 3 * best  # chance is 1/2


def test_the_method_follows_from_the_size(monkeypatch):
    monkeypatch.setattr(gromov, "MOST_EXACT", 20)
    monkeypatch.setattr(gromov, "MOST_PROXIMAL", 30)
    sizes = {20: "exact", 21: "proximal", 30: "proximal", 31: "quantised"}
    for size, method in sizes.items():
        assert gromov_plan(space(5, 0), space(size, 1), starts=2).method == method
        assert gromov_plan(space(size, 1), space(5, 0), starts=2).method == method


def test_each_proximal_start_is_another_and_deterministic():
    problem = GromovProblem(space(30, 0), space(35, 1))
    plans = [proximal_plan(problem, number, 0) for number in range(4)]
    assert all(np.array_equal(plan, proximal_plan(problem, number, 0)) for number, plan in enumerate(plans))
    assert len({problem.value(plan) for plan in plans}) > 1


def test_rounding_meets_the_masses_exactly():
    random = np.random.default_rng(0)
    p, q = (torch.from_numpy(random.dirichlet(np.ones(n))) for n in (20, 30))
    for plan in (torch.from_numpy(random.random((20, 30)) / 600), torch.zeros(20, 30).double(), torch.outer(p, q)):
        found = rounded_plan(plan, p, q)
        assert found.min() >= 0
        assert found.sum(dim=1).numpy() == pytest.approx(p.numpy(), abs=1e-14)
        assert found.sum(dim=0).numpy() == pytest.approx(q.numpy(), abs=1e-14)
    assert rounded_plan(torch.outer(p, q), p, q).numpy() == pytest.approx(torch.outer(p, q).numpy(), abs=1e-15)


def test_landmarks_are_far_apart():
    line = np.abs(np.subtract.outer(np.arange(9.0), np.arange(9.0)))
    assert farthest_first(line, 3).tolist() == [0, 8, 4]
    assert len(farthest_first(np.zeros((4, 4)), 3)) == 1
    assert len(farthest_first(line, 50)) == 9
