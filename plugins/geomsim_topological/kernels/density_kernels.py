"""DBSCAN of growing sets without a list of pairs: who is core, and which core rows hang together.

A set grows by portions of rows. What is known of the smaller set stays true in the larger one: core rows stay core and
connected rows stay connected, so each portion only looks at its own rows and at those that were not core before.
Import it late: it imports numba.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.block_kernels import blocks_apart, row_apart
from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.distance_kernels import (
    BLOCK_ROWS,
    Floats,
    Places,
    Points,
    distance,
    fill_products,
    fill_side,
    none_within,
    rough_square,
    within,
)
from geomsim_topological.kernels.union_kernels import find, unite

Marks = NDArray[np.uint8]

_FEW = 8  # rows for which a tile does not pay
_NEAREST = 8  # blocks that are looked at before all others
_PROBES = 2  # rows that try to join two blocks before a tile does


@compiled
def bounds_of_square(points: Points, eps: float) -> tuple[float, float]:
    """The square of eps less and plus what rounding can change a squared distance by."""
    rounding = (points.shape[1] + 8) * 2.0**-51
    return eps * eps * (1 - rounding), eps * eps * (1 + rounding)


@compiled
def rounding_of_tile(side: Points) -> tuple[float, float]:
    """What a tile's squared distance can be off by: a share of the two squared lengths, and a constant."""
    if side.itemsize == 4:
        return (side.shape[1] + 8) * 2.0**-21, side.shape[1] * 1e-36
    return (side.shape[1] + 8) * 2.0**-50, side.shape[1] * 1e-300


@compiled
def _count_in_block(
    points: Points,
    place: Places,
    count: Places,
    listed: Places,  # positions of one block that still want neighbours
    n_listed: int,
    starts: Places,
    block: int,
    centres: Floats,
    radii: Floats,
    eps: float,
    min_samples: int,
    left: Points,
    left_squares: Floats,
    left_block: int,  # around whose centre `left` holds the listed rows
    right: Points,
    right_squares: Floats,
    products: Points,
) -> int:
    """Add the neighbours in one block to the counts, and keep in the list who still wants some; how many they are."""
    below, above = bounds_of_square(points, eps)
    begin, end = starts[block], starts[block + 1]
    if n_listed < _FEW:
        for i in range(n_listed):
            row = place[listed[i]]
            if row_apart(points, row, centres, radii, block, eps):
                continue
            found = count[listed[i]]
            for j in range(begin, end):
                found += within(points, row, place[j], eps, below, above)
                if found >= min_samples:
                    break
            count[listed[i]] = found
    else:
        share, constant = rounding_of_tile(left)
        unit = radii[left_block] + radii[block] + eps
        rows = np.empty(BLOCK_ROWS, dtype=np.int32)
        for i in range(n_listed):
            rows[i] = place[listed[i]]
        fill_side(points, rows, n_listed, centres, left_block, unit, left, left_squares)
        fill_side(points, place[begin:end], end - begin, centres, left_block, unit, right, right_squares)
        tile = fill_products(left, right, n_listed, end - begin, products)
        limit = (eps / unit) ** 2
        for i in range(n_listed):
            if none_within(tile[i], left_squares[i], right_squares, limit, share, constant):
                continue
            found = count[listed[i]]
            for j in range(end - begin):
                total = left_squares[i] + right_squares[j]
                square = total - 2.0 * np.float64(tile[i, j])
                rounding = share * total + constant
                if square <= limit - rounding:
                    found += 1
                elif square <= limit + rounding:
                    found += distance(points, rows[i], place[begin + j]) <= eps
                if found >= min_samples:
                    break
            count[listed[i]] = found
    kept = 0
    for i in range(n_listed):
        if count[listed[i]] < min_samples:
            listed[kept] = listed[i]
            kept += 1
    return kept


@compiled
def count_neighbours(
    points: Points,
    place: Places,
    count: Places,  # exact where below min_samples; at least min_samples for core rows
    starts: Places,
    centres: Floats,
    radii: Floats,
    first_new: int,  # the first block of the new portion
    n_blocks: int,
    eps: float,
    min_samples: int,
    left: Points,
    right: Points,
    products: Points,
) -> None:
    """Count the neighbours of new rows among all, and of old ones that are not core among the new ones."""
    below, above = bounds_of_square(points, eps)
    listed = np.empty(BLOCK_ROWS, dtype=np.int32)
    nearest = np.empty(_NEAREST, dtype=np.int32)
    left_squares, right_squares = np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS)
    for block in range(n_blocks):
        begin, end = starts[block], starts[block + 1]
        new = block >= first_new
        n_listed = 0
        for i in range(begin, end):
            found = count[i]
            if new and found < min_samples:
                # From the row itself on, then from the start of the block: each row begins elsewhere.
                j = i
                for _ in range(end - begin):
                    found += within(points, place[i], place[j], eps, below, above)
                    if found >= min_samples:
                        break
                    j = j + 1 if j + 1 < end else begin
                count[i] = found
            if found < min_samples:
                listed[n_listed] = i
                n_listed += 1
        if not n_listed:
            continue
        lowest = 0 if new else first_new
        n_near = _nearest_blocks(centres, block, lowest, n_blocks, nearest)
        for step in range(n_near + n_blocks - lowest):
            other = nearest[step] if step < n_near else lowest + step - n_near
            if step >= n_near and _among(nearest, n_near, other):
                continue
            if other == block or blocks_apart(centres, radii, block, other, eps):
                continue
            n_listed = _count_in_block(
                points, place, count, listed, n_listed, starts, other, centres, radii, eps, min_samples,
                left, left_squares, block, right, right_squares, products,
            )  # fmt: skip
            if not n_listed:
                break


