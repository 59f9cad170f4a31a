from __future__ import annotations

from itertools import permutations
from math import sqrt
from typing import Any

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim.testing import check_metric
from geomsim_representational.soft_matching import SoftMatching

Array = NDArray[np.float64]


def score(left: Array, right: Array) -> float:
    return geomsim.compare(left, right, SoftMatching(), null=None).score


def clouds(rows: int, left_width: int, right_width: int, seed: int = 0) -> tuple[Array, Array]:
    """Two sides that share four directions, up to noise."""
    random = np.random.default_rng(seed)
    shared = random.normal(size=(rows, 4))
    left, right = (
        shared @ random.normal(size=(4, width)) + random.normal(size=(rows, width))
        for width in (left_width, right_width)
    )
    return left * 3 + 1, right - 2


def squared_costs(left: Array, right: Array) -> Array:
    """Squared distances of all unit columns, pair by pair."""

    def units(points: Array) -> list[Array]:
        return [(column - column.mean()) / np.sqrt(((column - column.mean()) ** 2).sum()) for column in points.T]

    return np.array([[((first - second) ** 2).sum() for second in units(right)] for first in units(left)])


def by_all_permutations(left: Array, right: Array) -> float:
    cost, width = squared_costs(left, right), left.shape[1]
    return sqrt(min(sum(cost[k, places[k]] for k in range(width)) / width for places in permutations(range(width))))


def by_linear_program(left: Array, right: Array) -> float:
    cost = squared_costs(left, right)
    width, other = cost.shape
    sums = [np.kron(np.eye(width), np.ones(other)), np.kron(np.ones(width), np.eye(other))]
    masses = [np.full(width, 1 / width), np.full(other, 1 / other)]
    found = linprog(cost.ravel(), A_eq=np.vstack(sums), b_eq=np.concatenate(masses), bounds=(0, None), method="highs")
    assert found.success
    assert found.fun is not None
    return sqrt(found.fun)


def test_keeps_the_contract() -> None:
    check_metric(SoftMatching())


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rows", [3, 40])
def test_equal_widths_agree_with_all_permutations(width: int, rows: int) -> None:
    for seed in range(5):
        left, right = clouds(rows, width, width, seed)
        assert score(left, right) == pytest.approx(by_all_permutations(left, right), abs=1e-10)


@pytest.mark.parametrize("widths", [(1, 4), (2, 3), (7, 5), (6, 9), (12, 25), (31, 30), (8, 8)])
def test_any_widths_agree_with_the_linear_program(widths: tuple[int, int]) -> None:
    for seed in range(3):
        left, right = clouds(30, *widths, seed)
        assert score(left, right) == pytest.approx(by_linear_program(left, right), abs=1e-9)


@settings(max_examples=25)
@given(rows=st.integers(3, 30), left_width=st.integers(1, 9), right_width=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_order_law_many_orders_and_linear_program(rows: int, left_width: int, right_width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = random.normal(size=(rows, left_width)), random.normal(size=(rows, right_width))
    metric, orders = SoftMatching(), np.stack([random.permutation(rows) for _ in range(3)])
    states = metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right))
    many = metric.score_many(*states, torch.from_numpy(orders))
    for draw, order in enumerate(orders):
        expected = by_linear_program(left, right[order])
        assert float(many[draw]) == pytest.approx(expected, abs=1e-7)
        assert float(metric.score(*states, torch.from_numpy(order))) == pytest.approx(float(many[draw]), abs=1e-12)


@pytest.mark.parametrize("width", [1, 5, 60])
def test_columns_in_another_order_and_unit_are_at_distance_zero(width: int) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(50, width))
    right = left[:, random.permutation(width)] * random.uniform(0.1, 10, size=width) - 5
    assert score(left, right) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize(("copies", "others"), [(1, 2), (2, 3), (3, 5)])
def test_columns_repeated_alike_are_at_distance_zero(copies: int, others: int) -> None:
    points = np.random.default_rng(0).normal(size=(50, 6))
    assert score(np.tile(points, copies), np.tile(points, others)) == pytest.approx(0.0, abs=1e-14)


def test_small_distances_keep_their_digits() -> None:
    random = np.random.default_rng(0)
    left, noise = random.normal(size=(2, 50, 6))
    for size in (1e-3, 1e-6, 1e-9):
        expected = sqrt(np.diag(squared_costs(left, left + size * noise)).mean())
        assert score(left, left + size * noise) == pytest.approx(expected, rel=1e-5)
        tiled = score(left, np.tile(left + size * noise, 2))
        assert tiled == pytest.approx(expected, rel=1e-5)


def test_known_distances() -> None:
    noise = np.random.default_rng(0).normal(size=(40, 9))
    directions = np.linalg.qr(noise - noise.mean(0))[0]
    left, right = directions[:, :4], directions[:, 4:8]
    assert score(left, right) == pytest.approx(sqrt(2), abs=1e-12)
    assert score(left, directions[:, 4:]) == pytest.approx(sqrt(2), abs=1e-12)
    assert score(left[:, :1], -left[:, :1]) == pytest.approx(2.0, abs=1e-12)
    # Of four columns two are shared, so half of the mass moves by sqrt 2.
    assert score(left, directions[:, 2:6]) == pytest.approx(1.0, abs=1e-12)
    # Of two columns against three, two shared: a third of the mass moves by sqrt 2.
    assert score(directions[:, :2], directions[:, :3]) == pytest.approx(sqrt(2 / 3), abs=1e-12)


