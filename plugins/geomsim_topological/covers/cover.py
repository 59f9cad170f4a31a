"""Covers: overlapping sets of rows, each to be clustered on its own."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.covers.interval_products import boxes, checked_values

# Below this span, a share of it is no longer an exact multiple of the smallest number.
_SMALLEST_SPAN = 1e-290


class Cover(Protocol):
    """What cuts the rows into overlapping sets. Any object with these two attributes will do."""

    uses: ClassVar[Literal["lens", "points"]]
    """What `sets` is given: the values of the lens, or the points themselves."""

    def sets(self, values: NDArray[Any], /) -> list[NDArray[np.int64]]:
        """Row numbers of each set, ascending; no set is empty, and a row may be in none."""
        ...


@dataclass(frozen=True)
class Cubes:
    r"""Equal boxes on a grid over the lens values, `n` to each dimension, closed on all sides.

    With range R of a dimension, the centres are R / n apart and a box reaches R / (2 n (1 - overlap)) to each side, so
    that `overlap` is the share of a box that its neighbour covers. This is the definition of kmapper (and of Carrière,
    Michel and Oudot 2018); the bounds are rounded as kmapper rounds them, so that its sets are the same to the row.

    Parameters
    ----------
    n
        boxes to each dimension, or one number for each of them.
    overlap
        from 0 to below 1, or one for each dimension.

    Without overlap, boxes only touch, and rounding may leave a row at an end of one in none, as it does in kmapper; the
    graph counts it as noise. Time and memory are those of the sets: each value's intervals are found by binary search
    in the bounds.

    >>> [rows.tolist() for rows in Cubes(2, 0.5).sets(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))]
    [[0, 1, 2, 3], [1, 2, 3, 4]]
    """

    n: int | Sequence[int] = 10
    overlap: float | Sequence[float] = 0.5
    uses: ClassVar[Literal["lens", "points"]] = "lens"

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "n", whole_numbers(self.n, "cube"))
        object.__setattr__(self, "overlap", shares(self.overlap, "cube"))

    def to_kmapper(self) -> Any:
        """The same cover as a ``kmapper.Cover``."""
        import kmapper

        n, overlap = (list(each) if isinstance(each, tuple) else each for each in (self.n, self.overlap))
        return kmapper.Cover(n_cubes=n, perc_overlap=overlap)

    def sets(self, values: NDArray[np.float64]) -> list[NDArray[np.int64]]:
        """The rows of each box that holds any; `values` are those of the lens, (rows, dimensions).

        Boxes come in kmapper's order: the interval of the last dimension changes fastest. Raises GeomsimError for
        values of the wrong shape, not finite, or that span more or less than numbers can tell apart.
        """
        values = checked_values(values)
        return boxes(values, *self.bounds(values)) if len(values) else []

    def bounds(self, values: NDArray[np.float64]) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Where the intervals of each dimension begin and end. Raises GeomsimError for values that cannot be cut."""
        n = per_dimension(self.n, values.shape[1], "n")
        overlap = per_dimension(self.overlap, values.shape[1], "overlap")
        least, largest = values.min(axis=0), values.max(axis=0)
        with np.errstate(over="ignore"):
            span = largest - least
        odd = np.flatnonzero(~np.isfinite(span) | ((span > 0) & (span < _SMALLEST_SPAN)))
        if len(odd):
            raise GeomsimError(
                f"the values of lens dimension {odd[0]} run from {least[odd[0]]:.3g} to {largest[odd[0]]:.3g}, "
                "which cannot be cut into equal parts: multiply them by a number that brings them near 1"
            )
        inset = (span - (n - 1) / n * span) / 2
        reach = span / (2 * n * (1 - overlap))
        lower, upper = [], []
        for dimension, count in enumerate(n):
            centres = np.linspace(least[dimension] + inset[dimension], largest[dimension] - inset[dimension], num=count)
            lower.append(centres - reach[dimension])
            upper.append(centres + reach[dimension])
        return lower, upper


def whole_numbers(n: int | Sequence[int], noun: str) -> int | tuple[int, ...]:
    """`n` as an int or a tuple of them; raises GeomsimError for what is no whole number of at least 1."""
    several = n if isinstance(n, Sequence | np.ndarray) else (n,)
    try:
        found = tuple(operator.index(each) for each in several)
    except TypeError:
        raise GeomsimError(f"the number of {noun}s to each dimension is a whole number, got n={n!r}") from None
    if not found or min(found) < 1:
        raise GeomsimError(f"a cover needs at least 1 {noun} to each dimension, got n={n}")
    return found if several is n else found[0]


def shares(overlap: float | Sequence[float], noun: str) -> float | tuple[float, ...]:
    """`overlap` as a float or a tuple of them; raises GeomsimError for what is not from 0 to below 1."""
    several = overlap if isinstance(overlap, Sequence | np.ndarray) else (overlap,)
    found = tuple(map(float, several))
    if not found or not all(0 <= each < 1 for each in found):
        raise GeomsimError(f"overlap is the share of a {noun} in its neighbour, from 0 to below 1, got {overlap}")
    return found if several is overlap else found[0]


def per_dimension(parameter: Any, dimensions: int, name: str) -> NDArray[Any]:
    """One value for each dimension of the lens; raises GeomsimError where there are more or fewer."""
    if isinstance(parameter, tuple) and len(parameter) != dimensions:
        raise GeomsimError(
            f"{name}={parameter} has {len(parameter)} values, but the lens has {dimensions} dimensions: "
            "give one value for each, or a single one for all"
        )
    return np.array(parameter) if isinstance(parameter, tuple) else np.repeat(parameter, dimensions)
