"""Components as trees of positions, for compiled loops (Tarjan 1975). Import it late: it imports numba."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled

Parents = NDArray[Any]  # whole numbers: the parent of each position, a root being its own


@compiled
def find(parent: Parents, position: int) -> int:
    """The root of a position; paths are halved on the way."""
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = parent[position]
    return position


@compiled
def unite(parent: Parents, first: int, second: int) -> None:
    """Put two positions into one component; its root is the smallest of its positions."""
    first, second = find(parent, first), find(parent, second)
    if first < second:
        parent[second] = first
    else:
        parent[first] = second
