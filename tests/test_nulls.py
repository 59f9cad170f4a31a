"""Oracles: all n! orders, scipy.stats.permutation_test, scipy.stats.pearson3, and p-values that must be uniform."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from toy_metrics import Correlation, Gap, Shift
from trials import make_trial

from geomsim import GeomsimWarning, Moments, UnpairedMetric
from geomsim.errors import BrokenPromise, DegenerateSpace, InapplicableNull, InvalidConfig
from geomsim.nulls import NULLS, Exact, NoiseFloor, Shuffle, null_for, p_value


@dataclass(frozen=True)
class Agreement(Correlation):
    """Pearson correlation of the first columns, times `scale`."""

    scale: float = 1.0

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return self.scale * super().score(left, right, order)

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        return self.scale * (right[orders] @ left)

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        """Of sum a_i b_order(i), a and b centred and of length 1."""
        n = len(left)
        third = n / ((n - 1) * (n - 2)) * float((left**3).sum() * (right**3).sum())
        variance = 1 / (n - 1)
        return Moments(0.0, self.scale**2 * variance, third / variance**1.5)


SHIFT = Shift(wary_below=6)


def all_scores(metric: Any, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The score of every order, one by one."""
    states = [metric.prepare(torch.from_numpy(side)[:, None]) for side in (left, right)]
    orders = itertools.permutations(range(len(left)))
    return np.array([float(metric.score(*states, torch.tensor(order))) for order in orders])


def columns(seed: int, rows: int, shared: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.random.default_rng(seed).normal(size=(2, rows))
    return left, shared * left + right


# --- p by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observed", "draws", "larger_means", "expected"),
    [
        (0.9, [0.1, 0.2, 0.3], "closer", 1 / 4),
        (0.9, [0.1, 0.95, 0.3], "closer", 2 / 4),
        (0.9, [0.9, 0.9, 0.3], "closer", 3 / 4),  # ties count
        (0.9, [0.9 - 1e-15, 0.1, 0.2], "closer", 2 / 4),  # rounding is a tie
        (0.5, [0.5] * 9, "closer", 1.0),
        (0.5, [0.5] * 9, "farther", 1.0),
        (0.1, [0.2, 0.3, 0.4], "farther", 1 / 4),
        (0.3, [0.2, 0.3, 0.4], "farther", 3 / 4),
        (0.0, [0.0, 0.0], "closer", 1.0),
        (-0.2, [-0.3, -0.2, 0.1], "closer", 3 / 4),
    ],
)
def test_p_is_b_plus_one_over_m_plus_one(observed: float, draws: list[float], larger_means, expected: float):
    assert p_value(observed, np.array(draws), larger_means) == expected


@pytest.mark.parametrize("unit", [1e-30, 1e-12, 1.0, 1e12])
def test_p_does_not_depend_on_the_unit_of_the_score(unit: float):
    draws = np.random.default_rng(0).normal(size=99)
    for observed in (-1.0, 0.3, 2.0):
        assert p_value(unit * observed, unit * draws, "closer") == p_value(observed, draws, "closer")


def test_p_is_never_zero_and_is_the_smallest_possible_for_a_copy():
    left, _ = columns(0, 50)
    assert Shuffle().judge(make_trial(Agreement(), left, left, draws=999)).p_value == 1 / 1000
    assert Shuffle().judge(make_trial(Gap(), left, left, draws=1)).p_value == 1 / 2


# --- all n! orders ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [Agreement(), Gap()])
@pytest.mark.parametrize("seed", range(4))
def test_draws_have_the_law_of_all_orders(metric: Any, seed: int):
    left, right = columns(seed, 7, shared=0.5)
    every = all_scores(metric, left, right)
    judged = make_trial(metric, left, right, draws=3000, seed=seed)
    found = Shuffle().judge(judged)
    assert found.draws is not None
    assert stats.norm.sf(abs(found.mean - every.mean()) / (every.std() / math.sqrt(3000))) > 1e-4
    assert found.sd == pytest.approx(every.std(), rel=0.1)
    assert np.abs(found.draws[:, None] - every).min(1).max() < 1e-12  # each draw is the score of some order
    sign = 1 if metric.larger_means == "closer" else -1
    exact = (sign * every >= sign * judged.observed - 1e-12).mean()
    drawn = round(found.p_value * 3001) - 1
    assert stats.binomtest(drawn, 3000, exact).pvalue > 1e-4


