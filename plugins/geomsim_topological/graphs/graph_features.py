"""What a Mapper graph shows: its components, its loops and its branches, each known by its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.nerve_loops import shortest_loops
from geomsim_topological.graphs.node_nerve import NodeNerve

Integers = NDArray[np.int64]
Kind = Literal["components", "loops", "branches"]
KINDS: tuple[Kind, ...] = ("components", "loops", "branches")


@dataclass(frozen=True, eq=False)
class GraphFeatures:
    """The features of a graph, each as its nodes and its rows; those with most rows first."""

    components: tuple[Integers, ...]
    """The rows of each connected component, ascending."""
    loops: tuple[Integers, ...]
    """The rows in the nodes of each loop, ascending."""
    branches: tuple[Integers, ...]
    """The rows in the nodes of each branch, ascending."""
    loop_nodes: tuple[Integers, ...]
    """The numbers of the nodes along each loop."""
    branch_nodes: tuple[Integers, ...]
    """The numbers of the nodes of each branch, its leaf first."""
    leaves: int
    """Nodes of the skeleton with one neighbour."""
    branch_points: int
    """Nodes of the skeleton with three neighbours or more."""


def graph_features(graph: MapperGraph) -> GraphFeatures:
    r"""Components, loops and branches of a Mapper graph.

    *Component*: a connected component of the graph; its rows are all rows of its nodes.

    *Loop*: a loop of the nerve, in which three nodes with a row in common (or as many as the edges of the graph take)
    fill their triangle, and which nodes inside other nodes have left. There are fewer of these than the ``loops`` of a
    :class:`MapperGraph`, which are the cycles of the graph: where cover sets overlap much or the lens has two
    dimensions, a graph is full of triangles that go around nothing. The loops are a basis of the first homology (over
    two elements) of least total length, an edge being :math:`1 - |c_k \cap c_l| / |c_k \cup c_l|` long, see
    :func:`~geomsim_topological.graphs.nerve_loops.shortest_loops`. The rows of a loop are those of the nodes along it.

    *Branch*: an arm from a leaf up to a branch point, on the skeleton. The skeleton has the nodes of the nerve, and
    those of its edges that are no short cuts: :math:`(u, w)` is one where some node v holds all rows that u and w
    share and is closer to both of them than they are to each other (shares more rows, or as many and has the larger
    Jaccard index). A leaf has one neighbour, a branch point three or more. A branch is a leaf and all nodes from there
    on that have two neighbours, and ends before the branch point; its rows are those of its nodes. A path without a
    branch point has two leaves and no branches.

    All of this depends on the rows of the nodes alone. Only loops of exactly equal length, whose nodes are alike in
    all counts of rows as well, are told apart by row numbers.

    A graph without nodes has no features.

    >>> nodes = {"a": [0, 1], "b": [1, 2], "c": [2, 3], "d": [3, 0], "tail": [3, 4], "end": [4, 5]}
    >>> found = graph_features(MapperGraph.from_kmapper({"nodes": nodes}, n_rows=6))
    >>> [rows.tolist() for rows in found.loops], [rows.tolist() for rows in found.branches], found.leaves
    ([[0, 1, 2, 3]], [[4, 5]], 1)
    """
    nerve = NodeNerve.of(graph)
    count, member = sparse.csgraph.connected_components(nerve.adjacency(), directed=False)
    loop_nodes = shortest_loops(len(nerve.nodes), nerve.edges, nerve.lengths, nerve.triangles)
    arms, leaves, points = _branches(nerve)
    (components, _), (loops, along), (branches, arm_nodes) = (
        _by_rows(nerve, each)
        for each in ([np.flatnonzero(member == number) for number in range(count)], loop_nodes, arms)
    )
    return GraphFeatures(components, loops, branches, along, arm_nodes, leaves, points)


def _by_rows(nerve: NodeNerve, found: Sequence[Integers]) -> tuple[tuple[Integers, ...], tuple[Integers, ...]]:
    """The rows of features, and their nodes as numbers in the graph; most rows first, then by row numbers."""
    rows = [nerve.rows_of(nodes) for nodes in found]
    order = sorted(range(len(found)), key=lambda each: (-len(rows[each]), rows[each].tolist()))
    return tuple(rows[each] for each in order), tuple(nerve.nodes[found[each]] for each in order)


def _branches(nerve: NodeNerve) -> tuple[list[Integers], int, int]:
    """The nodes of each branch from its leaf on, and how many leaves and branch points there are."""
    skeleton = nerve.adjacency(~nerve.short_cuts())
    degrees = np.diff(skeleton.indptr)
    arms = []
    for leaf in np.flatnonzero(degrees == 1).tolist():
        arm, here = [leaf], int(skeleton.indices[skeleton.indptr[leaf]])
        while degrees[here] == 2:
            ahead = skeleton.indices[skeleton.indptr[here] : skeleton.indptr[here + 1]].tolist()
            last, arm = arm[-1], [*arm, here]
            here = int(ahead[0] if ahead[1] == last else ahead[1])
        if degrees[here] > 2:
            arms.append(np.array(arm, dtype=np.int64))
    return arms, int((degrees == 1).sum()), int((degrees > 2).sum())
