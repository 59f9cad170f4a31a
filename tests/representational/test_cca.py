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
    wachter,
)
from numpy.typing import NDArray
from scipy.linalg import inv, sqrtm, subspace_angles

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim.testing import check_metric
from geomsim_representational.cca import CCA, PWCCA
from geomsim_representational.svcca import SVCCA

Array = NDArray[np.float64]
METRICS = (CCA(), CCA("mean-squared"), PWCCA(), PWCCA("left"), PWCCA("right"))


def related(rows: int, left_width: int, right_width: int, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, left_width)) * np.linspace(0.2, 3, left_width) + 2
    mixing = random.normal(size=(left_width, right_width))
    return left, left @ mixing + random.normal(size=(rows, right_width)) * np.linspace(0.5, 5, right_width)


def whitened(left: Array, right: Array) -> tuple[Array, Array, Array, Array]:
    """Canonical analysis by whitened covariances: whitening maps are never shared with a singular value basis."""
    left, right = left - left.mean(0), right - right.mean(0)
    white = [np.real(inv(sqrtm(side.T @ side))) for side in (left, right)]
    turn, rho, _ = np.linalg.svd(white[0] @ left.T @ right @ white[1], full_matrices=False)
    return left, white[0], turn, rho


def slow_pwcca(left: Array, right: Array, side: str) -> float:
    if side == "mean":
        return (slow_pwcca(left, right, "left") + slow_pwcca(left, right, "right")) / 2
    points, white, turn, rho = whitened(*((left, right) if side == "left" else (right, left)))
    variates = points @ white @ turn
    weights = [sum(abs(variate @ column) for column in points.T) for variate in variates.T]
    return float(np.average(rho, weights=weights))


def faulty_pwcca(left: Array, right: Array) -> float:
    """The widely copied mistake: directions without their whitening, made orthonormal afterwards."""
    points, _, turn, rho = whitened(left, right)
    variates = np.linalg.qr(points @ turn)[0]
    return float(np.average(rho, weights=np.abs(variates.T @ points).sum(1)))


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_keeps_the_contract(metric: CCA | PWCCA) -> None:
    check_metric(metric)


def test_symmetry_follows_the_side() -> None:
    assert PWCCA().symmetric
    assert not PWCCA("left").symmetric
    left, right = related(200, 4, 7)
    assert score(left, right, PWCCA("left")) == pytest.approx(score(right, left, PWCCA("right")), abs=1e-12)
    assert abs(score(left, right, PWCCA("left")) - score(left, right, PWCCA("right"))) > 1e-3


@pytest.mark.parametrize(("rows", "left_width", "right_width"), [(200, 6, 9), (200, 9, 6), (40, 5, 5), (50, 30, 2)])
def test_agrees_with_subspace_angles(rows: int, left_width: int, right_width: int) -> None:
    left, right = related(rows, left_width, right_width)
    rho = np.cos(subspace_angles(left - left.mean(0), right - right.mean(0)))
    assert score(left, right, CCA()) == pytest.approx(rho.mean(), abs=1e-10)
    assert score(left, right, CCA("mean-squared")) == pytest.approx(np.mean(rho**2), abs=1e-10)


@pytest.mark.parametrize("side", ["left", "right", "mean"])
@pytest.mark.parametrize(("rows", "left_width", "right_width"), [(200, 6, 9), (200, 9, 6), (40, 5, 5), (50, 20, 2)])
def test_pwcca_agrees_with_its_definition(side: str, rows: int, left_width: int, right_width: int) -> None:
    left, right = related(rows, left_width, right_width)
    metric = PWCCA(side)  # type: ignore[arg-type]
    assert score(left, right, metric) == pytest.approx(slow_pwcca(left, right, side), abs=1e-9)


