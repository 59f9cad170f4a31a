from __future__ import annotations

import warnings
from math import asin, pi, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_checks import (
    all_orders,
    assert_drawn_moments,
    assert_enumerated_moments,
    assert_order_law,
    random_orders,
    score,
)
from numpy.typing import NDArray

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning
from geomsim.testing import check_metric
from geomsim_representational.alignment import Alignment
from geomsim_representational.cka import CKA
from geomsim_representational.distance_correlation import DistanceCorrelation

Array = NDArray[np.float64]
BIASED, DEBIASED = DistanceCorrelation(), DistanceCorrelation(debiased=True)
METRICS = (BIASED, DEBIASED)


def prepared(metric: DistanceCorrelation, left: Array, right: Array) -> tuple[Alignment, Alignment]:
    return metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right))


def related(rows: int, left_width: int, right_width: int, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, left_width)) * np.linspace(1, 3, left_width) + 2
    return left, left @ random.normal(size=(left_width, right_width)) + 3 * random.normal(size=(rows, right_width))


def slow_distances(points: Array) -> Array:
    return np.array([[np.sqrt(sum((first - second) ** 2)) for second in points] for first in points])


def slow_centred(points: Array) -> Array:
    """A_kl = a_kl - mean of row k - mean of column l + mean of all (Székely, Rizzo and Bakirov 2007)."""
    a, n = slow_distances(points), len(points)
    A = np.empty((n, n))
    for k in range(n):
        for m in range(n):
            A[k, m] = a[k, m] - a[k].mean() - a[:, m].mean() + a.mean()
    return A


def slow_dcor(left: Array, right: Array) -> float:
    A, B = slow_centred(left), slow_centred(right)
    n2 = len(A) ** 2
    covariance, variance, other = (A * B).sum() / n2, (A * A).sum() / n2, (B * B).sum() / n2
    return float(sqrt(covariance / sqrt(variance * other)))


def slow_u_centred(points: Array) -> Array:
    """Definition 2 of Székely and Rizzo (2014)."""
    a, n = slow_distances(points), len(points)
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                A[i, j] = a[i, j] - a[i].sum() / (n - 2) - a[:, j].sum() / (n - 2) + a.sum() / ((n - 1) * (n - 2))
    return A


def slow_2014(left: Array, right: Array) -> float:
    """R* by the inner product of U-centred matrices, 1 / (n (n - 3)) times the sum off the diagonal."""
    A, B = slow_u_centred(left), slow_u_centred(right)
    n = len(A)

    def product(first: Array, second: Array) -> float:
        return float(sum(first[i, j] * second[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 3)))

    return product(A, B) / sqrt(product(A, A) * product(B, B))


def slow_2013(left: Array, right: Array) -> float:
    """R* by the modified matrices A* and the statistic U* of Székely and Rizzo (2013)."""

    def modified(points: Array) -> Array:
        a, A, n = slow_distances(points), slow_centred(points), len(points)
        changed = n / (n - 1) * (A - a / n)
        for i in range(n):
            changed[i, i] = n / (n - 1) * (a[i].mean() - a.mean())
        return changed

    def statistic(first: Array, second: Array) -> float:
        n = len(first)
        off = sum(first[i, j] * second[i, j] for i in range(n) for j in range(n) if i != j)
        on = sum(first[i, i] * second[i, i] for i in range(n))
        return float(off - 2 / (n - 2) * on)

    A, B = modified(left), modified(right)
    return statistic(A, B) / sqrt(statistic(A, A) * statistic(B, B))


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_keeps_the_contract(metric: DistanceCorrelation) -> None:
    check_metric(metric)


SHAPES = [(60, 5, 9), (30, 40, 50), (70, 1, 80), (5, 3, 2), (4, 3, 2)]


@pytest.mark.parametrize(("rows", "left_width", "right_width"), [*SHAPES, (3, 2, 4)])
def test_dcor_agrees_with_its_definition(rows: int, left_width: int, right_width: int) -> None:
    left, right = related(rows, left_width, right_width)
    assert score(left, right, BIASED) == pytest.approx(slow_dcor(left, right), abs=1e-12)


@pytest.mark.parametrize(("rows", "left_width", "right_width"), SHAPES)
def test_debiased_agrees_with_both_papers(rows: int, left_width: int, right_width: int) -> None:
    left, right = related(rows, left_width, right_width)
    found = score(left, right, DEBIASED)
    assert found == pytest.approx(slow_2014(left, right), abs=1e-12)
    assert found == pytest.approx(slow_2013(left, right), abs=1e-12)


