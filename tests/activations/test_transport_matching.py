"""Unbalanced transport over candidates against POT, closed forms and truths about splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations import transport_matching
from geomsim.activations.candidate_pairs import CandidatePairs
from geomsim.activations.transport_matching import transport_plan
from geomsim.errors import InvalidPairing


def pairs_of(r):
    left, right = np.nonzero(~np.isnan(r))
    return CandidatePairs(left, right, r[left, right], np.zeros(len(left)), *r.shape)


def dense_plan(r, *arguments, **options):
    pairs = pairs_of(r)
    plan = np.zeros(r.shape)
    plan[pairs.left, pairs.right] = transport_plan(pairs, *arguments, **options).mass
    return plan


@pytest.mark.parametrize("epsilon", [0.05, 0.3])
@pytest.mark.parametrize("marginal", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (1, 6)])
def test_plans_are_those_of_pot(epsilon, marginal, shape):
    # reg_type="kl" with masses of 1: its reference a b^T is 1 everywhere, and both divergences are x log x - x + 1.
    from ot.unbalanced import sinkhorn_unbalanced

    r = np.random.default_rng(int(100 * marginal) + shape[0]).uniform(-1, 1, shape)
    ones = [np.ones(size) for size in shape]
    expected = sinkhorn_unbalanced(*ones, 1 - r, epsilon, marginal, reg_type="kl", numItermax=50_000, stopThr=1e-14)
    np.testing.assert_allclose(dense_plan(r, epsilon, marginal, tolerance=1e-8), expected, rtol=2e-8)


def test_missing_candidates_are_infinitely_dear():
    from ot.unbalanced import sinkhorn_unbalanced

    rng = np.random.default_rng(3)
    r = np.where(rng.random((8, 6)) < 0.4, np.nan, rng.uniform(-0.5, 1, (8, 6)))
    kept = [~np.isnan(r).all(axis=1), ~np.isnan(r).all(axis=0)]
    cost = np.where(np.isnan(r), 100.0, 1 - r)[kept[0]][:, kept[1]]
    ones = [np.ones(int(mask.sum())) for mask in kept]
    expected = sinkhorn_unbalanced(*ones, cost, 0.1, 0.5, reg_type="kl", numItermax=50_000, stopThr=1e-14)
    np.testing.assert_allclose(dense_plan(r, 0.1, 0.5, tolerance=1e-9)[kept[0]][:, kept[1]], expected, atol=1e-9)


def test_the_balanced_limit_is_ordinary_entropic_transport():
    import ot

    r = np.random.default_rng(0).uniform(-1, 1, (6, 6))
    expected = ot.sinkhorn(np.ones(6), np.ones(6), 1 - r, 0.1, numItermax=100_000, stopThr=1e-13)
    np.testing.assert_allclose(dense_plan(r, 0.1, math.inf, tolerance=1e-10), expected, atol=1e-8)
    nearly = dense_plan(r, 0.1, 1000.0, tolerance=1e-5)
    np.testing.assert_allclose(nearly, expected, atol=1e-2)
    np.testing.assert_allclose(nearly.sum(axis=0), 1, atol=2e-3)


@given(r=st.floats(-1, 1), epsilon=st.floats(0.02, 1), marginal=st.floats(0.05, 2))
def test_a_lone_pair_has_a_closed_form(r, epsilon, marginal):
    mass = transport_plan(pairs_of(np.array([[r]])), epsilon, marginal).mass
    np.testing.assert_allclose(mass, np.exp(-(1 - r) / (epsilon + 2 * marginal)), rtol=1e-6)


def test_the_plan_minimises_its_objective():
    r = np.random.default_rng(5).uniform(-0.2, 1, (4, 5))
    epsilon, marginal = 0.1, 0.4

    def divergence(values):
        return (values * np.log(values) - values + 1).sum()

    def objective(plan):
        sides = divergence(plan.sum(axis=0)) + divergence(plan.sum(axis=1))
        return ((1 - r) * plan).sum() + epsilon * divergence(plan) + marginal * sides

    plan = dense_plan(r, epsilon, marginal, tolerance=1e-10)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert objective(plan * np.exp(0.01 * rng.normal(size=plan.shape))) > objective(plan)


def test_a_split_keeps_its_mass():
    # One left latent that two right ones share, beside a plain pair.
    r = np.array([[0.7, 0.7, 0.0], [0.0, 0.0, 0.7]])
    plan = dense_plan(r, 0.05, 0.5)
    assert plan[0, 0] == pytest.approx(plan[0, 1])
    assert plan[0, 0] > 0.4
    assert plan[0].sum() > plan[1, 2]
    assert plan[0, 2] + plan[1, :2].sum() < 1e-3


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_swapped_and_renumbered_sides_give_the_same_masses(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 7, 2)
    r = np.where(rng.random(shape) < 0.3, np.nan, rng.uniform(-1, 1, shape))
    r[0, 0] = 0.5
    plan = dense_plan(r, 0.05, 0.5)
    np.testing.assert_allclose(dense_plan(r.T, 0.05, 0.5), plan.T, rtol=3e-6)
    rows, columns = rng.permutation(shape[0]), rng.permutation(shape[1])
    np.testing.assert_allclose(dense_plan(r[rows][:, columns], 0.05, 0.5), plan[rows][:, columns], rtol=3e-6)


def test_masses_are_as_near_the_optimum_as_is_said():
    r = np.random.default_rng(1).uniform(-1, 1, (9, 7))
    exact = dense_plan(r, 0.02, 3.0, tolerance=1e-13)
    for tolerance in (1e-2, 1e-4, 1e-6):
        assert np.abs(dense_plan(r, 0.02, 3.0, tolerance=tolerance) / exact - 1).max() <= tolerance


def test_small_epsilon_does_not_underflow():
    r = np.array([[-1.0, -0.99], [-0.99, -1.0]])
    # exp(-2 / 0.001) is 0 in float64.
    plan = dense_plan(r, 1e-3, 0.5)
    np.testing.assert_allclose(plan[0, 1], np.exp(-1.99 / 1.001), rtol=1e-4)
    assert plan[0, 0] < 1e-4 * plan[0, 1]


def test_what_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(transport_matching, "_MOST_STEPS", 5)
    with pytest.raises(
        InvalidPairing, match=r"not converged after 5 steps \(epsilon=0.01, marginal=100.0, .*raise epsil"
    ):
        transport_plan(pairs_of(np.array([[0.5, 0.2], [0.1, 0.4]])), 0.01, 100.0)