@pytest.mark.parametrize(("metric", "alternative"), [(Agreement(), "greater"), (Gap(), "less")])
@pytest.mark.parametrize("seed", range(3))
def test_p_agrees_with_scipy_permutation_test(metric: Any, alternative: str, seed: int):
    left, right = columns(seed + 10, 7, shared=0.4)

    def statistic(moved: np.ndarray) -> float:
        return np.corrcoef(left, moved)[0, 1] if alternative == "greater" else np.abs(left - moved).mean()

    exact = stats.permutation_test(
        (right,), statistic, permutation_type="pairings", vectorized=False, n_resamples=np.inf, alternative=alternative
    )
    judged = make_trial(metric, left, right, draws=2000, seed=seed)
    assert judged.observed == pytest.approx(exact.statistic)
    found = Shuffle().judge(judged)
    assert stats.binomtest(round(found.p_value * 2001) - 1, 2000, exact.pvalue).pvalue > 1e-4


def test_few_orders_are_said_to_be_few_and_bound_p():
    left, _ = columns(0, 3)
    for seed in range(20):  # with 7 draws the observed one of 6 orders is often missed
        found = Shuffle().judge(make_trial(Agreement(), left, left, draws=7, seed=seed))
        assert found.p_value >= 1 / 6
        assert any("only 6 different orders exist, so no p-value is below 0.17" in note for note in found.notes)
    assert not Shuffle().judge(make_trial(Agreement(), *columns(0, 30), draws=7)).notes


def test_a_score_that_no_order_changes_has_p_one_and_no_spread():
    ones = np.random.default_rng(0).permuted(np.repeat([0.0, 1.0], 6))
    blind = replace(Agreement(), scale=0.0)
    found = Shuffle().judge(make_trial(blind, ones, ones, draws=50))
    assert (found.p_value, found.sd) == (1.0, 0.0)


# --- chunks, seeds, groups -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [Agreement(), Gap()])
def test_draws_do_not_depend_on_the_memory_budget(monkeypatch: pytest.MonkeyPatch, metric: Any):
    judged = make_trial(metric, *columns(1, 40), draws=211, seed=5)
    found, steps = [], []
    for budget in (1, 30 << 20, 1 << 40):
        monkeypatch.setattr("geomsim.nulls.shuffle.batch_budget", lambda budget=budget: budget)
        done: list[int] = []
        found.append(Shuffle().judge(replace(judged, advance=done.append)).draws)
        assert sum(done) == 211
        steps.append(len(done))
    assert steps[0] == 211
    assert 20 <= steps[1] == steps[-1] < 50  # progress is told now and then, and a large memory changes no batch
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(found[0], found[2], rtol=0, atol=1e-15)


def test_the_seed_decides():
    judged = make_trial(Agreement(), *columns(1, 40), draws=50)
    first, again = (Shuffle().judge(replace(judged, seed=3)).draws for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, Shuffle().judge(replace(judged, seed=4)).draws)


def test_draws_under_groups_are_scores_of_allowed_orders():
    left, right = columns(2, 6)
    groups = np.array([0, 0, 1, 1, 2, 2])
    every = dict(zip(itertools.permutations(range(6)), all_scores(Agreement(), left, right), strict=True))
    within = {every[order] for order in every if (groups[list(order)] == groups).all()}
    blocks = {
        every[tuple(row for b in order for row in (2 * b, 2 * b + 1))] for order in itertools.permutations(range(3))
    }
    for restriction, allowed, kind in (("within", within, "within strata"), ("blocks", blocks, "whole blocks")):
        found = Shuffle().judge(make_trial(Agreement(), left, right, groups=groups, restriction=restriction, draws=400))
        assert found.kind == f"shuffle ({kind})"
        assert {round(score, 12) for score in found.draws} == {round(score, 12) for score in allowed}


# --- p-values are uniform or larger when nothing is shared -----------------------------------------------------------


def most_below(alpha: float, trials: int) -> float:
    """So many of the p-values may lie at or below alpha; more happen once in 100,000 times."""
    return stats.binom.ppf(1 - 1e-5, trials, alpha)


def assert_super_uniform(p_values: list[float]) -> None:
    for alpha in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75):
        assert sum(p <= alpha + 1e-12 for p in p_values) <= most_below(alpha, len(p_values)), alpha


@pytest.mark.parametrize("metric", [Agreement(), Gap()])
def test_p_values_are_uniform_when_nothing_is_shared(metric: Any):
    # The data come from other generators than the orders, which start at `seed`.
    found = [
        Shuffle().judge(make_trial(metric, *columns(10_000 + seed, 15), draws=19, seed=seed)).p_value
        for seed in range(600)
    ]
    assert_super_uniform(found)
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3  # not merely conservative


