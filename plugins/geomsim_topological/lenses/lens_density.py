"""The lens of density: how near a row's k-th neighbour is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace, GeomsimError
from geomsim_topological.rows.row_distances import neighbour_distances
from geomsim_topological.rows.row_order import CentredCloud


@dataclass(frozen=True)
class Density:
    r"""How dense the cloud is around each row, from the distance :math:`r_k` to its k-th nearest other row.

    Of the N - 1 other rows, copies of the row included at distance zero, :math:`r_k` is the k-th smallest Euclidean
    distance. The k-NN estimate of the density in w dimensions with unit ball :math:`V_w` (Loftsgaarden and Quesenberry
    1965) is

    .. math:: f = \frac{k}{(N - 1) V_w r_k^w}, \qquad \log f = -w \log r_k + \text{constant}.

    Activations lie on far fewer than `width` dimensions, and a cover of equal or balanced intervals sees no difference
    between a lens and a multiple of it plus a constant; so w is left out.

    Parameters
    ----------
    k
        which neighbour; more is smoother.
    value
        "log-density", :math:`-\log r_k`, large where rows are dense; or "distance", :math:`r_k` in the units of the
        points, large where they are sparse.

    Exact, in tiles of memory; time is that of N x N distances. Rotated and moved copies have the same values up to
    rounding, reordered ones to the last bit. Raises GeomsimError for k of at least N, and DegenerateSpace where k
    copies of a row make its log-density infinite.

    >>> Density(1, "distance")(np.array([[0.0], [1.0], [3.0]])).tolist()
    [1.0, 1.0, 2.0]
    """

    k: int = 10
    value: Literal["log-density", "distance"] = "log-density"

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.k < 1:
            raise GeomsimError(f"k is at least 1, the nearest other row, got {self.k}")
        if self.value not in ("log-density", "distance"):
            raise GeomsimError(f"value is 'log-density' or 'distance', got {self.value!r}")

    def __call__(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Values, (rows,)."""
        cloud = CentredCloud.of(points)
        if self.k >= len(cloud.cloud):
            raise GeomsimError(
                f"the nearest {self.k} other rows are asked for, but there are {len(cloud.cloud)} rows: "
                f"use k of at most {len(cloud.cloud) - 1}"
            )
        distances = neighbour_distances(cloud, self.k)
        if self.value == "distance":
            return distances
        copied = np.flatnonzero(distances == 0)
        if len(copied):
            raise DegenerateSpace(
                f"{len(copied)} rows, first row {copied[0]}, have at least {self.k} copies and infinite density: "
                "use a larger k, value='distance', or leave copies out"
            )
        return np.asarray(-np.log(distances))
