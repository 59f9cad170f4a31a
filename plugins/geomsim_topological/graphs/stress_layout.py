r"""Places of the nodes of a connected graph by stress: distances on the page come close to numbers of edges.

.. math:: \sum_{i < j} d_{ij}^{-2} \, (\lVert x_i - x_j \rVert - d_{ij})^2

for places :math:`x_i` and the number of edges :math:`d_{ij}` on the shortest way between two nodes (Kamada and Kawai
1989), found by stochastic gradient descent, pair by pair (Zheng, Pawar and Goodman 2019, "Graph drawing by stochastic
gradient descent"). Beyond 1,000 nodes only edges and distances to some *pivots* are looked at, a pivot weighing as much
as the nodes that it stands for (Ortmann, Klimenta and Brandes 2017, "A sparse stress model"), so that time grows with
the number of nodes. Pivots are far from each other, and the descent begins at the classical scaling of distances to
them (Brandes and Pich 2006, "Eigensolver methods for progressive multidimensional scaling of large data").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_ALL_PAIRS = 1_000  # nodes
_PIVOTS = 200
_ROUNDS = 30
_LAST_STEP = 0.1  # of the way that an edge would have to go
_JITTER = 0.05  # of an edge: nodes with the same distances to all others must come apart


def stress_layout(edges: Numbers, n_nodes: int, seed: int = 0) -> Floats:
    """Places (nodes, 2) for nodes 0 to `n_nodes` - 1 that edges (edges, 2) connect, in units of about an edge.

    The same for the same graph and seed.
    """
    joined = sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(n_nodes, n_nodes))
    joined = joined + joined.T
    pivots, distances = _distances(joined, n_nodes if n_nodes <= _ALL_PAIRS else _PIVOTS)
    random = np.random.default_rng(seed)
    places = _classical(distances) + _JITTER * random.normal(size=(n_nodes, 2))
    terms = _all_pairs(distances) if len(pivots) == n_nodes else _with_pivots(edges, pivots, distances)
    return _descended(places, terms, random)


@dataclass(frozen=True, eq=False)
class _Terms:
    """Pairs of nodes, how far apart they should be, and how much each of the two minds."""

    ends: Numbers  # (terms, 2)
    lengths: Floats
    weights: Floats  # (terms, 2)


def _distances(joined: sparse.csr_matrix, count: int) -> tuple[Numbers, Floats]:
    """Pivots, each farthest from those before it, and the number of edges from each node to each, (nodes, pivots)."""
    shortest: Any = sparse.csgraph.dijkstra  # its stubs ask for a list of sources
    if count >= joined.shape[0]:
        return np.arange(joined.shape[0]), shortest(joined, unweighted=True)
    pivots = [int(np.argmax(np.diff(joined.indptr)))]
    columns = [shortest(joined, unweighted=True, indices=pivots[0])]
    nearest = columns[0].copy()
    while len(pivots) < count:
        pivots.append(int(np.argmax(nearest)))
        columns.append(shortest(joined, unweighted=True, indices=pivots[-1]))
        np.minimum(nearest, columns[-1], out=nearest)
    return np.array(pivots), np.column_stack(columns)


def _classical(distances: Floats) -> Floats:
    """Two coordinates along the largest singular directions of the doubly centred squares of (nodes, pivots)."""
    squares = distances**2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean())
    values, directions = np.linalg.eigh(centred.T @ centred)
    # Signs are those of no eigensolver, so that they do not depend on it.
    chosen = directions[:, ::-1][:, :2]
    chosen = chosen * np.where(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])] < 0, -1.0, 1.0)
    found = centred @ chosen
    # With all nodes as pivots the lengths are those of classical scaling: eigenvector times root of eigenvalue.
    lengths = np.sqrt(np.sqrt(np.maximum(values[::-1][:2], 0.0))) * (distances.shape[0] / distances.shape[1]) ** 0.25
    norms = np.linalg.norm(found, axis=0)
    return np.asarray(found * np.divide(lengths, norms, out=np.zeros(len(norms)), where=norms > 0), dtype=np.float64)


def _all_pairs(distances: Floats) -> _Terms:
    ends = np.column_stack(np.triu_indices(len(distances), 1)).astype(np.int64)
    lengths = distances[ends[:, 0], ends[:, 1]]
    return _Terms(ends, lengths, np.repeat(lengths[:, None] ** -2.0, 2, axis=1))


def _with_pivots(edges: Numbers, pivots: Numbers, distances: Floats) -> _Terms:
    """Edges, both ends minding, and each node with each pivot that is no neighbour, the node alone minding."""
    region = distances.argmin(axis=1)
    stood_for = np.empty_like(distances)
    for number in range(len(pivots)):
        # How many of the pivot's own nodes are at most half as far from it as the node is: it stands for those.
        own = np.sort(distances[region == number, number])
        stood_for[:, number] = np.searchsorted(own, distances[:, number] / 2.0, side="right")
    node, place = np.nonzero(distances > 1.0)
    lengths = distances[node, place]
    weights = np.zeros((len(node), 2))
    weights[:, 0] = stood_for[node, place] / lengths**2
    return _Terms(
        np.concatenate([edges, np.column_stack([node, pivots[place]])]).astype(np.int64),
        np.concatenate([np.ones(len(edges)), lengths]),
        np.concatenate([np.ones((len(edges), 2)), weights]),
    )


def _descended(places: Floats, terms: _Terms, random: np.random.Generator) -> Floats:
    """The places after all rounds; steps fall geometrically, from those that mend any pair to a tenth of an edge's."""
    from geomsim_topological.kernels.stress_kernels import move_nodes

    weighty = terms.weights[terms.weights > 0]
    steps = np.geomspace(1.0 / weighty.min(), _LAST_STEP / weighty.max(), _ROUNDS)
    for step in steps.tolist():
        move_nodes(places, terms.ends, terms.lengths, terms.weights, random.permutation(len(terms.ends)), step)
    return places
