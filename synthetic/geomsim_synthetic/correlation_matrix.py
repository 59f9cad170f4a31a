"""Correlation matrices: whether one is possible, and the nearest possible one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidConfig

# Eigenvalues this far below 0 are rounding.
_ROUNDING = 1e-10
# A message names how far the nearest matrix is with three digits.
_MESSAGE_TOLERANCE = 1e-6


def checked_correlation(matrix: ArrayLike, name: str = "correlation") -> NDArray[np.float64]:
    """The matrix in float64, if normal variables can have these correlations.

    Raises
    ------
    InvalidConfig
        when it is not square, symmetric, finite, with ones on the diagonal; or not positive semi-definite, with its
        smallest eigenvalue and how far the nearest correlation matrix is.
    """
    values = _symmetric(matrix, name)
    smallest = float(np.linalg.eigvalsh(values)[0])
    if smallest < -_ROUNDING * len(values):
        nearest = nearest_correlation(values, tolerance=_MESSAGE_TOLERANCE)
        raise InvalidConfig(
            f"{name} is not positive semi-definite: its smallest eigenvalue is {smallest:.3g}, so no variables have "
            f"these correlations; geomsim_synthetic.nearest_correlation({name}) is the nearest matrix that is possible "
            f"(its entries differ by up to {float(np.abs(nearest - values).max()):.3g})"
        )
    return values


def nearest_correlation(matrix: ArrayLike, *, tolerance: float = 1e-12, max_iterations: int = 10_000) -> Any:
    r"""The correlation matrix that is nearest in Frobenius norm, (n, n) float64.

    Projections in turn on the positive semi-definite matrices and on those with unit diagonal, with Dykstra's
    correction for the first: without it the limit is some correlation matrix, not the nearest.

    Parameters
    ----------
    matrix
        symmetric, finite.
    tolerance
        largest relative change of the last step.
    max_iterations
        steps after which it gives up.

    Raises
    ------
    InvalidConfig
        when the matrix is not square, symmetric and finite, or the steps do not suffice.

    Higham (2002), "Computing the nearest correlation matrix: a problem from finance", algorithm 3.3.

    >>> nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]]).round(4)
    array([[1.    , 0.7607, 0.1573],
           [0.7607, 1.    , 0.7607],
           [0.1573, 0.7607, 1.    ]])
    """
    current = _symmetric(matrix, "matrix", unit_diagonal=False)
    correction = np.zeros_like(current)
    for _ in range(max_iterations):
        before = current
        shifted = current - correction
        eigenvalues, vectors = np.linalg.eigh(shifted)
        positive = (vectors * np.maximum(eigenvalues, 0.0)) @ vectors.T
        correction = positive - shifted
        current = (positive + positive.T) / 2.0
        np.fill_diagonal(current, 1.0)
        if np.abs(current - before).max() <= tolerance * max(1.0, np.abs(current).max()):
            return _just_inside(current)
    raise InvalidConfig(
        f"no nearest correlation matrix within {max_iterations} steps to a tolerance of {tolerance:g}; raise either"
    )


def _just_inside(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The limit is reached from outside; a last shift by what is missing makes the answer possible."""
    missing = max(0.0, -float(np.linalg.eigvalsh(matrix)[0]))
    inside: NDArray[np.float64] = (matrix + missing * np.eye(len(matrix))) / (1.0 + missing)
    return inside


def as_matrix(matrix: ArrayLike, name: str) -> NDArray[np.float64]:
    """The entries in float64; InvalidConfig where they are no numbers or rows have different lengths."""
    try:
        return np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidConfig(f"{name} must be a square matrix of numbers: {error}") from None


def _symmetric(matrix: ArrayLike, name: str, *, unit_diagonal: bool = True) -> NDArray[np.float64]:
    values = as_matrix(matrix, name)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise InvalidConfig(f"{name} must be a square matrix, got shape {values.shape}")
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise InvalidConfig(f"{name} has NaN or infinite entries, the first is ({i}, {j}); give a number there")
    apart = np.abs(values - values.T)
    if apart.max() > 1e-12:
        i, j = np.unravel_index(int(apart.argmax()), apart.shape)
        raise InvalidConfig(
            f"{name} is not symmetric: entry ({i}, {j}) is {values[i, j]:g} and entry ({j}, {i}) is {values[j, i]:g}; "
            f"({name} + {name}.T) / 2 is"
        )
    if unit_diagonal and np.abs(np.diag(values) - 1.0).max() > 1e-12:
        first = int(np.argmax(np.abs(np.diag(values) - 1.0) > 1e-12))
        raise InvalidConfig(f"{name} must have ones on its diagonal, entry {first} is {values[first, first]:g}")
    return values
