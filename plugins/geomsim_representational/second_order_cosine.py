"""Second-order cosine similarity of neighbourhoods (Hamilton et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace
from geomsim_representational.neighbour_metric import CosineNeighbours, unchanged_by_distance
from geomsim_representational.neighbours import Neighbours, bytes_of_places, places
from geomsim_representational.row_numbers import numbers_of


@dataclass(frozen=True)
class Profiles(Neighbours):
    """The nearest neighbours of every row, and the cosines of all pairs of rows."""

    cosines: Tensor  # (rows, rows)
    listed: Tensor  # (rows, k) the cosines to the neighbours


@dataclass(frozen=True)
class SecondOrderCosine(CosineNeighbours[Profiles]):
    r"""Mean cosine of the two similarity profiles of each pair of rows over the neighbours of either.

    .. math:: \frac{1}{n} \sum_i \cos\left( \left(K_{ij}\right)_{j \in N_i \cup N'_i},
              \left(L_{ij}\right)_{j \in N_i \cup N'_i} \right)

    K and L hold the cosines of all pairs of left and of right rows; :math:`N_i` holds the `k` rows nearest to left row
    i, never i itself, and :math:`N'_i` those nearest to its right partner. `centre` subtracts the mean row before
    taking cosines. Range [-1, 1], larger is closer. Unchanged by rotation and scaling, and by translation where
    `centre` is set.

    Pitfalls: neighbours have positive cosines, so the score is high by chance: read it beside its null. Time and
    memory grow with the square of the rows (n = 10,000 takes 0.8 GB a side). Ties at the k-th place, within rounding,
    are broken by row number; how many rows had one stands in the facts of the result.

    Raises DegenerateSpace when there are fewer than k + 2 rows, where a row is zero (after centring), where all rows
    are equally far from each other, and where a row is at right angles to all its neighbours: its profile is zero.

    Reference: Hamilton, Leskovec, Jurafsky 2016, "Cultural shift or linguistic drift? Comparing two computational
    measures of semantic change", EMNLP.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, SecondOrderCosine(k=10), null=None).score, 6)
    1.0
    """

    unchanged_by = ByParameters(unchanged_by_distance)
    each_row = "similarity"

    def with_cosines(self, unit: Tensor, neighbours: Neighbours) -> Profiles:
        """The cosines of all pairs; memory O(rows^2)."""
        cosines = unit @ unit.T
        listed = cosines.gather(1, neighbours.rows)
        floor = 8 * torch.finfo(unit.dtype).eps * unit.shape[1] ** 0.5
        bad = torch.linalg.vector_norm(listed, dim=1) <= floor
        if bad.any():
            raise DegenerateSpace(
                f"{int(bad.sum())} of {len(unit)} rows are at right angles to all of their {self.k} neighbours "
                f"({numbers_of(bad)}), so their similarity profiles are zero; leave those rows out on both sides or "
                "use another metric"
            )
        return Profiles(neighbours.rows, neighbours.tied_share, cosines, listed)

    def score_many(self, left: Profiles, right: Profiles, orders: Tensor) -> Tensor:
        """A few gathers of (draws, rows, k)."""
        return self.by_row(left, right, orders).mean(-1)

    def bytes_per_order(self, left: Profiles, right: Profiles) -> int:
        """What looking the lists up needs, and the cosines on the other side."""
        return bytes_of_places(left.listed) + 6 * 8 * left.listed.numel()

    def by_row(self, left: Profiles, right: Profiles, orders: Tensor) -> Tensor:
        """Cosine of the two profiles of each left row and its partner, (draws, rows)."""
        back = orders.argsort(dim=1)
        # Neighbours on both sides count once: on the left.
        only_right = places(right.rows, left.rows, back) == self.k
        product, ours, theirs = _sums(left, right, orders, None)
        turned = [part.gather(1, orders) for part in _sums(right, left, back, only_right)]
        lengths = ((ours + turned[2]) * (theirs + turned[1])).sqrt()
        return ((product + turned[0]) / lengths).clamp(-1.0, 1.0)


def _sums(own: Profiles, other: Profiles, orders: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Over the neighbours on one's own side: sums of K L, K^2 and L^2, each (draws, rows)."""
    there = other.cosines.view(-1)[orders[:, own.rows] + len(own.rows) * orders[:, :, None]]
    here = own.listed.expand_as(there)
    if kept is not None:
        there, here = there * kept, here * kept
    return (here * there).sum(-1), here.square().sum(-1), there.square().sum(-1)
