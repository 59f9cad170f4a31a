"""p-values corrected for how many tests were made: Holm, Benjamini-Hochberg, step-down maxT."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import InvalidConfig

_TIE = 1e-9  # in standard deviations of the null: draws this near to the observed score count against surprise


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down p-values: the chance of even one false alarm among all tests stays below the level.

    With p sorted upwards, the i-th of m becomes the largest of (m - j + 1) p_(j) over j <= i, at most 1. Valid under
    any dependence. Reference: Holm 1979, Scandinavian Journal of Statistics 6.

    Raises InvalidConfig for values outside [0, 1].

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p, order = _sorted(p_values)
    steps = np.maximum.accumulate(p * np.arange(len(p), 0, -1))
    return _unsorted(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p_values: ArrayLike, n_tests: int | None = None) -> NDArray[np.float64]:
    """Benjamini and Hochberg's step-up p-values: the expected share of false alarms among all alarms.

    With p sorted upwards, the i-th of m becomes the smallest of m p_(j) / j over j >= i. Valid for independent tests
    and under positive dependence. Reference: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B.

    Of `n_tests` tests, those whose p is not given count as p = 1. Raises InvalidConfig for values outside [0, 1].

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    p, order = _sorted(p_values)
    steps = p * (n_tests or len(p)) / np.arange(1, len(p) + 1)
    return _unsorted(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def step_down_max_t(closeness: ArrayLike, draws: ArrayLike) -> NDArray[np.float64]:
    """Westfall and Young's step-down maxT p-values from draws that all tests share.

    Each test is brought to one scale by the mean and sd of its draws with the observed score among them. With tests
    sorted by surprise, the i-th p is the share of draws whose largest value among the i-th and all less surprising
    tests reaches the i-th observed one, the observed scores counted in as one draw, and never less than the p before.
    The chance of even one false alarm stays below the level; where tests depend on each other, it costs less power
    than Holm. Reference: Westfall and Young 1993, "Resampling-Based Multiple Testing", algorithm 4.1.

    Parameters
    ----------
    closeness
        (tests,) observed scores, signed so that larger is closer.
    draws
        (tests, m) the same scores by chance; column j of all tests comes from one and the same reordering.

    Returns
    -------
    (tests,) p-values in [1 / (m + 1), 1]; 1 for a test whose draws and observed score are all equal.

    Raises
    ------
    InvalidConfig
        when the shapes do not fit, there are no draws, or a value is not finite.

    >>> step_down_max_t([3.0, 0.0], [[0.0, 1.0, -1.0], [1.0, 0.0, -1.0]])
    array([0.25, 0.75])
    """
    observed = np.asarray(closeness, dtype=np.float64)
    by_chance = np.asarray(draws, dtype=np.float64)
    if observed.ndim != 1 or by_chance.ndim != 2 or len(by_chance) != len(observed) or not by_chance.size:
        raise InvalidConfig(
            f"maxT needs one row of draws per test, got {observed.shape} scores and draws of shape {by_chance.shape}"
        )
    every = np.column_stack([observed, by_chance])
    if not np.isfinite(every).all():
        raise InvalidConfig("maxT needs finite scores and draws")
    spread = every.std(axis=1, keepdims=True)
    level = np.abs(every).max(axis=1, keepdims=True)
    still = spread <= 1e-12 * level
    surprise = np.where(still, 0.0, (every - every.mean(axis=1, keepdims=True)) / np.where(still, 1.0, spread))
    order = np.argsort(-surprise[:, 0], kind="stable")
    # Row i: the largest of test i and all less surprising ones, draw by draw.
    largest = np.maximum.accumulate(surprise[order][::-1], axis=0)[::-1]
    # Column 0 is the observed one, which counts itself: (b + 1) / (m + 1).
    p = (largest >= surprise[order, :1] - _TIE).mean(axis=1)
    return _unsorted(np.maximum.accumulate(p), order)


def _sorted(p_values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InvalidConfig("p-values are a list of numbers in [0, 1]; leave out tests without one")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _unsorted(values: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    placed = np.empty_like(values)
    placed[order] = values
    return placed
