"""Random graphs with the degrees of a given one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError

_AS_IF_EDGES = 30


def rewired_edges(
    edges: ArrayLike, n_nodes: int, random: np.random.Generator, swaps_per_edge: int = 10
) -> NDArray[np.int64]:
    """The edges of a random graph in which each node has as many neighbours as before.

    A step draws two edges (a, b) and (c, d) and makes them (a, d) and (c, b), where that gives neither a loop nor an
    edge that exists; else everything stays, and the step counts all the same. That is what makes all simple graphs with
    these degrees equally likely in the long run (Fosdick, Larremore, Nishimura and Ugander 2018, "Configuring random
    graph models with fixed degree sequences"); skipping such steps would favour graphs with many swaps.

    Parameters
    ----------
    edges
        (edges, 2): a simple graph, no loops and no edge twice.
    n_nodes
        how many nodes there are.
    random
        where draws come from.
    swaps_per_edge
        steps, for each edge; as many as for 30 edges where there are fewer, since in small graphs few steps change
        anything.

    Returns (edges, 2), row by row what became of the edge that was there, so that lengths may travel with the edges.
    Raises GeomsimError for a graph that is not simple.

    >>> ring = [[0, 1], [1, 2], [2, 3], [0, 3], [4, 5]]
    >>> found = rewired_edges(ring, 6, np.random.default_rng(0))
    >>> np.bincount(found.ravel()).tolist()
    [2, 2, 2, 2, 1, 1]
    """
    given = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    pairs = [(int(first), int(second)) for first, second in np.sort(given, axis=1)]
    present = set(pairs)
    if len(present) != len(pairs) or any(first == second for first, second in pairs):
        raise GeomsimError("a graph is rewired without loops and repeated edges: leave those out")
    if len(given) and (given.min() < 0 or given.max() >= n_nodes):
        raise GeomsimError(f"edges name nodes {given.min()} to {given.max()}, but nodes are 0 to {n_nodes - 1}")
    if swaps_per_edge < 0:
        raise GeomsimError(f"swaps_per_edge is not negative, got {swaps_per_edge}")
    if len(pairs) > 1:
        steps = swaps_per_edge * max(len(pairs), _AS_IF_EDGES)
        firsts = random.integers(len(pairs), size=steps)
        seconds = (firsts + random.integers(1, len(pairs), size=steps)) % len(pairs)
        turned = random.integers(4, size=steps)
        for one, other, turn in zip(firsts.tolist(), seconds.tolist(), turned.tolist(), strict=True):
            # Either end of either edge may stay: lengths, too, then end on any edge with equal chance.
            a, b = pairs[one] if turn & 1 else pairs[one][::-1]
            c, d = pairs[other] if turn & 2 else pairs[other][::-1]
            swapped = (min(a, d), max(a, d)), (min(b, c), max(b, c))
            if a == d or b == c or swapped[0] in present or swapped[1] in present:
                continue
            present -= {pairs[one], pairs[other]}
            present |= set(swapped)
            pairs[one], pairs[other] = swapped
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
