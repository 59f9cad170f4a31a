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
    assert_uniform_p_values,
    centred_directions,
    random_orders,
    sides_that_share,
    wachter,
)
from numpy.typing import NDArray
from scipy.linalg import subspace_angles

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim.testing import check_metric
from geomsim_representational.cca import CCA
from geomsim_representational.svcca import SVCCA

Array = NDArray[np.float64]


@pytest.mark.parametrize("statistic", ["mean", "mean-squared"])
def test_keeps_the_contract(statistic: str) -> None:
    check_metric(SVCCA(statistic=statistic))  # type: ignore[arg-type]


def svcca(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, SVCCA(**parameters), null=None).score  # type: ignore[arg-type]


def reference(left: Array, right: Array, kept_variance: float, power: int = 1) -> float:
    """The definition, by subspace angles."""
    bases = []
    for points in (left, right):
        U, s, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
        share = np.cumsum(s**2) / np.sum(s**2)
        bases.append(U[:, : int(np.argmax(share >= kept_variance)) + 1])
    return float((np.cos(subspace_angles(*bases)) ** power).mean())


def faulty_svcca(left: Array, right: Array, threshold: float = 0.99) -> float:
    """The widely copied mistake: a normalised cumulative share is compared with threshold times the *total*."""
    kept = []
    for points in (left, right):
        centred = points - points.mean(0)
        U, s, _ = np.linalg.svd(centred, full_matrices=False)
        share = np.cumsum(s**2) / np.sum(s**2)
        enough = share >= threshold * np.sum(s**2)  # never true, so argmax is 0
        components = int(np.argmax(enough)) + 1
        kept.append(U[:, :components] * s[:components])
    return abs(float(np.corrcoef(kept[0][:, 0], kept[1][:, 0])[0, 1])) if kept[0].shape[1] == 1 else float("nan")


def shared_latents(seed: int = 1) -> tuple[Array, Array]:
    """Both sides are invertible images of the same ten latents."""
    random = np.random.default_rng(seed)
    latents = random.normal(size=(2000, 10))
    return latents @ random.normal(size=(10, 64)), latents @ random.normal(size=(10, 48))


def test_rank_one_trap() -> None:
    scores = [faulty_svcca(*shared_latents(seed)) for seed in range(10)]
    assert np.median(scores) == pytest.approx(0.20, abs=0.1)
    for seed in range(3):
        left, right = shared_latents(seed)
        # All ten directions are kept, so that the true value is exactly 1.
        assert svcca(left, right, kept_variance=1.0) == pytest.approx(1.0, abs=1e-9)
        assert svcca(left, right, components=10) == pytest.approx(1.0, abs=1e-9)


def test_rank_one_score_ignores_its_threshold_and_ours_does_not() -> None:
    left, right = shared_latents()
    assert faulty_svcca(left, right, 0.5) == faulty_svcca(left, right, 0.99)
    facts = [
        geomsim.compare(left, right, SVCCA(kept_variance=kept), null=None).facts["components left"]
        for kept in (0.5, 0.99)
    ]
    assert facts[0] < facts[1]


def test_null_of_the_rank_one_score_follows_its_law_and_ours_does_not() -> None:
    left, right = shared_latents()
    left, right = left[:200], right[:200]
    random = np.random.default_rng(0)
    faulty = np.mean([faulty_svcca(left, right[random.permutation(200)]) for _ in range(200)])
    law = np.sqrt(2 / (np.pi * 200))
    assert faulty == pytest.approx(law, rel=0.15)
    ours = geomsim.compare(left, right, SVCCA(components=10), draws=50).null_mean
    assert ours is not None
    assert ours > 2 * law


def test_one_component_is_the_correlation_of_first_components() -> None:
    left, right = shared_latents()
    assert svcca(left, right, components=1) == pytest.approx(faulty_svcca(left, right), abs=1e-9)


def test_invertible_map_scores_one() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(300, 6))
    assert svcca(left, left @ random.normal(size=(6, 6)) + 3.0, kept_variance=1.0) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("metric", [SVCCA(kept_variance=1.0), SVCCA(components=20)])
