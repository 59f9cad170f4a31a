"""The compiled loops of witness complexes: when simplices appear, and for how long there are how many loops.

Import it late: it imports numba.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled
from geomsim_topological.kernels.union_kernels import find

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@compiled
def witnessed(distances: Floats, most: float) -> tuple[Floats, Floats]:
    """When edges and triangles of landmarks appear: (landmarks, landmarks) and (landmarks,) * 3, in rising numbers.

    `distances` is (witnesses, landmarks), of at least four landmarks. A witness w bears out a simplex from the largest
    distance of w to its corners, less the smallest to any other landmark, on, or from 0 where that is negative; a
    simplex appears when it and all its faces are borne out, each by any witness. What is beyond `most` is infinite.

    1. For most simplices of a witness, that smallest distance is the one to the landmark nearest to it. For all
       simplices at once that is a minimum over witnesses of the largest of two or three numbers, taken as whole
       numbers: those of no sign are in the same order, and are compared several at once.
    2. A simplex that has the nearest landmark for a corner appears earlier, by the second, third or fourth nearest.
    """
    n_witnesses, n = distances.shape
    edges = np.full((n, n), np.inf)
    triangles = np.full((n, n, n), np.inf)
    beyond = np.empty((n, n_witnesses))
    for w in range(n_witnesses):
        nearest = distances[w].min()
        for i in range(n):
            beyond[i, w] = distances[w, i] - nearest
    order = beyond.view(np.int64)
    limit = np.full(1, most).view(np.int64)[0]
    both = np.empty(n_witnesses, dtype=np.int64)
    found = np.empty(1, dtype=np.int64)
    as_number = found.view(np.float64)
    for i in range(n):
        for j in range(i + 1, n):
            first, second = order[i], order[j]
            least = np.int64(np.iinfo(np.int64).max)
            for w in range(n_witnesses):
                both[w] = max(first[w], second[w])
                least = min(least, both[w])
            if least <= limit:  # or else no triangle on it is any earlier
                found[0] = least
                edges[i, j] = as_number[0]
                for k in range(j + 1, n):
                    third = order[k]
                    least = np.int64(np.iinfo(np.int64).max)
                    for w in range(n_witnesses):
                        least = min(least, max(both[w], third[w]))
                    if least <= limit:
                        found[0] = least
                        triangles[i, j, k] = as_number[0]
    for w in range(n_witnesses):
        _with_nearest(distances[w], edges, triangles, most)
    return edges, triangles


@compiled
def _with_nearest(away: Floats, edges: Floats, triangles: Floats, most: float) -> None:
    """What a witness bears out of simplices on the landmark nearest to it."""
    n = len(away)
    first, second, third = -1, -1, -1
    for i in range(n):
        if first < 0 or away[i] < away[first]:
            first, second, third = i, first, second
        elif second < 0 or away[i] < away[second]:
            second, third = i, second
        elif third < 0 or away[i] < away[third]:
            third = i
    for i in range(n):
        if i == first:
            continue
        since = 0.0 if i == second else away[i] - away[second]
        if since <= most:
            low, high = min(first, i), max(first, i)
            edges[low, high] = min(edges[low, high], since)
        for j in range(i + 1, n):
            if j == first:
                continue
            if i == second:
                since = 0.0 if j == third else away[j] - away[third]
            elif j == second:
                since = 0.0 if i == third else away[i] - away[third]
            else:
                since = max(away[i], away[j]) - away[second]
            if since <= most:
                low, high = min(first, i), max(first, j)
                middle = first + i + j - low - high
                triangles[low, middle, high] = min(triangles[low, middle, high], since)


@compiled
def loop_bars(edges: Floats, triangles: Floats, most: float) -> Floats:
    """The bars of loops over Z/2, (bars, 2), of a complex up to `most`, where those still alive end.

    `edges` and `triangles` are what :func:`witnessed` gives; a triangle appears when its edges have. Corners are there
    from 0 on. Columns of triangles are sets of edges, in words of 64 bits.
    """
    n = len(edges)
    count = 0
    ends = np.empty((n * (n - 1) // 2, 2), dtype=np.int64)
    births = np.empty(len(ends))
    for i in range(n):
        for j in range(i + 1, n):
            if edges[i, j] <= most:
                ends[count] = i, j
                births[count] = edges[i, j]
                count += 1
    order = np.argsort(births[:count], kind="mergesort")
    number = np.full((n, n), -1, dtype=np.int64)
    closes = np.zeros(count, dtype=np.bool_)  # edges that close a loop
    parent = np.arange(n)
    n_loops = 0
    for place in range(count):
        i, j = ends[order[place], 0], ends[order[place], 1]
        number[i, j] = place
        i, j = find(parent, i), find(parent, j)
        if i == j:
            closes[place] = True
            n_loops += 1
        else:
            parent[i] = j
    found = 0
    corners = np.empty((n * (n - 1) * (n - 2) // 6, 3), dtype=np.int64)
    since = np.empty(len(corners))
    for i in range(n):
        for j in range(i + 1, n):
            if number[i, j] >= 0:
                for k in range(j + 1, n):
                    when = max(triangles[i, j, k], edges[i, j], edges[i, k], edges[j, k])
                    if when <= most:
                        corners[found] = number[i, j], number[i, k], number[j, k]
                        since[found] = when
                        found += 1
    words = count // 64 + 1
    reduced = np.zeros((count, words), dtype=np.uint64)  # by their latest edge
    deaths = np.full(count, -1.0)
    column = np.zeros(words, dtype=np.uint64)
    killed = 0
    for place in np.argsort(since[:found], kind="mergesort"):
        if killed == n_loops:
            break
        column[:] = 0
        top = 0
        for edge in corners[place]:
            column[edge >> 6] ^= np.uint64(1) << np.uint64(edge & 63)
            top = max(top, edge >> 6)
        while top >= 0:
            if column[top] == 0:
                top -= 1
                continue
            bits = column[top]
            latest = 0
            for step in (32, 16, 8, 4, 2, 1):
                if bits >> np.uint64(step):
                    bits >>= np.uint64(step)
                    latest += step
            latest += top * 64
            if deaths[latest] < 0:
                reduced[latest] = column
                deaths[latest] = since[place]
                killed += 1
                break
            for word in range(top + 1):
                column[word] ^= reduced[latest, word]
    bars = np.empty((n_loops, 2))
    n_bars = 0
    for edge in range(count):
        if closes[edge]:
            bars[n_bars, 0] = births[order[edge]]
            bars[n_bars, 1] = deaths[edge] if deaths[edge] >= 0 else most
            n_bars += 1
    return bars


@compiled
def living_times(bars: Floats, most: float, n_counts: int) -> Floats:
    """For what share of [0, most] there are 0, 1, 2, ... bars; the last count stands for all beyond it."""
    found = np.zeros(n_counts)
    times = np.empty(2 * len(bars))
    changes = np.empty(len(times), dtype=np.int64)
    for bar in range(len(bars)):
        times[2 * bar], times[2 * bar + 1] = bars[bar, 0], bars[bar, 1]
        changes[2 * bar], changes[2 * bar + 1] = 1, -1
    alive, before = 0, 0.0
    for place in np.argsort(times):
        found[min(alive, n_counts - 1)] += times[place] - before
        alive += changes[place]
        before = times[place]
    found[min(alive, n_counts - 1)] += most - before
    return found / most
