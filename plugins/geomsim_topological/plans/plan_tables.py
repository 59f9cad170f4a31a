"""What a transport plan between the nodes of two graphs says, as tables: cells, partners, splits, merges, edges.

A plan is (left nodes, right nodes), sparse or dense, not negative; it need not use all mass. Tables are columns by
name, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim_topological.graphs.graph import MapperGraph

Floats = NDArray[np.float64]
Plan = sparse.csr_matrix | NDArray[np.float64]
Side = Literal["left", "right"]
Table = dict[str, list[Any]]

# Mass below this is what rounding leaves in a solver's plan.
_DUST = 1e-12
# Plan cells whose distances are compared with all others at a time.
_TOGETHER = 256


def as_sparse(plan: Plan) -> sparse.csr_matrix:
    """The plan as CSR with sorted indices, without cells of less than 1e-12, which are rounding."""
    found = sparse.csr_matrix(plan, dtype=np.float64)
    if found.nnz and found.data.min() < _DUST:
        found = found.copy()
        found.data[found.data < _DUST] = 0.0
        found.eliminate_zeros()
    return found if found.has_sorted_indices else found.sorted_indices()


def largest_cells(
    plan: Plan,
    left_names: Sequence[str],
    right_names: Sequence[str],
    *,
    top: int | None = None,
    beside: Mapping[str, Plan] | None = None,
) -> Table:
    """The cells with most mass, largest first: left node, right node, mass, and what stands `beside` at each.

    `beside` holds matrices of the plan's shape by the name of their column. `top` None takes all cells.

    >>> largest_cells(np.array([[0.5, 0.0], [0.2, 0.3]]), ["a", "b"], ["x", "y"], top=2)
    {'left node': ['a', 'b'], 'right node': ['x', 'y'], 'mass': [0.5, 0.3]}
    """
    cells = as_sparse(plan).tocoo()
    largest = np.argsort(-cells.data, kind="stable")[:top]
    k, m = cells.row[largest], cells.col[largest]
    found: Table = {
        "left node": [left_names[node] for node in k],
        "right node": [right_names[node] for node in m],
        "mass": cells.data[largest].tolist(),
    }
    for name, values in (beside or {}).items():
        found[name] = np.asarray(values[k, m]).ravel().tolist()
    return found


def best_partner(plan: Plan, side: Side = "left") -> NDArray[np.int64]:
    """For each node of a side the node of the other that gets most of its mass, the first of equals; -1 without mass.

    >>> best_partner(np.array([[0.1, 0.4], [0.0, 0.0]])).tolist()
    [1, -1]
    """
    found = _seen_from(plan, side)
    held = np.diff(found.indptr) > 0
    best = np.full(found.shape[0], -1, dtype=np.int64)
    best[held] = np.asarray(found[held].argmax(axis=1)).ravel()
    return best


def partners(plan: Plan, left_names: Sequence[str], right_names: Sequence[str], side: Side = "left") -> Table:
    """For each node of a side its best partner on the other, the partner's share, and the entropy of all shares.

    Shares are parts of the mass that the node has in the plan. The entropy is in bits, 0 where all of it goes to one
    node. A node without mass in the plan has no partner (None), share and entropy 0.

    >>> partners(np.array([[0.25, 0.25], [0.0, 0.5]]), ["a", "b"], ["x", "y"])["entropy (bits)"]
    [1.0, 0.0]
    """
    found = _seen_from(plan, side)
    (own, own_names), (other, other_names) = _sides(left_names, right_names, side)
    best = best_partner(found)
    mass = np.asarray(found.sum(axis=1)).ravel()
    shares = found.data / np.repeat(mass, np.diff(found.indptr))
    bits = np.zeros(len(mass))
    np.add.at(bits, np.repeat(np.arange(len(mass)), np.diff(found.indptr)), -shares * np.log2(shares))
    largest = np.zeros(len(mass))
    held = best >= 0
    largest[held] = np.asarray(found[held].max(axis=1).todense()).ravel() / mass[held]
    return {
        f"{own} node": list(own_names),
        f"best {other} node": [other_names[node] if node >= 0 else None for node in best],
        "share of mass": largest.tolist(),
        "entropy (bits)": np.abs(bits).tolist(),
    }


def splits(
    plan: Plan, left_names: Sequence[str], right_names: Sequence[str], side: Side = "left", least: float = 0.1
) -> Table:
    """Nodes of a side whose mass goes to several nodes of the other, a line for each part, largest first.

    A part is at least the share `least` of the mass that the node has in the plan. Nodes of the right side that
    take mass from several left ones, ``side="right"``, are merges.

    >>> splits(np.array([[0.3, 0.2], [0.5, 0.0]]), ["a", "b"], ["x", "y"])
    {'left node': ['a', 'a'], 'right node': ['x', 'y'], 'share of mass': [0.6, 0.4]}
    >>> splits(np.array([[0.3, 0.2], [0.5, 0.0]]), ["a", "b"], ["x", "y"], side="right")["left node"]
    ['b', 'a']
    """
    found = _seen_from(plan, side)
    (own, own_names), (other, other_names) = _sides(left_names, right_names, side)
    mass = np.asarray(found.sum(axis=1)).ravel()
    cells = found.tocoo()
    shares = cells.data / mass[cells.row]
    part = shares >= least
    several = np.bincount(cells.row[part], minlength=len(mass)) > 1
    kept = np.flatnonzero(part & several[cells.row])
    kept = kept[np.lexsort((-shares[kept], cells.row[kept]))]
    return {
        f"{own} node": [own_names[node] for node in cells.row[kept]],
        f"{other} node": [other_names[node] for node in cells.col[kept]],
        "share of mass": shares[kept].tolist(),
    }


def tables_of_nodes(plan: Plan, left_names: Sequence[str], right_names: Sequence[str]) -> dict[str, Table]:
    """*partners* and *partners right* (:func:`partners`), *splits* and *merges* (:func:`splits`), by these names."""
    return {
        "partners": partners(plan, left_names, right_names),
        "partners right": partners(plan, left_names, right_names, side="right"),
        "splits": splits(plan, left_names, right_names),
        "merges": splits(plan, left_names, right_names, side="right"),
    }


@dataclass(frozen=True, eq=False)
class EdgesPreserved:
    """What becomes of the edges of a graph when its nodes are replaced by their best partners.

    An edge is *kept* where the partners of its ends are joined, *collapsed* where they are one node, and preserved if
    either. An edge with an end that has no partner is not preserved.
    """

    edges: NDArray[np.int64]  # (edges, 2)
    weights: NDArray[np.int64]  # (edges,), rows that the ends share
    kept: NDArray[np.bool_]
    collapsed: NDArray[np.bool_]

    @property
    def preserved(self) -> NDArray[np.bool_]:
        """(edges,): kept or collapsed."""
        return np.asarray(self.kept | self.collapsed)

    @property
    def share(self) -> float | None:
        """The share of edges that are preserved, in [0, 1]; None without edges."""
        return float(self.preserved.mean()) if len(self.edges) else None

    @property
    def weighted_share(self) -> float | None:
        """Likewise, an edge counting as often as its ends share rows."""
        return float(np.average(self.preserved, weights=self.weights)) if len(self.edges) else None

    def table(self, names: Sequence[str]) -> Table:
        """A line for each edge: its ends, the rows they share, whether it is kept, whether collapsed."""
        return {
            "first node": [names[node] for node in self.edges[:, 0]],
            "second node": [names[node] for node in self.edges[:, 1]],
            "shared rows": self.weights.tolist(),
            "kept": self.kept.tolist(),
            "collapsed": self.collapsed.tolist(),
        }


def edges_preserved(plan: Plan, left: MapperGraph, right: MapperGraph, side: Side = "left") -> EdgesPreserved:
    """Which edges of a side's graph the other graph has between the best partners of their ends.

    >>> left = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2], "c": [2, 3]}}, n_rows=4)
    >>> right = MapperGraph.from_kmapper({"nodes": {"x": [0, 1], "y": [1, 2], "z": [3]}}, n_rows=4)
    >>> found = edges_preserved(np.eye(3) / 3, left, right)
    >>> found.preserved.tolist(), found.share
    ([True, False], 0.5)
    """
    own, other = (left, right) if side == "left" else (right, left)
    best = best_partner(plan, side)
    joined = _adjacency(other)
    edges = own.edges
    first, second = best[edges[:, 0]], best[edges[:, 1]]
    both = (first >= 0) & (second >= 0)
    kept = np.zeros(len(edges), dtype=bool)
    if both.any():
        kept[both] = np.asarray(joined[first[both], second[both]]).ravel() > 0
    same = both & (first == second)
    return EdgesPreserved(edges, own.weights, kept, same)


def edge_facts(plan: Plan, left: MapperGraph, right: MapperGraph) -> dict[str, float | int | str]:
    """The shares of the edges of either graph that are preserved, plain and weighted; none of a graph without edges."""
    facts: dict[str, float | int | str] = {}
    sides: tuple[Side, ...] = ("left", "right")
    for side in sides:
        found = edges_preserved(plan, left, right, side)
        if found.share is not None and found.weighted_share is not None:
            facts |= {f"edges preserved {side}": found.share, f"edges preserved {side}, weighted": found.weighted_share}
    return facts


def hops(graph: MapperGraph) -> Floats:
    """The number of edges on the shortest way between any two nodes, (nodes, nodes); infinite between components."""
    found: Floats = sparse.csgraph.shortest_path(_adjacency(graph), directed=False, unweighted=True)
    np.fill_diagonal(found, 0.0)
    return found


@dataclass(frozen=True, eq=False)
class Distortion:
    """Mean change of each node's distances to the others, in edges."""

    left: Floats
    right: Floats
    cap: float | None
    """What was taken for the infinite distance between components; None where there is none."""


