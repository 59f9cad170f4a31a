from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import all_orders
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import GeomsimWarning, Moments, PairedMetric
from geomsim_representational.knn_jaccard import KnnJaccard

Array = NDArray[np.float64]
Clouds = Callable[..., tuple[Array, Array]]
ByChance = Callable[[PairedMetric[Any]], tuple[Moments, Array]]


def knn_jaccard(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, KnnJaccard(**parameters), null=None).score  # type: ignore[arg-type]


def reference(left: Array, right: Array, k: int, distance: str, centre: bool) -> float:
    """scikit-learn's neighbours; kneighbors() without points leaves self out."""
    found = []
    for points in (left, right):
        moved = points - points.mean(0) if centre else points
        finder = NearestNeighbors(n_neighbors=k, metric=distance, algorithm="brute").fit(moved)
        found.append(finder.kneighbors(return_distance=False))
    overlaps = [len(set(one) & set(two)) / len(set(one) | set(two)) for one, two in zip(*found, strict=True)]
    return float(np.mean(overlaps))


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_scikit_learn(k: int, distance: str, centre: bool, related: Clouds) -> None:
    left, right = related()
    expected = reference(left, right, k, distance, centre)
    assert knn_jaccard(left, right, k=k, distance=distance, centre=centre) == pytest.approx(expected, abs=1e-12)


def test_translation_matters_for_cosines_unless_centred(related: Clouds) -> None:
    left, _ = related()
    assert knn_jaccard(left, left + 3.0) == 1.0
    assert knn_jaccard(left, left + 3.0, distance="euclidean", centre=False) == 1.0
    assert knn_jaccard(left, left + 3.0, centre=False) < 1.0


@pytest.mark.parametrize("centre", [True, False])
def test_euclidean_neighbours_keep_their_digits_far_from_the_origin(centre: bool, related: Clouds) -> None:
    left = np.round(related()[0], 3)
    assert knn_jaccard(left, left + 1e7, distance="euclidean", centre=centre) > 0.999


@pytest.mark.parametrize("k", [1, 2, 3])
def test_exact_mean_is_that_of_all_orders(k: int) -> None:
    random = np.random.default_rng(k)
    metric = KnnJaccard(k=k)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(6, 4)))) for _ in range(2))
    orders = all_orders(6)
    assert metric.null_moments(left, right).mean == pytest.approx(
        float(metric.score_many(left, right, orders).mean()), abs=1e-12
    )


@pytest.mark.parametrize("k", [1, 2, 3])
def test_exact_mean_holds_with_duplicated_rows(k: int) -> None:
    # Every row still has exactly k neighbours and is none of its own.
    random = np.random.default_rng(k)
    metric = KnnJaccard(k=k)
    with pytest.warns(GeomsimWarning, match="broken by row number"):
        left, right = (
            metric.prepare(torch.from_numpy(random.normal(size=(7, 4))[[0, 0, 0, 1, 1, 2, 3]])) for _ in range(2)
        )
    orders = all_orders(7)
    expected = float(metric.score_many(left, right, orders).mean())
    assert metric.null_moments(left, right).mean == pytest.approx(expected, abs=1e-12)


def test_exact_mean_agrees_with_draws(by_chance: ByChance) -> None:
    moments, scores = by_chance(KnnJaccard())
    assert scores.mean() == pytest.approx(moments.mean, abs=4 * scores.std() / np.sqrt(5000))


def test_has_its_name_in_the_catalog() -> None:
    assert isinstance(geomsim.metric("knn-jaccard"), KnnJaccard)
