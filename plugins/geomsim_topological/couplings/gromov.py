"""Gromov-Wasserstein and fused Gromov-Wasserstein: how well one space of distances fits on another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.couplings.gromov_bounds import first_lower_bound, second_lower_bound, third_lower_bound
from geomsim_topological.couplings.gromov_descent import descend
from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.gromov_proximal import proximal_plan
from geomsim_topological.couplings.gromov_quantised import quantised_plan
from geomsim_topological.couplings.gromov_starts import starting_plans
from geomsim_topological.couplings.measured_space import MeasuredSpace
from geomsim_topological.transport import exact_transport
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]
Method = Literal["auto", "exact", "proximal", "quantised"]

MOST_EXACT, MOST_PROXIMAL = 500, 3000
"""Up to how many points of the larger side a method is chosen."""
_MOST_THIRD_BOUND = 1 << 24  # left x right^2
_PROXIMAL_STARTS = 4
_SAME_VALUE = 1e-9  # of the largest cost
_ROUNDING = 1e-20  # of the largest cost: where the bound is 0, its root is 1e-10
_SAME_PLAN = 1e-6  # of the largest cell


@dataclass(frozen=True, eq=False)
class GromovPlan:
    """The best plan that was found between two spaces, and how it was found."""

    plan: Floats
    """(left, right), entries of sum 1, whose sums are the masses."""
    value: float
    r""":math:`\alpha E(P) + (1 - \alpha) \langle M, P \rangle`, computed from the plan; squared, not halved."""
    structure: float
    """E(P), the mean squared difference of distances."""
    linear: float
    """<M, P>, the mean linear cost; 0 where there is none."""
    bound: float
    """No plan has a smaller value."""
    bound_name: str
    """Which lower bound of Mémoli (2011) that is; of those computed the largest."""
    values: Floats
    """What each start led to, in the order of the starts; fewer than asked for where the bound was reached."""
    near_best: NDArray[np.bool_]
    """(starts,): which of them led to the best value."""
    optima: int
    """How many different plans among them have the best value: several mean that a space is symmetric."""
    method: str
    """Which solver was used: exact, proximal or quantised."""
    capped: tuple[int, int]
    """Pairs of points, left and right, that no path joins, and whose distance is twice the largest finite one."""

    @property
    def distance(self) -> float:
        """Root of the value; where alpha is 1, a distance of spaces, twice Mémoli's (2011), who halves it."""
        return math.sqrt(self.value)

    @property
    def spread(self) -> float:
        """By how much the worst start missed the best."""
        return float(self.values.max() - self.values.min())


def gromov_plan(
    left: MeasuredSpace,
    right: MeasuredSpace,
    linear: ArrayLike | None = None,
    alpha: float | None = None,
    *,
    starts: int = 20,
    seed: int = 0,
    method: Method = "auto",
    every_start: bool = False,
) -> GromovPlan:
    r"""The plan between two spaces that changes distances least, and moves least where moving has a cost.

    .. math:: \min_P \; \alpha \sum_{ii'jj'} (d(i, i') - d'(j, j'))^2 P_{ij} P_{i'j'}
        + (1 - \alpha) \sum_{ij} M_{ij} P_{ij}

    over plans P, (left, right), whose sums are the masses p and q.

    Parameters
    ----------
    left, right
        from :func:`geomsim_topological.couplings.measured_space.measured_space`: d, p and d', q.
    linear
        M, (left, right), finite; None where only the structure counts.
    alpha
        share of the structure, 0 to 1; 1/2 with a linear cost and 1 without by default.
    starts
        how many plans are improved until nothing is gained; the best result counts. The default start of other
        libraries, the product of the masses, finds no isometry of symmetric graphs.
    seed
        of the random ones among them, see :func:`geomsim_topological.couplings.gromov_starts.starting_plans`.
    method
        "exact": conditional gradient with exact transport; "proximal": proximal point iterations from at most 4 starts,
        rounded to the masses; "quantised": exact between 300 landmarks of each side, all others along with their
        landmark. "auto" takes them in this order, by the points of the larger side: up to 500, up to 3,000, beyond.
    every_start
        go on where a start reached the lower bound, to count the optima.

    The result is a local minimum, the best of all starts: an upper bound of the true one, with a lower bound beside it.
    Between two spaces whose bound is reached it is the true one.

    Sturm (2012) and Mémoli (2011) for the distance, Peyré, Cuturi and Solomon (2016) for the algorithm, Vayer et al.
    (2019) for the fused one.

    Raises GeomsimError for a linear cost that does not fit and for any plan that is not finite or misses the masses;
    InvalidConfig for parameters that do not exist.

    >>> from geomsim_topological.couplings.measured_space import measured_space
    >>> near, far = measured_space([[0, 1], [1, 0]]), measured_space([[0, 3], [3, 0]])
    >>> found = gromov_plan(near, far)
    >>> found.value, found.distance == 2**0.5, found.method
    (2.0, True, 'exact')
    """
    _check(alpha, starts, method)
    cost, share = _linear(linear, alpha, (len(left.mass), len(right.mass)))
    problem = GromovProblem(left, right, cost, share)
    if share == 0.0:
        return _convex(problem)
    if _key(left) > _key(right):
        turned = GromovProblem(right, left, None if cost is None else np.ascontiguousarray(cost.T), share)
        found = _solve(turned, starts, seed, method, every_start)
        return replace(found, plan=np.ascontiguousarray(found.plan.T), capped=found.capped[::-1])
    return _solve(problem, starts, seed, method, every_start)