def test_signs_and_rotations_matter() -> None:
    left = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 4)))[0]
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    assert score(left, -left) > 1
    assert score(left, left @ rotation) > 0.3
    assert geomsim.compare(left, left @ rotation, "procrustes", null=None).score == pytest.approx(1.0)


@pytest.mark.parametrize("widths", [(3, 4, 5), (4, 4, 4), (6, 2, 3)])
def test_no_way_round_is_shorter(widths: tuple[int, int, int]) -> None:
    for seed in range(10):
        first, second = clouds(20, widths[0], widths[1], seed)
        third = clouds(20, widths[2], 1, seed)[0]
        assert score(first, third) <= score(first, second) + score(second, third) + 1e-12


def test_wide_sides_agree_with_pot() -> None:
    left, right = clouds(60, 50, 35)
    mass, other = np.full(50, 1 / 50), np.full(35, 1 / 35)
    assert score(left, right) == pytest.approx(sqrt(ot.emd2(mass, other, squared_costs(left, right))), abs=1e-10)
    left, right = clouds(60, 40, 40)
    assert score(left, right) == pytest.approx(sqrt(ot.emd2([], [], squared_costs(left, right))), abs=1e-10)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale_does_not_matter(scale: float) -> None:
    left, right = clouds(30, 5, 6)
    assert score(left, right * scale) == pytest.approx(score(left, right), abs=1e-12)


def test_shared_columns_are_no_chance() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(100, 5))
    noisy = left[:, ::-1] + random.normal(size=(100, 5))
    assert geomsim.compare(left, noisy, SoftMatching(), draws=99).p_value == pytest.approx(0.01)
    unrelated = geomsim.compare(left, random.normal(size=(100, 7)), SoftMatching(), draws=99).p_value
    assert unrelated is not None
    assert unrelated > 0.05


@pytest.mark.parametrize("widths", [(6, 6), (4, 6)])
def test_explains_who_is_matched(widths: tuple[int, int]) -> None:
    left, right = clouds(50, *widths)
    right[:, 3] = 2 * left[:, 1] + 4
    result = geomsim.compare(left, right, SoftMatching(), null=None)
    assert result.explanation is not None
    tables = result.explanation.tables
    assert tables["left columns"]["partner"][1] == 3
    assert tables["right columns"]["partner"][3] == 1
    assert tables["right columns"]["correlation"][3] == pytest.approx(1.0)
    for side in tables.values():
        mean = np.mean(side["correlation"])
        assert mean == pytest.approx(result.facts["mean correlation of matched columns"])
        assert sqrt(2 - 2 * mean) == pytest.approx(result.score)
    assert (result.facts["columns left"], result.facts["columns right"]) == widths


def test_refuses_constant_columns_by_number() -> None:
    left, right = clouds(50, 8, 6)
    left[:, [2, 5]] = 0.1
    with pytest.raises(
        DegenerateSpace,
        match=r"left space: 2 of 8 columns are constant over the 50 rows \(column numbers 2, 5\).*leave those columns",
    ):
        score(left, right)
    with pytest.raises(DegenerateSpace, match=r"right space: 6 of 6 columns.*\(column numbers 0, 1, 2, 3, 4, \.\.\.\)"):
        score(left[:, :2], np.zeros((50, 6)))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_constant_within_rounding_is_constant(precision: torch.dtype) -> None:
    points = torch.from_numpy(clouds(50, 4, 1)[0]).to(precision)
    points[:, 1] = 1000.0
    points[::3, 1] = torch.nextafter(points[0, 1], points[0, 1] * 2)
    with pytest.raises(DegenerateSpace, match=r"1 of 4 columns are constant.*\(column numbers 1\)"):
        SoftMatching().prepare(points)
    # A thousand steps of the precision are no rounding, however far from 0.
    points[:, 1] = 1000.0 * (1 + 1000 * torch.finfo(precision).eps * torch.arange(50, dtype=precision))
    assert torch.isfinite(SoftMatching().prepare(points).units).all()


def test_a_solver_that_gives_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = clouds(60, 30, 20)
    solve = ot.emd
    monkeypatch.setattr(ot, "emd", lambda *arguments, **options: solve(*arguments, **options | {"numItermax": 2}))
    with pytest.raises(GeomsimError, match=r"gave up on 30 x 20 columns: numItermax reached.*; use fewer columns"):
        score(left, right)


@pytest.mark.parametrize("fault", [0.5, -1.0, np.nan])
def test_a_plan_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch, fault: float) -> None:
    solve = ot.emd

    def faulty(*arguments: Any, **options: Any) -> Any:
        plan, log = solve(*arguments, **options)
        return plan * fault, log

    monkeypatch.setattr(ot, "emd", faulty)
    with pytest.raises(GeomsimError, match="the transport solver returned no plan for 4 x 3 columns: it moves"):
        score(*clouds(20, 4, 3))


def test_memory_counts_the_columns_and_the_products() -> None:
    metric = SoftMatching()
    left, right = (metric.prepare(torch.from_numpy(points)) for points in clouds(100, 5, 7))
    assert metric.bytes_per_order(left, right) == 8 * (100 * 7 + 8 * 35)
