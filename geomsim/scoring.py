"""The score of two prepared sides, checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.errors import UndefinedScore

if TYPE_CHECKING:
    from torch import Tensor


def score_of(metric: Metric[Any], left_state: Any, right_state: Any, points: Tensor) -> float:
    """The score of two prepared sides; row i of left against row i of right where rows belong together.

    `points` are those of the left side: they tell the number of rows and the device. Raises UndefinedScore where the
    score is not finite.
    """
    score = unchecked_score(metric, left_state, right_state, points)
    if not math.isfinite(score):
        raise UndefinedScore(f"{type(metric).__name__} gives {score}; a metric must raise where it is undefined")
    return score


def unchecked_score(metric: Metric[Any], left_state: Any, right_state: Any, points: Tensor) -> float:
    """Like :func:`score_of`, for callers that look themselves whether the score is finite."""
    import torch

    if isinstance(metric, PairedMetric):
        return float(metric.score(left_state, right_state, torch.arange(len(points), device=points.device)))
    if isinstance(metric, UnpairedMetric):
        return float(metric.score(left_state, right_state))
    raise TypeError(f"{type(metric).__name__} is neither a PairedMetric nor an UnpairedMetric")
