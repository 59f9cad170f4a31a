"""Oracles: the spectra themselves, closed forms of the mean, and p-values that must be uniform for Gaussian sides."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning, PairedMetric, UnpairedMetric
from geomsim.errors import InapplicableNull
from geomsim.nulls import NULLS, SpectrumMatched, Trial
from geomsim.nulls.clouds import Shape, orthonormal


@dataclass(frozen=True)
class Alignment(PairedMetric[Tensor]):
    """Linear CKA from the n x n products, the slow plain way."""

    larger_means = "closer"
    unchanged_by = frozenset({"rotation", "scaling", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        centred = points.double() - points.double().mean(0)
        products = centred @ centred.T
        return products / products.norm()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left * right[order][:, order]).sum()


@dataclass(frozen=True)
class Axis(UnpairedMetric[Tensor]):
    """Absolute cosine of the two first principal axes: it sees the orientation and nothing else."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        return torch.linalg.svd(points.double() - points.double().mean(0))[2][0]

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left @ right).abs()


@dataclass(frozen=True)
class Tails(UnpairedMetric[Tensor]):
    """Difference of the mean fourth powers of the rows' distances to the mean: it sees the arrangement of the rows."""

    larger_means = "farther"
    unchanged_by = frozenset({"rotation", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        return ((points.double() - points.double().mean(0)).norm(dim=1) ** 4).mean()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).abs()


@dataclass(frozen=True)
class Spectra(UnpairedMetric[Tensor]):
    """Distance of the singular values: what the null keeps."""

    centre: bool = False
    larger_means = "farther"
    unchanged_by = frozenset({"rotation"})

    def prepare(self, points: Tensor) -> Tensor:
        if len(points) < 6:
            warnings.warn(f"only {len(points)} rows", GeomsimWarning, stacklevel=2)
        if not points.any():
            raise DegenerateSpace("all zeros")
        values = torch.linalg.svdvals(points.double() - self.centre * points.double().mean(0))
        return torch.nn.functional.pad(values, (0, 99 - len(values)))

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).norm()


def gaussian(seed: int, rows: int, width: int) -> np.ndarray:
    """A Gaussian cloud of unequal axes, which point anywhere, around a mean."""
    random = np.random.default_rng(seed)
    axes = stats.ortho_group.rvs(width, random_state=random) if width > 1 else np.eye(1)
    return (random.normal(size=(rows, width)) / np.arange(1, width + 1)) @ axes + random.normal(size=width)


# --- the clouds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize(("rows", "width"), [(50, 6), (7, 7), (8, 7), (6, 20), (400, 70), (2, 3), (30, 1)])
def test_a_cloud_keeps_the_spectra_about_the_mean_and_about_the_origin(rows: int, width: int, turned: bool):
    points = torch.from_numpy(gaussian(0, rows, width))
    cloud = Shape.of(points, "left").cloud(np.random.default_rng(1), turned)
    assert cloud.shape == points.shape
    for centre in (0.0, 1.0):
        found, expected = (torch.linalg.svdvals(side - centre * side.mean(0)) for side in (cloud, points))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert float(cloud.mean(0).norm()) == pytest.approx(float(points.mean(0).norm()))
    assert not torch.allclose(cloud, points)


def test_the_axes_of_clouds_point_anywhere():
    # The squared cosine of two uniform directions in d dimensions has the law Beta(1/2, (d - 1)/2).
    shape = Shape.of(torch.from_numpy(gaussian(0, 30, 5)), "left")
    random = np.random.default_rng(2)
    fixed = torch.eye(5, dtype=torch.float64)[2]
    clouds = [shape.cloud(random, turned=True) for _ in range(400)]
    means = np.array([float(torch.nn.functional.cosine_similarity(cloud.mean(0), fixed, dim=0)) for cloud in clouds])
    axes = np.array([float(torch.linalg.svd(cloud - cloud.mean(0))[2][0] @ fixed) for cloud in clouds])
    for cosines in (means, axes):
        assert stats.kstest(cosines**2, stats.beta(0.5, 2.0).cdf).pvalue > 1e-3
    assert abs(means.mean()) < 4 / math.sqrt(5 * 400)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (9, 2), (200, 80), (100, 80)])
