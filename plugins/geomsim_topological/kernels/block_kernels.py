"""Blocks of near rows with a ball around each: rows of balls farther apart than eps need not be looked at.

Import it late: it imports numba.
"""

from __future__ import annotations

import numpy as np

from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.distance_kernels import (
    BLOCK_ROWS,
    Floats,
    Places,
    Points,
    add_row,
    rough_distance_to,
    rough_square,
)

_ROUNDING = 1e-9  # of distances to centres, by far


@compiled
def start_blocks(first: int, stop: int, starts: Places, n_blocks: int) -> int:
    """Cut positions into blocks of BLOCK_ROWS behind `n_blocks` others; how many there are then."""
    for position in range(first, stop, BLOCK_ROWS):
        starts[n_blocks] = position
        n_blocks += 1
    starts[n_blocks] = stop
    return n_blocks


@compiled
def measure_blocks(
    points: Points, place: Places, starts: Places, first: int, stop: int, centres: Floats, radii: Floats
) -> None:
    """Mean and radius around it of blocks `first` to `stop`."""
    for block in range(first, stop):
        for column in range(points.shape[1]):
            centres[block, column] = 0.0
        for i in range(starts[block], starts[block + 1]):
            add_row(points, place[i], centres, block)
        count = starts[block + 1] - starts[block]
        for column in range(points.shape[1]):
            centres[block, column] /= count
        radius = 0.0
        for i in range(starts[block], starts[block + 1]):
            radius = max(radius, rough_distance_to(points, place[i], centres, block))
        radii[block] = radius * (1 + _ROUNDING)


@compiled
def blocks_apart(centres: Floats, radii: Floats, first: int, second: int, eps: float) -> bool:
    """Whether no row of one block is within `eps` of one of the other."""
    apart = np.sqrt(rough_square(centres, first, second))
    return bool(apart > (radii[first] + radii[second] + eps) * (1 + _ROUNDING))


@compiled
def row_apart(points: Points, row: int, centres: Floats, radii: Floats, block: int, eps: float) -> bool:
    """Whether no row of the block is within `eps` of the row."""
    return bool(rough_distance_to(points, row, centres, block) > (radii[block] + eps) * (1 + _ROUNDING))
