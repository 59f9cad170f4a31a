"""Which way a score points: nothing is closer than a cloud to itself, and sides may change places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geomsim.contract import Metric
from geomsim.promises.clouds import pairs
from geomsim.promises.outcomes import Broken, Skipped
from geomsim.promises.scores import close, joined, unlike
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor


def self_is_best(metric: Metric[Any]) -> str:
    """No other cloud is closer to a cloud than itself."""
    sign = 1.0 if metric.larger_means == "closer" else -1.0

    def check(left: Tensor, right: Tensor) -> None:
        state = metric.prepare(left)
        alike = joined(metric, state, state, left)
        other = joined(metric, state, metric.prepare(right), left)
        if sign * alike < sign * other - 1e-9 * max(1.0, abs(other)):
            raise Broken(
                f"against itself left scores {alike:.9g}, against another cloud {other:.9g}", fault=unlike(alike, other)
            )

    return tried(metric, check, pairs(also_unrelated=True))


def symmetry(metric: Metric[Any]) -> str:
    """Left against right is right against left, where declared."""
    if not metric.symmetric:
        raise Skipped("declared asymmetric")

    def check(left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        there, back = joined(metric, *states, left), joined(metric, *states[::-1], right)
        if not close(there, back, 1e-8):
            raise Broken(
                f"left against right scores {there:.12g}, right against left {back:.12g}", fault=unlike(there, back)
            )

    return tried(metric, check)
