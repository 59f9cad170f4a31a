"""What a Gromov-Wasserstein plan says, as facts and tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geomsim import Explanation
from geomsim_topological.couplings.graph_space import GraphSpace
from geomsim_topological.couplings.gromov import GromovPlan
from geomsim_topological.couplings.gromov_problem import GromovProblem
from geomsim_topological.couplings.measured_space import Floats, MeasuredSpace
from geomsim_topological.graphs.graph_facts import Facts, graph_facts
from geomsim_topological.plans.plan_tables import Plan, Side, Table, edge_facts, largest_cells, partners, splits

_CELLS_SHOWN = 50


def graph_explanation(
    left: GraphSpace, right: GraphSpace, found: GromovPlan, beside: Mapping[str, Plan] | None = None
) -> Explanation:
    """Both graphs in numbers, how the plan was found, and what it does to nodes and edges.

    Tables: *plan* (the largest cells), *partners* and *partners right* (best node of the other side, its share of the
    node's mass, the entropy in bits of where the mass goes, the rows of the node, and how much its distances change),
    *splits* and *merges*, and *starts* (what each start led to).
    """
    facts: Facts = {**_graph_facts(left, "left"), **_graph_facts(right, "right"), **plan_facts(found)}
    if not (left.is_rewired or right.is_rewired):
        facts |= edge_facts(found.plan, left.members.distinct, right.members.distinct)
    rows = left.members.sizes, right.members.sizes
    tables = tables_of_plan(found, left.space, right.space, left.names, right.names, rows, beside)
    tables |= {
        "splits": splits(found.plan, left.names, right.names),
        "merges": splits(found.plan, left.names, right.names, side="right"),
    }
    return Explanation(facts, tables)


def plan_facts(found: GromovPlan) -> Facts:
    """How a plan was found, and how far it can be trusted."""
    facts: Facts = {
        "method": found.method,
        "value": found.value,
        f"lower bound ({found.bound_name})": found.bound,
        "starts": len(found.values),
        "spread over starts": found.spread,
        "starts at the best value": int(found.near_best.sum()),
        "different optimal plans": found.optima,
        "capped distances left": found.capped[0],
        "capped distances right": found.capped[1],
    }
    if found.optima > 1:
        facts["symmetry"] = (
            f"{found.optima} different plans are equally good, so that no single one is the correspondence: "
            "a side is symmetric, as a ring is that can turn, or has parts that cannot be told apart"
        )
    return facts


def tables_of_plan(
    found: GromovPlan,
    left: MeasuredSpace,
    right: MeasuredSpace,
    left_names: tuple[str, ...],
    right_names: tuple[str, ...],
    rows: tuple[Floats, Floats],
    beside: Mapping[str, Plan] | None = None,
) -> dict[str, Table]:
    """The plan's largest cells, the partners of each point of either side, and the value of each start."""
    tables = {"plan": largest_cells(found.plan, left_names, right_names, top=_CELLS_SHOWN, beside=beside)}
    sides: tuple[tuple[str, Side], ...] = (("partners", "left"), ("partners right", "right"))
    for (title, side), sizes, change in zip(sides, rows, point_distortion(found.plan, left, right), strict=True):
        tables[title] = partners(found.plan, left_names, right_names, side=side)
        tables[title] |= {"rows": sizes.astype(int).tolist(), "distortion": change.tolist()}
    tables["starts"] = {"value": found.values.tolist(), "best": found.near_best.tolist()}
    return tables


def point_distortion(plan: Floats, left: MeasuredSpace, right: MeasuredSpace) -> tuple[Floats, Floats]:
    r"""Root mean square change of the distances of each point, left and right.

    .. math:: \delta_i^2 = \frac{1}{p_i} \sum_{j i' j'} P_{ij} P_{i'j'} (d(i, i') - d'(j, j'))^2

    The mean of the squares, by mass, is E(P).
    """
    cells: NDArray[np.float64] = plan * GromovProblem(left, right).local_distortion(plan)
    return np.sqrt(cells.sum(axis=1) / left.mass), np.sqrt(cells.sum(axis=0) / right.mass)


def _graph_facts(state: GraphSpace, name: str) -> Facts:
    # Edges and components are those of the different nodes, and of a rewired graph others than the graph's own.
    return graph_facts(state.members.graph, name) | {
        f"different nodes {name}": len(state.names),
        f"edges {name}": len(state.edges),
        f"components {name}": state.components,
        f"distance between components {name}": state.cap,
        f"largest distance {name}": state.space.diameter,
    }
