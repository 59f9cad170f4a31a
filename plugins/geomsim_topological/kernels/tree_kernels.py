"""The compiled loop that joins two spanning trees into one. Import it late: it imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.union_kernels import find

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@compiled
def tree_of_both(
    left_edges: Numbers,
    left_lengths: Floats,
    right_edges: Numbers,
    right_lengths: Floats,
    orders: Numbers,
    kept: NDArray[np.bool_],
) -> Floats:
    """For each order, the length of the minimum spanning tree of all edges of both trees (Kruskal 1956).

    Edges (edges, 2) and their lengths, rising; right row ``orders[draw, i]`` is left row i. Of equally long edges those
    of the left tree come first. `kept` (left edges + right edges) is left marked with the edges of the last draw.
    """
    draws, n_rows = orders.shape
    n_edges = len(left_edges)
    totals = np.zeros(draws)
    parent = np.empty(n_rows, dtype=np.int64)
    left_row = np.empty(n_rows, dtype=np.int64)
    for draw in range(draws):
        for row in range(n_rows):
            parent[row] = row
            left_row[orders[draw, row]] = row
        kept[:] = False
        left = right = joined = 0
        while joined < n_edges:
            from_left = right == n_edges or (left < n_edges and left_lengths[left] <= right_lengths[right])
            if from_left:
                first, second = left_edges[left, 0], left_edges[left, 1]
                length, place = left_lengths[left], left
                left += 1
            else:
                first, second = left_row[right_edges[right, 0]], left_row[right_edges[right, 1]]
                length, place = right_lengths[right], n_edges + right
                right += 1
            first, second = find(parent, first), find(parent, second)
            if first != second:
                parent[first] = second
                totals[draw] += length
                kept[place] = True
                joined += 1
    return totals
