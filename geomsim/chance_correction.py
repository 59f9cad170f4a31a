"""Scores on a scale where 0 is chance and 1 is identity: (s - E0) / (s_best - E0)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from geomsim.contract import Metric, PairedMetric
from geomsim.nulls import Chance


def mean_by_chance(metric: Metric[Any], left: Any, right: Any, chance: Chance, *, free: bool) -> float | None:
    """The mean score of reordered rows: exact where the metric knows it and rows are `free` to go anywhere."""
    if not isinstance(metric, PairedMetric):
        return None
    if chance.mean is not None and chance.kind == "exact":
        return chance.mean
    exact = metric.null_mean(left, right) if free else None
    if exact is not None:
        return exact
    return chance.mean if chance.is_chance else None


def scale_of(metric: Metric[Any], by_chance: float | None) -> Callable[[float], float] | None:
    """The map from a score to (s - E0) / (s_best - E0)."""
    # Identical spaces score at the end of the range that means closest.
    best = metric.score_range[1 if metric.larger_means == "closer" else 0]
    if by_chance is None or not math.isfinite(best):
        return None
    room = best - by_chance
    if abs(room) <= 1e-9 * max(abs(best), abs(by_chance)):
        return None
    return lambda score: (score - by_chance) / room


def no_correction_text(name: str, metric: Metric[Any], by_chance: float | None) -> str:
    """Why there is no such scale, for a metric that asks for one."""
    if by_chance is None:
        return (
            f"{name} with chance_corrected=True needs the mean score of reordered rows, which this metric has no "
            "formula for and this null does not give: use null='shuffle'"
        )
    return (
        f"{name} with chance_corrected=True is undefined: by chance the score is {by_chance:.4g} and the best is "
        f"{metric.score_range}, so nothing lies between"
    )


def rescaled(chance: Chance, scale: Callable[[float], float]) -> Chance:
    """What a null found, on the scale of corrected scores."""
    slope = scale(1.0) - scale(0.0)
    facts = dict(chance.facts)
    if slope < 0 and isinstance(skewness := facts.get("skewness"), float):
        facts["skewness"] = -skewness
    return replace(
        chance,
        mean=None if chance.mean is None else scale(chance.mean),
        sd=None if chance.sd is None else chance.sd * abs(slope),
        draws=None if chance.draws is None else scale(0.0) + slope * chance.draws,
        facts=facts,
    )
