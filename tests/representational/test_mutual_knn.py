from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import all_orders, assert_enumerated_moments, assert_moments_of_5000, random_orders
from numpy.typing import NDArray
from scipy import stats
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import Moments, PairedMetric
from geomsim_representational.mutual_knn import MutualKnn

Array = NDArray[np.float64]
Clouds = Callable[..., tuple[Array, Array]]
ByChance = Callable[[PairedMetric[Any]], tuple[Moments, Array]]


def mutual_knn(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, MutualKnn(**parameters), null=None).score  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_scikit_learn(k: int, distance: str, centre: bool, related: Clouds) -> None:
    left, right = related()
    graphs = []
    for points in (left, right):
        moved = points - points.mean(0) if centre else points
        finder = NearestNeighbors(n_neighbors=k, metric=distance, algorithm="brute").fit(moved)
        graphs.append(finder.kneighbors_graph().toarray())
    expected = (graphs[0] * graphs[1]).sum() / (k * len(left))
    assert mutual_knn(left, right, k=k, distance=distance, centre=centre) == pytest.approx(expected, abs=1e-12)


def test_pairs_regrouped_share_nothing() -> None:
    # On the left rows 0 1, 2 3, ... lie together, on the right rows 1 2, 3 4, ...: the nearest row is never the same.
    left = np.repeat(np.arange(8.0) * 10, 2) + np.arange(16) * 0.1
    assert mutual_knn(left[:, None], np.roll(left, 1)[:, None], k=1, distance="euclidean") == 0.0


@pytest.mark.parametrize(("rows", "k"), [(3, 1), (4, 1), (4, 2), (5, 2), (6, 1), (6, 3), (7, 2), (7, 5)])
def test_exact_moments_are_those_of_all_orders(rows: int, k: int) -> None:
    random = np.random.default_rng(10 * rows + k)
    metric = MutualKnn(k=k)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(rows, 3)))) for _ in range(2))
    moments = metric.null_moments(left, right)
    assert moments.mean == pytest.approx(k / (rows - 1), rel=1e-15)
    scores = metric.score_many(left, right, all_orders(rows)).numpy()
    assert_enumerated_moments(moments, scores, skewness_tolerance=1e-10)


def test_exact_moments_agree_with_draws(by_chance: ByChance) -> None:
    moments, scores = by_chance(MutualKnn(k=10, distance="euclidean"))
    assert_moments_of_5000(moments, scores)
    # Rows near the mean are neighbours of many: on such hubs a formula with independent rows is far too small.
    others = 299
    independent = 10 * (10 / others) * (1 - 10 / others) * (others - 10) / (others - 1) / 300 / 100
    assert moments.variance is not None
    assert moments.variance > 1.2 * independent


def test_exact_null_needs_no_draws(related: Clouds) -> None:
    left, right = related()
    exact = geomsim.compare(left, right, MutualKnn(), null="exact")
    drawn = geomsim.compare(left, right, MutualKnn(), draws=499)
    assert exact.null is None
    assert exact.null_mean == pytest.approx(10 / 79)
    assert exact.null_sd == pytest.approx(drawn.null_sd, rel=0.15)
    assert exact.p_value is not None
    assert 0 < exact.p_value < 0.002
    assert exact.corrected == pytest.approx((exact.score - 10 / 79) / (1 - 10 / 79))


def test_exact_p_of_few_rows_is_that_of_many_draws() -> None:
    # The law leans to the right: the normal one would give a third of the share of draws in this tail.
    random = np.random.default_rng(0)
    metric = MutualKnn(k=5, distance="euclidean")
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(60, 4)))) for _ in range(2))
    moments = metric.null_moments(left, right)
    orders = random_orders(random, 60, 40_000)
    shared = torch.cat([metric.score_many(left, right, chunk) for chunk in orders.split(2000)]).numpy() * 300
    assert moments.variance is not None
    assert moments.skewness == pytest.approx(stats.skew(shared), abs=0.05)  # four standard errors
    threshold = np.sort(np.round(shared))[-40]
    share = np.mean(shared > threshold - 0.5)
    z = (threshold - 0.5 - 300 * moments.mean) / (300 * moments.variance**0.5)
    assert float(stats.pearson3.sf(z, moments.skewness)) == pytest.approx(share, rel=0.4)
    assert float(stats.norm.sf(z)) < share / 2


@pytest.mark.parametrize("null", ["exact", "shuffle"])
def test_p_values_of_unrelated_points_are_uniform(null: str) -> None:
    random = np.random.default_rng(0)
    found = []
    for seed in range(200):
        left, right = random.normal(size=(60, 3)), random.normal(size=(60, 4))
        found.append(geomsim.compare(left, right, MutualKnn(k=5), null=null, draws=19, seed=seed).p_value)
    assert 8 <= sum(p <= 0.1 for p in found) <= 34  # 20 expected, sd 4.2
    assert np.mean(np.array(found, dtype=float)) == pytest.approx(0.5125, abs=0.08)
