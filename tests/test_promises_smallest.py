"""A broken promise is shown on small clouds that break it again, by hand and from the evidence alone."""

from __future__ import annotations

import ast
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from geomsim import DegenerateSpace, Metric, PairedMetric
from geomsim.cards import Promise
from geomsim.promises import PROMISES, Broken, smallest
from geomsim.promises.clouds import Example, size_of
from geomsim.testing import metric_card


@dataclass(frozen=True)
class Weighted(PairedMetric[Tensor]):
    """Mean absolute difference of the rows' means; children weigh it wrongly."""

    larger_means = "farther"
    score_range = (0.0, float("inf"))
    unchanged_by = frozenset({"column_permutation"})

    def prepare(self, points: Tensor) -> Tensor:
        return points.double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left.mean(1) - right[order].mean(1)).abs().mean() * self.wrong(left, right[order])

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        """1 where the metric is right."""
        return torch.ones((), dtype=torch.float64)


@dataclass(frozen=True)
class AsymmetricFromFiveRows(Weighted):
    """Not symmetric, but only with five rows or more."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 1 + left.abs().sum() if len(left) >= 5 else torch.ones(())


@dataclass(frozen=True)
class AsymmetricForThreeColumns(Weighted):
    """Not symmetric where there is a third column."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 1 + left.abs()[:, 2].sum() if left.shape[1] >= 3 else torch.ones(())


@dataclass(frozen=True)
class FirstColumnWeighsMore(Weighted):
    """Depends on which column comes first."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 1 + left[:, 0].abs().sum() * right[:, 0].abs().sum()


@dataclass(frozen=True)
class OneLargeRow(Weighted):
    """Not symmetric where a left row lies far out, as few do."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 2 * torch.ones(()) if float(left[:, 0].max()) > 2.3 else torch.ones(())


