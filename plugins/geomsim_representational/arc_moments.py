"""Exact mean and variance, over all orders, of what two neighbourhood graphs share (Mantel 1967).

Neighbour lists are a graph: an arc of weight v_ij leads from row i to each neighbour j. Under an order the shared
weight is the sum of v_ij v'_kl over the arcs of the left graph that fall on arcs of the right one. Its mean square
follows from how pairs of arcs can lie: equal, reciprocal, with one tail, with one head, head to tail, or apart.

Reference: Mantel 1967, "The detection of disease clustering and a generalized regression approach", Cancer Research.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from geomsim import Moments


def arc_moments(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], scale: float | Fraction) -> Moments:
    """Mean and variance of `scale` times the shared weight, for a uniformly drawn order; O(rows x k log rows).

    Each side is its neighbours (rows, k), rising row numbers without self, and their weights (rows, k). Sums are kept
    as fractions, because the variance is a small difference of large numbers.
    """
    n = len(left[0])
    first, second = _sums(*left), _sums(*right)
    # How many places there are for: one arc (also with its reciprocal), two arcs on three rows, two on four rows.
    one, two_on_three, two_on_four = n * (n - 1), n * (n - 1) * (n - 2), n * (n - 1) * (n - 2) * (n - 3)
    mean = first.pop("total") * second.pop("total") / one
    each = {
        "square": one,
        "reciprocal": one,
        "one tail": two_on_three,
        "one head": two_on_three,
        "chain": 2 * two_on_three,  # counted from both of its arcs
        "apart": two_on_four,
    }
    square = sum(first[kind] * second[kind] / ways for kind, ways in each.items() if ways)
    factor = Fraction(scale)
    return Moments(float(factor * mean), float(factor**2 * (square - mean**2)))


def _sums(rows: Tensor, weights: Tensor) -> dict[str, Fraction]:
    """Total weight, and the sum of v v' over ordered pairs of arcs that lie in each of the six ways."""
    # Sums on a GPU differ in their last digits from run to run; these lists are short.
    rows, weights = rows.cpu(), weights.cpu()
    n = len(rows)
    heads, flat = rows.flatten(), weights.flatten()
    tails = torch.arange(n)[:, None]
    arcs = (tails * n + rows).flatten()  # rising, because the lists are
    turned = (rows * n + tails).flatten()
    place = torch.searchsorted(arcs, turned).clamp(max=len(arcs) - 1)
    tail = weights.sum(1)
    head = torch.zeros_like(tail).index_add_(0, heads, flat)
    total = Fraction(flat.sum().item())
    square = Fraction(flat.square().sum().item())
    reciprocal = Fraction((flat * flat[place] * (arcs[place] == turned)).sum().item())
    one_tail = Fraction(tail.square().sum().item()) - square
    one_head = Fraction(head.square().sum().item()) - square
    chain = 2 * (Fraction((tail * head).sum().item()) - reciprocal)
    return {
        "total": total,
        "square": square,
        "reciprocal": reciprocal,
        "one tail": one_tail,
        "one head": one_head,
        "chain": chain,
        "apart": total**2 - square - reciprocal - one_tail - one_head - chain,
    }
