from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_representational import neighbours
from geomsim_representational.neighbours import KnnJaccard

Array = NDArray[np.float64]


def knn_jaccard(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, KnnJaccard(**parameters), null=None).score  # type: ignore[arg-type]


def related(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, 5)) + random.normal(size=5)
    return left, left @ random.normal(size=(5, 7)) + 0.5 * random.normal(size=(rows, 7))


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
def test_agrees_with_scikit_learn(k: int, distance: str, centre: bool) -> None:
    left, right = related()
    expected = reference(left, right, k, distance, centre)
    assert knn_jaccard(left, right, k=k, distance=distance, centre=centre) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_rotated_and_scaled_copy_scores_one(distance: str) -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert knn_jaccard(left, 2.5 * left @ rotation, distance=distance) == 1.0


def test_translation_matters_for_cosines_unless_centred() -> None:
    left, _ = related()
    assert knn_jaccard(left, left + 3.0) == 1.0
    assert knn_jaccard(left, left + 3.0, distance="euclidean", centre=False) == 1.0
    assert knn_jaccard(left, left + 3.0, centre=False) < 1.0


@pytest.mark.parametrize("centre", [True, False])
def test_euclidean_neighbours_keep_their_digits_far_from_the_origin(centre: bool) -> None:
    left = np.round(related()[0], 3)
    assert knn_jaccard(left, left + 1e7, distance="euclidean", centre=centre) > 0.999


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-200, 1e200])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_scale_does_not_matter(distance: str, scale: float) -> None:
    left, right = related()
    plain = knn_jaccard(left, right, distance=distance)
    assert knn_jaccard(left, right * scale, distance=distance) == pytest.approx(plain, abs=1e-12)


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
        state = KnnJaccard(k=6, distance="euclidean").prepare(torch.from_numpy(points * scale + 0.7))
    assert np.array_equal(state.rows.numpy(), exact_neighbours(points, 6))


def test_share_of_ties_counts_rows_where_the_choice_was_open() -> None:
    # On a line with a pair of equal rows: 0 0 1 2 4 8 16 ...; k=1 leaves a choice to rows that see both zeros first.
    points = np.array([0.0, 0.0, 1.0, 3.0, 7.0, 15.0, 31.0])[:, None]
    with pytest.warns(GeomsimWarning):
        state = KnnJaccard(k=1, distance="euclidean").prepare(torch.from_numpy(points))
    assert state.rows.flatten().tolist() == [1, 0, 0, 2, 3, 4, 5]
    assert state.tied_share == pytest.approx(1 / 7)
    result = geomsim.compare(points, points, KnnJaccard(k=1, distance="euclidean"), null=None)
    assert result.facts["rows with ties left"] == pytest.approx(1 / 7)
    assert any("14% of the rows" in note for note in result.warnings)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_row_is_never_its_own_neighbour(distance: str) -> None:
    points = np.random.default_rng(0).normal(size=(10, 4))[np.arange(40) % 10]
    with pytest.warns(GeomsimWarning):
        state = KnnJaccard(k=5, distance=distance).prepare(torch.from_numpy(points))  # type: ignore[arg-type]
    assert not (state.rows == torch.arange(40)[:, None]).any()
    copies = [set(np.flatnonzero(np.arange(40) % 10 == row % 10)) - {row} for row in range(40)]
    assert all(copies[row] <= set(found) for row, found in enumerate(state.rows.tolist()))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left, _ = related(100)
    whole = KnnJaccard().prepare(torch.from_numpy(left))
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", 8 * 100 * 7)
    assert torch.equal(whole.rows, KnnJaccard().prepare(torch.from_numpy(left)).rows)


def test_refuses_too_few_rows() -> None:
    left, right = related(11)
    with pytest.raises(DegenerateSpace, match=r"left space: 11 rows are too few for k=10 .*use k <= 9"):
        knn_jaccard(left, right)
    assert np.isfinite(knn_jaccard(left, right, k=9))


def test_refuses_zero_rows_for_cosines() -> None:
    left, right = related(30)
    right[[4, 9]] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 2 of 30 rows are zero \(row numbers 4, 9\)"):
        knn_jaccard(left, right, centre=False)
    assert np.isfinite(knn_jaccard(left, right, distance="euclidean"))


def test_refuses_rows_that_centring_makes_zero() -> None:
    left, right = related(31)
    left[8] = left[np.arange(31) != 8].mean(0)
    with pytest.raises(DegenerateSpace, match=r"left space: 1 of 31 rows are zero after centring \(row numbers 8\)"):
        knn_jaccard(left, right)
    with pytest.raises(DegenerateSpace, match=r"right space: 31 of 31 rows .*\(row numbers 0, 1, 2, 3, 4, \.\.\.\)"):
        knn_jaccard(right, np.full((31, 3), 0.1))
    with pytest.raises(DegenerateSpace, match="all points are zero"):
        knn_jaccard(right, np.zeros((31, 3)))


def test_refuses_unknown_parameters() -> None:
    with pytest.raises(GeomsimError, match="k is at least 1, got 0"):
        KnnJaccard(k=0)
    with pytest.raises(GeomsimError, match="distance is one of cosine, euclidean; got 'manhattan'"):
        KnnJaccard(distance="manhattan")  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_exact_mean_is_that_of_all_orders(k: int) -> None:
    random = np.random.default_rng(k)
    metric = KnnJaccard(k=k)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(6, 4)))) for _ in range(2))
    orders = torch.tensor(list(permutations(range(6))))
    assert metric.null_moments(left, right).mean == pytest.approx(
        float(metric.score_many(left, right, orders).mean()), abs=1e-12
    )


def test_explains_row_by_row() -> None:
    left, right = related()
    result = geomsim.compare(left, right, "knn-jaccard", null=None)
    assert result.explanation is not None
    table = result.explanation.tables["rows"]
    assert np.mean(table["jaccard"]) == pytest.approx(result.score)
    assert table["jaccard"] == [shared / (20 - shared) for shared in table["shared"]]


@given(rows=st.integers(8, 40), k=st.integers(1, 6), seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_order_law_and_many_orders(rows: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in (3, 5))
    metric = KnnJaccard(k=k)
    states = metric.prepare(left), metric.prepare(right)
    orders = torch.from_numpy(np.stack([random.permutation(rows) for _ in range(3)]))
    many = metric.score_many(*states, orders)
    for draw, order in enumerate(orders):
        moved = metric.score(states[0], metric.prepare(right[order]), torch.arange(rows))
        assert float(metric.score(*states, order)) == pytest.approx(float(moved), abs=1e-12)
        assert float(many[draw]) == pytest.approx(float(moved), abs=1e-12)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    found = []
    for seed in range(100):
        left, right = random.normal(size=(30, 3)), random.normal(size=(30, 4))
        found.append(geomsim.compare(left, right, KnnJaccard(k=5), draws=19, seed=seed).p_value)
    assert 2 <= sum(p <= 0.1 for p in found) <= 19
    assert np.mean(np.array(found, dtype=float)) == pytest.approx(0.525, abs=0.09)
