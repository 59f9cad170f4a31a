"""The compiled arithmetic of distances: fast, strict, and whole tiles of them. Import it late: it imports numba.

What decides anything is a distance summed in one fixed order from differences in float64, :func:`distance`. It is slow,
so nearly all pairs are decided by something faster whose rounding is bounded, and only pairs within that bound by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled, compiled_in_lanes

Points = NDArray[Any]  # (rows, width), float32 or float64
Floats = NDArray[np.float64]
Places = NDArray[np.int32]

BLOCK_ROWS = 128
"""Rows of a block: the sides of a tile of distances."""


@compiled
def distance(points: Points, first: int, second: int) -> float:
    """Euclidean distance of two rows, in float64, by the same sum wherever it is called."""
    total = 0.0
    for column in range(points.shape[1]):
        difference = np.float64(points[first, column]) - np.float64(points[second, column])
        total += difference * difference
    return np.sqrt(total)  # type: ignore[no-any-return]


@compiled_in_lanes
def rough_square(points: Points, first: int, second: int) -> float:
    """Squared distance of two rows, right but for (width + 8) roundings."""
    total = 0.0
    for column in range(points.shape[1]):
        difference = np.float64(points[first, column]) - np.float64(points[second, column])
        total += difference * difference
    return total


@compiled_in_lanes
def rough_distance_to(points: Points, row: int, centres: Floats, block: int) -> float:
    """Distance of a row to the centre of a block, right but for (width + 8) roundings."""
    total = 0.0
    for column in range(points.shape[1]):
        difference = np.float64(points[row, column]) - centres[block, column]
        total += difference * difference
    return np.sqrt(total)  # type: ignore[no-any-return]


@compiled
def add_row(points: Points, row: int, sums: Floats, block: int) -> None:
    """Add a row to a row of sums."""
    for column in range(points.shape[1]):
        sums[block, column] += np.float64(points[row, column])


@compiled
def within(points: Points, first: int, second: int, eps: float, below: float, above: float) -> bool:
    """Whether two rows are at most `eps` apart; `below` and `above` are its square less and plus the rounding."""
    square = rough_square(points, first, second)
    if square < below:
        return True
    if square > above:
        return False
    return distance(points, first, second) <= eps


@compiled
def comes_before(points: Points, first: int, second: int) -> bool:
    """Whether the first row is before the second by coordinates, the first column counting most."""
    for column in range(points.shape[1]):
        if points[first, column] != points[second, column]:
            return bool(points[first, column] < points[second, column])
    return False


@compiled
def fill_side(
    points: Points,
    rows: Places,
    n_rows: int,
    centres: Floats,
    block: int,
    unit: float,
    side: Points,  # (BLOCK_ROWS, width), of the dtype of the points
    squares: Floats,
) -> None:
    """Rows less the centre of a block, divided by `unit`, and the squares of their lengths."""
    for i in range(n_rows):
        total = 0.0
        for column in range(points.shape[1]):
            value = (np.float64(points[rows[i], column]) - centres[block, column]) / unit
            side[i, column] = value
            total += value * value
        squares[i] = total


@compiled
def fill_products(left: Points, right: Points, n_left: int, n_right: int, products: Points) -> Points:
    """Inner products of two sides of a tile, (n_left, n_right), in the memory of `products`."""
    tile = products[: n_left * n_right].reshape(n_left, n_right)
    np.dot(left[:n_left], right[:n_right].T, tile)
    return tile


@compiled
def none_within(
    products: Points,  # of one row with those of the other side
    square: float,  # of its length
    squares: Floats,  # of their lengths
    limit: float,  # squared distance
    share: float,  # of both squares, which rounding may take off
    constant: float,
) -> bool:
    """Whether the row is sure to be farther than the limit from all rows of the other side."""
    found = 0
    for j in range(products.size):  # no branch, so that it runs in lanes
        total = square + squares[j]
        found += total - 2.0 * np.float64(products[j]) - share * total - constant <= limit
    return found == 0
