from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_checks import random_orders
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit

import geomsim
from geomsim import DegenerateSpace, GeomsimError
from geomsim.testing import check_metric
from geomsim_representational.linear_predictivity import STRENGTHS, LinearPredictivity

Array = NDArray[np.float64]
DIRECTIONS = ("left-to-right", "right-to-left")


def predictivity(left: Array, right: Array, direction: str = "left-to-right", folds: int = 5) -> float:
    metric = LinearPredictivity(direction, folds)  # type: ignore[arg-type]
    return geomsim.compare(left, right, metric, null=None).score


def related(rows: int, left_width: int, right_width: int, noise: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, left_width)) * np.linspace(0.3, 3, left_width) + 2
    right = left @ random.normal(size=(left_width, right_width)) / np.sqrt(left_width)
    return left, right + noise * random.normal(size=(rows, right_width)) - 7


class RelativeRidge(Ridge):
    """Ridge regression whose penalty is a multiple of the mean squared singular value of its training rows."""

    def fit(self, X: Array, y: Array) -> RelativeRidge:  # type: ignore[override]
        centred = X - X.mean(0)
        strength, self.alpha = self.alpha, self.alpha * np.sum(centred**2) / min(self.tol, len(X) - 1)
        super().fit(X, y)
        self.alpha = strength
        return self


def reference(predictors: Array, targets: Array, folds: int = 5) -> tuple[float, list[float]]:
    """The definition by scikit-learn's regression, folds and search, and the strengths chosen."""
    rank = np.linalg.matrix_rank(predictors - predictors.mean(0))
    # `tol` carries the rank: an exact solver has no use for it.
    ridge = RelativeRidge(solver="svd", tol=rank)
    number = np.empty(len(predictors), dtype=int)
    for block, (_, rows) in enumerate(KFold(folds).split(predictors)):
        number[rows] = block
    error = baseline = 0.0
    chosen = []
    for block in range(folds):
        train, test = number != block, number == block
        search = GridSearchCV(
            ridge,
            {"alpha": STRENGTHS},
            cv=PredefinedSplit(number[train]),
            scoring=lambda model, X, y: -np.sum((model.predict(X).reshape(y.shape) - y) ** 2),
        ).fit(predictors[train], targets[train])
        chosen.append(search.best_params_["alpha"])
        error += np.sum((targets[test] - search.predict(predictors[test]).reshape(targets[test].shape)) ** 2)
        baseline += np.sum((targets[test] - targets[train].mean(0)) ** 2)
    return 1 - error / baseline, chosen


@pytest.mark.parametrize("metric", [LinearPredictivity(way) for way in DIRECTIONS], ids=repr)  # type: ignore[arg-type]
def test_keeps_the_contract(metric: LinearPredictivity) -> None:
    check_metric(metric)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("rows", "left_width", "right_width", "folds", "noise"),
    [(60, 5, 8, 5, 1.0), (61, 9, 3, 5, 0.1), (43, 6, 6, 3, 5.0), (40, 70, 55, 4, 0.5), (101, 30, 1, 7, 2.0)],
)
def test_agrees_with_scikit_learn(
    direction: str, rows: int, left_width: int, right_width: int, folds: int, noise: float
) -> None:
    left, right = related(rows, left_width, right_width, noise)
    sides = (left, right) if direction == "left-to-right" else (right, left)
    expected, strengths = reference(*sides, folds)
    metric = LinearPredictivity(direction, folds)  # type: ignore[arg-type]
    found = geomsim.compare(left, right, metric, null=None)
    assert found.score == pytest.approx(expected, abs=1e-8)
    assert found.explanation is not None
    assert found.explanation.tables["blocks"]["strength"] == pytest.approx(strengths)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_reordered_rows_agree_with_scikit_learn(direction: str) -> None:
    left, right = related(50, 4, 6)
    metric = LinearPredictivity(direction)  # type: ignore[arg-type]
    states = [metric.prepare(torch.from_numpy(side)) for side in (left, right)]
    random = np.random.default_rng(3)
    # Part of the pairs stay together, so that there is something to predict.
    orders = np.stack([np.concatenate([random.permutation(25), np.arange(25, 50)]) for _ in range(3)])
    for order, score in zip(orders, metric.score_many(*states, torch.from_numpy(orders)), strict=True):
        sides = (left, right[order]) if direction == "left-to-right" else (right[order], left)
        assert float(score) == pytest.approx(reference(*sides)[0], abs=1e-8)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_linear_map_without_noise_scores_one(direction: str) -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(200, 6))
    turned = left @ np.linalg.qr(random.normal(size=(6, 6)))[0]
    # The weakest penalty is 1e-6 of the mean squared singular value; what it costs is about the square of that.
    assert 1 - 1e-11 < predictivity(left, turned + 5, direction) <= 1
    # Directions of little variance pay more: 1e-6 of the mean is 1e-4 of a variance of a hundredth.
    stretched = turned * np.array([0.1, 1, 1, 1, 1, 1])
    assert 1 - 1e-8 < predictivity(left, stretched, direction) <= 1


