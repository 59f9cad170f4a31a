"""Descent for Gromov-Wasserstein by exchanges and conditional gradient: exact, for some hundred points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.couplings.gromov_problem import GromovProblem

Floats = NDArray[np.float64]

_STEPS = 200
_EXCHANGES = 10_000
_GAIN = 1e-11  # of the largest cost; a step that gains less is the last
_CELLS_TO_A_POINT = 2  # more than a vertex of the set of plans has; then exchanges are too many to look at


def descend(problem: GromovProblem, plan: Floats) -> Floats:
    """A local minimum in which no exchange of two cells gains anything, nor any plan to first order.

    1. Exchange pairs of cells while that gains, see :func:`geomsim_topological.kernels.exchange_kernel.exchange_cells`:
    the
       pairwise exchange of quadratic assignment, for any masses.
    2. One step of conditional gradient (Frank and Wolfe 1956; Vayer et al. 2019 for this objective): to the plan that
       is best for the gradient here, by exact transport, or as far on the way to it as the objective falls, a parabola.
    3. Again, until neither gains anything.

    Where the objective bends down, as it does for most spaces, a conditional gradient alone stops at any corner whose
    neighbours cost more to first order; exchanges look at the second.
    """
    for _ in range(_STEPS):
        plan = exchanged(problem, plan)
        plan, gains = gradient_step(problem, plan)
        if not gains:
            break
    return plan


def exchanged(problem: GromovProblem, plan: Floats) -> Floats:
    """The plan after all exchanges that gain; the plan itself where it has many more cells than a vertex."""
    if np.count_nonzero(plan) > _CELLS_TO_A_POINT * sum(plan.shape):
        return plan
    from geomsim_topological.kernels.exchange_kernel import exchange_cells

    plan, gradient = plan.copy(), np.ascontiguousarray(problem.gradient(problem.moved(plan)))
    left, right = problem.left.distances, problem.right.distances
    exchange_cells(plan, gradient, left, right, problem.alpha, _GAIN * problem.scale, _EXCHANGES)
    return plan


def gradient_step(problem: GromovProblem, plan: Floats) -> tuple[Floats, bool]:
    """The plan after one step of conditional gradient, and whether it gained anything; if not, the plan itself."""
    gradient = problem.gradient(problem.moved(plan))
    target = problem.vertex(gradient)
    direction = target - plan
    slope = min(float(np.vdot(gradient, direction)), 0.0)  # rounding may lift it above
    bend = -2.0 * problem.alpha * float(np.vdot(problem.moved(direction), direction))
    step = min(1.0, -slope / (2.0 * bend)) if bend > 0 else 1.0
    if step * (slope + step * bend) >= -_GAIN * problem.scale:
        return plan, False
    return (target if step == 1.0 else plan + step * direction), True
