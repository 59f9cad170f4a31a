"""From angles of landmarks to angles of every row: a map of the space around the landmarks to the circle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim_topological.rows.plain_distances import rough_distances

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TILE = 1 << 20  # distances at once
TURN = 2.0 * math.pi


@dataclass(frozen=True, eq=False)
class CircleMap:
    r"""Angles around landmarks, defined where a ball of one that the loop runs through reaches.

    .. math:: f(x) = \tau_j + \sum_k \varphi_k(x) \, \theta_{jk}, \qquad
        \varphi_k(x) = \frac{\max(0, r - |x - l_k|)}{\sum_m \max(0, r - |x - l_m|)}

    :math:`l_k` are the landmarks, r is the radius of their balls, :math:`\tau` the angles of the landmarks and
    :math:`\theta_{jk}` the steps between them; j may be any landmark in whose ball x lies. Landmarks whose balls meet
    are joined in the complex at scale 2 r, so f does not depend on j where 2 r is at most the loop's scale. With radius
    0.0 every row takes the angle of the landmark that it equals.

    Perea (2020), "Sparse circular coordinates via principal Z-bundles".
    """

    landmarks: Floats  # (landmarks, width), points being unit * (landmarks + centre)
    centre: Floats
    unit: float
    radius: float
    angles: Floats  # (landmarks,), in turns
    steps: Floats  # (landmarks, landmarks), in turns
    carrying: Flags  # (landmarks,): the loop's part of the complex

    def __call__(self, points: NDArray[np.floating[Any]]) -> tuple[Floats, Flags, Flags]:
        """Angles of rows in [0, 2 pi) or NaN; which rows are in a ball; which of them have an angle."""
        angles = np.full(len(points), np.nan)
        inside, carried = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
        height = max(1, _TILE // len(self.landmarks))
        for start in range(0, len(points), height):
            tile = slice(start, start + height)
            self._tile(points[tile], angles[tile], inside[tile], carried[tile])
        return angles, inside, carried

    def _tile(self, points: NDArray[np.floating[Any]], angles: Floats, inside: Flags, carried: Flags) -> None:
        rows = np.asarray(points, dtype=np.float64) / self.unit - self.centre
        distances = _distances(rows, self.landmarks, exact=not self.radius)
        nearest = distances.argmin(axis=1)
        # A product of rows cancels where they are near each other; a difference does not.
        apart = rows - self.landmarks[nearest]
        least = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        inside[:] = (least < self.radius) | (least == 0.0)
        carried[:] = inside & self.carrying[nearest]
        turns = self.angles[nearest]
        if self.radius:
            np.put_along_axis(distances, nearest[:, None], least[:, None], axis=1)
            reach = np.maximum(self.radius - distances, 0.0)
            total = reach.sum(axis=1)
            shift = np.einsum("ij,ij->i", reach, self.steps[nearest])
            turns = turns + np.divide(shift, total, out=np.zeros_like(shift), where=total > 0)
        angles[carried] = wrapped(TURN * turns[carried])


def wrapped(angles: ArrayLike) -> Floats:
    """Angles in [0, 2 pi).

    >>> wrapped(np.array([-1e-30, 7.0])).round(3).tolist()
    [0.0, 0.717]
    """
    found = np.mod(angles, TURN)
    return np.where(found >= TURN, 0.0, found)  # what is a little below zero is rounded up


def _distances(rows: Floats, landmarks: Floats, exact: bool) -> Floats:
    """(rows, landmarks); `exact` from differences, as slow as it is where there are many of both."""
    if exact:
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(rows, landmarks))
    return rough_distances(rows, landmarks)
