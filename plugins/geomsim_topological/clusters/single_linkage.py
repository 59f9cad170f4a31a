"""Single linkage inside each set of a cover: rows hang together where steps between them are short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.clusters.components import spanning_tree
from geomsim_topological.clusters.density_clusters import SetClusters, density_clusters

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_STRAIGHT = 1e-9  # heights that differ by less than this share are equal


@dataclass(frozen=True)
class SingleLinkage:
    """Components of the rows of one cover set when rows at most `gap` apart are joined; no row is noise.

    Parameters
    ----------
    gap
        a distance in the units of the points, or "histogram", which finds one for each set (Singh, Mémoli and
        Carlsson 2007): the heights at which components of its different rows merge are counted in `bins` equal bins
        from the smallest height to the largest; the cut is in the middle of the hole around the first empty bin. A
        set without an empty bin, or whose heights are all equal, is one cluster.
    bins
        of the histogram: with more of them narrower holes part a set.

    A distance costs what :class:`geomsim_topological.clusters.clusterer.Dbscan` does. The histogram takes the minimum
    spanning tree of each set: time is quadratic in the largest set, of which a float64 copy is made.
    """

    gap: float | Literal["histogram"] = "histogram"
    bins: int = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        if isinstance(self.gap, str):
            if self.gap != "histogram":
                raise GeomsimError(f"gap is a distance or 'histogram', got {self.gap!r}")
        elif not 0 < self.gap < float("inf"):
            raise GeomsimError(f"gap is a positive distance or 'histogram', got {self.gap}")
        if self.bins < 2:
            raise GeomsimError(f"a histogram with an empty bin has at least 2 bins, got {self.bins}")

    def resolve(self, points: NDArray[Any], sets: Sequence[Numbers]) -> SingleLinkage:
        """The clusterer for these points and this cover: this one."""
        return self

    def cluster(self, points: NDArray[Any], sets: Sequence[Numbers]) -> SetClusters:
        """The clusters of each set of rows, in the order of their first rows by coordinates."""
        if not isinstance(self.gap, str):
            return density_clusters(points, sets, float(self.gap), 1)
        found = [density_clusters(points, [rows], self._cut(points[rows]), 1) for rows in sets]
        sizes = [len(rows) for rows in sets]
        nothing = np.empty(0, dtype=np.int32)
        return SetClusters(
            np.concatenate([*(one.rows for one in found), nothing]),
            np.concatenate([*(one.labels for one in found), nothing]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.array([one.counts[0] for one in found], dtype=np.int64),
        )

    def _cut(self, points: NDArray[Any]) -> float:
        different = np.unique(points, axis=0).astype(np.float64)
        heights = spanning_tree(different).lengths if len(different) > 1 else np.ones(1)
        return histogram_gap(heights, self.bins)


def histogram_gap(heights: Floats, bins: int) -> float:
    """Where to cut rising merge heights: in the hole around the first empty bin; above all where there is none.

    >>> histogram_gap(np.array([1.0, 1.1, 1.2, 4.0, 9.0]), bins=4)
    6.5
    """
    span = heights[-1] - heights[0]
    if span > _STRAIGHT * heights[-1]:
        # The largest height belongs to the last bin. Two heights in a row whose bins are not neighbours span a hole.
        bin_of = np.minimum((heights - heights[0]) / span * bins, bins - 1).astype(np.int64)
        steps = np.flatnonzero(np.diff(bin_of) > 1)
        if len(steps):
            return float((heights[steps[0]] + heights[steps[0] + 1]) / 2)
    return float(2 * heights[-1])
