from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geomsim.errors import InapplicableNull
from geomsim.orders import distinct_orders, equal_blocks, row_orders, staying_rows, subset_orders

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=25).map(np.array)


def blocks_of(groups: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(groups == label).tolist() for label in np.unique(groups)]


@given(st.integers(2, 30), st.integers(0, 2**63))
def test_orders_are_permutations_and_follow_from_the_seed(n_rows: int, seed: int):
    orders = list(row_orders(n_rows, 5, seed))
    for order in orders:
        assert order.dtype == np.int64
        assert sorted(order) == list(range(n_rows))
    np.testing.assert_array_equal(orders, list(row_orders(n_rows, 5, seed)))


def test_other_seeds_give_other_orders_and_more_draws_begin_alike():
    first, other = list(row_orders(20, 4, 0)), list(row_orders(20, 4, 1))
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(list(row_orders(20, 9, 0))[:4], first)


@given(LABELS, st.integers(0, 100))
def test_within_keeps_every_row_in_its_stratum(groups: np.ndarray, seed: int):
    alone = sum(len(block) == 1 for block in blocks_of(groups))
    if alone:
        message = f"{alone} of {len(blocks_of(groups))} strata hold a single row"
        with pytest.raises(InapplicableNull, match=message):
            next(row_orders(len(groups), 1, seed, groups, "within"))
        return
    for order in row_orders(len(groups), 4, seed, groups, "within"):
        assert sorted(order) == list(range(len(groups)))
        np.testing.assert_array_equal(groups[order], groups)


@given(LABELS, st.integers(0, 100))
def test_blocks_move_whole_and_in_order(groups: np.ndarray, seed: int):
    blocks = blocks_of(groups)
    sizes = [len(block) for block in blocks]
    staying = sum(size for size in sizes if sizes.count(size) == 1)
    assert staying_rows(groups) == staying
    if len(blocks) < 2:
        with pytest.raises(InapplicableNull, match="all rows belong to one group"):
            next(row_orders(len(groups), 1, seed, groups, "blocks"))
        return
    if staying > len(groups) / 2:
        with pytest.raises(InapplicableNull, match=f"{staying} of {len(groups)} rows are in groups of a size that no"):
            next(row_orders(len(groups), 1, seed, groups, "blocks"))
        return
    for order in row_orders(len(groups), 4, seed, groups, "blocks"):
        # Against each block of the left stands one whole block of the right, of its size and in its order.
        assert sorted(order[block].tolist() for block in blocks) == sorted(blocks)
        assert all(order[block].tolist() == block for block in blocks if sizes.count(len(block)) == 1)


@given(LABELS, st.none() | st.integers(1, 6))
def test_equal_blocks_are_the_first_rows_of_long_groups(groups: np.ndarray, length: int | None):
    blocks = blocks_of(groups)
    if length is None:
        kept = {size: sum(len(block) >= size for block in blocks) for size in range(1, len(groups) + 1)}
        possible = {size: count for size, count in kept.items() if count >= 2}
        if not possible:
            with pytest.raises(InapplicableNull, match="fewer than two of 1 groups"):
                equal_blocks(groups)
            return
        rows = equal_blocks(groups)
        assert len(rows) == max(size * count for size, count in possible.items())
    elif sum(len(block) >= length for block in blocks) < 2:
        with pytest.raises(InapplicableNull, match=f"fewer than two of {len(blocks)} groups have {length} rows"):
            equal_blocks(groups, length)
        return
    else:
        rows = equal_blocks(groups, length)
        assert rows.tolist() == sorted(row for block in blocks if len(block) >= length for row in block[:length])
    assert staying_rows(groups[rows]) == 0


def test_every_order_is_equally_likely():
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    for order in row_orders(4, 4800, seed=3):
        counts[tuple(order.tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize(("restriction", "count"), [("blocks", 6), ("within", 2 * 2 * 6)])
def test_every_restricted_order_is_equally_likely(restriction, count: int):
    groups = np.array([0, 1, 2, 2, 0, 1, 2]) if restriction == "within" else np.array([0, 1, 2, 2, 0, 1, 3])
    found: dict[tuple[int, ...], int] = {}
    for order in row_orders(7, 200 * count, 5, groups, restriction):
        found[tuple(order.tolist())] = found.get(tuple(order.tolist()), 0) + 1
    assert len(found) == count == distinct_orders(7, groups, restriction)
    assert stats.chisquare(list(found.values())).pvalue > 1e-4


@given(LABELS.filter(lambda groups: len(groups) <= 7))
def test_distinct_orders_by_enumeration(groups: np.ndarray):
    n_rows = len(groups)
    assert distinct_orders(n_rows) == len(list(itertools.permutations(range(n_rows))))
    kept = {order for order in itertools.permutations(range(n_rows)) if (groups[list(order)] == groups).all()}
    assert distinct_orders(n_rows, groups, "within") == len(kept)
    blocks = blocks_of(groups)
    moved = {
        order
        for order in itertools.permutations(range(len(blocks)))
        if all(len(blocks[b]) == len(blocks[place]) for place, b in enumerate(order))
    }
    assert distinct_orders(n_rows, groups, "blocks") == len(moved)


def test_distinct_orders_of_many_rows():
    assert distinct_orders(12) == math.factorial(12)
    assert distinct_orders(20) == pytest.approx(math.factorial(20), rel=1e-12)
    assert distinct_orders(10_000) == math.inf


@pytest.mark.parametrize("n_rows", [0, 1])
def test_one_row_cannot_be_shuffled(n_rows: int):
    with pytest.raises(InapplicableNull, match=f"a shuffle needs at least 2 rows, got {n_rows}"):
        next(row_orders(n_rows, 1, 0))


def test_orders_of_a_subset_are_uniform_and_come_from_those_of_the_pool():
    chosen = np.array([1, 4, 7])
    drawn = [tuple(order) for order in subset_orders(chosen, 9, 6000, seed=2)]
    counts = [drawn.count(order) for order in itertools.permutations(range(3))]
    assert sum(counts) == 6000
    assert stats.chisquare(counts).pvalue > 0.01


def test_subsets_that_share_rows_get_like_orders_and_others_do_not():
    def rows_met(chosen: np.ndarray) -> np.ndarray:
        return np.array([chosen[order] for order in subset_orders(chosen, 60, 800, seed=4)])

    whole, most = rows_met(np.arange(60)), rows_met(np.arange(59))
    assert (whole[:, :59] == most).mean() > 0.2  # by chance 1 in 60
    one, other = rows_met(np.arange(30)), rows_met(np.arange(30, 60)) - 30
    assert (one == other).mean() == pytest.approx(1 / 30, abs=0.005)


def test_one_row_of_a_pool_cannot_be_shuffled():
    with pytest.raises(InapplicableNull, match="at least 2 rows, got 1"):
        next(subset_orders(np.array([3]), 9, 1, seed=0))
