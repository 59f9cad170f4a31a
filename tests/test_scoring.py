"""A score is checked in one place, for paired and unpaired metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from geomsim import DegenerateSpace, PairedMetric, UnpairedMetric
from geomsim.contract import Metric
from geomsim.scoring import score_of, unchecked_score

POINTS = torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])


@dataclass(frozen=True)
class Weighted(PairedMetric[Tensor]):
    """Sum over rows of left times right, times the right row's place in the order."""

    factor: float = 1.0
    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        return points[:, 0]

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        assert order.dtype == torch.int64
        return self.factor * (left * right[order] * (1 + order)).sum()


@dataclass(frozen=True)
class Sums(UnpairedMetric[Tensor]):
    """Left sum minus right sum."""

    factor: float = 1.0
    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        return points.sum()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return self.factor * (left - right)


@pytest.mark.parametrize("scored", [score_of, unchecked_score])
def test_rows_of_a_paired_metric_belong_together_in_order(scored: Any) -> None:
    left, right = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([10.0, 1.0, 0.5])
    assert scored(Weighted(), left, right, POINTS) == 10 + 2 * 2 + 3 * 2
    found = scored(Sums(), left.sum(), right.sum(), POINTS)
    assert (found, type(found)) == (7 - 11.5, float)


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [Weighted, Sums])
def test_a_score_that_is_not_finite_names_the_metric(kind: Any, factor: float) -> None:
    metric = kind(factor)
    states = metric.prepare(POINTS), metric.prepare(2 * POINTS)
    with pytest.raises(DegenerateSpace, match=rf"^{kind.__name__} gives (nan|-?inf); a metric must raise where it is"):
        score_of(metric, *states, POINTS)
    assert not math.isfinite(unchecked_score(metric, *states, POINTS))


def test_a_metric_is_paired_or_unpaired() -> None:
    @dataclass(frozen=True)
    class Neither(Metric[Tensor]):
        larger_means = "closer"

        def prepare(self, points: Tensor) -> Tensor:
            return points

    with pytest.raises(TypeError, match="Neither is neither a PairedMetric nor an UnpairedMetric"):
        score_of(Neither(), POINTS, POINTS, POINTS)
