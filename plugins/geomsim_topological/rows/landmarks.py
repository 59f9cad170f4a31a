"""Landmarks: a few rows that lie near all others, each chosen farthest from those before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidSpace

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.floating[Any]]

_TILE = 1 << 17  # numbers in a tile, which then stays in the cache
LARGEST = 1e300
"""The largest entry of points; beyond, distances leave the range of numbers."""


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """The different rows of a cloud in an order that follows from their values alone, moved to their mean.

    The points are ``unit * (rows + centre)``; `unit` is a power of two, by which numbers are divided exactly.
    """

    rows: AnyFloats  # (different rows, width), float32 or float64 like the points
    counts: NDArray[np.int64]  # (different rows,), how many rows are equal to each
    centre: Floats  # (width,), mean of all rows in units of `unit`
    unit: float

    def centred(self, numbers: slice | NDArray[np.int64] = slice(None)) -> Floats:
        """These rows in float64 with the mean taken off."""
        return np.asarray(self.rows[numbers], dtype=np.float64) - self.centre


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Chosen rows, and how near they are to all others."""

    rows: NDArray[np.int64]  # numbers of distinct rows, in the order in which they were chosen
    covering_radius: float  # in units of the distinct rows


def distinct_rows(points: AnyFloats) -> DistinctRows:
    """The different rows of points, (rows, width), finite. Raises InvalidSpace for numbers whose distances overflow."""
    largest = float(np.abs(points).max())
    if largest > LARGEST:
        raise InvalidSpace(f"the largest entry is {largest:.3g}, and distances overflow beyond {LARGEST:g}: divide")
    exponent = math.frexp(largest)[1]
    # Adding zero makes -0.0 and 0.0, which are equal, the same bytes.
    scaled = np.ascontiguousarray(np.ldexp(points, -exponent) + points.dtype.type(0))
    # Sorted by bytes: any order will do that the order of the rows has no part in, and this one is fast.
    as_bytes = scaled.view(np.dtype((np.void, scaled.dtype.itemsize * scaled.shape[1]))).ravel()
    ordered = scaled[np.argsort(as_bytes, kind="stable")]
    first = np.flatnonzero(np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)]))
    counts = np.diff(np.append(first, len(ordered)))
    rows = ordered[first]
    centre = np.zeros(rows.shape[1])
    for tile in _tiles(rows):
        centre += counts[tile] @ rows[tile].astype(np.float64)
    return DistinctRows(rows, counts, centre / len(points), math.ldexp(1.0, exponent))


def farthest_points(distinct: DistinctRows, count: int) -> Landmarks:
    r"""Up to `count` rows, each the farthest from those already chosen (Gonzalez 1985).

    The first is the row farthest from the mean of all rows; of equally far rows the one whose numbers, as bytes, come
    first. So the choice does not depend on the order of the rows. Of all choices of as many rows, none has less than
    half the covering radius.

    Differences are taken row by row in the precision of the points, so that nothing cancels; the covering radius is
    measured anew in float64. Time O(count x rows x width), memory one copy of the points.
    """
    n_rows = len(distinct.rows)
    if count >= n_rows:
        return Landmarks(np.arange(n_rows), 0.0)
    cloud = np.empty_like(distinct.rows)
    far = np.empty(n_rows)
    for tile in _tiles(cloud):
        exact = distinct.centred(tile)
        cloud[tile] = exact
        far[tile] = np.einsum("ij,ij->i", exact, exact)
    chosen = np.empty(count, dtype=np.int64)
    nearest = np.zeros(n_rows, dtype=np.int64)
    least = np.full(n_rows, np.inf, dtype=cloud.dtype)
    for place in range(count):
        chosen[place] = np.argmax(least) if place else np.argmax(far)
        landmark = cloud[chosen[place]]
        for tile in _tiles(cloud):
            apart = cloud[tile] - landmark
            squares = np.einsum("ij,ij->i", apart, apart)
            closer = squares < least[tile]
            least[tile][closer] = squares[closer]
            nearest[tile][closer] = place
        least[chosen[place]] = -1.0  # where squares vanish, a landmark would be chosen twice
    return Landmarks(chosen, _covering_radius(distinct, chosen[nearest]))


def _covering_radius(distinct: DistinctRows, landmark_of: NDArray[np.int64]) -> float:
    """Largest distance of a row to its landmark; never too small, since the landmark is one that there is."""
    largest = 0.0
    for tile in _tiles(distinct.rows):
        apart = distinct.centred(tile) - distinct.centred(landmark_of[tile])
        largest = max(largest, float(np.einsum("ij,ij->i", apart, apart).max()))
    return math.sqrt(largest)


def _tiles(rows: AnyFloats) -> list[slice]:
    height = max(1, _TILE // rows.shape[1])
    return [slice(start, start + height) for start in range(0, len(rows), height)]