@dataclass(frozen=True)
class FractionsOnly(Weighted):
    """Not symmetric, but right for whole numbers."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 1 + (left - left.round()).abs().sum()


@dataclass(frozen=True)
class RefusesFewRows(AsymmetricFromFiveRows):
    """Needs eight rows."""

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) < 8:
            raise DegenerateSpace("eight rows at least")
        return points.double()


@dataclass(frozen=True)
class CrashesOnFewRows(AsymmetricFromFiveRows):
    """Falls over below eight rows."""

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) < 8:
            raise ValueError("eight rows at least")
        return points.double()


@dataclass(frozen=True)
class NaNForFewRows(AsymmetricFromFiveRows):
    """Another fault below eight rows, which must not take the place of this one."""

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return super().wrong(left, right) if len(left) >= 8 else torch.tensor(float("nan"))


def broken(kind: type[Metric[Any]], name: str = "symmetry") -> Promise:
    promise = next(promise for promise in metric_card(kind, measure=None).promises if promise.name == name)
    assert not promise.kept
    return promise


def sides(promise: Promise) -> list[Tensor]:
    assert promise.example is not None
    return [torch.tensor(promise.example[side], dtype=torch.float64) for side in ("left", "right")]


def score(metric: PairedMetric[Any], left: Tensor, right: Tensor) -> float:
    return float(metric.score(metric.prepare(left), metric.prepare(right), torch.arange(len(left))))


@pytest.mark.parametrize(
    ("kind", "rows", "width"),
    [
        (AsymmetricFromFiveRows, 5, 1),
        (AsymmetricForThreeColumns, 2, 3),
        (OneLargeRow, 2, 1),
        (FractionsOnly, 2, 1),
        (RefusesFewRows, 8, 1),
        (CrashesOnFewRows, 8, 1),
        (NaNForFewRows, 8, 1),
    ],
)
def test_the_example_is_minimal_and_breaks_the_promise_again(
    kind: type[PairedMetric[Any]], rows: int, width: int
) -> None:
    promise = broken(kind)
    left, right = sides(promise)
    assert (len(left), left.shape[1]) == (len(right), right.shape[1]) == (rows, width)
    assert promise.evidence.startswith(f"{rows} rows, width {width}: left against right scores ")
    there, back = score(kind(), left, right), score(kind(), right, left)
    assert abs(there - back) > 1e-8
    assert f"scores {there:.12g}, right against left {back:.12g}" in promise.evidence


@pytest.mark.parametrize(("kind", "decimals"), [(AsymmetricFromFiveRows, 0), (FractionsOnly, 1)])
def test_the_numbers_are_as_simple_as_the_fault_allows(kind: type[PairedMetric[Any]], decimals: int) -> None:
    for points in sides(broken(kind)):
        assert points.equal(points.round(decimals=decimals))


def test_a_change_of_one_side_is_part_of_the_example() -> None:
    promise = broken(FirstColumnWeighsMore, "invariances, both ways")
    left, right = sides(promise)
    assert left.shape == right.shape == (2, 2)
    assert promise.example is not None
    changed = torch.tensor(promise.example["right changed"], dtype=torch.float64)
    assert changed.equal(right.flip(1))
    before, after = score(FirstColumnWeighsMore(), left, right), score(FirstColumnWeighsMore(), left, changed)
    assert before != after
    assert f"goes from {before:.9g} to {after:.9g}" in promise.evidence


def test_the_evidence_can_be_pasted() -> None:
    promise = broken(AsymmetricFromFiveRows)
    printed = re.search(r"left = (\[\[.*\]\]), right = (\[\[.*\]\])$", promise.evidence)
    assert printed is not None
    for text, points in zip(printed.groups(), sides(promise), strict=True):
        np.testing.assert_array_equal(np.array(ast.literal_eval(text)), points.numpy())


def test_large_examples_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smallest, "_MOST_PRINTED", 9)
    promise = broken(AsymmetricFromFiveRows)
    assert "left =" not in promise.evidence
    assert promise.example is not None
    assert len(promise.example["left"]) == 5


def test_the_search_is_deterministic() -> None:
    assert broken(AsymmetricFromFiveRows) == broken(AsymmetricFromFiveRows)


seen: Counter[tuple[int, int]] = Counter()


@dataclass(frozen=True)
class NeedsAllRows(Weighted):
    """Not symmetric, but only with all that the kit gives."""

    least: ClassVar[int] = 120

    def prepare(self, points: Tensor) -> Tensor:
        seen[tuple(points.shape)] += 1  # type: ignore[index]
        return points.double()

    def wrong(self, left: Tensor, right: Tensor) -> Tensor:
        return 1 + left.abs().sum() if len(left) >= self.least else torch.ones(())


def test_the_search_is_bounded() -> None:
    seen.clear()
    check = dict(PROMISES)["symmetry"]
    with pytest.raises(Broken, match="120 rows, width 1: left against right"):
        check(NeedsAllRows())
    # Two sides for each try and for each of the three sizes.
    assert seen.total() <= 2 * (60 + 3)


def test_the_search_of_a_slow_metric_ends_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Slow(AsymmetricFromFiveRows):
        """Takes its time."""

        def prepare(self, points: Tensor) -> Tensor:
            time.sleep(0.02)
            return points.double()

    monkeypatch.setattr(smallest, "_SECONDS", 0.1)
    start = time.monotonic()
    with pytest.raises(Broken, match=r"^12 rows|^[5-9] rows"):
        dict(PROMISES)["symmetry"](Slow())
    assert time.monotonic() - start < 1.5


def test_sizes_in_words() -> None:
    assert size_of((torch.zeros(3, 2), torch.zeros(3, 2))) == "3 rows, width 2"
    assert size_of((torch.zeros(3, 2), torch.zeros(9, 4))) == "3 and 9 rows, widths 2, 4"


@dataclass(frozen=True)
class Centres(Weighted):
    """Centres the left points in place."""

    def prepare(self, points: Tensor) -> Tensor:
        points -= points.mean(0)
        return points


def test_the_example_is_not_what_the_metric_made_of_it() -> None:
    left, right = sides(broken(Centres, "inputs untouched"))
    before = left.clone()
    score(Centres(), left, right)
    assert not left.equal(before)


def test_rows_that_can_be_dropped_after_others_are() -> None:
    numbers = torch.arange(8.0, dtype=torch.float64)[:, None]

    def check(left: Tensor, right: Tensor) -> None:
        there = set(left[:, 0].tolist())
        if {0, 2} <= there and (7 in there or 3 not in there):
            raise Broken("by hand")

    with pytest.raises(Broken, match="2 rows, width 1: by hand") as found:
        smallest.tried(Weighted(), check, [Example((numbers, numbers), ordinary=True)])
    assert found.value.example == {"left": [[0.0], [2.0]], "right": [[0.0], [2.0]]}
