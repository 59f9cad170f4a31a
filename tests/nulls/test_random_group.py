"""Oracles: every couple of groups at small size, and p-values that must be uniform for groups chosen at random."""

from __future__ import annotations

import itertools
import math
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import toy_metrics
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats
from torch import Tensor
from toy_metrics import Gap, Shift

from geomsim import DegenerateSpace, GeomsimWarning, PairedMetric
from geomsim.errors import InapplicableNull, InvalidConfig
from geomsim.nulls import NULLS, Couple, RandomGroup, Trial
from geomsim.nulls.couples import LikeCouples

Pairs = tuple[tuple[int, int], ...]


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
    """The first left row's number, for the order in which rows come."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left[0]


SHIFT = Shift()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads cost more than such small draws, and change no number."""
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 1)


SPACE = np.random.default_rng(7).normal(size=30)


def couple_of(space: Any, left: Any, right: Any, pool: Any = None) -> Couple:
    points = torch.as_tensor(np.asarray(space, dtype=np.float64))
    points = points[:, None] if points.ndim == 1 else points
    rows = [np.asarray(side, dtype=np.int64) for side in (left, right)]
    return Couple(points, *rows, np.arange(len(points)) if pool is None else np.asarray(pool, dtype=np.int64))


def trial_of(metric: Any, space: Any, left: Any, right: Any, pool: Any = None, **options: Any) -> Trial:
    couple = couple_of(space, left, right, pool)
    sides = [couple.points[torch.as_tensor(rows)] for rows in (couple.left, couple.right)]
    states = [metric.prepare(side) for side in sides]
    order = [torch.arange(len(sides[0]))] if isinstance(metric, PairedMetric) else []
    observed = float(metric.score(*states, *order))
    return Trial(metric, *sides, *states, observed, couple=couple, **options)


def every_couple(couple: Couple, paired: bool, kept: str | None) -> Iterator[tuple[Pairs, Pairs]]:
    """All renamings of the pool, one after the other; slow and plain."""
    pool = couple.pool.tolist()
    fixed = {"left": couple.left.tolist(), "right": couple.right.tolist(), None: []}[kept]
    loose = [row for row in pool if row not in fixed]
    for names in itertools.permutations(loose):
        name = {row: row for row in fixed} | dict(zip(loose, names, strict=True))
        left, right = ([name[row] for row in side] for side in (couple.left.tolist(), couple.right.tolist()))
        yield canonical(left, right, paired)


def canonical(left: Any, right: Any, paired: bool) -> Any:
    """What is the same couple: sets of rows, or the set of pairs."""
    if paired:
        return tuple(sorted(zip(map(int, left), map(int, right), strict=True)))
    return tuple(sorted(map(int, left))), tuple(sorted(map(int, right)))


def score_of(metric: Any, space: np.ndarray, left: Any, right: Any) -> float:
    states = [metric.prepare(torch.from_numpy(space[list(side)])[:, None]) for side in (left, right)]
    order = [torch.arange(len(left))] if isinstance(metric, PairedMetric) else []
    return float(metric.score(*states, *order))


# --- the draws -------------------------------------------------------------------------------------------------------

SMALL = [
    pytest.param([1, 4], [0, 5], True, id="paired, apart"),
    pytest.param([1, 4, 2], [4, 2, 1], True, id="paired, a cycle"),
    pytest.param([1, 4, 2], [4, 3, 0], True, id="paired, chains of two lengths"),
    pytest.param([0, 1, 2, 3], [1, 0, 3, 2], True, id="paired, two cycles"),
    pytest.param([2, 3], [2, 3], True, id="paired, each with itself"),
    pytest.param([1, 4], [0, 5, 3], False, id="unpaired, apart"),
    pytest.param([1, 4, 2], [4, 0], False, id="unpaired, one in common"),
]


