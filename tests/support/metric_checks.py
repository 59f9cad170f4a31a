"""What the tests of several metrics check in the same way; data, tolerances and oracles stay with each of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from torch import Tensor

import geomsim
from geomsim import GeomsimWarning, Metric, Moments, PairedMetric

Array = NDArray[np.float64]


def score(left: Any, right: Any, metric: Metric[Any]) -> float:
    """The score alone: no null, and what is said about few rows is not heard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        return geomsim.compare(left, right, metric, null=None).score


# Data


def centred_directions(rows: int, count: int, seed: int = 0) -> Array:
    """Orthonormal columns with mean 0."""
    noise = np.random.default_rng(seed).normal(size=(rows, count))
    return np.linalg.qr(noise - noise.mean(0))[0]


def sides_that_share(shared: int, left_width: int, right_width: int, rows: int = 400) -> tuple[Array, Array]:
    """Centred directions for each side, of which the last ones of the left are the first ones of the right."""
    directions = centred_directions(rows, left_width + right_width)
    start = left_width - shared
    return directions[:, :left_width], directions[:, start : start + right_width]


def random_orders(random: np.random.Generator, rows: int, draws: int) -> Tensor:
    """Random orders of the rows, (draws, rows)."""
    return torch.from_numpy(np.stack([random.permutation(rows) for _ in range(draws)]))


def all_orders(rows: int) -> Tensor:
    """Every order of the rows, (rows!, rows)."""
    return torch.tensor(list(permutations(range(rows))))


def wachter(components: int, dimensions: int) -> float:
    """Mean canonical correlation of two random subspaces of equal size, in the limit (Wachter 1980)."""
    share = components / dimensions
    largest = 4 * share * (1 - share)

    def weighted(angle: float) -> float:
        # The square of the correlation is largest * sin(angle)^2, which takes the poles out of the density.
        square = largest * np.sin(angle) ** 2
        density = np.sqrt(square * (largest - square)) / (2 * np.pi * share * square * (1 - square))
        return float(np.sqrt(square) * density * 2 * largest * np.sin(angle) * np.cos(angle))

    return float(quad(weighted, 0, np.pi / 2)[0] + max(0.0, 2 - 1 / share))


# Checks


def assert_order_law(metric: PairedMetric[Any], left: Tensor, right: Tensor, orders: Tensor, tolerance: float) -> None:
    """An order scores what rows moved by hand score, one by one and many at once."""
    states = metric.prepare(left), metric.prepare(right)
    many = metric.score_many(*states, orders)
    assert many.shape == (len(orders),)
    for found, order in zip(many, orders, strict=True):
        moved = float(metric.score(states[0], metric.prepare(right[order]), torch.arange(len(right))))
        assert float(metric.score(*states, order)) == pytest.approx(moved, abs=tolerance)
        assert float(found) == pytest.approx(moved, abs=tolerance)


def assert_enumerated_moments(moments: Moments | None, scores: Array, skewness_tolerance: float = 1e-9) -> None:
    """Exact moments are those of the scores of all orders; where all are the same, the variance is 0."""
    assert moments is not None
    assert moments.mean == pytest.approx(scores.mean(), abs=1e-13)
    assert moments.variance == pytest.approx(scores.var(), abs=1e-12)
    if scores.std() > 1e-9:
        third = np.mean((scores - scores.mean()) ** 3) / scores.std() ** 3
        assert moments.skewness == pytest.approx(third, abs=skewness_tolerance)
    else:
        assert (moments.variance, moments.skewness) == (0.0, None)


def assert_drawn_moments(metric: PairedMetric[Any], left: Any, right: Any, orders: Tensor) -> None:
    """Exact moments of prepared sides agree with random orders, within 4.5 standard errors of each power's mean."""
    moments = metric.null_moments(left, right)
    assert moments is not None
    assert moments.variance is not None
    assert moments.skewness is not None
    scores = metric.score_many(left, right, orders).numpy()
    scaled = (scores - moments.mean) / np.sqrt(moments.variance)
    for power, expected in ((1, 0.0), (2, 1.0), (3, moments.skewness)):
        # Errors of each mean from the draws themselves, as tails are long.
        powers = scaled**power
        assert abs(powers.mean() - expected) < 4.5 * powers.std() / np.sqrt(len(scores))


def assert_moments_of_5000(moments: Moments, scores: Array) -> None:
    """Exact moments agree with 5,000 scores that are nearly normal, within four standard errors of each."""
    assert len(scores) == 5000
    assert scores.mean() == pytest.approx(moments.mean, abs=4 * scores.std() / np.sqrt(5000))
    assert scores.var() == pytest.approx(moments.variance, rel=0.09)
    assert stats.skew(scores) == pytest.approx(moments.skewness, abs=0.14)


def assert_uniform_p_values(metric: PairedMetric[Any] | str, pairs: Iterable[tuple[Array, Array]]) -> None:
    """The p-values of 100 pairs that share nothing, of 19 draws each, are uniform."""
    compared = (geomsim.compare(*sides, metric, draws=19, seed=seed) for seed, sides in enumerate(pairs))
    p_values = np.array([found.p_value for found in compared], dtype=float)
    assert len(p_values) == 100
    # At level 0.1: mean 10, standard deviation 3.
    assert 2 <= (p_values <= 0.1).sum() <= 19
    assert p_values.mean() == pytest.approx(0.525, abs=0.09)
