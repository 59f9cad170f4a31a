"""Exact mean, variance and skewness of the inner product of two centred matrices over all orders of the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from geomsim import Moments
from geomsim_representational.alignment import Alignment
from geomsim_representational.coincidences import mean_power
from geomsim_representational.trace_of_cube import trace_of_cube

_BLOCK_ROWS = 64  # rows at a time: what is made of them stays in the processor's cache


def reordering_mean(left: Alignment, right: Alignment) -> float:
    """Exact mean of tr(A P B P') over all orders P, tr A tr B / (n - 1); O(rows)."""
    return left.trace * right.trace / (left.rows - 1)


def reordering_moments(left: Alignment, right: Alignment) -> Moments:
    """Exact mean, variance and skewness of tr(A P B P') over all orders P.

    Without its part c (I - 1/n), c = tr A / (n - 1), which no reordering changes, A has trace 0 and the product mean 0.
    Rows sum to 0, which leaves two invariants of a matrix for the variance and five for the third moment. Time
    O(rows^2 x width) by features, else rows^3 / 3 operations for each side.
    """
    n_rows, mean = left.rows, reordering_mean(left, right)
    sides = [_invariants(side) for side in (left, right)]
    # A multiple of I - 1/n is the same in every order; what is left of it is rounding.
    if min(side[2, 2, 0] for side in sides) <= (n_rows * torch.finfo(torch.float64).eps) ** 2:
        return Moments(mean, 0.0)
    first, second = (side.__getitem__ for side in sides)
    variance, third = (mean_power(power, _graph, first, second, n_rows, 0.0) for power in (2, 3))
    return Moments(mean, variance, third / variance**1.5 if variance > 0 else None)


Graph = tuple[int, int, int]  # of a product of entries: how many, of how many row numbers, how many on the diagonal


def _invariants(side: Alignment) -> dict[Graph, float]:
    """Sums over all row numbers i, j, k of the products that do not vanish, for A less its part c (I - 1/n).

    Two entries: a_ii^2 and a_ij^2. Three: a_ii^3, a_ij^3, a_ii a_ij^2, a_ii a_ij a_jj and a_ij a_jk a_ki.
    """
    shift = side.trace / (side.rows - 1)
    u, t = side.additive
    # What the diagonal loses: c, and for U-centring by features all that is on it.
    lost = side.lengths * (1 + 2 * u) - t if side.debiased and side.features is not None else side.lengths * 0 + shift
    diagonal = side.lengths * (1 + 2 * u) - t - lost + shift / side.rows
    whole = None if side.gram is None else _less_constant(side.gram, shift)
    squared_rows = torch.zeros_like(diagonal)  # for each i the sum of a_ij^2
    found: defaultdict[Graph, float] = defaultdict(float)
    for start in range(0, side.rows, _BLOCK_ROWS):
        rows, beyond = slice(start, start + _BLOCK_ROWS), slice(start, None)
        if whole is not None:
            block = whole[rows, beyond]
        else:
            assert side.features is not None
            block = side.features[rows] @ side.features[beyond].T
            block += u * (side.lengths[rows, None] + side.lengths[beyond]) - t + shift / side.rows
            block.diagonal().sub_(lost[rows])
        squares = block.square()
        squares[:, len(block) :] *= 2  # these pairs of rows are met once, those in the square on the diagonal twice
        squared_rows[rows] += squares.sum(1) / 2
        squared_rows[beyond] += squares.sum(0) / 2
        found[3, 2, 0] += float((squares * block).sum())
        facing = diagonal[beyond].clone()
        facing[len(block) :] *= 2
        found[3, 2, 2] += float(diagonal[rows] @ block @ facing)
    if whole is not None:
        found[3, 3, 0] = trace_of_cube(whole)
    else:
        assert side.features is not None
        # Rows of A sum to 0, so constants and row effects drop out of tr A^3 = |A F|^2 - sum of a_ij^2 lost_j.
        product = side.features @ (side.features.T @ side.features) + u * (side.lengths @ side.features)
        product -= lost[:, None] * side.features
        found[3, 3, 0] = float(product.square().sum() - lost @ squared_rows)
    found[2, 2, 0] = float(squared_rows.sum())
    found[3, 2, 1] = float(diagonal @ squared_rows)
    found[2, 1, 2] = float(diagonal.square().sum())
    found[3, 1, 3] = float(diagonal.pow(3).sum())
    return dict(found)


def _less_constant(gram: Tensor, shift: float) -> Tensor:
    """A less shift (I - 1/n)."""
    if not shift:
        return gram
    less = gram + shift / len(gram)
    less.diagonal().sub_(shift)
    return less


def _graph(labels: Sequence[int]) -> Graph | None:
    """The invariant that a product of entries a[labels 0, 1] a[labels 2, 3] ... sums to, None where that is 0."""
    entries = list(zip(labels[::2], labels[1::2], strict=True))
    degrees = Counter(labels)
    diagonal = Counter(first for first, second in entries if first == second)
    # A row number in one entry only sums to a row sum or to the trace, both 0.
    if any(degree == 1 or (degree == 2 and diagonal[label] == 1) for label, degree in degrees.items()):
        return None
    return len(entries), len(degrees), diagonal.total()
