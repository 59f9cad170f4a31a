"""The loop matcher on planted loops, and its p-value where there is nothing to match."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from scipy.stats import kstest

from geomsim import GeomsimWarning, InapplicableNull, InvalidConfig, InvalidPairing, Pairing, Space
from geomsim_topological.circular_coordinates import circular_coordinates, find_loops
from geomsim_topological.loop_matcher import match_loops

TURN = 2 * np.pi


def on_circle(turn, width=2, noise=0.0, random=None):
    points = np.column_stack([np.cos(turn), np.sin(turn)])
    if random is None:
        return points
    points = points @ np.linalg.qr(random.normal(size=(width, width)))[0][:2]
    return points + noise * random.normal(size=points.shape)


@pytest.fixture(autouse=True)
def _no_warning_unseen():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_circle_of_one_model_is_that_of_the_other():
    random = np.random.default_rng(0)
    turn = random.uniform(0, TURN, 200)
    left, right = on_circle(turn, 8, 0.04, random), 5 * on_circle(0.4 - turn, 20, 0.03, random)
    found = match_loops(left, right, draws=199)
    assert found.found
    assert found.correlation > 0.99
    assert found.p_value == 1 / 200
    assert found.left.certified
    assert found.right.certified
    assert found.shared.all()
    assert np.abs(found.residuals).max() < 0.4
    assert (found.left_rows.tolist(), found.right_rows.tolist()) == ([*range(200)], [*range(200)])
    # The sense of each coordinate is arbitrary, but the angles say the same as the direction does.
    sign = 1 if found.direction == "same" else -1
    apart = found.left.angles - sign * found.right.angles - found.offset
    assert np.angle(np.exp(1j * apart)) == pytest.approx(found.residuals, abs=1e-9)


def test_direction_is_that_of_given_angles():
    turn = TURN * np.arange(31) / 31
    left = circular_coordinates(on_circle(turn))
    for sign in (1, -1):
        right = circular_coordinates(on_circle(turn))
        object.__setattr__(right, "angles", (sign * right.angles + 1.0) % TURN)
        found = match_loops(left, right, draws=99)
        assert (found.direction, found.p_value) == ("same" if sign == 1 else "reversed", 0.01)
        assert np.exp(1j * found.offset) == pytest.approx(np.exp(-1j * sign))
        assert found.left is left
        assert found.left_diagram is None


def test_a_circle_that_is_gone_round_twice():
    # The numbers modulo 31 at two frequencies: one circle is the other one gone round 2/3 times.
    turn = TURN * np.arange(31) / 31
    left, right = on_circle(3 * turn), on_circle(2 * turn)
    assert match_loops(left, right, draws=99).p_value > 0.2
    found = match_loops(left, right, windings=((1, 1), (2, 3), (1, 2)), draws=99)
    assert (found.windings, found.p_value) == ((2, 3), 0.01)
    assert found.correlation == pytest.approx(1.0)
    assert found.pairs[0].windings == (2, 3)
    assert len(found.pairs) == 3


@pytest.mark.parametrize("options", [{}, {"windings": ((1, 1), (2, 1))}, {"loops": 2}])
def test_p_is_uniform_where_loops_are_not_shared(options):
    values = []
    for seed in range(150):
        random = np.random.default_rng(seed)
        one, other = random.uniform(0, TURN, (2, 40))
        sides = [on_circle(turn, 2, 0.1, random) for turn in (one, other)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rows without an angle: the longest may be a small loop
            found = match_loops(*sides, draws=39, seed=seed, **options)
        if found.found:
            values.append(found.p_value - random.random() / 40)
    assert len(values) > 120
    assert kstest(values, "uniform").pvalue > 0.01


def test_all_that_was_tried_is_paid_for():
    random = np.random.default_rng(3)
    sides = [on_circle(random.uniform(0, TURN, 40), 2, 0.1, random) for _ in range(2)]
    with pytest.warns(GeomsimWarning, match="have no angle on one side"):
        found = match_loops(*sides, loops=3, windings=((1, 1), (2, 1)), draws=199)
    assert len(found.pairs) >= 6
    assert found.p_value == found.pairs[0].p_corrected
    assert all(pair.p_corrected >= pair.p_value for pair in found.pairs)
    assert [pair.z for pair in found.pairs] == sorted((pair.z for pair in found.pairs), reverse=True)
    assert found.pairs[0].p_corrected > found.pairs[0].p_value
    # Each by itself is what a match of this one alone gives.
    first = found.pairs[0]
    loops = [
        find_loops(side).coordinates(bar) for side, bar in zip(sides, (first.left_loop, first.right_loop), strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = match_loops(*loops, windings=(first.windings,), draws=199)
    assert alone.p_value == pytest.approx(first.p_value)
    assert alone.correlation == pytest.approx(first.correlation)


def test_both_loops_of_a_torus_find_their_partners():
    random = np.random.default_rng(4)
    one, other = random.uniform(0, TURN, (2, 1200))
    left = np.column_stack([on_circle(one), on_circle(other)])
    right = np.column_stack([on_circle(-other), 1.1 * on_circle(one)])
    found = match_loops(left, right, landmarks=300, loops=2, draws=99)
    good = [(pair.left_loop, pair.right_loop) for pair in found.pairs if pair.correlation > 0.98]
    assert sorted(left for left, _ in good) == sorted(right for _, right in good) == [0, 1]
    assert all(pair.correlation < 0.15 for pair in found.pairs if (pair.left_loop, pair.right_loop) not in good)


def test_no_loop_says_so():
    turn = TURN * np.arange(40) / 40
    line = np.linspace(0, 1, 40)[:, None]
    found = match_loops(on_circle(turn), line)
    assert not found.found
    assert found.reason == "right has no loop at all among 40 landmarks of 40 rows"
    assert (found.p_value, found.correlation, found.left) == (None, None, None)
    assert "not found" in repr(found)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["reason"] == found.reason
    assert found.explain().facts["reason"] == found.reason
    both = match_loops(line, line)
    assert both.reason.startswith("left has no loop at all among 40 landmarks of 40 rows; right has")


def test_a_loop_that_is_not_certified():
    random = np.random.default_rng(5)
    turn = random.uniform(0, TURN, 400)
    left, right = (on_circle(turn, 6, 0.15, random) for _ in range(2))
    found = match_loops(left, right, landmarks=60)
    assert not found.found
    assert "left has no certified loop among 60 landmarks of 400 rows: the longest of" in found.reason
    assert "certified_only=False matches it as it is" in found.reason
    with pytest.warns(GeomsimWarning) as seen:
        found = match_loops(left, right, landmarks=60, certified_only=False, draws=99)
    assert any("loop 0 of left is not certified" in str(warning.message) for warning in seen)
    assert (found.found, found.p_value) == (True, 0.01)
    assert found.correlation > 0.9
    given = circular_coordinates(left, landmarks=60)
    assert match_loops(given, given).reason == (
        "left has a loop that is not certified; right has a loop that is not certified"
    )


def test_rows_without_an_angle_do_not_count():
    random = np.random.default_rng(6)
    turn = random.uniform(0, TURN, 100)
    loop = on_circle(turn, 2, 0.03, random)
    left = np.concatenate([loop, 20 + 0.1 * random.normal(size=(40, 2))])
    right = np.concatenate([on_circle(turn, 2, 0.03, random), on_circle(random.uniform(0, TURN, 40), 2, 0.03, random)])
    with pytest.warns(GeomsimWarning, match="40 of 140 pairs have no angle on one side"):
        found = match_loops(left, right, draws=99)
    assert found.shared.tolist() == [True] * 100 + [False] * 40
    assert np.isnan(found.residuals).tolist() == [False] * 100 + [True] * 40
    assert (found.p_value, found.correlation > 0.98) == (0.01, True)
    facts = found.explain().facts
    assert (facts["rows matched"], facts["rows without an angle"]) == (100, 40)
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert stored["residuals"][139] is None
    assert stored["pairs"][0]["windings"] == [1, 1]


def test_documents_move_as_blocks():
    random = np.random.default_rng(7)
    # Angles drift through documents of ten rows: single rows are no witnesses of their own.
    starts = random.uniform(0, TURN, (2, 12))
    left, right = (on_circle((start[:, None] + np.linspace(0, 3, 10)).ravel(), 2, 0.03, random) for start in starts)
    groups = np.repeat(np.arange(12), 10)
    by_blocks = match_loops(Space(left, groups=groups), Space(right, groups=groups), draws=199)
    given = match_loops(left, right, groups=groups, draws=199)
    alone = match_loops(Space(left, groups=groups), Space(right, groups=groups), groups="ignored", draws=199)
    assert by_blocks.p_value == given.p_value
    assert alone.p_value < by_blocks.p_value
    assert alone.pairs[0].chance < by_blocks.pairs[0].chance
    with pytest.raises(InapplicableNull, match="all rows belong to one group"):
        match_loops(left, right, groups=np.zeros(120, dtype=int))


def test_few_orders_bound_the_p_value():
    turn = np.random.default_rng(9).uniform(0, TURN, 30)
    groups = np.repeat([0, 1, 2], 10)
    loop = circular_coordinates(on_circle(turn))
    for seed in range(8):
        with pytest.warns(GeomsimWarning, match="only 6 different orders exist"):
            found = match_loops(loop, loop, groups=groups, draws=30, seed=seed)
        assert found.p_value >= 1 / 6


def test_pairs_of_rows():
    random = np.random.default_rng(8)
    turn = random.uniform(0, TURN, 90)
    left, right = on_circle(turn, 3, 0.02, random), on_circle(turn, 3, 0.02, random)
    order = random.permutation(90)[:60]
    pairing = Pairing(order, np.arange(60))
    found = match_loops(left, right[order], pairing=pairing, draws=99)
    assert found.correlation > 0.95
    assert found.left_rows.tolist() == order.tolist()
    assert len(found.residuals) == 60
    assert match_loops(left, right[order], pairing=Pairing(np.arange(60), np.arange(60)), draws=99).correlation < 0.5
    with pytest.raises(InvalidPairing, match="left has 90 rows and right has 60"):
        match_loops(left, right[order])
    with pytest.raises(InvalidPairing):
        match_loops(left, right[order], pairing=Pairing([0], [70]))


def test_small_clouds_are_certified_and_say_what_that_means():
    turn = TURN * np.arange(31) / 31
    found = match_loops(on_circle(turn), on_circle(turn), draws=99)
    assert all("every row is a landmark, so that any loop is certified" in note for note in found.notes)
    assert len(found.notes) == 2
    tables = found.explain().tables
    assert tables["longest loops left"]["certified"] == [True]
    assert tables["pairs of loops"]["p_corrected"] == [0.01]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loops": 0}, "loops is a whole number, at least 1; got 0"),
        ({"draws": 0}, "draws is a whole number"),
        ({"windings": ()}, "windings are pairs"),
        ({"windings": ((1, 0),)}, "windings are pairs"),
        ({"prime": 8}, "field is a prime"),
    ],
)
def test_parameters_are_checked(options, message):
    turn = TURN * np.arange(31) / 31
    with pytest.raises(InvalidConfig, match=message):
        match_loops(on_circle(turn), on_circle(turn), **options)


def test_fewer_than_three_pairs():
    turn = TURN * np.arange(31) / 31
    found = match_loops(on_circle(turn), on_circle(turn), pairing=Pairing([0, 1], [0, 1]))
    assert not found.found
    assert "have at most 2 of 2 pairs in common, and 3 at least are needed" in found.reason
