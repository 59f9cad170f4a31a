from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace
from geomsim_representational.second_order_cosine import SecondOrderCosine

Array = NDArray[np.float64]
Clouds = Callable[..., tuple[Array, Array]]


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


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_a_plain_loop(k: int, centre: bool, related: Clouds) -> None:
    left, right = related()
    result = geomsim.compare(left, right, SecondOrderCosine(k=k, centre=centre), null=None)
    expected = reference(left, right, k, centre)
    assert result.score == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.explanation is not None
    assert result.explanation.tables["rows"]["similarity"] == pytest.approx(expected, abs=1e-12)


def test_many_orders_agree_with_a_plain_loop(related: Clouds) -> None:
    left, right = related(30)
    metric = SecondOrderCosine(k=4)
    states = metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right))
    orders = np.stack([np.random.default_rng(seed).permutation(30) for seed in range(4)])
    expected = [np.mean(reference(left, right[order], 4, True)) for order in orders]
    assert metric.score_many(*states, torch.from_numpy(orders)).tolist() == pytest.approx(expected, abs=1e-12)


def test_refuses_rows_at_right_angles_to_all_others(related: Clouds) -> None:
    left, right = related(12)
    right = np.hstack([right, np.zeros((12, 1))])
    right[[3, 7]] = np.zeros(8), np.ones(8)
    right[3, 7], right[7, :7] = 1.0, 0.0
    right[7, 7] = -1.0
    with pytest.raises(DegenerateSpace, match=r"right space: 2 of 12 rows are at right angles .*\(row numbers 3, 7\)"):
        geomsim.compare(left, right, SecondOrderCosine(k=2, centre=False), null=None)
