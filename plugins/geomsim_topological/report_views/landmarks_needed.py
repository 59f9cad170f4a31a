"""How many landmarks it takes before any bar of a cloud can be certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geomsim import Space
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.rows.landmarks import distinct_rows, farthest_points
from geomsim_topological.rows.plain_distances import distances_of

MOST_ROWS = 2000
"""Different rows up to which all their distances are taken, a fraction of a second and 32 MB."""


@dataclass(frozen=True)
class LandmarksNeeded:
    """How many landmarks of a cloud, of how many different rows, make a certain bar possible at all."""

    least: int
    rows: int


def can_be_certain(found: Diagram) -> bool:
    r"""Whether any bar of these landmarks could be long enough: whether :math:`4 r` is less than their diameter.

    At the largest distance of two landmarks all are joined to each other, and the complex is one simplex without a
    hole. So no loop or void lives for longer than that, and where it is at most four covering radii r, none is
    certain, whatever the shape. Components are: one of them never dies. A diagram that does not know its diameter
    (0) is not judged.
    """
    return not found.dimension or not found.diameter or 4.0 * found.covering_radius < found.diameter


def landmarks_needed(points: Space) -> LandmarksNeeded | None:
    r"""The least number of landmarks of a cloud with which a loop could be certain (:func:`can_be_certain`).

    Landmarks are chosen as :func:`geomsim_topological.persistence.diagram` chooses them, each the farthest from those
    before it, so the distance of the next one to them is their covering radius. It falls with their number, while their
    diameter grows; all different rows have a covering radius of 0. Enough for one bar to be possible, that is, and
    never for a given bar to be certain.

    None where there are more than `MOST_ROWS` different rows, and where all rows are equal.

    >>> landmarks_needed(Space(np.eye(30)))
    LandmarksNeeded(least=30, rows=30)
    """
    distinct = distinct_rows(points.numpy())
    count = len(distinct.rows)
    if not 1 < count <= MOST_ROWS:
        return None
    # With all but one row asked for, their order is told; with all it is not.
    chosen = farthest_points(distinct, count - 1).rows
    order = np.append(chosen, np.setdiff1d(np.arange(count), chosen))
    distances = distances_of(distinct.centred(order))
    before = np.tri(count, k=-1, dtype=bool)
    nearest = np.where(before, distances, np.inf).min(axis=1)
    farthest = np.where(before, distances, 0.0).max(axis=1)
    radii = np.append(nearest[1:], 0.0)
    diameters = np.maximum.accumulate(farthest)
    return LandmarksNeeded(int(np.argmax(4.0 * radii < diameters)) + 1, count)
