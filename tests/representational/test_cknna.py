from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import all_orders, assert_enumerated_moments, assert_moments_of_5000
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, Moments, PairedMetric
from geomsim_representational import cknna as module
from geomsim_representational.cknna import CKNNA

Array = NDArray[np.float64]
Clouds = Callable[..., tuple[Array, Array]]
ByChance = Callable[[PairedMetric[Any]], tuple[Moments, Array]]


def cknna(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, CKNNA(**parameters), null=None).score  # type: ignore[arg-type]


def reference(left: Array, right: Array, k: int, centre: bool) -> float:
    """The formula on whole matrices; scikit-learn's cosines and neighbours."""
    kernels, masks = [], []
    for points in (left, right):
        moved = points - points.mean(0) if centre else points
        cosines = cosine_similarity(moved)
        kernels.append(cosines - cosines.mean(1, keepdims=True))
        finder = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(moved)
        masks.append(finder.kneighbors_graph().toarray())

    def align(one: int, two: int) -> float:
        return float((masks[one] * masks[two] * kernels[one] * kernels[two]).sum())

    return align(0, 1) / np.sqrt(align(0, 0) * align(1, 1))


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_whole_matrices(k: int, centre: bool, related: Clouds) -> None:
    left, right = related()
    assert cknna(left, right, k=k, centre=centre) == pytest.approx(reference(left, right, k, centre), abs=1e-12)


def test_pairs_regrouped_score_zero() -> None:
    # On the left rows 0 1, 2 3, ... point the same way, on the right rows 1 2, 3 4, ...: no neighbour is shared.
    angles = np.deg2rad(np.repeat(np.arange(8) * 45.0, 2) + np.arange(16) % 2)
    left = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert cknna(left, np.roll(left, 1, axis=0), k=1) == 0.0


@pytest.mark.parametrize(("rows", "k"), [(3, 1), (4, 2), (5, 2), (6, 3), (7, 2), (7, 5)])
def test_exact_moments_are_those_of_all_orders(rows: int, k: int) -> None:
    random = np.random.default_rng(10 * rows + k)
    metric = CKNNA(k=k)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(rows, 4)))) for _ in range(2))
    scores = metric.score_many(left, right, all_orders(rows)).numpy()
    assert_enumerated_moments(metric.null_moments(left, right), scores)


def test_exact_moments_agree_with_draws(by_chance: ByChance) -> None:
    assert_moments_of_5000(*by_chance(CKNNA()))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, related: Clouds) -> None:
    left, right = related()
    whole = cknna(left, right)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 10 * 5 * 7)
    assert cknna(left, right) == pytest.approx(whole, abs=1e-14)


def test_refuses_neighbours_no_nearer_than_the_average(related: Clouds) -> None:
    # Two pairs with a cosine of 1/2 within and 1/4 across: a row's own 1 lifts its average to 1/2.
    cosines = np.full((4, 4), 0.25) + 0.25 * np.kron(np.eye(2), np.ones((2, 2))) + 0.5 * np.eye(4)
    points = np.linalg.cholesky(cosines)
    with pytest.raises(DegenerateSpace, match="right space: all neighbours are as near as the average row"):
        cknna(related(4)[0], points, k=1, centre=False)
