"""Row orders: the draws of a shuffle null, made on the CPU by PCG64, the same whatever the batch or the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InapplicableNull

Restriction = Literal["blocks", "within"]


def generator(seed: int) -> np.random.Generator:
    """The random numbers of a null. A stream of its own: a user's ``default_rng(seed)`` may have made the points."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(1,))))


def row_orders(
    n_rows: int,
    draws: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
    restriction: Restriction = "blocks",
) -> Iterator[NDArray[np.int64]]:
    """Uniform reorderings of the rows, one at a time, each (n_rows,) int64.

    Without groups every order is as likely as any other. ``within`` moves rows only inside their group (rows of one
    stratum are exchangeable). ``blocks`` moves whole groups: the rows of a group stay together and in order, groups
    follow each other in a random order, and the whole is laid against the rows grouped the same way (documents are
    exchangeable, their tokens are not). With blocks of unequal length the test is approximate: tokens then also move to
    other places within their documents.

    Raises InapplicableNull when the groups leave nothing to move.
    """
    _check_many(n_rows)
    random = generator(seed)
    if groups is None:
        for _ in range(draws):
            yield random.permutation(n_rows)
        return
    together = np.argsort(groups, kind="stable")
    members = np.split(together, np.flatnonzero(np.diff(groups[together])) + 1)
    order = np.empty(n_rows, dtype=np.int64)
    if restriction == "within":
        alone = sum(len(rows) == 1 for rows in members)
        if alone:
            raise InapplicableNull(
                f"{alone} of {len(members)} strata hold a single row, which no shuffle inside its stratum can move; "
                "merge small strata or leave those rows out"
            )
        for _ in range(draws):
            for rows in members:
                order[rows] = rows[random.permutation(len(rows))]
            yield order.copy()
        return
    if len(members) < 2:
        raise InapplicableNull("all rows belong to one group, so there is no second block to swap it with")
    for _ in range(draws):
        order[together] = np.concatenate([members[block] for block in random.permutation(len(members))])
        yield order.copy()


def subset_orders(chosen: NDArray[np.int64], pool: int, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Uniform reorderings of some rows of a pool; subsets of one pool share what decides them.

    Each draw deals two random keys to every row of the pool: the row with the i-th smallest first key is laid on the
    row with the i-th smallest second key, among the chosen ones. Subsets that share many rows so get like orders, and
    corrections for many tests gain from it; subsets without common rows get independent ones. The place of a row in the
    pool decides nothing: neighbours that are alike would make the draws hang together more than the scores do.
    """
    _check_many(len(chosen))
    random = generator(seed)
    for _ in range(draws):
        from_key, to_key = random.permutation(pool)[chosen], random.permutation(pool)[chosen]
        order = np.empty(len(chosen), dtype=np.int64)
        order[np.argsort(from_key)] = np.argsort(to_key)
        yield order


def _check_many(n_rows: int) -> None:
    if n_rows < 2:
        raise InapplicableNull(f"a shuffle needs at least 2 rows, got {n_rows}")


def distinct_orders(n_rows: int, groups: NDArray[np.int64] | None = None, restriction: Restriction = "blocks") -> float:
    """How many different orders there are (infinity beyond what a float holds): no p-value can be below one over it."""
    if groups is None:
        log_count = math.lgamma(n_rows + 1)
    else:
        sizes = np.unique(groups, return_counts=True)[1]
        log_count = (
            math.lgamma(len(sizes) + 1) if restriction == "blocks" else float(sum(math.lgamma(s + 1) for s in sizes))
        )
    return math.inf if log_count > 700 else round(math.exp(log_count))
