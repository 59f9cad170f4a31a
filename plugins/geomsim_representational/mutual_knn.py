"""Mutual nearest neighbours (Huh et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from geomsim import Explanation, Moments, PairedMetric
from geomsim_representational.arc_moments import arc_moments
from geomsim_representational.neighbours import (
    ByDistance,
    Distance,
    Neighbours,
    bytes_of_places,
    check_parameters,
    neighbour_lists,
    placed,
    shared_counts,
)


@dataclass(frozen=True)
class MutualKnn(PairedMetric[Neighbours]):
    r"""Mean share of the `k` nearest neighbours of each left row that its right partner has too.

    .. math:: \frac{1}{n} \sum_i \frac{\lvert N_i \cap N'_i \rvert}{k}

    :math:`N_i` holds the k rows nearest to left row i by `distance` ("cosine" or "euclidean"), never i itself;
    :math:`N'_i` likewise on the right. `centre` subtracts the mean row first. Range [0, 1], larger is closer; by chance
    k / (n - 1). Mean and variance over all orders are exact (``null="exact"``), and need no draws. Unchanged by
    rotation and scaling, and by translation where `centre` is set or the distance is Euclidean.

    Pitfalls: the score grows with k / n by chance alone. The exact null takes its p from a normal law, and the true one
    leans to the right where rows are few (skewness .3 at n = 60, k = 5; .1 at n = 1,000, k = 10): use draws for a small
    p with fewer than a few hundred rows. Ties at the k-th place, within rounding, are broken by row
    number; how many rows had one stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than k + 2 rows and, for cosines, where a row is zero (after centring).

    Reference: Huh, Cheung, Wang, Isola 2024, "The Platonic Representation Hypothesis", ICML.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(101, 4))
    >>> result = geomsim.compare(points, points * 2 + 1, MutualKnn(k=10), null="exact")
    >>> round(result.score, 6), result.null_mean
    (1.0, 0.1)
    """

    k: int = 10
    distance: Distance = "cosine"
    centre: bool = True

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = ByDistance()

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self.k, self.distance)

    def prepare(self, points: Tensor) -> Neighbours:
        """Neighbour lists, a block of rows at a time; time O(rows^2 x width), memory O(rows x (width + k))."""
        return neighbour_lists(placed(points, self.distance, self.centre), self.k)

    def score(self, left: Neighbours, right: Neighbours, order: Tensor) -> Tensor:
        """Mean overlap over k."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return shared_counts(left, right, orders).sum(-1).double() / left.rows.numel()

    def bytes_per_order(self, left: Neighbours, right: Neighbours) -> int:
        """What looking the lists up needs."""
        return bytes_of_places(left.rows)

    def null_moments(self, left: Neighbours, right: Neighbours) -> Moments:
        """Mean k / (n - 1), and the variance from how the arcs of the two neighbourhood graphs lie."""
        sides = [(side.rows, torch.ones_like(side.rows)) for side in (left, right)]
        return arc_moments(sides[0], sides[1], Fraction(1, left.rows.numel()))

    def explain(self, left: Neighbours, right: Neighbours) -> Explanation:
        """How many neighbours each row shares with its partner, and how often row numbers broke a tie."""
        shared = shared_counts(left, right, torch.arange(len(left.rows), device=left.rows.device)[None])[0]
        return Explanation(
            {"rows with ties left": left.tied_share, "rows with ties right": right.tied_share},
            {"rows": {"row": list(range(len(shared))), "shared": shared.tolist()}},
        )
