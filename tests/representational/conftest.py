from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from metric_checks import random_orders
from numpy.typing import NDArray

from geomsim import Moments, PairedMetric

Array = NDArray[np.float64]


@pytest.fixture
def related() -> Callable[..., tuple[Array, Array]]:
    """A cloud of width 5 away from the origin, and a noisy image of it in width 7."""

    def clouds(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
        random = np.random.default_rng(seed)
        left = random.normal(size=(rows, 5)) + random.normal(size=5)
        return left, left @ random.normal(size=(5, 7)) + 0.5 * random.normal(size=(rows, 7))

    return clouds


@pytest.fixture
def by_chance() -> Callable[[PairedMetric[Any]], tuple[Moments, Array]]:
    """The exact moments of a metric of two unrelated clouds of 300 rows, and its scores for 5,000 random orders."""

    def moments_and_draws(metric: PairedMetric[Any]) -> tuple[Moments, Array]:
        random = np.random.default_rng(0)
        left, right = (metric.prepare(torch.from_numpy(random.normal(size=(300, 12)))) for _ in range(2))
        moments = metric.null_moments(left, right)
        assert moments is not None
        chunks = (random_orders(random, 300, 200) for _ in range(25))
        return moments, torch.cat([metric.score_many(left, right, orders) for orders in chunks]).numpy()

    return moments_and_draws


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
