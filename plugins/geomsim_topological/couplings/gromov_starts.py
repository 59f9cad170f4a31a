"""Plans from which Gromov-Wasserstein is minimised: the objective has many local minima, so there must be many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from geomsim_topological.couplings.gromov_problem import GromovProblem

Floats = NDArray[np.float64]

_ANCHORS = 3


def starting_plans(problem: GromovProblem, count: int, seed: int) -> Iterator[Floats]:
    """`count` plans; the same ones for the same problem and seed.

    1. Where there is a linear cost, its best plan.
    2. The best plan for what each point sees: the linear cost and the transport between the distances from either point
       (a sketch of the third lower bound).
    3. The product of the masses, which favours nothing.
    4. *Anchored* ones: three points, drawn one after the other, are each held to one that fits those before; all
       others go where their distances to these agree. A symmetric space has an anchored start for each symmetry.
    5. Every third of the remaining: vertices of the set of plans at random.
    """
    return islice(_plans(problem, np.random.default_rng(seed)), count)


def sketched_costs(problem: GromovProblem) -> Floats:
    """(left, right): mean squared difference of the quantiles of the distances seen, and the linear cost."""
    left, right = problem.left.profiles, problem.right.profiles
    costs: Floats = problem.alpha * cdist(left, right, "sqeuclidean") / left.shape[1]
    return costs if problem.linear is None else costs + (1.0 - problem.alpha) * problem.linear


def anchored_costs(problem: GromovProblem, costs: Floats, random: np.random.Generator) -> Floats:
    """The sketched costs, and how much distances to a few anchors disagree."""
    total = costs
    for place in range(_ANCHORS):
        row = random.choice(len(problem.left.mass), p=problem.left.mass)
        spread = float(total[row].mean()) or 1.0
        # The first anchor may go anywhere that looks alike; those after it where they fit best, ties broken by chance.
        loose = 1.0 if place == 0 else 1e-6
        column = int(np.argmax(random.gumbel(size=total.shape[1]) - total[row] / (loose * spread)))
        apart = problem.left.distances[:, row, None] - problem.right.distances[None, :, column]
        total = total + problem.alpha * np.square(apart)
    return total


def _plans(problem: GromovProblem, random: np.random.Generator) -> Iterator[Floats]:
    if problem.linear is not None:
        yield problem.vertex(problem.linear)
    costs = sketched_costs(problem)
    yield problem.vertex(costs)
    yield np.outer(problem.left.mass, problem.right.mass)
    while True:
        for _ in range(2):
            yield problem.vertex(anchored_costs(problem, costs, random))
        yield random_vertex(problem.left.mass, problem.right.mass, random)


def random_vertex(left_mass: Floats, right_mass: Floats, random: np.random.Generator) -> Floats:
    """Fill a plan from one corner to the other, in random orders of both sides."""
    rows, columns = random.permutation(len(left_mass)), random.permutation(len(right_mass))
    plan = np.zeros((len(left_mass), len(right_mass)))
    plan[np.ix_(rows, columns)] = monotone_plan(left_mass[rows], right_mass[columns])
    return plan


def monotone_plan(left_mass: Floats, right_mass: Floats) -> Floats:
    """The plan between two masses on a line, both given in rising order of their places; sums may differ by rounding.

    >>> monotone_plan(np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    array([[0.25, 0.25],
           [0.  , 0.5 ]])
    """
    left, right = np.cumsum(left_mass), np.cumsum(right_mass)
    left, right = left / left[-1], right / right[-1]
    steps = np.sort(np.concatenate([left, right]))
    widths = np.diff(steps, prepend=0.0)
    middles = steps - widths / 2.0
    used = widths > 4 * np.finfo(np.float64).eps
    plan = np.zeros((len(left), len(right)))
    np.add.at(plan, (np.searchsorted(left, middles[used]), np.searchsorted(right, middles[used])), widths[used])
    return plan * float(left_mass.sum())
