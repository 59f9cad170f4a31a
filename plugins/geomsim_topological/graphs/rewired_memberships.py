"""Memberships at random: groups of rows in other nodes, as many nodes to each and as many groups to each node."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from geomsim import GeomsimError

_AS_IF_MEMBERSHIPS = 30


def rewired_memberships(
    incidence: sparse.csr_matrix, random: np.random.Generator, swaps_per_membership: int = 10
) -> sparse.csr_matrix:
    """An incidence of as many groups in one, two, three, ... nodes for each node, otherwise random.

    A step draws two groups that are in equally many nodes, a node of each, and exchanges these, where that puts no
    group into a node twice and no two groups into the same nodes; else everything stays, and the step counts all the
    same. So all such incidences are equally likely in the long run. Groups in a single node, which most nodes have one
    of, only change places. Dealt out with the others they would leave nodes without rows of their own, and any two
    graphs of clouds would be more alike than that.

    Fosdick, Larremore, Nishimura and Ugander (2018), "Configuring random graph models with fixed degree sequences".

    Parameters
    ----------
    incidence
        (groups, nodes), 1 where the group is in the node; it is left as it is. No two rows are equal, but for zero.
    random
        where the draws come from.
    swaps_per_membership
        steps, for each membership, and as many as for 30 where there are fewer; 0 gives a copy.

    Raises GeomsimError for a negative number of swaps and for two groups in the same nodes.

    >>> before = sparse.csr_matrix([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]])
    >>> after = rewired_memberships(before, np.random.default_rng(0))
    >>> after[:2].sum(axis=0).tolist(), after[2:].sum(axis=0).tolist(), after.sum(axis=1).ravel().tolist()
    ([[1, 1, 0, 0]], [[1, 1, 1, 1]], [[1, 1, 2, 2]])
    """
    if swaps_per_membership < 0:
        raise GeomsimError(f"swaps_per_membership is 0 or more, got {swaps_per_membership}")
    rows = sparse.csr_matrix(incidence).sorted_indices()
    held = [nodes.tolist() for nodes in np.split(rows.indices, rows.indptr[1:-1])]
    present = {frozenset(nodes) for nodes in held if nodes}
    if len(present) < sum(map(bool, held)):
        raise GeomsimError("two groups are in the same nodes: put their rows into one")
    counts = np.diff(rows.indptr)
    for count in np.unique(counts[counts > 0]).tolist():
        groups = np.flatnonzero(counts == count)
        if len(groups) > 1:
            _exchange(held, present, groups, count, random, swaps_per_membership)
    nodes = np.array([node for each in held for node in sorted(each)], dtype=np.int64)
    ones = np.ones(len(nodes), dtype=rows.dtype)
    return sparse.csr_matrix((ones, nodes, rows.indptr.copy()), shape=rows.shape)


def _exchange(
    held: list[list[int]],
    present: set[frozenset[int]],
    groups: np.ndarray[tuple[int], np.dtype[np.int64]],
    count: int,
    random: np.random.Generator,
    swaps_per_membership: int,
) -> None:
    """Exchange nodes of groups that are in `count` nodes each; `held` and `present` are changed."""
    steps = swaps_per_membership * max(len(groups) * count, _AS_IF_MEMBERSHIPS)
    pairs = groups[random.integers(len(groups), size=(steps, 2))].tolist()
    places = random.integers(count, size=(steps, 2)).tolist()
    for (one, other), (here, there) in zip(pairs, places, strict=True):
        first, second = held[one], held[other]
        given, taken = first[here], second[there]
        if taken in first or given in second:
            continue
        before = frozenset(first), frozenset(second)
        after = (before[0] - {given}) | {taken}, (before[1] - {taken}) | {given}
        if any(nodes in present and nodes not in before for nodes in after):
            continue
        present.difference_update(before)
        present.update(after)
        first[here], second[there] = taken, given
