"""Scores of two clouds, and when two scores are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.promises.outcomes import Broken

if TYPE_CHECKING:
    from torch import Tensor


def score(metric: Metric[Any], left: Tensor, right: Tensor, order: Tensor | None = None) -> float:
    """The score of two clouds, each prepared anew."""
    return joined(metric, metric.prepare(left), metric.prepare(right), left, order)


def joined(metric: Metric[Any], left: Any, right: Any, points: Tensor, order: Tensor | None = None) -> float:
    """The score of two prepared sides; `points` are those of the left one."""
    return float(raw(metric, left, right, points, order))


def raw(metric: Metric[Any], left: Any, right: Any, points: Tensor, order: Tensor | None = None) -> Any:
    """What `score` returns for two prepared sides, whatever that is."""
    import torch

    if isinstance(metric, PairedMetric):
        order = torch.arange(len(points), device=points.device) if order is None else order
        return metric.score(left, right, order)
    has_a_kind(metric)
    return metric.score(left, right)  # type: ignore[attr-defined]


def has_a_kind(metric: Metric[Any]) -> None:
    """Raise Broken for what is neither paired nor unpaired: it has no score."""
    if not isinstance(metric, (PairedMetric, UnpairedMetric)):
        raise Broken("derives from Metric itself; derive from PairedMetric or UnpairedMetric")


def close(first: float, second: float, tolerance: float) -> bool:
    """Whether two scores agree; never, where one is NaN."""
    return abs(first - second) <= tolerance * max(1.0, abs(first), abs(second))


def unlike(*scores: float) -> str:
    """The fault of scores that should agree: a small example without a number is not one of unequal numbers."""
    return "unequal" if all(map(math.isfinite, scores)) else "not finite"
