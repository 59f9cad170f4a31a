"""Oracles: Student's and Welch's t intervals, plain delete-one loops, scipy.stats.bootstrap, and coverage."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import toy_metrics
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

import geomsim
from geomsim import GeomsimWarning, PairedMetric, UnpairedMetric, resampling
from geomsim.contract import Metric
from geomsim.errors import DegenerateSpace, InapplicableNull, InvalidConfig
from geomsim.intervals import Interval, check_options, interval, jackknife_variance
from geomsim.resampling import PAIRS_SHARING_ROWS, blocks


@dataclass(frozen=True)
class Correlation(toy_metrics.Correlation):
    """The same, in a range and with a bootstrap."""

    score_range = (-1.0, 1.0)
    bootstrap = True


@dataclass(frozen=True)
class MeanDifference(PairedMetric[Tensor]):
    """Mean difference of the first columns, right from left."""

    larger_means = "farther"
    symmetric = False
    bootstrap = True

    def prepare(self, points: Tensor) -> Tensor:
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left - right[order]).mean()


@dataclass(frozen=True)
class DifferenceOfMeans(UnpairedMetric[Tensor]):
    """The same, rows unpaired."""

    larger_means = "farther"
    symmetric = False
    bootstrap = True

    def prepare(self, points: Tensor) -> Tensor:
        return points[:, 0].double().mean()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return left - right


@dataclass(frozen=True)
class Excess(MeanDifference):
    """The same, said to be between 0 and 1."""

    score_range = (0.0, 1.0)


@dataclass(frozen=True)
class RowsInOrder(MeanDifference):
    """Refuses rows that do not rise."""

    def prepare(self, points: Tensor) -> Tensor:
        if not bool((points[1:, 0] >= points[:-1, 0]).all()):
            raise DegenerateSpace("rows out of order")
        return super().prepare(points)


@dataclass(frozen=True)
class Distinct(MeanDifference):
    """The number of distinct rows: what repeated rows lower."""

    score_range = (0.0, math.inf)

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return torch.tensor(float(len(set(left.tolist()))))


@dataclass(frozen=True)
class Talker(MeanDifference):
    """Warns about each side, and sees how many torch threads there are."""

    threads: ClassVar[set[int]] = set()

    def prepare(self, points: Tensor) -> Tensor:
        warnings.warn("something about these points", GeomsimWarning, stacklevel=2)
        self.threads.add(torch.get_num_threads())
        return super().prepare(points)


def column(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float64)).reshape(-1, 1)


def normal_pairs(n: int, r: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    first = random.normal(size=n)
    return first, r * first + math.sqrt(1 - r * r) * random.normal(size=n)


def interval_of(metric: Metric[Any], left: NDArray[np.float64], right: NDArray[np.float64], **options: Any) -> Any:
    first, second = column(left), column(right)
    states = metric.prepare(first), metric.prepare(second)
    order = [torch.arange(len(first))] if isinstance(metric, PairedMetric) else []
    return interval(metric, first, second, float(metric.score(*states, *order)), **options)  # type: ignore[attr-defined]


# Closed forms


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_jackknife_of_a_mean_is_the_paired_t_interval(confidence: float) -> None:
    left, right = normal_pairs(40, 0.3, 1)
    found = interval_of(MeanDifference(), left, right, confidence=confidence)
    expected = stats.ttest_rel(left, right).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.se == pytest.approx(stats.sem(left - right), rel=1e-12)
    assert (found.confidence, found.method, found.notes) == (confidence, "jackknife", ())


def test_jackknife_of_two_means_is_welchs_t_interval() -> None:
    random = np.random.default_rng(2)
    left, right = random.normal(size=20), 3 * random.normal(size=45)
    found = interval_of(DifferenceOfMeans(), left, right)
    expected = stats.ttest_ind(left, right, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_jackknife_of_a_correlation_is_the_plain_loop() -> None:
    left, right = normal_pairs(30, 0.6, 3)
    without = [np.corrcoef(np.delete(left, i), np.delete(right, i))[0, 1] for i in range(30)]
    se = math.sqrt(29 / 30 * ((without - np.mean(without)) ** 2).sum())
    found = interval_of(Correlation(), left, right)
    assert found.se == pytest.approx(se, rel=1e-10)
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, 29) * se, rel=1e-10)


def test_unequal_blocks_of_a_mean_have_the_weighted_variance() -> None:
    random = np.random.default_rng(4)
    sizes = np.array([1, 2, 5, 9, 13])
    rows = [random.normal(size=size) for size in sizes]
    n, mean = sizes.sum(), np.concatenate(rows).mean()
    without = np.array([np.concatenate(rows[:j] + rows[j + 1 :]).mean() for j in range(5)])
    expected = np.mean([m / (n - m) * (own.mean() - mean) ** 2 for m, own in zip(sizes, rows, strict=True)])
    assert jackknife_variance(mean, without, sizes) == pytest.approx(expected, rel=1e-12)


def test_equal_blocks_do_not_need_the_score() -> None:
    without = np.random.default_rng(5).normal(size=8)
    spread = 7 / 8 * ((without - without.mean()) ** 2).sum()
    for score in (0.0, 3.0):
        assert jackknife_variance(score, without, np.full(8, 4)) == pytest.approx(spread, rel=1e-12)


def test_the_lean_with_the_number_of_rows_adds_no_variance() -> None:
    sizes = np.array([1, 2, 5, 9, 13])
    n = sizes.sum()
    assert jackknife_variance(1 + 2 / n, 1 + 2 / (n - sizes), sizes) == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
@pytest.mark.parametrize("metric", [Correlation(), MeanDifference()])
def test_groups_of_copies_count_once(metric: Metric[Any], method: str) -> None:
    left, right = normal_pairs(20, 0.5, 6)
    copied = interval_of(metric, left.repeat(7), right.repeat(7), groups=np.arange(20).repeat(7), method=method)
    once = interval_of(metric, left, right, method=method)
    assert (copied.low, copied.high, copied.se) == pytest.approx((once.low, once.high, once.se), rel=1e-9)
    by_row = interval_of(metric, left.repeat(7), right.repeat(7), method=method)
    assert by_row.se < 0.6 * once.se


def test_bootstrap_agrees_with_scipy() -> None:
    left, right = normal_pairs(60, 0.6, 7)
    found = interval_of(Correlation(), left, right, method="bootstrap", resamples=4000)
    expected = stats.bootstrap(
        (left, right), lambda a, b: stats.pearsonr(a, b).statistic, paired=True, vectorized=False,
        n_resamples=4000, method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip
    ends = expected.confidence_interval
    assert found.se == pytest.approx(float(expected.standard_error), rel=0.05)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=0.15 * float(expected.standard_error))


def test_bootstrap_of_two_samples_agrees_with_scipy() -> None:
    random = np.random.default_rng(8)
    left, right = random.normal(size=25), 2 * random.normal(size=50)
    found = interval_of(DifferenceOfMeans(), left, right, method="bootstrap", resamples=4000)
    expected = stats.bootstrap(
        (left, right), lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=4000, method="percentile",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    ends = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=0.15 * float(expected.standard_error))


# Coverage


def share_covering(truth: float, found: list[Any]) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in found]))


@pytest.mark.parametrize(("method", "datasets"), [("jackknife", 300), ("bootstrap", 100)])
def test_intervals_cover_a_correlation(method: str, datasets: int) -> None:
    found = [interval_of(Correlation(), *normal_pairs(200, 0.6, seed), method=method) for seed in range(datasets)]
    assert 0.90 <= share_covering(0.6, found) <= 0.98


def test_dependent_rows_are_covered_by_groups_only() -> None:
    groups = np.arange(40).repeat(5)
    by_group, by_row = [], []
    for seed in range(100):
        left, right = (shared[groups] for shared in normal_pairs(40, 0.5, seed))
        first, second = normal_pairs(200, 0.5, 1000 + seed)
        left, right = left + 0.3 * first, right + 0.3 * second
        by_group.append(interval_of(Correlation(), left, right, groups=groups))
        by_row.append(interval_of(Correlation(), left, right))
    assert 0.90 <= share_covering(0.5, by_group) <= 0.98
    assert share_covering(0.5, by_row) < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rsa", "procrustes", "svcca", "knn-jaccard", "singular-values"])
def test_intervals_cover_the_expected_score_of_installed_metrics(name: str) -> None:
    metric = geomsim.metric(name)
    mix = np.random.default_rng(5).normal(size=(10, 10)) / math.sqrt(10)

    def sample(seed: int) -> tuple[Tensor, Tensor, float]:
        random = np.random.default_rng(seed)
        left = random.normal(size=(150, 10))
        right = left @ mix + 0.7 * random.normal(size=(150, 10))
        return torch.from_numpy(left), torch.from_numpy(right), geomsim.compare(left, right, metric, null=None).score

    scores = [sample(10_000 + seed)[2] for seed in range(300)]
    found = [interval(metric, *sample(seed), seed=seed) for seed in range(40)]
    assert share_covering(float(np.mean(scores)), found) >= 0.9
    # Never much too small; up to half too large where the score moves in jumps.
    assert 0.9 < np.mean([each.se for each in found]) / np.std(scores, ddof=1) < 1.7


# Promises


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_the_seed_decides(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = normal_pairs(120, 0.5, 9)
    first = interval_of(Correlation(), left, right, method=method, seed=3)
    assert interval_of(Correlation(), left, right, method=method, seed=3) == first
    assert interval_of(Correlation(), left, right, method=method, seed=4) != first
    monkeypatch.setattr(resampling, "cores", lambda: 5)
    assert interval_of(Correlation(), left, right, method=method, seed=3) == first


def test_auto_is_the_jackknife() -> None:
    left, right = normal_pairs(60, 0.5, 10)
    assert interval_of(Correlation(), left, right) == interval_of(Correlation(), left, right, method="jackknife")


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_rows_keep_their_order(method: str) -> None:
    rising = np.arange(60.0)
    groups = np.random.default_rng(0).integers(12, size=60)
    interval_of(RowsInOrder(), rising, rising**2, method=method)
    interval_of(RowsInOrder(), rising, rising**2, method=method, groups=groups)


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_progress_adds_up(method: str) -> None:
    left, right = normal_pairs(30, 0.5, 11)
    steps: list[int] = []
    interval_of(Correlation(), left, right, method=method, resamples=77, advance=steps.append)
    assert sum(steps) == 77
    assert len(steps) == (30 if method == "jackknife" else 77)


def test_warnings_about_resamples_are_not_given_and_threads_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "cores", lambda: 2)
    left, right = (column(side) for side in normal_pairs(30, 0.5, 12))
    before = torch.get_num_threads()
    Talker.threads.clear()
    try:
        torch.set_num_threads(2)
        interval(Talker(), left, right, 0.0)  # a GeomsimWarning would be an error here
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert Talker.threads == {1}


def test_ends_stay_in_the_range_of_the_metric() -> None:
    left = np.array([0.0, 3.0, -2.0, 1.0, 0.5, -1.0])
    found = interval_of(Excess(), left, np.zeros(6))
    assert (found.low, found.high) == (0.0, 1.0)
    assert any("cut where the metric's range ends, on both sides" in note for note in found.notes)


@pytest.mark.parametrize(("shift", "side"), [(2.0, "farther"), (-1.0, "closer")])
def test_a_cut_end_is_told_in_words_that_hold_on_every_scale(shift: float, side: str) -> None:
    left = np.array([0.0, 0.3, -0.2, 0.1, 0.05, -0.1]) + (0.95 if side == "farther" else 0.05)
    found = interval_of(Excess(), left, np.zeros(6))  # larger means farther
    note = f"the interval was cut where the metric's range ends, on the {side} side: a rough guide so near to it"
    assert found.notes == (note,)
    assert (found.high == 1) == (side == "farther")
    assert (found.low == 0) == (side == "closer")
    corrected = found.mapped(lambda score: (score - 0.8) / (0 - 0.8))
    assert corrected.notes == (note,)
    # Of a corrected score the closer end is the upper one.
    assert corrected.high == pytest.approx(1) if side == "closer" else corrected.low == pytest.approx(-0.25)


@pytest.mark.parametrize("slope", [2.5, -0.5])
def test_a_mapped_interval_is_that_of_the_mapped_score(slope: float) -> None:
    @dataclass(frozen=True)
    class Mapped(Correlation):
        score_range = (-math.inf, math.inf)

        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return slope * super().score(left, right, order) + 3

    left, right = normal_pairs(40, 0.5, 19)
    found = interval_of(Correlation(), left, right).mapped(lambda score: slope * score + 3)
    expected = interval_of(Mapped(), left, right)
    assert (found.low, found.high, found.se) == pytest.approx((expected.low, expected.high, expected.se), rel=1e-10)
    assert (found.confidence, found.method, found.notes) == (0.95, "jackknife", ())
    assert found.low < found.high


def test_an_interval_in_words() -> None:
    assert str(Interval(0.12, 0.34, 0.95, "jackknife", 0.05)) == "0.12 to 0.34 (95%, jackknife)"
    assert str(Interval(-0.0, 12345.678, 0.999, "bootstrap", 0.05)) == "0 to 1.235e+04 (99.9%, bootstrap)"


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_a_score_that_never_moves_has_a_point_for_an_interval(method: str) -> None:
    left, _ = normal_pairs(60, 0.5, 13)
    found = interval_of(Correlation(), left, 3 * left + 1, method=method)
    assert (found.low, found.high) == pytest.approx((1, 1))
    assert found.se == 0
    assert any("single point" in note for note in found.notes)


def test_a_bootstrap_that_repeated_rows_mislead_says_so() -> None:
    left, right = normal_pairs(60, 0.5, 14)
    found = interval_of(Distinct(), left, right, method="bootstrap")
    assert any("standard errors to the closer side of the score" in note for note in found.notes)  # of fewer rows


def test_few_or_lopsided_groups_are_noted() -> None:
    left, right = normal_pairs(60, 0.5, 15)
    groups = np.array([0] * 40 + [1] * 5 + [2] * 5 + [3] * 10)
    assert any("67% of the rows" in note for note in interval_of(Correlation(), left, right, groups=groups).notes)
    found = interval_of(Correlation(), left, right, groups=groups, method="bootstrap")
    assert any("4 groups are few" in note for note in found.notes)


def test_blocks_hold_whole_groups_of_like_size() -> None:
    groups = np.random.default_rng(0).integers(300, size=4000)
    parts = blocks(groups, 50, np.random.default_rng(1))
    assert len(parts) == 50
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(4000))
    assert all(len({block for block, rows in enumerate(parts) if (groups[rows] == group).any()}) == 1
               for group in np.unique(groups))  # fmt: skip
    sizes = [len(rows) for rows in parts]
    assert max(sizes) - min(sizes) <= 3


def test_single_rows_fall_into_blocks_at_random() -> None:
    parts = blocks(np.arange(103), 50, np.random.default_rng(0))
    assert sorted({len(rows) for rows in parts}) == [2, 3]
    assert np.mean([np.diff(rows).mean() for rows in parts]) > 10


# Refusals


def test_a_bootstrap_where_repeated_rows_mislead_is_refused() -> None:
    points = torch.zeros(20, 3)
    with pytest.raises(InapplicableNull, match=r"SingularValues does not declare bootstrap.*false nei.*jackknife"):
        interval(geomsim.metric("singular-values"), points, points, 0.0, method="bootstrap")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "jacknife"}, r"no interval is called 'jacknife'; there are 'auto', 'jackknife', 'bootstrap'"),
        ({"confidence": 95}, r"between 0 and 1, for example 0.95, got 95"),
        ({"confidence": "95%"}, r"between 0 and 1"),
        ({"resamples": 0}, r"resamples must be a whole number, at least 1, got 0"),
        ({"seed": 0.5}, r"seed must be a whole number, at least 0, got 0.5"),
        ({"method": "bootstrap", "resamples": 39}, r"0.95 interval need at least 40 resamples.*got 39"),
        ({"groups": np.arange(19)}, r"one label for each of the 20 rows, got shape \(19,\)"),
        ({"groups": (np.arange(20), None)}, r"one group label per pair"),
    ],
)
def test_what_does_not_exist_is_refused(options: dict[str, Any], message: str) -> None:
    left, right = normal_pairs(20, 0.5, 16)
    with pytest.raises(InvalidConfig, match=message):
        interval_of(Correlation(), left, right, **options)


def test_labels_of_an_unpaired_metric_come_by_side() -> None:
    left, right = normal_pairs(20, 0.5, 17)
    with pytest.raises(InvalidConfig, match=r"DifferenceOfMeans is unpaired.*\(left labels, right labels\)"):
        interval_of(DifferenceOfMeans(), left, right, groups=np.arange(20))
    with pytest.raises(InvalidConfig, match=r"each of the 20 rows of the right side"):
        interval_of(DifferenceOfMeans(), left, right, groups=(None, np.arange(3)))
    with pytest.raises(InapplicableNull, match=r"at least 4 groups.*got 2 of the right side; leave groups out only"):
        interval_of(DifferenceOfMeans(), left, right, groups=(None, np.arange(20) % 2))


def test_fewer_than_four_groups_or_rows_are_refused() -> None:
    left, right = normal_pairs(20, 0.5, 18)
    with pytest.raises(InapplicableNull, match=r"at least 4 groups to see how they differ, got 3; leave"):
        interval_of(Correlation(), left, right, groups=np.arange(20) % 3)
    with pytest.raises(InapplicableNull, match=r"at least 4 rows to see how they differ, got 3$"):
        interval_of(Correlation(), left[:3], right[:3])


def test_pairs_that_share_rows_are_called_so() -> None:
    left, right = normal_pairs(60, 0.5, 20)
    with pytest.raises(
        InapplicableNull,
        match=r"at least 4 groups of pairs that hang together through shared rows to see how they differ, got 1; comp"
        r".*one_to_one\(\), pairing.limit\(\), or .*bucket",
    ):
        interval_of(Correlation(), left, right, groups=np.zeros(60, dtype=int), groups_are=PAIRS_SHARING_ROWS)
    groups = np.array([0] * 40 + [1] * 5 + [2] * 5 + [3] * 10)
    found = interval_of(
        Correlation(), left, right, groups=groups, groups_are=PAIRS_SHARING_ROWS, method="bootstrap"
    )  # fmt: skip
    for note in (f"the largest of 4 {PAIRS_SHARING_ROWS} holds 67%", f"4 {PAIRS_SHARING_ROWS} are few"):
        assert any(note in each for each in found.notes)


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_resamples_may_hold_more_rows_than_there_are(method: str) -> None:
    left, right = normal_pairs(60, 0.5, 21)
    groups = np.array([0] * 30 + [1] * 10 + [2] * 10 + [3] * 10)
    found = interval_of(Correlation(), left, right, groups=groups, method=method)
    assert found.low < np.corrcoef(left, right)[0, 1] < found.high


def test_options_can_be_checked_before_there_are_points() -> None:
    for method in ("auto", "jackknife", "bootstrap"):
        check_options(method, 0.9)
    for method in ("none", None, ["jackknife"], 3):
        with pytest.raises(
            InvalidConfig, match=r"no interval is called .*; there are 'auto', 'jackknife', 'bootstrap'"
        ):
            check_options(method, 0.9)
    for confidence in (0.0, 1.0, 95, "0.9", None, math.nan, True):
        with pytest.raises(InvalidConfig, match=r"between 0 and 1, for example 0.95, got"):
            check_options("auto", confidence)


def test_unequal_sides_of_a_paired_metric_are_refused() -> None:
    with pytest.raises(InvalidConfig, match=r"left has 5 and right 6"):
        interval(Correlation(), torch.rand(5, 1), torch.rand(6, 1), 0.0)


def test_a_degenerate_resample_is_named_and_never_skipped() -> None:
    left = np.arange(20.0)
    right = np.where(np.arange(20) // 4 == 2, np.arange(20.0), 0.0)
    with pytest.raises(DegenerateSpace, match=r"^right side, without group 2 \(4 of 20 rows\): the first column is"):
        interval_of(Correlation(), left, right, groups=np.arange(20) // 4)
    right[8:12] = [0, 0, 0, 1]
    with pytest.raises(DegenerateSpace, match=r"^right side, without row 11: the first column is constant"):
        interval_of(Correlation(), left, right)
    with pytest.raises(DegenerateSpace, match=r"^right side, bootstrap resample \d+ of 200: the first column is con"):
        interval_of(Correlation(), left, right, method="bootstrap")


def test_a_score_that_is_not_finite_is_refused() -> None:
    @dataclass(frozen=True)
    class Broken(MeanDifference):
        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return torch.tensor(float("nan"))

    with pytest.raises(DegenerateSpace, match=r"^without row \d+: Broken gives nan; a metric must raise"):
        interval(Broken(), torch.rand(9, 1), torch.rand(9, 1), 0.0)


def test_too_few_rows_for_the_metric_are_its_own_error() -> None:
    points = torch.rand(12, 3, generator=torch.Generator().manual_seed(0))
    score = geomsim.compare(points, points, "knn-jaccard", null=None).score
    with pytest.raises(DegenerateSpace, match=r"^left side, without row \d+: "):
        interval(geomsim.metric("knn-jaccard"), points, points, score)