def test_rank_deficient_float32_points_keep_their_true_rank(metric: SVCCA) -> None:
    left, right = (points.astype(np.float32) for points in shared_latents())
    result = geomsim.compare(left, right, metric, null=None)
    assert (result.facts["components left"], result.facts["components right"]) == (10, 10)
    assert result.score == pytest.approx(1.0, abs=1e-6)


def test_orthogonal_column_spaces_score_zero() -> None:
    directions = centred_directions(200, 8)
    assert svcca(directions[:, :5], directions[:, 5:], kept_variance=1.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("shared", "left_width", "right_width"), [(1, 3, 3), (2, 5, 3), (3, 3, 7), (4, 6, 4)])
def test_shared_directions(shared: int, left_width: int, right_width: int) -> None:
    left, right = sides_that_share(shared, left_width, right_width)
    expected = shared / min(left_width, right_width)
    assert svcca(left, right, kept_variance=1.0) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kept_variance", [0.3, 0.8, 0.99])
def test_agrees_with_subspace_angles(kept_variance: float) -> None:
    random = np.random.default_rng(3)
    left = random.normal(size=(500, 12)) * np.linspace(3, 0.2, 12) + 5
    right = left @ random.normal(size=(12, 9)) + random.normal(size=(500, 9))
    for power, statistic in ((1, "mean"), (2, "mean-squared")):
        expected = reference(left, right, kept_variance, power)
        assert svcca(left, right, kept_variance=kept_variance, statistic=statistic) == pytest.approx(
            expected, abs=1e-10
        )


@pytest.mark.parametrize("rows", [4, 5, 6, 7])
def test_moments_of_all_orders(rows: int) -> None:
    random = np.random.default_rng(rows)
    metric = SVCCA(components=2, statistic="mean-squared")
    orders = all_orders(rows)
    for left_width, right_width in ((1, 1), (1, 5), (5, 2), (6, 6)):
        sides = [
            metric.prepare(torch.from_numpy(random.exponential(size=(rows, width))))
            for width in (left_width, right_width)
        ]
        moments = metric.null_moments(*sides)
        assert_enumerated_moments(moments, metric.score_many(*sides, orders).numpy())
        assert moments is not None
        assert moments.mean == pytest.approx(max(min(left_width, 2), min(right_width, 2)) / (rows - 1), abs=1e-13)


def test_moments_of_drawn_orders() -> None:
    random = np.random.default_rng(1)
    metric = SVCCA(kept_variance=0.9, statistic="mean-squared")
    sides = [metric.prepare(torch.from_numpy(random.exponential(size=(300, width)) ** 2)) for width in (8, 20)]
    assert_drawn_moments(metric, *sides, random_orders(random, 300, 5000))


def test_mean_square_of_everything_is_that_of_cca_with_its_moments() -> None:
    random = np.random.default_rng(4)
    left = random.normal(size=(150, 5))
    right = left @ random.normal(size=(5, 7)) + random.normal(size=(150, 7))
    ours = geomsim.compare(left, right, SVCCA(kept_variance=1.0, statistic="mean-squared"), null="exact")
    theirs = geomsim.compare(left, right, CCA("mean-squared"), null="exact")
    assert ours.score == pytest.approx(theirs.score, abs=1e-13)
    assert (ours.null_mean, ours.null_sd) == pytest.approx((theirs.null_mean, theirs.null_sd), rel=1e-9)


def test_mean_has_no_moments_and_says_so() -> None:
    left, right = shared_latents()
    with pytest.raises(GeomsimError, match="SVCCA has no exact moments; use null='shuffle'"):
        geomsim.compare(left[:300], right[:300], SVCCA(components=2), null="exact")


def test_kept_variance_is_of_squared_singular_values_of_centred_points() -> None:
    # Variances 90, 9 and 1 of 100; the large mean would swallow them all if it counted.
    directions = centred_directions(300, 3) * np.sqrt([90.0, 9.0, 1.0]) + 1000.0
    for kept_variance, components in ((0.89, 1), (0.91, 2), (0.985, 2), (0.995, 3), (1.0, 3)):
        result = geomsim.compare(directions, directions, SVCCA(kept_variance=kept_variance), null=None)
        assert result.facts["components left"] == components


def noise_scores(rows: int, kept_variance: float) -> float:
    random = np.random.default_rng(rows)
    pairs = random.normal(size=(3, 2, rows, 60))
    return float(np.mean([svcca(left, right, kept_variance=kept_variance) for left, right in pairs]))


@pytest.mark.parametrize("rows", [70, 120, 300, 1000])
def test_noise_follows_the_law_of_random_subspaces(rows: int) -> None:
    assert noise_scores(rows, kept_variance=1.0) == pytest.approx(wachter(60, rows - 1), abs=0.01)


@pytest.mark.parametrize(("rows", "chance"), [(70, 0.80), (120, 0.60), (300, 0.38), (1000, 0.20)])
def test_chance_level_of_noise(rows: int, chance: float) -> None:
    assert noise_scores(rows, kept_variance=0.99) == pytest.approx(chance, abs=0.02)


def test_few_rows_saturate_and_say_so() -> None:
    random = np.random.default_rng(0)
    spread = np.arange(1, 513) ** -0.5
    left = random.normal(size=(40, 512)) * spread
    result = geomsim.compare(left, left + 0.5 * random.normal(size=(40, 512)) * spread, "svcca", draws=20)
    assert result.score == pytest.approx(0.98, abs=0.005)
    assert result.null_mean == pytest.approx(0.976, abs=0.005)
    assert any("40 rows for 38 + 38 components" in note and "37 correlations are 1" in note for note in result.warnings)
    assert any("against its null" in note for note in result.warnings)


def test_enough_rows_say_nothing() -> None:
    random = np.random.default_rng(0)
    assert not geomsim.compare(random.normal(size=(200, 4)), random.normal(size=(200, 4)), "svcca", draws=9).warnings


def test_direct_use_warns_too() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 3)))
    basis = SVCCA().prepare(points)
    with pytest.warns(GeomsimWarning, match=r"20 rows for 3 \+ 3 components"):
        SVCCA().score(basis, basis, torch.arange(20))


def test_refuses_rows_too_few_for_the_components() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(DegenerateSpace, match=r"left space: 40 rows are too few for 39 components.*components < 39"):
        svcca(random.normal(size=(40, 512)), random.normal(size=(40, 512)), kept_variance=1.0)


def test_refuses_constant_points_and_names_the_side() -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(DegenerateSpace, match="right space 'flat': all rows are equal"):
        geomsim.compare(points, geomsim.Space(np.full((50, 4), 0.1), name="flat"), "svcca")


@pytest.mark.parametrize("parameters", [{"kept_variance": 0}, {"kept_variance": 1.5}, {"kept_variance": float("nan")}])
def test_refuses_a_share_outside_its_range(parameters: dict[str, float]) -> None:
    with pytest.raises(GeomsimError, match=r"kept_variance is a share in \(0, 1\]"):
        SVCCA(**parameters)


def test_refuses_no_components() -> None:
    with pytest.raises(GeomsimError, match="components is at least 1, got 0"):
        SVCCA(components=0)


def test_refuses_unknown_statistic() -> None:
    with pytest.raises(GeomsimError, match="statistic is one of mean, mean-squared; got 'median'"):
        SVCCA(statistic="median")  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e4, 1e-200, 1e200])
def test_scale_does_not_matter(scale: float) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(200, 6)), random.normal(size=(200, 6))
    assert svcca(left, right * scale) == pytest.approx(svcca(left, right), abs=1e-11)


@given(rows=st.integers(20, 60), width=st.integers(1, 6), seed=st.integers(0, 10**6))
@settings(max_examples=25)
@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_order_law_and_many_orders(rows: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, w))) for w in (width, width + 2))
    assert_order_law(SVCCA(), left, right, random_orders(random, rows, 4), 1e-10)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    assert_uniform_p_values("svcca", random.normal(size=(100, 2, 30, 3)))
