"""Lenses: what a Mapper graph looks at the points through, a few numbers per row."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning

Floats = NDArray[np.float64]
Lens = Callable[[Floats], ArrayLike] | ArrayLike
"""A function of the points, or its values: (rows,) or (rows, dimensions)."""

# Singular values below this share of the first are the rounding of float32 points, no direction of the cloud.
_RANK = 1e-6
# Singular values closer than this span a plane in which no direction is more principal than another.
_TIE = 1e-6


@dataclass(frozen=True)
class PrincipalComponents:
    """The scores of the rows on the first `components` principal components; fewer where the rank is lower.

    Columns are in the units of the points. Each points to its longer tail (its scores have positive skewness), so that
    rotated and reordered copies get the same scores; where a column is symmetric, its largest loading is positive. A
    sign only changes the order in which a graph's nodes are numbered. Equal rows get equal scores, and the scores do
    not depend on the order of the rows, to the last bit.

    Warns where two of the first components have equal variance: their directions are arbitrary. Raises DegenerateSpace
    where all rows are equal.

    >>> PrincipalComponents(1)(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])).ravel().round(3).tolist()
    [-1.667, 3.333, -1.667]
    """

    components: int = 2

    def __post_init__(self) -> None:
        """Check the parameter."""
        if self.components < 1:
            raise GeomsimError(f"components is at least 1, got {self.components}")

    def __call__(self, points: Floats) -> Floats:
        """Scores, (rows, components)."""
        # Sums depend on the order of their terms in the last bit, which decides ties with the cover's boundaries.
        different, inverse, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
        centred = different - counts @ different / counts.sum()
        weights = np.sqrt(counts)[:, None]
        singular, directions = np.linalg.svd(weights * centred, full_matrices=False)[1:]
        floor = max(
            _RANK * float(singular[0]),
            np.finfo(np.float64).eps * max(points.shape) * float(np.abs(points).max()),
        )
        rank = int((singular > floor).sum())
        if rank == 0:
            raise DegenerateSpace(
                "all rows are equal, so there is no component to look through; look where they come from"
            )
        kept = min(self.components, rank)
        self._warn_of_ties(singular[: min(kept + 1, rank)])
        scores = centred @ directions[:kept].T
        scores *= np.array([_sign(column, row, counts) for column, row in zip(scores.T, directions, strict=False)])
        return np.ascontiguousarray(scores[inverse.ravel()])

    def _warn_of_ties(self, singular: Floats) -> None:
        tied = np.flatnonzero(-np.diff(singular) <= _TIE * singular[0])
        if len(tied):
            first = int(tied[0]) + 1
            warnings.warn(
                f"principal components {first} and {first + 1} have equal variance, so their directions are arbitrary "
                "and the graph depends on rounding: use another number of components, or another lens",
                GeomsimWarning,
                stacklevel=3,
            )


def _sign(scores: Floats, loadings: Floats, counts: NDArray[Any]) -> float:
    parts = scores / np.abs(scores).max()  # no cube leaves the range of numbers
    cubes = float(counts @ parts**3)
    if abs(cubes) > 1e-9 * float(counts @ np.abs(parts) ** 3):
        return float(np.sign(cubes))
    return float(np.sign(loadings[np.argmax(np.abs(loadings))]))


def lens_values(lens: Lens, points: Floats) -> Floats:
    """The values of a lens on points, (rows, dimensions).

    Raises GeomsimError for values of the wrong shape or not finite, and DegenerateSpace for a constant column, which
    would put every row into every interval.
    """
    values = np.asarray(lens(points) if callable(lens) else lens, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or len(values) != len(points) or not values.shape[1]:
        raise GeomsimError(
            f"a lens gives (rows,) or (rows, dimensions) for {len(points)} rows, got an array of shape {values.shape}"
        )
    broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(broken):
        raise GeomsimError(f"the lens is not finite on {len(broken)} rows, first on row {broken[0]}")
    constant = np.flatnonzero(values.max(axis=0) == values.min(axis=0))
    if len(constant):
        raise DegenerateSpace(
            f"lens column {constant[0]} is the same on all {len(values)} rows and separates nothing: leave it out"
        )
    return values
