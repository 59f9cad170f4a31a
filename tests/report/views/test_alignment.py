from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim.report.views.alignment import align


def cloud(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)) * [2.0, 1.0]


def moved(places, affine):
    a, b, c, d, e, f = affine
    return np.column_stack([a * places[:, 0] + c * places[:, 1] + e, b * places[:, 0] + d * places[:, 1] + f])


def turned(angle, mirrored):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return turn @ np.diag([1.0, -1.0]) if mirrored else turn


def numbers(words):
    return [float(number) for number in re.findall(r"\d\.\d\d", words)]


@settings(max_examples=40)
@given(
    angle=st.floats(-4, 4), mirrored=st.booleans(), scale=st.floats(1e-3, 1e3), move=st.floats(-50, 50),
    weighted=st.booleans(),
)  # fmt: skip
def test_a_turned_copy_is_turned_back(angle, mirrored, scale, move, weighted):
    left = cloud(40)
    order = np.random.default_rng(1).permutation(40)
    right = (scale * left @ turned(angle, mirrored) + [move, -2 * move])[order]
    weight = np.random.default_rng(2).random(40) if weighted else None
    affine, words = align(left, right, order, np.arange(40), weight)
    assert moved(right, affine) == pytest.approx(left[order], abs=1e-6)
    assert "along 40 pairs: r 1.00 between the places of partners" in words


@pytest.mark.parametrize("weighted", [False, True])
def test_no_other_turn_brings_partners_nearer(weighted):
    left, right = cloud(30), cloud(50, 1)
    random = np.random.default_rng(2)
    l, r = random.integers(30, size=80), random.integers(50, size=80)
    w = random.random(80) if weighted else np.ones(80)
    affine, words = align(left, right, l, r, w if weighted else None)
    found = (w * ((left[l] - moved(right, affine)[r]) ** 2).sum(axis=1)).sum()
    matrix = np.array(affine[:4]).reshape(2, 2)
    scale = np.sqrt(abs(np.linalg.det(matrix)))
    assert matrix @ matrix.T == pytest.approx(scale**2 * np.eye(2), abs=1e-12)
    for mirrored in (False, True):
        for angle in np.linspace(0, 2 * np.pi, 400):
            other = scale * right[r] @ turned(angle, mirrored)
            other += np.average(left[l] - other, axis=0, weights=w)
            assert (w * ((left[l] - other) ** 2).sum(axis=1)).sum() >= found - 1e-9
    # r is the correlation of both coordinates together, each about its mean.
    x, y = left[l] - np.average(left[l], axis=0, weights=w), moved(right, affine)[r]
    y = y - np.average(y, axis=0, weights=w)
    expected = (w @ (x * y).sum(axis=1)) / np.sqrt((w @ (x**2).sum(axis=1)) * (w @ (y**2).sum(axis=1)))
    assert numbers(words)[0] == pytest.approx(expected, abs=0.0051)


def test_unrelated_maps_agree_no_more_than_shuffled_ones():
    _, words = align(cloud(300), cloud(300, 1), np.arange(300), np.arange(300))
    r, shuffled = numbers(words)
    assert 0 < shuffled < 0.12
    assert r < 3 * shuffled
    assert words.endswith("when the pairs are shuffled (mean of 20).")
    assert align(cloud(300), cloud(300, 1) + 20, np.arange(300), np.arange(300))[1] == words
    near = cloud(300) + 0.5 * cloud(300, 1)
    r, shuffled = numbers(align(cloud(300), near, np.arange(300), np.arange(300))[1])
    assert r > 0.8
    assert 0 < shuffled < 0.12


def test_the_spread_of_both_maps_stays_alike():
    left, right = cloud(200), 1000 * cloud(200, 1)
    affine, _ = align(left, right, np.arange(200), np.arange(200))
    assert np.std(moved(right, affine)) == pytest.approx(np.std(left), rel=0.2)
    # Partners that lie close together on the left do not draw the whole right map there.
    middle = np.argsort(np.linalg.norm(left, axis=1))[:20]
    affine, _ = align(left, right, middle, np.arange(20))
    assert np.sqrt(abs(np.linalg.det(np.array(affine[:4]).reshape(2, 2)))) == pytest.approx(
        np.linalg.norm(left - left.mean(axis=0)) / np.linalg.norm(right - right.mean(axis=0)) / 1.5
    )


def test_pairs_without_weight_do_not_count():
    left = cloud(40)
    right = left @ turned(1.0, True)
    wrong = np.random.default_rng(0).permutation(20)
    pairs = np.arange(40), np.concatenate([wrong, np.arange(20, 40)])
    weight = np.concatenate([np.linspace(-1, 0, 20), np.ones(20)])
    affine, words = align(left, right, *pairs, weight)
    assert moved(right, affine) == pytest.approx(left, abs=1e-9)
    assert "along 20 pairs: r 1.00" in words
    assert align(left, right, *pairs, np.zeros(40)) == align(left, right, *pairs)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (([], []), "0 pairs cannot say how to turn it"),
        (([3], [4]), "1 pair cannot say"),
        (([3, 4], [4, 3]), "2 pairs cannot say"),
        (([5, 5, 5, 5], [1, 2, 3, 4]), "the pairs of a side lie on one place"),
        (([1, 2, 3, 4], [5, 5, 5, 5]), "the pairs of a side lie on one place"),
    ],
)
def test_pairs_that_say_nothing_leave_centre_and_spread(pairs, said):
    left, right = cloud(20), 7 * cloud(30, 1) + 3
    affine, words = align(left, right, *pairs)
    found = moved(right, affine)
    assert said in words
    assert found.mean(axis=0) == pytest.approx(left.mean(axis=0))
    assert np.linalg.norm(found - found.mean(axis=0)) / np.sqrt(30) == pytest.approx(
        np.linalg.norm(left - left.mean(axis=0)) / np.sqrt(20)
    )
    assert affine[1] == affine[2] == 0


def test_maps_whose_rows_lie_on_one_place():
    flat = np.zeros((5, 2)) + 4
    for left, right in ((flat, cloud(5)), (cloud(5), flat), (flat, flat)):
        affine, words = align(left, right, np.arange(5), np.arange(5))
        assert np.isfinite(affine).all()
        assert moved(right, affine).mean(axis=0) == pytest.approx(left.mean(axis=0))
        assert "lie on one place" in words


def test_what_are_no_pairs():
    with pytest.raises(GeomsimError, match="a pair names a right row that a map of 5 rows has not"):
        align(cloud(5), cloud(5), [0, 1, 2], [3, 4, 5])
    with pytest.raises(GeomsimError, match="a pair names a left row"):
        align(cloud(5), cloud(5), [-1], [0])
    with pytest.raises(GeomsimError, match="2 left rows, 1 right rows and 2 weights are not pairs"):
        align(cloud(5), cloud(5), [0, 1], [0])
