from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_checks import assert_uniform_p_values, centred_directions, random_orders, sides_that_share
from numpy.typing import NDArray
from scipy import linalg, spatial

import geomsim
from geomsim import DegenerateSpace
from geomsim_representational.procrustes import AngularProcrustes, Procrustes, ProcrustesDistance

Array = NDArray[np.float64]


def procrustes(left: Array, right: Array) -> float:
    return geomsim.compare(left, right, "procrustes", null=None).score


def reference(left: Array, right: Array) -> float:
    """The definition, without any reduction."""
    left, right = left - left.mean(0), right - right.mean(0)
    return float(np.linalg.norm(left.T @ right, "nuc") / np.linalg.norm(left) / np.linalg.norm(right))


@pytest.mark.parametrize(("rows", "width"), [(100, 5), (20, 50), (3, 2)])
def test_rotated_moved_and_scaled_copy_scores_one(rows: int, width: int) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(rows, width))
    rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
    assert procrustes(left, 0.2 * left @ rotation - 7.0) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("rows", "width"), [(100, 5), (30, 60), (10, 9), (50, 1)])
def test_disparity_of_scipy(rows: int, width: int) -> None:
    random = np.random.default_rng(rows)
    left = random.normal(size=(rows, width))
    right = left + 1.5 * random.normal(size=(rows, width)) + 2.0
    disparity = spatial.procrustes(left, right)[2]
    assert procrustes(left, right) ** 2 == pytest.approx(1 - disparity, abs=1e-12)


@pytest.mark.parametrize(("left_width", "right_width"), [(4, 9), (9, 4), (80, 3), (70, 90)])
def test_unequal_widths(left_width: int, right_width: int) -> None:
    random = np.random.default_rng(1)
    left = random.normal(size=(60, left_width))
    right = left[:, :3] @ random.normal(size=(3, right_width)) + random.normal(size=(60, right_width))
    assert procrustes(left, right) == pytest.approx(reference(left, right), abs=1e-12)
    wider = max(left_width, right_width)
    padded = [np.pad(side, ((0, 0), (0, wider - side.shape[1]))) for side in (left, right)]
    assert procrustes(*padded) == pytest.approx(reference(left, right), abs=1e-12)


def test_orthogonal_column_spaces_score_zero() -> None:
    directions = centred_directions(200, 8)
    assert procrustes(directions[:, :5], directions[:, 5:]) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize(("shared", "left_width", "right_width"), [(1, 3, 3), (2, 5, 3), (3, 3, 7), (4, 6, 4)])
def test_shared_directions(shared: int, left_width: int, right_width: int) -> None:
    left, right = sides_that_share(shared, left_width, right_width)
    assert procrustes(left, right) == pytest.approx(shared / np.sqrt(left_width * right_width), abs=1e-12)


def test_nearly_orthogonal_spaces_keep_their_digits() -> None:
    # Eigenvalues of the squared product would leave about eight digits, hence 1e-8 instead of 1e-12.
    directions = centred_directions(100, 4)
    tilt = 1e-12
    right = np.cos(tilt) * directions[:, 2:] + np.sin(tilt) * directions[:, :2]
    assert procrustes(directions[:, :2], right) == pytest.approx(tilt, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-30, 1e30])
def test_scale_does_not_matter(scale: float) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(50, 6)), random.normal(size=(50, 6))
    assert procrustes(left, right * scale) == pytest.approx(procrustes(left, right), abs=1e-12)


def test_arccos_keeps_the_triangle_inequality() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        clouds = [random.normal(size=(12, width)) for width in (3, 4, 5)]
        sides = [np.arccos(procrustes(clouds[i], clouds[j])) for i, j in ((0, 1), (1, 2), (0, 2))]
        assert sides[2] <= sides[0] + sides[1] + 1e-9


def test_refuses_equal_rows_and_names_the_side() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(DegenerateSpace, match="right space: all 30 rows are equal"):
        procrustes(points, np.full((30, 4), 0.1))
    with pytest.raises(DegenerateSpace, match="left space: all 30 rows are equal"):
        procrustes(np.zeros((30, 4)), points)


