"""Mutual nearest neighbours (Huh et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from geomsim import ByParameters, Moments
from geomsim_representational.arc_moments import arc_mean, arc_moments
from geomsim_representational.neighbour_metric import SharedNeighbours, unchanged_by_distance
from geomsim_representational.neighbours import Neighbours


@dataclass(frozen=True)
class MutualKnn(SharedNeighbours):
    r"""Mean share of the `k` nearest neighbours of each left row that its right partner has too.

    .. math:: \frac{1}{n} \sum_i \frac{\lvert N_i \cap N'_i \rvert}{k}

    :math:`N_i` holds the k rows nearest to left row i by `distance` ("cosine" or "euclidean"), never i itself;
    :math:`N'_i` likewise on the right. `centre` subtracts the mean row first. Range [0, 1], larger is closer; by chance
    k / (n - 1). Mean, variance and skewness over all orders are exact (``null="exact"``), and need no draws. Unchanged
    by rotation and scaling, and by translation where `centre` is set or the distance is Euclidean.

    Pitfalls: the score grows with k / n by chance alone. Ties at the k-th place, within rounding, are broken by row
    number; how many rows had one stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than k + 2 rows, where all rows are equally far from each other and, for
    cosines, where a row is zero (after centring).

    Reference: Huh, Cheung, Wang, Isola 2024, "The Platonic Representation Hypothesis", ICML.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(101, 4))
    >>> result = geomsim.compare(points, points * 2 + 1, MutualKnn(k=10), null="exact")
    >>> round(result.score, 6), result.null_mean
    (1.0, 0.1)
    """

    unchanged_by = ByParameters(unchanged_by_distance)

    def score_many(self, left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return self.by_row(left, right, orders).sum(-1).double() / left.rows.numel()

    def null_moments(self, left: Neighbours, right: Neighbours) -> Moments:
        """Mean k / (n - 1), variance and skewness from how the arcs of the two neighbourhood graphs lie."""
        return arc_moments(_arcs(left), _arcs(right), Fraction(1, left.rows.numel()))

    def null_mean(self, left: Neighbours, right: Neighbours) -> float:
        """The mean alone, k / (n - 1)."""
        return arc_mean(_arcs(left), _arcs(right), Fraction(1, left.rows.numel()))


def _arcs(side: Neighbours) -> tuple[Tensor, Tensor]:
    return side.rows, torch.ones_like(side.rows)