@pytest.mark.parametrize("kept", [None, "left", "right"])
@pytest.mark.parametrize(("left", "right", "paired"), SMALL)
def test_draws_are_all_renamings_and_equally_often(left: list[int], right: list[int], paired: bool, kept: Any):
    couple = couple_of(SPACE[:6], left, right)
    like = LikeCouples(couple, paired, kept)
    every = set(every_couple(couple, paired, kept))
    assert like.possible == len(every)
    assert canonical(left, right, paired) in every
    if len(every) == 1:
        return
    many = 60 * len(every)
    found = [canonical(*rows, paired) for rows in itertools.islice(like.draws(3), many)]
    counts = [found.count(each) for each in every]
    assert sum(counts) == many  # and no other couple
    assert stats.chisquare(counts).pvalue > 1e-4


@settings(max_examples=80)
@given(some.data())
def test_what_every_draw_keeps(data: some.DataObject):
    n_pool = data.draw(some.integers(3, 12))
    pool = np.sort(np.random.default_rng(data.draw(some.integers(0, 99))).permutation(20)[:n_pool])
    paired = data.draw(some.booleans())
    kept = data.draw(some.sampled_from([None, "left", "right"]))
    of_pool = some.permutations(pool.tolist())
    n_left = data.draw(some.integers(1, n_pool))
    left = data.draw(of_pool)[:n_left]
    right = data.draw(of_pool)[: n_left if paired else data.draw(some.integers(1, n_pool))]
    couple = couple_of(np.arange(20.0), left, right, pool)
    like = LikeCouples(couple, paired, kept)
    for one, other in itertools.islice(like.draws(data.draw(some.integers(0, 9))), 5):
        assert (len(one), len(other)) == (len(left), len(right))
        assert len(set(one)) == len(one)
        assert len(set(other)) == len(other)
        assert set(one) | set(other) <= set(pool)
        assert len(set(one) & set(other)) == len(set(left) & set(right))
        if paired:  # as many rows stand with themselves
            assert (one == other).sum() == sum(a == b for a, b in zip(left, right, strict=True))
        if kept == "left":
            assert one.tolist() == left
            assert set(other) & set(one) == set(left) & set(right)
        if kept == "right":
            assert other.tolist() == right
        if kept is None:  # listed in the order of the given ones
            assert np.array_equal(np.argsort(one), np.argsort(left))
        if not paired:
            assert np.array_equal(np.argsort(other), np.argsort(right))


def test_paired_rows_come_in_the_pattern_of_the_left_ones():
    draws = RandomGroup().judge(trial_of(FirstRow(), np.arange(6.0), [4, 1], [0, 2], draws=300)).draws
    assert sorted(set(draws)) == [1, 2, 3, 4, 5]  # the larger of two left rows
    draws = RandomGroup().judge(trial_of(FirstRow(), np.arange(6.0), [1, 4], [0, 2], draws=300)).draws
    assert sorted(set(draws)) == [0, 1, 2, 3, 4]


# --- the law of the scores -------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
@pytest.mark.parametrize("kept", [None, "left", "right"])
@pytest.mark.parametrize(
    ("metric", "left", "right"),
    [(Correlation(), [1, 4, 2], [6, 3, 0]), (Gap(), [1, 4], [4, 5]), (SHIFT, [1, 4], [6, 3, 0])],
)
def test_p_is_that_of_all_couples(metric: Any, left: list[int], right: list[int], kept: Any):
    judged = trial_of(metric, SPACE[:7], left, right, draws=2000, seed=5)
    paired = isinstance(metric, PairedMetric)
    every = set(every_couple(judged.couple, paired, kept))
    sides = [tuple(zip(*each, strict=True)) if paired else each for each in every]
    scores = np.array([score_of(metric, SPACE[:7], *each) for each in sides])
    found = RandomGroup(kept).judge(judged)
    assert np.abs(found.draws[:, None] - scores).min(1).max() < 1e-12  # each draw is the score of some couple
    assert stats.norm.sf(abs(found.mean - scores.mean()) / (scores.std() / math.sqrt(2000))) > 1e-4
    assert found.sd == pytest.approx(scores.std(), rel=0.1)
    sign = 1 if metric.larger_means == "closer" else -1
    exact = (sign * scores >= sign * judged.observed - 1e-12).mean()
    assert stats.binomtest(round(found.p_value * 2001) - 1, 2000, exact).pvalue > 1e-4
    told = f"only {len(every)} different couples of groups exist, so no p-value is below {1 / len(every):.2g}"
    assert (told in found.notes) == (len(every) <= 2000)
    assert found.p_value >= 1 / len(every)
    assert not found.is_chance
    assert found.kind == ("random-group" if kept is None else f"random-group ({kept} kept)")
    assert found.facts == {"rows in the pool": 7, "groups without a score": 0}