@pytest.mark.parametrize("right_width", [3, 5, 8])
def test_distances_of_rows_add_up(right_width: int) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(40, 5))
    right = left @ random.normal(size=(5, right_width)) + random.normal(size=(40, right_width))
    result = geomsim.compare(left, right, "procrustes", null=None)
    assert result.explanation is not None
    apart = np.array(result.explanation.tables["rows"]["distance"])
    assert (apart**2).sum() == pytest.approx(2 - 2 * result.score, abs=1e-12)
    assert (result.facts["rank left"], result.facts["rank right"]) == (5, right_width)


def test_a_misplaced_row_lies_farthest() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(40, 5))
    right = left @ np.linalg.qr(random.normal(size=(5, 5)))[0]
    right[17] += 4.0
    result = geomsim.compare(left, right, "procrustes", null=None)
    assert result.explanation is not None
    assert int(np.argmax(result.explanation.tables["rows"]["distance"])) == 17


@given(rows=st.integers(2, 40), widths=st.tuples(st.integers(1, 30), st.integers(1, 30)), seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_order_law_and_many_orders(rows: int, widths: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in widths)
    metric = Procrustes()
    states = metric.prepare(left), metric.prepare(right)
    orders = random_orders(random, rows, 3)
    many = metric.score_many(*states, orders)
    for draw, order in enumerate(orders):
        expected = reference(left.numpy(), right[order].numpy())
        assert float(many[draw]) == pytest.approx(expected, abs=1e-10)
        assert float(metric.score(*states, order)) == pytest.approx(expected, abs=1e-10)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    pairs = [(random.normal(size=(15, 3)), random.normal(size=(15, 4))) for _ in range(100)]
    assert_uniform_p_values("procrustes", pairs)


def distance(left: Array, right: Array) -> float:
    return geomsim.compare(left, right, ProcrustesDistance(), null=None).score


def angle(left: Array, right: Array) -> float:
    return geomsim.compare(left, right, AngularProcrustes(), null=None).score


def test_distances_keep_the_contract() -> None:
    geomsim.testing.check_metric(ProcrustesDistance())
    geomsim.testing.check_metric(AngularProcrustes())


@pytest.mark.parametrize(("left_width", "right_width"), [(4, 9), (9, 4), (5, 5), (70, 90)])
def test_distances_are_what_the_best_rotation_leaves(left_width: int, right_width: int) -> None:
    random = np.random.default_rng(2)
    left = random.normal(size=(60, left_width))
    right = left[:, :3] @ random.normal(size=(3, right_width)) + random.normal(size=(60, right_width))
    wider = max(left_width, right_width)
    placed = [np.pad(side - side.mean(0), ((0, 0), (0, wider - side.shape[1]))) for side in (left, right)]
    placed = [side / np.linalg.norm(side) for side in placed]
    rotation, _ = linalg.orthogonal_procrustes(*placed)
    left_over = np.linalg.norm(placed[0] @ rotation - placed[1])
    assert distance(left, right) == pytest.approx(left_over, abs=1e-12)
    assert distance(left, right) == pytest.approx(np.sqrt(2 - 2 * procrustes(left, right)), abs=1e-12)
    assert angle(left, right) == pytest.approx(np.arccos(procrustes(left, right)), abs=1e-12)


def test_largest_distances() -> None:
    directions = centred_directions(200, 8)
    assert distance(directions[:, :5], directions[:, 5:]) == pytest.approx(np.sqrt(2), abs=1e-12)
    assert angle(directions[:, :5], directions[:, 5:]) == pytest.approx(np.pi / 2, abs=1e-12)


@pytest.mark.parametrize(("left_width", "right_width"), [(5, 5), (5, 8), (8, 5)])
def test_a_copy_lies_at_zero_to_the_last_digits(left_width: int, right_width: int) -> None:
    # sqrt(2 - 2 c) alone would leave about 2e-8.
    random = np.random.default_rng(0)
    cloud = random.normal(size=(50, 5))
    axes = np.linalg.qr(random.normal(size=(8, 8)))[0]
    left, right = (cloud if width == 5 else 3 * cloud @ axes[:5] + 1 for width in (left_width, right_width))
    assert distance(left, right) < 1e-13
    assert angle(left, right) < 1e-13


@pytest.mark.parametrize("tilt", [1e-9, 1e-6, 1e-3, 0.0141, 0.0142, 0.1])
def test_small_angles_keep_their_digits(tilt: float) -> None:
    directions = centred_directions(100, 3)
    left = directions[:, :1]
    right = np.cos(tilt) * directions[:, :1] + np.sin(tilt) * directions[:, 1:2]
    assert angle(left, right) == pytest.approx(tilt, rel=1e-6)
    assert distance(left, right) == pytest.approx(2 * np.sin(tilt / 2), rel=1e-6)


@given(
    rows=st.integers(3, 30),
    widths=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
    noise=st.sampled_from([1e-7, 1e-3, 0.3, 3.0]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=40)
def test_distances_keep_the_triangle_inequality(
    rows: int, widths: tuple[int, int, int], noise: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    common = random.normal(size=(rows, 12))
    clouds = [common[:, :width] + noise * random.normal(size=(rows, width)) for width in widths]
    for measured in (distance, angle):
        first, second, third = (measured(clouds[i], clouds[j]) for i, j in ((0, 1), (1, 2), (0, 2)))
        assert third <= first + second + 1e-12
        assert measured(clouds[1], clouds[0]) == pytest.approx(first, abs=1e-12)


def test_distances_refuse_equal_rows() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4))
    for measured in (distance, angle):
        with pytest.raises(DegenerateSpace, match="right space: all 30 rows are equal"):
            measured(points, np.full((30, 4), 0.1))


def test_distances_share_the_p_value() -> None:
    random = np.random.default_rng(5)
    left = random.normal(size=(15, 3))
    right = 0.4 * left + random.normal(size=(15, 3))
    found = [
        geomsim.compare(left, right, metric, draws=99).p_value
        for metric in (Procrustes(), ProcrustesDistance(), AngularProcrustes())
    ]
    assert found[0] == found[1] == found[2]


def test_copies_of_all_rows_change_nothing() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(15, 4)), random.normal(size=(15, 6))
    copies = np.arange(45) % 15
    for measured in (procrustes, distance, angle):
        assert measured(left[copies], right[copies]) == pytest.approx(measured(left, right), abs=1e-12)


