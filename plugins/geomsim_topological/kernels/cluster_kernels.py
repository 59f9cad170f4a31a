"""Clusters of chains of nested sets: grow a set, cluster it, number its clusters. Import it late: it imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.block_kernels import measure_blocks, row_apart, start_blocks
from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.density_kernels import Marks, count_neighbours, join_core_rows
from geomsim_topological.kernels.distance_kernels import (
    BLOCK_ROWS,
    Floats,
    Places,
    Points,
    comes_before,
    distance,
    rough_square,
)
from geomsim_topological.kernels.union_kernels import find, unite

Numbers = NDArray[np.int64]

# Of core rows as near as this share says, the first by coordinates has the border row.
_TIE = 1e-9


@compiled
def _sort_by_coordinates(points: Points, place: Places, positions: Places) -> None:
    """Sort positions by the coordinates of their rows, merging runs of doubling length."""
    count = positions.size
    spare = np.empty(count, dtype=np.int32)
    length = 1
    while length < count:
        for begin in range(0, count, 2 * length):
            middle, end = min(begin + length, count), min(begin + 2 * length, count)
            first, second = begin, middle
            for target in range(begin, end):
                if second >= end or (
                    first < middle and not comes_before(points, place[positions[second]], place[positions[first]])
                ):
                    spare[target] = positions[first]
                    first += 1
                else:
                    spare[target] = positions[second]
                    second += 1
        positions[:] = spare
        length *= 2


@compiled
def _nearest_core_row(
    points: Points,
    row: int,
    place: Places,
    count: Places,
    starts: Places,
    centres: Floats,
    radii: Floats,
    n_blocks: int,
    eps: float,
    min_samples: int,
) -> int:
    """The position of the core row within eps that is nearest, of equally near ones the first by coordinates; or -1."""
    nearest, chosen = np.inf, -1
    for search in range(2):
        # First how far the nearest is, then which row it is.
        reach = eps if search == 0 else nearest * (1 + _TIE)
        for block in range(n_blocks):
            if n_blocks > 1 and row_apart(points, row, centres, radii, block, reach):
                continue
            for i in range(starts[block], starts[block + 1]):
                if count[i] < min_samples or rough_square(points, row, place[i]) > reach * reach * (1 + _TIE):
                    continue
                apart = distance(points, row, place[i])
                if apart > reach:
                    continue
                if search == 0:
                    nearest = min(nearest, apart)
                    reach = min(reach, apart)
                elif chosen < 0 or comes_before(points, place[i], place[chosen]):
                    chosen = i
        if nearest == np.inf:
            return -1
    return chosen


@compiled
def _update_first_rows(points: Points, place: Places, parent: Places, core: Marks, fresh: Marks, first: Places) -> None:
    """Keep, at the root of each component, the position of its first row by coordinates; elsewhere -1."""
    for i in range(place.size):
        if not core[i]:
            continue
        candidate = i if fresh[i] else first[i]
        if candidate < 0:
            continue
        root = find(parent, i)
        if root == i and not fresh[i]:
            continue
        if root != i:
            first[i] = -1
        # A root is the smallest of its positions, so it was met before.
        if first[root] < 0 or comes_before(points, place[candidate], place[first[root]]):
            first[root] = candidate


@compiled
def _number_clusters(
    points: Points,
    place: Places,
    count: Places,
    parent: Places,
    first: Places,  # at roots, the first row of the component
    starts: Places,
    centres: Floats,
    radii: Floats,
    n_blocks: int,
    eps: float,
    min_samples: int,
    labels: Places,
) -> int:
    """A cluster number per position, -1 for noise, clusters in the order of their first core rows; how many there are.

    First is first by coordinates, so that the numbers do not depend on the order of the rows.
    """
    n_clusters = 0
    for i in range(place.size):
        n_clusters += first[i] >= 0
    heads = np.empty(n_clusters, dtype=np.int32)
    found = 0
    for i in range(place.size):
        if first[i] >= 0:
            heads[found] = first[i]
            found += 1
    _sort_by_coordinates(points, place, heads)
    for number in range(n_clusters):
        labels[find(parent, heads[number])] = number
    for i in range(place.size):
        if count[i] >= min_samples:
            labels[i] = labels[find(parent, i)]
    for i in range(place.size):
        if count[i] < min_samples:
            labels[i] = -1
            if count[i] > 1 and n_clusters:
                core = _nearest_core_row(
                    points, place[i], place, count, starts, centres, radii, n_blocks, eps, min_samples
                )
                if core >= 0:
                    labels[i] = labels[core]
    return n_clusters


@compiled
def _put_new_rows(members: Places, known: Places, place: Places) -> int:
    """Write the members that are not known behind the known ones; both are in one order. How many there are then.

    Zero where not all that are known are members.
    """
    if known.size > members.size:
        return 0
    position, met = known.size, 0
    for row in members:
        if met < known.size and known[met] == row:
            met += 1
        elif position < members.size:
            place[position] = row
            position += 1
        else:
            return 0
    return position if met == known.size else 0


@compiled
def cluster_chains(
    points: Points,
    members: Places,  # of all sets, those of each together; all in one order, in which near rows stand together
    starts: Numbers,  # where each set starts in them
    chains: Numbers,  # numbers of sets, each chain together; in it a set should hold all rows of the one before
    chain_starts: Numbers,
    first_chain: int,
    stop_chain: int,
    scales: Floats,  # rising
    min_samples: int,
    rows: Places,  # members, those of each set in another order
    labels: NDArray[np.int32],  # (scales, members): the cluster of each of `rows`, -1 for noise
    n_clusters: Numbers,  # (scales, sets)
    taken_over: Numbers,  # by set: how many of its rows are those of the one before
) -> None:
    """DBSCAN of each set of some chains at each scale.

    A set takes over what is known of the one before it in its chain, and of itself at the scale before. One that does
    not hold all rows of the one before is begun anew.
    """
    left = np.empty((BLOCK_ROWS, points.shape[1]), dtype=points.dtype)
    right = np.empty((BLOCK_ROWS, points.shape[1]), dtype=points.dtype)
    products = np.empty(BLOCK_ROWS * BLOCK_ROWS, dtype=points.dtype)
    n_scales = scales.size
    for chain in range(first_chain, stop_chain):
        sets = chains[chain_starts[chain] : chain_starts[chain + 1]]
        room = 0
        for number in sets:
            room = max(room, starts[number + 1] - starts[number])
        place = np.empty(room, dtype=np.int32)
        count = np.zeros((n_scales, room), dtype=np.int32)
        parent = np.empty((n_scales, room), dtype=np.int32)
        for i in range(room):
            parent[:, i] = i
        core = np.zeros((n_scales, room), dtype=np.uint8)
        fresh = np.empty(room, dtype=np.uint8)
        first = np.full((n_scales, room), -1, dtype=np.int32)
        most_blocks = room // BLOCK_ROWS + sets.size  # each portion ends with a block that may not be full
        begins = np.zeros(most_blocks + 1, dtype=np.int32)
        centres = np.empty((most_blocks, points.shape[1]))
        radii = np.empty(most_blocks)
        known, n_blocks, measured, size = members[:0], 0, 0, 0
        for number in sets:
            here = slice(starts[number], starts[number + 1])
            first_new, before = n_blocks, size
            size = _put_new_rows(members[here], known, place)
            if not size:
                size = _put_new_rows(members[here], known[:0], place)
                before, first_new, n_blocks, measured = 0, 0, 0, 0
                count[:], core[:], first[:] = 0, 0, -1
                for i in range(room):
                    parent[:, i] = i
            taken_over[number] = before
            known = members[here]
            n_blocks = start_blocks(before, size, begins, n_blocks)
            if n_blocks > 1:
                measure_blocks(points, place, begins, measured, n_blocks, centres, radii)
                measured = n_blocks
            rows[here] = place[:size]
            for scale in range(n_scales):
                eps = scales[scale]
                if scale:
                    for i in range(size):
                        if core[scale - 1, i]:
                            count[scale, i] = max(count[scale, i], min_samples)
                count_neighbours(
                    points, place, count[scale], begins, centres, radii, first_new, n_blocks, eps, min_samples,
                    left, right, products,
                )  # fmt: skip
                for i in range(size):
                    fresh[i] = count[scale, i] >= min_samples and not core[scale, i]
                    core[scale, i] |= fresh[i]
                if scale:
                    for i in range(size):
                        if core[scale - 1, i]:
                            unite(parent[scale], i, find(parent[scale - 1], i))
                join_core_rows(
                    points, place, parent[scale], core[scale], fresh, begins, centres, radii, n_blocks, eps,
                    left, right, products,
                )  # fmt: skip
                _update_first_rows(points, place[:size], parent[scale], core[scale], fresh, first[scale])
                n_clusters[scale, number] = _number_clusters(
                    points, place[:size], count[scale], parent[scale], first[scale], begins, centres, radii, n_blocks,
                    eps, min_samples, labels[scale, here],
                )  # fmt: skip
