"""Circular coordinates of clouds whose angles are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geomsim import DegenerateSpace, InvalidConfig, InvalidSpace, Space
from geomsim_topological import circular_coordinates as module
from geomsim_topological.circular_coordinates import circular_coordinates, find_loops
from geomsim_topological.matching.circular_correlation import circular_correlation

TURN = 2 * np.pi


def on_circle(turn):
    return np.column_stack([np.cos(turn), np.sin(turn)])


def noisy_circle(n, noise=0.05, seed=0, width=2):
    random = np.random.default_rng(seed)
    turn = random.uniform(0, TURN, n)
    points = noise * random.normal(size=(n, width))
    points[:, :2] += on_circle(turn)
    return turn, points


def agreement(found, turn):
    return circular_correlation(found.angles, turn).value


@pytest.mark.parametrize("n", [4, 5, 31, 53, 100])
def test_a_regular_polygon(n):
    turn = TURN * np.arange(n) / n
    found = circular_coordinates(on_circle(turn))
    assert agreement(found, turn) == pytest.approx(1.0, abs=1e-12)
    assert found.defined.all()
    assert ((found.angles >= 0) & (found.angles < TURN)).all()
    assert (found.certified, found.bar_number, found.radius, found.covering_radius) == (True, 0, 0.0, 0.0)
    assert found.bar == pytest.approx((2 * np.sin(np.pi / n), 2 * np.sin(np.pi * np.ceil(n / 3) / n)))
    assert found.scale == pytest.approx(sum(found.bar) / 2)
    # The longest edge at this scale spans so many corners.
    corners = np.floor(np.arcsin(found.scale / 2 + 1e-12) * n / np.pi)
    assert found.longest_step == pytest.approx(TURN * corners / n)


@pytest.mark.parametrize(("n", "landmarks"), [(120, None), (4000, None), (4000, 60), (300, 40)])
def test_a_noisy_circle(n, landmarks):
    turn, points = noisy_circle(n)
    found = circular_coordinates(points, landmarks=landmarks)
    assert found.defined.all()
    assert found.certified
    assert agreement(found, turn) > 0.996
    assert found.n_landmarks == min(landmarks or 300, n)


def test_the_density_of_the_rows_does_not_bend_the_angles():
    even = np.linspace(0, 1, 200, endpoint=False)
    turn = TURN * (even + 0.12 * np.sin(TURN * even))
    found = circular_coordinates(on_circle(turn))
    assert agreement(found, turn) > 0.999
    assert agreement(circular_coordinates(on_circle(turn), weights="uniform"), turn) < 0.93


def test_angles_of_an_ellipse_go_by_its_length():
    turn, points = noisy_circle(200, 0.0)
    ellipse = points * [1.0, 0.6]
    found = circular_coordinates(ellipse)
    fine = np.linspace(0, TURN, 20_001)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(np.cos(fine)), 0.6 * np.diff(np.sin(fine))))])
    along = TURN * np.interp(turn, fine, length) / length[-1]
    assert agreement(found, along) > 0.998
    assert agreement(found, along) > agreement(found, turn)


@pytest.mark.parametrize("seed", range(3))
def test_a_torus_has_two_angles(seed):
    random = np.random.default_rng(seed)
    one, other = random.uniform(0, TURN, (2, 1500))
    found = find_loops(np.column_stack([on_circle(one), on_circle(other)]), landmarks=200)
    matrix = np.array([[agreement(found.coordinates(bar), turn) for turn in (one, other)] for bar in (0, 1)])
    assert np.sort(matrix, axis=1)[:, 1].min() > 0.99
    assert np.sort(matrix, axis=1)[:, 0].max() < 0.1
    assert set(matrix.argmax(axis=1)) == {0, 1}


def test_loops_that_are_found_mixed_are_taken_apart(monkeypatch):
    # On a flat torus a step along both circles is as short as one along either: the diagonal closes first.
    grid = TURN * np.arange(16) / 16
    one, other = (side.ravel() for side in np.meshgrid(grid, grid))
    sheared = np.column_stack([on_circle(one), on_circle(other), 0.8 * on_circle(one - other)])
    sheared += 0.01 * np.random.default_rng(0).normal(size=sheared.shape)
    whole, unmixed = find_loops(sheared, 256), []
    for bar in (0, 1):
        coordinates = whole.coordinates(bar)
        unmixed.append([agreement(coordinates, turn) for turn in (one, other, one - other, one + other)])
    best = np.argmax(unmixed, axis=1)
    assert np.max(unmixed, axis=1).min() > 0.99
    assert len(set(best)) == 2
    assert 3 not in best


def test_mixed_loops_are_counted(monkeypatch):
    random = np.random.default_rng(0)
    one, other = random.uniform(0, TURN, (2, 1500))
    points = np.column_stack([on_circle(one), on_circle(other)])
    plain = module.integer_cocycle
    found = find_loops(points, landmarks=200)

    def mixed(loops, bar, scale):
        first, prime = plain(loops, 0, scale)
        second, _ = plain(loops, 1, scale)
        return (first, prime) if bar == 0 else (second + 2 * first, prime)

    expected = found.coordinates(1)
    monkeypatch.setattr(module, "integer_cocycle", mixed)
    assert found.coordinates(0).combined == ()
    again = found.coordinates(1)
    shift = dict(again.combined)[0] - dict(expected.combined).get(0, 0)
    assert shift == -2
    assert circular_correlation(again.angles, expected.angles).value == pytest.approx(1.0)
    assert max(agreement(again, one), agreement(again, other)) > 0.99


def test_a_figure_eight():
    turn = np.linspace(0, TURN, 150, endpoint=False)
    large, small = on_circle(turn), 0.7 * on_circle(turn[::2])
    points = np.concatenate([large - np.array([1.0, 0.0]), small + np.array([0.7, 0.0])])
    loops = find_loops(points)
    first, second = loops.coordinates(0), loops.coordinates(1)
    assert circular_correlation(first.angles[:150], turn).value > 0.995
    assert circular_correlation(second.angles[150:], turn[::2]).value > 0.995
    # Each stands still on the other's circle.
    assert abs(np.exp(1j * first.angles[150:]).mean()) > 0.95
    assert abs(np.exp(1j * second.angles[:150]).mean()) > 0.95
    assert first.defined.all()


def test_rows_apart_from_the_loop_have_no_angle():
    turn, points = noisy_circle(200)
    far = noisy_circle(50, seed=1)[1] * 0.2 + 30.0
    found = circular_coordinates(np.concatenate([points, far]))
    assert (found.off_loop, found.beyond_balls) == (50, 0)
    assert found.defined.tolist() == [True] * 200 + [False] * 50
    assert np.isnan(found.angles).tolist() == (~found.defined).tolist()
    assert circular_correlation(found.angles[:200], turn).value > 0.99
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert stored["angles"][-1] is None
    assert stored["angles"][0] == found.angles[0]


def test_rows_beyond_the_balls_are_counted():
    turn, points = noisy_circle(600)
    found = circular_coordinates(points, landmarks=50)
    narrow = circular_coordinates(points, landmarks=50, radius=0.6 * found.covering_radius)
    assert found.beyond_balls == 0
    assert narrow.beyond_balls == (~narrow.defined).sum() > 0
    nearest = cdist(points, narrow.map.unit * (narrow.map.landmarks + narrow.map.centre)).min(axis=1)
    assert narrow.defined.tolist() == (nearest < narrow.radius).tolist()
    assert circular_correlation(narrow.angles, turn).value > 0.99


def test_the_map_is_the_weighted_mean_of_the_definition():
    points = noisy_circle(400, seed=3)[1]
    found = circular_coordinates(points, landmarks=45)
    circle = found.map
    landmarks = circle.unit * (circle.landmarks + circle.centre)
    assert found.radius <= found.scale / 2
    for row, angle in zip(points, found.angles, strict=True):
        distances = np.linalg.norm(row - landmarks, axis=1)
        weights = np.maximum(found.radius - distances, 0)
        # Whichever landmark whose ball holds the row is taken.
        for base in np.flatnonzero(weights):
            turns = circle.angles[base] + (weights * circle.steps[base]).sum() / weights.sum()
            assert np.exp(1j * TURN * turns) == pytest.approx(np.exp(1j * angle), abs=1e-8)


def test_landmarks_alone_keep_their_own_angles():
    points = noisy_circle(80)[1]
    found = circular_coordinates(np.concatenate([points, points[:7]]))
    assert found.radius == 0.0
    assert np.sort(found.angles[:80]) == pytest.approx(np.sort(TURN * found.map.angles % TURN))
    assert found.angles[80:].tolist() == found.angles[:7].tolist()


def test_other_rows_have_angles_too():
    turn, points = noisy_circle(900)
    found = circular_coordinates(points[:600], landmarks=60)
    angles, defined = found.of(points[600:])
    assert defined.mean() > 0.99
    together = circular_correlation(found.angles, turn[:600])
    sign = 1 if together.direction == "same" else -1
    apart = angles[defined] - sign * turn[600:][defined] - together.offset
    assert np.abs(np.angle(np.exp(1j * apart))).max() < 0.25
    inside, known = found.of([[0.0, 0.0], [40.0, 0.0]])
    assert not known.any()
    assert np.isnan(inside).all()
    assert found.of(points[:600])[0] == pytest.approx(found.angles, nan_ok=True)
    with pytest.raises(InvalidSpace, match="the loop is in a space of width 2, points have 3"):
        found.of(np.zeros((2, 3)))


def test_the_same_up_to_rotation_and_reflection_of_the_angle():
    random = np.random.default_rng(5)
    points = noisy_circle(300, width=5, seed=5)[1]
    expected = circular_coordinates(points, landmarks=80)
    order = random.permutation(300)
    turned = points @ np.linalg.qr(random.normal(size=(5, 5)))[0]
    for factor in (1e-120, 1.0, 1e120):
        found = circular_coordinates((7.0 + turned[order]) * factor, landmarks=80)
        assert circular_correlation(found.angles, expected.angles[order]).value == pytest.approx(1.0, abs=1e-6)
        assert found.scale == pytest.approx(factor * expected.scale, rel=1e-6)
    assert circular_coordinates(points[order], landmarks=80).angles == pytest.approx(expected.angles[order])


def test_scales_of_ones_choice():
    turn, points = noisy_circle(150)
    birth, death = circular_coordinates(points).bar
    # Just born, the loop is a chain that noise winds about.
    for scale, least in ((birth, 0.85), ((birth + 3 * death) / 4, 0.99), (np.nextafter(death, 0), 0.99)):
        found = circular_coordinates(points, scale=scale)
        assert found.scale == pytest.approx(scale)
        assert agreement(found, turn) > least
    with pytest.raises(InvalidConfig, match=r"loop 0 lives from .*, death excluded; got scale"):
        circular_coordinates(points, scale=death)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bar": -1}, "bar is the number of a loop"),
        ({"bar": 1.0}, "bar is the number of a loop"),
        ({"bar": 10_000}, r"there are \d+ loops, 0 to \d+; loop 10000 was asked for"),
        ({"weights": "even"}, "weights is one of density, uniform; got 'even'"),
        ({"field": 6}, "field is a prime"),
        ({"landmarks": 0}, "landmarks is the number of rows"),
        ({"radius": 5.0}, "radius is at most half the scale"),
        ({"radius": -0.1}, "radius is at most half the scale"),
        ({"scale": 100.0}, "loop 0 lives from"),
        ({"memory_budget": 1000}, "landmarks=.* would fit"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message):
    with pytest.raises(InvalidConfig, match=message):
        circular_coordinates(noisy_circle(60)[1], **options)


def test_no_loop_at_all():
    for points in (np.linspace(0, 1, 30)[:, None], np.ones((5, 3)), [[0.0, 1.0]]):
        with pytest.raises(DegenerateSpace, match="no loop at any scale, so there is none to go around: use more"):
            circular_coordinates(points)


def test_uncertified_loops_say_so():
    points = noisy_circle(500, noise=0.25, width=20)[1]
    found = circular_coordinates(points, landmarks=60)
    assert not found.certified
    assert "not certified" in repr(found)
    assert found.beyond_balls > 0
    assert found.beyond_balls + found.off_loop == (~found.defined).sum()


def test_points_of_every_kind_are_read():
    points = noisy_circle(50)[1]
    expected = circular_coordinates(points).angles.tolist()
    assert circular_coordinates(Space(points)).angles.tolist() == expected
    assert circular_coordinates(points.tolist()).angles.tolist() == expected
    single = circular_coordinates(points.astype(np.float32)).angles
    assert circular_correlation(single, expected).value == pytest.approx(1.0, abs=1e-6)


def test_the_diagram_behind_it():
    points = noisy_circle(500)[1]
    found = find_loops(points, landmarks=70)
    from geomsim_topological.persistence import diagram

    expected = diagram(points, landmarks=70, field=47)
    assert found.diagram.to_dict() == expected.to_dict()
