"""Diagrams of clouds whose homology is known, with both engines, and the certificate of landmarks."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import cdist

from geomsim import GeomsimWarning, InvalidConfig, InvalidSpace, Space
from geomsim_topological.persistence import (
    bottleneck_distance,
    default_landmarks,
    diagram,
    diagram_of_distances,
    landscape_distance,
    wasserstein_distance,
)

ENGINES = ["ripser", "gudhi"]


def polygon(n):
    angle = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def chord(n, steps):
    return 2 * np.sin(np.pi * steps / n)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n", [4, 5, 6, 9, 31, 60])
def test_a_regular_polygon_has_one_loop(n, engine):
    found = diagram(polygon(n), engine=engine)
    # (Adamaszek and Adams 2017)
    assert found.bars == pytest.approx(np.array([[chord(n, 1), chord(n, np.ceil(n / 3))]]), rel=1e-12)
    assert found.diameter == pytest.approx(chord(n, n // 2))


def test_a_triangle_has_none():
    assert diagram(polygon(3)).bars.shape == (0, 2)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("d", [2, 3, 4])
def test_a_cross_polytope_is_a_sphere(d, engine):
    points = np.concatenate([np.eye(d), -np.eye(d)])
    assert diagram(points, dimension=d - 1, engine=engine).bars == pytest.approx(np.array([[2**0.5, 2.0]]), rel=1e-12)
    for dimension in range(1, d - 1):
        assert not len(diagram(points, dimension, engine=engine).bars)


@pytest.mark.parametrize("engine", ENGINES)
def test_components_are_those_of_single_linkage(engine):
    points = np.random.default_rng(1).normal(size=(70, 4))
    heights = linkage(points, "single")[:, 2]
    found = diagram(points, dimension=0)
    assert np.sort(found.finite[:, 1]) == pytest.approx(heights, rel=1e-12)
    assert found.bars[0].tolist() == [0.0, np.inf]
    assert not found.bars[:, 0].any()
    again = diagram_of_distances(cdist(points, points), dimension=0, engine=engine)
    assert again.bars == pytest.approx(found.bars, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_product_of_two_polygons_has_two_loops(engine):
    # The Rips complex of a product under the larger of both distances is the product of the complexes.
    one = cdist(polygon(11), polygon(11))
    torus = np.maximum(np.kron(one, np.ones((11, 11))), np.kron(np.ones((11, 11)), one))
    bar = [chord(11, 1), chord(11, 4)]
    assert diagram_of_distances(torus, engine=engine).bars == pytest.approx(np.array([bar, bar]), rel=1e-12)


def test_the_product_of_two_polygons_has_one_void():
    one = cdist(polygon(11), polygon(11))
    torus = np.maximum(np.kron(one, np.ones((11, 11))), np.kron(np.ones((11, 11)), one))
    found = diagram_of_distances(torus, dimension=2, engine="ripser")
    assert found.bars[:1] == pytest.approx(np.array([[chord(11, 1), chord(11, 4)]]), rel=1e-12)
    assert (found.persistence > 0.1).sum() == 1


def klein_bottle(n):
    """Distances on the flat Klein bottle: the plane modulo (x + 1, y) and (-x, y + 1)."""
    places = np.array(list(product(np.arange(n) / n, repeat=2)))
    least = np.full((n * n, n * n), np.inf)
    for across, along in product((-2, -1, 0, 1, 2), (-1, 0, 1)):
        images = np.column_stack([(-1) ** along * places[:, 0] + across, places[:, 1] + along])
        least = np.minimum(least, cdist(places, images))
    return np.minimum(least, least.T).round(12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("field", "loops"), [(2, 2), (3, 1)])
def test_a_klein_bottle_has_a_loop_that_only_even_coefficients_see(field, loops, engine):
    found = diagram_of_distances(klein_bottle(12), engine=engine, field=field)
    assert (found.persistence > 0.15).sum() == loops
    assert found.persistence[loops:].max(initial=0.0) < 0.05
    assert found.field == field


def test_the_largest_fields_of_both_engines():
    points = np.random.default_rng(0).normal(size=(40, 3))
    expected = diagram(points).bars.tolist()
    for engine, largest in (("ripser", 127), ("gudhi", 251)):
        assert diagram(points, engine=engine, field=largest).bars.tolist() == expected


@given(st.integers(5, 25), st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=25)
def test_engines_agree(n, width, seed):
    points = np.random.default_rng(seed).normal(size=(n, width))
    for dimension in (0, 1, 2):
        by_ripser, by_gudhi = (
            diagram_of_distances(cdist(points, points), dimension, engine=engine).bars for engine in ENGINES
        )
        # The same distances give the same births and deaths to the last bit: ripser works on ranks.
        assert by_ripser.tolist() == by_gudhi.tolist()


@given(st.integers(20, 60), st.integers(2, 5), st.integers(3, 20), st.integers(0, 1000))
@settings(max_examples=30)
def test_landmarks_keep_what_they_certify(n, width, landmarks, seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, width)) * random.uniform(0.2, 1.0, size=width)
    for dimension in (0, 1):
        everything, some = diagram(points, dimension), diagram(points, dimension, landmarks)
        assert (some.n_points, some.n_landmarks, everything.covering_radius) == (n, landmarks, 0.0)
        radius = some.covering_radius
        assert bottleneck_distance(everything.bars, some.bars) <= 2 * radius * (1 + 1e-9)
        # Landmarks are among the points and each point has one at r: all points move up by r, then lie within r.
        assert bottleneck_distance(everything.bars + radius, some.bars) <= radius * (1 + 1e-9)
        for bar in some.bars[some.certified & np.isfinite(some.bars[:, 1])]:
            assert np.abs(everything.bars - bar).max(axis=1).min() <= 2 * radius


def test_a_noisy_circle_is_certified_among_landmarks():
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 4000)
    points = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.02 * random.normal(size=(4000, 2))
    found = diagram(points)
    assert (found.n_landmarks, found.certified.sum()) == (default_landmarks(1), 1)
    assert found.bars[0, 1] == pytest.approx(3**0.5, abs=0.1)
    assert diagram(points, landmarks=40).certified.sum() == 1


def test_no_loop_is_certified_where_there_is_none():
    for seed in range(5):
        points = np.random.default_rng(seed).normal(size=(400, 3))
        assert diagram(points, landmarks=60).certified.sum() == 0


def test_the_same_rows_in_any_order_and_number():
    points = np.random.default_rng(4).normal(size=(90, 3))
    order = np.random.default_rng(5).permutation(90)
    for dimension, landmarks in ((0, None), (1, None), (1, 20), (0, 20)):
        expected = diagram(points, dimension, landmarks)
        for others in (points[order], np.concatenate([points, points])[np.argsort(np.tile(order, 2))]):
            found = diagram(others, dimension, landmarks)
            assert found.bars == pytest.approx(expected.bars, rel=1e-12)
            assert found.covering_radius == pytest.approx(expected.covering_radius, rel=1e-12)
        assert diagram(points[order], dimension, landmarks).bars.tolist() == expected.bars.tolist()


@pytest.mark.parametrize("factor", [2.0**-900, 1e-150, 1e-5, 3.7, 1e150, 2.0**900])
def test_lengths_scale_with_the_points(factor):
    points = np.random.default_rng(6).normal(size=(60, 3))
    for landmarks in (None, 20):
        before, after = diagram(points, landmarks=landmarks), diagram(points * factor, landmarks=landmarks)
        assert after.bars == pytest.approx(before.bars * factor, rel=1e-9)
        assert after.covering_radius == pytest.approx(before.covering_radius * factor, rel=1e-9)
        assert after.diameter == pytest.approx(before.diameter * factor, rel=1e-9)


def test_points_of_every_kind_are_read(tmp_path):
    points = np.random.default_rng(7).normal(size=(40, 3))
    expected = diagram(points).bars.tolist()
    np.save(tmp_path / "points.npy", points)
    tensor, stored, turned = torch.from_numpy(points), tmp_path / "points.npy", np.asfortranarray(points)
    for points_given in (tensor, Space(points), stored, points.tolist(), turned):
        assert diagram(points_given).bars.tolist() == expected
    assert diagram(points.astype(np.float32)).bars == pytest.approx(np.array(expected), abs=1e-5)
    # A far origin costs no digits but those that the points lose themselves.
    assert diagram(points + 1e6).bars == pytest.approx(np.array(expected), abs=1e-8)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_single_point_and_two(engine):
    one = diagram([[1.0, 2.0]], 0, engine=engine)
    assert (one.bars.tolist(), one.diameter, one.n_landmarks) == ([[0.0, np.inf]], 0.0, 1)
    assert diagram([[1.0, 2.0]] * 3, 1, engine=engine).bars.shape == (0, 2)
    assert diagram([[0.0], [2.0]], 0, engine=engine).bars.tolist() == [[0.0, np.inf], [0.0, 2.0]]
    assert diagram([[0.0], [2.0]], 1, engine=engine).bars.shape == (0, 2)
    assert diagram_of_distances([[0.0]], 0, engine=engine).bars.tolist() == [[0.0, np.inf]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimension": -1}, "dimension is 0"),
        ({"dimension": True}, "dimension is 0"),
        ({"landmarks": 0}, "landmarks is the number of rows to use, at least 1"),
        ({"landmarks": 2.5}, "landmarks is the number of rows"),
        ({"engine": "javaplex"}, "engine is one of ripser, gudhi; got 'javaplex'"),
        ({"field": 4}, "field is a prime up to 127 in ripser"),
        ({"field": 131}, "field is a prime up to 127 in ripser"),
        ({"field": 257, "engine": "gudhi"}, "field is a prime up to 251 in gudhi"),
        ({"dimension": 2, "landmarks": 201}, "at most 200 points; ask for landmarks=200 or fewer"),
        (
            {"landmarks": 250, "memory_budget": 2**20},
            r"may need .* MiB in ripser, and 1 MiB are .*landmarks=70 would fit",
        ),
        ({"landmarks": 250, "memory_budget": 2**26, "engine": "gudhi"}, r"in gudhi, and 64 MiB .*landmarks=147 would"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message):
    points = np.random.default_rng(8).normal(size=(260, 3))
    with pytest.raises(InvalidConfig, match=message):
        diagram(points, **options)


def test_the_number_of_landmarks_that_is_said_to_fit_fits():
    points = np.random.default_rng(8).normal(size=(260, 3))
    assert diagram(points, landmarks=70, memory_budget=2**20).n_landmarks == 70
    with pytest.raises(InvalidConfig, match="landmarks=70 would fit"):
        diagram(points, landmarks=71, memory_budget=2**20)
    # Components need none of it.
    assert diagram(points, dimension=0, memory_budget=2**10).n_landmarks == 260


def test_the_default_leaves_points_out_only_where_there_are_many():
    points = np.random.default_rng(9).normal(size=(301, 2))
    assert diagram(points[:300]).n_landmarks == 300
    assert diagram(points).n_landmarks == 300
    assert diagram(points, dimension=2).n_landmarks == 100
    assert diagram(points, dimension=0).n_landmarks == 301
    assert diagram(points, dimension=0, landmarks=50).n_landmarks == 50


@pytest.mark.parametrize(
    ("distances", "message"),
    [
        (np.ones((2, 3)), r"\(points, points\), got an array of shape \(2, 3\)"),
        ([[0.0, np.nan], [np.nan, 0.0]], r"2 distances are not finite, the first at \(0, 1\)"),
        ([[0.0, -1.0], [-1.0, 0.0]], "2 distances are negative"),
        ([[1.0, 2.0], [2.0, 0.0]], r"1 distances are other than zero on the diagonal, the first at \(0, 0\): 1.0"),
        ([[0.0, 1.0], [2.0, 0.0]], "2 distances are unlike those of the same points the other way round"),
        (np.empty((0, 0)), "got an array of shape"),
    ],
)
def test_what_is_no_matrix_of_distances_is_refused(distances, message):
    with pytest.raises(InvalidSpace, match=message):
        diagram_of_distances(distances)


def test_points_that_are_none_are_refused():
    with pytest.raises(InvalidSpace):
        diagram([[0.0, np.nan], [1.0, 0.0]])
    with pytest.raises(InvalidSpace, match="overflow beyond 1e"):
        diagram([[0.0], [1e305]])


def test_a_point_twice_in_a_matrix_of_distances_changes_nothing():
    one = cdist(polygon(8), polygon(8))
    rows = np.repeat(np.arange(8), 2)
    for dimension in (0, 1):
        assert diagram_of_distances(one[np.ix_(rows, rows)], dimension).bars.tolist() == (
            diagram_of_distances(one, dimension).bars.tolist()
        )


def test_more_landmarks_than_rows_are_all_rows():
    points = np.random.default_rng(1).normal(size=(30, 3))
    for dimension in (0, 1, 2):
        expected, found = diagram(points, dimension), diagram(points, dimension, landmarks=10_000)
        assert found.to_dict() == expected.to_dict()
        assert (found.n_landmarks, found.covering_radius) == (30, 0.0)


def test_points_that_look_like_distances_are_read_as_points_with_a_warning():
    distances = cdist(polygon(9), polygon(9))
    with pytest.warns(GeomsimWarning, match=r"9 points of width 9 are symmetric.*use diagram_of_distances if"):
        found = diagram(distances)
    assert found.bars == pytest.approx(diagram_of_distances(cdist(distances, distances)).bars)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagram(distances[:8])
        diagram(distances + np.eye(9))
        diagram(-distances)
        diagram(np.triu(distances))
        diagram(np.zeros((4, 4)), 0)
        diagram([[0.0, 1.0], [1.0, 0.0]], 0)
        diagram_of_distances(distances)


def test_empty_diagrams_in_every_distance():
    empty, loop = diagram(np.linspace(0, 1, 9)[:, None]).bars, diagram(polygon(9)).bars
    length = float(loop[0, 1] - loop[0, 0])
    for distance, expected in (
        (bottleneck_distance, length / 2),
        (wasserstein_distance, length / 2),
        (landscape_distance, (length**3 / 12) ** 0.5),
    ):
        assert distance(empty, empty) == 0.0
        assert distance(empty, loop) == distance(loop, empty) == pytest.approx(expected)
