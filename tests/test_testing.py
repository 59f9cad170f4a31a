"""The conformance kit catches each kind of broken promise, by the right check and with evidence."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

import geomsim
from geomsim import DegenerateSpace, Explanation, GeomsimError, Metric, Moments, PairedMetric, UnpairedMetric
from geomsim.errors import BrokenPromise, UnknownMetric
from geomsim.testing import CHECKS, check_metric, metric_card


@dataclass(frozen=True)
class Good(PairedMetric[Tensor]):
    """How alike the distances of the rows to their mean are (Pearson r)."""

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Tensor:
        points = points.double()
        far = (points - points.mean(0)).norm(dim=1)
        far = far - far.mean()
        if len(points) < 3 or float(far.norm()) <= 1e-12 * float(points.abs().max()):
            raise DegenerateSpace("all rows lie equally far from their mean")
        return far / far.norm()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left @ right[order]

    def null_moments(self, left: Tensor, right: Tensor) -> Moments | None:
        return Moments(0.0, 1 / (len(left) - 1))


@dataclass(frozen=True)
class GoodUnpaired(UnpairedMetric[Tensor]):
    """Difference of the total variances."""

    larger_means = "farther"
    score_range = (0.0, float("inf"))
    unchanged_by = frozenset({"rotation", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().var(0, correction=0).sum()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).abs()


@pytest.mark.parametrize("kind", [Good, GoodUnpaired])
def test_good_metrics_pass(kind: type[Metric[Any]]) -> None:
    check_metric(kind)
    card = metric_card(kind(), measure=None)
    assert card.kept, [promise for promise in card.promises if not promise.kept]
    assert tuple(promise.name for promise in card.promises) == CHECKS
    assert json.loads(json.dumps(card.to_dict()))["metric"] == kind.__name__


class NotADataclass(Good):
    """No decorator of its own, but a parameter that is none."""

    larger_means = "nearer"  # type: ignore[assignment]


@dataclass
class NotFrozen(UnpairedMetric[Tensor]):
    """A dataclass that can be written to; Python itself refuses one that derives from PairedMetric."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        return points

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return left.sum() * right.sum()


@dataclass(frozen=True)
class UnknownInvariance(Good):
    """Names a change that is none of the six."""

    unchanged_by = frozenset({"reflection"})


@dataclass(frozen=True)
class Undocumented(Good):
    pass


Undocumented.__doc__ = None


@dataclass(frozen=True)
class NotJson(Good):
    """A parameter that JSON cannot hold."""

    weights: Any = field(default_factory=lambda: {1, 2})


@dataclass(frozen=True)
class LosesItsParameter(Good):
    """A parameter that comes back from JSON as something else."""

    names: Any = field(default_factory=lambda: {1: "one"})


@dataclass(frozen=True)
class ReturnsAFloat(Good):
    """A score that is no tensor."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return float(left @ right[order])  # type: ignore[return-value]


@dataclass(frozen=True)
class ReturnsOnePerRow(Good):
    """A score for each row."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left * right[order]


@dataclass(frozen=True)
class WrongRange(Good):
    """A correlation is negative where rows are shuffled."""

    score_range = (0.0, 1.0)


@dataclass(frozen=True)
class RangeTooLow(Good):
    """Related points correlate by more than this."""

    score_range = (-1.0, 0.1)


@dataclass(frozen=True)
class WritesToItsInput(Good):
    """Centres the points in place."""

    def prepare(self, points: Tensor) -> Tensor:
        points -= points.mean(0)
        return Good.prepare(self, points)


@dataclass(frozen=True)
class KeepsState(Good):
    """Remembers the last points."""

    def prepare(self, points: Tensor) -> Tensor:
        object.__setattr__(self, "last", points)
        return Good.prepare(self, points)


@dataclass(frozen=True)
class ChangesItsParameter(Good):
    """Writes to its own field."""

    seen: int = 0

    def prepare(self, points: Tensor) -> Tensor:
        object.__setattr__(self, "seen", self.seen + 1)
        return Good.prepare(self, points)


@dataclass(frozen=True)
class Random(Good):
    """Adds noise without a seed."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left @ right[order]) * (1 - 0.01 * torch.rand(()).double())


@dataclass(frozen=True)
class IgnoresTheOrder(Good):
    """Always compares row i with row i."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left @ right


