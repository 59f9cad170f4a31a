"""A centred kernel matrix, whole or by its features, and its inner products with another under many orders."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK_ROWS = 64  # rows moved at a time
_BUFFER = 1 << 18  # numbers in a buffer: what is moved at a time stays in the processor's cache


@dataclass(frozen=True)
class Alignment:
    r"""A symmetric matrix A (rows, rows) whose rows sum to 0, as itself or by its features.

    By features F (rows, k), with d the squared lengths of its rows, A = F F' + u (d 1' + 1 d') - t 1 1' - diag(e).
    u = t = e = 0 for a double-centred A; for a U-centred one u, t and e take its diagonal to 0.
    """

    features: Tensor | None  # (rows, k), columns centred
    gram: Tensor | None  # (rows, rows); one of the two is there
    lengths: Tensor  # (rows,), d, or the diagonal of a gram matrix
    debiased: bool = False
    bandwidth: float | None = None  # of an RBF kernel, in the unit of the points

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.lengths)

    @property
    def additive(self) -> tuple[float, float]:
        """u and t."""
        if not self.debiased or self.features is None:
            return 0.0, 0.0
        return 1 / (self.rows - 2), float(self.lengths.sum()) / ((self.rows - 1) * (self.rows - 2))

    @property
    def trace(self) -> float:
        """Trace of A."""
        return 0.0 if self.debiased else float(self.lengths.sum())

    def matrix(self) -> Tensor:
        """A itself."""
        if self.gram is not None:
            return self.gram
        assert self.features is not None
        gram = self.features @ self.features.T
        return u_centred(gram) if self.debiased else gram


def u_centred(gram: Tensor) -> Tensor:
    """Off the diagonal what is left of the entries beyond row and column effects, on it 0; rows sum to 0."""
    n_rows = len(gram)
    gram = gram.clone()
    gram.fill_diagonal_(0.0)
    sums = gram.sum(1)
    gram -= (sums[:, None] + sums) / (n_rows - 2)
    gram += sums.sum() / ((n_rows - 1) * (n_rows - 2))
    gram.fill_diagonal_(0.0)
    return gram


def inner_products(left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
    """tr(A P B P') for each order."""
    scores = left.lengths.new_zeros(len(orders))
    if left.features is not None and right.features is not None:
        transposed = left.features.T.contiguous()
        for draw, order in enumerate(orders):
            scores[draw] = (transposed @ right.features.index_select(0, order)).square().sum()
            if left.debiased:
                u, t = left.additive
                lengths = right.lengths.index_select(0, order)
                scores[draw] += t * right.lengths.sum() - (1 + 2 * u) * (left.lengths @ lengths)
        return scores
    return _gathered_products(left.matrix(), right.matrix(), orders)


def _gathered_products(matrix: Tensor, other: Tensor, orders: Tensor) -> Tensor:
    """Sums over i and j of matrix[i, j] other[order[i], order[j]], block by block on and above the diagonal."""
    n_rows, scores = len(matrix), matrix.new_zeros(len(orders))
    starts = range(0, n_rows, BLOCK_ROWS)
    blocks = []
    for start in starts:
        block = matrix[start : start + BLOCK_ROWS, start:].clone()
        block[:, len(block) :] *= 2  # these pairs of rows are met once, those in the square on the diagonal twice
        blocks.append(block.view(-1))
    largest = min(BLOCK_ROWS, n_rows) * n_rows
    together = min(len(orders), max(1, _BUFFER // largest))
    # Written over and over: fresh memory for each block takes longer than filling it.
    whole, part = other.new_empty(together * largest), other.new_empty(together * largest)
    for some, chunk in zip(torch.split(scores, together), torch.split(orders, together), strict=True):
        for start, block in zip(starts, blocks, strict=True):
            wanted = chunk[:, start : start + BLOCK_ROWS]
            draws, height = wanted.shape
            rows = whole[: draws * height * n_rows].view(-1, n_rows)
            torch.index_select(other, 0, wanted.reshape(-1), out=rows)
            moved = part[: draws * len(block)].view(draws, height, n_rows - start)
            columns = chunk[:, None, start:].expand(-1, height, -1)
            torch.gather(rows.view(draws, height, n_rows), 2, columns, out=moved)
            some += moved.view(draws, -1) @ block
    return scores


def bytes_of_products(left: Alignment, right: Alignment) -> int:
    """What :func:`inner_products` needs for each order."""
    if left.features is not None and right.features is not None:
        return 8 * (right.features.numel() + 2 * left.features.shape[1] * right.features.shape[1])
    return 2 * 8 * min(BLOCK_ROWS, right.rows) * right.rows
