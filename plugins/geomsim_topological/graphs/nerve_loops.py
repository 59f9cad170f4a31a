"""The shortest independent loops of a complex of nodes, edges and filled triangles, over the field of two elements."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]


def shortest_loops(n_nodes: int, edges: Integers, lengths: Integers, triangles: Integers) -> list[Integers]:
    r"""A basis of the first homology of least total length: closed paths of which none is a sum of filled triangles
    and others.

    .. math:: \min \sum_{i=1}^{\beta_1} \ell(z_i), \quad [z_1], \dots, [z_{\beta_1}] \text{ a basis of } H_1(K; Z_2)

    Parameters
    ----------
    n_nodes
        number of nodes, of which some may have no edge.
    edges
        (edges, 2) node numbers, the smaller one first, in ascending order, each pair once.
    lengths
        (edges,) whole numbers, at least 1; whole, so that no sum depends on the order of its terms. The length of a
        shortest path has to stay below 2^53.
    triangles
        (triangles, 3) node numbers, ascending, whose three edges are all there. Without any, the result is a minimum
        cycle basis of the graph.

    Returns the nodes of each loop along it, the shortest loop first. Loops of such a basis are found among those made
    of the shortest paths from one node to both ends of an edge (Horton 1987; with triangles, Erickson and Whittlesey
    2005): these are gone through from short to long, and taken where independent of those before. Independence is read
    off annotations, a few bits to each edge whose sum over a loop tells its class (Busaryev et al. 2012).

    Where no two paths are equally long, the result does not depend on how nodes are numbered.

    >>> square = np.array([[0, 1], [0, 3], [1, 2], [1, 3], [2, 3]])  # with one diagonal
    >>> [sorted(loop.tolist()) for loop in shortest_loops(4, square, np.ones(5, dtype=int), np.array([[1, 2, 3]]))]
    [[0, 1, 3]]
    """
    notes, count = _annotations(n_nodes, edges, triangles)
    if not count:
        return []
    weights = sparse.csr_matrix((lengths.astype(np.float64), (edges[:, 0], edges[:, 1])), shape=(n_nodes, n_nodes))
    distances, before = dijkstra(weights, directed=False, return_predecessors=True)
    loops: list[Integers] = []
    basis: dict[int, int] = {}
    for source, edge, note in _candidates(edges, lengths, notes, distances, before):
        while note and note.bit_length() in basis:
            note ^= basis[note.bit_length()]
        if note:
            basis[note.bit_length()] = note
            loops.append(_along(before[source], int(edges[edge, 0]), int(edges[edge, 1])))
            if len(loops) == count:
                break
    return loops


def _annotations(n_nodes: int, edges: Integers, triangles: Integers) -> tuple[Words, int]:
    """For each edge its bits, (edges, words), and how many of them mean something: the number of loops.

    Edges of a spanning forest have none. Every other edge stands for the loop that it closes; each triangle says that
    the sum of three of these is no loop, which is solved for one of them.
    """
    numbers = np.arange(1, len(edges) + 1)
    forest = minimum_spanning_tree(sparse.csr_matrix((numbers, (edges[:, 0], edges[:, 1])), shape=(n_nodes, n_nodes)))
    closing = np.setdiff1d(numbers, forest.data.astype(np.int64)) - 1
    bit = [0] * len(edges)
    for place, edge in enumerate(closing.tolist()):
        bit[edge] = 1 << place
    solved: dict[int, int] = {}
    sides = [_edge_numbers(edges, n_nodes, triangles[:, pair]).tolist() for pair in ([0, 1], [0, 2], [1, 2])]
    for one, two, three in zip(*sides, strict=True):
        note = bit[one] ^ bit[two] ^ bit[three]
        while note:
            other = solved.get(note.bit_length() - 1)
            if other is None:
                solved[note.bit_length() - 1] = note
                break
            note ^= other
    for place in sorted(solved):
        note = solved[place] ^ (1 << place)
        for lower in _ones(note):
            if lower in solved:
                note ^= solved[lower]  # in which no other bit is solved any more
        solved[place] = note ^ (1 << place)
    free = {place: number for number, place in enumerate(p for p in range(len(closing)) if p not in solved)}
    width = max(1, -(-len(free) // 64))
    notes = np.zeros((len(edges), width), dtype=np.uint64)
    for place, edge in enumerate(closing.tolist()):
        places = [place] if place in free else [lower for lower in _ones(solved[place]) if lower != place]
        note = sum(1 << free[each] for each in places)
        notes[edge] = np.frombuffer(note.to_bytes(8 * width, "little"), dtype="<u8")
    return notes, len(free)


def _ones(bits: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _edge_numbers(edges: Integers, n_nodes: int, pairs: Integers) -> Integers:
    """Where pairs of nodes, in any order, stand among the edges."""
    codes = edges[:, 0] * n_nodes + edges[:, 1]
    return np.asarray(np.searchsorted(codes, pairs.min(axis=1) * n_nodes + pairs.max(axis=1)), dtype=np.int64)


def _candidates(
    edges: Integers, lengths: Integers, notes: Words, distances: NDArray[np.float64], before: NDArray[np.int32]
) -> Iterator[tuple[int, int, int]]:
    """Source, closing edge and bits of the shortest loop of each class that has candidates, from short to long."""
    found: list[tuple[Integers, Words]] = []
    for source in range(len(distances)):
        to_node = _path_notes(source, edges, notes, before[source])
        of_edge = to_node[edges[:, 0]] ^ to_node[edges[:, 1]] ^ notes
        closes = np.flatnonzero(of_edge.any(axis=1) & np.isfinite(distances[source][edges[:, 0]]))
        long = distances[source][edges[closes]].sum(axis=1).astype(np.int64) + lengths[closes]
        found.append(_shortest_of_class(np.column_stack([long, np.full(len(closes), source), closes]), of_edge[closes]))
    which, of_edge = _shortest_of_class(
        np.concatenate([each for each, _ in found]), np.concatenate([bits for _, bits in found])
    )
    for number in np.lexsort(which.T[::-1]).tolist():
        yield (
            int(which[number, 1]),
            int(which[number, 2]),
            int.from_bytes(of_edge[number].astype("<u8").tobytes(), "little"),
        )


def _shortest_of_class(which: Integers, bits: Words) -> tuple[Integers, Words]:
    """Of rows with equal bits the one whose `which` (length, source, edge) comes first."""
    order = np.lexsort([*which.T[::-1], *bits.T])
    kept = order[np.append(True, (bits[order[1:]] != bits[order[:-1]]).any(axis=1))[: len(order)]]
    return which[kept], bits[kept]


def _path_notes(source: int, edges: Integers, notes: Words, before: NDArray[np.int32]) -> Words:
    """The bits of the shortest path from the source to each node, (nodes, words), by doubling steps."""
    step = np.where(before < 0, np.arange(len(before)), before).astype(np.int64)
    to_node = np.zeros((len(before), notes.shape[1]), dtype=np.uint64)
    reached = np.flatnonzero(before >= 0)
    to_node[reached] = notes[_edge_numbers(edges, len(before), np.column_stack([reached, step[reached]]))]
    while (step[reached] != source).any():
        to_node ^= to_node[step]
        step = step[step]
    return to_node


def _along(before: NDArray[np.int32], first: int, second: int) -> Integers:
    """The nodes of the loop from a source to `first`, over the edge to `second`, and back."""
    paths: list[list[int]] = []
    for end in (first, second):
        path = [end]
        while before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        paths.append(path[::-1])
    return np.array(paths[0] + paths[1][:0:-1], dtype=np.int64)
