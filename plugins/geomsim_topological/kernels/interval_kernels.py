"""From which of several nested grids on a row is in a box. Import it late: it imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@compiled
def first_levels(
    values: Floats,
    starts: Numbers,
    box: NDArray[np.int32] | Numbers,  # of row i those from starts[i] to starts[i + 1]
    sizes: Numbers,  # intervals of each dimension
    lower: Floats,  # (levels, dimensions, intervals); the next level's intervals hold those of this one
    upper: Floats,
) -> NDArray[np.int8]:
    """For each membership of the last level, the first level at which the row is in the box."""
    found = np.zeros(box.size, dtype=np.int8)
    last = lower.shape[0] - 1
    for row in range(values.shape[0]):
        for place in range(starts[row], starts[row + 1]):
            rest, level = box[place], 0
            for dimension in range(sizes.size - 1, -1, -1):
                interval = rest % sizes[dimension]
                rest //= sizes[dimension]
                value = values[row, dimension]
                while level < last and (
                    value < lower[level, dimension, interval] or value > upper[level, dimension, interval]
                ):
                    level += 1
            found[place] = level
    return found
