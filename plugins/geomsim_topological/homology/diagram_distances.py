"""Distances of persistence diagrams by matching bars: bottleneck and Wasserstein, both exact."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidConfig
from geomsim_topological.homology.diagram import as_bars, power_of_two_above

Floats = NDArray[np.float64]
Order = Literal[1, 2]

_MOST_PAIRS = 1 << 27  # a gigabyte of costs


def bottleneck_distance(left: ArrayLike, right: ArrayLike) -> float:
    r"""How far bars must move, at most, to turn one diagram into the other.

    .. math:: d_b = \min_\phi \max_x \lVert x - \phi(x) \rVert_\infty

    over the matchings of the bars of both sides, (bars, 2), where a bar may also go to the diagonal, which is half its
    length away. Infinite bars are matched among each other, by birth; infinite where their numbers differ.

    Exact, by the hera library (Kerber, Morozov and Nigmetov 2017, "Geometry helps to compare persistence diagrams").
    Raises GeomsimError for what is no list of bars.

    >>> bottleneck_distance([(0.0, 2.0), (3.0, 3.5), (3.0, np.inf)], [(0.5, 2.0), (3.25, np.inf)])
    0.5
    """
    from gudhi.hera import bottleneck_distance as by_hera

    (first, first_births), (second, second_births) = _split(left), _split(right)
    if len(first_births) != len(second_births):
        return float("inf")
    apart = float(np.abs(first_births - second_births).max(initial=0.0))
    # Hera takes no bars of length zero; where one side has none the other's longest bar decides.
    if not len(first) or not len(second):
        return max(apart, *(float(_halves(side).max(initial=0.0)) for side in (first, second)))
    # delta=0 is its exact algorithm; it works to so many digits behind the point, so ends must be near 1.
    unit = power_of_two_above(first, second)
    return max(apart, unit * float(by_hera(first / unit, second / unit, delta=0.0)))


def wasserstein_distance(left: ArrayLike, right: ArrayLike, order: Order = 1) -> float:
    r"""How far all bars together must move to turn one diagram into the other.

    .. math:: W_q = \Bigl( \min_\phi \sum_x \lVert x - \phi(x) \rVert_\infty^q \Bigr)^{1/q}

    with matchings as in :func:`bottleneck_distance`, `order` q being 1 or 2. Exact, by linear assignment of left to
    right bars; a pair is worth matching where that is cheaper than sending both to the diagonal. Time O(bars^3).
    Raises InvalidConfig for another order and for more than 134 million pairs of bars.

    >>> wasserstein_distance([(0.0, 1.0), (0.0, 0.5)], [(0.0, 1.25)])
    0.5
    """
    from scipy.optimize import linear_sum_assignment

    if order not in get_args(Order):
        raise InvalidConfig(f"order is 1 or 2, got {order!r}")
    (first, first_births), (second, second_births) = _split(left), _split(right)
    if len(first_births) != len(second_births):
        return float("inf")
    if len(first) * len(second) > _MOST_PAIRS:
        raise InvalidConfig(
            f"{len(first)} bars against {len(second)} are too many for exact transport, at most {_MOST_PAIRS} pairs: "
            "compute the diagrams of fewer landmarks"
        )
    unit = power_of_two_above(first, second, first_births, second_births)  # no power leaves the range of numbers
    first, second = first / unit, second / unit
    leaving_first, leaving_second = _halves(first) ** order, _halves(second) ** order
    cost = np.abs(first[:, None] - second).max(axis=2, initial=0.0) ** order
    # What a match saves; nothing where both had better go to the diagonal.
    saved = np.minimum(cost - leaving_first[:, None] - leaving_second, 0.0)
    here, there = linear_sum_assignment(saved)
    matched = saved[here, there] < 0
    here, there = here[matched], there[matched]
    total = float(
        cost[here, there].sum() + np.delete(leaving_first, here).sum() + np.delete(leaving_second, there).sum()
    )
    total += float(((np.abs(first_births - second_births) / unit) ** order).sum())
    return unit * float(total ** (1.0 / order))


def _split(bars: ArrayLike) -> tuple[Floats, Floats]:
    """The finite bars of any length, and the births of the infinite ones, rising."""
    every = as_bars(bars)
    dies = np.isfinite(every[:, 1])
    finite = every[dies]
    return finite[finite[:, 1] > finite[:, 0]], np.sort(every[~dies, 0])


def _halves(bars: Floats) -> Floats:
    """Distance of each bar to the diagonal."""
    return (bars[:, 1] - bars[:, 0]) / 2.0
