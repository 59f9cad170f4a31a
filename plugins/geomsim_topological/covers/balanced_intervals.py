"""A cover whose intervals hold equally many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.covers.cover import per_dimension, shares, whole_numbers
from geomsim_topological.covers.interval_products import boxes, checked_values

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BalancedIntervals:
    r"""Intervals with equally many rows each along every dimension of the lens, and the products of these.

    Of N values in ascending order, interval i of n takes those numbered from i s to below i s + m, rounded, where

    .. math:: m = \frac{N}{1 + (n - 1)(1 - p)}, \qquad s = (1 - p) \, m,

    so that each holds m values, the first and the last one too, and shares p m with its neighbour; p is `overlap`.
    Values equal to one at an end are taken in, so that equal ones are never parted and the order of the rows does not
    matter: an interval then holds more than m. Intervals that become the same that way are one.

    Where the lens values crowd, such intervals are short: they show what
    :class:`geomsim_topological.covers.cover.Cubes` of equal length leave in one box. Equal counts hold along each
    dimension, not for the products.

    Parameters
    ----------
    n
        intervals to each dimension, or one number for each of them.
    overlap
        from 0 to below 1, or one for each dimension.

    >>> [rows.tolist() for rows in BalancedIntervals(2, 0.5).sets(np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0]))]
    [[0, 1, 2, 3], [2, 3, 4, 5]]
    """

    n: int | Sequence[int] = 10
    overlap: float | Sequence[float] = 0.5
    uses: ClassVar[Literal["lens", "points"]] = "lens"

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "n", whole_numbers(self.n, "interval"))
        object.__setattr__(self, "overlap", shares(self.overlap, "interval"))

    def sets(self, values: Floats) -> list[NDArray[np.int64]]:
        """The rows of each product of intervals that holds any; `values` are those of the lens, (rows, dimensions).

        Raises GeomsimError for values of the wrong shape or not finite.
        """
        values = checked_values(values)
        if not len(values):
            return []
        n = per_dimension(self.n, values.shape[1], "n")
        overlap = per_dimension(self.overlap, values.shape[1], "overlap")
        bounds = [
            _bounds(np.sort(column), int(count), float(share))
            for column, count, share in zip(values.T, n, overlap, strict=True)
        ]
        return boxes(values, [low for low, _ in bounds], [high for _, high in bounds])


def _bounds(ordered: Floats, n: int, overlap: float) -> tuple[Floats, Floats]:
    """First and last value of each interval."""
    # In fractions: with floats, an interval may end one value before the next begins.
    step = Fraction(1) - Fraction(overlap)
    count = len(ordered) / (1 + (n - 1) * step)
    ends = []
    for number in range(n):
        begin = math.floor(number * step * count + Fraction(1, 2))
        end = math.floor(number * step * count + count + Fraction(1, 2))
        if begin < end:
            ends.append((ordered[begin], ordered[end - 1]))
    different = np.array(list(dict.fromkeys(ends)), dtype=np.float64)
    return different[:, 0], different[:, 1]
