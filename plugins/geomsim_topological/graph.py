"""A Mapper graph: clusters of rows, and which of them share rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError


@dataclass(frozen=True, eq=False)
class MapperGraph:
    """Nodes are clusters of rows; two are joined where they share rows.

    >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2]}}, n_rows=4)
    >>> graph, graph.edges.tolist(), graph.weights.tolist(), graph.noise.tolist()
    (MapperGraph(2 nodes, 1 edges, 4 rows of which 1 in no node), [[0, 1]], [1], [3])
    """

    incidence: sparse.csr_matrix
    """(rows, nodes), 1 where the row belongs to the node."""
    names: tuple[str, ...]
    """A name for each node; kmapper's are ``cube3_cluster0``."""
    eps: float | None = None
    """The distance at which rows were clustered, where it was DBSCAN that did it."""
    meta_data: Mapping[str, Any] = field(default_factory=dict)
    """What kmapper notes about cover and clusterer."""

    @cached_property
    def nodes(self) -> dict[str, NDArray[np.int64]]:
        """The rows of each node, ascending, by name."""
        columns = self.incidence.tocsc().sorted_indices()
        split = np.split(columns.indices.astype(np.int64), columns.indptr[1:-1])
        return dict(zip(self.names, split, strict=False))

    @cached_property
    def _shared(self) -> sparse.coo_matrix:
        shared: sparse.coo_matrix = sparse.triu(self.incidence.T @ self.incidence, k=1).tocsr().sorted_indices().tocoo()
        return shared

    @property
    def edges(self) -> NDArray[np.int64]:
        """(edges, 2): the numbers of the two nodes of each edge, the smaller one first, ascending."""
        return np.column_stack([self._shared.row, self._shared.col]).astype(np.int64)

    @property
    def weights(self) -> NDArray[np.int64]:
        """(edges,): how many rows the two nodes share."""
        return np.asarray(self._shared.data, dtype=np.int64)

    @property
    def n_rows(self) -> int:
        """Number of rows that the graph was made of, noise included."""
        return int(self.incidence.shape[0])

    @cached_property
    def noise(self) -> NDArray[np.int64]:
        """The rows in no node, ascending."""
        return np.flatnonzero(np.diff(self.incidence.indptr) == 0)

    @property
    def components(self) -> int:
        """Number of connected components."""
        if not self.names:
            return 0
        count: int = sparse.csgraph.connected_components(self.incidence.T @ self.incidence, directed=False)[0]
        return count

    def __repr__(self) -> str:
        return (
            f"MapperGraph({len(self.names)} nodes, {len(self.edges)} edges, {self.n_rows} rows "
            f"of which {len(self.noise)} in no node)"
        )

    @classmethod
    def from_kmapper(cls, graph: Mapping[str, Any], n_rows: int, eps: float | None = None) -> Self:
        """The graph of a kmapper dictionary; its links are found again from its nodes.

        `n_rows` counts all rows, since the dictionary does not know those in no node. Raises GeomsimError for a row
        that does not exist.
        """
        names = tuple(map(str, graph["nodes"]))
        members = [np.asarray(rows, dtype=np.int64) for rows in graph["nodes"].values()]
        rows = np.concatenate([*members, np.empty(0, dtype=np.int64)])
        outside = rows[(rows < 0) | (rows >= n_rows)]
        if len(outside):
            raise GeomsimError(f"the graph names row {outside[0]}, but there are {n_rows} rows: give their number")
        columns = np.repeat(np.arange(len(members)), [len(node) for node in members])
        incidence = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(n_rows, len(members))
        )
        return cls(incidence, names, eps, dict(graph.get("meta_data", {})))

    def to_kmapper(self) -> dict[str, Any]:
        """The dictionary that kmapper's own `map` gives, for its visualiser: nodes, links, simplices, meta_data."""
        pairs = [[self.names[first], self.names[second]] for first, second in self.edges]
        links: dict[str, list[str]] = {}
        for first, second in pairs:
            links.setdefault(first, []).append(second)
        return {
            "nodes": {name: rows.tolist() for name, rows in self.nodes.items()},
            "links": links,
            "simplices": [[name] for name in self.names] + pairs,
            "meta_data": dict(self.meta_data),
            "meta_nodes": {},
        }

    def to_networkx(self) -> Any:
        """A ``networkx.Graph``: nodes by name with their `rows`, edges with `weight`, the number of shared rows."""
        try:
            import networkx
        except ImportError:
            raise GeomsimError("to_networkx needs the package networkx: pip install networkx") from None
        graph = networkx.Graph()
        graph.add_nodes_from((name, {"rows": rows.tolist()}) for name, rows in self.nodes.items())
        graph.add_weighted_edges_from(
            (self.names[first], self.names[second], int(weight))
            for (first, second), weight in zip(self.edges, self.weights, strict=True)
        )
        return graph
