"""Rows of a matrix pooled group by group: sums, means and maxima, sparse or dense, without a loop over rows.

Group g is made of the rows ``row[begin[g]:end[g]]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.memory import batch_budget

_Integers = NDArray[np.int64]

# Bytes that the maximum of one sparse entry takes while it is sorted: key, order, value and their copies.
_BYTES_PER_ENTRY = 48


def sums(matrix: Any, row: _Integers, begin: _Integers, end: _Integers, *, mean: bool = False) -> Any:
    """The sum (or mean) of each group's rows, added up in float64.

    >>> sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 2]), np.array([0, 1]), np.array([2, 3])).ravel()
    array([3., 6.])
    """
    import scipy.sparse

    size = end - begin
    weight = np.repeat(1.0 / size if mean else np.ones(len(size)), size)
    starts = np.concatenate([[0], np.cumsum(size)])
    chosen = row[_members(begin, size)]
    choice = scipy.sparse.csr_array((weight, chosen, starts), shape=(len(size), matrix.shape[0]))
    return choice @ matrix


def maxima(matrix: Any, row: _Integers, begin: _Integers, end: _Integers, *, memory: int | None = None) -> Any:
    """The largest value of each column over each group's rows; what a sparse row does not hold is 0.

    >>> maxima(np.array([[1.0], [2.0], [-4.0]]), np.array([0, 1, 2]), np.array([0, 2]), np.array([2, 3])).ravel()
    array([ 2., -4.])
    """
    import scipy.sparse

    sparse = scipy.sparse.issparse(matrix)
    width = np.diff(matrix.indptr) if sparse else np.full(matrix.shape[0], matrix.shape[1])
    size = end - begin
    member = row[_members(begin, size)]
    bounds = np.concatenate([[0], np.cumsum(size)])
    entries = np.concatenate([[0], np.cumsum(width[member], dtype=np.int64)])[bounds]
    allowed = max(1, (memory or batch_budget()) // _BYTES_PER_ENTRY)
    parts: list[Any] = []
    first = 0
    while first < len(size):
        last = max(first + 1, int(np.searchsorted(entries, entries[first] + allowed, side="right")) - 1)
        rows, starts = matrix[member[bounds[first] : bounds[last]]], bounds[first : last + 1] - bounds[first]
        parts.append(_sparse_maxima(rows, starts) if sparse else np.maximum.reduceat(rows, starts[:-1], axis=0))
        first = last
    if len(parts) == 1:
        return parts[0]
    return scipy.sparse.vstack(parts, format="csr") if sparse else np.concatenate(parts)


def _members(begin: _Integers, size: _Integers) -> _Integers:
    """``begin[g], ..., begin[g] + size[g] - 1`` for one group after the other."""
    return np.asarray(np.arange(int(size.sum())) + np.repeat(begin - (np.cumsum(size) - size), size))


def _sparse_maxima(rows: Any, starts: _Integers) -> Any:
    """Maxima over ``rows[starts[g]:starts[g + 1]]`` of a CSR matrix."""
    import scipy.sparse

    columns = rows.shape[1]
    size = np.diff(starts)
    group = np.repeat(np.arange(len(size)), np.diff(rows.indptr[starts]))
    key = group * columns + rows.indices
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    value = np.maximum.reduceat(rows.data[order], first) if len(first) else rows.data
    group, column = np.divmod(key[first], columns)
    # Where fewer entries than rows are stored, a 0 takes part.
    value = np.where(np.diff(first, append=len(key)) < size[group], np.maximum(value, 0), value)
    pointer = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(size)))])
    return scipy.sparse.csr_array((value, column, pointer), shape=(len(size), columns))
