from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from metric_checks import assert_enumerated_moments
from numpy.typing import NDArray
from torch import Tensor

from geomsim_representational import arc_moments as module
from geomsim_representational.arc_moments import arc_moments, arc_sums

Array = NDArray[np.float64]
Side = tuple[Tensor, Tensor]


def graph(rows: int, k: int, whole: bool, random: np.random.Generator) -> Side:
    """k arcs from every row to random others; weights 1 or normal."""
    others = [sorted(random.permutation(np.delete(np.arange(rows), row))[:k]) for row in range(rows)]
    heads = torch.from_numpy(np.array(others))
    return heads, torch.ones_like(heads) if whole else torch.from_numpy(random.normal(size=(rows, k)))


def matrix(side: Side) -> Array:
    rows, weights = side
    dense = np.zeros((len(rows), len(rows)))
    np.put_along_axis(dense, rows.numpy(), weights.numpy(), 1)
    return dense


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("rows", [3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(4))
def test_moments_are_those_of_all_orders(rows: int, whole: bool, seed: int) -> None:
    random = np.random.default_rng([seed, rows])
    sides = [graph(rows, int(random.integers(1, rows)), whole, random) for _ in range(2)]
    left, right = map(matrix, sides)
    shared = np.array([(left * right[np.ix_(order, order)]).sum() for order in permutations(range(rows))])
    moments = arc_moments(sides[0], sides[1], 0.5)
    assert_enumerated_moments(moments, shared / 2, skewness_tolerance=1e-10)


@pytest.mark.parametrize("whole", [True, False])
def test_sums_are_those_of_dense_matrices(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    side = graph(30, 6, whole, np.random.default_rng(0))
    V = matrix(side)
    expected = {
        ((0, 1), (1, 2), (2, 0)): np.trace(V @ V @ V),
        ((0, 1), (0, 2), (1, 2)): np.sum(V @ V * V),
        ((0, 1), (1, 2), (2, 3)): np.sum(V @ V @ V),
        ((0, 1), (1, 0)): np.trace(V @ V),
        ((0, 1), (0, 2), (0, 3)): np.sum(V.sum(1) ** 3),
        ((1, 0), (2, 0), (3, 0)): np.sum(V.sum(0) ** 3),
        ((0, 1), (0, 1), (1, 0)): np.sum(V**2 * V.T),
    }
    found = arc_sums(*side)
    assert len(found) == 24
    for arcs, total in expected.items():
        assert float(found[module._canonical(arcs)]) == pytest.approx(total, rel=1e-12)
    # A few rows at a time, and beyond the range of whole numbers.
    monkeypatch.setattr(module, "_BLOCK", 36)
    monkeypatch.setattr(module, "_LARGEST", 0)
    again = arc_sums(*side)
    assert {arcs: float(total) for arcs, total in again.items()} == pytest.approx(
        {arcs: float(total) for arcs, total in found.items()}, rel=1e-12
    )


def test_complete_graphs_share_the_same_in_every_order() -> None:
    rows = torch.tensor([[other for other in range(8) if other != row] for row in range(8)])
    moments = arc_moments((rows, torch.ones_like(rows)), (rows, torch.ones_like(rows)), 1)
    assert (moments.mean, moments.variance, moments.skewness) == (56.0, 0.0, None)
    weights = torch.full(rows.shape, 0.1, dtype=torch.float64)
    moments = arc_moments((rows, weights), (rows, weights), 1)
    assert (moments.variance, moments.skewness) == (0.0, None)
