"""Row orders: the draws of a shuffle null, made on the CPU by PCG64, the same whatever the batch or the device."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    stratum are exchangeable). ``blocks`` moves whole groups: the rows of a group stay together and in order, and take
    the places of a group of the same size (documents are exchangeable, their tokens are not). Groups of different sizes
    do not change places: a group laid across the border of two others falls out of step with both, chance then scores
    too low, and more than half of all tests find what is not there. A group alone in its size stays where it is.

    Raises InapplicableNull when the groups leave nothing to move, and when more than half of the rows cannot move.
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
    alike = [np.array(rows) for rows in _by_size(members)]
    staying = n_rows - sum(rows.size for rows in alike)
    if staying > n_rows / 2:
        raise InapplicableNull(
            f"{staying} of {n_rows} rows are in groups of a size that no other group has, and only groups of one size "
            "can change places. Cut the groups to one length (geomsim.equal_blocks gives the rows to take on both "
            "sides), or use groups='within' or groups='ignored' if rows are exchangeable"
        )
    order[:] = np.arange(n_rows)
    for _ in range(draws):
        for rows in alike:
            order[rows] = rows[random.permutation(len(rows))]
        yield order.copy()


def staying_rows(groups: NDArray[np.int64]) -> int:
    """How many rows are in groups that no whole-block shuffle can move, since no other group has their size."""
    sizes = np.unique(groups, return_counts=True)[1]
    alone, counts = np.unique(sizes, return_counts=True)
    return int(alone[counts == 1].sum())


def equal_blocks(groups: ArrayLike, length: int | None = None) -> NDArray[np.int64]:
    """Rows that make all groups of one size: the first `length` of each group that has as many, in their order.

    Documents of one length can change places whole, which is what a shuffle of tokens needs. Without a `length` the one
    that keeps most rows is taken. Take the same rows on both sides::

        rows = equal_blocks(left.groups)
        geomsim.compare(left.take(rows), right.take(rows), "cka")

    Raises InapplicableNull where fewer than two groups are so long.

    >>> equal_blocks([0, 0, 0, 1, 1, 2, 2, 2, 2, 3])
    array([0, 1, 2, 5, 6, 7])
    """
    labels = np.unique(np.asarray(groups), return_inverse=True)[1]
    sizes = np.bincount(labels)
    if length is None:
        longest = np.sort(sizes)[::-1]
        kept = longest * np.arange(1, len(longest) + 1)
        kept[:1] = 0  # one group has nothing to change places with
        length = int(longest[int(np.argmax(kept))])
    if length < 1 or int((sizes >= length).sum()) < 2:
        raise InapplicableNull(
            f"fewer than two of {len(sizes)} groups have {length} rows; the largest have "
            f"{', '.join(map(str, np.sort(sizes)[::-1][:3]))}"
        )
    together = np.argsort(labels, kind="stable")
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(labels), dtype=np.int64)
    place[together] = np.arange(len(labels)) - np.repeat(starts, sizes)
    return np.flatnonzero((sizes[labels] >= length) & (place < length))


def _by_size(members: Sequence[NDArray[np.int64]]) -> list[list[NDArray[np.int64]]]:
    """Groups of one size together, where there are several."""
    found: dict[int, list[NDArray[np.int64]]] = {}
    for rows in members:
        found.setdefault(len(rows), []).append(rows)
    return [rows for rows in found.values() if len(rows) > 1]


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
        if restriction == "blocks":  # groups of one size change places
            sizes = np.unique(sizes, return_counts=True)[1]
        log_count = float(sum(math.lgamma(size + 1) for size in sizes))
    return math.inf if log_count > 700 else round(math.exp(log_count))