def test_a_map_that_loses_directions_predicts_one_way_only() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(4000, 6))
    right = left[:, :2] * 3
    assert predictivity(left, right) == pytest.approx(1.0, abs=1e-8)
    # Two of six equal directions are there to be predicted.
    assert predictivity(left, right, "right-to-left") == pytest.approx(2 / 6, abs=0.02)


def test_known_share_of_noise() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(5000, 4))
    right = left @ np.linalg.qr(random.normal(size=(4, 4)))[0] + 0.5 * random.normal(size=(5000, 4))
    # Variance 1 of 1.25 is signal; four coefficients on 4,000 rows cost a thousandth of the noise.
    for direction in DIRECTIONS:
        assert predictivity(left, right, direction) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("rows", "width"), [(40, 60), (200, 20), (1000, 10)])
def test_independent_noise_scores_no_more_than_the_mean(direction: str, rows: int, width: int) -> None:
    random = np.random.default_rng(rows)
    scores = [predictivity(*random.normal(size=(2, rows, width)), direction) for _ in range(10)]
    assert -0.05 < np.mean(scores) < 0.002


def test_columns_count_by_their_variance() -> None:
    random = np.random.default_rng(0)
    left = random.normal(size=(2000, 2))
    right = np.column_stack([3 * left[:, 0], random.normal(size=2000)])
    assert predictivity(left, right) == pytest.approx(0.9, abs=0.02)


def test_rows_of_one_document_are_not_split() -> None:
    # Every document has its own place on both sides, unrelated to each other: random folds would predict it well.
    random = np.random.default_rng(0)
    places = random.normal(size=(2, 10, 30))
    left, right = (np.repeat(side, 20, 0) + 0.1 * random.normal(size=(200, 30)) for side in places)
    assert predictivity(left, right) < 0.05
    shuffled = random.permutation(200)
    assert predictivity(left[shuffled], right[shuffled]) > 0.9


def test_direction_is_of_the_pairing_and_not_of_the_arguments() -> None:
    left, right = related(80, 4, 7)
    assert predictivity(left, right) == pytest.approx(predictivity(right, left, "right-to-left"), abs=1e-12)
    assert abs(predictivity(left, right) - predictivity(right, left)) > 0.01
    assert not LinearPredictivity().symmetric


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("scale", [1e-2, 1e-6, 1e-200, 1e200])
def test_scale_does_not_matter(direction: str, scale: float) -> None:
    left, right = related(80, 4, 7)
    expected = predictivity(left, right, direction)
    assert predictivity(left * scale, right, direction) == pytest.approx(expected, abs=1e-10)
    assert predictivity(left, right * scale, direction) == pytest.approx(expected, abs=1e-10)


def test_columns_that_add_no_direction_change_nothing() -> None:
    left, right = related(80, 4, 7)
    wider = np.column_stack([left, np.full((80, 50), 3.0)])
    for direction in DIRECTIONS:
        expected = predictivity(left, right, direction)
        assert predictivity(wider, right, direction) == pytest.approx(expected, abs=1e-10)


