"""Lower bounds of Gromov-Wasserstein (Mémoli 2011), each exact: no plan is cheaper.

All are squared and not halved, as :attr:`geomsim_topological.couplings.gromov.GromovPlan.value` is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim_topological.couplings.measured_space import MeasuredSpace
from geomsim_topological.transport import exact_transport

Floats = NDArray[np.float64]

_ROUNDING = 1e-14  # of the largest squared distance


def line_transport(
    left_values: ArrayLike, left_mass: ArrayLike, right_values: ArrayLike, right_mass: ArrayLike
) -> float:
    r"""Squared 2-Wasserstein distance of two masses on a line: :math:`\int_0^1 (F^{-1}(u) - G^{-1}(u))^2 du`.

    :math:`F^{-1}` and :math:`G^{-1}` are the quantile functions. Values in any order, masses with sum 1.

    >>> line_transport([0, 1], [0.5, 0.5], [0, 3], [0.5, 0.5])
    2.0
    """
    sides = []
    for values, mass in ((left_values, left_mass), (right_values, right_mass)):
        places, weights = np.asarray(values, dtype=np.float64).ravel(), np.asarray(mass, dtype=np.float64).ravel()
        order = np.argsort(places, kind="stable")
        reached = np.cumsum(weights[order])
        sides.append((places[order], reached / reached[-1]))
    steps = np.sort(np.concatenate([reached for _, reached in sides]))
    widths = np.diff(steps, prepend=0.0)
    middles = steps - widths / 2.0
    left, right = (places[np.searchsorted(reached, middles)] for places, reached in sides)
    return float(widths @ np.square(left - right))


def first_lower_bound(left: MeasuredSpace, right: MeasuredSpace) -> float:
    r"""FLB: transport between eccentricities :math:`s(x) = (\sum_{x'} p(x') d(x, x')^2)^{1/2}` on the line."""
    found = line_transport(left.eccentricities, left.mass, right.eccentricities, right.mass)
    return _less_rounding(found, left, right)


def second_lower_bound(left: MeasuredSpace, right: MeasuredSpace) -> float:
    r"""SLB: transport on the line between all distances d(x, x'), of mass p(x) p(x')."""
    found = line_transport(
        left.distances, np.outer(left.mass, left.mass), right.distances, np.outer(right.mass, right.mass)
    )
    return _less_rounding(found, left, right)


def third_lower_bound(left: MeasuredSpace, right: MeasuredSpace) -> float:
    r"""TLB: transport where moving x to y costs that of moving the distances seen from x to those seen from y.

    Never less than the other two. Time O(left x right^2 log left); then one transport.
    """
    return _less_rounding(exact_transport(local_costs(left, right), left.mass, right.mass).value, left, right)


def local_costs(left: MeasuredSpace, right: MeasuredSpace) -> Floats:
    r"""(left, right): squared 2-Wasserstein distance of the distances seen from x and from y.

    It is :math:`\int (F^{-1})^2 + \int (G^{-1})^2 - 2 \int F^{-1} G^{-1}`, the last summed over the steps of G; the
    integral of :math:`F^{-1}` over each, linear between the steps of F, is looked up.
    """
    values, reached = left.sorted_rows
    other_values, other_reached = right.sorted_rows
    integrals = np.cumsum(values * np.diff(reached, axis=1, prepend=0.0), axis=1)
    costs = np.empty((len(values), len(other_values)))
    for place, (steps, integral) in enumerate(zip(reached, integrals, strict=True)):
        up_to = np.interp(other_reached.ravel(), np.append(0.0, steps), np.append(0.0, integral))
        parts = np.diff(up_to.reshape(other_reached.shape), axis=1, prepend=0.0)
        costs[place] = np.einsum("ij,ij->i", other_values, parts)
    squares = np.square(left.eccentricities)[:, None] + np.square(right.eccentricities)[None, :]
    return np.maximum(squares - 2.0 * costs, 0.0)


def _less_rounding(bound: float, left: MeasuredSpace, right: MeasuredSpace) -> float:
    """A bound that rounding cannot have lifted above the value."""
    return max(0.0, bound - _ROUNDING * max(left.diameter, right.diameter) ** 2)
