"""Clusterers of the rows of a cover set: DBSCAN with a canonical place for border points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace, GeomsimError
from geomsim_topological.clusters.density_clusters import SetClusters, density_clusters
from geomsim_topological.clusters.neighbour_scale import knee, neighbour_curve

Numbers = NDArray[np.int64]

# A knee is itself one of the distances: without slack, rounding would decide on which side of it that row falls.
_SLACK = 1e-6


@dataclass(frozen=True)
class Dbscan:
    r"""Density clusters (Ester et al. 1996) of the rows of one cover set, by Euclidean distance.

    A row with at least `min_samples` rows of the set within `eps`, itself included, is a core row. Core rows within
    `eps` of each other are in one cluster. Any other row within `eps` of a core row belongs to the cluster of its
    nearest one; of equally near ones, the first by coordinates. scikit-learn gives such border rows to the cluster it
    finds first, which depends on the order of the rows; core rows and noise are the same.

    Parameters
    ----------
    eps
        a distance in the units of the points, or "knee": take, for every row in every cover set, the distance to its
        k-th nearest other row *of that set*, k = min_samples - 1 (at least 1), copies of the row not counted; sorted,
        they are :math:`c_1 \le \dots \le c_m`; the knee is the :math:`c_j` farthest below the chord of that curve,

        .. math:: \arg\max_j \frac{j - 1}{m - 1} - \frac{c_j - c_1}{c_m - c_1},

        the last one of equals (after Satopaa et al. 2011). Distances are taken inside the sets since that is where
        neighbours are counted: among all rows the nearest ones are nearer, and a knee of those leaves more noise. In
        sets of more than 20,000 rows, 10,000 of them speak for all, chosen by a hash of their coordinates.
    min_samples
        how many rows within `eps` make a core row, itself included.
    """

    eps: float | Literal["knee"] = "knee"
    min_samples: int = 3

    def __post_init__(self) -> None:
        """Check the parameters."""
        if isinstance(self.eps, str):
            if self.eps != "knee":
                raise GeomsimError(f"eps is a distance or 'knee', got {self.eps!r}")
        elif not 0 < self.eps < float("inf"):
            raise GeomsimError(f"eps is a positive distance or 'knee', got {self.eps}")
        if self.min_samples < 1:
            raise GeomsimError(f"min_samples is at least 1, got {self.min_samples}")

    def resolve(self, points: NDArray[Any], sets: Sequence[Numbers]) -> NearestCoreDbscan:
        """The clusterer for these points and this cover, with `eps` as a number.

        Raises DegenerateSpace where there is no knee: in no cover set has a row k others that differ from it.
        """
        if not isinstance(self.eps, str):
            return NearestCoreDbscan(float(self.eps), self.min_samples)
        k = max(1, self.min_samples - 1)
        curve = neighbour_curve(points, sets, k)
        if not len(curve):
            raise DegenerateSpace(
                f"in no cover set has a row {k} others that differ from it, so there are no distances to find eps in: "
                "use fewer cubes, fewer lens dimensions, more rows, or give eps as a number"
            )
        return NearestCoreDbscan(knee(curve) * (1 + _SLACK), self.min_samples)


@dataclass(frozen=True)
class NearestCoreDbscan:
    """:class:`Dbscan` at a known `eps`."""

    eps: float
    min_samples: int

    def get_params(self) -> dict[str, float]:
        """The parameters, as scikit-learn's clusterers name them."""
        return {"eps": self.eps, "min_samples": self.min_samples}

    def cluster(self, points: NDArray[Any], sets: Sequence[Numbers]) -> SetClusters:
        """The clusters of each set of rows."""
        return density_clusters(points, sets, self.eps, self.min_samples)

    def fit_predict(self, points: NDArray[Any]) -> NDArray[np.int64]:
        """A cluster number per row, -1 for noise; the same clusters, equally numbered, in whatever order rows come."""
        found = self.cluster(points, [np.arange(len(points))])
        labels = np.empty(len(points), dtype=np.int64)
        labels[found.rows] = found.labels
        return labels
