"""The distances of a cloud in a unit of its own, so that clouds of two models can be laid over each other."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from geomsim import DegenerateSpace, InvalidConfig

Floats = NDArray[np.float64]
Scale = Literal["quantile", "root-mean-square"]

_QUANTILE = 0.9
_FEW = 2_048  # rows whose distances are held all at once
_TILE_BYTES = 32 << 20
_BINS = 20  # bits of a distance that one pass settles
# Rows closer together than this share of their size differ by the rounding of float64 only.
_COPY = 1e-13


@dataclass(frozen=True, eq=False)
class ScaledCloud:
    """Rows around their median, and the length that counts as one."""

    rows: Floats  # (rows, width), in units of 2**exponent
    length: float  # what distances are divided by, in the same units
    exponent: int

    @property
    def length_of_points(self) -> float:
        """The length in the units of the points; at most the largest number there is."""
        with np.errstate(over="ignore"):
            return min(float(np.ldexp(self.length, self.exponent)), sys.float_info.max)


def check_scale(scale: str) -> None:
    """Raise InvalidConfig for a unit of distances that does not exist."""
    if scale not in get_args(Scale):
        raise InvalidConfig(f"scale is one of {', '.join(get_args(Scale))}; got {scale!r}")


def scaled_cloud(points: Tensor, scale: Scale) -> ScaledCloud:
    """The rows of points, (rows, width), at least two, and the length by which their distances are to be divided.

    "quantile": the least distance that nine tenths of all pairs of rows do not exceed. "root-mean-square": the root of
    the mean squared distance of two rows. Both follow from all rows, whatever their order. Raises DegenerateSpace where
    that length is zero, or no more than rounding.
    """
    rows, exponent = centred(points)
    if len(rows) < 2:
        raise DegenerateSpace("1 row has no distance to any other; use at least 2 rows")
    length = _quantile(rows) if scale == "quantile" else _root_mean_square(rows)
    if length <= _COPY:  # the largest entry is about one
        if not rows.any():
            raise DegenerateSpace(
                f"all {len(rows)} rows are equal, so there are no distances to compare; look where they come from"
            )
        raise DegenerateSpace(
            f"nine in ten pairs of the {len(rows)} rows, or more, are no distance apart beside the largest entry, so "
            "there is no unit of distance; leave repeated rows or outliers out"
        )
    return ScaledCloud(rows, length, exponent)


def centred(points: Tensor) -> tuple[Floats, int]:
    """Rows less the median of each column, in float64, divided by 2**exponent; entries are then at most two.

    Around the median and not the mean: a far row must not make the rounding of all others large.
    """
    numbers = points.detach().cpu().double().numpy()
    exponent = math.frexp(float(np.abs(numbers).max()))[1]
    rows = np.ldexp(numbers, -exponent)
    return np.asarray(rows - np.median(rows, axis=0)), exponent


def _root_mean_square(rows: Floats) -> float:
    away = rows - rows.mean(axis=0)
    return math.sqrt(2.0 * float(np.square(away).sum()) / (len(rows) - 1))


def _quantile(rows: Floats) -> float:
    from scipy.spatial.distance import pdist

    if len(rows) > _FEW:
        return _quantile_in_tiles(rows)
    distances = pdist(rows)
    place = math.ceil(_QUANTILE * len(distances)) - 1
    return float(np.partition(distances, place)[place])


def _quantile_in_tiles(rows: Floats) -> float:
    """The quantile to nine digits or so, in the memory of a tile.

    1. Distances are counted by the leading 20 bits of their float32.
    2. The bin that holds the quantile is cut into 2**20 equal parts, and the distances inside are counted again.
    """
    rest = math.ceil(_QUANTILE * (len(rows) * (len(rows) - 1) // 2))
    counts = np.zeros(1 << _BINS, dtype=np.int64)
    shift = 32 - _BINS
    for distances in _tiles_of_distances(rows):
        counts += np.bincount(_leading_bits(distances, shift), minlength=len(counts))
    found = int(np.searchsorted(np.cumsum(counts), rest))
    rest -= int(counts[:found].sum())
    low, high = (float(np.uint32(bits << shift).view(np.float32)) for bits in (found, found + 1))
    counts[:] = 0
    for distances in _tiles_of_distances(rows):
        inside = distances[_leading_bits(distances, shift) == found]
        parts = ((inside - low) / (high - low) * len(counts)).astype(np.int64)
        counts += np.bincount(parts.clip(0, len(counts) - 1), minlength=len(counts))
    return low + (high - low) * (int(np.searchsorted(np.cumsum(counts), rest)) + 0.5) / len(counts)


def _leading_bits(distances: Floats, shift: int) -> NDArray[np.uint32]:
    return distances.astype(np.float32).view(np.uint32) >> np.uint32(shift)


def _tiles_of_distances(rows: Floats) -> Iterator[Floats]:
    """The distances of each row to those after it, many rows at a time."""
    squares = np.einsum("ij,ij->i", rows, rows)
    height = max(1, _TILE_BYTES // (8 * len(rows)))
    for start in range(0, len(rows) - 1, height):
        stop = min(start + height, len(rows))
        found = squares[start:stop, None] + squares[None, start:] - 2.0 * (rows[start:stop] @ rows[start:].T)
        above = np.arange(stop - start)[:, None] < np.arange(len(rows) - start)[None, :]
        yield np.sqrt(np.maximum(found[above], 0.0))
