"""Co-optimal transport: two matrices compared by matching their rows and their columns at the same time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.transport import exact_transport
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]
Plans = tuple[Floats, Floats]

_ALTERNATIONS = 100
_PROFILE = 32  # quantiles at which columns are compared for a start
# Costs that differ by less than this share of the mean square of the entries are one and the same.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class MeasureNetwork:
    """A matrix of numbers with a mass for each row and each column."""

    values: Floats  # (vertices, hyperedges), finite
    vertex_mass: Floats  # (vertices,), sums to 1
    edge_mass: Floats  # (hyperedges,), sums to 1


@dataclass(frozen=True, eq=False)
class CoOptimal:
    """The best pair of plans found, and what every start led to."""

    vertex_plan: Floats
    """(left vertices, right vertices), sums to 1."""
    edge_plan: Floats
    """(left hyperedges, right hyperedges), sums to 1."""
    cost: float
    """Computed again from the two plans, in float64."""
    costs: Floats
    """(starts,): where each start ended; fewer than asked for where one of them reached 0."""
    edge_plans: tuple[Floats, ...]
    """The different hyperedge plans among the starts that ended at the best cost."""

    @property
    def distinct_costs(self) -> int:
        """How many different costs the starts ended at."""
        rising = np.sort(self.costs)
        return 1 + int((np.diff(rising) > 1e-9 * max(rising[-1], 1e-300)).sum())


def co_optimal_transport(
    left: MeasureNetwork, right: MeasureNetwork, starts: int = 20, seed: int = 0, stop_at_zero: bool = True
) -> CoOptimal:
    r"""Plans for vertices and hyperedges that change the numbers least.

    .. math:: \min_{\pi, \xi} \sum_{v v' e e'} \pi_{vv'} \xi_{ee'} (\omega_{ve} - \omega'_{v'e'})^2

    with the vertex masses as marginals of :math:`\pi` and the hyperedge masses as those of :math:`\xi`. Given one plan,
    the other is a problem of plain transport, which is solved exactly; so the two are found in turn until the cost
    falls no more. That ends at a local optimum, hence many starts: the plan that keeps the given order; the product of
    the masses; the best plan by the distributions of numbers in each column; and random plans, half of them near the
    third. The cost found is an upper bound of the minimum. It can depend on the order in which rows and columns are
    given: see :func:`geomsim_topological.couplings.hypernetwork.canonical_orders`.

    Every plan is checked, see :func:`geomsim_topological.transport.exact_transport`.

    Parameters
    ----------
    starts
        at least 1; later ones are random and depend on `seed` alone.
    stop_at_zero
        leave out the other starts once the cost is 0.

    Raises GeomsimError for numbers that are not finite, masses that do not fit, InvalidConfig for no starts.

    Redko, Vayer, Flamary, Courty (2020), "CO-optimal transport", NeurIPS.

    >>> values = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    >>> half, third = np.full(2, 1 / 2), np.full(3, 1 / 3)
    >>> left = MeasureNetwork(values, third, half)
    >>> right = MeasureNetwork(values[[2, 0, 1]][:, ::-1], third, half)
    >>> found = co_optimal_transport(left, right)
    >>> found.cost, (found.vertex_plan * 3).round(9).tolist()
    (0.0, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """
    for name, side in (("left", left), ("right", right)):
        _check(side, name)
    check_whole("starts", starts, 1)
    random = np.random.default_rng(seed)
    scale = float(np.mean(np.square(left.values)) + np.mean(np.square(right.values)))
    floor = _SAME * scale
    by_profile = _profile_costs(left, right)
    costs: list[float] = []
    best: Plans | None = None
    least = np.inf
    plans: list[Floats] = []
    ends: dict[bytes, Plans] = {}
    for start in range(starts):
        vertex_plan, edge_plan = _descend(left, right, _start(start, left, right, by_profile, random), floor, ends)
        cost = _cost(left, right, vertex_plan, edge_plan)
        costs.append(cost)
        if cost < least - floor:
            plans = []
        if cost <= least + floor and not any(np.abs(plan - edge_plan).max() <= 1e-6 for plan in plans):
            plans.append(edge_plan)
        if best is None or cost < least:
            best, least = (vertex_plan, edge_plan), cost
        if stop_at_zero and least <= floor**2:
            break
    assert best is not None
    return CoOptimal(*best, least, np.array(costs), tuple(plans))


def profile_bound(left: MeasureNetwork, right: MeasureNetwork) -> float:
    r"""A lower bound of the co-optimal cost: each hyperedge sees the vertices matched as suits it alone.

    Whatever the vertex plan, :math:`\sum_{vv'} \pi_{vv'} (\omega_{ve} - \omega'_{v'e'})^2` is at least the squared
    2-Wasserstein distance of the two columns as distributions of numbers; so the cheapest hyperedge plan by those
    costs no more than the co-optimal one (as the third lower bound of Mémoli 2011 for Gromov-Wasserstein).

    >>> half = np.full(2, 1 / 2)
    >>> near, far = (MeasureNetwork(np.array([[0.0, gap], [gap, 0.0]]), half, half) for gap in (1.0, 3.0))
    >>> profile_bound(near, far), co_optimal_transport(near, far).cost
    (2.0, 2.0)
    """
    levels = np.unique(np.concatenate([_levels(side) for side in (left, right)]))
    # Between two levels no quantile changes.
    middles, widths = (levels[1:] + levels[:-1]) / 2, np.diff(levels)
    first, second = (_quantiles(side, middles) for side in (left, right))
    costs = np.zeros((first.shape[1], second.shape[1]))
    for here, there, width in zip(first, second, widths, strict=True):
        costs += width * np.square(here[:, None] - there)
    return exact_transport(costs, left.edge_mass, right.edge_mass).value


def _check(side: MeasureNetwork, name: str) -> None:
    shape = (len(side.vertex_mass), len(side.edge_mass))
    if side.values.shape != shape:
        raise GeomsimError(f"the {name} values must be (vertices, hyperedges), {shape}, got {side.values.shape}")
    if not np.isfinite(side.values).all():
        raise GeomsimError(
            f"{int((~np.isfinite(side.values)).sum())} of the {name} values are not finite: "
            "replace infinite distances by large ones, twice the largest finite one for example"
        )


def _start(
    number: int, left: MeasureNetwork, right: MeasureNetwork, by_profile: Floats, random: np.random.Generator
) -> Floats:
    """A hyperedge plan to start from."""
    p, q = left.edge_mass, right.edge_mass
    if number == 0:
        return _in_order(p, q)
    if number == 1:
        return np.outer(p, q)
    if number == 2:
        return exact_transport(by_profile, p, q).plan
    noise = random.random(by_profile.shape)
    if number % 2:
        return exact_transport(noise, p, q).plan
    return exact_transport(by_profile + float(by_profile.mean()) * noise, p, q).plan


def _in_order(p: Floats, q: Floats) -> Floats:
    """The plan that moves mass in the order in which it is given: the first of the left to the first of the right."""
    ends_left, ends_right = np.cumsum(p), np.cumsum(q)
    overlap = np.minimum(ends_left[:, None], ends_right) - np.maximum((ends_left - p)[:, None], ends_right - q)
    return np.asarray(np.maximum(overlap, 0.0))


def _descend(
    left: MeasureNetwork, right: MeasureNetwork, edge_plan: Floats, floor: float, ends: dict[bytes, Plans]
) -> Plans:
    """The vertex plan for the hyperedge plan, the hyperedge plan for that, and so on while the cost falls.

    `ends` tells where earlier starts ended, by the hyperedge plans they came by; this one is added.
    """
    squares, other_squares = np.square(left.values), np.square(right.values)
    for_vertices = (squares @ left.edge_mass)[:, None] + other_squares @ right.edge_mass
    for_edges = (left.vertex_mass @ squares)[:, None] + right.vertex_mass @ other_squares
    least = np.inf
    passed = []
    for _ in range(_ALTERNATIONS):
        costs = for_vertices - 2.0 * (left.values @ edge_plan @ right.values.T)
        vertex_plan = exact_transport(costs, left.vertex_mass, right.vertex_mass).plan
        costs = for_edges - 2.0 * (left.values.T @ vertex_plan @ right.values)
        found = exact_transport(costs, left.edge_mass, right.edge_mass)
        edge_plan = found.plan
        passed.append(edge_plan.round(9).tobytes())
        if passed[-1] in ends:
            vertex_plan, edge_plan = ends[passed[-1]]
            break
        if found.value >= least - floor:
            break
        least = found.value
    ends.update(dict.fromkeys(passed, (vertex_plan, edge_plan)))
    return vertex_plan, edge_plan


def _cost(left: MeasureNetwork, right: MeasureNetwork, vertex_plan: Floats, edge_plan: Floats) -> float:
    """The cost term by term: expanded squares would leave rounding where the cost is 0, and its root more of it."""
    v, w = np.nonzero(vertex_plan)
    e, f = np.nonzero(edge_plan)
    gaps = np.square(left.values[np.ix_(v, e)] - right.values[np.ix_(w, f)])
    return float(vertex_plan[v, w] @ gaps @ edge_plan[e, f])


def _profile_costs(left: MeasureNetwork, right: MeasureNetwork) -> Floats:
    """Mean squared difference of each two columns' quantiles, (left hyperedges, right hyperedges)."""
    middles = (np.arange(_PROFILE) + 0.5) / _PROFILE
    first, second = (_quantiles(side, middles).T for side in (left, right))
    return np.asarray(np.square(first[:, None] - second).mean(axis=2))


def _levels(side: MeasureNetwork) -> Floats:
    """The shares of mass at which a quantile of some column jumps, those apart by rounding as one."""
    cumulative = np.cumsum(side.vertex_mass[side.values.argsort(axis=0, kind="stable")], axis=0)
    return np.concatenate([[0.0], cumulative.ravel().clip(0.0, 1.0).round(12), [1.0]])


def _quantiles(side: MeasureNetwork, levels: Floats) -> Floats:
    """The values of each column below which these shares of the vertex mass lie, (levels, hyperedges)."""
    rising = side.values.argsort(axis=0, kind="stable")
    cumulative = np.cumsum(side.vertex_mass[rising], axis=0)
    last = len(side.vertex_mass) - 1
    found = [
        side.values[rising[np.minimum(np.searchsorted(ends, levels), last), column], column]
        for column, ends in enumerate(cumulative.T)
    ]
    return np.stack(found, axis=1)
