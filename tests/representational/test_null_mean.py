"""The mean alone must be that of all exact moments, for every metric of the catalog and every variant with moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import random_orders
from numpy.typing import NDArray

from geomsim import PairedMetric
from geomsim.catalog import entries
from geomsim_representational.cca import CCA
from geomsim_representational.cka import CKA, DebiasedCKA
from geomsim_representational.cknna import CKNNA
from geomsim_representational.distance_correlation import DistanceCorrelation
from geomsim_representational.knn_jaccard import KnnJaccard
from geomsim_representational.mutual_knn import MutualKnn
from geomsim_representational.rank_biased_overlap import RankBiasedOverlap
from geomsim_representational.rsa import RSA
from geomsim_representational.svcca import SVCCA

pytestmark = pytest.mark.filterwarnings("ignore::geomsim.errors.GeomsimWarning")

VARIANTS: list[PairedMetric[Any]] = [
    CCA("mean-squared"),
    SVCCA(statistic="mean-squared"),
    SVCCA(statistic="mean-squared", components=2),
    CKA(),
    CKA("rbf", bandwidth=0.5),
    DebiasedCKA(),
    DebiasedCKA("rbf", bandwidth=0.5),
    DistanceCorrelation(debiased=True),
    *(RSA(kind, compare) for kind in ("correlation", "sqeuclidean") for compare in ("spearman", "pearson", "cosine")),
    RSA("euclidean", "whitened-cosine"),
    MutualKnn(k=2),
    MutualKnn(k=3, distance="euclidean"),
    KnnJaccard(k=3),
    CKNNA(k=3),
    RankBiasedOverlap(depth=1),
    RankBiasedOverlap(depth=5, p=0.5, distance="euclidean"),
]


def clouds(kind: str, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(rows)
    left = random.exponential(size=(rows, 3)) ** 2
    right = left @ random.normal(size=(3, 4)) + random.normal(size=(rows, 4))
    if kind == "wide":
        return random.normal(size=(rows, 2 * rows)), np.pad(right, ((0, 0), (0, rows)))
    if kind == "with ties":
        return left[np.arange(rows) // 2], right[np.arange(rows) // 3]
    return left, right


# CCA is refused where rows are few, so its smallest cloud has seven.
@pytest.mark.parametrize("rows", [7, 8, 30, 300])
@pytest.mark.parametrize("kind", ["narrow", "wide", "with ties"])
@pytest.mark.parametrize("metric", VARIANTS, ids=repr)
def test_mean_alone_is_that_of_all_moments(metric: PairedMetric[Any], kind: str, rows: int) -> None:
    if kind == "wide" and metric in VARIANTS[:2]:
        kind = "narrow"  # wide clouds are refused, as every canonical correlation is 1
    left, right = (metric.prepare(torch.from_numpy(points)) for points in clouds(kind, rows))
    moments, mean = metric.null_moments(left, right), metric.null_mean(left, right)
    assert moments is not None
    assert mean == pytest.approx(moments.mean, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize("metric", VARIANTS, ids=repr)
def test_mean_alone_is_that_of_drawn_orders(metric: PairedMetric[Any]) -> None:
    random = np.random.default_rng(2)
    left, right = (metric.prepare(torch.from_numpy(points)) for points in clouds("narrow", 40))
    scores = metric.score_many(left, right, random_orders(random, 40, 4000))
    assert abs(float(scores.mean()) - metric.null_mean(left, right)) < 4.5 * float(scores.std()) / 4000**0.5  # type: ignore[operator]


@pytest.mark.parametrize("metric", [CCA(), SVCCA(), RSA(compare="kendall"), DistanceCorrelation()], ids=repr)
def test_no_mean_where_no_moments_are_known(metric: PairedMetric[Any]) -> None:
    left, right = (metric.prepare(torch.from_numpy(points)) for points in clouds("narrow", 30))
    assert metric.null_moments(left, right) is None
    assert metric.null_mean(left, right) is None


def test_every_metric_of_the_catalog_with_moments_is_tried_here() -> None:
    kinds = [entry.load() for entry in entries() if entry.distribution == "geomsim"]
    paired = [kind for kind in kinds if issubclass(kind, PairedMetric)]
    assert {kind for kind in paired if kind.null_moments is not PairedMetric.null_moments} == {
        type(metric) for metric in VARIANTS
    }