def test_points_on_lines_score_their_correlation() -> None:
    random = np.random.default_rng(0)
    along, other = random.normal(size=30), random.normal(size=30)
    left, right = np.outer(along, [1.0, -2.0, 0.5]) + 3.0, np.outer(other, [0.1, 7.0])
    correlation = abs(np.corrcoef(along, other)[0, 1])
    assert procrustes(left, right) == pytest.approx(correlation, abs=1e-12)
    assert distance(left, right) == pytest.approx(np.sqrt(2 - 2 * correlation), abs=1e-12)
    assert angle(left, right) == pytest.approx(np.arccos(correlation), abs=1e-12)


def test_fewer_rows_than_columns() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(12, 50)), random.normal(size=(12, 30))
    assert procrustes(left, right) == pytest.approx(reference(left, right), abs=1e-12)
    assert distance(left, left @ np.linalg.qr(random.normal(size=(50, 50)))[0]) < 1e-13


def test_two_rows_are_always_alike_and_one_is_refused() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(2, 3)), random.normal(size=(2, 5))
    assert procrustes(left, right) == pytest.approx(1.0, abs=1e-12)
    assert angle(left, right) < 1e-13
    with pytest.raises(DegenerateSpace, match="left space: all 1 rows are equal"):
        procrustes(left[:1], right[:1])


def test_float16_is_read_as_it_stands() -> None:
    random = np.random.default_rng(0)
    left, right = (random.normal(size=(20, 4)).astype(np.float16) for _ in range(2))
    whole = geomsim.compare(left.astype(np.float64), right.astype(np.float64), "procrustes", null=None).score
    assert geomsim.compare(geomsim.Space(left), geomsim.Space(right), "procrustes", null=None).score == whole


def test_repeated_rows_raise_the_score() -> None:
    # So an interval from rows drawn with replacement would miss the score itself.
    random = np.random.default_rng(0)
    left, right = random.normal(size=(200, 40)), random.normal(size=(200, 40))
    drawn = [random.integers(0, 200, 200) for _ in range(10)]
    assert min(procrustes(left[rows], right[rows]) for rows in drawn) > procrustes(left, right) + 0.05
    assert not any(metric.bootstrap for metric in (Procrustes, ProcrustesDistance, AngularProcrustes))