def _solve(problem: GromovProblem, starts: int, seed: int, method: Method, every_start: bool) -> GromovPlan:
    points = max(len(problem.left.mass), len(problem.right.mass))
    if method == "auto":
        method = "exact" if points <= MOST_EXACT else "proximal" if points <= MOST_PROXIMAL else "quantised"
    bound, bound_name = lower_bound(problem, third=every_start and method == "exact")
    best, values = np.empty(0), list[float]()
    optima: list[Floats] = []
    if method == "quantised":
        plans = iter([quantised_plan(problem, lambda coarse: _solve(coarse, starts, seed, "exact", False).plan)])
    elif method == "proximal":
        plans = (proximal_plan(problem, number, seed) for number in range(min(starts, _PROXIMAL_STARTS)))
    else:
        plans = (descend(problem, plan) for plan in starting_plans(problem, starts, seed))
    for plan in plans:
        value = problem.value(plan)
        if not values or value < min(values):
            if values and value < min(values) - _SAME_VALUE * problem.scale:
                optima = []
            best = plan
        values.append(value)
        if value <= min(values) + _SAME_VALUE * problem.scale and _is_new(plan, optima):
            optima.append(plan)
        if not every_start and value <= bound * (1.0 + _SAME_VALUE) + _ROUNDING * problem.scale:
            break
    return GromovPlan(
        plan=best,
        value=min(values),
        structure=problem.distortion(best),
        linear=problem.linear_cost(best),
        bound=min(bound, min(values)),
        bound_name=bound_name,
        values=np.array(values),
        near_best=np.array(values) <= min(values) + _SAME_VALUE * problem.scale,
        optima=len(optima),
        method=method,
        capped=(problem.left.capped, problem.right.capped),
    )


def lower_bound(problem: GromovProblem, *, third: bool = True) -> tuple[float, str]:
    """The largest lower bound of the objective that is computed in moderate time, and its name.

    The third one costs left x right^2 and is left out of large problems. The parts of a fused objective are bounded
    each for itself.
    """
    left, right = problem.left, problem.right
    bounds = {"FLB": first_lower_bound(left, right), "SLB": second_lower_bound(left, right)}
    if third and len(left.mass) * len(right.mass) ** 2 <= _MOST_THIRD_BOUND:
        bounds["TLB"] = third_lower_bound(left, right)
    name = max(bounds, key=lambda each: bounds[each])
    bound = problem.alpha * bounds[name]
    if problem.linear is not None:
        bound += (1.0 - problem.alpha) * exact_transport(problem.linear, left.mass, right.mass).value
    return bound, name


def _convex(problem: GromovProblem) -> GromovPlan:
    """Without structure the problem is transport, with one optimum, which is its own lower bound."""
    assert problem.linear is not None
    found = exact_transport(problem.linear, problem.left.mass, problem.right.mass)
    return GromovPlan(
        plan=found.plan,
        value=found.value,
        structure=problem.distortion(found.plan),
        linear=found.value,
        bound=found.value,
        bound_name="transport",
        values=np.array([found.value]),
        near_best=np.array([True]),
        optima=1,
        method="exact",
        capped=(problem.left.capped, problem.right.capped),
    )


def _is_new(plan: Floats, others: list[Floats]) -> bool:
    return all(float(np.abs(plan - other).max()) > _SAME_PLAN * float(plan.max()) for other in others)


def _key(space: MeasuredSpace) -> tuple[int, float, float, float, bytes]:
    """Puts the sides in an order that both ways round have in common, so that both give the same result.

    To so few digits that rounding does not turn it: spaces in units of their diameter have it in common.
    """
    mean = float(space.mass @ space.distances @ space.mass)
    numbers = (float(f"{number:.6e}") for number in (space.diameter, mean, space.mean_square))
    diameter, middle, square = numbers
    return len(space.mass), diameter, middle, square, space.distances.tobytes()


def _check(alpha: float | None, starts: int, method: str) -> None:
    if method not in get_args(Method):
        raise InvalidConfig(f"method is one of {', '.join(get_args(Method))}, got {method!r}")
    check_whole("starts", starts, 1)
    if alpha is not None and not 0 <= alpha <= 1:
        raise InvalidConfig(f"alpha is the share of the structure, 0 to 1, got {alpha}")


def _linear(linear: ArrayLike | None, alpha: float | None, shape: tuple[int, int]) -> tuple[Floats | None, float]:
    """The linear cost where it counts, and the share of the structure."""
    if linear is None:
        if alpha not in (None, 1.0):
            raise InvalidConfig(f"alpha = {alpha} mixes the structure with a linear cost, and none is given: give one")
        return None, 1.0
    share = 0.5 if alpha is None else float(alpha)
    cost = np.ascontiguousarray(linear, dtype=np.float64)
    if cost.shape != shape:
        raise GeomsimError(f"the linear cost must be (left, right), {shape}, got {cost.shape}")
    if not np.isfinite(cost).all() or cost.min(initial=0.0) < 0:
        raise GeomsimError("the linear cost has entries that are negative or not finite: look where they come from")
    return (None if share == 1.0 else cost), share