@compiled
def _nearest_blocks(centres: Floats, block: int, first: int, stop: int, nearest: Places) -> int:
    """Fill `nearest` with the blocks from `first` to `stop` whose centres are nearest, nearest first; how many."""
    squares = np.full(nearest.size, np.inf)
    found = 0
    for other in range(first, stop):
        if other == block:
            continue
        square = rough_square(centres, block, other)
        if found == nearest.size and square >= squares[found - 1]:
            continue
        found = min(found + 1, nearest.size)
        rank = found - 1
        while rank > 0 and squares[rank - 1] > square:
            squares[rank], nearest[rank] = squares[rank - 1], nearest[rank - 1]
            rank -= 1
        squares[rank], nearest[rank] = square, other
    return found


@compiled
def _among(places: Places, count: int, place: int) -> bool:
    for i in range(count):  # noqa: SIM110 - compiled code has no generators to spare
        if places[i] == place:
            return True
    return False


@compiled
def _one_component(parent: Places, members: Places, n_members: int) -> bool:
    root = find(parent, members[0])
    for i in range(1, n_members):  # noqa: SIM110 - compiled code has no generators to spare
        if find(parent, members[i]) != root:
            return False
    return True


@compiled
def _try(
    points: Points, place: Places, parent: Places, first: int, second: int, eps: float, below: float, above: float
) -> bool:
    """Unite two positions that are within eps; whether that took a union."""
    if find(parent, first) == find(parent, second):
        return False
    if not within(points, place[first], place[second], eps, below, above):
        return False
    unite(parent, first, second)
    return True


@compiled
def _join_within(
    points: Points, place: Places, parent: Places, fresh: Marks, members: Places, n_members: int, eps: float
) -> int:
    """Unite the core rows of one block that hang together; how many unions that took."""
    below, above = bounds_of_square(points, eps)
    unions = 0
    for i in range(n_members):
        if not fresh[members[i]]:
            continue
        for j in range(n_members):
            # Of two fresh rows the first one has looked.
            if j <= i and fresh[members[j]]:
                continue
            unions += _try(points, place, parent, members[i], members[j], eps, below, above)
        if _one_component(parent, members, n_members):
            break
    return unions


@compiled
def _join_lists(
    points: Points,
    place: Places,
    parent: Places,
    ours: Places,  # positions of core rows, all of one block
    n_ours: int,
    theirs: Places,
    n_theirs: int,
    centres: Floats,
    block: int,  # of ours
    unit: float,
    eps: float,
    left: Points,
    right: Points,
    products: Points,
) -> int:
    """Unite the core rows of two lists that are within eps; how many unions that took."""
    below, above = bounds_of_square(points, eps)
    unions = 0
    few = n_ours * n_theirs <= BLOCK_ROWS
    for i in range(n_ours if few else min(_PROBES, n_ours)):
        for j in range(n_theirs):
            unions += _try(points, place, parent, ours[i], theirs[j], eps, below, above)
    if few or (
        _one_component(parent, ours, n_ours)
        and _one_component(parent, theirs, n_theirs)
        and find(parent, ours[0]) == find(parent, theirs[0])
    ):
        return unions
    rows, others = np.empty(BLOCK_ROWS, dtype=np.int32), np.empty(BLOCK_ROWS, dtype=np.int32)
    left_squares, right_squares = np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS)
    for i in range(n_ours):
        rows[i] = place[ours[i]]
    for j in range(n_theirs):
        others[j] = place[theirs[j]]
    fill_side(points, rows, n_ours, centres, block, unit, left, left_squares)
    fill_side(points, others, n_theirs, centres, block, unit, right, right_squares)
    tile = fill_products(left, right, n_ours, n_theirs, products)
    share, constant = rounding_of_tile(left)
    limit = (eps / unit) ** 2
    for i in range(n_ours):
        if none_within(tile[i], left_squares[i], right_squares, limit, share, constant):
            continue
        for j in range(n_theirs):
            total = left_squares[i] + right_squares[j]
            square = total - 2.0 * np.float64(tile[i, j])
            rounding = share * total + constant
            if square > limit + rounding or find(parent, ours[i]) == find(parent, theirs[j]):
                continue
            if square <= limit - rounding or distance(points, rows[i], others[j]) <= eps:
                unite(parent, ours[i], theirs[j])
                unions += 1
    return unions


