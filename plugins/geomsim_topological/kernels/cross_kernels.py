"""The compiled reduction behind R-Cross-Barcodes: loops of a graph modulo those of a sparser one.

Import it late: it imports numba.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled

Ranks = NDArray[np.int64]
Marks = NDArray[np.bool_]

_NEVER = (1 << 63) - 1
_PATIENCE = 10


def cross_bars(own: Ranks, least: Ranks) -> Ranks:
    r"""The bars of H_1(VR(least), VR(own)), (bars, 2): ranks of birth and death, in no order, without empty ones.

    `own` and `least` <= `own` are (rows, rows), symmetric, ranks of distances. Only loops matter in dimension 1, and
    those of VR(own) are made of its edges, so edges of `own` are coned off and nothing else: a complex of the
    rows and one apex, with

    * an edge ij from ``least[i, j]`` on, which closes a loop with the apex;
    * a triangle ijk from the largest ``least`` of its edges on;
    * a triangle of ij with the apex from ``own[i, j]`` on.

    Persistent cohomology, as in Ripser (Bauer 2021): for each edge, latest first, a set that holds it and later edges;
    the earliest triangle with an odd number of edges in the set kills the loop of the edge, unless it is taken. Then
    the set of the edge that took it is added, and so on. The set begins with the edge alone. Where sets get long, which
    they do where nearly all distances of one side are larger, all is done again: an edge that joins two components
    then begins with all edges that leave one of these, so that only triangles with the apex are odd. Such cuts are
    kept as sets of rows, which makes everything short there, and longer elsewhere.
    """
    bars, done = _reduced(own, least, False, _PATIENCE * len(own) ** 2)
    return bars if done else _reduced(own, least, True, _NEVER)[0]


@compiled
def _reduced(own: Ranks, least: Ranks, with_cuts: bool, most_work: int) -> tuple[Ranks, bool]:
    """The bars, and whether they are all: it ends where the lengths of sets add up to more than `most_work`."""
    n = len(own)
    edges = _edges_by_birth(least)
    joins, sides = _cuts(edges, n)
    if not with_cuts:
        joins[:] = -1
    work = 0
    size = 4
    while size < 2 * len(edges):
        size *= 2
    keys = np.full(size, -1, dtype=np.int64)  # triangles that are taken, hashed
    owner = np.empty(size, dtype=np.int64)
    # Of edges whose set is more than the edge alone: where its edges are in `added`, and its cut in `sides`.
    start, stop = np.zeros(len(edges), dtype=np.int64), np.zeros(len(edges), dtype=np.int64)
    side = joins.copy()
    n_sides = n - 1
    added = np.empty(1024, dtype=np.int64)
    n_added = 0
    inside = np.zeros((n, n), dtype=np.bool_)
    members = np.empty(len(edges), dtype=np.int64)
    cut = np.zeros(n, dtype=np.bool_)
    bars = np.empty((len(edges), 2), dtype=np.int64)
    n_bars = 0
    for place in range(len(edges) - 1, -1, -1):
        i, j = edges[place] // n, edges[place] % n
        if joins[place] >= 0:
            pivot = _earliest_of_cut(own, inside, sides[joins[place]], _NEVER)
        else:
            pivot = _earliest(own, least, i, j)
        slot = _slot(keys, pivot)
        if keys[slot] >= 0:
            n_members = 0
            if joins[place] >= 0:
                cut[:] = sides[joins[place]]
            else:
                cut[:] = False
                n_members = _switch(inside, members, 0, edges[place])
            while keys[slot] >= 0:
                other = owner[slot]
                if side[other] >= 0:
                    cut ^= sides[side[other]]
                elif start[other] == stop[other]:
                    n_members = _switch(inside, members, n_members, edges[other])
                for before in range(start[other], stop[other]):
                    n_members = _switch(inside, members, n_members, added[before])
                work += n_members
                if work > most_work:
                    return bars[:0], False
                pivot = _earliest_odd(own, least, inside, members[:n_members], cut)
                if with_cuts:
                    pivot = _earliest_of_cut(own, inside, cut, pivot)
                slot = _slot(keys, pivot)
            start[place] = n_added
            while n_added + n_members > len(added):
                added = np.concatenate((added, added))
            for edge in members[:n_members]:
                inside[edge // n, edge % n] = inside[edge % n, edge // n] = False
                added[n_added] = edge
                n_added += 1
            stop[place] = n_added
            side[place] = -1
            if cut.any() and not cut.all():
                if n_sides == len(sides):
                    sides = np.concatenate((sides, sides))
                sides[n_sides] = cut
                side[place] = n_sides
                n_sides += 1
        keys[slot] = pivot
        owner[slot] = place
        birth, death = least[i, j], pivot // _span(n)
        if death > birth:
            bars[n_bars, 0] = birth
            bars[n_bars, 1] = death
            n_bars += 1
    return bars[:n_bars], True


@compiled
def _edges_by_birth(least: Ranks) -> Ranks:
    """All edges i < j as n i + j, earliest first."""
    n = len(least)
    edges = np.empty(n * (n - 1) // 2, dtype=np.int64)
    births = np.empty(len(edges), dtype=np.int64)
    count = 0
    for i in range(n):
        for j in range(i + 1, n):
            edges[count] = i * n + j
            births[count] = least[i, j]
            count += 1
    return edges[np.argsort(births, kind="mergesort")]


@compiled
def _cuts(edges: Ranks, n: int) -> tuple[Ranks, Marks]:
    """For each edge that joins two components as edges come the number of a cut, else -1; the rows of each cut."""
    joins = np.full(len(edges), -1, dtype=np.int64)
    sides = np.zeros((max(2 * n, 2), n), dtype=np.bool_)  # with room for more
    component, sizes = np.arange(n), np.ones(n, dtype=np.int64)
    count = 0
    for place in range(len(edges)):
        here, there = component[edges[place] // n], component[edges[place] % n]
        if here != there:
            joins[place] = count
            if sizes[here] > sizes[there]:
                here, there = there, here
            sizes[there] += sizes[here]
            for row in range(n):
                if component[row] == here:
                    sides[count, row] = True
                    component[row] = there
            count += 1
            if count == n - 1:
                break
    return joins, sides


@compiled
def _span(n: int) -> int:
    """How many triangles can be told apart at one rank."""
    return n * n * (n + 1)


@compiled
def _triangle(least: Ranks, i: int, j: int, k: int) -> int:
    """A whole number for the triangle of an edge i < j and a third row; they sort by rank."""
    n = len(least)
    rank = max(least[i, j], least[i, k], least[j, k])
    if k < i:
        code = (k * n + i) * n + j
    elif k < j:
        code = (i * n + k) * n + j
    else:
        code = (i * n + j) * n + k
    return rank * _span(n) + code  # type: ignore[no-any-return]


@compiled
def _with_apex(own: Ranks, i: int, j: int) -> int:
    """That of the triangle of an edge i < j and the apex: after the others of its rank, for cuts have only these."""
    n = len(own)
    return own[i, j] * _span(n) + n * n * n + i * n + j  # type: ignore[no-any-return]


@compiled
def _earliest(own: Ranks, least: Ranks, i: int, j: int) -> int:
    """The earliest triangle on an edge."""
    best, rank = _with_apex(own, i, j), own[i, j]
    birth = least[i, j]
    for k in range(len(own)):
        if k != i and k != j:
            found = max(birth, least[i, k], least[j, k])
            if found <= rank:
                best, rank = min(best, _triangle(least, i, j, k)), found
                if rank == birth:  # no triangle on the edge is earlier, and those to come have larger numbers
                    break
    return best


@compiled
def _earliest_odd(own: Ranks, least: Ranks, inside: Marks, members: Ranks, cut: Marks) -> int:
    """The earliest triangle with an odd number of edges in a set; with the apex, none on an edge of the cut."""
    n = len(own)
    best, rank = _NEVER, _NEVER
    for edge in members:
        i, j = edge // n, edge % n
        birth = least[i, j]
        if cut[i] == cut[j] and own[i, j] <= rank:
            best, rank = min(best, _with_apex(own, i, j)), own[i, j]
        if birth > rank:
            continue
        for k in range(n):
            if inside[i, k] == inside[j, k] and k != i and k != j:
                found = max(birth, least[i, k], least[j, k])
                if found <= rank:
                    best, rank = min(best, _triangle(least, i, j, k)), found
    return best


@compiled
def _earliest_of_cut(own: Ranks, inside: Marks, cut: Marks, best: int) -> int:
    """The earliest triangle of the apex with an edge that leaves a set of rows and is not inside; `best` if earlier."""
    n = len(own)
    for i in range(n):
        for j in range(i + 1, n):
            if cut[i] != cut[j] and not inside[i, j]:
                best = min(best, _with_apex(own, i, j))
    return best


@compiled
def _switch(inside: Marks, members: Ranks, n_members: int, edge: int) -> int:
    """Put an edge into the set, or take it out where it is in; how many there are then."""
    n = len(inside)
    i, j = edge // n, edge % n
    inside[i, j] = inside[j, i] = not inside[i, j]
    if inside[i, j]:
        members[n_members] = edge
        return n_members + 1
    place = 0
    while members[place] != edge:
        place += 1
    members[place] = members[n_members - 1]
    return n_members - 1


@compiled
def _slot(keys: Ranks, key: int) -> int:
    """Where a key is in the hash table, or else the free place for it."""
    mask = len(keys) - 1
    mixed = (key ^ (key >> 29)) * 0x9E3779B97F4A7C1
    slot = (mixed ^ (mixed >> 31)) & mask
    while keys[slot] >= 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot
