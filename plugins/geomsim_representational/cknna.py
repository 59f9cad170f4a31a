"""Centred kernel alignment of shared neighbours (Huh et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Moments
from geomsim_representational.arc_moments import arc_mean, arc_moments
from geomsim_representational.neighbour_metric import CosineNeighbours, unchanged_by_distance
from geomsim_representational.neighbours import Neighbours, bytes_of_places, places

_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class WeightedNeighbours(Neighbours):
    """The nearest neighbours of every row, and their centred cosines scaled to norm 1 over all rows."""

    weights: Tensor  # (rows, k)


@dataclass(frozen=True)
class CKNNA(CosineNeighbours[WeightedNeighbours]):
    r"""Centred kernel alignment on the pairs of rows that are neighbours on both sides.

    .. math:: \frac{\sum_{(i,j) \in N \cap N'} \bar K_{ij} \bar L_{ij}}
              {\sqrt{\sum_{(i,j) \in N} \bar K_{ij}^2} \sqrt{\sum_{(i,j) \in N'} \bar L_{ij}^2}},
              \qquad \bar K_{ij} = K_{ij} - \frac{1}{n} \sum_l K_{il}

    K and L hold the cosines of all pairs of left and of right rows; N holds the pairs (i, j) where j is among the `k`
    rows nearest to left row i, never i itself, and N' likewise on the right. `centre` subtracts the mean row before
    taking cosines. Range [-1, 1], larger is closer. Mean, variance and skewness over all orders are exact
    (``null="exact"``). Unchanged by rotation and scaling, and by translation where `centre` is set.

    Pitfalls: the score follows the formula in the paper's appendix, with cosines for K and L. The code published with
    it masks the kernels first, takes the unbiased HSIC of what is left, adds 1e-6 to the denominator and does not
    centre the points: with `centre` off the two differ by some hundredths. Ties at the k-th place, within rounding, are
    broken by row number; how many rows had one stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than k + 2 rows, where a row is zero (after centring), where all rows
    are equally far from each other, and where every neighbour is only as near as the average row.

    Reference: Huh, Cheung, Wang, Isola 2024, "The Platonic Representation Hypothesis", ICML, appendix A.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, CKNNA(k=10), null=None).score, 6)
    1.0
    """

    unchanged_by = ByParameters(unchanged_by_distance)
    each_row = "adds"

    def with_cosines(self, unit: Tensor, neighbours: Neighbours) -> WeightedNeighbours:
        """Cosines of neighbours less the average of the row; memory O(rows x (width + k))."""
        average = unit @ unit.mean(0)
        fitting = max(1, _BLOCK_BYTES // (8 * self.k * unit.shape[1]))
        blocks = zip(torch.split(unit, fitting), torch.split(neighbours.rows, fitting), strict=True)
        cosines = [torch.einsum("iw,ikw->ik", block, unit[rows]) for block, rows in blocks]
        weights = torch.cat(cosines) - average[:, None]
        size = torch.linalg.vector_norm(weights)
        if float(size) <= 8 * torch.finfo(weights.dtype).eps * weights.numel() ** 0.5:
            raise DegenerateSpace(
                "all neighbours are as near as the average row, so their centred cosines are zero; "
                "look for duplicated rows"
            )
        return WeightedNeighbours(neighbours.rows, neighbours.tied_share, weights / size)

    def score_many(self, left: WeightedNeighbours, right: WeightedNeighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return self.by_row(left, right, orders).sum(-1).clamp(-1.0, 1.0)

    def bytes_per_order(self, left: WeightedNeighbours, right: WeightedNeighbours) -> int:
        """What looking the lists up needs, and the weight of every place."""
        return bytes_of_places(left.weights) + 3 * 8 * left.weights.numel()

    def null_moments(self, left: WeightedNeighbours, right: WeightedNeighbours) -> Moments:
        """Mean, variance and skewness from how the weighted arcs of the two neighbourhood graphs lie."""
        return arc_moments((left.rows, left.weights), (right.rows, right.weights), 1)

    def null_mean(self, left: WeightedNeighbours, right: WeightedNeighbours) -> float:
        """The mean alone, O(rows x k)."""
        return arc_mean((left.rows, left.weights), (right.rows, right.weights), 1)

    def by_row(self, left: WeightedNeighbours, right: WeightedNeighbours, orders: Tensor) -> Tensor:
        """What each row adds to the score, (draws, rows)."""
        found = places(left.rows, right.rows, orders)
        padded = torch.nn.functional.pad(right.weights, (0, 1))  # a neighbour that is not shared weighs nothing
        return (padded[orders].gather(2, found) * left.weights).sum(-1)
