from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import all_orders, assert_enumerated_moments, assert_moments_of_5000
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning, Moments, PairedMetric
from geomsim_representational import ranking_moments
from geomsim_representational.mutual_knn import MutualKnn
from geomsim_representational.rank_biased_overlap import RankBiasedOverlap

Array = NDArray[np.float64]
Clouds = Callable[..., tuple[Array, Array]]
ByChance = Callable[[PairedMetric[Any]], tuple[Moments, Array]]


def overlap(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, RankBiasedOverlap(**parameters), null=None).score  # type: ignore[arg-type]


def extrapolated(first: list[int], second: list[int], p: float) -> float:
    """RBO_ext of two lists of one length, as Webber et al. write it."""
    depth = len(first)
    agreed = [len(set(first[:d]) & set(second[:d])) for d in range(1, depth + 1)]
    seen = sum(agreed[d - 1] / d * p**d for d in range(1, depth + 1))
    return agreed[-1] / depth * p**depth + (1 - p) / p * seen


def exact_ranking(points: Array, depth: int) -> list[list[int]]:
    """Nearest first, ties by row number, in whole numbers, where nothing is rounded."""
    whole = points.astype(np.int64)
    found = []
    for row, point in enumerate(whole):
        far = ((whole - point) ** 2).sum(1)
        found.append([int(i) for i in np.lexsort((np.arange(len(whole)), far)) if i != row][:depth])
    return found


def test_keeps_the_contract() -> None:
    geomsim.testing.check_metric(RankBiasedOverlap())
    geomsim.testing.check_metric(RankBiasedOverlap(depth=5, p=0.6, distance="euclidean", centre=False))


@pytest.mark.parametrize(("depth", "p"), [(1, 0.5), (10, 0.9), (30, 0.98), (79, 0.9)])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_agrees_with_scikit_learn_and_the_formula(depth: int, p: float, distance: str, related: Clouds) -> None:
    left, right = related()
    lists = []
    for points in (left, right):
        finder = NearestNeighbors(n_neighbors=depth, metric=distance, algorithm="brute").fit(points - points.mean(0))
        lists.append(finder.kneighbors(return_distance=False).tolist())
    expected = np.mean([extrapolated(one, two, p) for one, two in zip(*lists, strict=True)])
    assert overlap(left, right, depth=depth, p=p, distance=distance) == pytest.approx(expected, abs=1e-12)


def test_known_overlap_of_two_short_lists() -> None:
    # X_1 = 0, X_2 = 2, X_3 = 2: .5^3 * 2/3 + (0 + 2/2 * .25 + 2/3 * .125)
    assert extrapolated([1, 2, 3], [2, 1, 4], 0.5) == pytest.approx(0.125 * 2 / 3 + 0.25 + 0.125 * 2 / 3)
    # On a line, row 0 sees 1 2 3 ... on the left; exchanging rows 1 and 2 on the right swaps its first two places.
    left = 2.0 ** np.arange(6)[:, None]
    right = left[[0, 2, 1, 3, 4, 5]]
    result = geomsim.compare(left, right, RankBiasedOverlap(depth=3, p=0.5, distance="euclidean"), null=None)
    assert result.explanation is not None
    assert result.explanation.tables["rows"]["overlap"][0] == pytest.approx(0.125 + 0.25 + 0.125)


def test_rotated_and_scaled_copy_scores_one(related: Clouds) -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert overlap(left, 2.5 * left @ rotation - 1, depth=79) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1 / 3])
@pytest.mark.parametrize("depth", [1, 6, 59])
def test_ties_are_broken_by_row_number(scale: float, depth: int) -> None:
    points = np.random.default_rng(0).integers(0, 4, size=(60, 3)).astype(float)
    with pytest.warns(GeomsimWarning, match="broken by row number"):
        state = RankBiasedOverlap(depth=depth, distance="euclidean").prepare(torch.from_numpy(points * scale + 0.7))
    assert state.ranked.tolist() == exact_ranking(points, depth)


