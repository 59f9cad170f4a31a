"""Components of a cloud as balls grow: the minimum spanning tree, in tiles, at any number of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_TILE_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class SpanningTree:
    """The edges of a minimum spanning tree, shortest first, and the largest distance of two points."""

    edges: Numbers  # (points - 1, 2)
    lengths: Floats  # (points - 1,), rising: where components merge, the heights of single linkage
    diameter: float


def spanning_tree(points: Floats) -> SpanningTree:
    """A minimum spanning tree of points, (points, width), float64 (Borůvka 1926).

    1. For each row, its nearest row in another component; at first every row is its own.
    2. Each component but the largest is joined along its shortest edge; repeat until one is left.

    A row whose nearest row still is in another component is not searched again, nor is one whose old nearest distance
    is no shorter than the component's best edge. Distances come from matrix products, which cancel; all that might be
    the shortest within the rounding of the product are measured again from differences. Memory is that of a tile; time
    is O(points^2 x width) times the few rounds needed.

    >>> spanning_tree(np.array([[0.0], [1.0], [3.0]])).lengths.tolist()
    [1.0, 2.0]
    """
    n_points = len(points)
    # Around the median: a far row must not make the rounding of all others large.
    cloud = points - np.median(points, axis=0)
    squares = np.einsum("ij,ij->i", cloud, cloud)
    label = np.arange(n_points)
    nearest, distance = np.zeros(n_points, dtype=np.int64), np.zeros(n_points)
    edges: list[tuple[int, int]] = []
    lengths: list[float] = []
    diameter = 0.0
    while len(edges) < n_points - 1:
        if edges:
            settled = label[nearest] != label
            best = np.full(int(label.max()) + 1, np.inf)
            np.minimum.at(best, label[settled], distance[settled])
            largest = np.bincount(label).argmax()
            open_rows = np.flatnonzero(~settled & (label != largest) & (distance < best[label]))
            usable = settled & (label != largest)
        else:
            open_rows, usable = np.arange(n_points), np.zeros(n_points, dtype=bool)
        for rows, partner, apart, widest in _nearest_foreign(cloud, squares, label, open_rows):
            nearest[rows], distance[rows] = partner, apart
            diameter = max(diameter, widest)
        usable[open_rows] = True
        candidates = np.flatnonzero(usable)
        candidates = candidates[np.lexsort([distance[candidates], label[candidates]])]
        shortest = candidates[np.unique(label[candidates], return_index=True)[1]]
        shortest = shortest[np.argsort(distance[shortest], kind="stable")]
        label = _join(label, shortest, nearest, distance, edges, lengths)
    order = np.argsort(lengths, kind="stable")
    return SpanningTree(
        np.array(edges, dtype=np.int64).reshape(-1, 2)[order], np.array(lengths, dtype=np.float64)[order], diameter
    )


def _join(
    label: Numbers,
    shortest: Numbers,
    nearest: Numbers,
    distance: Floats,
    edges: list[tuple[int, int]],
    lengths: list[float],
) -> Numbers:
    """Unite components along their shortest edges, shortest first; the new component number of each row."""
    parent = list(range(int(label.max()) + 1))

    def root(component: int) -> int:
        while parent[component] != component:
            parent[component] = parent[parent[component]]
            component = parent[component]
        return component

    for row in shortest.tolist():
        partner = int(nearest[row])
        here, there = root(int(label[row])), root(int(label[partner]))
        # Two components may name the same edge, and equally long ones may close a cycle.
        if here != there:
            parent[here] = there
            edges.append((row, partner))
            lengths.append(float(distance[row]))
    roots = np.array([root(component) for component in range(len(parent))])
    return np.asarray(np.unique(roots[label], return_inverse=True)[1], dtype=np.int64).ravel()


def _nearest_foreign(
    cloud: Floats, squares: Floats, label: Numbers, rows: Numbers
) -> Iterator[tuple[Numbers, Numbers, Floats, float]]:
    """For tiles of rows: their numbers, nearest row of another component, its distance, and the largest distance."""
    height = max(1, _TILE_BYTES // (8 * len(cloud)))
    # A product of two rows is off by at most this share of half the sum of their squares.
    rounding = (cloud.shape[1] + 8) * float(np.finfo(np.float64).eps)
    for start in range(0, len(rows), height):
        tile = rows[start : start + height]
        # Squared distance less the row's own share, from below.
        low = -2.0 * (cloud[tile] @ cloud.T)
        low += (1.0 - rounding) * squares
        widest = float((low.max(axis=1) + squares[tile]).max())
        low[label[tile][:, None] == label] = np.inf
        bound = (low + 2.0 * rounding * squares).min(axis=1) + 2.0 * rounding * squares[tile]
        which, partner = np.nonzero(low <= bound[:, None])
        exact = _distances(cloud, tile[which], partner)
        order = np.lexsort([exact, which])
        first = order[np.unique(which[order], return_index=True)[1]]
        yield tile, partner[first].astype(np.int64), exact[first], math.sqrt(max(widest, 0.0))


def _distances(cloud: Floats, left: Numbers, right: Numbers) -> Floats:
    """Distances of pairs from differences; many pairs where many are tied, so a few at a time."""
    found = np.empty(len(left))
    step = max(1, _TILE_BYTES // (8 * cloud.shape[1]))
    for start in range(0, len(left), step):
        apart = cloud[left[start : start + step]] - cloud[right[start : start + step]]
        found[start : start + step] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found
