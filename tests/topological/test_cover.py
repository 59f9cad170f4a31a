"""Grids over lens values: cubes against kmapper to the row, balanced intervals against counts."""

from __future__ import annotations

import tracemalloc
from itertools import chain, pairwise

import kmapper
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geomsim import GeomsimError
from geomsim_topological.covers.balanced_intervals import BalancedIntervals
from geomsim_topological.covers.cover import Cubes
from geomsim_topological.covers.interval_products import nested_boxes


def sets_of_kmapper(cover, values):
    numbered = np.c_[np.arange(len(values)), values]
    return [box[:, 0].astype(int).tolist() for box in cover.fit_transform(numbered)]


def as_lists(sets):
    return [rows.tolist() for rows in sets]


shapes = st.tuples(st.integers(1, 40), st.integers(1, 3))
whole = shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(-3, 6).map(float)))
tenths = shapes.flatmap(
    lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(0, 9).map(lambda n: n * 0.1))
)
reals = shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.floats(-1e6, 1e6, width=32)))
overlaps = st.one_of(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9]), st.floats(0, 0.95))


@given(st.one_of(whole, tenths, reals), st.integers(1, 12), overlaps)
@settings(max_examples=300)
def test_cubes_are_those_of_kmapper_to_the_row(values, n, overlap):
    # Whole numbers and tenths lie on the edges of cubes, where a rounding decides.
    found = Cubes(n, overlap).sets(values)
    assert as_lists(found) == sets_of_kmapper(kmapper.Cover(n, overlap), values)
    assert all(rows.dtype == np.int64 for rows in found)


@pytest.mark.parametrize("seed", range(30))
def test_rows_on_the_very_bounds_of_kmapper_fall_as_there(seed):
    random = np.random.default_rng(seed)
    n, overlap = int(random.integers(1, 30)), float(random.choice([0.0, 0.1, 0.3, random.uniform(0, 0.9)]))
    least, largest = np.sort(random.normal(size=2) * 10)
    theirs = kmapper.Cover(n, overlap)
    centres = np.ravel(theirs.fit(np.array([[0, least], [1, largest]])))
    bounds = np.concatenate([centres - theirs.radius_, centres + theirs.radius_])
    bounds = np.concatenate([bounds, np.nextafter(bounds, -np.inf), np.nextafter(bounds, np.inf)])
    values = np.append(bounds[(bounds > least) & (bounds < largest)], [least, largest])[:, None]
    assert as_lists(Cubes(n, overlap).sets(values)) == sets_of_kmapper(theirs, values)


@given(st.one_of(whole, reals), st.data())
@settings(max_examples=100)
def test_each_dimension_may_have_its_own_n_and_overlap(values, data):
    n = data.draw(st.lists(st.integers(1, 7), min_size=values.shape[1], max_size=values.shape[1]))
    overlap = data.draw(st.lists(overlaps, min_size=values.shape[1], max_size=values.shape[1]))
    cubes = Cubes(n, overlap)
    theirs = kmapper.Cover(n, overlap)
    assert (
        as_lists(cubes.sets(values)) == sets_of_kmapper(theirs, values) == sets_of_kmapper(cubes.to_kmapper(), values)
    )
    assert hash(cubes) == hash(Cubes(tuple(n), tuple(overlap)))


def test_a_million_rows_take_the_memory_of_their_sets():
    values = np.random.default_rng(0).normal(size=(1_000_000, 2))
    tracemalloc.start()
    sets = Cubes(20, 0.3).sets(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    memberships = sum(map(len, sets))
    assert memberships > 2_000_000
    assert peak < 80e6 + 24 * memberships
    assert all((np.diff(rows) > 0).all() for rows in sets)


def test_many_dimensions_that_leave_most_boxes_empty():
    values = np.random.default_rng(0).normal(size=(50, 12))
    assert as_lists(Cubes(2, 0.2).sets(values)) == sets_of_kmapper(kmapper.Cover(2, 0.2), values)
    sets = Cubes(20, 0.1).sets(values)  # 4e15 boxes
    intervals = [Cubes(20, 0.1).sets(column) for column in values.T]
    per_row = [np.bincount(np.concatenate(each), minlength=50) for each in intervals]
    assert np.bincount(np.concatenate(sets)).tolist() == np.prod(per_row, axis=0).tolist()


def test_without_overlap_a_row_may_fall_between_boxes_as_in_kmapper():
    values = np.random.default_rng(0).normal(size=(50, 12))
    lost = [np.setdiff1d(np.arange(50), np.concatenate(Cubes(20, 0.0).sets(column))) for column in values.T]
    assert sum(map(len, lost)) > 0
    for column, rows in zip(values.T, lost, strict=True):
        theirs = sets_of_kmapper(kmapper.Cover(20, 0.0), column[:, None])
        assert sorted(set(range(50)) - set(chain(*theirs))) == rows.tolist()
        assert sorted(set(np.concatenate(BalancedIntervals(20, 0.0).sets(column)))) == list(range(50))


def test_degenerate_values():
    assert as_lists(Cubes(3, 0.5).sets(np.full((4, 1), 2.0))) == [[0, 1, 2, 3]] * 3  # as kmapper
    assert as_lists(Cubes(5, 0.5).sets(np.array([1.0]))) == [[0]] * 5
    assert Cubes(5).sets(np.empty((0, 2))) == []
    assert as_lists(BalancedIntervals(3, 0.5).sets(np.full((4, 1), 2.0))) == [[0, 1, 2, 3]]
    assert as_lists(BalancedIntervals(5, 0.5).sets(np.array([1.0]))) == [[0]]
    assert BalancedIntervals(5).sets(np.empty((0, 2))) == []


@given(st.integers(1, 200), st.integers(1, 12), overlaps)
@settings(max_examples=200)
def test_balanced_intervals_hold_and_share_equally_many(n_rows, n, overlap):
    values = np.random.default_rng(n_rows).permutation(n_rows).astype(float)
    sets = BalancedIntervals(n, overlap).sets(values)
    each = n_rows / (1 + (n - 1) * (1 - overlap))
    assert all(abs(len(rows) - each) <= 1 for rows in sets)
    assert set(np.concatenate(sets).tolist()) == set(range(n_rows))
    if len(sets) == n:
        for here, there in pairwise(sets):
            assert abs(len(np.intersect1d(here, there)) - overlap * each) <= 1
            assert values[here].max() <= values[there].max()
    if overlap == 0:
        assert sum(map(len, sets)) == n_rows


@given(st.one_of(whole, reals), st.integers(1, 8), overlaps, st.integers(0, 99))
@settings(max_examples=150)
def test_balanced_intervals_see_the_order_of_values_alone(values, n, overlap, seed):
    cover = BalancedIntervals(n, overlap)
    sets = cover.sets(values)
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in values.T])
    assert as_lists(cover.sets(ranks**3)) == as_lists(sets)
    order = np.random.default_rng(seed).permutation(len(values))
    assert as_lists(cover.sets(values[order])) == [np.flatnonzero(np.isin(order, rows)).tolist() for rows in sets]
    assert set(np.concatenate(sets).tolist()) == set(range(len(values)))


