from __future__ import annotations

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
    centred_directions,
    random_orders,
    score,
    sides_that_share,
)
from numpy.typing import NDArray

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim.testing import check_metric
from geomsim_representational.alignment import Alignment
from geomsim_representational.cka import CKA, DebiasedCKA

Array = NDArray[np.float64]
METRICS = (CKA(), CKA("rbf"), CKA("rbf", 0.4), DebiasedCKA(), DebiasedCKA("rbf"))


def prepared(metric: CKA | DebiasedCKA, *sides: Array) -> list[Alignment]:
    return [metric.prepare(torch.from_numpy(points)) for points in sides]


def related(rows: int, left_width: int, right_width: int, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, left_width)) * np.linspace(1, 3, left_width) + 2
    return left, left @ random.normal(size=(left_width, right_width)) + 3 * random.normal(size=(rows, right_width))


def slow_kernel(points: Array, metric: CKA | DebiasedCKA) -> Array:
    """Row by row, as defined."""
    n_rows = len(points)
    if metric.kernel == "linear":
        return np.array([[points[i] @ points[j] for j in range(n_rows)] for i in range(n_rows)])
    distance = np.array([[np.linalg.norm(points[i] - points[j]) for j in range(n_rows)] for i in range(n_rows)])
    sigma = metric.bandwidth * np.median(distance[np.triu_indices(n_rows, 1)])
    return np.exp(-(distance**2) / (2 * sigma**2))


def slow_hsic(left: Array, right: Array) -> float:
    """HSIC_1 as Song et al. (2012) write it."""
    n, ones = len(left), np.ones(len(left))
    K, L = left - np.diag(np.diag(left)), right - np.diag(np.diag(right))
    total = np.trace(K @ L) + (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2))
    return float((total - 2 / (n - 2) * (ones @ K @ L @ ones)) / (n * (n - 3)))


def slow_score(left: Array, right: Array, metric: CKA | DebiasedCKA) -> float:
    K, L = (slow_kernel(points, metric) for points in (left, right))
    if isinstance(metric, DebiasedCKA):
        return slow_hsic(K, L) / np.sqrt(slow_hsic(K, K) * slow_hsic(L, L))
    H = np.eye(len(K)) - 1 / len(K)
    K, L = H @ K @ H, H @ L @ H
    return float(np.trace(K @ L) / np.linalg.norm(K) / np.linalg.norm(L))


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_keeps_the_contract(metric: CKA | DebiasedCKA) -> None:
    check_metric(metric)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize(("rows", "left_width", "right_width"), [(60, 5, 9), (30, 40, 50), (60, 5, 80), (4, 3, 2)])
def test_agrees_with_its_definition(metric: CKA | DebiasedCKA, rows: int, left_width: int, right_width: int) -> None:
    left, right = related(rows, left_width, right_width)
    assert score(left, right, metric) == pytest.approx(slow_score(left, right, metric), abs=1e-12)
    assert score(right, left, metric) == pytest.approx(slow_score(left, right, metric), abs=1e-12)


@pytest.mark.parametrize(("rows", "width"), [(100, 5), (30, 60)])
def test_rsatoolbox_agrees(rows: int, width: int) -> None:
    rsatoolbox = pytest.importorskip("rsatoolbox")
    left, right = related(rows, width, width)
    # Whitened cosine of squared distances is linear CKA (Diedrichsen et al. 2020).
    sides = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(points), method="euclidean") for points in (left, right)]
    assert score(left, right, CKA()) == pytest.approx(
        float(rsatoolbox.rdm.compare(*sides, "cosine_cov")[0, 0]), abs=1e-6
    )


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("width", [4, 60])
def test_rotated_moved_and_scaled_copy_scores_one(metric: CKA | DebiasedCKA, width: int) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(50, width))
    rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
    assert score(left, 0.2 * left @ rotation - 7.0, metric) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("rows", [40, 2000])
def test_orthogonal_column_spaces_score_zero(rows: int) -> None:
    directions = centred_directions(rows, 8)
    assert score(directions[:, :5], directions[:, 5:], CKA()) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize(("shared", "left_width", "right_width"), [(1, 3, 3), (2, 5, 3), (3, 3, 7), (4, 6, 4)])
def test_shared_directions(shared: int, left_width: int, right_width: int) -> None:
    left, right = sides_that_share(shared, left_width, right_width)
    assert score(left, right, CKA()) == pytest.approx(shared / np.sqrt(left_width * right_width), abs=1e-12)


def test_noise_is_high_by_chance_and_only_the_debiased_form_is_not() -> None:
    noise = np.random.default_rng(0).normal(size=(10, 2, 50, 500))
    assert np.mean([score(*pair, CKA()) for pair in noise]) == pytest.approx(0.91, abs=0.005)
    assert np.mean([score(*pair, DebiasedCKA()) for pair in noise]) == pytest.approx(0.0, abs=0.02)
    states = prepared(CKA(), *noise[0])
    with pytest.warns(GeomsimWarning, match=r"50 rows this biased CKA is 0\.9\d by chance alone.*debiased-cka"):
        CKA().score(*states, torch.arange(50))


