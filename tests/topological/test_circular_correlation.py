"""Circular correlation against the definition and its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geomsim import DegenerateSpace, GeomsimError, InvalidConfig
from geomsim_topological.matching.circular_correlation import PhasorCorrelation, circular_correlation, phasors

TURN = 2 * np.pi


@given(st.integers(1, 40), st.floats(-10, 10), st.sampled_from([-1, 1]), st.integers(1, 4), st.integers(0, 9999))
@example(1, -2.220446049250313e-16, -1, 1, 0)  # whose remainder is a whole turn
@settings(max_examples=60)
def test_a_turned_copy_is_found(n, offset, sign, times, seed):
    random = np.random.default_rng(seed)
    left = random.uniform(0, TURN, n + 3)
    found = circular_correlation(left, sign * times * (left - offset), windings=(times, 1))
    assert found.value == pytest.approx(1.0)
    assert np.abs(found.residuals).max() < 1e-6
    assert found.direction == ("same" if sign == 1 else "reversed")
    assert np.exp(1j * found.offset) == pytest.approx(np.exp(1j * times * offset), abs=1e-9)
    assert (0 <= found.offset < TURN, found.rows) == (True, n + 3)


def test_noise_is_the_length_of_its_mean():
    random = np.random.default_rng(0)
    left = random.uniform(0, TURN, 200_000)
    noise = random.normal(0, 0.7, left.size)
    assert circular_correlation(left, 2.0 - left + noise).value == pytest.approx(np.exp(-(0.7**2) / 2), abs=3e-3)
    assert circular_correlation(left, random.uniform(0, TURN, left.size)).value < 0.01


def test_by_the_definition():
    random = np.random.default_rng(1)
    left, right = random.uniform(0, TURN, (2, 30))
    right[4] = left[7] = np.nan
    there = np.delete(np.arange(30), [4, 7])
    for k, l in ((1, 1), (2, 3)):
        same = abs(sum(np.exp(1j * (k * left[i] - l * right[i])) for i in there)) / 28
        against = abs(sum(np.exp(1j * (k * left[i] + l * right[i])) for i in there)) / 28
        found = circular_correlation(left, right, windings=(k, l))
        assert found.value == pytest.approx(max(same, against))
        assert found.direction == ("same" if same > against else "reversed")
        assert found.rows == 28
        assert np.flatnonzero(np.isnan(found.residuals)).tolist() == [4, 7]


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ([0.0, 1.0], [0.0], "angles are"),
        ([[0.0]], [[0.0]], "angles are"),
        ([0.0, np.nan], [np.nan, 0.0], "none of 2 rows has an angle on both sides"),
    ],
)
def test_what_are_no_angles_of_the_same_rows(left, right, message):
    with pytest.raises(GeomsimError, match=message):
        circular_correlation(left, right)


@pytest.mark.parametrize("windings", [(0, 1), (1, -1), (1.5, 1), (True, 1), (1,)])
def test_windings_are_whole(windings):
    with pytest.raises(InvalidConfig, match="windings are pairs of whole numbers from 1"):
        circular_correlation([0.0], [0.0], windings)


@given(st.integers(3, 30), st.integers(1, 3), st.integers(1, 3), st.integers(0, 9999))
@settings(max_examples=40)
def test_shuffles_are_correlations_of_reordered_rows(n, k, l, seed):
    random = np.random.default_rng(seed)
    left, right = random.uniform(0, TURN, (2, n))
    left[random.random(n) < 0.2] = np.nan
    right[random.random(n) < 0.2] = np.nan
    if np.isnan(left).all() or np.isnan(right).all():
        return
    metric = PhasorCorrelation(k, l)
    sides = [metric.prepare(torch.from_numpy(phasors(side))) for side in (left, right)]
    orders = torch.stack([torch.from_numpy(random.permutation(n)) for _ in range(5)])
    found = metric.score_many(*sides, orders).tolist()
    for order, value in zip(orders.numpy(), found, strict=True):
        together = np.isfinite(left) & np.isfinite(right[order])
        share = (together.sum() / n) ** 0.5
        expected = share * circular_correlation(left, right[order], (k, l)).value if share else 0.0
        assert value == pytest.approx(expected, abs=1e-12)
        assert float(metric.score(*sides, torch.from_numpy(order))) == pytest.approx(value, abs=1e-15)


def test_a_side_without_angles_is_degenerate():
    with pytest.raises(DegenerateSpace, match="no row has an angle"):
        PhasorCorrelation().prepare(torch.from_numpy(phasors(np.full(4, np.nan))))
