"""Oracles: the law of a correlation with noise, and the noise's own moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from toy_metrics import Correlation

from geomsim import DegenerateSpace, UnpairedMetric
from geomsim.errors import InapplicableNull
from geomsim.nulls import NULLS, RandomBaseline, Trial


@dataclass(frozen=True)
class Size(UnpairedMetric[Tensor]):
    """The sum of squares of the right side's entries, and what else there is to see of it."""

    seen: tuple[list[Any], ...] = ([],)
    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        self.seen[0].append(points)
        return (points.double() ** 2).sum()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return right


@pytest.mark.parametrize("seed", range(3))
def test_a_correlation_with_noise_has_its_law(trial: Callable[..., Trial], seed: int):
    left, right = np.random.default_rng(seed).normal(size=(2, 12, 3)) ** 3
    judged = trial(Correlation(), left, right, draws=800, seed=seed)
    found = RandomBaseline().judge(judged)
    # r over n independent rows: (r + 1)/2 has the law Beta(n/2 - 1, n/2 - 1).
    law = stats.beta(5, 5, loc=-1, scale=2)
    assert stats.kstest(found.draws, law.cdf).pvalue > 1e-3
    assert stats.binomtest(round(found.p_value * 801) - 1, 800, law.sf(judged.observed)).pvalue > 1e-4
    assert (found.kind, found.is_chance) == ("random-baseline", False)


def test_p_is_uniform_where_the_right_side_is_noise(trial: Callable[..., Trial]):
    found = []
    for seed in range(400):
        left, right = np.random.default_rng(10_000 + seed).normal(size=(2, 10, 2))
        found.append(RandomBaseline().judge(trial(Correlation(), np.exp(left), right, draws=19, seed=seed)).p_value)
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_has_the_size_type_and_mean_square_of_the_right_side(trial: Callable[..., Trial], dtype: torch.dtype):
    random = np.random.default_rng(0)
    left, right = random.normal(size=(9, 3)), 5 + 0.1 * random.normal(size=(50, 40))
    judged = trial(Size(), left, right, draws=100, dtype=dtype)
    seen: list[Any] = []
    found = RandomBaseline().judge(replace(judged, metric=Size((seen,))))
    assert {(noise.shape, noise.dtype) for noise in seen} == {((50, 40), dtype)}
    # The sum of squares over its mean is chi-square with 2,000 degrees of freedom, over 2,000.
    square = float((judged.right.double() ** 2).mean())
    assert stats.kstest(found.draws / square, stats.chi2(2000).cdf).pvalue > 1e-3
    assert abs(float(torch.stack(seen).double().mean())) < 5 * square**0.5 / 200_000**0.5
    assert not torch.equal(seen[0], seen[1])


def test_p_is_never_zero_and_follows_the_direction(trial: Callable[..., Trial]):
    left = np.random.default_rng(0).normal(size=(30, 2))
    assert RandomBaseline().judge(trial(Correlation(), left, left, draws=99)).p_value == 1 / 100
    assert RandomBaseline().judge(trial(Correlation(), left, -left, draws=99)).p_value == 1


def test_what_it_cannot_judge(trial: Callable[..., Trial]):
    left, right = np.random.default_rng(0).normal(size=(2, 12, 2))
    grouped = replace(trial(Correlation(), left, right), groups=np.arange(12) // 3)
    with pytest.raises(InapplicableNull, match=r"null=.random-baseline. treats rows one by one, and these come in gr"):
        RandomBaseline().judge(grouped)
    by_side = trial(Size(), left, right, side_groups=(None, np.arange(12) // 3))
    with pytest.raises(
        InapplicableNull, match=r"these come in groups .*Use null='noise-floor', which halves sides by wh"
    ):
        RandomBaseline().judge(by_side)
    assert RandomBaseline().judge(replace(by_side, side_groups=(None, None), draws=3)).draws is not None

    @dataclass(frozen=True)
    class Picky(Correlation):
        def prepare(self, points: Tensor) -> Tensor:
            if (points < 0).any():
                raise DegenerateSpace("negative")
            return super().prepare(points)

    with pytest.raises(DegenerateSpace, match="normal noise in the place of the right side: negative"):
        RandomBaseline().judge(trial(Picky(), left**2, right**2))

    @dataclass(frozen=True)
    class Broken(Correlation):
        def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
            return torch.tensor(torch.inf)

    with pytest.raises(DegenerateSpace, match="in the place of the right side: Broken gives inf; a metric must"):
        RandomBaseline().judge(trial(Broken(), left, right, draws=5))
    assert NULLS["random-baseline"] == RandomBaseline()
