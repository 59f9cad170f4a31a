"""Covers of the points themselves: balls and neighbourhoods of landmarks, against all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import cdist

from geomsim import GeomsimError
from geomsim_topological.covers.balls import Balls
from geomsim_topological.covers.neighbours_cover import Neighbours

shapes = st.tuples(st.integers(1, 60), st.integers(1, 4))
grids = shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(0, 5).map(float)))


def cloud(n, width, seed, dtype=np.float64):
    return (np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(2, 1, width)).astype(dtype)


def greedy(points, radius=0.0, count=None):
    """Landmarks by all distances: the farthest row from the mean, then the farthest from all landmarks."""
    distances = cdist(points, points)
    chosen = [int(cdist(points, points.mean(0)[None])[:, 0].argmax())]
    while distances[chosen].min(0).max() > radius and len(chosen) != count:
        chosen.append(int(distances[chosen].min(0).argmax()))
    return chosen, distances


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1])
def test_balls_are_those_of_the_plain_algorithm(seed, dtype):
    points = cloud(400, 3, seed, dtype)
    landmarks, distances = greedy(points.astype(np.float64), 1.5)
    assert 10 < len(landmarks) < 100
    expected = [np.flatnonzero(distances[landmark] <= 1.5).tolist() for landmark in landmarks]
    assert [rows.tolist() for rows in Balls(1.5).sets(points)] == expected


@given(grids, st.sampled_from([0.5, 1.0, np.sqrt(2), 2.0, 5.0]), st.integers(0, 99))
@settings(max_examples=150)
def test_balls_cover_all_and_do_not_depend_on_the_order_of_the_rows(points, radius, seed):
    # Whole numbers put many rows exactly on the bound.
    sets = Balls(radius).sets(points)
    distances = cdist(points, points)
    assert set(np.concatenate(sets).tolist()) == set(range(len(points)))
    balls = {tuple(np.flatnonzero(row <= radius).tolist()) for row in distances}
    assert all(tuple(rows.tolist()) in balls for rows in sets)
    order = np.random.default_rng(seed).permutation(len(points))
    moved = Balls(radius).sets(points[order])
    assert [rows.tolist() for rows in moved] == [np.flatnonzero(np.isin(order, rows)).tolist() for rows in sets]


def test_the_bound_belongs_to_the_ball_far_from_zero_too():
    points = np.array([[0.0, 0.0], [3.0, 4.0], [30.0, 40.0]]) + 2.0**30
    assert [rows.tolist() for rows in Balls(5.0).sets(points)] == [[2], [0, 1]]
    assert len(Balls(np.nextafter(5.0, 0)).sets(points)) == 3


@pytest.mark.parametrize("seed", range(5))
def test_a_row_on_the_very_bound_is_inside_and_beyond_it_outside(seed):
    points = cloud(100, 2, seed) + 7.0
    first = greedy(points, count=1)[0][0]
    for row, distance in enumerate(cdist(points[[first]], points)[0]):
        if row != first:
            assert row in Balls(distance).sets(points)[0]
            assert row not in Balls(np.nextafter(distance, 0)).sets(points)[0]


@pytest.mark.parametrize("unit", [1e-150, 1e-30, 1e30, 1e150])
def test_units_do_not_matter(unit):
    points = cloud(100, 3, 0)
    here, there = Balls(1.5).sets(points), Balls(1.5 * unit).sets(points * unit)
    assert [rows.tolist() for rows in here] == [rows.tolist() for rows in there]
    here, there = Neighbours(9, 8).sets(points), Neighbours(9, 8).sets(points * unit)
    assert [rows.tolist() for rows in here] == [rows.tolist() for rows in there]


def test_too_many_balls_are_refused_with_a_radius_that_will_do():
    points = cloud(300, 3, 0)
    with pytest.raises(GeomsimError, match=r"20 balls of radius 0.1 leave \d+ of 300 rows outside") as caught:
        Balls(0.1, most=20).sets(points)
    advised = float(str(caught.value).split("use a radius of ")[1].split(",")[0])
    assert len(Balls(advised * (1 + 1e-5), most=20).sets(points)) == 20


@pytest.mark.parametrize("seed", [0, 1])
def test_neighbours_are_those_of_the_plain_algorithm(seed):
    points = cloud(200, 3, seed)
    landmarks, distances = greedy(points, count=12)
    expected = [sorted(np.argsort(distances[landmark])[:15].tolist()) for landmark in landmarks]
    assert [rows.tolist() for rows in Neighbours(15, 12).sets(points)] == expected


@given(grids, st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=150)
def test_neighbours_take_in_ties_and_do_not_depend_on_the_order_of_the_rows(points, k, n_landmarks, seed):
    cover = Neighbours(k, n_landmarks)
    sets = cover.sets(points)
    assert len(sets) == min(n_landmarks, len(np.unique(points, axis=0)))
    nearest = [row <= np.sort(row)[min(k, len(row)) - 1] for row in cdist(points, points)]
    neighbourhoods = {tuple(np.flatnonzero(near).tolist()) for near in nearest}
    assert all(tuple(rows.tolist()) in neighbourhoods for rows in sets)
    order = np.random.default_rng(seed).permutation(len(points))
    moved = cover.sets(points[order])
    assert [rows.tolist() for rows in moved] == [np.flatnonzero(np.isin(order, rows)).tolist() for rows in sets]


def test_equal_rows_are_one_set():
    points = np.full((7, 2), 0.1)
    assert [rows.tolist() for rows in Balls(1e-3).sets(points)] == [list(range(7))]
    assert [rows.tolist() for rows in Neighbours(2, 5).sets(points)] == [list(range(7))]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Balls(0.0), "radius is a positive distance .* got 0.0"),
        (lambda: Balls(float("nan")), "positive distance"),
        (lambda: Balls(1.0, most=0), "most=0"),
        (lambda: Balls(1.0).sets(np.zeros(3)), r"got an array of shape \(3,\)"),
        (lambda: Balls(1.0).sets(np.array([[0.0], [np.inf]])), "not finite, first in row 1"),
        (lambda: Neighbours(0, 3), "k and n_landmarks are at least 1, got k=0"),
        (lambda: Neighbours(3, 0), "n_landmarks=0"),
        (lambda: Neighbours(1, 1).sets(np.array([[np.nan]])), "not finite, first in row 0"),
        (lambda: Neighbours(1, 1).sets(np.empty((0, 3))), r"got an array of shape \(0, 3\)"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()