def test_enough_rows_say_nothing() -> None:
    assert not geomsim.compare(*related(300, 4, 4), CKA(), draws=9).warnings


def test_absolute_epsilon_is_told_apart() -> None:
    left, right = related(100, 6, 6, seed=2)
    small = right * 0.01

    def faulty(left: Array, right: Array) -> float:
        left, right = left - left.mean(0), right - right.mean(0)
        norms = np.linalg.norm(left.T @ left) * np.linalg.norm(right.T @ right)
        return float(np.linalg.norm(left.T @ right) ** 2 / (norms + 1e4))

    assert faulty(left, right) == pytest.approx(score(left, right, CKA()), abs=0.01)
    assert faulty(left, small) < 0.6 * score(left, right, CKA())
    for metric in METRICS:
        for scale in (0.01, 1e-6, 1e-150, 1e150):
            assert score(left, right * scale, metric) == pytest.approx(score(left, right, metric), abs=1e-12)


def test_spectral_norm_is_told_apart() -> None:
    left, right = related(100, 6, 9)
    K, L = (slow_kernel(points - points.mean(0), CKA()) for points in (left, right))
    spectral = np.trace(K @ L) / np.linalg.norm(K, 2) / np.linalg.norm(L, 2)
    assert abs(spectral - score(left, right, CKA())) > 0.1


def test_uncentred_kernel_is_told_apart() -> None:
    left, right = np.random.default_rng(0).normal(size=(2, 200, 5)) + 10.0
    K, L = (slow_kernel(points, CKA()) for points in (left, right))
    assert np.trace(K @ L) / np.linalg.norm(K) / np.linalg.norm(L) > 0.9
    assert score(left, right, CKA()) < 0.1


@pytest.mark.parametrize("bandwidth", [0.2, 1.0, 5.0])
def test_bandwidth_is_in_median_distances(bandwidth: float) -> None:
    for rows in (31, 32):  # 465 distances and 496: the median of odd and even counts
        left, right = related(rows, 4, 6)
        metric = CKA("rbf", bandwidth)
        assert score(left, right, metric) == pytest.approx(slow_score(left, right, metric), abs=1e-12)
        facts = geomsim.compare(left * 3, right, DebiasedCKA("rbf", bandwidth), null=None).facts
        distances = [np.linalg.norm(3 * (left[i] - left[j])) for i in range(rows) for j in range(i)]
        assert facts["bandwidth left"] == pytest.approx(bandwidth * np.median(distances), rel=1e-9)


def test_wide_bandwidth_tends_to_the_linear_kernel() -> None:
    left, right = related(80, 5, 7)
    assert score(left, right, CKA("rbf", 300.0)) == pytest.approx(score(left, right, CKA()), abs=1e-4)


def kazi_aoual(left: Alignment, right: Alignment) -> tuple[float, float]:
    """Mean and variance as Kazi-Aoual et al. (1995) write them."""
    n = left.rows
    (T, T2, S2), (T_, T2_, S2_) = (
        (np.trace(K), np.sum(K**2), np.sum(np.diag(K) ** 2)) for K in (side.matrix().numpy() for side in (left, right))
    )
    first = 2 * ((n - 1) * T2 - T**2) * ((n - 1) * T2_ - T_**2) / ((n - 1) ** 2 * (n + 1) * (n - 2))
    second = (n * (n + 1) * S2 - (n - 1) * (T**2 + 2 * T2)) * (n * (n + 1) * S2_ - (n - 1) * (T_**2 + 2 * T2_))
    variance = first + second / ((n + 1) * n * (n - 1) * (n - 2) * (n - 3))
    return T * T_ / (n - 1), variance


@pytest.mark.parametrize(
    ("metric", "rows"),
    [(metric, rows) for metric in METRICS for rows in range(4 if isinstance(metric, DebiasedCKA) else 3, 8)],
    ids=repr,
)
@pytest.mark.parametrize("widths", [(2, 1), (9, 12), (2, 20)])
def test_moments_of_all_orders(metric: CKA | DebiasedCKA, rows: int, widths: tuple[int, int]) -> None:
    random = np.random.default_rng(rows)
    sides = prepared(metric, *(random.exponential(size=(rows, width)) for width in widths))
    scores = metric.score_many(*sides, all_orders(rows)).numpy()
    assert_enumerated_moments(metric.null_moments(*sides), scores)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("widths", [(5, 3), (400, 3), (310, 320)])
