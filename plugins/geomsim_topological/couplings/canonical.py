"""An order of points that follows from their distances and masses, not from how they are numbered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_DIGITS = 9  # of the largest distance; what differs by less is equal
_CHOICES = 16


def colours(distances: Floats, mass: Floats, start: Numbers | None = None) -> Numbers:
    """Classes of points that distances and masses cannot tell apart, numbered in an order that these give.

    1. Points of equal mass have one colour; `start`, if given, tells them further apart.
    2. Points are told apart by the distances and colours of all other points, until nothing changes (Weisfeiler and
       Leman 1968).

    Points that a symmetry exchanges always have one colour; different colours are never exchanged.

    >>> path = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> colours(path, np.ones(3) / 3).tolist()
    [1, 0, 1]
    """
    n_points = len(mass)
    lengths = _ranks(distances).astype(np.int64)
    colour = _ranks(mass) if start is None else np.unique(start, return_inverse=True)[1].ravel()
    count = int(colour.max()) + 1
    while count < n_points:
        seen = np.sort(lengths * n_points + colour[None, :], axis=1)
        colour = np.unique(np.column_stack([colour, seen]), axis=0, return_inverse=True)[1].ravel()
        before, count = count, int(colour.max()) + 1
        if count == before:
            break
    return np.asarray(colour, dtype=np.int64)


def canonical_order(distances: Floats, mass: Floats, start: Numbers | None = None) -> Numbers:
    """The points by colour; of points of one colour, one is set apart and the others told apart from it.

    `start`, if given, is what points are told apart by instead of their mass.

    Equal spaces whose points are numbered otherwise come out alike, but for points that are alike: of more than 16
    such choices the rest is left in the order given.
    """
    colour = colours(distances, mass, start)
    for _ in range(_CHOICES):
        shared = np.flatnonzero(np.bincount(colour) > 1)
        if not len(shared):
            break
        chosen = np.flatnonzero(colour == shared[0])[0]
        apart = 2 * colour
        apart[chosen] -= 1
        colour = colours(distances, mass, apart)
    return np.argsort(colour, kind="stable")


def joint_order(
    left: Floats, left_colour: Numbers, right: Floats, right_colour: Numbers, across: Floats
) -> tuple[Numbers, Numbers]:
    """The points of two spaces in orders that follow from all their distances and the costs `across`, (left, right).

    A symmetry of one space may exchange points of one colour, but not what they cost: without this, solutions of
    problems with such costs would depend on how points happen to be numbered.
    """
    n_left, n_right = across.shape
    if int(left_colour.max()) + 1 == n_left and int(right_colour.max()) + 1 == n_right:
        return np.argsort(left_colour, kind="stable"), np.argsort(right_colour, kind="stable")
    largest = max(float(left.max()), float(right.max()), float(across.max())) or 1.0
    together = np.block([[left, across], [across.T, right]]) / largest
    order = canonical_order(together, np.ones(n_left + n_right), np.concatenate([left_colour, n_left + right_colour]))
    return order[order < n_left], order[order >= n_left] - n_left


def _ranks(values: Floats) -> Numbers:
    """The place of each value among the different ones, in the shape of the values."""
    largest = float(np.abs(values).max()) or 1.0
    places = np.unique(np.round(values / largest, _DIGITS), return_inverse=True)[1]
    return np.asarray(places, dtype=np.int64).reshape(values.shape)