def test_weights_from_directions_not_whitened_are_told_apart() -> None:
    left, right = related(300, 8, 8)
    left *= np.array([10.0, 1, 1, 5, 1, 0.1, 1, 0.3])  # on white points both are the same
    assert abs(faulty_pwcca(left, right) - slow_pwcca(left, right, "left")) > 0.01
    assert score(left, right, PWCCA("left")) == pytest.approx(slow_pwcca(left, right, "left"), abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_invertible_map_scores_one(metric: CCA | PWCCA) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(300, 6))
    assert score(left, left @ random.normal(size=(6, 6)) + 3.0, metric) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_orthogonal_column_spaces_score_zero(metric: CCA | PWCCA) -> None:
    directions = centred_directions(200, 8)
    assert score(directions[:, :5], directions[:, 5:], metric) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("shared", "left_width", "right_width"), [(1, 3, 3), (2, 5, 3), (3, 3, 7), (4, 6, 4)])
def test_shared_directions(shared: int, left_width: int, right_width: int) -> None:
    left, right = sides_that_share(shared, left_width, right_width)
    for metric in (CCA(), CCA("mean-squared")):
        assert score(left, right, metric) == pytest.approx(shared / min(left_width, right_width), abs=1e-10)


def test_projection_weights_follow_variance_and_cca_does_not() -> None:
    # One shared direction that carries nearly all of the left side, four unrelated ones that carry little.
    directions = centred_directions(400, 9)
    left = directions[:, :5] * np.array([96.0, 1, 1, 1, 1])
    right = np.column_stack([directions[:, 0], directions[:, 5:]])
    assert score(left, right, CCA()) == pytest.approx(0.2, abs=1e-10)
    # The four correlations of 0 leave their variates open, so their weights are bounded only: sums of absolute
    # values of four orthonormal directions lie between 1 and 2 each.
    assert 96 / (96 + 8) - 1e-9 <= score(left, right, PWCCA("left")) <= 0.96 + 1e-9


def test_svcca_that_keeps_everything_is_cca() -> None:
    left, right = related(200, 6, 9)
    kept = geomsim.compare(left, right, SVCCA(kept_variance=1.0), null=None).score
    assert score(left, right, CCA()) == pytest.approx(kept, abs=1e-13)


def test_absolute_epsilon_is_told_apart() -> None:
    left, right = related(200, 5, 5)

    def faulty(left: Array, right: Array) -> float:
        left, right = left - left.mean(0), right - right.mean(0)
        white = [np.real(inv(sqrtm(side.T @ side / len(side) + 1e-3 * np.eye(5)))) for side in (left, right)]
        return float(np.linalg.norm(white[0] @ left.T @ right @ white[1] / len(left), "nuc") / 5)

    assert faulty(left, right) == pytest.approx(score(left, right, CCA()), abs=0.01)
    assert faulty(left, right * 0.01) < 0.95 * score(left, right, CCA())
    for metric in METRICS:
        for scale in (0.01, 1e-6, 1e-200, 1e200):
            assert score(left, right * scale, metric) == pytest.approx(score(left, right, metric), abs=1e-11)


@pytest.mark.parametrize("rows", [70, 120, 300, 1000])
def test_chance_level_of_noise(rows: int) -> None:
    noise = np.random.default_rng(rows).normal(size=(3, 2, rows, 60))
    assert np.mean([score(*pair, CCA()) for pair in noise]) == pytest.approx(wachter(60, rows - 1), abs=0.01)
    squared = np.mean([score(*pair, CCA("mean-squared")) for pair in noise])
    assert squared == pytest.approx(60 / (rows - 1), rel=0.05)


@pytest.mark.parametrize("rows", [4, 5, 6, 7])
def test_moments_of_all_orders(rows: int) -> None:
    random = np.random.default_rng(rows)
    metric = CCA("mean-squared")
    for left_width, right_width in ((1, 1), (1, 2), (2, 2), (3, 2)):
        if max(left_width, right_width) >= rows - 1:
            continue
        sides = [
            metric.prepare(torch.from_numpy(random.exponential(size=(rows, w)))) for w in (left_width, right_width)
        ]
        moments = metric.null_moments(*sides)
        assert moments.mean == pytest.approx(max(left_width, right_width) / (rows - 1), abs=1e-13)
        assert_enumerated_moments(moments, metric.score_many(*sides, all_orders(rows)).numpy())


