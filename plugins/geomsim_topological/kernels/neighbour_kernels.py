"""The distance from each row of a set to its k-th nearest other row, in tiles. Import it late: it imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.block_kernels import blocks_apart, measure_blocks, start_blocks
from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.density_kernels import rounding_of_tile
from geomsim_topological.kernels.distance_kernels import (
    BLOCK_ROWS,
    Floats,
    Places,
    Points,
    distance,
    fill_products,
    fill_side,
    none_within,
)

Numbers = NDArray[np.int64]


@compiled
def _offer(best: Floats, row: int, value: float) -> None:
    """Put a distance among the smallest of a row, which rise."""
    place = best.shape[1] - 1
    while place > 0 and best[row, place - 1] > value:
        best[row, place] = best[row, place - 1]
        place -= 1
    best[row, place] = value


@compiled
def _offer_block(
    points: Points,
    rows: Places,
    n_rows: int,
    left: Points,  # the rows less the centre of their block, divided by unit
    left_squares: Floats,
    others: Places,
    right: Points,
    right_squares: Floats,
    products: Points,
    unit: float,
    copy: float,
    best: Floats,
) -> None:
    share, constant = rounding_of_tile(left)
    tile = fill_products(left, right, n_rows, others.size, products)
    last = best.shape[1] - 1
    for i in range(n_rows):
        limit = (best[i, last] / unit) ** 2
        if none_within(tile[i], left_squares[i], right_squares, limit, share, constant):
            continue
        for j in range(others.size):
            total = left_squares[i] + right_squares[j]
            if total - 2.0 * np.float64(tile[i, j]) - share * total - constant < limit:
                apart = distance(points, rows[i], others[j])
                if copy < apart < best[i, last]:
                    _offer(best, i, apart)
                    limit = (best[i, last] / unit) ** 2


@compiled
def neighbour_distances(
    points: Points,
    members: Places,  # of all sets, those of each together, near rows near to each other
    starts: Numbers,
    first_set: int,
    stop_set: int,
    k: int,
    copy: float,  # rows no farther apart are the same
    hashes: NDArray[Any],  # of each row, where some sets are sampled
    limits: NDArray[Any],  # by set: of a sampled one, rows up to this hash are asked
    sampled: NDArray[np.bool_],
    found: Floats,  # by member, in no order: its distance, inf where it has no k others; nan where it was not asked
) -> None:
    """Fill `found` for some sets; sets of at most k rows stay as they are."""
    left = np.empty((BLOCK_ROWS, points.shape[1]), dtype=points.dtype)
    right = np.empty((BLOCK_ROWS, points.shape[1]), dtype=points.dtype)
    products = np.empty(BLOCK_ROWS * BLOCK_ROWS, dtype=points.dtype)
    left_squares, right_squares = np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS)
    asked, positions = np.empty(BLOCK_ROWS, dtype=np.int32), np.empty(BLOCK_ROWS, dtype=np.int32)
    best = np.empty((BLOCK_ROWS, k))
    for number in range(first_set, stop_set):
        size = starts[number + 1] - starts[number]
        if size <= k:
            continue
        place = members[starts[number] : starts[number + 1]]
        begins = np.zeros((size - 1) // BLOCK_ROWS + 2, dtype=np.int32)
        n_blocks = start_blocks(0, size, begins, 0)
        centres, radii = np.empty((n_blocks, points.shape[1])), np.empty(n_blocks)
        measure_blocks(points, place, begins, 0, n_blocks, centres, radii)
        for block in range(n_blocks):
            n_asked = 0
            for i in range(begins[block], begins[block + 1]):
                if not sampled[number] or hashes[place[i]] <= limits[number]:
                    asked[n_asked], positions[n_asked] = place[i], i
                    n_asked += 1
                else:
                    found[starts[number] + i] = np.nan
            if not n_asked:
                continue
            best[:] = np.inf
            for step in range(n_blocks):
                for side in range(2 if step else 1):
                    other = block + step if side else block - step
                    if other < 0 or other >= n_blocks:
                        continue
                    reach = 0.0
                    for i in range(n_asked):
                        reach = max(reach, best[i, k - 1])
                    if step and blocks_apart(centres, radii, block, other, reach):
                        continue
                    unit = radii[block] + radii[other] + np.sqrt(np.square(centres[block] - centres[other]).sum())
                    if unit == 0.0:  # copies of one row
                        continue
                    others = place[begins[other] : begins[other + 1]]
                    fill_side(points, asked, n_asked, centres, block, unit, left, left_squares)
                    fill_side(points, others, others.size, centres, block, unit, right, right_squares)
                    _offer_block(
                        points, asked, n_asked, left, left_squares, others, right, right_squares, products, unit, copy,
                        best,
                    )  # fmt: skip
            for i in range(n_asked):
                found[starts[number] + positions[i]] = best[i, k - 1]