@dataclass(frozen=True)
class InvertsTheOrder(Good):
    """Moves the left rows instead, which is the inverse order."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left[order] @ right


@dataclass(frozen=True)
class WrongShape(Good):
    """Many scores as a column."""

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        return (right[orders] @ left)[:, None]


@dataclass(frozen=True)
class OtherScores(Good):
    """Many orders in another precision."""

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        return right.float()[orders] @ left.float()


@dataclass(frozen=True)
class NoBytes(Good):
    """Orders that need no memory."""

    def bytes_per_order(self, left: Tensor, right: Tensor) -> int:
        return 0


@dataclass(frozen=True)
class WrongMean(Good):
    """An exact mean that is not."""

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.02)


@dataclass(frozen=True)
class WrongVariance(Good):
    """An exact variance that is twice too small."""

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.0, 0.5 / len(left))


@dataclass(frozen=True)
class WrongSkewness(Good):
    """The skewness of a symmetric law, which this one is not."""

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.0, 1 / (len(left) - 1), 0.0)


@dataclass(frozen=True)
class WrongMeanAlone(Good):
    """A mean by chance that is wrong, and no moments beside it."""

    def null_moments(self, left: Tensor, right: Tensor) -> None:
        return None

    def null_mean(self, left: Tensor, right: Tensor) -> float:
        return 0.02


@dataclass(frozen=True)
class ManyRows(Good):
    """Refuses rows that are few enough to score all of their orders."""

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) < 12:
            raise DegenerateSpace("twelve rows are needed")
        return Good.prepare(self, points)


@dataclass(frozen=True)
class WrongMeanOfManyRows(ManyRows):
    """An exact mean that is not, as random orders show."""

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.02)


@dataclass(frozen=True)
class WrongVarianceOfManyRows(ManyRows):
    """An exact variance that is twice too small, as random orders show."""

    def null_moments(self, left: Tensor, right: Tensor) -> Moments:
        return Moments(0.0, 0.5 / len(left))


@dataclass(frozen=True)
class RowOrderMatters(GoodUnpaired):
    """Unpaired, yet compares first rows."""

    unchanged_by = frozenset({"rotation"})

    def prepare(self, points: Tensor) -> Tensor:
        return points[0].double().norm()


@dataclass(frozen=True)
class LeftRowOrderMatters(UnpairedMetric[Tensor]):
    """Unpaired, and only the left side is read by row."""

    larger_means = "farther"
    symmetric = False
    unchanged_by = frozenset({"column_permutation"})

    def prepare(self, points: Tensor) -> Tensor:
        return points.double()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left[0].norm() - left[1].norm()).abs() * (left.mean() - right.mean()).abs()


@dataclass(frozen=True)
class WrongDirection(Good):
    """A similarity that calls itself a distance."""

    larger_means = "farther"


@dataclass(frozen=True)
class SinglePrecision(Good):
    """A large sum before a small difference, in the precision of the input."""

    unchanged_by = frozenset({"column_permutation"})

    def prepare(self, points: Tensor) -> Tensor:
        far = (points + 1e5).square().sum(1)
        return Good.prepare(self, torch.stack([far, far * 0], 1))


@dataclass(frozen=True)
class NotSymmetric(Good):
    """Weighs the left side's rows, and does not say so."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left.abs() * left * right[order]).sum()

    def null_moments(self, left: Tensor, right: Tensor) -> Moments | None:
        return None


@dataclass(frozen=True)
class FalseInvariance(Good):
    """Stretching does matter."""

    unchanged_by = frozenset({"affine"})


@dataclass(frozen=True)
class FalseMonotone(Good):
    """So does bending."""

    unchanged_by = Good.unchanged_by | {"monotone"}


@dataclass(frozen=True)
class HiddenInvariance(Good):
    """Translation does not matter."""

    unchanged_by = frozenset({"rotation", "scaling"})


@dataclass(frozen=True)
class AbsoluteEpsilon(Good):
    """Scale matters where points are small."""

    def prepare(self, points: Tensor) -> Tensor:
        points = points.double()
        far = (points - points.mean(0)).norm(dim=1)
        far = far - far.mean()
        return far / (far.norm() + 1e-8)


