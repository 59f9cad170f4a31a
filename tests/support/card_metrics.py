"""Metrics with one known fault each, and pieces of a card measured as `geomsim validate` measures them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from toy_metrics import Correlation

from geomsim import DegenerateSpace, Metric, PairedMetric, UnpairedMetric
from geomsim_representational.procrustes import Procrustes
from geomsim_representational.svcca import SVCCA
from geomsim_synthetic.cards import Section

Results = list[tuple[Mapping[str, Any], dict[str, Any]]]


def measured(section: Section, metric: Metric[Any], *settings: Mapping[str, Any], seed: int = 0) -> Results:
    """Each piece with its result, after a trip through JSON."""
    return [(each, json.loads(json.dumps(section.measure(metric, each, seed), allow_nan=False))) for each in settings]


def promises(section: Section, metric: Metric[Any], results: Results) -> dict[str, Any]:
    """Promises by name."""
    return {promise.name: promise for promise in section.judge(metric, results)[1]}


@dataclass(frozen=True)
class Ranged(Correlation):
    """With a best score, so that it can be corrected for chance."""

    score_range = (-1.0, 1.0)


@dataclass(frozen=True)
class FavoursIdentity(Ranged):
    """The order law is broken: rows in their own order score higher than they should."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        identity = torch.arange(len(order))
        return left @ right[order] + 2.0 * (order == identity).all()


@dataclass(frozen=True)
class GivesNan(Ranged):
    """Says NaN where it should raise."""

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return torch.tensor(math.nan)


@dataclass(frozen=True)
class WrongMean(Ranged):
    """Claims a mean by chance that is off by .1."""

    def null_mean(self, left: Tensor, right: Tensor) -> float:
        return 0.1


@dataclass(frozen=True)
class Constant(PairedMetric[int]):
    """Says the same whatever it is given."""

    larger_means = "closer"
    score_range = (0.0, 1.0)

    def prepare(self, points: Tensor) -> int:
        return 0

    def score(self, left: int, right: int, order: Tensor) -> Tensor:
        return torch.tensor(0.3)


@dataclass(frozen=True)
class CountsRows(UnpairedMetric[float]):
    """``slope * log2(rows)``, whatever the points."""

    slope: float = 0.25
    larger_means = "closer"

    def prepare(self, points: Tensor) -> float:
        return math.log2(len(points))

    def score(self, left: float, right: float) -> Tensor:
        return torch.tensor(self.slope * (left + right) / 2, dtype=torch.float64)


@dataclass(frozen=True)
class Spread(UnpairedMetric[Tensor]):
    """Difference of the mean squares; the smaller the closer."""

    larger_means = "farther"
    score_range = (0.0, math.inf)

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().square().mean()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).abs()


@dataclass(frozen=True)
class Picky(Ranged):
    """Refuses points with many zeros."""

    def prepare(self, points: Tensor) -> Tensor:
        if (points == 0).double().mean() > 0.5:
            raise DegenerateSpace("more than half of the entries are 0")
        return super().prepare(points)


@dataclass(frozen=True)
class Crashing(Ranged):
    """Fails with an error that is none of geomsim's."""

    def prepare(self, points: Tensor) -> Tensor:
        raise RuntimeError("boom")


@dataclass(frozen=True)
class WrongShape(Ranged):
    """Breaks a promise that only a null can see."""

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        return torch.zeros(len(orders) + 1)


@dataclass(frozen=True)
class UpsideDown(Procrustes):
    """Procrustes similarity, said to be a distance."""

    larger_means = "farther"


@dataclass(frozen=True)
class OneComponent(SVCCA):
    """SVCCA cut to one component, said to be the mean of all canonical correlations."""

    components: int | None = 1
    estimates = "mean canonical correlation"


@dataclass(frozen=True)
class Greedy(Ranged):
    """Takes known seconds and bytes in `prepare`."""

    seconds: float = 0.0
    mebibytes: int = 0

    def prepare(self, points: Tensor) -> Tensor:
        held = torch.ones(self.mebibytes << 17, dtype=torch.float64)
        time.sleep(self.seconds)
        del held
        return super().prepare(points)
