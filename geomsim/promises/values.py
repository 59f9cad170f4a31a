"""One score: a finite number in its range, the same each time, in both precisions, and nothing left behind."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric, PairedMetric
from geomsim.promises.clouds import pairs
from geomsim.promises.outcomes import Broken
from geomsim.promises.scores import close, joined, raw, score, unlike
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor


def finite(metric: Metric[Any]) -> str:
    """A finite 0-d tensor within the declared range, in the given order of the rows and in others."""
    import torch

    def check(left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        value = raw(metric, *states, left)
        if not isinstance(value, torch.Tensor) or value.ndim:
            raise Broken(f"score must be a 0-d tensor, is {value!r}", fault="no tensor")
        if not torch.isfinite(value):
            raise Broken(f"the score is {float(value)}", fault="not finite")
        random = np.random.default_rng(12)
        orders = [torch.from_numpy(random.permutation(len(left))) for _ in range(5)]
        low, high = metric.score_range
        for order in [None, *(orders if isinstance(metric, PairedMetric) else [])]:
            found = float(value) if order is None else joined(metric, *states, left, order)
            slack = 1e-9 * max(1.0, abs(found))
            if not low - slack <= found <= high + slack:
                raise Broken(
                    f"the score {found} lies outside the declared range [{low}, {high}]",
                    fault="outside" if np.isfinite(found) else "not finite",
                    example={} if order is None else {"order": order.tolist()},
                )

    return tried(metric, check, pairs(also_unrelated=True))


def inputs_untouched(metric: Metric[Any]) -> str:
    """The points are afterwards what they were."""

    def check(left: Tensor, right: Tensor) -> None:
        before = left.clone(), right.clone()
        score(metric, left, right)
        if not (left.equal(before[0]) and right.equal(before[1])):
            raise Broken("prepare or score wrote into its input")

    return tried(metric, check)


def repeatable(metric: Metric[Any]) -> str:
    """The same bits twice, and the metric as it was."""

    def check(left: Tensor, right: Tensor) -> None:
        fields = metric.parameters()
        states = metric.prepare(left), metric.prepare(right)
        first, again = joined(metric, *states, left), joined(metric, *states, left)
        score(metric, right, left)
        second = score(metric, left, right)
        if first != second:
            raise Broken(f"two runs on the same points score {first!r} and {second!r}", fault=unlike(first, second))
        if first != again:
            raise Broken(
                f"the same prepared sides score {first!r} and then {again!r}", fault=f"states, {unlike(first, again)}"
            )
        declared = {spec.name for spec in dataclasses.fields(metric)}  # type: ignore[arg-type]
        if metric.parameters() != fields or set(vars(metric)) != declared:
            kept = sorted(set(vars(metric)) ^ declared)
            raise Broken(f"something was kept on the metric: {kept}", fault="kept")

    return tried(metric, check)


def precision(metric: Metric[Any]) -> str:
    """Points in float32 score what they score in float64."""

    def check(left: Tensor, right: Tensor) -> None:
        double, single = score(metric, left, right), score(metric, left.float(), right.float())
        if not close(double, single, 1e-4):
            raise Broken(f"float64 scores {double:.9g}, float32 {single:.9g}", fault=unlike(double, single))

    return tried(metric, check)