@dataclass(frozen=True)
class OneSidedInvariance(PairedMetric[Tensor]):
    """A regression slope: the scale of the left side drops out, that of the right does not."""

    larger_means = "closer"
    symmetric = False
    unchanged_by = frozenset({"scaling", "rotation"})

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().norm(dim=1)

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left * right[order]).sum() / right.square().sum()


@dataclass(frozen=True)
class NotANumber(Good):
    """Divides by zero on constant points."""

    def prepare(self, points: Tensor) -> Tensor:
        points = points.double()
        far = (points - points.mean(0)).norm(dim=1)
        return (far - far.mean()) / (far - far.mean()).norm()


@dataclass(frozen=True)
class NotANumberOnTheLeft(PairedMetric[Tensor]):
    """Divides by the spread of the left side only."""

    larger_means = "closer"
    symmetric = False
    unchanged_by = frozenset({"column_permutation", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        means = points.double().mean(1)
        return means - means.mean()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return -(left - right[order]).norm() / left.norm()


@dataclass(frozen=True)
class NotANumberForTwoRows(Good):
    """Refuses degenerate points, but divides by the rows left after two."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left @ right[order] + 0.0 * (1 / torch.tensor(float(len(left) - 2)))

    def prepare(self, points: Tensor) -> Tensor:
        return Good.prepare(self, points) if len(points) > 2 else points[:, 0].double()


@dataclass(frozen=True)
class NotANumberOfUnequalWidths(Good):
    """Right where widths are equal."""

    def prepare(self, points: Tensor) -> tuple[Tensor, int]:  # type: ignore[override]
        return Good.prepare(self, points) if len(points) > 2 else points[:, 0].double(), points.shape[1]

    def score(self, left: Any, right: Any, order: Tensor) -> Tensor:
        return left[0] @ right[0][order] / float(left[1] == right[1])

    def null_moments(self, left: Any, right: Any) -> None:
        return None


@dataclass(frozen=True)
class CrashesOnUnequalWidths(Good):
    """Compares columns one by one, and does not say why it cannot."""

    unchanged_by = frozenset({"scaling"})

    def prepare(self, points: Tensor) -> Tensor:
        return points.double() / points.double().norm() if points.any() else Good.prepare(self, points)

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left * right[order]).sum()

    def null_moments(self, left: Tensor, right: Tensor) -> Moments | None:
        return None


@dataclass(frozen=True)
class RefusesOrdinaryPoints(Good):
    """Wants a thousand rows."""

    def prepare(self, points: Tensor) -> Tensor:
        raise DegenerateSpace("a thousand rows at least")


@dataclass(frozen=True)
class UnequalColumns(Good):
    """A table that is none."""

    def explain(self, left: Tensor, right: Tensor) -> Explanation:
        return Explanation(tables={"rows": {"row": [0, 1], "far": [1.0]}})


@dataclass(frozen=True)
class ExplainsWithADict(Good):
    """Facts without an Explanation."""

    def explain(self, left: Tensor, right: Tensor) -> Explanation:
        return {"rows": len(left)}  # type: ignore[return-value]


@dataclass(frozen=True)
class FactsOutsideJson(Good):
    """A fact that is a tensor."""

    def explain(self, left: Tensor, right: Tensor) -> Explanation:
        return Explanation({"norm": left.norm()})  # type: ignore[dict-item]


@dataclass(frozen=True)
class NoWayRound(GoodUnpaired):
    """The square of a distance."""

    triangle = True

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).square()


@dataclass(frozen=True)
class NoWayRoundInOtherWidths(UnpairedMetric[Tensor]):
    """Mean difference of the columns' shares of spread, falling and padded: over another length each time."""

    larger_means = "farther"
    unchanged_by = frozenset({"scaling", "translation", "column_permutation"})
    triangle = True

    def prepare(self, points: Tensor) -> Tensor:
        spreads = points.double().std(0, correction=0)
        if not spreads.any():
            raise DegenerateSpace("all rows are equal")
        return spreads.sort(descending=True).values / spreads.sum()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        longer = max(len(left), len(right))
        padded = [torch.nn.functional.pad(side, (0, longer - len(side))) for side in (left, right)]
        return (padded[0] - padded[1]).abs().mean()


@dataclass(frozen=True)
class TriangleOfASimilarity(Good):
    """There is no way round for what is larger where sides are closer."""

    triangle = True


@dataclass(frozen=True)
class EstimatesAnything(Good):
    """Synthetic truth knows no such value."""

    estimates = "truth"  # type: ignore[assignment]


@dataclass(frozen=True)
class SpoilsItsState(GoodUnpaired):
    """Writes to a prepared side while it scores."""

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return left.mul_(0.5).sub(right).abs()


BROKEN: list[tuple[type[Metric[Any]], str, str]] = [
    (NotADataclass, "declarations", "larger_means must be 'closer' or 'farther', is 'nearer'"),
    (NotFrozen, "declarations", r"NotFrozen must be decorated with @dataclass\(frozen=True\)"),
    (UnknownInvariance, "declarations", r"unchanged_by names \['reflection'\]; it may name rotation,"),
    (Undocumented, "declarations", "Undocumented has no docstring"),
    (NotJson, "parameters through JSON", "TypeError.*not JSON serializable"),
    (LosesItsParameter, "parameters through JSON", "became .* through JSON"),
    (ReturnsAFloat, "finite 0-d score within its range", "3 rows, width 1: score must be a 0-d tensor, is"),
    (ReturnsOnePerRow, "finite 0-d score within its range", "score must be a 0-d tensor"),
    (WrongRange, "finite 0-d score within its range", r"lies outside the declared range \[0.0, 1.0\]"),
    (RangeTooLow, "finite 0-d score within its range", r"lies outside the declared range \[-1.0, 0.1\]"),
    (WritesToItsInput, "inputs untouched", "3 rows, width 1: prepare or score wrote into its input"),
    (KeepsState, "repeatable, nothing kept on the metric", r"something was kept on the metric: \['last'\]"),
    (ChangesItsParameter, "repeatable, nothing kept on the metric", "kept on the metric"),
    (Random, "repeatable, nothing kept on the metric", "two runs on the same points score"),
    (
        IgnoresTheOrder,
        "order law",
        r"3 rows, width 1: score\(left, right, order\) is .*, but score\(left, right\[order",
    ),
    (InvertsTheOrder, "order law", r"score\(left, right, order\) is"),
    (WrongShape, "many orders like one by one", r"score_many of 5 orders has shape \(5, 1\), expected \(5,\)"),
    (OtherScores, "many orders like one by one", "score_many gives .* where score gives"),
    (NoBytes, "many orders like one by one", "bytes_per_order must be a positive whole number, is 0"),
    (WrongMean, "exact moments", r"3 rows, width 1: null_moments says mean 0.02; all 6 orders give .*; left = \[\["),
    (WrongVariance, "exact moments", "null_moments says variance 0.1.*; all 6 orders give 0.5"),
    (WrongSkewness, "exact moments", "null_moments says skewness 0; all .* orders give"),
    (WrongMeanAlone, "exact moments", "null_mean says mean 0.02; all 6 orders give"),
    (WrongMeanOfManyRows, "exact moments", "null_moments says mean 0.02; 2000 orders give"),
    (WrongVarianceOfManyRows, "exact moments", "null_moments says variance 0.0083.*; 2000 orders give"),
    (RowOrderMatters, "indifferent to row order", "2 rows, width 1: reordering the .* rows changes the score"),
    (LeftRowOrderMatters, "indifferent to row order", "reordering the left rows changes the score from"),
    (WrongDirection, "self is best", "against itself left scores 1, against another cloud"),
    (SinglePrecision, "float32 close to float64", "float64 scores .*, float32"),
    (NotSymmetric, "symmetry", "left against right scores .*, right against left"),
    (
        FalseInvariance,
        "invariances, both ways",
        "rows, width [12]: declared unchanged by affine, but .* the score goes",
    ),
    (FalseMonotone, "invariances, both ways", "declared unchanged by monotone"),
    (
        HiddenInvariance,
        "invariances, both ways",
        "unchanged by translation, which unchanged_by does not declare; add 'translation' to it",
    ),
    (
        AbsoluteEpsilon,
        "invariances, both ways",
        "declared unchanged by scaling, and is by a factor of 3.7, but with the right side times 1e-05 the score goes "
        "from .*, as it does where a constant is added to a denominator; left = ",
    ),
    (OneSidedInvariance, "invariances, both ways", "declared unchanged by scaling, but with the right side times 3.7 "),
    (NoWayRound, "triangle inequality", "left and .* are .* apart, but by .* it is only .*; left = .*, middle = "),
    (NoWayRoundInOtherWidths, "triangle inequality", "left and .* are .* apart, but by .* it is only"),
    (TriangleOfASimilarity, "declarations", "triangle is declared, but larger_means is 'closer'"),
    (EstimatesAnything, "declarations", "estimates must be one of .* or None, is 'truth'"),
    (SpoilsItsState, "repeatable, nothing kept on the metric", "the same prepared sides score .* and then"),
    (
        NotANumber,
        "degenerate points",
        "constant points on the right: the score is nan; raise DegenerateSpace instead; left = ",
    ),
    (
        NotANumberOnTheLeft,
        "degenerate points",
        r"constant points on the left: the score is .*; left = \[\[1.0, 1.0\], ",
    ),
    (
        NotANumberForTwoRows,
        "two rows",
        r"2 rows, width 1: two rows score nan; raise .* instead; left = \[\[.*\]\], right =",
    ),
    (NotANumberOfUnequalWidths, "unequal widths", r"2 rows, widths [12], [12]: the score is (nan|-?inf); .*; left = "),
    (CrashesOnUnequalWidths, "unequal widths", "crashed with RuntimeError: The size of tensor"),
    (RefusesOrdinaryPoints, "finite 0-d score within its range", "DegenerateSpace on ordinary points: a thousand rows"),
    (UnequalColumns, "explanation", "table 'rows' of explain has columns of unequal length"),
    (ExplainsWithADict, "explanation", "explain must return an Explanation or None, returned dict"),
    (FactsOutsideJson, "explanation", "not JSON serializable"),
]


@pytest.mark.parametrize(("kind", "check", "evidence"), BROKEN, ids=[kind.__name__ for kind, _, _ in BROKEN])
def test_each_broken_promise_is_caught_by_its_check(kind: type[Metric[Any]], check: str, evidence: str) -> None:
    promises = {promise.name: promise for promise in metric_card(kind, measure=None).promises}
    assert not promises[check].kept
    with pytest.raises(AssertionError, match=evidence):
        raise AssertionError(promises[check].evidence)


BREAKS_AN_EARLIER_PROMISE_TOO = {OneSidedInvariance, CrashesOnUnequalWidths, NotANumberOfUnequalWidths}


@pytest.mark.parametrize(
    ("kind", "check"), [(kind, check) for kind, check, _ in BROKEN], ids=[kind.__name__ for kind, _, _ in BROKEN]
)
def test_check_metric_raises_on_the_first_broken_promise(kind: type[Metric[Any]], check: str) -> None:
    first = next(promise.name for promise in metric_card(kind, measure=None).promises if not promise.kept)
    assert first == check or kind in BREAKS_AN_EARLIER_PROMISE_TOO
    with pytest.raises(BrokenPromise, match=f"^{kind.__name__}: {first}: ."):
        check_metric(kind)


def test_a_broken_promise_is_a_geomsim_error() -> None:
    assert issubclass(BrokenPromise, GeomsimError)


def test_names_instances_and_classes_are_taken() -> None:
    check_metric("procrustes")
    check_metric(geomsim.metric("procrustes"))
    assert metric_card("procrustes", measure=None).metric == "procrustes"
    with pytest.raises(BrokenPromise, match="is no metric: derive from PairedMetric or UnpairedMetric"):
        check_metric(dict)  # type: ignore[arg-type]
    with pytest.raises(UnknownMetric, match="procrustes"):
        check_metric("procrustean")


def test_warnings_stay_as_they_were() -> None:
    before = list(warnings.filters)
    with pytest.raises(BrokenPromise):
        check_metric(WrongDirection)
    assert list(warnings.filters) == before