def test_reference_with_ties() -> None:
    random = np.random.default_rng(1)
    left, right = (random.integers(0, 4, size=(40, 3)).astype(float) for _ in range(2))
    lists = exact_ranking(left, 12), exact_ranking(right, 12)
    expected = np.mean([extrapolated(one, two, 0.8) for one, two in zip(*lists, strict=True)])
    found = geomsim.compare(left, right, RankBiasedOverlap(depth=12, p=0.8, distance="euclidean"), null=None)
    assert found.score == pytest.approx(expected, abs=1e-12)
    assert found.facts["rows with ties left"] > 0.5


@pytest.mark.parametrize("p", [0.3, 0.9])
@pytest.mark.parametrize(("rows", "depth"), [(3, 1), (3, 2), (4, 2), (4, 3), (5, 2), (6, 3), (6, 5), (7, 2), (7, 6)])
def test_exact_moments_are_those_of_all_orders(rows: int, depth: int, p: float) -> None:
    random = np.random.default_rng(rows)
    metric = RankBiasedOverlap(depth=depth, p=p)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(rows, 3)))) for _ in range(2))
    scores = metric.score_many(left, right, all_orders(rows)).numpy()
    assert_enumerated_moments(metric.null_moments(left, right), scores)


def test_exact_moments_of_one_neighbour_are_those_of_shared_neighbours() -> None:
    random = np.random.default_rng(0)
    clouds = [torch.from_numpy(random.normal(size=(50, 3))) for _ in range(2)]
    ranked, shared = RankBiasedOverlap(depth=1), MutualKnn(k=1)
    one = ranked.null_moments(*map(ranked.prepare, clouds))
    other = shared.null_moments(*map(shared.prepare, clouds))
    assert (one.mean, one.variance, one.skewness) == pytest.approx((other.mean, other.variance, other.skewness))


def test_exact_moments_agree_with_draws(by_chance: ByChance) -> None:
    assert_moments_of_5000(*by_chance(RankBiasedOverlap()))


def test_exact_moments_by_parts_and_of_deep_rankings(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    metric = RankBiasedOverlap(depth=9)
    states = [metric.prepare(torch.from_numpy(random.normal(size=(30, 3)))) for _ in range(2)]
    whole = metric.null_moments(*states)
    monkeypatch.setattr(ranking_moments, "_TOGETHER", 2 * 9**2)
    monkeypatch.setattr(ranking_moments, "_BLOCK", 3 * 9**2)
    parts = metric.null_moments(*states)
    assert whole.skewness == pytest.approx(parts.skewness, abs=1e-9)
    monkeypatch.setattr(ranking_moments, "_DEEPEST", 8)
    deep = metric.null_moments(*states)
    assert (deep.mean, deep.variance, deep.skewness) == (whole.mean, whole.variance, None)


def test_exact_null_gives_a_p_value(related: Clouds) -> None:
    left, right = related()
    exact = geomsim.compare(left, right, RankBiasedOverlap(), null="exact")
    drawn = geomsim.compare(left, right, RankBiasedOverlap(), draws=499)
    assert exact.null_sd == pytest.approx(drawn.null_sd, rel=0.15)
    assert exact.p_value is not None
    assert 0 < exact.p_value < 0.002


def test_refuses_what_it_cannot_judge(related: Clouds) -> None:
    left, right = related(12)
    with pytest.raises(DegenerateSpace, match=r"left space: 12 rows are too few to rank 20 .*use depth <= 11"):
        overlap(left, right)
    with pytest.raises(DegenerateSpace, match="at least 3 rows are needed"):
        overlap(left[:2], right[:2], depth=1)
    with pytest.raises(GeomsimError, match="depth is at least 1, got 0"):
        RankBiasedOverlap(depth=0)
    with pytest.raises(GeomsimError, match=r"p lies between 0 and 1, both excluded; got 1\.0"):
        RankBiasedOverlap(p=1.0)
