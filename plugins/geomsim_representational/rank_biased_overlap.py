"""Rank-biased overlap of neighbour rankings (Webber, Moffat, Zobel 2010)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, GeomsimError, Moments
from geomsim_representational.neighbour_metric import NeighbourMetric, unchanged_by_distance
from geomsim_representational.neighbours import (
    Distance,
    Neighbours,
    bytes_of_places,
    check_parameters,
    half_distances,
    placed,
    places,
    share_of_ties,
)
from geomsim_representational.ranking_moments import ranking_mean, ranking_moments


@dataclass(frozen=True)
class Rankings(Neighbours):
    """The nearest neighbours of every row by row number, (rows, depth), and by place."""

    ranked: Tensor  # (rows, depth) the same row numbers, nearest first
    ranks: (
        Tensor  # (rows, depth + 1) where each of `rows` stands in `ranked`; the last column is depth, for absent rows
    )


@dataclass(frozen=True)
class RankBiasedOverlap(NeighbourMetric[Rankings]):
    r"""Mean agreement of the neighbour rankings of each left row and its right partner, the nearest counting most.

    .. math:: \frac{1}{n} \sum_i \left( \frac{X_{i,k}}{k} p^k + \frac{1-p}{p} \sum_{d=1}^{k} \frac{X_{i,d}}{d} p^d
              \right)

    :math:`X_{i,d}` counts the rows among the d nearest of both left row i and its partner, by `distance` ("cosine" or
    "euclidean"), never i itself; k is `depth`. `p` in (0, 1) is the persistence: a reader of the ranking goes on to the
    next place with probability p, so that the first 1 / (1 - p) places carry most of the weight. The first term
    (RBO_ext) assumes that the agreement at `depth` goes on below it; identical rankings score 1. `centre` subtracts the
    mean row first.

    Range [0, 1], larger is closer. Mean, from E[X_d] = d^2 / (n - 1), variance and, to a depth of 64, skewness over all
    orders are exact (``null="exact"``). Unchanged by rotation and scaling, and by translation where `centre` is set or
    the distance is Euclidean.

    Pitfalls: deeper than 64 places the exact null takes its p from a normal law, and the true one leans to the right:
    then use draws for a small p. Rows at one distance, within rounding, are ranked by row number; how many rows had
    such a tie stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than depth + 1 rows (3 at least), where all rows are equally far from
    each other and, for cosines, where a row is zero (after centring).

    Reference: Webber, Moffat, Zobel 2010, "A similarity measure for indefinite rankings", ACM TOIS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, RankBiasedOverlap(depth=20, p=0.9), null=None).score, 6)
    1.0
    """

    depth: int = 20
    p: float = 0.9
    distance: Distance = "cosine"
    centre: bool = True

    score_range = (0.0, 1.0)
    unchanged_by = ByParameters(unchanged_by_distance)
    each_row = "overlap"

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(1, self.distance)
        if self.depth < 1:
            raise GeomsimError(f"depth is at least 1, got {self.depth}")
        if not 0.0 < self.p < 1.0:
            raise GeomsimError(f"p lies between 0 and 1, both excluded; got {self.p}")

    def prepare(self, points: Tensor) -> Rankings:
        """Rankings, a block of rows at a time; time O(rows^2 x width), memory O(rows x (width + depth))."""
        if len(points) < max(3, self.depth + 1):
            raise DegenerateSpace(
                f"{len(points)} rows are too few to rank {self.depth} neighbours: at least {max(3, self.depth + 1)} "
                f"rows are needed; use depth <= {max(1, len(points) - 1)} or more rows"
            )
        points, found, tied = placed(points, self.distance, self.centre), [], 0
        for far, tolerance in half_distances(points):
            nearest, tied_here = _ranked(far, self.depth, tolerance)
            found.append(nearest)
            tied += tied_here
        ranked = torch.cat(found)
        rising, ranks = ranked.sort(dim=1)
        padded = torch.nn.functional.pad(ranks, (0, 1), value=self.depth)
        return Rankings(rising, share_of_ties(points, tied), ranked, padded)

    def score_many(self, left: Rankings, right: Rankings, orders: Tensor) -> Tensor:
        """All rankings of all orders are looked up together."""
        return self.by_row(left, right, orders).mean(-1).clamp(max=1.0)

    def bytes_per_order(self, left: Rankings, right: Rankings) -> int:
        """What looking the lists up needs, and the rank and weight of every place."""
        return bytes_of_places(left.rows) + 4 * 8 * left.rows.numel()

    def null_moments(self, left: Rankings, right: Rankings) -> Moments:
        """Mean, variance and skewness from how the arcs of the graphs of the first 1, 2, ... neighbours lie."""
        sides = [(side.rows, side.ranks[:, : self.depth]) for side in (left, right)]
        return ranking_moments(sides[0], sides[1], self._weights()[: self.depth] / len(left.rows))

    def null_mean(self, left: Rankings, right: Rankings) -> float:
        """The mean alone, from E[X_d] = d^2 / (n - 1)."""
        return ranking_mean(len(left.rows), self._weights()[: self.depth] / len(left.rows))

    def by_row(self, left: Rankings, right: Rankings, orders: Tensor) -> Tensor:
        """Each shared neighbour counts from the depth on at which both rankings have shown it; (draws, rows)."""
        found = places(left.ranked, right.rows, orders)
        ranks = right.ranks[orders].gather(2, found)
        shown = torch.maximum(ranks, torch.arange(self.depth, device=ranks.device))
        return self._weights().to(ranks.device)[shown].sum(-1)

    def _weights(self) -> Tensor:
        """What a neighbour adds that both rankings have shown at place m = 0, 1, ...; 0 for m = depth, (depth + 1,)."""
        place = torch.arange(1, self.depth + 1, dtype=torch.float64)
        terms = (1 - self.p) / self.p * self.p**place / place
        adds = terms.flip(0).cumsum(0).flip(0) + self.p**self.depth / self.depth
        return torch.nn.functional.pad(adds, (0, 1))


def _ranked(far: Tensor, depth: int, tolerance: Tensor) -> tuple[Tensor, int]:
    """The nearest columns of each row, nearest first and ties by number, and how many rows had a tie."""
    values, columns = far.topk(depth + 1, dim=1, largest=False)
    level = values.diff(dim=1) <= tolerance
    ranked = _ties_by_number(values, columns, tolerance, far.shape[1])[:, :depth]
    # A tie that goes on past the last place may hold columns of lower number.
    going_on = level[:, -1].nonzero().flatten()
    if len(going_on):
        everything = far[going_on].sort(dim=1)
        ranked[going_on] = _ties_by_number(*everything, tolerance[going_on], far.shape[1])[:, :depth]
    return ranked, int(level.any(1).sum())


def _ties_by_number(values: Tensor, columns: Tensor, tolerance: Tensor, n_columns: int) -> Tensor:
    """Columns by value, given that values rise; those that follow each other within the tolerance by number."""
    steps = torch.nn.functional.pad((values.diff(dim=1) > tolerance).long(), (1, 0)).cumsum(1)
    return (steps * n_columns + columns).sort(dim=1).values % n_columns