@pytest.mark.parametrize("overlap", [0, 3])
@pytest.mark.parametrize("kept", [None, "right"])
@pytest.mark.parametrize("metric", [Correlation(), SHIFT])
def test_p_is_uniform_for_groups_chosen_at_random(metric: Any, kept: Any, overlap: int):
    found = []
    for seed in range(300):
        space = np.random.default_rng(10_000 + seed).standard_t(2, size=40)
        rows = np.random.default_rng(20_000 + seed).permutation(40)
        left, right = rows[:8], np.roll(rows[8 - overlap : 16 - overlap], 1)
        found.append(RandomGroup(kept).judge(trial_of(metric, space, left, right, draws=19, seed=seed)).p_value)
    ranks = np.rint(np.array(found) * 20).astype(int)
    assert stats.chisquare(np.bincount(ranks, minlength=21)[1:]).pvalue > 1e-3
    assert stats.kstest((ranks - np.random.default_rng(0).random(300)) / 20, "uniform").pvalue > 1e-3


def test_a_fixed_left_group_does_not_spoil_p_where_it_is_kept():
    """Under the weaker hypothesis the left group is special; p that draws it anew is then not uniform."""
    kept, drawn = [], []
    for seed in range(300):
        space = np.random.default_rng(seed).normal(size=40)
        space[:6] += 4.0  # a left group far off
        right = 6 + np.random.default_rng(5000 + seed).permutation(34)[:6]
        judged = trial_of(SHIFT, space, range(6), right, draws=19, seed=seed)
        kept.append(RandomGroup("left").judge(judged).p_value)
        drawn.append(RandomGroup().judge(judged).p_value)
    counts = np.bincount(np.rint(np.array(kept) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3
    assert np.mean(np.array(drawn) > 0.9) > 0.9


def test_groups_that_are_more_alike_are_found():
    space = np.random.default_rng(0).normal(size=200)
    space[50:70] = 2 * space[20:40] + 0.3 * space[50:70]
    judged = trial_of(Correlation(), space, range(20, 40), range(50, 70))
    for null in (RandomGroup(), RandomGroup("left"), RandomGroup("right")):
        found = null.judge(judged)
        assert (found.p_value, len(found.draws)) == (1 / 1000, 999)
    other = trial_of(Correlation(), space, range(20, 40), range(90, 110))
    assert RandomGroup().judge(other).p_value > 0.05


def test_rows_outside_of_the_pool_are_never_drawn():
    space = np.where(np.arange(40) < 20, 1.0, 100.0) * np.arange(40.0)
    found = RandomGroup().judge(trial_of(SHIFT, space, [0, 3], [5, 8], pool=range(20)))
    assert found.draws.max() < 20
    assert found.facts["rows in the pool"] == 20


def test_p_is_never_below_one_couple_among_all():
    for seed in range(100):  # of two couples the closer one, which four draws may all miss
        judged = trial_of(SHIFT, [0.0, 1.0, 5.0], [0], [1], draws=4, seed=seed)
        assert RandomGroup("left").judge(judged).p_value >= 1 / 2


def test_the_same_draws_whatever_the_threads_and_through_a_pickle(monkeypatch: pytest.MonkeyPatch):
    judged = trial_of(Correlation(), SPACE, [1, 4, 2], [6, 3, 0], draws=50, seed=3)
    first = RandomGroup().judge(judged).draws
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 4)
    assert np.array_equal(RandomGroup().judge(judged).draws, first)
    copied = pickle.loads(pickle.dumps((RandomGroup("left"), judged)))
    copied = copied[0], replace(copied[1], advance=lambda done: None)
    assert np.array_equal(copied[0].judge(copied[1]).draws, RandomGroup("left").judge(judged).draws)
    fewer = RandomGroup().judge(replace(judged, draws=20)).draws
    assert np.array_equal(fewer, first[:20])


# --- draws without a score -------------------------------------------------------------------------------------------


def test_draws_without_a_score_are_drawn_again_counted_and_told():
    space = np.random.default_rng(0).normal(size=300)
    space[7] = 9.0
    found = RandomGroup().judge(trial_of(Correlation(9.0), space, range(20, 24), range(30, 34), draws=500))
    without = found.facts["groups without a score"]
    assert stats.binomtest(without, 500 + without, 8 / 300).pvalue > 1e-4
    assert without > 0
    assert len(found.draws) == 500
    assert found.notes == (
        f"the metric is undefined on {without} of {500 + without} random groups, which were drawn again: the p-value "
        "is among groups that have a score",
    )
    clean = trial_of(Correlation(), np.delete(space, 7), range(19, 23), range(29, 33), draws=3000)
    assert stats.ks_2samp(RandomGroup().judge(clean).draws, found.draws).pvalue > 1e-3


def test_too_many_draws_without_a_score_are_refused():
    space = np.random.default_rng(0).normal(size=100)
    space[7] = 9.0
    judged = trial_of(Correlation(9.0), space, range(20, 30), range(30, 40), draws=500)
    with pytest.raises(
        InapplicableNull,
        match=r"Correlation is undefined on \d+ of the first \d+ random couples of groups of 10 and 10 rows \(a "
        r"poisoned row\); with more than 5% .* Compare larger groups, give a pool of other rows, or use null='shuffle'",
    ):
        RandomGroup().judge(judged)


def test_warnings_about_draws_are_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        judged = trial_of(Shift(wary_below=6), SPACE, [1, 2], [3, 4], draws=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GeomsimWarning)
        RandomGroup().judge(judged)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_is_no_couple_of_groups_is_refused():
    some_trial = trial_of(Correlation(), SPACE, [1, 4, 2], [6, 3, 0], draws=9)
    couple = some_trial.couple
    assert couple is not None
    for judged, message in [
        (
            replace(some_trial, couple=None),
            r"geomsim\.compare_groups\(space, left, right.* use null='shuffle', 'exact'",
        ),
        (replace(some_trial, groups=np.array([0, 0, 1])), "one by one, and these come in groups"),
        (
            replace(some_trial, couple=replace(couple, left=np.array([1, 4, 4]))),
            "1 of 3 rows of the left group repeat another one",
        ),
        (
            replace(some_trial, couple=replace(couple, right=np.array([6, 3]))),
            "the right group has 2 rows of the space, and 3 rows are compared",
        ),
        (
            replace(some_trial, couple=replace(couple, pool=np.arange(1, 30))),
            "row 0 of the right group is not in the pool of 29 rows",
        ),
        (
            trial_of(SHIFT, SPACE, [1, 4], [1, 4], pool=[1, 4]),
            "the pool of 2 rows has no other couple of groups of 2 and 2 rows. Give a larger pool, or use null='noise",
        ),
    ]:
        with pytest.raises(InapplicableNull, match=message):
            RandomGroup().judge(judged)
    with pytest.raises(InapplicableNull, match=r"no other couple .* with the left group kept"):
        RandomGroup("left").judge(trial_of(SHIFT, SPACE[:5], [1, 4], [0, 2, 3]))
    with pytest.raises(InvalidConfig, match="kept is 'left', 'right' or None for neither group, got 'both'"):
        RandomGroup("both")  # type: ignore[arg-type]
    assert NULLS["random-group"] == RandomGroup()


def test_an_answer_that_is_no_number_is_no_draw_without_a_score():
    @dataclass(frozen=True)
    class Broken(Correlation):
        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return super().score(left, right, order) * torch.where(left[0] == left.min(), torch.nan, 1.0)

    judged = trial_of(Correlation(), SPACE, range(8), range(8, 16), draws=200)
    with pytest.raises(DegenerateSpace, match=r"Broken gives a number that is not finite for \d+ of 200 groups"):
        RandomGroup().judge(replace(judged, metric=Broken()))