def distortion(plan: Plan, left_hops: Floats, right_hops: Floats) -> Distortion:
    r"""How much each node's distances to the others change under a plan.

    .. math:: \delta_k = \frac{1}{m_k m} \sum_{l, k', l'} P_{kl} P_{k'l'} \, |d_{kk'} - d'_{ll'}|, \qquad
        m_k = \sum_l P_{kl}, \; m = \sum_{kl} P_{kl}

    the mean change when both the node and the other one are sent where the plan sends them; 0 for an isometry, and for
    a node without mass in the plan. Distances between components, which are infinite, are taken as twice the largest
    finite distance of either graph, the same for both.
    """
    finite = max(float(d[np.isfinite(d)].max(initial=0.0)) for d in (left_hops, right_hops))
    cap = 2.0 * max(finite, 1.0)
    capped = not (np.isfinite(left_hops).all() and np.isfinite(right_hops).all())
    d, e = np.minimum(left_hops, cap), np.minimum(right_hops, cap)
    found = as_sparse(plan)
    cells = found.tocoo()
    change = np.zeros(len(cells.data))
    for start in range(0, len(change), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        moved = np.abs(d[cells.row[some]][:, cells.row] - e[cells.col[some]][:, cells.col])
        change[some] = moved @ cells.data
    total = float(cells.data.sum())
    sides = []
    for nodes, count in ((cells.row, found.shape[0]), (cells.col, found.shape[1])):
        mass = np.bincount(nodes, weights=cells.data, minlength=count)
        summed = np.bincount(nodes, weights=cells.data * change, minlength=count)
        sides.append(np.divide(summed, mass * total, out=np.zeros(count), where=mass > 0))
    return Distortion(sides[0], sides[1], cap if capped else None)


def _adjacency(graph: MapperGraph) -> sparse.csr_matrix:
    """(nodes, nodes), 1.0 where two nodes are joined."""
    first, second = np.concatenate([graph.edges, graph.edges[:, ::-1]]).T
    size = len(graph.names)
    return sparse.csr_matrix((np.ones(len(first)), (first, second)), shape=(size, size))


def _seen_from(plan: Plan, side: Side) -> sparse.csr_matrix:
    found = as_sparse(plan)
    return found if side == "left" else found.T.tocsr()


def _sides(
    left_names: Sequence[str], right_names: Sequence[str], side: Side
) -> tuple[tuple[str, Sequence[str]], tuple[str, Sequence[str]]]:
    left, right = ("left", left_names), ("right", right_names)
    return (left, right) if side == "left" else (right, left)
