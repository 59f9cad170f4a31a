"""Lenses against closed forms, all distances and plain definitions, and what they promise of rows' order."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import cdist

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.lenses.lens import (
    Coordinate,
    Density,
    Eccentricity,
    Norm,
    PrincipalComponents,
    Projection,
    lens_values,
)
from geomsim_topological.rows.row_order import order_by_values


def cloud(n, width, seed, dtype=np.float64):
    return (np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(2, 1, width)).astype(dtype)


def circle(n):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)])


LENSES = [
    PrincipalComponents(2),
    Norm(),
    Eccentricity(),
    Eccentricity(1),
    Eccentricity(np.inf),
    Density(3, "distance"),
    Density(20, "distance"),
    Projection([1.0, -2.0, 0.5]),
    Coordinate(2),
]
ROUNDED = [lens for lens in LENSES if not isinstance(lens, Projection | Coordinate)]
shapes = st.tuples(st.integers(21, 60), st.just(3))
grids = shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(-2, 3).map(float)))
floats = shapes.flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32)))


@given(st.one_of(grids, floats), st.integers(0, 99))
@settings(max_examples=60)
def test_values_follow_the_rows_to_the_last_bit_and_equal_rows_get_equal_ones(points, seed):
    order = np.random.default_rng(seed).permutation(len(points))
    groups = np.unique(points, axis=0, return_inverse=True)[1].ravel()
    for lens in LENSES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)
            try:
                values = lens(points)
            except DegenerateSpace:
                assert len(np.unique(groups)) == 1
                continue
            moved = lens(points[order])
        assert values.dtype == np.float64
        assert np.array_equal(values[order], moved), lens
        assert len(np.unique(np.column_stack([groups, values]), axis=0)) == len(np.unique(groups)), lens


@pytest.mark.parametrize("lens", [lens for lens in LENSES if not isinstance(lens, Projection)], ids=repr)
def test_copies_of_rows_in_other_places_get_equal_values(lens):
    # Matrix products treat the last rows of a block differently.
    points = np.tile(cloud(301, 37, 0), (3, 1))
    values = np.asarray(lens(points)).reshape(3, 301, -1)
    assert np.array_equal(values[0], values[1])
    assert np.array_equal(values[0], values[2])


@given(grids, st.integers(0, 99))
@settings(max_examples=60)
def test_the_order_by_values_follows_from_the_rows(points, seed):
    points = points[:, ::-1] * np.array([1.0, -1.0, 0.0])  # negative zeros among the ties
    moved = points[np.random.default_rng(seed).permutation(len(points))]
    assert np.array_equal(points[order_by_values(points)], moved[order_by_values(moved)])


@pytest.mark.parametrize("lens", ROUNDED, ids=repr)
@pytest.mark.parametrize("unit", [1e-130, 1e130])
def test_values_are_in_the_units_of_the_points(lens, unit):
    points = cloud(60, 3, 0)
    assert np.asarray(lens(points * unit)) / unit == pytest.approx(np.asarray(lens(points)), rel=1e-9)


@pytest.mark.parametrize("lens", ROUNDED, ids=repr)
def test_rotated_copies_have_the_same_values(lens):
    points = cloud(80, 3, 1)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert lens(points @ rotation) == pytest.approx(np.asarray(lens(points)), abs=1e-9)


@pytest.mark.parametrize("n", [3, 8, 31])
def test_eccentricity_of_a_regular_polygon(n):
    chords = 2 * np.sin(np.pi * np.arange(n) / n)
    for power in (1, 1.5, 2, 7):
        expected = np.mean(chords**power) ** (1 / power)
        assert Eccentricity(power)(circle(n)) == pytest.approx(np.full(n, expected), rel=1e-9)
    assert Eccentricity(2)(circle(n)) == pytest.approx(np.full(n, np.sqrt(2)))
    assert Eccentricity(np.inf)(circle(n)) == pytest.approx(np.full(n, chords.max()))


@pytest.mark.parametrize("power", [1, 2, 3.5, np.inf])
@pytest.mark.parametrize("shift", [0.0, 1e5])
def test_eccentricity_is_the_mean_of_all_distances(power, shift):
    points = np.repeat(cloud(330, 5, 0), 2, axis=0)[:600] + shift  # more than a tile, and copies
    distances = cdist(points, points)
    expected = distances.max(1) if power == np.inf else (distances**power).mean(1) ** (1 / power)
    assert Eccentricity(power)(points) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("k", [1, 4, 50, 599])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_density_is_the_kth_smallest_distance_to_the_others(k, dtype):
    points = cloud(600, 4, 0, dtype)
    points[5] = points[6] = points[7]
    expected = np.sort(cdist(points, points), axis=1)[:, k]
    assert Density(k, "distance")(points) == pytest.approx(expected, rel=1e-12)
    if k >= 4:
        assert Density(k)(points) == pytest.approx(-np.log(expected), rel=1e-9)


def test_density_of_near_copies_is_not_lost_in_rounding():
    # Matrix products cannot tell such distances from zero.
    points = np.arange(40.0)[:, None] * np.array([[1.0, 0.0]]) + 1e6
    points = np.concatenate([points, points + np.array([0.0, 1e-7])])
    expected = np.sort(cdist(points, points), axis=1)[:, 1]
    assert (expected > 0).all()
    assert Density(1, "distance")(points) == pytest.approx(expected, rel=1e-9)


def test_density_searches_again_where_products_cannot_tell_who_is_near():
    # Two clumps far apart: the rounding of the products is larger than all distances in a clump.
    clumps = np.random.default_rng(0).normal(size=(80, 3)) * 1e-6
    points = clumps + np.where(np.arange(80) < 40, 1e3, -1e3)[:, None]
    apart = points[:, None] - points
    distances = np.sort(np.sqrt(np.einsum("ijk,ijk->ij", apart, apart)), axis=1)
    for k in (1, 5, 39, 40, 79):
        assert Density(k, "distance")(points) == pytest.approx(distances[:, k], rel=1e-14)


def test_norm_projection_and_coordinate():
    points = cloud(3000, 200, 0, np.float32)
    exact = points.astype(np.float64)
    assert Norm()(points) == pytest.approx(np.linalg.norm(exact, axis=1), rel=1e-14)
    assert Norm()(np.array([[3e-200, 4e-200], [3e200, 4e200], [0.0, 0.0]])) == pytest.approx([5e-200, 5e200, 0.0])
    direction = np.random.default_rng(1).normal(size=200)
    expected = exact @ direction / np.linalg.norm(direction)
    assert Projection(direction)(points) == pytest.approx(expected, abs=1e-12)
    assert Projection(torch.tensor(direction, requires_grad=True) * 1e-200)(points) == pytest.approx(
        expected, abs=1e-12
    )
    assert Projection(-direction)(points) == pytest.approx(-expected, abs=1e-12)
    assert np.array_equal(Coordinate(7)(points), exact[:, 7])
    assert Projection(direction) == Projection(direction * 1.0) != Projection(-direction)
    assert repr(Projection([1.0, 2.0])) == "Projection([1, 2])"
    assert repr(Projection(np.ones(9))).endswith("... 9 in all])")


def test_several_lenses_stand_side_by_side():
    points = cloud(50, 4, 0)
    values = lens_values((Norm(), points[:, :2], (Coordinate(3), lambda cloud: cloud[:, [1]])), points)
    assert np.array_equal(values, np.column_stack([Norm()(points), points[:, :2], points[:, 3], points[:, 1]]))
    assert np.array_equal(lens_values((1.0, 2.0, 4), points[:3]), [[1.0], [2.0], [4.0]])
    assert np.array_equal(lens_values([[1.0, 2.0], [3.0, 5.0]], points[:2]), [[1.0, 2.0], [3.0, 5.0]])
    assert np.array_equal(lens_values(torch.arange(3.0, requires_grad=True), points[:3]), [[0.0], [1.0], [2.0]])
    assert lens_values(points[:, 0].astype(np.float32), points).dtype == np.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Eccentricity(0.5), "power is from 1 to 100, .* got 0.5"),
        (lambda: Eccentricity(float("nan")), "power is from 1"),
        (lambda: Density(0), "k is at least 1"),
        (lambda: Density(3, "sparsity"), "'log-density' or 'distance', got 'sparsity'"),
        (lambda: Density(5)(circle(5)), "nearest 5 other rows are asked for, but there are 5 rows: use k of at most 4"),
        (lambda: Density(2)(np.zeros((4, 2))), "4 rows, first row 0, have at least 2 copies"),
        (lambda: Projection([[1.0]]), r"one vector, \(width,\), got an array of shape \(1, 1\)"),
        (lambda: Projection([0.0, np.nan]), "not finite in entry 1"),
        (lambda: Projection([0.0, 0.0]), "direction is zero"),
        (lambda: Projection([1.0])(circle(5)), "has 1 entries and the points are 2 wide"),
        (lambda: Coordinate(2)(circle(5)), "no coordinate 2: the points have 2"),
        (lambda: Coordinate(-1), "numbered from 0, got -1"),
        (lambda: Coordinate(0.5), "whole number, 0 for the first, got 0.5"),
        (lambda: Norm()(np.zeros(3)), r"got an array of shape \(3,\)"),
        (lambda: Norm()(np.array([[0.0], [np.nan]])), "not finite, first in row 1"),
        (lambda: lens_values(np.arange(8.0), circle(9)), r"for 9 rows, got an array of shape \(8, 1\)"),
        (lambda: lens_values((Norm(), np.arange(8.0)), circle(9)), r"for 9 rows, got an array of shape \(8, 1\)"),
        (lambda: lens_values(np.full(9, np.nan), circle(9)), "not finite on 9 rows, first on row 0"),
        (lambda: lens_values(np.ones(9), circle(9)), "lens column 0 is the same on all 9 rows"),
        (lambda: lens_values((Coordinate(0), np.ones(9)), circle(9)), "lens column 1 is the same on all 9 rows"),
        (lambda: lens_values(np.empty((9, 0)), circle(9)), r"got an array of shape \(9, 0\)"),
        (lambda: lens_values(Eccentricity(), np.zeros((9, 2))), "lens column 0 is the same on all 9 rows"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()


def test_a_name_is_no_lens_and_the_message_names_some():
    with pytest.raises(GeomsimError, match=r"got 'pca': use PrincipalComponents\(2\)"):
        lens_values("pca", np.eye(3))
