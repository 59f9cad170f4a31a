"""Proximal point iterations for Gromov-Wasserstein: for some thousand points, on the GPU if there is one."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.gromov_starts import anchored_costs, sketched_costs

Floats = NDArray[np.float64]

_STEPS = 60
_SCALINGS = 20  # of both sides, in each step
_SHARPNESS = 0.02  # how far a step goes: of the spread of the gradient
_STILL = 1e-6  # mass that moves in a step which is the last
_SMALLEST = 1e-300


def proximal_plan(problem: GromovProblem, number: int, seed: int) -> Floats:
    r"""A plan near a local minimum, from start `number`: 0 what each point sees, 1 the product, then anchored ones.

    .. math:: P \leftarrow \arg\min_Q \; \langle \nabla f(P), Q \rangle + \epsilon \, \mathrm{KL}(Q \,|\, P)

    by Sinkhorn's scaling, without the blur of an entropic optimum, since the penalty vanishes as P settles (Xu, Luo,
    Zha and Carin 2019). Then the plan is rounded to the masses (Altschuler, Weed and Rigollet 2017), and improved by
    the best vertex for its gradient where that costs less, as it does near a permutation.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right, p, q = (
        torch.from_numpy(each).to(device)
        for each in (problem.left.distances, problem.right.distances, problem.left.mass, problem.right.mass)
    )
    linear = None if problem.linear is None else (1.0 - problem.alpha) * torch.from_numpy(problem.linear).to(device)
    plan = torch.outer(p, q)
    if number != 1:
        costs = sketched_costs(problem)
        if number:
            costs = anchored_costs(problem, costs, np.random.default_rng([seed, number]))
        plan = _scaled(plan, torch.from_numpy(costs).to(device), p, q)
    for _ in range(_STEPS):
        gradient = -4.0 * problem.alpha * (left @ plan @ right)
        if linear is not None:
            gradient += linear
        before, plan = plan, _scaled(plan, gradient, p, q)
        if float((plan - before).abs().sum()) < _STILL:
            break
    rounded = rounded_plan(plan, p, q).cpu().numpy()
    vertex = problem.vertex(problem.gradient(problem.moved(rounded)))
    return min(rounded, vertex, key=problem.value)


def rounded_plan(plan: Tensor, left_mass: Tensor, right_mass: Tensor) -> Tensor:
    """The plan with exactly these masses that lies near one which misses them.

    Rows, then columns, with too much are scaled down; what is then missing is added as a product.
    """
    plan = plan * (left_mass / plan.sum(dim=1).clamp(min=_SMALLEST)).clamp(max=1.0)[:, None]
    plan = plan * (right_mass / plan.sum(dim=0).clamp(min=_SMALLEST)).clamp(max=1.0)[None, :]
    short, narrow = (left_mass - plan.sum(dim=1)).clamp(min=0.0), (right_mass - plan.sum(dim=0)).clamp(min=0.0)
    missing = float(short.sum())
    return plan + torch.outer(short, narrow) / missing if missing > 0 else plan


def _scaled(plan: Tensor, cost: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """The plan of these masses nearest to ``plan * exp(-cost / epsilon)``, by a number of scalings."""
    reduced = cost - cost.min(dim=1, keepdim=True).values
    reduced = reduced - reduced.min(dim=0, keepdim=True).values
    width = float(reduced.mean())
    if width <= 0.0:
        return plan
    kernel = plan * (-reduced / (_SHARPNESS * width)).exp()
    right = torch.ones_like(q)
    for _ in range(_SCALINGS):
        left = p / (kernel @ right).clamp(min=_SMALLEST)
        right = q / (left @ kernel).clamp(min=_SMALLEST)
    scaled = left[:, None] * kernel * right[None, :]
    # Scalings of nearly empty rows may overflow where masses cannot be met; those rows are met by rounding at the end.
    return torch.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)