@compiled
def _tree_of_blocks(centres: Floats, n_blocks: int) -> tuple[Places, Places]:
    """A minimum spanning tree of the centres of the blocks (Prim 1957), as pairs of blocks."""
    firsts, seconds = np.zeros(max(n_blocks - 1, 0), dtype=np.int32), np.zeros(max(n_blocks - 1, 0), dtype=np.int32)
    away = np.full(n_blocks, np.inf)
    towards = np.zeros(n_blocks, dtype=np.int32)
    done = np.zeros(n_blocks, dtype=np.uint8)
    block = 0
    for pair in range(n_blocks - 1):
        done[block] = 1
        least, chosen = np.inf, -1
        for other in range(n_blocks):
            if not done[other]:
                square = rough_square(centres, block, other)
                if square < away[other]:
                    away[other], towards[other] = square, block
                if chosen < 0 or away[other] < least:
                    least, chosen = away[other], other
        firsts[pair], seconds[pair] = towards[chosen], chosen
        block = chosen
    return firsts, seconds


@compiled
def _join_blocks(
    points: Points,
    place: Places,
    parent: Places,
    fresh: Marks,
    members: Places,
    n_members: Places,
    n_fresh: Places,
    single: Marks,
    starts: Places,
    centres: Floats,
    radii: Floats,
    block: int,
    other: int,
    eps: float,
    left: Points,
    right: Points,
    products: Points,
    near: Places,  # room for BLOCK_ROWS
    far: Places,
) -> int:
    """Unite fresh core rows of one block with core rows of another; how many unions that took."""
    if not n_fresh[block] or not n_members[other] or (other < block and n_fresh[other] == n_members[other]):
        return 0  # of two fresh rows that in the first block looks
    ours, theirs = members[starts[block] :], members[starts[other] :]
    if not single[block]:
        single[block] = _one_component(parent, ours, n_members[block])
    if not single[other]:
        single[other] = _one_component(parent, theirs, n_members[other])
    if single[block] and single[other] and find(parent, ours[0]) == find(parent, theirs[0]):
        return 0
    if blocks_apart(centres, radii, block, other, eps):
        return 0
    n_near, n_far = 0, 0
    for i in range(n_members[block]):
        if fresh[ours[i]] and not row_apart(points, place[ours[i]], centres, radii, other, eps):
            near[n_near] = ours[i]
            n_near += 1
    if not n_near:
        return 0
    for i in range(n_members[other]):
        if other < block and fresh[theirs[i]]:
            continue
        if not row_apart(points, place[theirs[i]], centres, radii, block, eps):
            far[n_far] = theirs[i]
            n_far += 1
    if not n_far:
        return 0
    unit = radii[block] + radii[other] + eps
    return _join_lists(
        points, place, parent, near, n_near, far, n_far, centres, block, unit, eps, left, right, products
    )


@compiled
def join_core_rows(
    points: Points,
    place: Places,
    parent: Places,
    core: Marks,
    fresh: Marks,  # core rows that were none when the set was smaller
    starts: Places,
    centres: Floats,
    radii: Floats,
    n_blocks: int,
    eps: float,
    left: Points,
    right: Points,
    products: Points,
) -> None:
    """Unite core rows within eps of each other, one of the two fresh."""
    members = np.empty(starts[n_blocks], dtype=np.int32)  # the core rows of each block together
    n_members = np.zeros(n_blocks, dtype=np.int32)
    n_fresh = np.zeros(n_blocks, dtype=np.int32)
    single = np.zeros(n_blocks, dtype=np.uint8)  # whether they are known to hang together
    apart = 0  # how many components there are
    for block in range(n_blocks):
        for i in range(starts[block], starts[block + 1]):
            if core[i]:
                members[starts[block] + n_members[block]] = i
                n_members[block] += 1
                n_fresh[block] += fresh[i]
                apart += parent[i] == i
    for block in range(n_blocks):
        ours = members[starts[block] : starts[block + 1]]
        if n_fresh[block]:
            apart -= _join_within(points, place, parent, fresh, ours, n_members[block], eps)
    if n_blocks == 1 or apart <= 1:
        return
    near, far = np.empty(BLOCK_ROWS, dtype=np.int32), np.empty(BLOCK_ROWS, dtype=np.int32)
    # Nearest blocks first: most of the others are united by then.
    firsts, seconds = _tree_of_blocks(centres, n_blocks)
    for step in range(n_blocks):
        for i in range(n_blocks - 1 if step == 0 else n_blocks - step):
            block, other = (firsts[i], seconds[i]) if step == 0 else (i, i + step)
            for _ in range(2):
                if apart <= 1:
                    return
                apart -= _join_blocks(
                    points, place, parent, fresh, members, n_members, n_fresh, single, starts, centres, radii,
                    block, other, eps, left, right, products, near, far,
                )  # fmt: skip
                block, other = other, block
