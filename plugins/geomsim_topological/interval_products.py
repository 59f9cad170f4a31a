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

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_TILE = 1 << 16  # rows


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


def boxes(values: Floats, lower: Sequence[Floats], upper: Sequence[Floats]) -> list[Numbers]:
    """The rows of each box that holds any, ascending; boxes in the order of their intervals, the last fastest.

    In dimension d, interval i is the closed one from ``lower[d][i]`` to ``upper[d][i]``; both bounds never fall as i
    rises. So the intervals that hold a value follow each other, and two binary searches find the first and the last.

    Time and memory are those of the result. Raises GeomsimError where that does not fit into memory.
    """
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
    for begin in range(0, len(values), _TILE):
        end = min(begin + _TILE, len(values))
        sizes = [len(bounds) for bounds in lower]
        box[starts[begin] : starts[end]] = _expanded(first[:, begin:end], counts[:, begin:end], sizes)
    return grouped(starts, box, n_boxes)


def _check_size(memberships: float, n_boxes: int, n_rows: int) -> None:
    import psutil

    needed, free = 24 * memberships, psutil.virtual_memory().available
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


def grouped(starts: Numbers, labels: NDArray[Any], n_labels: int) -> list[Numbers]:
    """The rows that carry each label that is carried at all, ascending; row i has ``labels[starts[i]:starts[i + 1]]``.

    >>> [rows.tolist() for rows in grouped(np.array([0, 2, 3]), np.array([4, 7, 7]), 9)]
    [[0], [0, 1]]
    """
    if n_labels > 4 * len(labels) + 1024:
        used, renamed = np.unique(labels, return_inverse=True)
        labels, n_labels = renamed.ravel().astype(np.int32 if len(used) < 1 << 31 else np.int64), len(used)
    # The transpose of a sparse matrix is a counting sort, which keeps the order of the rows.
    marks = sparse.csr_array((np.ones(len(labels), dtype=np.int8), labels, starts), shape=(len(starts) - 1, n_labels))
    by_label = marks.tocsc()
    rows = by_label.indices.astype(np.int64)
    bounds = by_label.indptr.tolist()
    return [rows[begin:end] for begin, end in pairwise(bounds) if end > begin]