@pytest.mark.parametrize(("rows", "left_width", "right_width"), SHAPES)
def test_dcor_package_agrees(rows: int, left_width: int, right_width: int) -> None:
    dcor = pytest.importorskip("dcor")
    left, right = related(rows, left_width, right_width)
    assert score(left, right, BIASED) == pytest.approx(float(dcor.distance_correlation(left, right)), abs=1e-10)
    # The package computes R* as the "bias-corrected squared" form, too.
    assert score(left, right, DEBIASED) == pytest.approx(float(dcor.u_distance_correlation_sqr(left, right)), abs=1e-10)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("width", [1, 4, 60])
def test_rotated_moved_and_scaled_copy_scores_one(metric: DistanceCorrelation, width: int) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(50, width))
    rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
    assert score(left, 0.2 * left @ rotation - 7.0, metric) == pytest.approx(1.0, abs=1e-12)


def test_a_full_grid_has_dcor_zero() -> None:
    # Each left value meets each right value once: the sample itself is a product, so dCov is 0.
    left, right = np.meshgrid(np.arange(6.0) ** 2, np.array([0.0, 1.0, 5.0, 7.0, 30.0]))
    sides = left.reshape(-1, 1), right.reshape(-1, 1)
    assert score(*sides, BIASED) == pytest.approx(0.0, abs=1e-7)  # the root of rounding
    assert score(*sides, DEBIASED) < 0


