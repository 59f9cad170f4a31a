"""Greedy and optimal one-to-one pairs against plain loops, full enumeration and scipy's dense solver."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.assignment import greedy_pairs, largest_total
from geomsim.activations.candidate_pairs import CandidatePairs


def pairs_of(r):
    """Candidates of a matrix of r, where NaN is no candidate."""
    left, right = np.nonzero(~np.isnan(r))
    return CandidatePairs(left, right, r[left, right], np.zeros(len(left)), *r.shape)


def chosen_of(pairs, chosen):
    return set(zip(pairs.left[chosen].tolist(), pairs.right[chosen].tolist(), strict=True))


@st.composite
def matrices(draw, most=6, ties=True):
    shape = draw(st.integers(1, most)), draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    r = rng.integers(-4, 11, shape) / 10 if ties else rng.uniform(-0.4, 1, shape)
    return np.where(rng.random(shape) < draw(st.sampled_from([0, 0.3, 0.7])), np.nan, r)


@given(matrices(most=8))
def test_greedy_is_the_plain_loop(r):
    free = np.where(np.isnan(r), -np.inf, r)
    expected = set()
    while (free > -np.inf).any():
        # argmax takes the first of equal ones: the lowest left latent, of its partners the lowest.
        left, right = np.unravel_index(np.argmax(free), free.shape)
        expected.add((int(left), int(right)))
        free[left, :] = free[:, right] = -np.inf
    pairs = pairs_of(r)
    chosen = greedy_pairs(pairs)
    assert chosen_of(pairs, chosen) == expected
    assert (np.diff(chosen) > 0).all()


def best_total(r, unmatched_at):
    """The largest sum of r - unmatched_at over all matchings, by trying each."""
    worth = np.where(np.isnan(r), -np.inf, r - unmatched_at)
    if worth.shape[0] > worth.shape[1]:
        worth = worth.T
    # With a column of nothing for each row, every matching is a choice of distinct columns.
    worth = np.concatenate([worth, np.zeros((len(worth), len(worth)))], axis=1)
    return max(
        sum(worth[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(worth.shape[1]), len(worth))
    )


@settings(max_examples=60)
@given(matrices(most=4), st.sampled_from([0.0, 0.35, -0.5]))
def test_the_total_is_the_largest_of_all_matchings(r, unmatched_at):
    pairs = pairs_of(r)
    chosen = largest_total(pairs, unmatched_at)
    assert len(np.unique(pairs.left[chosen])) == len(np.unique(pairs.right[chosen])) == len(chosen)
    assert (pairs.r[chosen] > unmatched_at).all()
    assert (pairs.r[chosen] - unmatched_at).sum() == pytest.approx(best_total(r, unmatched_at), abs=1e-12)


def test_six_by_six_by_enumeration():
    for seed in range(3):
        r = np.random.default_rng(seed).uniform(-0.3, 1, (6, 6))
        best = max(
            sum(max(0, r[row, column]) for row, column in enumerate(order))
            for order in itertools.permutations(range(6))
        )
        pairs = pairs_of(r)
        assert pairs.r[largest_total(pairs)].sum() == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("shape", [(40, 40), (25, 60), (60, 25)])
@pytest.mark.parametrize("unmatched_at", [0.0, 0.6])
def test_the_pairs_are_those_of_the_dense_solver(shape, unmatched_at):
    from scipy.optimize import linear_sum_assignment

    r = np.random.default_rng(len(shape) + shape[0]).uniform(-1, 1, shape)
    # Two alone are worth a pair at `unmatched_at`, for the dense solver too.
    rows, columns = linear_sum_assignment(np.maximum(r, unmatched_at), maximize=True)
    expected = {
        (int(row), int(column)) for row, column in zip(rows, columns, strict=True) if r[row, column] > unmatched_at
    }
    pairs = pairs_of(r)
    assert chosen_of(pairs, largest_total(pairs, unmatched_at)) == expected


def test_a_zero_weight_is_no_missing_entry():
    # 0 - (-.5) is above the slot, and r = unmatched_at is not; neither may vanish from the sparse matrix.
    pairs = pairs_of(np.array([[0.0, -0.5], [np.nan, -0.5]]))
    assert chosen_of(pairs, largest_total(pairs, -0.5)) == {(0, 0)}
    assert len(largest_total(pairs, 0.0)) == 0


def test_staying_alone_may_be_better_for_the_total():
    # Greedy takes .9 and leaves .1; the best total is .8 + .7.
    pairs = pairs_of(np.array([[0.9, 0.8], [0.7, 0.1]]))
    assert chosen_of(pairs, greedy_pairs(pairs)) == {(0, 0), (1, 1)}
    assert chosen_of(pairs, largest_total(pairs)) == {(0, 1), (1, 0)}
    assert chosen_of(pairs, largest_total(pairs, 0.75)) == {(0, 0)}


@given(matrices(most=8))
def test_greedy_is_mirrored_even_where_r_ties(r):
    # The lowest left latent's lowest partner has it as its lowest partner too, so either order of ties takes that pair.
    one, other = pairs_of(r), pairs_of(r.T)
    mirrored = {(left, right) for right, left in chosen_of(other, greedy_pairs(other))}
    assert chosen_of(one, greedy_pairs(one)) == mirrored


@settings(max_examples=40)
@given(matrices(most=7, ties=False), st.integers(0, 2**32 - 1), st.sampled_from([greedy_pairs, largest_total]))
def test_swapped_sides_give_the_mirrored_pairs_and_other_numbers_the_renumbered_ones(r, seed, method):
    pairs, mirrored = pairs_of(r), pairs_of(r.T)
    expected = chosen_of(pairs, method(pairs))
    assert {(left, right) for right, left in chosen_of(mirrored, method(mirrored))} == expected
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(r.shape[0]), rng.permutation(r.shape[1])
    shuffled = pairs_of(r[rows][:, columns])
    assert {(int(rows[left]), int(columns[right])) for left, right in chosen_of(shuffled, method(shuffled))} == expected
