"""Rows in an order that follows from their values, so that no number depends on the order in which they came."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.floating[Any]]
Numbers = NDArray[np.int64]

_TILE = 1 << 19  # numbers in a tile: 4 MB in float64
# Between these, squares and their sums stay in the range of numbers.
_SMALLEST, _LARGEST = 1e-100, 1e100


def as_cloud(points: ArrayLike) -> AnyFloats:
    """Points as an array (rows, width) of float32 or float64, not copied where they are that already.

    Raises GeomsimError for another shape, no rows or no columns, and entries that are not finite.
    """
    cloud = np.asarray(points)
    if cloud.ndim != 2 or not cloud.size:
        raise GeomsimError(f"points are (rows, width) with at least one of each, got an array of shape {cloud.shape}")
    if cloud.dtype not in (np.float32, np.float64):
        cloud = cloud.astype(np.float32 if cloud.dtype == np.float16 else np.float64)
    for tile in tiles(*cloud.shape):
        finite = np.isfinite(cloud[tile])
        if not finite.all():
            row = tile.start + int(np.flatnonzero(~finite.all(axis=1))[0])
            raise GeomsimError(f"the points are not finite, first in row {row}: leave such rows out")
    return cloud


def tiles(rows: int, width: int) -> list[slice]:
    """Slices of `rows` rows, each of half a million numbers or one row."""
    height = max(1, _TILE // width)
    return [slice(start, min(start + height, rows)) for start in range(0, rows, height)]


def order_by_values(cloud: AnyFloats) -> Numbers:
    """Row numbers sorted by the rows' first entries, rows equal in these by their bytes.

    The cloud in this order is the same for whatever order its rows came in; equal rows stand side by side.

    >>> order_by_values(np.array([[3.0, 0.0], [1.0, 5.0], [1.0, 2.0]])).tolist()
    [2, 1, 0]
    """
    order = np.argsort(cloud[:, 0], kind="stable")
    first = cloud[order, 0]
    same = first[1:] == first[:-1]
    if not same.any():
        return order
    tied = np.zeros(len(cloud), dtype=bool)
    tied[1:] |= same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    rows = order[places]
    run = np.concatenate([[0], np.cumsum(~same)])[places]
    # Adding zero makes -0.0 and 0.0, which are equal, the same bytes.
    entries = np.ascontiguousarray(cloud[rows] + cloud.dtype.type(0))
    as_bytes = entries.view(np.dtype((np.void, entries.dtype.itemsize * entries.shape[1]))).ravel()
    by_bytes = np.argsort(as_bytes, kind="stable")
    order[places] = rows[by_bytes[np.argsort(run[by_bytes], kind="stable")]]
    return order


@dataclass(frozen=True, eq=False)
class CentredCloud:
    """A cloud in tiles of float64 around its mean, without a copy of it.

    The points are ``unit * (tile + centre)``; `unit` is a power of two, 1 but for huge and tiny numbers.
    """

    cloud: AnyFloats
    order: Numbers
    """The canonical order of its rows."""
    start: Floats
    """The first row in that order; differences from it lose nothing where all rows lie far from zero."""
    offset: Floats
    """The mean of all rows less `start`."""
    unit: float
    largest: float
    """The largest entry in absolute value, in units of `unit`."""

    @classmethod
    def of(cls, points: ArrayLike) -> CentredCloud:
        """The cloud of points, (rows, width); raises as :func:`as_cloud`."""
        cloud = as_cloud(points)
        order = order_by_values(cloud)
        largest = max(float(cloud.max()), -float(cloud.min()))
        unit = 1.0 if not largest or _SMALLEST < largest < _LARGEST else 2.0 ** (math.frexp(largest)[1] - 1)
        start = cloud[order[0]].astype(np.float64) / unit
        raw = cls(cloud, order, start, np.zeros(cloud.shape[1]), unit, largest / unit)
        total = np.zeros(cloud.shape[1])
        for tile in raw.canonical_tiles():
            total += tile.sum(axis=0)
        return cls(cloud, order, start, total / len(cloud), unit, largest / unit)

    def exact(self, rows: slice | Numbers) -> Floats:
        """Rows as they are, in units of `unit`: their differences are those of the points."""
        # Row numbers give a copy, a slice a view.
        tile = self.cloud[rows].astype(np.float64, copy=isinstance(rows, slice))
        if self.unit != 1.0:
            tile /= self.unit
        return tile

    def centred(self, rows: slice | Numbers) -> Floats:
        """Rows less the mean."""
        tile = self.exact(rows)
        tile -= self.start
        tile -= self.offset
        return tile

    def columns(self, columns: slice) -> Floats:
        """All rows, in canonical order, of a few columns, less the mean."""
        block = self.cloud[:, columns][self.order].astype(np.float64, copy=False)
        if self.unit != 1.0:
            block /= self.unit
        block -= self.start[columns]
        block -= self.offset[columns]
        return block

    def canonical_tiles(self) -> Iterator[Floats]:
        """All rows less the mean, tile by tile in canonical order."""
        for tile in tiles(*self.cloud.shape):
            yield self.centred(self.order[tile])

    def distinct(self) -> tuple[Numbers, Numbers, Numbers]:
        """A row number for each different row, in canonical order; for each row, its place there; how many share it."""
        fresh = np.ones(len(self.order), dtype=bool)
        for tile in tiles(*self.cloud.shape):
            begin = max(tile.start, 1)
            rows = self.cloud[self.order[begin - 1 : tile.stop]]
            fresh[begin : tile.stop] = (rows[1:] != rows[:-1]).any(axis=1)
        places = np.empty(len(self.order), dtype=np.int64)
        places[self.order] = np.cumsum(fresh) - 1
        return self.order[fresh], places, np.bincount(places)
