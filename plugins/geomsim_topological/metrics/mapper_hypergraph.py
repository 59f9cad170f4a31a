"""Co-optimal transport between the hypergraphs of two Mapper graphs, whose rows need not correspond."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import Explanation, UnpairedMetric
from geomsim_topological.couplings.co_optimal import CoOptimal, co_optimal_transport, profile_bound
from geomsim_topological.couplings.hypernetwork import Hypernetwork, hypernetwork, rewired_hypernetwork, warn_of_pieces
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_facts import Facts, graph_facts
from geomsim_topological.metrics.mapper_settings import MapperSettings
from geomsim_topological.plans.plan_tables import as_sparse, largest_cells, tables_of_nodes
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]

_CELLS_SHOWN = 50


@dataclass(frozen=True)
class MapperHypergraph(MapperSettings, UnpairedMetric[Hypernetwork]):
    r"""How much distances must change to turn the hypergraph of one Mapper graph into that of the other.

    .. math:: \min_{\pi, \xi} \Bigl( \sum_{v v' e e'} \pi_{vv'} \xi_{ee'} (\omega_{ve} - \omega'_{v'e'})^2
        \Bigr)^{1/2}

    The vertices v are the rows in any node, each with the same mass; the hyperedges e are the nodes, to which each row
    hands its mass in equal parts. Nodes that share rows are joined by edges of length 1 - Jaccard, and
    :math:`\omega(v, e)` is the least distance from a node that holds row v to node e. :math:`\pi` matches rows with
    rows and :math:`\xi` nodes with nodes, at the same time. In a graph of several pieces some distances are infinite:
    they are set to twice the largest finite one, which is warned of and counted.

    The score is the root of the cost, in the unit of omega: 0 to 1 for an edge. Range from 0, larger is farther; 0 for
    graphs that differ by the order of rows and nodes alone. It grows with the size of what differs: a graph with longer
    ways scores more against all others. Unchanged by rotation, scaling and translation. The minimum obeys the
    triangle inequality; what is found is an upper bound of it, from the best of `starts` starts, and may not. `explain`
    gives a lower bound, what each start led to, and how many different plans are best: more than one means a symmetry.

    Parameters
    ----------
    starts
        how many starts of the search; the first two or three are fixed, the others random with a fixed seed.

    The others are those of :class:`geomsim_topological.metrics.mapper_settings.MapperSettings`. Time is starts x
    classes of rows in the same nodes^3 at worst: 30 ms for 25 nodes of 50 classes.

    Raises DegenerateSpace for equal rows and for a graph without nodes, InvalidConfig for no starts. Warns of much
    noise, of a single node and of several components.

    Chowdhury, Needham, Semrad, Wang, Zhou (2021), "Hypergraph co-optimal transport: metric and categorical
    properties"; Redko, Vayer, Flamary, Courty (2020), "CO-optimal transport".

    >>> import geomsim
    >>> points = np.random.default_rng(0).normal(size=(100, 6)) * np.arange(1, 7)
    >>> geomsim.compare(points, points[::-1, ::-1] * 3 + 1, MapperHypergraph(), null=None).score
    0.0
    """

    starts: int = 20

    larger_means = "farther"
    score_range = (0.0, inf)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_whole("starts", self.starts, 1)

    def prepare(self, points: Tensor) -> Hypernetwork:
        """The hypergraph of the Mapper graph; independent of the order of the rows but for their numbers."""
        return self.state_of(self.graph(points))

    def state_of(self, graph: MapperGraph) -> Hypernetwork:
        """What is compared of a Mapper graph; see :func:`geomsim_topological.couplings.hypernetwork.hypernetwork`."""
        found = hypernetwork(graph)
        warn_of_pieces(found)
        return found

    def rewired(self, state: Hypernetwork, random: np.random.Generator) -> Hypernetwork:
        """The same with groups of rows in other nodes, as many nodes to each and as many groups to each node."""
        return rewired_hypernetwork(state, random)

    def score(self, left: Hypernetwork, right: Hypernetwork) -> Tensor:
        """The root of the least cost found."""
        found = _solved(left, right, self.starts, stop_at_zero=True)
        return torch.tensor(math.sqrt(found.cost), dtype=torch.float64)

    def explain(self, left: Hypernetwork, right: Hypernetwork) -> Explanation:
        """Both hypergraphs in numbers, how sure the minimum is, and who is matched with whom.

        Tables: *plan*, the largest cells of the plan of the nodes; *partners* and *partners right*, for each node of
        a side the node of the other that most of its mass goes to, and the entropy in bits of where it goes; *splits*
        and *merges*; *rows*, the largest cells of the plan of the rows, by groups of rows in the same nodes, each with
        its first row; *starts*, the root of what each led to.
        """
        found = _solved(left, right, self.starts, stop_at_zero=False)
        roots = np.sqrt(found.costs)
        least = math.sqrt(found.cost)
        return Explanation(
            facts={
                **_facts(left, "left"),
                **_facts(right, "right"),
                "method": "exact transport of rows and nodes in turn",
                "lower bound": min(least, math.sqrt(max(profile_bound(left.network, right.network), 0.0))),
                "starts": len(roots),
                "starts at the best": int((roots <= least + 1e-9 * max(1.0, least)).sum()),
                "worst start": float(roots.max()),
                "local optima": found.distinct_costs,
                "different best plans": len(found.edge_plans),
            },
            tables={
                "plan": largest_cells(found.edge_plan, left.names, right.names, top=_CELLS_SHOWN),
                **tables_of_nodes(found.edge_plan, left.names, right.names),
                "rows": _row_cells(found.vertex_plan, left, right),
                "starts": {"start": list(range(len(roots))), "distance": roots.tolist()},
            },
        )


def _solved(left: Hypernetwork, right: Hypernetwork, starts: int, stop_at_zero: bool) -> CoOptimal:
    """The search, always begun from the same side, so that nothing depends on which one is called left."""
    swapped = _key(right) < _key(left)
    first, second = (right, left) if swapped else (left, right)
    found = co_optimal_transport(first.network, second.network, starts, stop_at_zero=stop_at_zero)
    if not swapped:
        return found
    return replace(
        found,
        vertex_plan=found.vertex_plan.T,
        edge_plan=found.edge_plan.T,
        edge_plans=tuple(plan.T for plan in found.edge_plans),
    )


def _key(side: Hypernetwork) -> tuple[tuple[int, ...], bytes, bytes, bytes]:
    network = side.network
    masses = network.vertex_mass.tobytes(), network.edge_mass.tobytes()
    return network.values.shape, network.values.tobytes(), *masses


def _facts(side: Hypernetwork, name: str) -> Facts:
    return graph_facts(side.graph, name) | {
        f"different nodes {name}": len(side.names),
        f"classes of rows {name}": len(side.rows),
        f"distance between components {name}": side.cap,
        f"capped distances {name}": side.capped,
        f"largest distance {name}": side.largest,
    }


def _row_cells(plan: Floats, left: Hypernetwork, right: Hypernetwork) -> dict[str, list[Any]]:
    """The largest cells of the plan of the rows, by groups of rows in the same nodes."""
    cells = as_sparse(plan).tocoo()
    largest = np.argsort(-cells.data, kind="stable")[:_CELLS_SHOWN]
    here, there = cells.row[largest], cells.col[largest]
    return {
        "first left row": [int(left.rows[group][0]) for group in here],
        "first right row": [int(right.rows[group][0]) for group in there],
        "mass": cells.data[largest].tolist(),
        "rows left": [len(left.rows[group]) for group in here],
        "rows right": [len(right.rows[group]) for group in there],
    }
