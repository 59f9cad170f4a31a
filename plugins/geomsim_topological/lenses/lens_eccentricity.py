"""The lens of eccentricity: how far a row lies from all others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.rows.plain_distances import rough_distances
from geomsim_topological.rows.row_order import CentredCloud, tiles

Floats = NDArray[np.float64]

_HEIGHT = 256  # rows against which a tile of the others is held


@dataclass(frozen=True)
class Eccentricity:
    r"""The mean distance of a row to all N rows, in the units of the points (Singh, Mémoli and Carlsson 2007).

    .. math:: E_p(x) = \Big( \frac{1}{N} \sum_y |x - y|^p \Big)^{1/p}, \qquad E_\infty(x) = \max_y |x - y|,

    with Euclidean distances and p = `power`, at least 1. Large at the ends of a cloud and small in its middle, so it
    shows how many ends there are, whichever way they point.

    For power 2 it is :math:`\sqrt{|x - m|^2 + V}` with the mean m of the rows and their mean square distance V to it:
    one pass. For others, distances are taken in tiles of memory and time is that of N x N distances.
    Rotated and moved copies have the same values up to rounding, reordered ones to the last bit.

    >>> Eccentricity(1)(np.array([[0.0], [1.0], [3.0]])).round(6).tolist()
    [1.333333, 1.0, 1.666667]
    """

    power: float = 2.0

    def __post_init__(self) -> None:
        """Check the parameter."""
        if not (1 <= self.power <= 100 or self.power == math.inf):
            raise GeomsimError(
                f"power is from 1 to 100, or infinite for the distance to the farthest row, got {self.power}"
            )

    def __call__(self, points: NDArray[Any]) -> Floats:
        """Eccentricities, (rows,)."""
        cloud = CentredCloud.of(points)
        if self.power == 2:
            squares = np.empty(len(cloud.cloud))
            for tile in tiles(*cloud.cloud.shape):
                rows = cloud.centred(tile)
                squares[tile] = np.einsum("ij,ij->i", rows, rows)
            return np.asarray(np.sqrt(squares + squares[cloud.order].mean()) * cloud.unit)
        different, places, counts = cloud.distinct()
        return np.asarray(self._from_all(cloud, different, counts)[places] * cloud.unit)

    def _from_all(self, cloud: CentredCloud, different: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
        """Eccentricities of the different rows, each of which stands for as many as `counts` says."""
        width = cloud.cloud.shape[1]
        found = np.zeros(len(different))
        longest = 2.0 * math.sqrt(width) * cloud.largest or 1.0  # no power of a share of it overflows
        for begin in range(0, len(different), _HEIGHT):
            here = slice(begin, begin + _HEIGHT)
            rows = cloud.centred(different[here])
            for tile in tiles(len(different), max(width, _HEIGHT)):
                apart = rough_distances(rows, cloud.centred(different[tile]))
                # The product does not cancel to zero for a row and itself.
                overlap = np.arange(max(begin, tile.start), min(begin + len(rows), tile.stop))
                apart[overlap - begin, overlap - tile.start] = 0.0
                if self.power == math.inf:
                    found[here] = np.maximum(found[here], apart.max(axis=1))
                else:
                    found[here] += (apart / longest) ** self.power @ counts[tile]
        if self.power == math.inf:
            return found
        return np.asarray((found / counts.sum()) ** (1.0 / self.power) * longest)