def test_orthonormal_columns_are_q_of_qr_with_a_positive_diagonal(rows: int, columns: int):
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=(rows, columns)))
    found = orthonormal(matrix)
    torch.testing.assert_close(found.T @ found, torch.eye(columns, dtype=torch.float64), rtol=0, atol=1e-12)
    upper = found.T @ matrix
    assert (upper.diagonal() > 0).all()
    assert float(upper.tril(-1).abs().max()) < 1e-11
    torch.testing.assert_close(found @ upper, matrix)


def test_type_is_kept(trial: Callable[..., Trial]):
    @dataclass(frozen=True)
    class Typed(Alignment):
        def prepare(self, points: Tensor) -> Tensor:
            assert points.dtype in allowed
            return super().prepare(points)

    allowed = {torch.float32}
    judged = trial(Typed(), gaussian(0, 20, 3), gaussian(1, 20, 4), draws=5, dtype=torch.float32)
    allowed = {torch.float32, torch.float64}  # scores of equal spectrum are told apart from rounding in float64
    assert len(SpectrumMatched().judge(judged).draws) == 5


# --- the test --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "width"), [(40, 6), (12, 60)])
def test_the_mean_of_alignment_has_its_closed_form(trial: Callable[..., Trial], rows: int, width: int):
    # The mean of R L R' over rotations R of the centred rows is tr(L)/(n - 1) times the centring matrix.
    judged = trial(Alignment(), gaussian(0, rows, width), gaussian(1, rows, width + 1), draws=600)
    found = SpectrumMatched().judge(judged)
    expected = float(judged.left_state.trace() * judged.right_state.trace()) / (rows - 1)
    assert abs(found.mean - expected) < 4 * found.sd / math.sqrt(600)
    assert found.kind == "spectrum-matched"
    assert found.facts == {
        "left axes kept": min(rows - 1, width),
        "right axes kept": min(rows - 1, width + 1),
    }


@pytest.mark.parametrize(
    ("metric", "rows", "width"),
    [(Alignment(), 20, 4), (Alignment(), 8, 30), (Axis(), 15, 4), (Axis(), 6, 9)],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else str(value),
)
def test_p_is_uniform_for_independent_gaussian_clouds(trial: Callable[..., Trial], metric: Any, rows: int, width: int):
    found = []
    for seed in range(200):
        left, right = gaussian(10_000 + seed, rows, width), gaussian(20_000 + seed, rows, width)
        found.append(SpectrumMatched().judge(trial(metric, left, right, draws=19, seed=seed)).p_value)
    # Uniform on 1/20, ..., 1; jittered so that the test for continuous laws is exact.
    jitter = np.random.default_rng(0).uniform(size=200) / 20
    assert stats.kstest(np.array(found) - jitter, "uniform").pvalue > 1e-3


def test_an_axis_shared_by_both_sides_is_found(trial: Callable[..., Trial]):
    left = gaussian(0, 60, 8)
    right = left[np.random.default_rng(0).permutation(60)] + 0.05 * gaussian(1, 60, 8)
    found = SpectrumMatched().judge(trial(Axis(), left, right, draws=199))
    assert found.p_value == 1 / 200
    assert not found.is_chance  # its mean is no mean of reordered rows


def test_tails_that_no_gaussian_cloud_has_are_judged_in_the_metrics_own_direction(trial: Callable[..., Trial]):
    heavy = np.random.default_rng(0).standard_t(3, size=(300, 3))
    light = np.random.default_rng(1).uniform(-1, 1, size=(300, 3)) * heavy.std()
    apart = SpectrumMatched().judge(trial(Tails(), heavy, light, draws=99))
    assert apart.p_value > 0.9
    same = SpectrumMatched().judge(trial(Tails(), heavy, heavy, draws=99))
    assert same.p_value == 1 / 100