@given(
    rows=st.integers(10, 40),
    width=st.integers(1, 12),
    seed=st.integers(0, 10**6),
    direction=st.sampled_from(DIRECTIONS),
    folds=st.integers(3, 5),
)
@settings(max_examples=40)
def test_order_law_and_many_orders(rows: int, width: int, seed: int, direction: str, folds: int) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, w))) for w in (width, width + 2))
    metric = LinearPredictivity(direction, folds)  # type: ignore[arg-type]
    states = metric.prepare(left), metric.prepare(right)
    orders = random_orders(random, rows, 3)
    many = metric.score_many(*states, orders)
    for order, score in zip(orders, many, strict=True):
        moved = metric.score(states[0], metric.prepare(right[order]), torch.arange(rows))
        assert float(metric.score(*states, order)) == pytest.approx(float(moved), abs=1e-8)
        assert float(score) == pytest.approx(float(moved), abs=1e-8)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_training_rows_that_are_all_equal_predict_the_mean(direction: str) -> None:
    random = np.random.default_rng(0)
    flat = np.full((40, 3), 0.1)
    flat[35:] = random.normal(size=(5, 3))  # all that differs lies in the last block of eight
    other = random.normal(size=(40, 4))
    sides = (flat, other) if direction == "left-to-right" else (other, flat)
    found = geomsim.compare(*sides, LinearPredictivity(direction), null=None)  # type: ignore[arg-type]
    assert found.explanation is not None
    table = found.explanation.tables["blocks"]
    assert table["error"][4] == pytest.approx(table["error of the mean"][4], abs=1e-12)
    assert np.isfinite(found.score)


def test_explains_blocks() -> None:
    left, right = related(63, 4, 7)
    found = geomsim.compare(left, right, LinearPredictivity(), null=None)
    assert (found.facts["rank left"], found.facts["rank right"]) == (4, 7)
    assert found.explanation is not None
    table = found.explanation.tables["blocks"]
    assert table["first row"] == [0, 13, 26, 39, 51]
    assert table["rows"] == [13, 13, 13, 12, 12]
    assert 1 - sum(table["error"]) == pytest.approx(found.score, abs=1e-12)
    assert sum(table["error of the mean"]) == pytest.approx(1.0)


def test_every_two_blocks_are_left_out_once() -> None:
    fits = LinearPredictivity(folds=4).prepare(torch.from_numpy(related(20, 3, 3)[0])).fits
    assert [fit.left_out for fit in fits] == [(0,), (1,), (2,), (3,), *combinations(range(4), 2)]
    assert not LinearPredictivity("right-to-left").prepare(torch.from_numpy(related(20, 3, 3)[0])).fits


def test_p_value_sees_a_relation() -> None:
    left, right = related(60, 4, 4)
    result = geomsim.compare(left, right, LinearPredictivity(), draws=49)
    assert result.p_value == pytest.approx(0.02)
    assert result.null_mean is not None
    assert result.null_mean < 0


def test_refuses_too_few_rows() -> None:
    left, right = related(9, 2, 2)
    with pytest.raises(
        DegenerateSpace, match="left space: 9 rows are too few for 5 blocks of two rows or more; use at "
    ):
        predictivity(left, right)
    assert np.isfinite(predictivity(left, right, folds=4))


def test_refuses_constant_points_and_names_the_side() -> None:
    points = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(DegenerateSpace, match="right space 'flat': all rows are equal"):
        geomsim.compare(points, geomsim.Space(np.full((50, 4), 0.1), name="flat"), LinearPredictivity())


def test_refuses_unknown_parameters() -> None:
    with pytest.raises(GeomsimError, match="direction is one of left-to-right, right-to-left; got 'both'"):
        LinearPredictivity("both")  # type: ignore[arg-type]
    with pytest.raises(GeomsimError, match="folds is at least 3, got 2"):
        LinearPredictivity(folds=2)
