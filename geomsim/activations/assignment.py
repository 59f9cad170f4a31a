"""One partner for each latent: greedily, or so that the total is largest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.candidate_pairs import CandidatePairs

_Integers = NDArray[np.int64]


def greedy_pairs(pairs: CandidatePairs) -> _Integers:
    """The largest r first, each latent once; of equal r the lowest left latent, then the lowest right one.

    Returns the numbers of the chosen pairs, ascending. Sorting takes the time, so it grows like n log n.
    """
    order = np.lexsort((pairs.right, pairs.left, -pairs.r))
    free_left, free_right = bytearray(b"\1" * pairs.n_left), bytearray(b"\1" * pairs.n_right)
    chosen = []
    # Plain loops over lists: each step depends on the ones before.
    for pair, left, right in zip(order.tolist(), pairs.left[order].tolist(), pairs.right[order].tolist(), strict=True):
        if free_left[left] and free_right[right]:
            free_left[left] = free_right[right] = 0
            chosen.append(pair)
    return np.sort(np.array(chosen, dtype=np.int64))


def largest_total(pairs: CandidatePairs, unmatched_at: float = 0.0) -> _Integers:
    r"""The matching with the largest :math:`\sum (r - u)` over its pairs; every latent may stay alone.

    Each latent of the smaller side has, beside its candidates, a private slot of value 0 that nobody else can take,
    with u = `unmatched_at`; so a matching of all of them always exists, and a pair with r of at most u is never
    better than two latents alone. Returns the numbers of the chosen pairs, ascending; of several best matchings, one.

    Solved by LAPJVsp (Jonker and Volgenant 1987, Computing 38) on the candidates alone, never a dense matrix.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    worth = np.flatnonzero(pairs.r > unmatched_at)
    if not len(worth):
        return worth
    sides = [np.unique(of_side[worth], return_inverse=True) for of_side in (pairs.left, pairs.right)]
    if len(sides[0][0]) > len(sides[1][0]):
        sides.reverse()
    (rows, row), (columns, column) = sides
    n_rows, n_columns = len(rows), len(columns)
    slots = np.arange(n_rows)
    # Every row takes exactly one entry, so that 1 more in each changes no choice; an entry of 0 would count as none.
    values = np.concatenate([1 + (pairs.r[worth] - unmatched_at), np.ones(n_rows)])
    places = (np.concatenate([row, slots]), np.concatenate([column, n_columns + slots]))
    graph = csr_array((values, places), shape=(n_rows, n_columns + n_rows))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph, maximize=True)
    partner_of_row = np.full(n_rows, -1, dtype=np.int64)
    partner_of_row[matched_row] = matched_column
    chosen: _Integers = worth[partner_of_row[row] == column]
    return chosen
