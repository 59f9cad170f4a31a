from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim_representational.second_order_cosine import SecondOrderCosine

Array = NDArray[np.float64]


def second_order(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, SecondOrderCosine(**parameters), null=None).score  # type: ignore[arg-type]


def related(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, 5)) + random.normal(size=5)
    return left, left @ random.normal(size=(5, 7)) + 0.5 * random.normal(size=(rows, 7))


def reference(left: Array, right: Array, k: int, centre: bool) -> list[float]:
    """Row by row, with scikit-learn's cosines and neighbours."""
    moved = [points - points.mean(0) if centre else points for points in (left, right)]
    cosines = [cosine_similarity(points) for points in moved]
    lists = [
        NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(points).kneighbors()[1]
        for points in moved
    ]
    found = []
    for row in range(len(left)):
        either = sorted(set(lists[0][row]) | set(lists[1][row]))
        one, two = cosines[0][row, either], cosines[1][row, either]
        found.append(float(one @ two / np.linalg.norm(one) / np.linalg.norm(two)))
    return found


def test_keeps_the_contract() -> None:
    geomsim.testing.check_metric(SecondOrderCosine())
    geomsim.testing.check_metric(SecondOrderCosine(k=4, centre=False))


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_a_plain_loop(k: int, centre: bool) -> None:
    left, right = related()
    result = geomsim.compare(left, right, SecondOrderCosine(k=k, centre=centre), null=None)
    expected = reference(left, right, k, centre)
    assert result.score == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.explanation is not None
    assert result.explanation.tables["rows"]["similarity"] == pytest.approx(expected, abs=1e-12)


def test_many_orders_agree_with_a_plain_loop() -> None:
    left, right = related(30)
    metric = SecondOrderCosine(k=4)
    states = metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right))
    orders = np.stack([np.random.default_rng(seed).permutation(30) for seed in range(4)])
    expected = [np.mean(reference(left, right[order], 4, True)) for order in orders]
    assert metric.score_many(*states, torch.from_numpy(orders)).tolist() == pytest.approx(expected, abs=1e-12)


def test_rotated_and_scaled_copy_scores_one() -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert second_order(left, 2.5 * left @ rotation - 1) == pytest.approx(1.0, abs=1e-12)


def test_refuses_what_it_cannot_judge() -> None:
    left, right = related(12)
    with pytest.raises(DegenerateSpace, match=r"left space: 12 rows are too few for k=11 .*use k <= 10"):
        second_order(left, right, k=11)
    with pytest.raises(DegenerateSpace, match=r"right space: 12 of 12 rows are at right angles .*numbers 0, 1, 2"):
        second_order(left, np.eye(12), k=2, centre=False)
    right[3] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 1 of 12 rows are zero \(row numbers 3\)"):
        second_order(left, right, k=2, centre=False)
    with pytest.raises(GeomsimError, match="k is at least 1, got 0"):
        SecondOrderCosine(k=0)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    found = []
    for seed in range(100):
        left, right = random.normal(size=(30, 3)), random.normal(size=(30, 4))
        found.append(geomsim.compare(left, right, SecondOrderCosine(k=5), draws=19, seed=seed).p_value)
    assert 2 <= sum(p <= 0.1 for p in found) <= 19
    assert np.mean(np.array(found, dtype=float)) == pytest.approx(0.525, abs=0.09)
