"""Shortest paths in a graph, with a finite distance between its components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geomsim import GeomsimError

Floats = NDArray[np.float64]

_LONGEST_EDGE = 1.0  # Jaccard's distance of two nodes that share no row
_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Geodesics:
    """Distances of all pairs of nodes, (nodes, nodes), symmetric and finite."""

    distances: Floats
    components: int
    capped: int  # pairs of nodes in different components
    cap: float  # their distance; 0 where there is no such pair


def geodesics(edges: ArrayLike, lengths: ArrayLike, n_nodes: int) -> Geodesics:
    """Lengths of the shortest paths (Dijkstra 1959); twice the largest finite one between components.

    Parameters
    ----------
    edges
        (edges, 2): numbers of two different nodes; of repeated edges the shortest counts.
    lengths
        (edges,), not negative.
    n_nodes
        how many nodes there are.

    No path joins two components, and a distance without end makes every mean of distances infinite. Twice the largest
    finite distance is farther than anything within a component, and scales as the lengths do. Where no edge has a
    length at all there is nothing to double: then it is 2, twice the longest an edge of a Mapper graph can be.

    Distances are rounded to 12 digits of the largest, so that they do not depend on which end a path was walked from.

    Raises GeomsimError for edges that do not exist and for lengths that are negative or not finite.

    >>> geodesics([[0, 1], [1, 2]], [1.0, 0.5], 4).distances
    array([[0. , 1. , 1.5, 3. ],
           [1. , 0. , 0.5, 3. ],
           [1.5, 0.5, 0. , 3. ],
           [3. , 3. , 3. , 0. ]])
    """
    ends = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    long = np.asarray(lengths, dtype=np.float64).ravel()
    _check(ends, long, n_nodes)
    # Longest first: the last of repeated entries stays. Dense, since sparse graphs take a length of 0 for no edge.
    order = np.argsort(-long, kind="stable")
    weights = np.full((n_nodes, n_nodes), np.inf)
    weights[ends[order, 0], ends[order, 1]] = long[order]
    weights = np.minimum(weights, weights.T)
    graph = sparse.csgraph.csgraph_from_dense(weights, null_value=np.inf)
    distances = np.asarray(sparse.csgraph.dijkstra(graph, directed=False), dtype=np.float64)
    apart = np.isinf(distances)
    np.fill_diagonal(distances, 0.0)
    largest = float(distances[~apart].max(initial=0.0))
    if largest > 0:
        unit = 2.0 ** np.ceil(np.log2(largest))
        distances = np.round(distances / unit, _DIGITS) * unit
    distances = np.minimum(distances, distances.T)
    capped = int(apart.sum()) // 2
    cap = 2.0 * (largest or _LONGEST_EDGE) if capped else 0.0
    distances[apart] = cap
    components = int(sparse.csgraph.connected_components(graph, directed=False)[0]) if n_nodes else 0
    return Geodesics(distances, components, capped, cap)


def _check(ends: NDArray[np.int64], lengths: Floats, n_nodes: int) -> None:
    if len(lengths) != len(ends):
        raise GeomsimError(f"each edge has one length: there are {len(ends)} edges and {len(lengths)} lengths")
    if len(ends) and (ends.min() < 0 or ends.max() >= n_nodes):
        raise GeomsimError(f"edges name nodes {ends.min()} to {ends.max()}, but nodes are 0 to {n_nodes - 1}")
    if len(ends) and not (np.isfinite(lengths).all() and lengths.min() >= 0):
        place = int(np.flatnonzero(~(np.isfinite(lengths) & (lengths >= 0)))[0])
        raise GeomsimError(f"edge {place} has length {lengths[place]}: use lengths that are finite and not negative")
