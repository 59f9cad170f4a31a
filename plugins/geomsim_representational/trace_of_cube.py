"""The trace of the third power of a symmetric matrix, which third moments need of each side."""

from __future__ import annotations

from torch import Tensor

_BLOCK = 256  # rows and columns at a time


def trace_of_cube(matrix: Tensor) -> float:
    r"""Trace of A^3 for a symmetric A (rows, rows).

    .. math:: \sum_{ijk} a_{ij} a_{jk} a_{ki}

    Block by block: of three blocks of rows, only I <= J <= K are met, which takes rows^3 / 3 operations in place of the
    2 rows^3 of a product of matrices. What three different blocks add comes up in six orders, two equal ones in three.

    >>> import torch
    >>> trace_of_cube(torch.tensor([[1.0, 2.0], [2.0, 0.0]], dtype=torch.float64))
    13.0
    """
    total = 0.0
    for start in range(0, len(matrix), _BLOCK):
        columns = slice(start, start + _BLOCK)
        # J are these rows, K the columns from here on, those in J itself first.
        beyond = matrix[columns, start:]
        square = beyond[:, : len(beyond)]
        weighted = beyond.clone()
        weighted[:, len(beyond) :] *= 2
        total += 3 * _inner(matrix[:start, start:] @ weighted.T, matrix[:start, columns])
        weighted[:, len(beyond) :] *= 1.5
        total += _inner(beyond @ weighted.T, square)
    return total


def _inner(one: Tensor, other: Tensor) -> float:
    return float((one * other).sum())
