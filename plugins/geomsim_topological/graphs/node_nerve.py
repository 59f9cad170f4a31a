"""The nerve of a Mapper graph without the nodes that lie inside others, and the lengths of its edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.nerve import nerve

Integers = NDArray[np.int64]

_UNIT = 2.0**40  # of an edge of length 1
_TIE = 2**18  # what settles ties is less than a millionth of that
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class NodeNerve:
    """Nodes that lie inside no other node, in an order that follows from their rows, and how they hang together.

    Leaving out a node inside another one to which it is joined changes no component and no loop of the nerve; of nodes
    with equal rows one stays. What takes rows in common takes as many as the graph's edges do, its `min_intersection`.
    """

    nodes: Integers
    """(nodes,) their numbers in the graph: the larger one first, of equally large ones the one with earlier rows."""
    incidence: sparse.csr_matrix
    """(rows, nodes), 1 where the row belongs to the node."""
    edges: Integers
    """(edges, 2) places in `nodes`, ascending."""
    shared: Integers
    """(edges,) rows in common."""
    triangles: Integers
    """(triangles, 3) of nodes with a row in common. Some may be left out that follow from others: where four nodes have
    a row in common, the sides of one of their triangles are the sum of those of the three others."""

    @classmethod
    def of(cls, graph: MapperGraph) -> Self:
        """The nerve of a graph, which may have no nodes."""
        incidence = sparse.csr_matrix(graph.incidence, dtype=np.int64)
        least = graph.min_intersection
        nodes = _outermost(incidence, _order(incidence), least)
        kept = incidence[:, nodes].tocsr().sorted_indices()
        common = sparse.triu(kept.T @ kept, k=1).tocsr().sorted_indices().tocoo()
        joined = common.data >= least
        edges = np.column_stack([common.row, common.col])[joined].astype(np.int64)
        triangles = _triangles(kept) if least == 1 else _simplices(kept, least)
        return cls(nodes, kept, edges, common.data[joined].astype(np.int64), triangles)

    @property
    def sizes(self) -> Integers:
        """(nodes,) rows in each."""
        return np.asarray(self.incidence.sum(axis=0), dtype=np.int64).ravel()

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """(edges,) share of the rows of two nodes that both have."""
        either = self.sizes[self.edges].sum(axis=1) - self.shared
        return np.asarray(self.shared / either)

    @property
    def lengths(self) -> Integers:
        """(edges,) 1 - Jaccard in whole units of 2^-40, each raised by less than a millionth of 1 to settle ties.

        What is added is a number mixed from what the two nodes, their neighbours and theirs have in counts of rows, so
        that it depends on no numbering.
        """
        colour = self.sizes.astype(np.uint64)
        first, second = self.edges.T
        shared = _mixed(self.shared.astype(np.uint64))
        for _ in range(_ROUNDS):
            around = np.zeros_like(colour)
            np.add.at(around, first, _mixed(colour[second] ^ shared))
            np.add.at(around, second, _mixed(colour[first] ^ shared))
            colour = _mixed(_mixed(colour) + around)
        tie = _mixed(colour[first] + colour[second] + shared) % np.uint64(_TIE)
        return np.round((1.0 - self.jaccard) * _UNIT).astype(np.int64) + 1 + tie.astype(np.int64)

    def adjacency(self, chosen: NDArray[np.bool_] | None = None) -> sparse.csr_matrix:
        """(nodes, nodes), 1 where there is an edge, of all edges or of chosen ones."""
        first, second = self.edges.T if chosen is None else self.edges[chosen].T
        half = sparse.csr_matrix((np.ones(len(first)), (first, second)), shape=(len(self.nodes),) * 2)
        return sparse.csr_matrix(half + half.T)

    def short_cuts(self) -> NDArray[np.bool_]:
        """(edges,) whether some node holds all rows that the two share and is closer to both than they to each other.

        Closer is more shared rows, or as many and a larger Jaccard index. Leaving out all short cuts takes no
        component apart: each is replaced by two edges that are closer.
        """
        closeness = list(zip(self.shared.tolist(), self.jaccard.tolist(), strict=True))
        numbers = {pair: number for number, pair in enumerate(map(tuple, self.edges.tolist()))}
        neighbours: list[set[int]] = [set() for _ in self.nodes]
        for first, second in numbers:
            neighbours[first].add(second)
            neighbours[second].add(first)
        columns = self.incidence.tocsc()
        rows = [set(part.tolist()) for part in np.split(columns.indices, columns.indptr[1:-1])]
        found = np.zeros(len(self.edges), dtype=bool)
        for (first, second), number in numbers.items():
            both = rows[first] & rows[second]
            found[number] = any(
                closeness[numbers[min(each, first), max(each, first)]] > closeness[number]
                and closeness[numbers[min(each, second), max(each, second)]] > closeness[number]
                and both <= rows[each]
                for each in neighbours[first] & neighbours[second]
            )
        return found

    def rows_of(self, nodes: Integers) -> Integers:
        """The rows in any of some nodes, ascending."""
        return np.flatnonzero(np.diff(self.incidence[:, nodes].indptr)).astype(np.int64)


def _order(incidence: sparse.csr_matrix) -> Integers:
    """Nodes with rows by size, the largest first; of equally large ones by their rows."""
    columns = incidence.tocsc().sorted_indices()
    parts = [part.tolist() for part in np.split(columns.indices, columns.indptr[1:-1])]
    order = sorted(
        (node for node in range(incidence.shape[1]) if parts[node]), key=lambda n: (-len(parts[n]), parts[n])
    )
    return np.array(order, dtype=np.int64)


def _outermost(incidence: sparse.csr_matrix, order: Integers, least: int) -> Integers:
    """Those of ordered nodes that lie inside no node before them, with `least` rows; none lies inside one behind it."""
    ordered = incidence[:, order]
    common = (ordered.T @ ordered).tocoo()
    sizes = np.asarray(ordered.sum(axis=0)).ravel()
    inside = common.col[(common.data == sizes[common.col]) & (common.row < common.col) & (common.data >= least)]
    return np.delete(order, inside)


def _triangles(incidence: sparse.csr_matrix) -> Integers:
    """Of the nodes of each row, all triangles with the first of them; a row is enough to fill one.

    Rows in the same nodes are looked at once, so that time depends on the nodes and hardly on the rows.
    """
    degrees = np.diff(incidence.indptr)
    found = [np.empty((0, 3), dtype=np.int64)]
    for degree in np.unique(degrees[degrees > 2]).tolist():
        starts = incidence.indptr[:-1][degrees == degree]
        held = np.unique(incidence.indices[starts[:, None] + np.arange(degree)].astype(np.int64), axis=0)
        second, third = np.triu_indices(degree - 1, k=1)
        found.append(
            np.stack([np.repeat(held[:, :1], len(second), axis=1), held[:, 1 + second], held[:, 1 + third]], 2).reshape(
                -1, 3
            )
        )
    return np.unique(np.concatenate(found), axis=0)


def _simplices(incidence: sparse.csr_matrix, least: int) -> Integers:
    """All triangles whose nodes have at least so many rows in common."""
    found = nerve(incidence, 2, least)
    return found[2] if len(found) > 2 else np.empty((0, 3), dtype=np.int64)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number turned into one without pattern: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
