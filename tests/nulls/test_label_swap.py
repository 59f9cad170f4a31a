"""Oracles: all ways of dealing few documents, and the uniform law of p where both sides are one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from toy_metrics import Correlation

import geomsim
from geomsim import InapplicableNull, UnpairedMetric
from geomsim.nulls import NULLS, LabelSwap, Trial


@dataclass(frozen=True)
class Shift(UnpairedMetric[Tensor]):
    """Distance of the means."""

    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().mean(0)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).norm()


@dataclass(frozen=True)
class Nearness(Shift):
    """Minus that distance."""

    larger_means = "closer"

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return -super().score(left, right)


@dataclass(frozen=True)
class Size(Shift):
    """Difference of the sums, which any widths have."""

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().sum()


def test_rows_without_documents_are_dealt_in_every_way(trial: Callable[..., Trial]):
    values = np.array([0.0, 1.0, 10.0, 100.0, 1000.0])
    judged = trial(Shift(), values[:2], values[2:], draws=2000)
    found = LabelSwap().judge(judged)
    possible = [
        abs(values[list(rows)].mean() - np.delete(values, list(rows)).mean()) for rows in combinations(range(5), 2)
    ]
    counts = [int(np.isclose(found.draws, value).sum()) for value in possible]
    assert sum(counts) == 2000
    assert stats.chisquare(counts).pvalue > 1e-3
    farther = np.mean(np.array(possible) >= judged.observed - 1e-9)
    assert found.p_value == pytest.approx(farther, abs=0.04)
    assert found.facts["swapped"] == "documents of both sides"


def test_the_same_documents_change_sides_whole_and_each_by_itself(trial: Callable[..., Trial]):
    groups = np.array([5, 5, 2, 9])
    left, right = np.array([1.0, 1.0, 10.0, 100.0]), np.array([0.0, 0.0, 0.5, 0.25])
    found = LabelSwap().judge(trial(Shift(), left, right, draws=1600, side_groups=(groups, groups)))
    numbers = np.unique(groups, return_inverse=True)[1]
    possible = []
    for swapped in product([False, True], repeat=3):
        moved = np.array(swapped)[numbers]
        possible.append(abs(np.where(moved, right, left).mean() - np.where(moved, left, right).mean()))
    values, expected = np.unique(np.round(possible, 9), return_counts=True)
    counts = [int(np.isclose(found.draws, value).sum()) for value in values]
    assert sum(counts) == 1600
    assert stats.chisquare(counts, 1600 * expected / 8).pvalue > 1e-3
    assert found.facts["swapped"] == "sides of each document"


def test_the_same_documents_may_come_in_another_order_and_length(trial: Callable[..., Trial]):
    groups = (np.array([5, 5, 2]), np.array([2, 2, 5]))
    left, right = np.array([1.0, 3.0, 10.0]), np.array([100.0, 300.0, 1000.0])
    found = LabelSwap().judge(trial(Shift(), left, right, draws=800, side_groups=groups))
    kept = abs(left.mean() - right.mean())
    one = abs(np.mean([1000.0, 10.0]) - np.mean([1.0, 3.0, 100.0, 300.0]))  # document 5 changes places
    other = abs(np.mean([1.0, 3.0, 100.0, 300.0]) - np.mean([1000.0, 10.0]))
    assert one == other
    counts = [int(np.isclose(found.draws, value).sum()) for value in (kept, one)]
    assert sum(counts) == 800
    assert stats.chisquare(counts, [400, 400]).pvalue > 1e-3


def test_documents_of_unlike_texts_stay_whole_and_as_many(trial: Callable[..., Trial]):
    groups = (np.array([0, 0, 1]), np.array([2, 3, 3, 3]))
    left, right = np.array([1.0, 1.0, 2.0]), np.array([4.0, 8.0, 8.0, 8.0])
    found = LabelSwap().judge(trial(Shift(), left, right, draws=900, side_groups=groups))
    documents = [np.array([1.0, 1.0]), np.array([2.0]), np.array([4.0]), np.array([8.0] * 3)]
    possible = []
    for chosen in combinations(range(4), 2):
        there = [np.concatenate([documents[d] for d in range(4) if (d in chosen) is side]) for side in (True, False)]
        possible.append(abs(there[0].mean() - there[1].mean()))
    values, expected = np.unique(np.round(possible, 9), return_counts=True)
    counts = [int(np.isclose(found.draws, value).sum()) for value in values]
    assert sum(counts) == 900
    assert stats.chisquare(counts, 900 * expected / 6).pvalue > 1e-3


@pytest.mark.parametrize("metric", [Shift(), Nearness()])
def test_p_is_uniform_where_the_sides_are_one_law(trial: Callable[..., Trial], metric: Shift):
    found = []
    groups = np.repeat(np.arange(8), 3)
    for seed in range(400):
        random = np.random.default_rng(seed)
        left, right = (random.normal(size=(8, 2))[groups] + 0.1 * random.normal(size=(24, 2)) for _ in range(2))
        judged = trial(metric, left, right, draws=19, seed=seed, side_groups=(groups, groups))
        found.append(LabelSwap().judge(judged).p_value)
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_small_p_says_that_the_sides_differ(trial: Callable[..., Trial]):
    left, right = np.random.default_rng(0).normal(size=(2, 40, 3))
    for metric in (Shift(), Nearness()):
        found = LabelSwap().judge(trial(metric, left, right + 2.0, draws=99))
        assert found.p_value == 0.01
        assert "a small p of the label swap says that the sides differ" in found.notes[0]


def test_compare_knows_its_name_and_passes_documents_on():
    left, right = np.random.default_rng(0).normal(size=(2, 12, 3))
    groups = np.repeat(np.arange(6), 2)
    sides = [geomsim.Space(points, groups=groups) for points in (left, right)]
    found = geomsim.compare(*sides, Shift(), null="label-swap", draws=50)
    assert found.null_kind == "label-swap"
    assert found.facts["swapped"] == "sides of each document"
    assert found.warnings[-1].endswith("not that they are alike")


@pytest.mark.parametrize(
    ("metric", "right", "options", "message"),
    [
        (Correlation(), np.eye(4), {}, r"Correlation is paired.*use null='shuffle'"),
        (Size(), np.ones((4, 2)), {}, r"widths 4 and 2: use null='noise-floor', 'spectrum-matched' or 'random"),
        (Shift(), np.eye(4), {"side_groups": (np.zeros(4, int), np.zeros(4, int))}, "only one: give more groups"),
    ],
)
def test_what_it_refuses(trial: Callable[..., Trial], metric, right, options, message):
    with pytest.raises(InapplicableNull, match=message):
        NULLS["label-swap"].judge(trial(metric, torch.eye(4).numpy(), right, **options))
