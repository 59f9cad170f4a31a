from __future__ import annotations

import numpy as np
import pytest
import torch
from metric_checks import random_orders
from numpy.typing import NDArray

from geomsim import GeomsimWarning
from geomsim_representational import neighbours
from geomsim_representational.neighbours import neighbour_lists, placed, places

Array = NDArray[np.float64]


def exact_neighbours(points: Array, k: int) -> Array:
    """Nearest first, ties by row number, in whole numbers, where nothing is rounded."""
    found = []
    for row, point in enumerate(points.astype(np.int64)):
        far = ((points.astype(np.int64) - point) ** 2).sum(1)
        ranked = [other for other in np.lexsort((np.arange(len(points)), far)) if other != row]
        found.append(sorted(ranked[:k]))
    return np.array(found)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1 / 3])
def test_ties_are_broken_by_row_number(scale: float) -> None:
    points = np.random.default_rng(0).integers(0, 4, size=(60, 3)).astype(float)
    with pytest.warns(GeomsimWarning, match="broken by row number"):
        found = neighbour_lists(placed(torch.from_numpy(points * scale + 0.7), "euclidean", True), 6)
    assert np.array_equal(found.rows.numpy(), exact_neighbours(points, 6))


def test_share_of_ties_counts_rows_where_the_choice_was_open() -> None:
    # On a line with a pair of equal rows; k=1 leaves a choice to the one row that sees both zeros first.
    points = torch.tensor([0.0, 0.0, 1.0, 3.0, 7.0, 15.0, 31.0])[:, None]
    with pytest.warns(GeomsimWarning, match="for 14% of the rows a tie at the k-th neighbour"):
        found = neighbour_lists(placed(points, "euclidean", True), 1)
    assert found.rows.flatten().tolist() == [1, 0, 0, 2, 3, 4, 5]
    assert found.tied_share == pytest.approx(1 / 7)


def test_few_ties_are_counted_without_a_warning() -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    points[1] = points[0]
    found = neighbour_lists(placed(torch.from_numpy(points), "euclidean", True), 1)
    sees_both_first = [row for row in range(2, 60) if exact_nearest(points, row) in (0, 1)]
    assert sees_both_first
    assert found.tied_share == len(sees_both_first) / 60


def exact_nearest(points: Array, row: int) -> int:
    far = ((points - points[row]) ** 2).sum(1)
    far[row] = np.inf
    return int(far.argmin())


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_row_is_never_its_own_neighbour(distance: neighbours.Distance) -> None:
    points = np.random.default_rng(0).normal(size=(10, 4))[np.arange(40) % 10]
    with pytest.warns(GeomsimWarning):
        found = neighbour_lists(placed(torch.from_numpy(points), distance, True), 5)
    assert not (found.rows == torch.arange(40)[:, None]).any()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = placed(torch.from_numpy(np.random.default_rng(0).normal(size=(100, 5))), "cosine", True)
    whole = neighbour_lists(points, 10)
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", 8 * 100 * 7)
    assert torch.equal(whole.rows, neighbour_lists(points, 10).rows)


def test_places_of_partners() -> None:
    random = np.random.default_rng(0)
    wanted, rising = (
        torch.from_numpy(np.array([random.permutation(np.delete(np.arange(9), row))[:k] for row in range(9)]))
        for k in (3, 4)
    )
    rising = rising.sort(dim=1).values
    orders = random_orders(random, 9, 5)
    for order, found in zip(orders.tolist(), places(wanted, rising, orders).tolist(), strict=True):
        for row in range(9):
            theirs = rising[order[row]].tolist()
            partners = [order[other] for other in wanted[row].tolist()]
            assert found[row] == [theirs.index(one) if one in theirs else 4 for one in partners]
