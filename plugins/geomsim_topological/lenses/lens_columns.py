"""Lenses that look at each row alone: its length, one direction, one coordinate."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError
from geomsim_topological.rows.row_order import as_cloud, tiles

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Norm:
    r"""The length of each row, :math:`\sqrt{\sum_j x_j^2}`, in the units of the points.

    Rows that were divided by their length, as the decoder rows of many SAEs are, differ in rounding alone.

    >>> Norm()(np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [5.0, 1.0]
    """

    def __call__(self, points: NDArray[Any]) -> Floats:
        """Lengths, (rows,)."""
        cloud = as_cloud(points)
        lengths = np.empty(len(cloud))
        for tile in tiles(*cloud.shape):
            rows = cloud[tile].astype(np.float64)
            largest = np.abs(rows).max(axis=1)
            # By a power of two for each row, which is exact: no square leaves the range of numbers.
            exponent = np.frexp(largest)[1]
            rows = np.ldexp(rows, -exponent[:, None])
            lengths[tile] = np.ldexp(np.sqrt(np.einsum("ij,ij->i", rows, rows)), exponent)
        return lengths


@dataclass(frozen=True, init=False)
class Projection:
    r"""How far each row reaches along a direction d: :math:`\langle x, d \rangle / |d|`, in the units of the points.

    The direction is (width,): an SAE feature, a steering vector, the difference of two class means, a probe. Its length
    does not matter, its sign does.

    Raises GeomsimError for a direction of another width than the points, not finite, or zero.

    >>> Projection([0.0, 2.0])(np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [4.0, 1.0]
    """

    direction: tuple[float, ...]

    def __init__(self, direction: ArrayLike) -> None:
        detached = direction.detach().cpu() if hasattr(direction, "detach") else direction
        found = np.asarray(detached, dtype=np.float64)
        if found.ndim != 1 or not len(found):
            raise GeomsimError(f"a direction is one vector, (width,), got an array of shape {found.shape}")
        if not np.isfinite(found).all():
            raise GeomsimError(f"the direction is not finite in entry {np.flatnonzero(~np.isfinite(found))[0]}")
        if not found.any():
            raise GeomsimError("the direction is zero and points nowhere: look where it comes from")
        object.__setattr__(self, "direction", tuple(found.tolist()))

    def __call__(self, points: NDArray[Any]) -> Floats:
        """Projections, (rows,)."""
        cloud = as_cloud(points)
        if len(self.direction) != cloud.shape[1]:
            raise GeomsimError(
                f"the direction has {len(self.direction)} entries and the points are {cloud.shape[1]} wide: "
                "take a direction of the same layer of the same model"
            )
        direction = np.array(self.direction)
        direction /= np.abs(direction).max()
        direction /= np.linalg.norm(direction)
        reach = np.empty(len(cloud))
        for tile in tiles(*cloud.shape):
            reach[tile] = np.einsum("ij,j->i", cloud[tile].astype(np.float64), direction)
        return reach

    def __repr__(self) -> str:
        shown = ", ".join(f"{entry:.6g}" for entry in self.direction[:4])
        more = f", ... {len(self.direction)} in all" if len(self.direction) > 4 else ""
        return f"Projection([{shown}{more}])"


@dataclass(frozen=True)
class Coordinate:
    """One column of the points; the first is number 0.

    >>> Coordinate(1)(np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [4.0, 1.0]
    """

    number: int

    def __post_init__(self) -> None:
        """Check the parameter."""
        try:
            object.__setattr__(self, "number", operator.index(self.number))
        except TypeError:
            raise GeomsimError(f"a coordinate has a whole number, 0 for the first, got {self.number!r}") from None
        if self.number < 0:
            raise GeomsimError(f"coordinates are numbered from 0, got {self.number}")

    def __call__(self, points: NDArray[Any]) -> Floats:
        """The column, (rows,)."""
        cloud = as_cloud(points)
        if self.number >= cloud.shape[1]:
            raise GeomsimError(
                f"there is no coordinate {self.number}: the points have {cloud.shape[1]}, numbered from 0"
            )
        return cloud[:, self.number].astype(np.float64)
