"""Whether p-values that are fractions of a whole number are uniform, and how often they lie below .05."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def ranks(p: Array, steps: int) -> NDArray[np.int64]:
    """The numerators of p-values that are fractions of `steps`, from 1; others are rounded up."""
    return np.ceil(p * steps - 1e-6).astype(np.int64)


def kolmogorov_smirnov(ranks: NDArray[np.int64], steps: int, upto: float = 1.0) -> tuple[float, float]:
    """The largest excess of small p-values over what the uniform law on {1/steps, ..., 1} gives, and its p-value.

    The one-sided statistic of Kolmogorov and Smirnov for a law of steps, ``max_k F(k / steps) - k / steps`` over
    ``k / steps <= upto``, with its exact distribution (Conover 1972): counts of the steps are independent Poisson
    variables given their sum.

    >>> excess, chance = kolmogorov_smirnov(np.array([1, 2, 3, 4]), 4)
    >>> round(excess, 3), chance
    (0.0, 1.0)
    """
    from scipy import stats

    n, last = len(ranks), round(upto * steps)
    k = np.arange(last + 1)
    excess = float(((ranks[:, None] <= k).mean(0) - k / steps).max())
    below = np.zeros(n + 1)
    below[0] = 1.0
    each = stats.poisson.pmf(np.arange(n + 1), n / steps)
    for bound in np.ceil(n * (k[1:] / steps + excess) - 1e-9):  # counts below it stay under the excess
        below = np.convolve(below, each)[: n + 1]
        below[int(bound) :] = 0.0
    rest = stats.poisson.pmf(n - np.arange(n + 1), n * (1 - last / steps))
    chance = 1 - below @ rest / stats.poisson.pmf(n, n) if excess > 0 else 1.0
    return excess, max(0.0, float(chance))  # correct to 1e-12


@dataclass(frozen=True)
class Rate:
    """The share of p-values that are at most some alpha, its 95% Clopper-Pearson interval, and how often chance alone
    gives so many."""

    share: float
    low: float
    high: float
    chance: float


def false_positives(p: Array, at: float = 0.05) -> Rate:
    """The share of p-values that are at most `at`.

    >>> false_positives(np.array([0.05, 0.5, 0.75, 1.0])).share
    0.25
    """
    from scipy import stats

    few = int((p <= at + 1e-12).sum())
    interval = stats.binomtest(few, len(p)).proportion_ci(0.95, method="exact")
    return Rate(few / len(p), float(interval.low), float(interval.high), float(stats.binom.sf(few - 1, len(p), at)))
