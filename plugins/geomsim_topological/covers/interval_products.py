"""Products of intervals: which rows fall into which box of a grid, by where their values stand among the bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.rows.grouped_rows import few_labels, grouped

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_TILE = 1 << 16  # rows
_SURE_TO_FIT = 64 << 20  # bytes; asking how much is free takes longer than a small cover


def checked_values(values: ArrayLike) -> Floats:
    """Lens values as (rows, dimensions) in float64. Raises GeomsimError for another shape and what is not finite."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or not found.shape[1]:
        raise GeomsimError(f"a cover cuts lens values of shape (rows, dimensions), got an array of shape {found.shape}")
    broken = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(broken):
        raise GeomsimError(f"the lens is not finite on {len(broken)} rows, first on row {broken[0]}")
    return found


Bounds = tuple[Sequence[Floats], Sequence[Floats]]
"""Where the intervals of each dimension begin, and where they end."""


def boxes(values: Floats, lower: Sequence[Floats], upper: Sequence[Floats]) -> list[Numbers]:
    """The rows of each box that holds any, ascending; boxes in the order of their intervals, the last fastest.

    In dimension d, interval i is the closed one from ``lower[d][i]`` to ``upper[d][i]``; both bounds never fall as i
    rises. So the intervals that hold a value follow each other, and two binary searches find the first and the last.

    Time and memory are those of the result. Raises GeomsimError where that does not fit into memory.
    """
    starts, box, n_boxes = _memberships(values, lower, upper)
    return grouped(starts, box, n_boxes)


def nested_boxes(values: Floats, levels: Sequence[Bounds]) -> list[list[Numbers]]:
    """:func:`boxes` for each of several levels of bounds, each interval of which holds that of the level before.

    The memberships of the last level are found and sorted once; each knows the first level that it belongs to.
    """
    starts, box, n_boxes = _memberships(values, *levels[-1])
    from geomsim_topological.kernels.interval_kernels import first_levels

    sizes = np.array([len(bounds) for bounds in levels[-1][0]])
    # (levels, dimensions, intervals), as far as each dimension has intervals.
    lower, upper = np.zeros((2, len(levels), len(sizes), sizes.max()))
    for number, bounds in enumerate(levels):
        for dimension, size in enumerate(sizes):
            lower[number, dimension, :size], upper[number, dimension, :size] = (side[dimension] for side in bounds)
    level = first_levels(values, starts, box, sizes, lower, upper)
    box, n_boxes = few_labels(box, n_boxes)
    marks = sparse.csr_array((level + 1, box, starts), shape=(len(values), n_boxes)).tocsc()
    rows, first_level = marks.indices.astype(np.int64), marks.data - 1
    found = []
    for number in range(len(levels)):
        within = first_level <= number
        ends = np.concatenate([[0], np.cumsum(within)])[marks.indptr].tolist()
        here = rows[within]
        found.append([here[begin:end] for begin, end in pairwise(ends) if end > begin])
    return found


def _memberships(values: Floats, lower: Sequence[Floats], upper: Sequence[Floats]) -> tuple[Numbers, NDArray[Any], int]:
    """The boxes of row i, ascending, as ``box[starts[i]:starts[i + 1]]``; starts, box, and how many boxes there are."""
    n_boxes = math.prod(len(bounds) for bounds in lower)
    first = np.empty((len(lower), len(values)), dtype=np.int32)
    counts = np.empty_like(first)
    for dimension, (low, high) in enumerate(zip(lower, upper, strict=True)):
        first[dimension] = np.searchsorted(high, values[:, dimension], side="left")
        past = np.searchsorted(low, values[:, dimension], side="right")
        counts[dimension] = np.maximum(past - first[dimension], 0)
    _check_size(float(counts.prod(axis=0, dtype=np.float64).sum()), n_boxes, len(values))
    starts = np.concatenate([[0], np.cumsum(counts.prod(axis=0, dtype=np.int64))])
    box: NDArray[Any] = np.empty(int(starts[-1]), dtype=np.int32 if n_boxes < 1 << 31 else np.int64)
    sizes = [len(bounds) for bounds in lower]
    for begin in range(0, len(values), _TILE):
        end = min(begin + _TILE, len(values))
        box[starts[begin] : starts[end]] = _expanded(first[:, begin:end], counts[:, begin:end], sizes)
    return starts, box, n_boxes


def _check_size(memberships: float, n_boxes: int, n_rows: int) -> None:
    needed = 24 * memberships
    if n_boxes < 1 << 62 and needed < _SURE_TO_FIT:
        return
    import psutil

    free = psutil.virtual_memory().available
    if n_boxes >= 1 << 62 or needed > free:
        raise GeomsimError(
            f"a grid of {n_boxes:.3g} boxes would hold {n_rows} rows {memberships:.3g} times, which takes "
            f"{needed / 1e9:.3g} GB of {free / 1e9:.3g} GB: use fewer lens dimensions, a smaller overlap, or fewer rows"
        )


def _expanded(first: NDArray[np.int32], counts: NDArray[np.int32], sizes: list[int]) -> Numbers:
    """The boxes of each row, ascending, one row after the other."""
    rows = np.arange(first.shape[1])
    box = np.zeros(first.shape[1], dtype=np.int64)
    for dimension, size in enumerate(sizes):
        here = counts[dimension, rows]
        ends = np.cumsum(here)
        step = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - here, here)
        rows, box = np.repeat(rows, here), np.repeat(box, here) * size
        box += first[dimension, rows] + step
    return box
