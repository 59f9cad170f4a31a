"""What all metrics of neighbours have in common: they pass the same tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_checks import assert_order_law, assert_uniform_p_values, random_orders, score
from numpy.typing import NDArray

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_representational.cknna import CKNNA
from geomsim_representational.knn_jaccard import KnnJaccard
from geomsim_representational.mutual_knn import MutualKnn
from geomsim_representational.neighbour_metric import NeighbourMetric
from geomsim_representational.rank_biased_overlap import RankBiasedOverlap
from geomsim_representational.second_order_cosine import SecondOrderCosine

Array = NDArray[np.float64]
Metric = NeighbourMetric[Any]
Clouds = Callable[..., tuple[Array, Array]]

METRICS: list[Metric] = [
    KnnJaccard(k=5),
    KnnJaccard(k=5, distance="euclidean", centre=False),
    MutualKnn(k=5),
    MutualKnn(k=5, distance="euclidean"),
    RankBiasedOverlap(depth=5),
    RankBiasedOverlap(depth=5, distance="euclidean"),
    CKNNA(k=5),
    SecondOrderCosine(k=5),
]
COSINES = [metric for metric in METRICS if getattr(metric, "distance", "cosine") == "cosine"]
every = pytest.mark.parametrize("metric", METRICS, ids=repr)
by_cosine = pytest.mark.parametrize("metric", COSINES, ids=repr)


def altered(metric: Metric, **fields: Any) -> Metric:
    return replace(metric, **fields)


@every
def test_keeps_the_contract(metric: Metric) -> None:
    geomsim.testing.check_metric(metric)
    geomsim.testing.check_metric(altered(metric, centre=False))


@every
def test_repeated_rows_are_false_neighbours(metric: Metric) -> None:
    assert not metric.bootstrap


@every
def test_rotated_moved_and_scaled_copy_scores_one(metric: Metric, related: Clouds) -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    assert score(left, 2.5 * left @ rotation - 1, altered(metric, centre=True)) == pytest.approx(1.0, abs=1e-12)


@every
@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-200, 1e200])
def test_scale_does_not_matter(metric: Metric, scale: float, related: Clouds) -> None:
    left, right = related()
    assert score(left, right * scale, metric) == pytest.approx(score(left, right, metric), abs=1e-12)


@every
def test_explains_row_by_row(metric: Metric, related: Clouds) -> None:
    left, right = related()
    result = geomsim.compare(left, right, metric, null=None)
    assert result.explanation is not None
    table = result.explanation.tables["rows"]
    assert table["row"] == list(range(80))
    found = np.array(table[metric.each_row])
    if isinstance(metric, MutualKnn):
        assert found.mean() / 5 == pytest.approx(result.score)
    elif isinstance(metric, KnnJaccard):
        assert np.mean(table["jaccard"]) == pytest.approx(result.score)
        assert table["jaccard"] == [shared / (10 - shared) for shared in table["shared"]]
    elif isinstance(metric, CKNNA):
        assert found.sum() == pytest.approx(result.score)
    else:
        assert found.mean() == pytest.approx(result.score)
    assert (result.facts["rows with ties left"], result.facts["rows with ties right"]) == (0.0, 0.0)


@every
def test_ties_are_counted_and_told(metric: Metric, related: Clouds) -> None:
    left, right = related(40)
    left = left[np.arange(40) % 10]  # three other copies of each row, and two more places to fill
    result = geomsim.compare(left, right, metric, null=None)
    assert (result.facts["rows with ties left"], result.facts["rows with ties right"]) == (1.0, 0.0)
    assert any("for 100% of the rows a tie at the k-th neighbour" in note for note in result.warnings)


@every
def test_duplicated_rows_everywhere_still_give_a_number(metric: Metric, related: Clouds) -> None:
    left, right = (side[np.arange(40) % 10] for side in related(40))
    assert score(left, left, metric) == pytest.approx(1.0, abs=1e-12)
    # The copies of a row are its nearest on both sides; row numbers choose among the next ones.
    with pytest.warns(GeomsimWarning, match="for 100% of the rows a tie"):
        lists = [metric.prepare(torch.from_numpy(side)).rows.tolist() for side in (left, right)]
    for row, both in enumerate(zip(*lists, strict=True)):
        copies = {other for other in range(40) if other % 10 == row % 10} - {row}
        assert all(row not in found and copies <= set(found) for found in both)
    assert np.isfinite(score(left, right, metric))


@every
def test_float16_is_read_as_it_stands(metric: Metric, related: Clouds) -> None:
    left, right = (side.astype(np.float16) for side in related())
    whole = score(left.astype(np.float64), right.astype(np.float64), metric)
    assert score(geomsim.Space(left), geomsim.Space(right), metric) == whole


@every
def test_fewer_rows_than_columns(metric: Metric) -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(12, 50)), random.normal(size=(12, 30))
    # The same clouds in as many columns as there are rows.
    narrow = [np.linalg.qr(side.T)[1].T for side in (left, right)]
    assert score(left, right, metric) == pytest.approx(score(*narrow, metric), abs=1e-12)
    assert score(left, left, metric) == pytest.approx(1.0, abs=1e-12)


@every
def test_points_on_a_line(metric: Metric, related: Clouds) -> None:
    along, (_, right) = np.random.default_rng(1).normal(size=(80, 1)), related()
    line = along * np.array([0.3, -2.0, 0.1])
    assert score(line, right, metric) == pytest.approx(score(along, right, metric), abs=1e-12)
    assert score(line, line, metric) == pytest.approx(1.0, abs=1e-12)


@every
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_refuses_too_few_rows(metric: Metric, rows: int, related: Clouds) -> None:
    left, right = related(rows)
    with pytest.raises(DegenerateSpace, match=rf"left space: {rows} rows are too few .*; use (k|depth) <= \d or more"):
        score(left, right, metric)


@by_cosine
def test_refuses_zero_rows_and_names_them(metric: Metric, related: Clouds) -> None:
    left, right = related(30)
    right[[4, 9]] = 0.0
    with pytest.raises(DegenerateSpace, match=r"right space: 2 of 30 rows are zero \(row numbers 4, 9\), .*leave"):
        score(left, right, altered(metric, centre=False))
    assert np.isfinite(score(left, right, metric))
    left[8] = left[np.arange(30) != 8].mean(0)
    with pytest.raises(DegenerateSpace, match=r"left space: 1 of 30 rows are zero after centring \(row numbers 8\)"):
        score(left, right, metric)
    with pytest.raises(DegenerateSpace, match=r"right space: 30 of 30 rows .*\(row numbers 0, 1, 2, 3, 4, \.\.\.\)"):
        score(right, np.full((30, 3), 0.1), metric)


@every
def test_refuses_clouds_without_near_and_far(metric: Metric, related: Clouds) -> None:
    left, _ = related(12)
    with pytest.raises(DegenerateSpace, match="right space: all points are zero"):
        score(left, np.zeros((12, 3)), metric)
    with pytest.raises(DegenerateSpace, match="right space: each of the 12 rows is equally far from all others"):
        score(left, np.full((12, 3), 0.1), altered(metric, centre=False))
    with pytest.raises(DegenerateSpace, match="right space: each of the 12 rows is equally far from all others"):
        score(left, np.eye(12), metric)


@every
def test_refuses_unknown_parameters(metric: Metric) -> None:
    name = "depth" if isinstance(metric, RankBiasedOverlap) else "k"
    with pytest.raises(GeomsimError, match=f"{name} is at least 1, got 0"):
        altered(metric, **{name: 0})
    if hasattr(metric, "distance"):
        with pytest.raises(GeomsimError, match="distance is one of cosine, euclidean; got 'manhattan'"):
            altered(metric, distance="manhattan")


@every
@given(rows=st.integers(8, 40), seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_order_law_and_many_orders(metric: Metric, rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in (3, 6))
    assert_order_law(metric, left, right, random_orders(random, rows, 3), 1e-12)


@pytest.mark.parametrize("metric", COSINES, ids=repr)
def test_p_values_of_unrelated_points_are_uniform(metric: Metric) -> None:
    random = np.random.default_rng(0)
    pairs = [(random.normal(size=(30, 3)), random.normal(size=(30, 4))) for _ in range(100)]
    assert_uniform_p_values(metric, pairs)
