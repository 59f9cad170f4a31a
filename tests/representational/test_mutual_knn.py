from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_representational.mutual_knn import MutualKnn

Array = NDArray[np.float64]


def mutual_knn(left: Array, right: Array, **parameters: object) -> float:
    return geomsim.compare(left, right, MutualKnn(**parameters), null=None).score  # type: ignore[arg-type]


def related(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, 5)) + random.normal(size=5)
    return left, left @ random.normal(size=(5, 7)) + 0.5 * random.normal(size=(rows, 7))


def test_keeps_the_contract() -> None:
    geomsim.testing.check_metric(MutualKnn())
    geomsim.testing.check_metric(MutualKnn(k=3, distance="euclidean", centre=False))
    geomsim.testing.check_metric(MutualKnn(k=4, centre=False))


@pytest.mark.parametrize("k", [1, 5, 10, 60])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_scikit_learn(k: int, distance: str, centre: bool) -> None:
    left, right = related()
    graphs = []
    for points in (left, right):
        moved = points - points.mean(0) if centre else points
        finder = NearestNeighbors(n_neighbors=k, metric=distance, algorithm="brute").fit(moved)
        graphs.append(finder.kneighbors_graph().toarray())
    expected = (graphs[0] * graphs[1]).sum() / (k * len(left))
    assert mutual_knn(left, right, k=k, distance=distance, centre=centre) == pytest.approx(expected, abs=1e-12)


def test_rotated_and_scaled_copy_scores_one() -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert mutual_knn(left, 2.5 * left @ rotation - 1) == 1.0


def test_pairs_regrouped_share_nothing() -> None:
    # On the left rows 0 1, 2 3, ... lie together, on the right rows 1 2, 3 4, ...: the nearest row is never the same.
    left = np.repeat(np.arange(8.0) * 10, 2) + np.arange(16) * 0.1
    assert mutual_knn(left[:, None], np.roll(left, 1)[:, None], k=1, distance="euclidean") == 0.0


@pytest.mark.parametrize(("rows", "k"), [(3, 1), (4, 1), (4, 2), (5, 2), (6, 1), (6, 3), (7, 2), (7, 5)])
def test_exact_moments_are_those_of_all_orders(rows: int, k: int) -> None:
    random = np.random.default_rng(10 * rows + k)
    metric = MutualKnn(k=k)
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(rows, 3)))) for _ in range(2))
    scores = metric.score_many(left, right, torch.tensor(list(permutations(range(rows)))))
    moments = metric.null_moments(left, right)
    assert moments.mean == pytest.approx(k / (rows - 1), rel=1e-15)
    assert moments.mean == pytest.approx(float(scores.mean()), abs=1e-12)
    assert moments.variance == pytest.approx(float(scores.var(correction=0)), abs=1e-12)


def test_exact_moments_agree_with_draws() -> None:
    # Rows near the mean are neighbours of many: on such hubs a formula with independent rows is far too small.
    random = np.random.default_rng(0)
    metric = MutualKnn(k=10, distance="euclidean")
    left, right = (metric.prepare(torch.from_numpy(random.normal(size=(300, 12)))) for _ in range(2))
    moments = metric.null_moments(left, right)
    orders = torch.from_numpy(np.stack([random.permutation(300) for _ in range(5000)]))
    scores = torch.cat([metric.score_many(left, right, chunk) for chunk in orders.split(500)]).numpy()
    assert moments.variance is not None
    assert scores.mean() == pytest.approx(moments.mean, abs=4 * np.sqrt(moments.variance / 5000))
    assert scores.var() == pytest.approx(moments.variance, rel=0.09)  # four standard errors of a variance
    others = 299
    independent = 10 * (10 / others) * (1 - 10 / others) * (others - 10) / (others - 1) / 300 / 100
    assert moments.variance > 1.2 * independent


def test_exact_null_needs_no_draws() -> None:
    left, right = related()
    exact = geomsim.compare(left, right, MutualKnn(), null="exact")
    drawn = geomsim.compare(left, right, MutualKnn(), draws=499)
    assert exact.null is None
    assert exact.null_mean == pytest.approx(10 / 79)
    assert exact.null_sd == pytest.approx(drawn.null_sd, rel=0.15)
    assert exact.p_value is not None
    assert 0 < exact.p_value < 0.002
    assert exact.corrected == pytest.approx((exact.score - 10 / 79) / (1 - 10 / 79))


def test_ties_are_broken_by_row_number_and_told() -> None:
    points = np.random.default_rng(0).integers(0, 3, size=(40, 2)).astype(float)
    result = geomsim.compare(points, points, MutualKnn(k=3, distance="euclidean"), null=None)
    assert result.score == 1.0
    assert result.facts["rows with ties left"] > 0.5
    assert any("broken by row number" in note for note in result.warnings)


def test_a_row_is_never_its_own_neighbour() -> None:
    points = np.random.default_rng(0).normal(size=(10, 4))[np.arange(40) % 10]
    with pytest.warns(GeomsimWarning):
        state = MutualKnn(k=5).prepare(torch.from_numpy(points))
    assert not (state.rows == torch.arange(40)[:, None]).any()


def test_explains_row_by_row() -> None:
    left, right = related()
    result = geomsim.compare(left, right, MutualKnn(), null=None)
    assert result.explanation is not None
    assert np.mean(result.explanation.tables["rows"]["shared"]) / 10 == pytest.approx(result.score)


def test_refuses_what_it_cannot_judge() -> None:
    left, right = related(11)
    with pytest.raises(DegenerateSpace, match=r"left space: 11 rows are too few for k=10 .*use k <= 9"):
        mutual_knn(left, right)
    right[3] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 1 of 11 rows are zero \(row numbers 3\)"):
        mutual_knn(left, right, k=2, centre=False)
    with pytest.raises(GeomsimError, match="k is at least 1, got 0"):
        MutualKnn(k=0)
    with pytest.raises(GeomsimError, match="distance is one of cosine, euclidean; got 'manhattan'"):
        MutualKnn(distance="manhattan")  # type: ignore[arg-type]


@pytest.mark.parametrize("null", ["exact", "shuffle"])
def test_p_values_of_unrelated_points_are_uniform(null: str) -> None:
    random = np.random.default_rng(0)
    found = []
    for seed in range(200):
        left, right = random.normal(size=(60, 3)), random.normal(size=(60, 4))
        found.append(geomsim.compare(left, right, MutualKnn(k=5), null=null, draws=19, seed=seed).p_value)
    assert 8 <= sum(p <= 0.1 for p in found) <= 34  # 20 expected, sd 4.2
    assert np.mean(np.array(found, dtype=float)) == pytest.approx(0.5125, abs=0.08)
