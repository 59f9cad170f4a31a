"""Centred kernel alignment of shared neighbours (Huh et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, Moments, PairedMetric
from geomsim_representational.arc_moments import arc_moments
from geomsim_representational.neighbours import (
    ByDistance,
    Neighbours,
    bytes_of_places,
    check_parameters,
    neighbour_lists,
    placed,
    places,
)

_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class WeightedNeighbours:
    """The nearest neighbours of every row, and their centred cosines scaled to norm 1 over all rows."""

    neighbours: Neighbours
    weights: Tensor  # (rows, k)


@dataclass(frozen=True)
class CKNNA(PairedMetric[WeightedNeighbours]):
    r"""Centred kernel alignment on the pairs of rows that are neighbours on both sides.

    .. math:: \frac{\sum_{(i,j) \in N \cap N'} \bar K_{ij} \bar L_{ij}}
              {\sqrt{\sum_{(i,j) \in N} \bar K_{ij}^2} \sqrt{\sum_{(i,j) \in N'} \bar L_{ij}^2}},
              \qquad \bar K_{ij} = K_{ij} - \frac{1}{n} \sum_l K_{il}

    K and L hold the cosines of all pairs of left and of right rows; N holds the pairs (i, j) where j is among the `k`
    rows nearest to left row i, never i itself, and N' likewise on the right. `centre` subtracts the mean row before
    taking cosines. Range [-1, 1], larger is closer. Mean and variance over all orders are exact (``null="exact"``).
    Unchanged by rotation and scaling, and by translation where `centre` is set.

    Pitfalls: the exact null takes its p from a normal law; use draws for a small p with fewer than a few hundred rows.
    The score follows the formula in the paper's appendix, with cosines for K and L. The code published with it masks
    the kernels first, takes the unbiased HSIC of what is left, adds 1e-6 to the denominator and does not centre the
    points: with `centre` off the two differ by some hundredths. Ties at the k-th place, within rounding, are broken by
    row number; how many rows had one stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than k + 2 rows, where a row is zero (after centring), and where every
    neighbour is only as near as the average row.

    Reference: Huh, Cheung, Wang, Isola 2024, "The Platonic Representation Hypothesis", ICML, appendix A.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, CKNNA(k=10), null=None).score, 6)
    1.0
    """

    k: int = 10
    centre: bool = True

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = ByDistance()

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self.k)

    def prepare(self, points: Tensor) -> WeightedNeighbours:
        """Neighbour lists and their cosines; time O(rows^2 x width), memory O(rows x (width + k))."""
        unit = placed(points, "cosine", self.centre)
        neighbours = neighbour_lists(unit, self.k)
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
        return WeightedNeighbours(neighbours, weights / size)

    def score(self, left: WeightedNeighbours, right: WeightedNeighbours, order: Tensor) -> Tensor:
        """Sum over shared neighbours."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: WeightedNeighbours, right: WeightedNeighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return self._shares(left, right, orders).sum(-1).clamp(-1.0, 1.0)

    def bytes_per_order(self, left: WeightedNeighbours, right: WeightedNeighbours) -> int:
        """What looking the lists up needs, and the weight of every place."""
        return bytes_of_places(left.weights) + 3 * 8 * left.weights.numel()

    def null_moments(self, left: WeightedNeighbours, right: WeightedNeighbours) -> Moments:
        """Mean and variance from how the weighted arcs of the two neighbourhood graphs lie."""
        return arc_moments((left.neighbours.rows, left.weights), (right.neighbours.rows, right.weights), 1)

    def explain(self, left: WeightedNeighbours, right: WeightedNeighbours) -> Explanation:
        """What each row adds to the score, and how often row numbers broke a tie."""
        order = torch.arange(len(left.weights), device=left.weights.device)
        shares = self._shares(left, right, order[None])[0]
        return Explanation(
            {
                "rows with ties left": left.neighbours.tied_share,
                "rows with ties right": right.neighbours.tied_share,
            },
            {"rows": {"row": list(range(len(shares))), "adds": shares.tolist()}},
        )

    def _shares(self, left: WeightedNeighbours, right: WeightedNeighbours, orders: Tensor) -> Tensor:
        """What each row adds to the score, (draws, rows)."""
        found = places(left.neighbours.rows, right.neighbours.rows, orders)
        padded = torch.nn.functional.pad(right.weights, (0, 1))  # a neighbour that is not shared weighs nothing
        return (padded[orders].gather(2, found) * left.weights).sum(-1)