def test_p_of_one_sided_shapes_is_uniform_given_equal_spectra(trial: Callable[..., Trial]):
    found = []
    for seed in range(200):
        left, right = gaussian(30_000 + seed, 15, 3), gaussian(40_000 + seed, 25, 5)
        found.append(SpectrumMatched().judge(trial(Tails(), left, right, draws=19, seed=seed)).p_value)
    jitter = np.random.default_rng(0).uniform(size=200) / 20
    assert stats.kstest(np.array(found) - jitter, "uniform").pvalue > 1e-3


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("same", [True, False])
def test_scores_of_the_spectrum_alone_are_refused(
    trial: Callable[..., Trial], centre: bool, dtype: torch.dtype, same: bool
):
    left = gaussian(0, 30, 5)
    judged = trial(Spectra(centre), left, left if same else gaussian(1, 20, 8), dtype=dtype)
    with pytest.raises(
        InapplicableNull,
        match=r"Spectra scores the left side against a random cloud of equal covariance spectrum like .*"
        r"measures what this null keeps.* Use null='noise-floor' or 'random-baseline'",
    ):
        SpectrumMatched().judge(judged)


@pytest.mark.parametrize("metric", [Alignment(), Axis(), Tails()])
def test_other_scores_are_not_refused(trial: Callable[..., Trial], metric: Any):
    left = gaussian(0, 30, 5)
    assert SpectrumMatched().judge(trial(metric, left, left, draws=5)).p_value is not None


def test_groups_and_equal_rows_are_refused(trial: Callable[..., Trial]):
    points = gaussian(0, 12, 3)
    grouped = replace(trial(Alignment(), points, points), groups=np.arange(12) // 3)
    with pytest.raises(
        InapplicableNull, match=r"come in groups .*Use null='shuffle', which moves whole groups, or gro"
    ):
        SpectrumMatched().judge(grouped)
    by_side = trial(Tails(), points, points, side_groups=(np.arange(12) // 3, None))
    with pytest.raises(
        InapplicableNull, match=r"these come in groups .*Use null='noise-floor', which halves sides by wh"
    ):
        SpectrumMatched().judge(by_side)
    equal = trial(Tails(), points, np.tile([1.1, 0.3, 5.7], (9, 1)))
    with pytest.raises(InapplicableNull, match="all 9 rows of the right side are equal: there is no covariance"):
        SpectrumMatched().judge(equal)


def test_a_metric_undefined_on_the_clouds_says_where(trial: Callable[..., Trial]):
    @dataclass(frozen=True)
    class Picky(Tails):
        def prepare(self, points: Tensor) -> Tensor:
            if not (points == points.round()).all():
                raise DegenerateSpace("not whole")
            return super().prepare(points)

    whole = np.arange(12.0).reshape(6, 2) ** 2
    with pytest.raises(DegenerateSpace, match="a Gaussian cloud with the covariance spectrum of a side: not whole"):
        SpectrumMatched().judge(trial(Picky(), whole, whole))


def test_scores_that_are_not_finite_are_an_error(trial: Callable[..., Trial]):
    @dataclass(frozen=True)
    class Broken(Tails):
        def score(self, left: Tensor, right: Tensor) -> Tensor:
            return super().score(left, right) * math.nan

    judged = trial(Broken(), gaussian(0, 9, 2), gaussian(1, 9, 2), draws=7)
    with pytest.raises(DegenerateSpace, match="the covariance spectrum of a side: Broken gives nan; a metric must"):
        SpectrumMatched().judge(judged)
    assert NULLS["spectrum-matched"] == SpectrumMatched()


@pytest.mark.parametrize("null", ["spectrum-matched", "random-baseline"])
@pytest.mark.parametrize("scale", [2.0**-600, 2.0**900])
def test_points_of_any_size_have_clouds(null: str, scale: float) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(2, 20, 4))
    expected = geomsim.compare(left, right, "procrustes", null=null, draws=9)
    found = geomsim.compare(left * scale, right * scale, "procrustes", null=null, draws=9)
    np.testing.assert_allclose(found.null, expected.null, rtol=1e-9)
