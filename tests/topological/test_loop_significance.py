"""Loops against chance: exact under the null, sure of a circle, and not fooled by a plane chosen to show one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kstest

from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim_topological import loop_significance as module
from geomsim_topological.denoising import reduce_by_pca
from geomsim_topological.loop_significance import loop_significance

TURN = 2 * np.pi


def embedding(numbers=31, width=16, noise=0.15, seed=0):
    """Numbers on the circle of one frequency, in noise."""
    random = np.random.default_rng(seed)
    turn = 4 * TURN * np.arange(numbers) / numbers
    plane = np.linalg.qr(random.normal(size=(width, 2)))[0]
    return np.column_stack([np.cos(turn), np.sin(turn)]) @ plane.T + noise * random.normal(size=(numbers, width))


@pytest.mark.parametrize("null", ["gaussian", "columns"])
def test_a_circle_is_more_than_chance(null):
    turn = TURN * np.arange(53) / 53
    found = loop_significance(np.column_stack([np.cos(turn), np.sin(turn)]), draws=39, null=null)
    assert found.p_value == 1 / 40
    assert found.length == pytest.approx(2 * np.sin(np.pi * 18 / 53) - 2 * np.sin(np.pi / 53))
    assert found.length > 1.5 * found.lengths.max()
    assert found.certified


def test_a_trained_embedding_and_an_untrained_one():
    def first_plane(points):
        return reduce_by_pca(points, 2)

    assert loop_significance(embedding(), draws=39, before=first_plane).p_value == 1 / 40
    random = np.random.default_rng(1).normal(size=(31, 16))
    assert loop_significance(random, draws=39, before=first_plane).p_value > 0.05


@pytest.mark.parametrize("width", [2, 6, 40])
def test_p_is_uniform_for_normal_points(width):
    values = []
    for seed in range(120):
        random = np.random.default_rng(seed)
        points = random.normal(size=(25, 3)) @ random.normal(size=(3, width))
        values.append(loop_significance(points, draws=19, seed=seed).p_value - random.random() / 20)
    assert kstest(values, "uniform").pvalue > 0.01


def test_a_plane_chosen_to_show_a_circle_shows_one_in_anything():
    turn = TURN * np.arange(31) / 31
    wanted = np.column_stack([np.cos(turn), np.sin(turn)])

    def fitted(points):
        centred = points - points.mean(axis=0)
        return centred @ (np.linalg.pinv(centred) @ wanted)

    points = np.random.default_rng(2).normal(size=(31, 40))
    assert loop_significance(fitted(points), draws=39).p_value == 1 / 40
    assert loop_significance(points, draws=39, before=fitted).p_value == 1.0


def test_draws_have_the_moments_of_the_points():
    random = np.random.default_rng(3)
    for rows, width in ((40, 3), (10, 25)):
        points = random.normal(size=(rows, width)) @ random.normal(size=(width, width)) + 5
        drawn = module._gaussian(points)(random)
        assert drawn.mean(axis=0) == pytest.approx(points.mean(axis=0))
        assert np.cov(drawn.T) == pytest.approx(np.cov(points.T), abs=1e-9)
        assert not np.allclose(drawn, points)
        shuffled = module._columns(points)(random)
        assert np.sort(shuffled, axis=0).tolist() == np.sort(points, axis=0).tolist()
        assert not np.allclose(np.cov(shuffled.T), np.cov(points.T))


def test_frames_are_uniform():
    # The first entry of a uniform frame, squared, is a beta variable of mean 1 / rows beyond the constant.
    random = np.random.default_rng(4)
    points = random.normal(size=(6, 2))
    draw = module._gaussian(points)
    axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    first = np.array([((draw(random) - points.mean(axis=0)) @ axes.T)[:, 0] for _ in range(4000)])
    scores = first / np.linalg.norm(first, axis=1, keepdims=True)
    assert np.abs(scores.mean(axis=0)).max() < 0.03
    assert np.cov(scores.T) == pytest.approx((np.eye(6) - 1 / 6) / 5, abs=0.015)


def test_no_loop_is_no_more_than_chance():
    found = loop_significance(np.linspace(0, 1, 20)[:, None], draws=9)
    assert (found.length, found.p_value, found.certified) == (0.0, 1.0, False)
    assert loop_significance(np.eye(8), draws=9).p_value == 1.0


def test_seeds_and_json():
    points = embedding()
    one, again, other = (loop_significance(points, draws=9, seed=seed) for seed in (1, 1, 2))
    assert one.lengths.tolist() == again.lengths.tolist() != other.lengths.tolist()
    stored = json.loads(json.dumps(one.to_dict(), allow_nan=False))
    assert stored["lengths"] == one.lengths.tolist()
    assert "LoopSignificance(length" in repr(one)


def test_warns_where_the_loop_is_not_certified():
    points = np.random.default_rng(5).normal(size=(300, 6))
    with pytest.warns(GeomsimWarning, match="is not certified: with 40 landmarks of 300 rows only loops longer than"):
        found = loop_significance(points, landmarks=40, draws=9)
    assert not found.certified


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"null": "uniform"}, "null is one of gaussian, columns"),
        ({"draws": 0}, "draws is a whole number, at least 1; got 0"),
    ],
)
def test_parameters_are_checked(options, message):
    with pytest.raises(InvalidConfig, match=message):
        loop_significance(embedding(), **options)


def test_too_few_rows():
    for points in (np.ones((9, 2)), np.eye(3)):
        with pytest.raises(DegenerateSpace, match=r"rows, .* of them different, have no loop to judge"):
            loop_significance(points)
