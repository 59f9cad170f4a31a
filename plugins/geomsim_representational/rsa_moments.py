"""Exact mean, variance and skewness, over all orders, of an inner product over pairs of rows (Mantel 1967).

References: Mantel 1967, "The detection of disease clustering and a generalized regression approach", Cancer Research;
the third moment as in Mielke 1978, "Clarification and appropriate inferences for Mantel and Valand's nonparametric
multivariate analysis technique", Biometrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import perm

import torch
from torch import Tensor

from geomsim import Moments
from geomsim_representational.trace_of_cube import trace_of_cube

_BLOCK = 256  # rows at a time

# The ways in which three pairs of rows can lie, with how many rows they are on and how often each comes up among the
# 87 ways in which the ends of three pairs, each with a first and a second row, can coincide.
_LAYOUTS = {
    "one pair": (2, 4),
    "triangle": (3, 8),
    "a pair twice and one that touches it": (3, 24),
    "a pair twice and one apart": (4, 6),
    "star": (4, 8),
    "path": (4, 24),
    "two that touch and one apart": (5, 12),
    "all apart": (6, 1),
}


@dataclass(frozen=True)
class _Side:
    """A symmetric matrix with zero diagonal, taken apart: the mean of its pairs, row effects, and the rest."""

    row_effects: float  # sum of squared row sums of what is left without the mean
    rest: float  # sum of squares of what is left without mean and row effects
    triples: dict[str, float]  # without the mean: sums over distinct rows of the products of three pairs, by layout


def pair_mean(left: Tensor, right: Tensor) -> float:
    """Mean of the sum over pairs i < j of left_ij right_p(i)p(j), as for :func:`pair_moments`; O(rows^2)."""
    n = len(left)
    return _mean(left) * _mean(right) * n * (n - 1) / 2


def pair_moments(left: Tensor, right: Tensor) -> Moments:
    r"""Moments of the sum over pairs i < j of left_ij right_p(i)p(j), p a uniformly drawn order.

    `left` and `right` are (rows, rows), symmetric, with 0 on the diagonal, at least three rows; rows^3 / 3 operations
    for each. Without the mean c of its pairs, such a matrix is a sum of row effects, r_i / (n - 2) + r_j / (n - 2) off
    the diagonal with r its row sums, and a rest S whose rows sum to 0. Reordering mixes neither with the other, and no
    order makes them correlate (they are different irreducible representations of the group of orders), so that

    .. math:: \operatorname{Var} = \frac{1}{4} \left[ \frac{2 \lVert S \rVert^2 \lVert S' \rVert^2}{n (n-3)}
       + \frac{4 \lVert r \rVert^2 \lVert r' \rVert^2}{(n-2)^2 (n-1)} \right],

    a sum of positive terms, and the mean is c c' n (n - 1) / 2. For the third moment, products of three pairs are
    summed over distinct rows for each way in which the pairs can lie; an order acts alike on all distinct rows.
    """
    n = len(left)
    sides = [_side(matrix) for matrix in (left, right)]
    mean = pair_mean(left, right)
    variance = sides[0].row_effects * sides[1].row_effects / ((n - 2) ** 2 * (n - 1))
    if n > 3:  # three rows have row effects only
        variance += sides[0].rest * sides[1].rest / (2 * n * (n - 3))
    if not variance:
        return Moments(mean, 0.0)
    third = sum(
        times * sides[0].triples[layout] * sides[1].triples[layout] / perm(n, rows)
        for layout, (rows, times) in _LAYOUTS.items()
        if rows <= n
    )
    return Moments(mean, variance, third / 8 / variance**1.5)


def _mean(matrix: Tensor) -> float:
    return float(matrix.sum()) / (len(matrix) * (len(matrix) - 1))


def _side(matrix: Tensor) -> _Side:
    n = len(matrix)
    centred = matrix - _mean(matrix)
    centred.fill_diagonal_(0.0)
    row = centred.sum(1)
    row -= row.mean()
    # What is left of a sum of rounded numbers is rounding, not a row effect.
    floor = (n * torch.finfo(matrix.dtype).eps) ** 2 * float(matrix.square().sum())
    effects = float(row.square().sum())
    rest = cubes = touching = path = 0.0
    for start in range(0, n, _BLOCK):
        block = centred[start : start + _BLOCK]
        inside = torch.arange(len(block), device=block.device)
        left_over = block - (row[start : start + _BLOCK, None] + row) / (n - 2)
        left_over[inside, start + inside] = 0.0
        rest += float(left_over.square().sum())
        squares = block.square()
        cubes += float((squares * block).sum())
        touching += float(squares.sum(1) @ row[start : start + _BLOCK])
        path += float(row[start : start + _BLOCK] @ block @ row)
    star = float(row.pow(3).sum())
    return _Side(
        effects if effects > n * floor else 0.0,
        rest if rest > floor else 0.0,
        _distinct(cubes, touching, trace_of_cube(centred), star, path),
    )


def _distinct(cubes: float, touching: float, triangles: float, star: float, path: float) -> dict[str, float]:
    """Sums over distinct rows from sums over all rows, less those in which rows coincide.

    Over all rows the pairs sum to 0, and so does every layout in which one pair is apart.
    """
    found = {
        "one pair": cubes,
        "triangle": triangles,
        "a pair twice and one that touches it": touching - cubes,
        "star": star - 3 * touching + 2 * cubes,
        "path": path - triangles - 2 * touching + cubes,
    }
    twice = found["a pair twice and one that touches it"]
    found["a pair twice and one apart"] = -4 * twice - 2 * cubes
    found["two that touch and one apart"] = -4 * twice - 2 * triangles - 2 * found["star"] - 4 * found["path"]
    found["all apart"] = -sum(times * found[layout] for layout, (_, times) in _LAYOUTS.items() if layout in found)
    return found
