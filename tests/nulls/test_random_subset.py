"""Oracles: every subset at small size, and p-values that must be uniform for subsets chosen at random."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import toy_metrics
from scipy import stats
from torch import Tensor
from toy_metrics import Shift

from geomsim import DegenerateSpace, GeomsimWarning, PairedMetric
from geomsim.errors import InapplicableNull
from geomsim.nulls import NULLS, RandomSubset, Trial


@dataclass(frozen=True)
class Correlation(toy_metrics.Correlation):
    """The same; undefined where a row holds `poison`."""

    poison: float = math.inf

    def prepare(self, points: Tensor) -> Tensor:
        if (points == self.poison).any():
            raise DegenerateSpace("a poisoned row")
        return super().prepare(points)


@dataclass(frozen=True)
class FirstRow(PairedMetric[Tensor]):
    """The first row's number, for the order in which rows come."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left[0]


SHIFT = Shift(wary_below=6)


def sides(seed: int, rows: int, shared: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.random.default_rng(seed).normal(size=(2, rows))
    return left, shared * left + right


def score_of(metric: Any, left: np.ndarray, right: np.ndarray) -> float:
    states = [metric.prepare(torch.from_numpy(side)[:, None]) for side in (left, right)]
    order = [torch.arange(len(left))] if isinstance(metric, PairedMetric) else []
    return float(metric.score(*states, *order))


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
@pytest.mark.parametrize("metric", [Correlation(), SHIFT])
@pytest.mark.parametrize("seed", range(3))
def test_draws_have_the_law_of_all_subsets(trial: Callable[..., Trial], metric: Any, seed: int):
    left, right = sides(seed, 9)
    every = np.array([score_of(metric, left[[*s]], right[[*s]]) for s in itertools.combinations(range(9), 4)])
    judged = trial(metric, left, right, chosen=[1, 3, 4, 8], draws=2000, seed=seed)
    found = RandomSubset().judge(judged)
    assert np.abs(found.draws[:, None] - every).min(1).max() < 1e-12  # each draw is the score of some subset
    assert stats.norm.sf(abs(found.mean - every.mean()) / (every.std() / math.sqrt(2000))) > 1e-4
    assert found.sd == pytest.approx(every.std(), rel=0.1)
    sign = 1 if metric.larger_means == "closer" else -1
    exact = (sign * every >= sign * judged.observed - 1e-12).mean()
    assert stats.binomtest(round(found.p_value * 2001) - 1, 2000, exact).pvalue > 1e-4
    assert any("only 126 different subsets exist" in note for note in found.notes)
    assert not found.is_chance
    assert found.facts == {"rows in the pool": 9, "subsets without a score": 0}


@pytest.mark.parametrize("metric", [Correlation(), SHIFT])
def test_p_is_uniform_for_a_subset_chosen_at_random(trial: Callable[..., Trial], metric: Any):
    found = []
    for seed in range(300):
        left, right = sides(10_000 + seed, 40)
        chosen = np.random.default_rng(20_000 + seed).permutation(40)[:15]
        found.append(RandomSubset().judge(trial(metric, left, right, chosen=chosen, draws=19, seed=seed)).p_value)
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_subset_that_is_more_alike_is_found(trial: Callable[..., Trial]):
    left, right = sides(0, 200, shared=0.0)
    right[50:80] += 3 * left[50:80]
    found = RandomSubset().judge(trial(Correlation(), left, right, chosen=np.arange(50, 80)))
    assert found.p_value == 1 / 1000
    assert (found.kind, len(found.draws)) == ("random-subset", 999)
    other = RandomSubset().judge(trial(Correlation(), left, right, chosen=np.arange(90, 120)))
    assert other.p_value > 0.05


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_p_is_never_below_one_subset_among_all(trial: Callable[..., Trial]):
    left = np.array([0.0, 1.0, 0.0, 1.0])
    for seed in range(20):
        found = RandomSubset().judge(trial(SHIFT, left, -left, chosen=[0, 2, 1], draws=2, seed=seed))
        assert found.p_value >= 1 / 4


@pytest.mark.parametrize(("chosen", "first"), [([0, 1, 2], [0, 1, 2, 3]), ([2, 1, 0], [2, 3, 4, 5])])
def test_rows_come_in_the_pattern_of_the_chosen_ones(trial: Callable[..., Trial], chosen: list[int], first: list[int]):
    # The smallest, or the largest, of 3 distinct rows of 6.
    draws = RandomSubset().judge(trial(FirstRow(), np.arange(6.0), np.arange(6.0), chosen=chosen, draws=300)).draws
    assert sorted(set(draws)) == first


def test_subsets_without_a_score_are_drawn_again_counted_and_told(trial: Callable[..., Trial]):
    left, right = sides(0, 300)
    left[7] = 9.0
    judged = trial(Correlation(poison=9.0), left, right, chosen=np.arange(20, 26), draws=500)
    found = RandomSubset().judge(judged)
    without = found.facts["subsets without a score"]
    assert stats.binomtest(without, 500 + without, 6 / 300).pvalue > 1e-4
    assert without > 0
    assert len(found.draws) == 500
    assert found.notes == (
        f"the metric is undefined on {without} of {500 + without} random subsets, which were drawn again: the p-value "
        "is among subsets that have a score",
    )
    # The other subsets are those that a pool without the poisoned row would give.
    clean = trial(Correlation(), np.delete(left, 7), np.delete(right, 7), chosen=np.arange(19, 25), draws=3000)
    assert stats.ks_2samp(RandomSubset().judge(clean).draws, found.draws).pvalue > 1e-3


def test_too_many_subsets_without_a_score_are_refused(trial: Callable[..., Trial]):
    left, right = sides(0, 100)
    left[7] = 9.0
    judged = trial(Correlation(poison=9.0), left, right, chosen=np.arange(20, 40), draws=500)
    with pytest.raises(
        InapplicableNull,
        match=r"Correlation is undefined on \d+ of the first \d+ random subsets of 20 rows \(a poisoned row\); with "
        r"more than 5% .* Compare a larger subset, or use null='shuffle'",
    ):
        RandomSubset().judge(judged)


def test_warnings_about_draws_are_not_told(trial: Callable[..., Trial]):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        judged = trial(SHIFT, *sides(0, 9), chosen=[1, 2, 5], draws=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GeomsimWarning)
        RandomSubset().judge(judged)


def test_what_is_no_subset_of_exchangeable_pairs_is_refused(trial: Callable[..., Trial]):
    left, right = sides(0, 20)
    whole = trial(Correlation(), left, right, chosen=np.arange(20))
    some = trial(Correlation(), left, right, chosen=np.arange(8))
    for judged, message in [
        (trial(Correlation(), left, right), r"geomsim\.compare\(\.\.\., subset=\.\.\.\).* use null='shuffle', 'exact'"),
        (whole, "the subset is the whole pool of 20 pairs"),
        (replace(some, groups=np.arange(8) // 2), "one by one, and these come in groups .*or groups='ignored'"),
        (replace(some, side_groups=(np.arange(8) // 2, None)), "one by one, and these come in groups"),
        (replace(some, chosen=np.array([0, 1, 2, 3, 4, 5, 6, 6])), "1 of 8 rows of the subset repeat another one"),
        (replace(some, chosen=np.arange(7)), "7 rows are chosen where 8 left and 8 right ones are compared"),
        (replace(some, pool=(some.pool[0], some.pool[1][:-1])), "the pool has 20 left and 19 right rows"),
    ]:
        with pytest.raises(InapplicableNull, match=message):
            RandomSubset().judge(judged)
    with pytest.raises(InapplicableNull, match="use null='noise-floor', 'spectrum-matched' or 'random-baseline'"):
        RandomSubset().judge(trial(SHIFT, left, right))
    assert NULLS["random-subset"] == RandomSubset()


def test_an_answer_that_is_no_number_is_no_subset_without_a_score(trial: Callable[..., Trial]):
    @dataclass(frozen=True)
    class Broken(Correlation):
        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return super().score(left, right, order) * torch.where(left[0] == left.min(), torch.nan, 1.0)

    judged = trial(Correlation(), *sides(0, 300), chosen=np.arange(20, 60), draws=200)
    with pytest.raises(DegenerateSpace, match=r"Broken gives a number that is not finite for \d of 200 subsets"):
        RandomSubset().judge(replace(judged, metric=Broken()))
