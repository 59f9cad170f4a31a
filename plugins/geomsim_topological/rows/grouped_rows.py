"""Rows by the labels that they carry: the sets of a cover, from the memberships of each row."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers = NDArray[np.int64]


def grouped(starts: Numbers, labels: NDArray[Any], n_labels: int) -> list[Numbers]:
    """The rows that carry each label that is carried at all, ascending; row i has ``labels[starts[i]:starts[i + 1]]``.

    >>> [rows.tolist() for rows in grouped(np.array([0, 2, 3]), np.array([4, 7, 7]), 9)]
    [[0], [0, 1]]
    """
    labels, n_labels = few_labels(labels, n_labels)
    # The transpose of a sparse matrix is a counting sort, which keeps the order of the rows.
    marks = sparse.csr_array((np.ones(len(labels), dtype=np.int8), labels, starts), shape=(len(starts) - 1, n_labels))
    by_label = marks.tocsc()
    rows = by_label.indices.astype(np.int64)
    bounds = by_label.indptr.tolist()
    return [rows[begin:end] for begin, end in pairwise(bounds) if end > begin]


def few_labels(labels: NDArray[Any], n_labels: int) -> tuple[NDArray[Any], int]:
    """Labels in the same order, renumbered where most of the possible ones are not carried."""
    if n_labels <= 4 * len(labels) + 1024:
        return labels, n_labels
    used, renamed = np.unique(labels, return_inverse=True)
    return renamed.ravel().astype(np.int32 if len(used) < 1 << 31 else np.int64), len(used)
