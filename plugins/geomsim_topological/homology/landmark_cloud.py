"""The landmarks of a cloud, ready for a Rips complex: chosen, moved to the mean, and how well they cover."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimWarning, InvalidConfig, Space
from geomsim_topological.homology.rips import Engine, check_size
from geomsim_topological.rows.landmarks import distinct_rows, farthest_points
from geomsim_topological.rows.plain_distances import distances_of

Floats = NDArray[np.float64]

_DEFAULT_LANDMARKS = (300, 300, 100)
_BEYOND_VOIDS = 30
_FEWEST_OF_A_MATRIX = 3


@dataclass(frozen=True, eq=False)
class LandmarkCloud:
    """The landmarks of a cloud; its points are ``unit * (rows + centre)``, `unit` being a power of two."""

    rows: Floats  # (landmarks, width)
    centre: Floats  # (width,)
    unit: float
    covering_radius: float  # largest distance of a point to its nearest landmark, in units of `unit`
    n_points: int

    def distances(self) -> Floats:
        """Of the landmarks to each other, (landmarks, landmarks), in units of `unit`."""
        return distances_of(self.rows)


def default_landmarks(dimension: int) -> int:
    """How many landmarks take seconds: 300 in dimensions 0 and 1, 100 in dimension 2, 30 beyond.

    >>> default_landmarks(1), default_landmarks(2)
    (300, 100)
    """
    return _DEFAULT_LANDMARKS[dimension] if dimension < len(_DEFAULT_LANDMARKS) else _BEYOND_VOIDS


def landmark_cloud(
    points: Any, dimension: int, landmarks: int | None, engine: Engine = "ripser", memory_budget: int | None = None
) -> LandmarkCloud:
    """The landmarks of points for a diagram of one dimension; parameters as in `persistence.diagram`.

    Raises InvalidSpace and InvalidConfig as it does; warns of points that look like distances of points to each other.
    """
    if landmarks is not None and (isinstance(landmarks, bool) or not isinstance(landmarks, int) or landmarks < 1):
        raise InvalidConfig(f"landmarks is the number of rows to use, at least 1, or None; got {landmarks!r}")
    cloud = (points if isinstance(points, Space) else Space(points)).numpy()
    _warn_of_distances(cloud)
    distinct = distinct_rows(cloud)
    n_distinct = len(distinct.rows)
    if landmarks is None:
        landmarks = n_distinct if dimension == 0 else default_landmarks(dimension)
    n_landmarks = min(landmarks, n_distinct)
    if dimension:
        # Before any work is done.
        check_size(n_landmarks, dimension, engine, memory_budget)
    chosen = farthest_points(distinct, n_landmarks)
    return LandmarkCloud(
        distinct.centred(chosen.rows), distinct.centre, distinct.unit, chosen.covering_radius, len(cloud)
    )


def _warn_of_distances(cloud: NDArray[np.floating[Any]]) -> None:
    rows, width = cloud.shape
    if rows != width or rows < _FEWEST_OF_A_MATRIX or np.diagonal(cloud).any():
        return
    if cloud.any() and (cloud >= 0).all() and np.array_equal(cloud, cloud.T):
        warnings.warn(
            f"these {rows} points of width {width} are symmetric, none negative and zero on the diagonal, as distances "
            "of points to each other are. They were read as coordinates; use diagram_of_distances if they are not",
            GeomsimWarning,
            stacklevel=4,
        )