def test_moments_of_drawn_orders(metric: CKA | DebiasedCKA, widths: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    sides = prepared(metric, *(random.exponential(size=(300, width)) ** 2 for width in widths))
    moments = metric.null_moments(*sides)
    assert (moments.mean, moments.variance) == pytest.approx(kazi_aoual(*sides), rel=1e-9, abs=1e-15)
    assert_drawn_moments(metric, *sides, random_orders(random, 300, 5000))


def test_constant_scores_have_variance_zero() -> None:
    # All distances are equal, so reordering changes nothing.
    moments = CKA().null_moments(*prepared(CKA(), np.eye(12), related(12, 3, 3)[0]))
    assert (moments.variance, moments.skewness) == (0.0, None)


def test_exact_and_shuffled_p_values_agree() -> None:
    left, right = related(60, 5, 5)
    right += 15 * np.random.default_rng(5).normal(size=right.shape)
    exact = geomsim.compare(left, right, DebiasedCKA(), null="exact")
    drawn = geomsim.compare(left, right, DebiasedCKA(), draws=1999)
    assert exact.facts["law"] == "Pearson type III"
    assert exact.p_value == pytest.approx(drawn.p_value, abs=0.03)
    assert exact.null_sd == pytest.approx(drawn.null_sd, rel=0.1)


@given(
    rows=st.integers(5, 150), left_width=st.integers(1, 40), right_width=st.integers(1, 40), seed=st.integers(0, 10**6)
)
@settings(max_examples=30)
@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_order_law_and_many_orders(rows: int, left_width: int, right_width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in (left_width, right_width))
    orders = random_orders(random, rows, 4)
    for metric in METRICS:
        assert_order_law(metric, left, right, orders, 1e-10)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
@pytest.mark.parametrize("widths", [(4, 6), (4, 80), (70, 80)])
def test_rows_add_up_to_the_score(metric: CKA | DebiasedCKA, widths: tuple[int, int]) -> None:
    left, right = related(50, *widths)
    explanation = metric.explain(*prepared(metric, left, right))
    assert sum(explanation.tables["rows"]["adds"]) == pytest.approx(score(left, right, metric), abs=1e-12)


def test_memory_of_many_orders_is_bounded() -> None:
    left, right = prepared(CKA(), *related(300, 310, 320))
    assert CKA().bytes_per_order(left, right) <= 2 * 8 * 64 * 300
    left, right = prepared(CKA(), *related(3000, 4, 5))
    assert left.gram is None
    assert CKA().bytes_per_order(left, right) < 8 * 3000 * 10


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_refuses_constant_points_and_names_the_side(metric: CKA | DebiasedCKA) -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(DegenerateSpace, match="right space 'flat': all 50 rows are equal"):
        geomsim.compare(points, geomsim.Space(np.full((50, 4), 0.1), name="flat"), metric)


@pytest.mark.parametrize(("metric", "rows"), [(CKA(), 2), (CKA("rbf"), 2), (DebiasedCKA(), 3), (DebiasedCKA("rbf"), 3)])
def test_refuses_too_few_rows(metric: CKA | DebiasedCKA, rows: int) -> None:
    with pytest.raises(DegenerateSpace, match=rf"left space: {rows} rows are too few.*at least {rows + 1}"):
        score(*related(rows, 5, 5), metric)
    assert np.isfinite(score(*related(rows + 1, 5, 5), metric))


@pytest.mark.parametrize("width", [1, 40])
def test_refuses_a_debiased_self_similarity_of_zero(width: int) -> None:
    lone = np.zeros((40, width))
    lone[0] = 1.0
    for points in (lone, np.eye(40)):
        with pytest.raises(
            DegenerateSpace, match=r"left space: the debiased self-similarity of this side is 0.*or rsa"
        ):
            score(points, np.random.default_rng(0).normal(size=(40, 3)), DebiasedCKA())


def test_debiased_self_similarity_near_zero_keeps_its_digits() -> None:
    random = np.random.default_rng(0)
    left, right = 1e-3 * random.normal(size=(2, 60, 3))
    left[0] += 1.0
    assert score(left, right, DebiasedCKA()) == pytest.approx(slow_score(left, right, DebiasedCKA()), abs=1e-8)


def test_refuses_a_median_distance_of_zero() -> None:
    points = np.zeros((20, 3))
    points[:4] = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(DegenerateSpace, match=r"left space: the median distance of two rows is 0.*kernel='linear'"):
        score(points, points, CKA("rbf"))
    assert score(points, points, CKA()) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [CKA, DebiasedCKA])
def test_refuses_unknown_parameters(metric: type[CKA] | type[DebiasedCKA]) -> None:
    with pytest.raises(GeomsimError, match="kernel is one of linear, rbf; got 'cubic'"):
        metric(kernel="cubic")  # type: ignore[arg-type]
    for bandwidth in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(GeomsimError, match="bandwidth is a positive multiple of the median distance"):
            metric(bandwidth=bandwidth)
