"""Optimal transport between the Mapper graphs of two spaces, anchored by their shared rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from geomsim import Explanation, PairedMetric
from geomsim_topological.graph import MapperGraph
from geomsim_topological.mapper_settings import MapperSettings
from geomsim_topological.transport import Transport, exact_transport

_CELLS_SHOWN = 50
_SMALL = 1 << 20  # rows times nodes up to which incidences are multiplied dense


@dataclass(frozen=True, eq=False)
class Membership:
    """What transport needs of a Mapper graph: which rows are in which node, and the mass of each node.

    Nodes with the same rows are one here, with their masses added: their costs are equal, so the optimum is the same,
    and where cover sets overlap much there are far fewer of them.
    """

    incidence: sparse.csr_matrix  # (rows, different nodes), 1.0 where the row is in the node
    sizes: NDArray[np.float64]  # (different nodes,), rows in each
    mass: NDArray[np.float64]  # (different nodes,), sums to 1
    names: tuple[str, ...]  # of the first graph node of each
    graph: MapperGraph


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

    Parameters are those of :class:`geomsim_topological.mapper_settings.MapperSettings`.

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
        return membership(self.graph(points))

    def score(self, left: Membership, right: Membership, order: Tensor) -> Tensor:
        """The cost of the best plan."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Membership, right: Membership, orders: Tensor) -> Tensor:
        """One product of incidences and one transport for each order."""
        from_left: Any = left.incidence.T.tocsr()
        to_right: Any = right.incidence
        if max(from_left.shape[0], to_right.shape[1]) * to_right.shape[0] <= _SMALL:
            # Sparse products of small graphs spend their time on bookkeeping; counts are whole numbers either way.
            from_left, to_right = from_left.toarray(), to_right.toarray()
        values = [_transport(from_left @ to_right[order], left, right).value for order in orders.cpu().numpy()]
        # Rounding in the masses may lift a cost of 1 above it.
        return torch.tensor(values, dtype=torch.float64, device=orders.device).clamp(0.0, 1.0)

    def bytes_per_order(self, left: Membership, right: Membership) -> int:
        """The order, its value, and the reordered side: draws are worked through one by one."""
        rows, nodes = right.incidence.shape
        return 8 * (rows + 1) + (8 * rows * nodes if rows * nodes <= _SMALL else 0)

    def explain(self, left: Membership, right: Membership) -> Explanation:
        """Both graphs in numbers; the largest cells of the plan; for each left node its partners.

        Tables: *plan* (nodes, mass, shared rows, Jaccard of the rows) and *partners* (best right node, its share of
        the node's mass, and the entropy in bits of where the mass goes: 0 where it all goes to one node).
        """
        shared = left.incidence.T @ right.incidence
        plan = _transport(shared, left, right).plan
        return Explanation(
            facts={**_facts(left, "left"), **_facts(right, "right")},
            tables={
                "plan": _largest_cells(plan, shared.toarray(), left, right),
                "partners": _partners(plan, left, right),
            },
        )


def membership(graph: MapperGraph) -> Membership:
    """The incidence of the different nodes of a graph that has any, with the mass of each."""
    degree = np.diff(graph.incidence.indptr)
    covered = int((degree > 0).sum())
    each = np.divide(1.0, degree * covered, out=np.zeros(len(degree)), where=degree > 0)
    node_mass = graph.incidence.T @ each
    group_of: dict[bytes, int] = {}
    groups = np.array([group_of.setdefault(rows.tobytes(), len(group_of)) for rows in graph.nodes.values()])
    first = np.unique(groups, return_index=True)[1]
    incidence = graph.incidence[:, first].astype(np.float64).tocsr()
    return Membership(
        incidence=incidence,
        sizes=np.asarray(incidence.sum(axis=0), dtype=np.float64).ravel(),
        mass=np.asarray(np.bincount(groups, weights=node_mass), dtype=np.float64),
        names=tuple(graph.names[node] for node in first),
        graph=graph,
    )


def _transport(shared: sparse.csr_matrix | NDArray[np.float64], left: Membership, right: Membership) -> Transport:
    both = np.asarray(shared if isinstance(shared, np.ndarray) else shared.toarray(), dtype=np.float64)
    either = left.sizes[:, None] + right.sizes[None, :] - both
    return exact_transport(1.0 - both / either, left.mass, right.mass)


def _facts(side: Membership, name: str) -> dict[str, float | int | str]:
    graph = side.graph
    return {
        f"nodes {name}": len(graph.names),
        f"different nodes {name}": len(side.names),
        f"edges {name}": len(graph.edges),
        f"components {name}": graph.components,
        f"noise rows {name}": len(graph.noise),
        f"rows in nodes {name}": graph.n_rows - len(graph.noise),
        f"eps {name}": float(graph.eps or 0.0),
    }


def _largest_cells(
    plan: NDArray[np.float64], shared: NDArray[np.float64], left: Membership, right: Membership
) -> dict[str, list[Any]]:
    rows, columns = np.nonzero(plan)
    largest = np.argsort(-plan[rows, columns], kind="stable")[:_CELLS_SHOWN]
    k, m = rows[largest], columns[largest]
    both = shared[k, m]
    return {
        "left node": [left.names[node] for node in k],
        "right node": [right.names[node] for node in m],
        "mass": plan[k, m].tolist(),
        "shared rows": both.astype(int).tolist(),
        "Jaccard": (both / (left.sizes[k] + right.sizes[m] - both)).tolist(),
    }


def _partners(plan: NDArray[np.float64], left: Membership, right: Membership) -> dict[str, list[Any]]:
    shares = plan / plan.sum(axis=1, keepdims=True)
    best = shares.argmax(axis=1)
    bits = -(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return {
        "left node": list(left.names),
        "rows": left.sizes.astype(int).tolist(),
        "best right node": [right.names[node] for node in best],
        "share of mass": shares[np.arange(len(best)), best].tolist(),
        "entropy (bits)": np.abs(bits).tolist(),
    }
