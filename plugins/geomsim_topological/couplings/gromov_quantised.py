"""Quantised Gromov-Wasserstein: between landmarks, all other points along with theirs; for many thousand points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.gromov_starts import monotone_plan
from geomsim_topological.couplings.measured_space import MeasuredSpace

Floats = NDArray[np.float64]

_LANDMARKS = 300


@dataclass(frozen=True, eq=False)
class _Coarse:
    """Landmarks of a space, each with the mass of the points nearest to it."""

    space: MeasuredSpace
    members: list[NDArray[np.int64]]  # of each landmark, nearest first


def quantised_plan(
    problem: GromovProblem, solved: Callable[[GromovProblem], Floats], landmarks: int = _LANDMARKS
) -> Floats:
    """A plan of all points (Chowdhury, Miller and Needham 2021).

    1. Farthest-point landmarks of either side, with the mass of the points nearest to each.
    2. The plan between landmarks, by `solved`.
    3. Where it moves landmark to landmark, their points move so that those near the one go to those near the other.

    A linear cost counts between landmarks as its mean over their points.
    """
    left, right = (_coarse(space, landmarks) for space in (problem.left, problem.right))
    linear = None
    if problem.linear is not None:
        averages = [
            _averaging(side.members, space.mass) for side, space in ((left, problem.left), (right, problem.right))
        ]
        linear = averages[0] @ problem.linear @ averages[1].T
    between = solved(GromovProblem(left.space, right.space, linear, problem.alpha))
    plan = np.zeros((len(problem.left.mass), len(problem.right.mass)))
    for row, column in zip(*np.nonzero(between), strict=True):
        here, there = left.members[row], right.members[column]
        share, other = problem.left.mass[here], problem.right.mass[there]
        local = monotone_plan(share / share.sum(), other / other.sum())
        plan[np.ix_(here, there)] += between[row, column] * local
    return plan


def farthest_first(distances: Floats, count: int) -> NDArray[np.int64]:
    """Up to `count` points, each farthest from those before it (Gonzalez 1985); the first is farthest from all."""
    chosen = [int(np.argmax(distances.sum(axis=1)))]
    nearest = distances[chosen[0]].copy()
    while len(chosen) < min(count, len(distances)) and nearest.max() > 0:
        chosen.append(int(np.argmax(nearest)))
        np.minimum(nearest, distances[chosen[-1]], out=nearest)
    return np.array(chosen, dtype=np.int64)


def _coarse(space: MeasuredSpace, landmarks: int) -> _Coarse:
    chosen = farthest_first(space.distances, landmarks)
    home = np.argmin(space.distances[:, chosen], axis=1)
    members = []
    for place, landmark in enumerate(chosen):
        own = np.flatnonzero(home == place)
        members.append(own[np.argsort(space.distances[own, landmark], kind="stable")])
    mass = np.bincount(home, weights=space.mass, minlength=len(chosen))
    return _Coarse(MeasuredSpace(space.distances[np.ix_(chosen, chosen)], mass / mass.sum(), space.capped), members)


def _averaging(members: list[NDArray[np.int64]], mass: Floats) -> Floats:
    """(landmarks, points): the mean over the points of each landmark, by mass."""
    weights = np.zeros((len(members), len(mass)))
    for place, own in enumerate(members):
        weights[place, own] = mass[own] / mass[own].sum()
    return weights
