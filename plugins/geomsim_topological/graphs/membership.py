"""What metrics anchored by rows need of a Mapper graph: which rows are in which node, and the mass of each node."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import DegenerateSpace
from geomsim_topological.graphs.graph import MapperGraph

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Membership:
    """Which rows are in which node of a graph, and the mass of each node.

    Nodes with the same rows may be one here, with their masses added: their costs are equal, so the optimum is the
    same, and where cover sets overlap much there are far fewer of them.
    """

    incidence: sparse.csr_matrix  # (rows, nodes), 1.0 where the row is in the node
    sizes: Floats  # (nodes,), rows in each
    mass: Floats  # (nodes,), sums to 1
    names: tuple[str, ...]  # of the first graph node of each
    graph: MapperGraph

    @property
    def covered(self) -> NDArray[np.bool_]:
        """(rows,): whether a row is in any node."""
        return np.asarray(np.diff(self.incidence.indptr) > 0)

    @property
    def distinct(self) -> MapperGraph:
        """The graph of these nodes: :attr:`graph` itself, but for nodes that are one here."""
        return replace(self.graph, incidence=self.incidence.astype(np.int64), names=self.names)


def membership(graph: MapperGraph, *, merged: bool = True) -> Membership:
    r"""The nodes of a graph with their masses :math:`p_k = \frac{1}{N} \sum_{i \in c_k} \frac{1}{\deg i}`.

    N counts the rows in any node and :math:`\deg i` the nodes that hold row i. `merged` makes one of nodes with the
    same rows and leaves out nodes without rows; else they are those of the graph, one by one, in its order.

    Raises DegenerateSpace for a graph whose nodes hold no row.

    >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2], "c": [1, 2]}}, n_rows=4)
    >>> found = membership(graph)
    >>> found.names, found.sizes.tolist(), found.mass.round(3).tolist()
    (('a', 'b'), [2.0, 2.0], [0.444, 0.556])
    """
    incidence = sparse.csr_matrix(graph.incidence, dtype=np.float64, copy=True)
    incidence.sum_duplicates()
    incidence.eliminate_zeros()
    incidence.data[:] = 1.0
    degree = np.diff(incidence.indptr)
    covered = int((degree > 0).sum())
    if not covered:
        raise DegenerateSpace(
            f"the Mapper graph has {len(graph.names)} nodes and none of its {graph.n_rows} rows is in one, so there is "
            "nothing to compare: use a larger eps, fewer cubes or fewer rows for a cluster"
        )
    each = np.divide(1.0, degree * covered, out=np.zeros(len(degree)), where=degree > 0)
    mass = np.asarray(incidence.T @ each, dtype=np.float64)
    names = graph.names
    if merged:
        columns = incidence.tocsc()
        members = np.split(columns.indices, columns.indptr[1:-1])
        group_of: dict[bytes, int] = {}
        groups = np.array([group_of.setdefault(rows.tobytes(), len(group_of)) for rows in members])
        first = np.unique(groups, return_index=True)[1]
        mass = np.asarray(np.bincount(groups, weights=mass), dtype=np.float64)
        held = np.diff(columns.indptr)[first] > 0
        first, mass = first[held], mass[held]
        incidence = columns[:, first].tocsr()
        names = tuple(graph.names[node] for node in first)
    sizes = np.asarray(incidence.sum(axis=0), dtype=np.float64).ravel()
    return Membership(incidence, sizes, mass, names, graph)
