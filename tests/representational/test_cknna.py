from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim_representational import cknna as module
from geomsim_representational.cknna import CKNNA

Array = NDArray[np.float64]


def cknna(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, CKNNA(**parameters), null=None).score  # type: ignore[arg-type]


def related(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, 5)) + random.normal(size=5)
    return left, left @ random.normal(size=(5, 7)) + 0.5 * random.normal(size=(rows, 7))


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


def test_keeps_the_contract() -> None:
    geomsim.testing.check_metric(CKNNA())
    geomsim.testing.check_metric(CKNNA(k=4, centre=False))


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_whole_matrices(k: int, centre: bool) -> None:
    left, right = related()
    assert cknna(left, right, k=k, centre=centre) == pytest.approx(reference(left, right, k, centre), abs=1e-12)


def test_rotated_and_scaled_copy_scores_one() -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert cknna(left, 2.5 * left @ rotation - 1) == pytest.approx(1.0, abs=1e-12)


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
    scores = metric.score_many(left, right, torch.tensor(list(permutations(range(rows)))))
    moments = metric.null_moments(left, right)
    assert moments.mean == pytest.approx(float(scores.mean()), abs=1e-12)
    assert moments.variance == pytest.approx(float(scores.var(correction=0)), abs=1e-12)


def test_exact_moments_agree_with_draws() -> None:
    random = np.random.default_rng(0)
    metric = CKNNA()
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(300, 12)))) for _ in range(2))
    moments = metric.null_moments(left, right)
    orders = torch.from_numpy(np.stack([random.permutation(300) for _ in range(5000)]))
    scores = torch.cat([metric.score_many(left, right, chunk) for chunk in orders.split(500)]).numpy()
    assert moments.variance is not None
    assert scores.mean() == pytest.approx(moments.mean, abs=4 * np.sqrt(moments.variance / 5000))
    assert scores.var() == pytest.approx(moments.variance, rel=0.09)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = related()
    whole = cknna(left, right)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 10 * 5 * 7)
    assert cknna(left, right) == pytest.approx(whole, abs=1e-14)


def test_explains_row_by_row() -> None:
    left, right = related()
    result = geomsim.compare(left, right, CKNNA(), null=None)
    assert result.explanation is not None
    assert np.sum(result.explanation.tables["rows"]["adds"]) == pytest.approx(result.score)


def test_refuses_what_it_cannot_judge() -> None:
    left, right = related(11)
    with pytest.raises(DegenerateSpace, match=r"left space: 11 rows are too few for k=10 .*use k <= 9"):
        cknna(left, right)
    with pytest.raises(DegenerateSpace, match="all neighbours are as near as the average row"):
        cknna(left, np.ones((11, 3)), k=2, centre=False)
    right[3] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 1 of 11 rows are zero \(row numbers 3\)"):
        cknna(left, right, k=2, centre=False)
    with pytest.raises(GeomsimError, match="k is at least 1, got 0"):
        CKNNA(k=0)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    found = []
    for seed in range(100):
        left, right = random.normal(size=(30, 3)), random.normal(size=(30, 4))
        found.append(geomsim.compare(left, right, CKNNA(k=5), draws=19, seed=seed).p_value)
    assert 2 <= sum(p <= 0.1 for p in found) <= 19
    assert np.mean(np.array(found, dtype=float)) == pytest.approx(0.525, abs=0.09)
