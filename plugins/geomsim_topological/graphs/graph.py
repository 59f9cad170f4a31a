"""A Mapper graph: clusters of rows, and which of them share rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs.graph_formats import check_links, incidence_of, read_json, write_json
from geomsim_topological.graphs.nerve import nerve

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapperGraph:
    """Nodes are clusters of rows; two are joined where they share rows. Nodes and components are numbered from 0.

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
    lens: Floats | None = None
    """(rows, dimensions): the values that the rows were looked at through, where they were kept."""
    min_intersection: int = 1
    """How many rows two nodes must share to be joined."""

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        rows, nodes = self.incidence.shape
        if len(self.names) != nodes or len(set(self.names)) != nodes:
            raise GeomsimError(f"{nodes} nodes need as many different names, got {len(set(self.names))}")
        if self.min_intersection < 1:
            raise GeomsimError(f"min_intersection is at least 1 row, got {self.min_intersection}")
        if self.lens is not None:
            values = np.asarray(self.lens, dtype=np.float64)
            if values.ndim != 2 or len(values) != rows:
                raise GeomsimError(
                    f"the lens of {rows} rows is (rows, dimensions), got an array of shape {values.shape}"
                )
            object.__setattr__(self, "lens", values)

    @cached_property
    def nodes(self) -> dict[str, Numbers]:
        """The rows of each node, ascending, by name."""
        columns = self.incidence.tocsc().sorted_indices()
        split = np.split(columns.indices.astype(np.int64), columns.indptr[1:-1])
        return dict(zip(self.names, split, strict=False))

    @cached_property
    def _shared(self) -> tuple[Numbers, Numbers]:
        # Counts of another type than this may not fit into it.
        incidence = self.incidence.astype(np.int64, copy=False)
        shared: Any = sparse.triu(incidence.T @ incidence, k=1, format="csr")
        shared.sort_indices()
        row = np.repeat(np.arange(len(self.names)), np.diff(shared.indptr))
        edges = np.column_stack([row, shared.indices]).astype(np.int64, copy=False)
        weights = shared.data
        if self.min_intersection > 1:
            kept = weights >= self.min_intersection
            edges, weights = edges[kept], weights[kept]
        for each in (edges, weights):
            each.setflags(write=False)  # it is handed out again and again
        return edges, weights

    @property
    def edges(self) -> Numbers:
        """(edges, 2): the numbers of the two nodes of each edge, the smaller one first, ascending."""
        return self._shared[0]

    @property
    def weights(self) -> Numbers:
        """(edges,): how many rows the two nodes share."""
        return self._shared[1]

    @property
    def edge_lengths(self) -> Floats:
        r"""(edges,): Jaccard distance of the two nodes, :math:`1 - |a \cap b| / |a \cup b|`, from 0 to below 1.

        >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2]}}, n_rows=4)
        >>> graph.edge_lengths.round(3).tolist()
        [0.667]
        """
        union = self.sizes[self.edges].sum(axis=1) - self.weights
        return np.asarray((union - self.weights) / union, dtype=np.float64)

    @cached_property
    def sizes(self) -> Numbers:
        """(nodes,): how many rows each node has."""
        return np.bincount(self.incidence.indices, minlength=len(self.names)).astype(np.int64)

    @property
    def degrees(self) -> Numbers:
        """(nodes,): how many others each node is joined to."""
        return np.bincount(self.edges.ravel(), minlength=len(self.names)).astype(np.int64)

    @property
    def n_rows(self) -> int:
        """Number of rows that the graph was made of, noise included."""
        return int(self.incidence.shape[0])

    @cached_property
    def noise(self) -> Numbers:
        """The rows in no node, ascending."""
        return np.flatnonzero(np.diff(self.incidence.indptr) == 0)

    def nodes_of(self, row: int) -> Numbers:
        """The numbers of the nodes that a row is in, ascending. Raises GeomsimError for a row that does not exist."""
        if not 0 <= row < self.n_rows:
            raise GeomsimError(f"there is no row {row}: the graph has {self.n_rows}, numbered from 0")
        return np.sort(self.incidence.indices[self.incidence.indptr[row] : self.incidence.indptr[row + 1]]).astype(
            np.int64
        )

    @cached_property
    def component_of(self) -> Numbers:
        """(nodes,): the number of each node's connected component, in the order of their first nodes."""
        if not self.names:
            return np.empty(0, dtype=np.int64)
        ends = (self.edges[:, 0], self.edges[:, 1])
        joined = sparse.coo_matrix((np.ones(len(self.edges)), ends), shape=(len(self.names),) * 2)
        labels = sparse.csgraph.connected_components(joined, directed=False)[1]
        first, inverse = np.unique(labels, return_index=True, return_inverse=True)[1:]
        return np.asarray(np.argsort(np.argsort(first))[inverse.ravel()], dtype=np.int64)

    @property
    def components(self) -> int:
        """Number of connected components."""
        return int(self.component_of.max(initial=-1)) + 1

    @property
    def loops(self) -> int:
        """Independent cycles of the graph, its first Betti number: edges - nodes + components.

        Three nodes that share rows two by two count as one, whether or not a row is in all three; see :meth:`nerve`.
        """
        return len(self.edges) - len(self.names) + self.components

    @cached_property
    def node_lens(self) -> Floats | None:
        """(nodes, dimensions): the mean lens values of each node's rows; None where the graph keeps no lens."""
        if self.lens is None:
            return None
        return np.asarray((self.incidence.T @ self.lens) / self.sizes[:, None], dtype=np.float64)

    def nerve(self, max_dimension: int = 2, min_intersection: int | None = None) -> list[Numbers]:
        """Sets of nodes with rows in common: for each dimension k up to `max_dimension`, (count, k + 1) node numbers.

        Each set is ascending, and so are the sets. It takes `min_intersection` rows that all k + 1 nodes share, as
        many as for an edge unless said otherwise; dimension 1 then holds the edges. The list ends at the last
        dimension that has any.
        """
        least = self.min_intersection if min_intersection is None else min_intersection
        return nerve(self.incidence.astype(np.int64, copy=False), max_dimension, least)

    def simplices(self, dimension: int, min_intersection: int | None = None) -> Numbers:
        """The sets of `dimension` + 1 nodes of the :meth:`nerve`, (count, dimension + 1), ascending."""
        found = self.nerve(dimension, min_intersection)
        return found[dimension] if dimension < len(found) else np.empty((0, dimension + 1), dtype=np.int64)

    def __repr__(self) -> str:
        return (
            f"MapperGraph({len(self.names)} nodes, {len(self.edges)} edges, {self.n_rows} rows "
            f"of which {len(self.noise)} in no node)"
        )

    @classmethod
    def from_kmapper(cls, graph: Mapping[str, Any], n_rows: int, eps: float | None = None) -> Self:
        """The graph of a kmapper dictionary; its links are found again from its nodes.

        `n_rows` counts all rows, since the dictionary does not know those in no node. How many rows a link takes is
        read from ``nerve_min_intersection`` in its meta_data, 1 where it is not there. Warns where the links that it
        has are others. Raises GeomsimError for a row that does not exist, or is listed twice.
        """
        if "nodes" not in graph:
            raise GeomsimError(f"a dictionary of kmapper has the key 'nodes', got {sorted(map(str, graph))}")
        meta_data = dict(graph.get("meta_data", {}))
        found = cls(
            incidence_of(graph["nodes"], n_rows),
            tuple(map(str, graph["nodes"])),
            eps,
            meta_data,
            min_intersection=meta_data.get("nerve_min_intersection", 1),
        )
        if graph.get("links"):
            links = ((str(first), str(second)) for first, others in graph["links"].items() for second in others)
            check_links(links, found.names, found.edges, found.min_intersection)
        return found

    def to_kmapper(self) -> dict[str, Any]:
        """The dictionary that kmapper's own `map` gives, for its visualiser: nodes, links, simplices, meta_data."""
        pairs = [[self.names[first], self.names[second]] for first, second in self.edges.tolist()]
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

    @classmethod
    def from_networkx(cls, graph: Any, n_rows: int | None = None, rows: str = "rows") -> Self:
        """The graph of a ``networkx.Graph`` whose nodes list their rows in the attribute `rows`.

        kmapper's ``to_networkx`` calls it "membership". `n_rows` counts all rows; it may be left out where
        :meth:`to_networkx` made the graph. Nodes are joined by shared rows: warns where the edges are others. Raises
        GeomsimError for a node without the attribute, and for rows that do not exist or are listed twice.
        """
        notes = dict(graph.graph)
        n_rows = notes.get("n_rows") if n_rows is None else n_rows
        if n_rows is None:
            raise GeomsimError("the graph does not say how many rows there are, those in no node included: give n_rows")
        for name, attributes in graph.nodes(data=True):
            if rows not in attributes:
                raise GeomsimError(
                    f"node {name!r} has no attribute {rows!r} with its rows but {sorted(map(str, attributes))}: "
                    "name another one with rows="
                )
        members = dict(graph.nodes(data=rows))
        found = cls(
            incidence_of(members, n_rows),
            tuple(map(str, members)),
            notes.get("eps"),
            dict(notes.get("meta_data", {})),
            notes.get("lens"),
            notes.get("min_intersection", 1),
        )
        check_links(((str(a), str(b)) for a, b in graph.edges()), found.names, found.edges, found.min_intersection)
        return found

    def to_networkx(self) -> Any:
        """A ``networkx.Graph``: nodes by name with their `rows`, edges with `weight`, the number of shared rows.

        ``graph.graph`` holds the rest: n_rows, eps, meta_data, lens, min_intersection.
        """
        try:
            import networkx
        except ImportError:
            raise GeomsimError("to_networkx needs the package networkx: pip install networkx") from None
        graph = networkx.Graph(
            n_rows=self.n_rows,
            eps=self.eps,
            meta_data=dict(self.meta_data),
            lens=self.lens,
            min_intersection=self.min_intersection,
        )
        graph.add_nodes_from((name, {"rows": rows.tolist()}) for name, rows in self.nodes.items())
        graph.add_weighted_edges_from(
            (self.names[first], self.names[second], weight)
            for (first, second), weight in zip(self.edges.tolist(), self.weights.tolist(), strict=True)
        )
        return graph

    def to_json(self, path: str | Path) -> None:
        """Write the graph to a file that :meth:`from_json` reads, numbers to the last bit; tuples become lists.

        Raises GeomsimError for entries of meta_data that JSON has no word for.
        """
        fields = {
            "n_rows": self.n_rows,
            "nodes": self.nodes,
            "eps": self.eps,
            "min_intersection": self.min_intersection,
            "meta_data": self.meta_data,
            "lens": self.lens,
        }
        write_json(path, fields)

    @classmethod
    def from_json(cls, path: str | Path) -> Self:
        """The graph that :meth:`to_json` wrote. Raises GeomsimError that says what is wrong with the file."""
        read = read_json(path)
        try:
            lens = None if read["lens"] is None else _numbers(read["lens"], read["n_rows"])
            return cls(
                incidence_of(read["nodes"], read["n_rows"]),
                tuple(read["nodes"]),
                read["eps"],
                read["meta_data"],
                lens,
                read["min_intersection"],
            )
        except GeomsimError as error:
            raise error.within(str(path)) from None


def _numbers(values: list[Any], n_rows: int) -> Floats:
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise GeomsimError("the lens has rows of different lengths, or entries that are no numbers") from None
    return found if n_rows else found.reshape(0, 1)