def test_two_valued_columns_have_the_dcor_of_their_correlation() -> None:
    # Between numbers 0 and 1 a distance is its own square, and squared distances give inner products.
    random = np.random.default_rng(0)
    left = random.integers(0, 2, size=(80, 1)).astype(float)
    right = np.where(random.random((80, 1)) < 0.2, 1 - left, left)
    correlation = float(np.corrcoef(left[:, 0], right[:, 0])[0, 1])
    assert score(left, right, BIASED) == pytest.approx(abs(correlation), abs=1e-12)
    assert score(left, -right, BIASED) == pytest.approx(abs(correlation), abs=1e-12)
    assert score(left, right, CKA()) == pytest.approx(correlation**2, abs=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_normal_pairs_estimate_the_closed_form(correlation: float) -> None:
    # Theorem 7 of Székely, Rizzo and Bakirov (2007): dCor of a bivariate normal law.
    random = np.random.default_rng(1)
    left = random.normal(size=(1500, 1))
    right = correlation * left + sqrt(1 - correlation**2) * random.normal(size=(1500, 1))
    r = correlation
    above = r * asin(r) + sqrt(1 - r**2) - r * asin(r / 2) - sqrt(4 - r**2) + 1
    square = above / (1 + pi / 3 - sqrt(3))
    assert score(left, right, DEBIASED) == pytest.approx(square, abs=0.03)
    assert score(left, right, BIASED) ** 2 == pytest.approx(square, abs=0.03)


def test_sees_what_no_linear_measure_sees() -> None:
    left = np.random.default_rng(0).normal(size=(300, 1))
    result = geomsim.compare(left, left**2, DEBIASED, draws=199)
    assert abs(np.corrcoef(left[:, 0], left[:, 0] ** 2)[0, 1]) < 0.2
    assert result.score > 0.15
    assert result.p_value == pytest.approx(1 / 200)


def test_noise_is_high_by_chance_and_only_the_debiased_form_is_not() -> None:
    noise = np.random.default_rng(0).normal(size=(10, 2, 50, 500))
    assert np.mean([score(pair[0], pair[1], BIASED) for pair in noise]) == pytest.approx(0.987, abs=0.005)
    assert np.mean([score(pair[0], pair[1], DEBIASED) for pair in noise]) == pytest.approx(0.0, abs=0.02)
    left, right = prepared(BIASED, noise[0, 0], noise[0, 1])
    with pytest.warns(GeomsimWarning, match=r"50 rows this biased distance correlation is 0\.9\d by chance.*debiased"):
        BIASED.score(left, right, torch.arange(50))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        left, right = prepared(DEBIASED, noise[0, 0], noise[0, 1])
        DEBIASED.score(left, right, torch.arange(50))


def test_range_follows_the_form() -> None:
    assert DistanceCorrelation.score_range == (0.0, 1.0)
    assert BIASED.score_range == (0.0, 1.0)
    assert DEBIASED.score_range == (-1.0, 1.0)


@pytest.mark.parametrize("rows", [4, 5, 6, 7])
@pytest.mark.parametrize("widths", [(2, 1), (9, 12), (1, 1)])
def test_moments_of_all_orders(rows: int, widths: tuple[int, int]) -> None:
    random = np.random.default_rng(rows)
    left, right = (random.exponential(size=(rows, width)) for width in widths)
    sides = prepared(DEBIASED, left, right)
    orders = all_orders(rows)
    # From the slow matrices, so that no line of the score stands behind the formula.
    A, B = slow_u_centred(left), slow_u_centred(right)
    A, B = A / np.linalg.norm(A), B / np.linalg.norm(B)
    scores = np.array([(A * B[np.ix_(order, order)]).sum() for order in orders.numpy()])
    np.testing.assert_allclose(DEBIASED.score_many(*sides, orders).numpy(), scores, atol=1e-12)
    assert_enumerated_moments(DEBIASED.null_moments(*sides), scores)


@pytest.mark.parametrize("widths", [(5, 3), (60, 80)])
def test_moments_of_drawn_orders(widths: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    left, right = (random.exponential(size=(100, width)) ** 2 for width in widths)
    sides = prepared(DEBIASED, left, right)
    assert_drawn_moments(DEBIASED, *sides, random_orders(random, 100, 5000))


@pytest.mark.parametrize("rows", [3, 4, 6])
def test_dcor_offers_no_moments_but_the_mean_of_its_square(rows: int) -> None:
    sides = prepared(BIASED, *related(rows, 3, 2))
    assert BIASED.null_moments(*sides) is None
    scores = BIASED.score_many(*sides, all_orders(rows)).numpy()
    assert BIASED.explain(*sides).facts["mean square by chance"] == pytest.approx((scores**2).mean(), abs=1e-12)


def test_exact_and_shuffled_p_values_agree() -> None:
    left, right = related(60, 5, 5)
    right += 25 * np.random.default_rng(5).normal(size=right.shape)
    exact, drawn = (
        geomsim.compare(left, right, DEBIASED, null=null, draws=4999).p_value for null in ("exact", "shuffle")
    )
    assert exact is not None
    assert drawn is not None
    assert 0.01 < drawn < 0.5
    assert exact == pytest.approx(drawn, abs=0.02)


@settings(max_examples=25)
@given(
    rows=st.integers(4, 30),
    left_width=st.integers(1, 40),
    right_width=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_order_law_and_many_orders(rows: int, left_width: int, right_width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in (left_width, right_width))
    orders = random_orders(random, rows, 4)
    for metric in METRICS:
        assert_order_law(metric, left, right, orders, 1e-10)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_rows_add_up_to_the_squared_score(metric: DistanceCorrelation) -> None:
    left, right = related(50, 4, 6)
    added = sum(metric.explain(*prepared(metric, left, right)).tables["rows"]["adds"])
    found = score(left, right, metric)
    assert added == pytest.approx(found if metric.debiased else found**2, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("scale", [1e-150, 1e-6, 1e150])
def test_scale_and_far_places_do_not_matter(metric: DistanceCorrelation, scale: float) -> None:
    left, right = related(60, 4, 6)
    assert score(left, right * scale, metric) == pytest.approx(score(left, right, metric), abs=1e-12)
    assert score(left, right + 1e6, metric) == pytest.approx(score(left, right, metric), abs=1e-8)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_small_distances_keep_their_digits_beside_an_outlier(metric: DistanceCorrelation) -> None:
    left, right = related(30, 2, 2)
    left[0] += 1e7
    slow = slow_2014 if metric.debiased else slow_dcor
    assert score(left, right, metric) == pytest.approx(slow(left, right), abs=1e-9)


def test_memory_of_many_orders_is_bounded() -> None:
    assert BIASED.bytes_per_order(*prepared(BIASED, *related(300, 4, 5))) <= 2 * 8 * 64 * 300


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_refuses_constant_points_and_names_the_side(metric: DistanceCorrelation) -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(DegenerateSpace, match="right space 'flat': all 50 rows are equal"):
        geomsim.compare(points, geomsim.Space(np.full((50, 4), 0.1), name="flat"), metric)


@pytest.mark.parametrize(("metric", "rows"), [(BIASED, 2), (DEBIASED, 3)])
def test_refuses_too_few_rows(metric: DistanceCorrelation, rows: int) -> None:
    with pytest.raises(DegenerateSpace, match=rf"left space: {rows} rows are too few.*at least {rows + 1}"):
        score(*related(rows, 5, 5), metric)
    assert np.isfinite(score(*related(rows + 1, 5, 5), metric))


def test_refuses_a_debiased_variance_of_zero() -> None:
    lone = np.zeros((40, 3))
    lone[0] = 1.0
    for points in (lone, np.eye(40)):
        with pytest.raises(DegenerateSpace, match="left space: the debiased distance variance of this side is 0"):
            score(points, related(40, 3, 3)[0], DEBIASED)
        assert 0 <= score(points, related(40, 3, 3)[0], BIASED) <= 1
