"""An order of the rows in which near ones stand together. Import it late: it imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.distance_kernels import BLOCK_ROWS, Places, Points

_LOOKED_AT = 64  # rows of which far ones span the sketch
_DIRECTIONS = 8
_SPREAD_OF = 32  # rows that say in which direction a range is widest


@compiled
def sketch_rows(points: Points) -> NDArray[np.float32]:
    """Coordinates of the rows along lines through far ones of a few, (rows, up to 8), in float32."""
    n_rows, width = points.shape
    looked_at = np.empty(_LOOKED_AT, dtype=np.int64)
    for step in range(_LOOKED_AT):
        looked_at[step] = step * (n_rows - 1) // (_LOOKED_AT - 1)
    base = np.empty(width)
    met = np.empty(width)
    for column in range(width):
        base[column] = met[column] = points[0, column]
    directions = np.zeros((min(_DIRECTIONS, width), width))
    nearest = np.full(_LOOKED_AT, np.inf)
    length = 1.0
    for direction in range(directions.shape[0]):
        far, chosen = -1.0, 0
        for step in range(_LOOKED_AT):
            total = 0.0
            for column in range(width):
                total += (np.float64(points[looked_at[step], column]) - met[column]) ** 2
            nearest[step] = min(nearest[step], total)
            if nearest[step] > far:
                far, chosen = nearest[step], looked_at[step]
        longest = 0.0
        for column in range(width):
            met[column] = points[chosen, column]
            longest = max(longest, abs(met[column] - base[column]))
        if longest == 0.0:
            break
        if direction == 0:
            length = longest
        total = 0.0
        for column in range(width):
            directions[direction, column] = (met[column] - base[column]) / longest
            total += directions[direction, column] ** 2
        for column in range(width):
            directions[direction, column] /= np.sqrt(total) * length
    sketch = np.empty((n_rows, directions.shape[0]), dtype=np.float32)
    for row in range(n_rows):
        for direction in range(directions.shape[0]):
            total = 0.0
            for column in range(width):
                total += (np.float64(points[row, column]) - base[column]) * directions[direction, column]
            sketch[row, direction] = total
    return sketch


@compiled
def _select(values: NDArray[np.float32], count: int, rank: int) -> float:
    """The value of a rank among the first `count`, which are reordered (Hoare 1961)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]  # type: ignore[no-any-return]


@compiled
def order_by_nearness(sketch: NDArray[np.float32], place: Places) -> None:
    """Reorder all rows: a range is halved where it is widest, again and again, down to BLOCK_ROWS rows."""
    n_rows, n_directions = sketch.shape
    keys = np.empty(n_rows, dtype=np.float32)
    reordered = np.empty(n_rows, dtype=np.float32)
    spare = np.empty(n_rows, dtype=np.int32)
    ends = np.empty(64, dtype=np.int64)  # of ranges still to be halved, the next one last
    ends[0], depth, begin = n_rows, 1, 0
    while depth:
        end = ends[depth - 1]
        count = end - begin
        if count <= BLOCK_ROWS:
            begin = end
            depth -= 1
            continue
        widest, along = -1.0, 0
        for direction in range(n_directions):
            low, high = np.inf, -np.inf
            for step in range(_SPREAD_OF):
                value = np.float64(sketch[place[begin + step * (count - 1) // (_SPREAD_OF - 1)], direction])
                low, high = min(low, value), max(high, value)
            if high - low > widest:
                widest, along = high - low, direction
        for i in range(count):
            keys[i] = reordered[i] = sketch[place[begin + i], along]
        half = (count // 2 + BLOCK_ROWS - 1) // BLOCK_ROWS * BLOCK_ROWS
        middle = _select(reordered, count, half)
        ties = half
        for i in range(count):
            ties -= keys[i] < middle
        to_left, to_right = 0, half
        for i in range(count):
            left = keys[i] < middle
            if keys[i] == middle and ties > 0:
                left = True
                ties -= 1
            if left:
                spare[to_left] = place[begin + i]
                to_left += 1
            else:
                spare[to_right] = place[begin + i]
                to_right += 1
        for i in range(count):
            place[begin + i] = spare[i]
        ends[depth] = begin + half
        depth += 1


def ranks_by_nearness(points: NDArray[Any]) -> tuple[Places, Places]:
    """The place of each row in an order in which near rows stand together, and the row at each place."""
    order = np.arange(len(points), dtype=np.int32)
    order_by_nearness(sketch_rows(points), order)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(points), dtype=np.int32)
    return ranks, order
