"""Memberships at random: rows in other nodes, as many nodes to each row and as many rows to each node as before."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from geomsim import GeomsimError


def rewired_memberships(
    incidence: sparse.csr_matrix, random: np.random.Generator, trades_per_node: int = 10
) -> sparse.csr_matrix:
    """An incidence with the same row sums and column sums, otherwise random; the given one is left as it is.

    Two nodes drawn at random trade: what rows only one of them holds are pooled and dealt out again at random, to each
    as many as it gave; that is many swaps of two memberships at once. Each node takes part in `trades_per_node` trades
    on average. Trades have the uniform distribution over all incidences with these sums as their limit.

    Strona, Nappo, Boccacci, Fattorini, San-Miguel-Ayanz (2014), "A fast and unbiased procedure to randomize ecological
    binary matrices with fixed row and column totals", Nature Communications.

    Parameters
    ----------
    incidence
        (rows, nodes), 1 where the row is in the node.
    random
        where the draws come from.
    trades_per_node
        0 gives a copy.

    Raises GeomsimError for a negative number of trades.

    >>> before = sparse.csr_matrix([[1, 0], [1, 0], [0, 1], [1, 1]])
    >>> after = rewired_memberships(before, np.random.default_rng(0))
    >>> after.sum(axis=0).tolist(), after.sum(axis=1).ravel().tolist()
    ([[3, 2]], [[1, 1, 1, 2]])
    """
    if trades_per_node < 0:
        raise GeomsimError(f"trades_per_node is 0 or more, got {trades_per_node}")
    columns = incidence.tocsc()
    members = np.split(columns.indices.astype(np.int64), columns.indptr[1:-1])
    n_nodes = len(members)
    for _ in range(n_nodes * trades_per_node // 2 if n_nodes > 1 else 0):
        one, other = random.choice(n_nodes, size=2, replace=False)
        first, second = members[one], members[other]
        both = np.intersect1d(first, second, assume_unique=True)
        pool = random.permutation(np.setxor1d(first, second, assume_unique=True))
        given = len(first) - len(both)
        members[one], members[other] = np.append(both, pool[:given]), np.append(both, pool[given:])
    rows = np.concatenate([*members, np.empty(0, dtype=np.int64)])
    nodes = np.repeat(np.arange(n_nodes), [len(node) for node in members])
    return sparse.csr_matrix((np.ones(len(rows), dtype=incidence.dtype), (rows, nodes)), shape=incidence.shape)