def tokens_of_documents(seed: int, documents: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Independent sides on which the tokens of a document resemble each other."""
    random = np.random.default_rng(10_000 + seed)
    groups = np.repeat(np.arange(documents), length)
    left, right = (random.normal(size=documents)[groups] + 0.3 * random.normal(size=len(groups)) for _ in range(2))
    return left, right, groups


def test_whole_blocks_keep_their_promise_where_a_naive_shuffle_breaks_it():
    naive, blocks = [], []
    for seed in range(300):
        left, right, groups = tokens_of_documents(seed, documents=12, length=8)
        judged = make_trial(Agreement(), left, right, draws=39, seed=seed)
        naive.append(Shuffle().judge(judged).p_value)
        blocks.append(Shuffle().judge(replace(judged, groups=groups, restriction="blocks")).p_value)
    assert_super_uniform(blocks)
    assert np.mean(np.array(naive) <= 0.05) > 0.2  # four times as many false alarms as promised


def test_within_strata_keeps_its_promise_where_a_naive_shuffle_breaks_it():
    naive, within = [], []
    strata = np.tile([0, 1, 2], 10)
    for seed in range(300):
        random = np.random.default_rng(10_000 + seed)
        left, right = (strata + random.normal(size=30) for _ in range(2))  # the stratum is all that they share
        judged = make_trial(Agreement(), left, right, draws=39, seed=seed)
        naive.append(Shuffle().judge(judged).p_value)
        within.append(Shuffle().judge(replace(judged, groups=strata, restriction="within")).p_value)
    assert_super_uniform(within)
    assert np.mean(np.array(naive) <= 0.05) > 0.2


# --- exact -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 250.0])
@pytest.mark.parametrize("seed", range(3))
def test_exact_moments_are_those_of_all_orders_and_p_is_pearson3(seed: int, scale: float):
    metric = Agreement(scale)
    left, right = np.exp(columns(seed, 7))  # skewed
    every = all_scores(metric, left, right)
    moments = make_trial(metric, left, right)
    found = Exact().judge(moments)
    assert found.mean == pytest.approx(every.mean(), abs=1e-9 * scale)
    assert found.sd == pytest.approx(every.std())
    skewness = metric.null_moments(moments.left_state, moments.right_state).skewness
    assert skewness == pytest.approx(stats.skew(every))
    expected = stats.pearson3.sf(moments.observed, skewness, loc=every.mean(), scale=every.std())
    assert found.p_value == pytest.approx(max(expected, 1 / math.factorial(7)))
    assert found.facts["law"] == "Pearson type III"
    assert found.draws is None


def test_exact_p_is_close_to_the_shuffles():
    left, right = np.exp(columns(5, 60, shared=0.25))
    judged = make_trial(Agreement(), left, right, draws=5000)
    exact, drawn = Exact().judge(judged).p_value, Shuffle().judge(judged).p_value
    assert abs(exact - drawn) < 0.02
    assert 0.005 < drawn < 0.5


@dataclass(frozen=True)
class Known(Gap):
    """Moments as given."""

    moments: Moments | None = None

    def null_moments(self, left: Tensor, right: Tensor) -> Moments | None:
        return self.moments


def test_farther_takes_the_other_tail():
    left, right = columns(0, 100, shared=1.0)
    judged = make_trial(Known(moments=Moments(2.0, 0.25, 0.4)), left, right)
    expected = stats.pearson3.cdf(judged.observed, 0.4, loc=2.0, scale=0.5)
    assert Exact().judge(judged).p_value == pytest.approx(expected)
    normal = Exact().judge(replace(judged, metric=Known(moments=Moments(2.0, 0.25))))
    assert normal.p_value == pytest.approx(stats.norm.cdf((judged.observed - 2.0) / 0.5))
    assert "normal" in normal.facts["law"]


def test_exact_without_a_variance_has_a_mean_and_no_p():
    found = Exact().judge(make_trial(Known(moments=Moments(2.0)), *columns(0, 9)))
    assert (found.mean, found.sd, found.p_value) == (2.0, None, None)


def test_exact_p_is_never_below_one_order_among_all():
    left, _ = columns(0, 5)
    far_below = make_trial(Known(moments=Moments(100.0, 1e-6, 0.0)), left, left)
    assert Exact().judge(far_below).p_value == pytest.approx(1 / 120)
    many = make_trial(Known(moments=Moments(100.0, 1e-6, 0.0)), *[columns(0, 400)[0]] * 2)
    assert 0 < Exact().judge(many).p_value < 1e-300


def test_exact_refuses_what_it_cannot_judge():
    left, right = columns(0, 9)
    with pytest.raises(InapplicableNull, match="Gap has no exact moments; use null='shuffle'"):
        Exact().judge(make_trial(Gap(), left, right))
    with pytest.raises(InapplicableNull, match="these rows come in groups; use null='shuffle', or groups='ignored'"):
        Exact().judge(make_trial(Agreement(), left, right, groups=np.arange(9) // 3))


# --- noise floor -----------------------------------------------------------------------------------------------------


def test_noise_floor_of_means_has_its_closed_form():
    # The means of two halves of n rows of sd 1 in d columns differ by about sqrt(d * 4/n).
    random = np.random.default_rng(0)
    left, right = random.normal(size=(400, 50)), random.normal(size=(300, 50)) + 1.0
    found = NoiseFloor().judge(make_trial(SHIFT, left, right, seed=1))
    assert found.p_value is None
    assert found.draws.shape == (100,)
    assert found.draws[:50].mean() == pytest.approx(math.sqrt(50 * 4 / 400), rel=0.05)
    assert found.draws[50:].mean() == pytest.approx(math.sqrt(50 * 4 / 300), rel=0.05)
    assert found.facts["multiple of the floor"] == pytest.approx(make_trial(SHIFT, left, right).observed / found.mean)


def test_noise_floor_follows_the_seed_and_tells_all_its_progress():
    cloud = np.random.default_rng(0).normal(size=(12, 3))
    judged = make_trial(SHIFT, cloud, cloud[:9], draws=999)
    done: list[int] = []
    first = NoiseFloor(splits=3).judge(replace(judged, advance=done.append)).draws
    assert (len(done), sum(done)) == (6, 999)
    np.testing.assert_array_equal(first, NoiseFloor(splits=3).judge(judged).draws)
    assert not np.array_equal(first, NoiseFloor(splits=3).judge(replace(judged, seed=1)).draws)


def test_noise_floor_keeps_quiet_about_its_halves():
    judged = make_trial(SHIFT, np.eye(8), np.eye(8))
    with warnings.catch_warnings():
        warnings.simplefilter("error", GeomsimWarning)
        NoiseFloor(splits=2).judge(judged)


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_noise_floor_refuses_what_it_cannot_judge():
    with pytest.raises(
        InapplicableNull, match=r"Agreement is paired, .*: use null='shuffle', 'exact', 'spectrum-matched' or"
    ):
        NoiseFloor().judge(make_trial(Agreement(), *columns(0, 9)))
    with pytest.raises(InapplicableNull, match="need 4 rows, and the right side has 3"):
        NoiseFloor().judge(make_trial(SHIFT, np.eye(8)[:, :3], np.eye(3)))
    with pytest.raises(InvalidConfig, match="at least one split, got splits=0"):
        NoiseFloor(splits=0)


# --- noise floor of rows in groups -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sizes(UnpairedMetric[Tensor]):
    """Difference of the numbers of rows."""

    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        return torch.tensor(float(len(points)))

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).abs()


def test_halves_of_groups_are_whole_and_each_split_is_as_likely():
    groups, weights = np.repeat([7, 2, 9, 4], 3), np.repeat([1.0, 10.0, 100.0, 1000.0], 3)
    shuffled = np.random.default_rng(0).permutation(12)  # rows of a group need not lie together
    judged = make_trial(SHIFT, weights[shuffled], np.zeros(30), side_groups=(groups[shuffled], None))
    found = NoiseFloor(splits=600).judge(judged)
    # Means of two groups against those of the other two: one of three splits.
    possible = [abs(1100 - 11) / 2, abs(1010 - 101) / 2, abs(1001 - 110) / 2]
    counts = [int(np.isclose(found.draws[:600], value).sum()) for value in possible]
    assert sum(counts) == 600
    assert stats.chisquare(counts).pvalue > 1e-3
    assert (found.draws[600:] == 0).all()
    assert found.facts["left groups kept whole"] == 4
    assert "right groups kept whole" not in found.facts
    assert found.kind == "noise-floor"
    assert not found.notes


@pytest.mark.parametrize("seed", range(5))
def test_halves_of_groups_are_of_like_size(seed: int):
    random = np.random.default_rng(seed)
    groups = random.integers(random.integers(4, 40), size=120)
    largest = np.bincount(groups).max()
    judged = make_trial(Sizes(), np.ones(120), np.ones(17), side_groups=(groups, None), seed=seed)
    found = NoiseFloor(splits=50).judge(judged)
    assert found.draws[:50].max() <= largest
    assert len(set(found.draws[:50])) > 1  # not one split again and again
    assert (found.draws[50:] == 0).all()  # rows: the odd one is left out


def test_noise_floor_of_documents_is_that_of_their_means():
    # g documents of m tokens, sd 1 between and .5 within: halves' means differ by about sqrt(d * 4 (1 + .25 / m) / g).
    random = np.random.default_rng(0)
    documents, length, width = 40, 25, 50
    groups = np.repeat(np.arange(documents), length)

    def side() -> np.ndarray:
        return random.normal(size=(documents, width))[groups] + 0.5 * random.normal(size=(len(groups), width))

    judged = make_trial(SHIFT, side(), side())
    by_row = NoiseFloor().judge(judged)
    by_group = NoiseFloor().judge(replace(judged, side_groups=(groups, groups)))
    assert by_group.mean == pytest.approx(math.sqrt(width * 4 * (1 + 0.25 / length) / documents), rel=0.1)
    # The two sides do share nothing but their law, and only whole documents say so.
    assert by_group.facts["multiple of the floor"] < 1
    assert by_row.facts["multiple of the floor"] > 2


def test_one_label_per_row_is_the_noise_floor_of_rows():
    cloud = np.random.default_rng(0).normal(size=(80, 3))
    judged = make_trial(SHIFT, cloud, cloud[:60])
    by_row = NoiseFloor(splits=400).judge(judged).draws
    alone = NoiseFloor(splits=400).judge(replace(judged, side_groups=(np.arange(80), np.arange(60)), seed=1)).draws
    for rows in (slice(400), slice(400, None)):
        assert stats.ks_2samp(by_row[rows], alone[rows]).pvalue > 1e-3


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_noise_floor_refuses_too_few_groups_and_notes_a_large_one():
    cloud = np.random.default_rng(0).normal(size=(20, 3))
    judged = make_trial(SHIFT, cloud, cloud)
    with pytest.raises(
        InapplicableNull,
        match=r"by whole groups, of which it needs 4, and the right side has 3\. .*or groups='ignored' if rows are ind",
    ):
        NoiseFloor().judge(replace(judged, side_groups=(None, np.arange(20) % 3)))
    with pytest.raises(InapplicableNull, match="one label for each of the 20 rows of the left side, got 19"):
        NoiseFloor().judge(replace(judged, side_groups=(np.arange(19), None)))
    lopsided = np.array([0] * 14 + [1, 1, 2, 2, 3, 3])
    found = NoiseFloor().judge(replace(judged, side_groups=(None, lopsided)))
    assert found.notes == (
        "the largest of 4 groups of the right side holds 70% of the rows: the halves are of unlike size, and the floor "
        "is that of a small part against a large one",
    )


# --- what nulls do not swallow ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faulty(Gap):
    """Answers what it is told to."""

    answer: tuple[float, ...] = ()

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        return torch.tensor(self.answer[: len(orders)] if self.answer else 1.0)


def test_a_draw_that_is_not_finite_is_an_error():
    judged = make_trial(Faulty(answer=(1.0,)), *columns(0, 9), draws=10)
    nan = replace(judged, metric=Faulty(answer=(math.nan,)))
    with pytest.raises(DegenerateSpace, match="Faulty gives a number that is not finite for 10 of 10 orders"):
        Shuffle().judge(nan)


def test_a_score_many_of_the_wrong_shape_is_an_error():
    with pytest.raises(BrokenPromise, match=r"score_many of 1 orders has shape \(\), expected \(1,\)"):
        Shuffle().judge(make_trial(Faulty(), *columns(0, 9), draws=10))


# --- names -----------------------------------------------------------------------------------------------------------


def test_auto_follows_from_the_type_of_the_metric():
    assert null_for("auto", Agreement()) is NULLS["shuffle"]
    assert null_for("auto", SHIFT) is NULLS["noise-floor"]
    assert null_for(None, SHIFT) is None
    assert null_for(NoiseFloor(3), SHIFT) == NoiseFloor(3)


@pytest.mark.parametrize("choice", ["shuffel", NoiseFloor, 3, ["shuffle"]])
def test_an_unknown_null_is_refused_with_the_names_there_are(choice: Any):
    with pytest.raises(InvalidConfig, match=r"no null is called .*'auto', 'shuffle', 'exact', 'noise-floor', .*, None"):
        null_for(choice, Agreement())


@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
@pytest.mark.parametrize("null", ["shuffle", "exact"])
def test_an_unpaired_metric_has_no_shuffle_and_is_told_why(null: str):
    message = rf"Shift is unpaired: .* a {null} null would always be 1\. Use null='noise-floor'"
    with pytest.raises(InapplicableNull, match=message):
        NULLS[null].judge(make_trial(SHIFT, np.eye(4), np.eye(4)))
