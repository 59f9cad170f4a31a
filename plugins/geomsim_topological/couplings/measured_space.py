"""A finite metric space with a mass on each point: what Gromov-Wasserstein compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError

Floats = NDArray[np.float64]

_QUANTILES = 32
_TOLERANCE = 1e-6  # of symmetry and of the total mass
_MOST_POINTS = 10_000


@dataclass(frozen=True, eq=False)
class MeasuredSpace:
    """Points with distances, (points, points), and masses, (points,), of sum 1; see :func:`measured_space`."""

    distances: Floats
    mass: Floats
    capped: int = 0
    """Pairs of points whose distance was infinite."""

    @property
    def diameter(self) -> float:
        """The largest distance."""
        return float(self.distances.max())

    @cached_property
    def mean_square(self) -> float:
        """Mean of the squared distances of two points drawn by mass."""
        return float(self.mass @ np.square(self.distances) @ self.mass)

    @cached_property
    def eccentricities(self) -> Floats:
        """(points,): root mean square distance of each to all, by mass (Mémoli 2011, of order 2)."""
        return np.sqrt(np.square(self.distances) @ self.mass)

    @cached_property
    def sorted_rows(self) -> tuple[Floats, Floats]:
        """The distances of each point to all, rising, and the mass of all up to each; both (points, points)."""
        order = np.argsort(self.distances, axis=1, kind="stable")
        reached = np.cumsum(self.mass[order], axis=1)
        reached[:, -1] = 1.0
        return np.take_along_axis(self.distances, order, axis=1), reached

    @cached_property
    def profiles(self) -> Floats:
        """(points, 32): quantiles of the distances of each point, a sketch of how the space looks from there."""
        values, reached = self.sorted_rows
        middle = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        places = np.stack([np.searchsorted(row, middle - 1e-12) for row in reached])
        return np.take_along_axis(values, places, axis=1)


def measured_space(distances: ArrayLike, mass: ArrayLike | None = None) -> MeasuredSpace:
    """Distances and masses, made fit for solvers.

    Parameters
    ----------
    distances
        (points, points), symmetric, not negative, 0 on the diagonal. Whole numbers become float64. Infinite ones,
        between parts that no path joins, become twice the largest finite one and are counted in `capped`.
    mass
        (points,), positive, with sum 1 to 1e-6, by which it is divided; equal masses by default.

    Raises GeomsimError for what is none of that.

    >>> measured_space([[0, 3], [3, 0]]).distances
    array([[0., 3.],
           [3., 0.]])
    >>> far = float("inf")
    >>> measured_space([[0, 1, far], [1, 0, far], [far, far, 0]]).distances[2].tolist()
    [2.0, 2.0, 0.0]
    """
    shape = np.shape(distances)
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise GeomsimError(f"distances are (points, points) of at least one point, got an array of shape {shape}")
    if shape[0] > _MOST_POINTS:
        raise GeomsimError(
            f"{shape[0]} points have {shape[0]}² distances, too many to hold: use {_MOST_POINTS} or fewer, "
            "landmarks for example"
        )
    values = np.array(distances, dtype=np.float64)
    infinite = np.isposinf(values)
    if not np.isfinite(values[~infinite]).all() or values.min() < 0:
        raise GeomsimError("distances have entries that are negative or no number: look where they come from")
    largest = float(values[~infinite].max(initial=0.0))
    values[infinite] = 2.0 * (largest or 1.0)
    if np.abs(values - values.T).max() > _TOLERANCE * largest or np.diagonal(values).max() > _TOLERANCE * largest:
        raise GeomsimError("distances are not symmetric with 0 on the diagonal: use (d + d.T) / 2 and fill it")
    values = (values + values.T) / 2.0
    np.fill_diagonal(values, 0.0)
    return MeasuredSpace(values, _mass(mass, len(values)), int(infinite.sum()) // 2)


def _mass(mass: ArrayLike | None, count: int) -> Floats:
    if mass is None:
        return np.full(count, 1.0 / count)
    values = np.asarray(mass, dtype=np.float64)
    if values.shape != (count,):
        raise GeomsimError(f"the mass is one number for each of {count} points, got an array of shape {values.shape}")
    if not np.isfinite(values).all() or values.min() <= 0:
        raise GeomsimError("masses are positive and finite: leave out the points that have none")
    total = float(values.sum())
    if abs(total - 1) > _TOLERANCE:
        raise GeomsimError(f"the mass sums to {total:.8g}, expected 1: divide by the sum")
    return values / total
