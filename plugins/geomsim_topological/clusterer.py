"""DBSCAN inside each set of a cover, with a scale read off the data and a canonical place for border points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace, GeomsimError

Floats = NDArray[np.float64]

# A knee is itself one of the distances: without slack, rounding would decide on which side of it that row falls.
_SLACK = 1e-6
# Distances below this share of the cloud's radius are those of equal rows after rounding.
_COPY = 1e-9
# scikit-learn's DBSCAN holds all distances of a cover set at once: 3.2 GB at this size.
_LARGEST_SET = 20_000


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
        neighbours are counted: among all rows the nearest ones are nearer, and a knee of those leaves more noise.
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

    def resolve(self, points: Floats, sets: Sequence[NDArray[np.int64]]) -> NearestCoreDbscan:
        """The clusterer for these points and this cover, with `eps` as a number.

        Raises DegenerateSpace where there is no knee: in no cover set has a row k others that differ from it.
        """
        largest = max((len(rows) for rows in sets), default=0)
        if largest > _LARGEST_SET:
            raise GeomsimError(
                f"a cover set holds {largest} rows, and DBSCAN holds all their distances at once "
                f"({8e-9 * largest**2:.1f} GB); at most {_LARGEST_SET} are accepted: use more cubes, or fewer rows"
            )
        if not isinstance(self.eps, str):
            return NearestCoreDbscan(float(self.eps), self.min_samples)
        k = max(1, self.min_samples - 1)
        curve = _neighbour_distances(points, sets, k)
        if not len(curve):
            raise DegenerateSpace(
                f"in no cover set has a row {k} others that differ from it, so there are no distances to find eps in: "
                "use fewer cubes, fewer lens dimensions, more rows, or give eps as a number"
            )
        return NearestCoreDbscan(knee(curve) * (1 + _SLACK), self.min_samples)


def knee(distances: Floats) -> float:
    """The value that lies farthest below the chord of the sorted curve; the last one of equals. See :class:`Dbscan`.

    >>> knee(np.array([1.0, 1.1, 1.2, 1.3, 4.0]))
    1.3
    """
    curve = np.sort(distances)
    span = curve[-1] - curve[0]
    if span <= 1e-9 * curve[-1]:
        return float(curve[-1])
    below = np.linspace(0.0, 1.0, len(curve)) - (curve - curve[0]) / span
    return float(curve[np.flatnonzero(below >= below.max() - 1e-9)[-1]])


def _neighbour_distances(points: Floats, sets: Sequence[NDArray[np.int64]], k: int) -> Floats:
    from scipy.spatial.distance import cdist

    copy = _COPY * float(np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).mean()))
    curve = []
    for rows in sets:
        if len(rows) > k:
            distances = cdist(points[rows], points[rows])
            distances[distances <= copy] = np.inf
            curve.append(np.partition(distances, k - 1, axis=1)[:, k - 1])
    pooled = np.concatenate(curve) if curve else np.empty(0)
    return np.asarray(pooled[np.isfinite(pooled)])


@dataclass(frozen=True)
class NearestCoreDbscan:
    """:class:`Dbscan` at a known `eps`, with the two methods of scikit-learn's clusterers that kmapper calls."""

    eps: float
    min_samples: int

    def get_params(self) -> dict[str, float]:
        """The parameters; kmapper leaves out cover sets with fewer than `min_samples` rows."""
        return {"eps": self.eps, "min_samples": self.min_samples}

    def fit_predict(self, points: Floats) -> NDArray[np.int64]:
        """A cluster number per row, -1 for noise; the same clusters, equally numbered, in whatever order rows come."""
        from scipy.spatial.distance import cdist
        from sklearn.cluster import DBSCAN

        by_coordinates = np.lexsort(points.T[::-1])
        ordered = points[by_coordinates]
        distances = cdist(ordered, ordered)
        found = DBSCAN(eps=self.eps, min_samples=self.min_samples, metric="precomputed").fit(distances)
        labels: NDArray[np.int64] = found.labels_.astype(np.int64)
        core = found.core_sample_indices_
        border = np.setdiff1d(np.flatnonzero(labels >= 0), core)
        if len(border):
            to_core = distances[np.ix_(border, core)]
            nearest = to_core <= to_core.min(axis=1, keepdims=True) * (1 + 1e-9)
            labels[border] = labels[core[nearest.argmax(axis=1)]]
        in_given_order = np.empty_like(labels)
        in_given_order[by_coordinates] = labels
        return in_given_order
