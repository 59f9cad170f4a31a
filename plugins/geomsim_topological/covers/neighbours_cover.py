"""A cover of the points themselves by the neighbourhoods of landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.rows.row_distances import distances_to
from geomsim_topological.rows.row_order import CentredCloud


@dataclass(frozen=True)
class Neighbours:
    """The `k` nearest rows of each of `n_landmarks` landmarks, itself included; no lens is needed.

    Landmarks are farthest points (Gonzalez 1985), so they lie evenly however dense the rows are, while the sets adapt
    their size to the density. Rows as near as the k-th belong to the set too, so that the order of the rows does not
    matter. Rows that are near no landmark are in no set, and the graph counts them as noise: use a larger k or more
    landmarks where there are many. By Euclidean distance.

    Parameters
    ----------
    k
        rows in a set, at least; all rows where there are no more.
    n_landmarks
        sets; as many as there are different rows where there are no more.

    Time O(landmarks x rows x width), memory that of the result and a tile.

    >>> [rows.tolist() for rows in Neighbours(2, 2).sets(np.array([[0.0], [1.0], [3.0], [7.0]]))]
    [[2, 3], [0, 1]]
    """

    k: int
    n_landmarks: int
    uses: ClassVar[Literal["lens", "points"]] = "points"

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.k < 1 or self.n_landmarks < 1:
            raise GeomsimError(f"k and n_landmarks are at least 1, got k={self.k} and n_landmarks={self.n_landmarks}")

    def sets(self, values: NDArray[Any]) -> list[NDArray[np.int64]]:
        """The rows of each set, in the order in which landmarks were chosen; `values` are the points, (rows, width).

        Raises GeomsimError for points that are not finite or not (rows, width).
        """
        cloud = CentredCloud.of(values)
        order = cloud.order  # so that the first of equally far rows is always the same
        far = distances_to(cloud, cloud.start + cloud.offset)
        nearest = np.full(len(order), np.inf)
        last = min(self.k, len(order)) - 1
        found: list[NDArray[np.int64]] = []
        while len(found) < self.n_landmarks and nearest.max() > 0:
            landmark = order[(nearest if found else far)[order].argmax()]
            apart = distances_to(cloud, cloud.exact(np.array([landmark]))[0])
            np.minimum(nearest, apart, out=nearest)
            found.append(np.flatnonzero(apart <= np.partition(apart, last)[last]))
        return found
