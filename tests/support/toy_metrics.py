"""Metrics small enough to be checked by hand."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

from torch import Tensor

from geomsim import DegenerateSpace, GeomsimWarning, PairedMetric, UnpairedMetric


@dataclass(frozen=True)
class Correlation(PairedMetric[Tensor]):
    """Pearson correlation of the first columns."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        """The first column, centred and of length 1."""
        column = points[:, 0].double() - points[:, 0].double().mean()
        if not column.any():
            raise DegenerateSpace("the first column is constant")
        return column / column.norm()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """Their inner product."""
        return left @ right[order]


@dataclass(frozen=True)
class Gap(PairedMetric[Tensor]):
    """Mean absolute difference of the first columns."""

    larger_means = "farther"
    score_range = (0.0, math.inf)

    def prepare(self, points: Tensor) -> Tensor:
        """The first column."""
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """Row by row."""
        return (left - right[order]).abs().mean()


@dataclass(frozen=True)
class Shift(UnpairedMetric[Tensor]):
    """Distance of the means; warns of sides with fewer rows than `wary_below`."""

    wary_below: int = 0
    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        """The mean."""
        if len(points) < self.wary_below:
            warnings.warn(f"only {len(points)} rows", GeomsimWarning, stacklevel=2)
        return points.double().mean(0)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """Its length."""
        return (left - right).norm()
