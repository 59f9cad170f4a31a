"""Jaccard overlap of nearest neighbours (Schumacher et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from torch import Tensor

from geomsim import ByParameters, Explanation, Moments
from geomsim_representational.neighbour_metric import SharedNeighbours, unchanged_by_distance
from geomsim_representational.neighbours import Neighbours


@dataclass(frozen=True)
class KnnJaccard(SharedNeighbours):
    r"""Mean overlap of the `k` nearest neighbours of each left row with those of its right partner.

    .. math:: \frac{1}{n} \sum_i \frac{\lvert N_i \cap N'_i \rvert}{\lvert N_i \cup N'_i \rvert}

    :math:`N_i` holds the k rows nearest to left row i by `distance` ("cosine" or "euclidean"), never i itself;
    :math:`N'_i` likewise on the right. `centre` subtracts the mean row first. Range [0, 1], larger is closer.
    Unchanged by rotation and scaling, and by translation where `centre` is set or the distance is Euclidean. The mean
    over all orders is exact, with ties and duplicated rows too: each row has exactly k neighbours.

    Ties at the k-th place, within rounding, are broken by row number. How many rows had one stands in the facts of
    the result: where rows are duplicated, row numbers and not the points decide.

    Raises DegenerateSpace when there are fewer than k + 2 rows (with k + 1 the score is 1 for any points), where all
    rows are equally far from each other and, for cosines, where a row is zero (after centring).

    Reference: Schumacher, Wolf, Ritzert, Lemmerich, Grohe, Strohmaier 2020, "The effects of randomness on the
    stability of node embeddings".

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, "knn-jaccard", null=None).score, 6)
    1.0
    """

    unchanged_by = ByParameters(unchanged_by_distance)

    def score_many(self, left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return _jaccard(self.by_row(left, right, orders), self.k).mean(-1)

    def null_moments(self, left: Neighbours, right: Neighbours) -> Moments:
        """The mean: for a random order the shared neighbours of a row follow the hypergeometric law."""
        others, k = len(left.rows) - 1, self.k
        ways = comb(others, k)
        return Moments(sum(comb(k, m) * comb(others - k, k - m) / ways * m / (2 * k - m) for m in range(k + 1)))

    def explain(self, left: Neighbours, right: Neighbours) -> Explanation:
        """How many neighbours each row shares with its partner, and how often row numbers broke a tie."""
        plain = super().explain(left, right)
        rows = dict(plain.tables["rows"])
        rows["jaccard"] = [shared / (2 * self.k - shared) for shared in rows["shared"]]
        return Explanation(plain.facts, {"rows": rows})


def _jaccard(shared: Tensor, k: int) -> Tensor:
    return shared.double() / (2 * k - shared)
