"""Loops as whole numbers on edges: cocycles that count how often a path goes round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.homology.rips import Cocycle, check_request, loop_cocycles

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# Tried in turn where a cocycle modulo the field asked for is none in whole numbers.
_OTHER_PRIMES = (47, 53, 59, 61, 67, 71)


@dataclass(frozen=True, eq=False)
class Loops:
    """The bars of dimension 1 of some points, longest first, each with a cocycle modulo `field`."""

    distances: Floats  # (points, points)
    bars: Floats  # (bars, 2)
    cocycles: tuple[Cocycle, ...]
    field: int


def loops_of(distances: Floats, field: int) -> Loops:
    """All loops of points by their distances; sorted as in a :class:`geomsim_topological.homology.diagram.Diagram`."""
    check_request(1, "ripser", field)
    bars, cocycles = loop_cocycles(distances, field)
    order = np.lexsort([bars[:, 0], bars[:, 0] - bars[:, 1]])
    return Loops(distances, bars[order], tuple(cocycles[bar] for bar in order), field)


def integer_cocycle(loops: Loops, bar: int, scale: float) -> tuple[Whole, int]:
    r"""A cocycle in whole numbers for one bar at a scale, (points, points) with e_ij = -e_ji, and the prime it is from.

    Values modulo p are lifted to those nearest zero. That is a cocycle modulo p; in whole numbers it is one if

    .. math:: e_{ij} + e_{jk} + e_{ki} = 0

    on every triangle of the complex, which is looked at. Where it fails, other primes are tried: a cocycle that fails
    modulo all of them would come from torsion. Raises GeomsimError where none is left.

    de Silva, Morozov and Vejdemo-Johansson (2011), "Persistent cohomology and circular coordinates", section 2.4.
    """
    tried = []
    for prime in dict.fromkeys((loops.field, *_OTHER_PRIMES)):
        same = loops if prime == loops.field else loops_of(loops.distances, prime)
        tried.append(prime)
        if bar < len(same.bars) and np.array_equal(same.bars[bar], loops.bars[bar]):
            lifted = lifted_cocycle(same, bar, scale)
            if lifted is not None:
                return lifted, prime
    raise GeomsimError(
        f"the cocycle of bar {bar} ({loops.bars[bar, 0]:.4g} to {loops.bars[bar, 1]:.4g}) is none in whole numbers at "
        f"scale {scale:.4g} modulo any of {', '.join(map(str, tried))}, so it gives no angles: try another scale or "
        "another number of landmarks, or another loop"
    )


def lifted_cocycle(loops: Loops, bar: int, scale: float) -> Whole | None:
    """The cocycle of one bar in whole numbers, of edges up to a scale, or None where the lifted values are none."""
    joined = loops.distances <= scale
    values = lift(loops.cocycles[bar], len(joined), loops.field) * joined
    return values if is_cocycle(values, joined) else None


def lift(cocycle: Cocycle, points: int, prime: int) -> Whole:
    """Values 0 to `prime` - 1 as the whole numbers nearest zero, on all edges, (points, points), antisymmetric.

    >>> lift(np.array([[1, 0, 4], [2, 1, 1]]), 3, 5).tolist()
    [[0, 1, 0], [-1, 0, -1], [0, 1, 0]]
    """
    matrix = np.zeros((points, points), dtype=np.int64)
    start, end, value = cocycle.T
    nearest = np.where(value > prime // 2, value - prime, value)
    matrix[start, end], matrix[end, start] = nearest, -nearest
    return matrix


def is_cocycle(values: Whole, joined: NDArray[np.bool_]) -> bool:
    """Whether whole numbers on edges add up to zero around every triangle of joined points; time O(points x degree^2).

    >>> values = np.array([[0, 1, 0], [-1, 0, -1], [0, 1, 0]])
    >>> is_cocycle(values, np.ones((3, 3), dtype=bool)), is_cocycle(2 * abs(values), np.ones((3, 3), dtype=bool))
    (True, False)
    """
    # A triangle is looked at from its first point only.
    for start in range(len(joined) - 2):
        near = start + 1 + np.flatnonzero(joined[start, start + 1 :])
        square = np.ix_(near, near)
        around = values[start, near][:, None] + values[square] - values[start, near]
        if (around.astype(bool) & joined[square]).any():
            return False
    return True