@pytest.mark.parametrize("widths", [(5, 3), (40, 60)])
def test_moments_of_drawn_orders(widths: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    metric = CCA("mean-squared")
    sides = [metric.prepare(torch.from_numpy(random.exponential(size=(300, width)) ** 2)) for width in widths]
    assert_drawn_moments(metric, *sides, random_orders(random, 300, 5000))


def test_mean_has_no_moments_and_says_so() -> None:
    with pytest.raises(geomsim.GeomsimError, match="CCA has no exact moments; use null='shuffle'"):
        geomsim.compare(*related(200, 4, 4), CCA(), null="exact")


def test_few_rows_are_warned_of() -> None:
    left, right = related(70, 20, 15)
    for metric, name in ((CCA(), "CCA"), (CCA("mean-squared"), "CCA"), (PWCCA(), "PWCCA")):
        states = [metric.prepare(torch.from_numpy(points)) for points in (left, right)]
        with pytest.warns(GeomsimWarning, match=rf"70 rows for 20 \+ 15 components: {name} is high by chance"):
            metric.score(*states, torch.arange(70))
        assert not geomsim.compare(*related(200, 4, 4), metric, draws=9).warnings
    note = geomsim.compare(left[:30], right[:30], CCA(), null=None).warnings
    assert any("6 correlations are 1 by algebra" in text for text in note)


@given(rows=st.integers(24, 60), width=st.integers(1, 6), seed=st.integers(0, 10**6))
@settings(max_examples=25)
@pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")
def test_order_law_and_many_orders(rows: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, w))) for w in (width, width + 2))
    orders = random_orders(random, rows, 4)
    for metric in METRICS:
        assert_order_law(metric, left, right, orders, 1e-9)


def test_explains_ranks_and_weights() -> None:
    left, right = related(200, 4, 6)
    result = geomsim.compare(left, right, PWCCA(), null=None)
    assert (result.facts["rank left"], result.facts["rank right"]) == (4, 6)
    assert result.explanation is not None
    table = {name: np.array(column) for name, column in result.explanation.tables["canonical correlations"].items()}
    sides = [table["r"] @ table[f"weight {side}"] for side in ("left", "right")]
    assert np.mean(sides) == pytest.approx(result.score, abs=1e-12)
    assert table["weight left"].sum() == pytest.approx(1.0)


def test_rank_deficient_float32_points_keep_their_true_rank() -> None:
    random = np.random.default_rng(1)
    latents = random.normal(size=(500, 10))
    left, right = (np.float32(latents @ random.normal(size=(10, width))) for width in (64, 48))
    result = geomsim.compare(left, right, CCA(), null=None)
    assert (result.facts["rank left"], result.facts["rank right"]) == (10, 10)
    assert result.score == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_refuses_rows_too_few_for_the_rank(metric: CCA | PWCCA) -> None:
    random = np.random.default_rng(0)
    for width in (39, 512):
        with pytest.raises(
            DegenerateSpace, match=r"left space: 40 rows are too few for rank 39.*or svcca with fewer components"
        ):
            score(random.normal(size=(40, width)), random.normal(size=(40, 3)), metric)
    assert score(random.normal(size=(40, 38)), random.normal(size=(40, 3)), metric) < 1


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_refuses_constant_points_and_names_the_side(metric: CCA | PWCCA) -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(DegenerateSpace, match="right space 'flat': all rows are equal"):
        geomsim.compare(points, geomsim.Space(np.full((50, 4), 0.1), name="flat"), metric)


def test_refuses_unknown_parameters() -> None:
    with pytest.raises(GeomsimError, match="statistic is one of mean, mean-squared; got 'median'"):
        CCA("median")  # type: ignore[arg-type]
    with pytest.raises(GeomsimError, match="side is one of left, right, mean; got 'both'"):
        PWCCA("both")  # type: ignore[arg-type]
