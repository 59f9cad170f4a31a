"""Optimal transport between the Mapper graphs of two spaces, anchored by their shared rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import Explanation, PairedMetric
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_facts import Facts, graph_facts
from geomsim_topological.graphs.membership import Membership, membership
from geomsim_topological.graphs.shared_rows import shared_rows
from geomsim_topological.metrics.mapper_settings import MapperSettings
from geomsim_topological.plans.plan_tables import (
    Plan,
    Table,
    as_sparse,
    distortion,
    edge_facts,
    hops,
    largest_cells,
    tables_of_nodes,
)
from geomsim_topological.transport import Transport, exact_transport

_CELLS_SHOWN = 50


@dataclass(frozen=True)
class MapperTransport(MapperSettings, PairedMetric[Membership]):
    r"""Cost of moving the nodes of one Mapper graph onto those of the other, where shared rows make it cheap.

    .. math:: \min_{P} \sum_{kl} P_{kl} \Bigl(1 - \frac{|c_k \cap c_l|}{|c_k \cup c_l|}\Bigr), \quad
        P 1 = p, \; P^\top 1 = q, \qquad p_k = \frac{1}{N} \sum_{i \in c_k} \frac{1}{\deg i}

    :math:`c_k` are the rows of left node k, :math:`c_l` those of right node l, :math:`\deg i` is the number of nodes
    that hold row i. N counts the rows that are in any node: rows in none (noise) carry no mass, and each covered row
    hands one N-th to its nodes. A row that is noise on one side only is in a node on the other, where it makes the
    union larger and is shared with nobody: it costs. A row that is noise on both sides counts for nothing, so the score
    speaks of the covered rows; how many those are is among the facts, and more than a quarter left out is a warning.

    Range [0, 1], larger is farther. 0 if both graphs have the same sets of rows as nodes; chance depends on the number
    and size of the nodes (.7 to .92 is usual), so read it beside its null, for which only the rows of the right
    incidence move; no graph is fitted again. Unchanged by rotation, scaling and translation, since every
    length is relative to the side's own.

    Parameters are those of :class:`geomsim_topological.metrics.mapper_settings.MapperSettings`. For graphs that are at
    hand already see :func:`geomsim_topological.graph_comparison.compare_graphs`, or prepare them with :meth:`state_of`.

    Raises DegenerateSpace for equal rows and for a graph without nodes. Warns of much noise and of a single node.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(200, 6)) * np.arange(1, 7)
    >>> geomsim.compare(points, points[:, ::-1] * 3 + 1, "mapper-transport", null=None).score
    0.0
    """

    larger_means = "farther"
    score_range = (0.0, 1.0)
    # 1-Wasserstein distance of two distributions over sets of rows, between which Jaccard's distance is a metric. Each
    # side has mass 1 on sets of its own: its rows in no node change that side alone, whichever the other one is.
    triangle = True
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Membership:
        """The Mapper graph as incidence and masses; independent of the order of the rows but for their numbers."""
        return self.state_of(self.graph(points))

    def state_of(self, graph: MapperGraph) -> Membership:
        """A graph that is at hand as a state, what :meth:`prepare` makes of the graph of some points.

        Raises DegenerateSpace for a graph whose nodes hold no row.
        """
        return membership(graph)

    def score(self, left: Membership, right: Membership, order: Tensor) -> Tensor:
        """The cost of the best plan."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Membership, right: Membership, orders: Tensor) -> Tensor:
        """One count of shared rows and one transport for each order."""
        counts = shared_rows(left.incidence, right.incidence, orders.cpu().numpy())
        values = [self.cheapest(node_costs(shared, left, right), left.mass, right.mass).value for shared in counts]
        # Rounding in the masses may lift a cost of 1 above it.
        return torch.tensor(values, dtype=torch.float64, device=orders.device).clamp(0.0, 1.0)

    def cheapest(self, cost: NDArray[np.float64], left_mass: NDArray[Any], right_mass: NDArray[Any]) -> Transport:
        """The transport problem that is solved for each order."""
        return exact_transport(cost, left_mass, right_mass)

    def bytes_per_order(self, left: Membership, right: Membership) -> int:
        """The order and its value: draws are worked through one by one."""
        return 8 * (int(right.incidence.shape[0]) + 1)

    def explain(self, left: Membership, right: Membership) -> Explanation:
        """Both graphs in numbers, the largest cells of the plan, and what it does to nodes and edges.

        Tables: *plan* (nodes, mass, shared rows, Jaccard of the rows), *partners* and *partners right* (best node on
        the other side, its share of the node's mass, the entropy in bits of where the mass goes, and by how many edges
        the node's distances to others change), *splits* and *merges* (nodes whose mass goes to, or comes from, several
        nodes: a line for each part of at least a tenth). Facts: also the share of each graph's edges whose ends have
        partners that are joined or one, plain and weighted by the rows that the ends share.
        """
        shared = next(shared_rows(left.incidence, right.incidence, np.arange(left.incidence.shape[0])[None]))
        plan = as_sparse(self.cheapest(node_costs(shared, left, right), left.mass, right.mass).plan)
        tables, facts = _explained(plan, shared, left, right)
        return Explanation(facts={**_facts(left, "left"), **_facts(right, "right"), **facts}, tables=tables)


def node_costs(shared: NDArray[np.float64], left: Membership, right: Membership) -> NDArray[np.float64]:
    """1 - Jaccard of the rows of left and right nodes, of how many they share, (left, right); 1 for nodes without."""
    either = left.sizes[:, None] + right.sizes[None, :] - shared
    return 1.0 - shared / np.maximum(either, 1.0)


def _explained(
    plan: Plan, shared: NDArray[np.float64], left: Membership, right: Membership
) -> tuple[dict[str, Table], Facts]:
    first, second = left.distinct, right.distinct
    names = left.names, right.names
    beside = {"shared rows": shared.astype(int), "Jaccard": 1.0 - node_costs(shared, left, right)}
    changes = distortion(plan, hops(first), hops(second))
    tables = {"plan": largest_cells(plan, *names, top=_CELLS_SHOWN, beside=beside), **tables_of_nodes(plan, *names)}
    for title, state, change in (("partners", left, changes.left), ("partners right", right, changes.right)):
        tables[title] |= {"rows": state.sizes.astype(int).tolist(), "distortion (edges)": change.tolist()}
    facts: Facts = {
        "nodes split": len(set(tables["splits"]["left node"])),
        "nodes merged": len(set(tables["merges"]["right node"])),
        **edge_facts(plan, first, second),
    }
    if changes.cap is not None:
        facts["distance between components (edges)"] = changes.cap
    return tables, facts


def _facts(side: Membership, name: str) -> Facts:
    return graph_facts(side.graph, name) | {f"different nodes {name}": len(side.names)}
