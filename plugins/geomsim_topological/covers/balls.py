"""A cover of the points themselves by balls of one radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.rows.row_distances import distances_to, rows_within
from geomsim_topological.rows.row_order import CentredCloud


@dataclass(frozen=True)
class Balls:
    """Balls of one radius around landmarks, as many as it takes for every row to be in one; no lens is needed.

    1. The first landmark is the row farthest from the mean.
    2. The next is the row farthest from all landmarks (Gonzalez 1985), until every row is within `radius` of one.
    3. A set is all rows within `radius` of a landmark, the bound included, by Euclidean distance.

    With one node for each ball, this is the Ball Mapper graph (Dłotko 2019). Of equally far rows the first by
    coordinates is taken, so the sets do not depend on the order of the rows.

    Parameters
    ----------
    radius
        in the units of the points.
    most
        balls that are accepted; where the radius asks for more, an error names one that does not.

    Time O(balls x rows x width), memory that of the result and a tile.

    >>> [rows.tolist() for rows in Balls(1.0).sets(np.array([[0.0], [1.0], [2.0], [5.0]]))]
    [[3], [0, 1], [1, 2]]
    """

    radius: float
    most: int = 1000
    uses: ClassVar[Literal["lens", "points"]] = "points"

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not 0 < self.radius < float("inf"):
            raise GeomsimError(f"radius is a positive distance in the units of the points, got {self.radius}")
        if self.most < 1:
            raise GeomsimError(f"at least 1 ball must be accepted, got most={self.most}")

    def sets(self, values: NDArray[Any]) -> list[NDArray[np.int64]]:
        """The rows of each ball, in the order in which landmarks were chosen; `values` are the points, (rows, width).

        Raises GeomsimError for points that are not finite or not (rows, width), and a radius too small for `most`.
        """
        cloud = CentredCloud.of(values)
        landmarks = self._landmarks(cloud)
        return rows_within(cloud, landmarks, np.full(len(landmarks), self.radius / cloud.unit))

    def _landmarks(self, cloud: CentredCloud) -> NDArray[np.int64]:
        radius = self.radius / cloud.unit
        open_rows = cloud.order  # in no ball so far; in an order that is always the same
        far = distances_to(cloud, cloud.start + cloud.offset, open_rows)
        chosen = [open_rows[far.argmax()]]
        nearest = np.full(len(open_rows), np.inf)
        while True:
            nearest = np.minimum(nearest, distances_to(cloud, cloud.exact(np.array(chosen[-1:]))[0], open_rows))
            outside = nearest > radius
            open_rows, nearest = open_rows[outside], nearest[outside]
            if not len(open_rows):
                return np.array(chosen, dtype=np.int64)
            if len(chosen) == self.most:
                raise GeomsimError(
                    f"{self.most} balls of radius {self.radius:.6g} leave {len(open_rows)} of {len(cloud.order)} rows "
                    f"outside: use a radius of {nearest.max() * cloud.unit:.6g}, with which so many do, or a larger "
                    "one, or accept more balls with most="
                )
            chosen.append(open_rows[nearest.argmax()])
