"""Exact mean, variance and skewness, over all orders, of what two neighbourhood graphs share (Mantel 1967).

Neighbour lists are a graph: an arc of weight v_ij leads from row i to each neighbour j. Under an order the shared
weight is the sum of v_ij v'_kl over the arcs of the left graph that fall on arcs of the right one. Its mean square and
cube follow from how two and three arcs can lie: on one pair of rows, as a chain, a star, a triangle, apart, and so on.

Reference: Mantel 1967, "The detection of disease clustering and a generalized regression approach", Cancer Research.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations
from math import prod

import torch
from torch import Tensor

from geomsim import Moments
from geomsim_representational.coincidences import mean_power

Arcs = tuple[tuple[int, int], ...]
_BLOCK = 1 << 22  # paths of two arcs looked up at a time
_LARGEST = 1 << 62


def arc_moments(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], scale: float | Fraction) -> Moments:
    """Mean, variance and skewness of `scale` times the shared weight, for a uniformly drawn order.

    Each side is its neighbours (rows, k), rising row numbers without self, and their weights (rows, k). Time
    O(rows x k^2 x log rows). Sums are kept as fractions, because central moments are small differences of large
    numbers; for whole weights they are exact. The skewness is None where the weight is the same in every order.
    """
    n = len(left[0])
    sides = [arc_sums(*side) for side in (left, right)]
    first, second = (_of_parts(sums) for sums in sides)
    mean, square, cube = (mean_power(power, _parts, first, second, n, Fraction(0)) for power in (1, 2, 3))
    variance, third = square - mean**2, cube - 3 * mean * square + 2 * mean**3
    # Less is what rounding leaves of nothing: (sum of weights)^2 is at most rows x k x sum of squares.
    squares = sides[0][_SQUARE] * sides[1][_SQUARE] / (n * (n - 1))
    varies = variance > squares * left[0].shape[1] * right[0].shape[1] / 2**44
    factor = Fraction(scale)
    return Moments(
        float(factor * mean),
        float(factor**2 * variance) if varies else 0.0,
        float(third) / float(variance) ** 1.5 if varies else None,
    )


def arc_mean(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], scale: float | Fraction) -> float:
    """The mean alone of :func:`arc_moments`; O(rows x k)."""
    first, second = (_of_parts({_ARC: Fraction(weights.cpu().sum().item())}) for _, weights in (left, right))
    return float(Fraction(scale) * mean_power(1, _parts, first, second, len(left[0]), Fraction(0)))


def arc_sums(rows: Tensor, weights: Tensor) -> dict[Arcs, Fraction]:
    """For each connected graph of at most three arcs, the sum of the product of weights over all row numbers."""
    # Sums on a GPU differ in their last digits from run to run; these lists are short.
    rows, weights = rows.cpu(), weights.cpu()
    out = weights.sum(1)
    into = torch.zeros_like(out).index_add(0, rows.flatten(), weights.flatten())
    if not weights.is_floating_point() and rows.numel() * int(torch.maximum(out.max(), into.max())) ** 2 > _LARGEST:
        return arc_sums(rows, weights.double())  # whole numbers would overflow
    back = weights_at(rows, weights, rows, torch.arange(len(rows))[:, None].expand_as(rows))
    square, pair = weights.square(), weights * back
    cyclic, transitive = _triangles(rows, weights)
    found: list[tuple[Iterable[tuple[int, int]], Tensor]] = [
        ([(0, 1)], weights),
        ([(0, 1)] * 2, square),
        ([(0, 1), (1, 0)], pair),
        ([(0, 1)] * 3, square * weights),
        ([(0, 1), (0, 1), (1, 0)], square * back),
        ([(0, 1), (1, 2), (2, 0)], cyclic),
        ([(0, 1), (1, 2), (0, 2)], transitive),
        ([(0, 1), (0, 2)], out.square()),
        ([(1, 0), (2, 0)], into.square()),
        ([(1, 0), (0, 2)], out * into),
        ([(0, 1), (0, 2), (0, 3)], out.pow(3)),
        ([(0, 1), (0, 2), (3, 0)], out.square() * into),
        ([(0, 1), (2, 0), (3, 0)], out * into.square()),
        ([(1, 0), (2, 0), (3, 0)], into.pow(3)),
    ]
    # One more arc from or to a row of its own, at the tail 0 of an arc and at its head 1.
    for tail_arc, tail in (((0, 2), out), ((2, 0), into)):
        at_tail = tail[:, None]
        found += [([(0, 1), (0, 1), tail_arc], square * at_tail), ([(0, 1), (1, 0), tail_arc], pair * at_tail)]
        for head_arc, head in (((1, 3), out), ((3, 1), into)):
            found.append(([(0, 1), tail_arc, head_arc], weights * at_tail * head[rows]))
    for head_arc, head in (((1, 2), out), ((2, 1), into)):
        found.append(([(0, 1), (0, 1), head_arc], square * head[rows]))
    return {_canonical(tuple(arcs)): Fraction(values.sum().item()) for arcs, values in found}


def _of_parts(sums: dict[Arcs, Fraction]) -> Callable[[tuple[Arcs, ...]], Fraction]:
    """The sum over all row numbers of a product of arcs: the product of the sums of its connected parts."""
    return lambda parts: prod((sums[part] for part in parts), start=Fraction(1))


def _triangles(rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """For each block of rows i, the sums of v_ij v_jk v_ki and of v_ij v_jk v_ik over all j and k."""
    cyclic, transitive = [], []
    for block in torch.split(torch.arange(len(rows)), max(1, _BLOCK // rows.shape[1] ** 2)):
        middle = rows[block]
        paths = weights[block][:, :, None] * weights[middle]
        starts, ends = block[:, None, None].expand_as(paths), rows[middle]
        cyclic.append((paths * weights_at(rows, weights, ends, starts)).sum())
        transitive.append((paths * weights_at(rows, weights, starts, ends)).sum())
    return torch.stack(cyclic), torch.stack(transitive)


def weights_at(rows: Tensor, weights: Tensor, tails: Tensor, heads: Tensor) -> Tensor:
    """The weights of the arcs from `tails` to `heads`, 0 where there is none."""
    arcs = (torch.arange(len(rows))[:, None] * len(rows) + rows).flatten()  # rising, because the lists are
    wanted = tails * len(rows) + heads
    place = torch.searchsorted(arcs, wanted).clamp(max=len(arcs) - 1)
    return weights.flatten()[place] * (arcs[place] == wanted)


@cache
def _canonical(arcs: Arcs) -> Arcs:
    """The same graph with its rows numbered so that the sorted arcs come first in the alphabet."""
    numbers = sorted({row for arc in arcs for row in arc})
    renamed = (dict(zip(numbers, names, strict=True)) for names in permutations(range(len(numbers))))
    return min(tuple(sorted((new[tail], new[head]) for tail, head in arcs)) for new in renamed)


def _parts(labels: Sequence[int]) -> tuple[Arcs, ...] | None:
    """The connected parts of the arcs labels 0 -> 1, 2 -> 3, ..., None where one leads from a row to itself."""
    parts: list[tuple[tuple[int, int], ...]] = []
    for arc in zip(labels[::2], labels[1::2], strict=True):
        if arc[0] == arc[1]:
            return None
        touching = [part for part in parts if {row for other in part for row in other} & set(arc)]
        parts = [part for part in parts if part not in touching] + [(*(one for part in touching for one in part), arc)]
    return tuple(sorted(_canonical(part) for part in parts))


_ARC: Arcs = ((0, 1),)
_SQUARE: Arcs = ((0, 1), (0, 1))