def test_no_row_falls_between_balanced_intervals():
    for n_rows in range(1, 60):
        for n in range(1, 16):
            sets = BalancedIntervals(n, 0.0).sets(np.arange(float(n_rows)))
            assert np.concatenate(sets).tolist() == list(range(n_rows))


def test_equal_values_stay_together():
    values = np.array([0.0] * 6 + [1.0, 2.0])
    assert as_lists(BalancedIntervals(4, 0.0).sets(values)) == [[0, 1, 2, 3, 4, 5], [6, 7]]


def test_products_of_balanced_intervals():
    values = np.random.default_rng(0).normal(size=(300, 2)) ** 3
    first, second = ([set(rows) for rows in BalancedIntervals(n, 0.4).sets(values[:, d])] for d, n in ((0, 3), (1, 4)))
    expected = [sorted(here & there) for here in first for there in second]
    assert as_lists(BalancedIntervals((3, 4), 0.4).sets(values)) == [rows for rows in expected if rows]


@pytest.mark.parametrize("cover", [Cubes, BalancedIntervals])
@pytest.mark.parametrize(
    ("n", "overlap", "values", "message"),
    [
        (0, 0.5, [0.0], "at least 1 .* got n=0"),
        ([3, 0], 0.5, [0.0], r"at least 1 .* got n=\[3, 0\]"),
        (2.5, 0.5, [0.0], "whole number, got n=2.5"),
        (3, 1.0, [0.0], "from 0 to below 1, got 1.0"),
        (3, [0.5, -0.1], [0.0], "from 0 to below 1"),
        (3, float("nan"), [0.0], "from 0 to below 1, got nan"),
        ((3, 4), 0.5, [[0.0], [1.0]], r"n=\(3, 4\) has 2 values, but the lens has 1 dimensions"),
        (3, (0.5, 0.5), [[0.0], [1.0]], r"overlap=\(0.5, 0.5\) has 2 values"),
        (3, 0.5, [[0.0], [np.nan]], "not finite on 1 rows, first on row 1"),
        (3, 0.5, np.zeros((2, 2, 2)), r"got an array of shape \(2, 2, 2\)"),
        (9, 0.9, np.tile([[0.0], [1.0]], 40), "use fewer lens dimensions"),
    ],
)
def test_errors_say_what_was_wrong(cover, n, overlap, values, message):
    with pytest.raises(GeomsimError, match=message):
        cover(n, overlap).sets(np.array(values))


@pytest.mark.parametrize("values", [[-1.7e308, 1.7e308], [0.0, 1e-320]])
def test_spans_beyond_the_range_of_numbers_are_refused(values):
    with pytest.raises(GeomsimError, match=r"lens dimension 0 run from .* multiply"):
        Cubes(9).sets(np.array(values))


@given(
    st.integers(1, 60), st.integers(1, 3), st.integers(1, 7), st.booleans(), st.integers(0, 10_000),
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.8]), min_size=1, max_size=4, unique=True),
)  # fmt: skip
@settings(max_examples=100)
def test_nested_boxes_are_those_of_each_overlap(n_rows, dimensions, n, whole, seed, overlaps):
    values = np.random.default_rng(seed).normal(size=(n_rows, dimensions))
    values = np.round(2 * values) if whole else values
    covers = [Cubes(n, overlap) for overlap in sorted(overlaps)]
    found = nested_boxes(values, [cover.bounds(values) for cover in covers])
    for cover, sets in zip(covers, found, strict=True):
        alone = cover.sets(values)
        assert len(sets) == len(alone)
        assert all(np.array_equal(one, other) for one, other in zip(sets, alone, strict=True))
