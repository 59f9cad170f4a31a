from __future__ import annotations

import numpy as np
import pytest

from geomsim_synthetic.arrangement import random_directions, random_isometry, turned


@pytest.mark.parametrize(("from_width", "to_width"), [(5, 5), (3, 8), (1, 4)])
def test_an_isometry_keeps_inner_products(from_width: int, to_width: int) -> None:
    isometry = random_isometry(np.random.default_rng(0), from_width, to_width)
    assert isometry.shape == (from_width, to_width)
    np.testing.assert_allclose(isometry @ isometry.T, np.eye(from_width), atol=1e-12)


def test_isometries_are_uniform() -> None:
    # The trace of a Haar rotation has mean 0 and variance 1; QR without its sign correction has mean far from 0.
    generator = np.random.default_rng(0)
    traces = np.array([np.trace(random_isometry(generator, 6, 6)) for _ in range(3000)])
    assert abs(traces.mean()) < 4 / np.sqrt(3000)
    assert traces.var() == pytest.approx(1.0, rel=0.12)


def test_random_directions_are_uniform_on_the_sphere() -> None:
    rows = random_directions(np.random.default_rng(0), 20_000, 4)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0)
    # Mean 0, covariance identity / width.
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=4 * np.sqrt(1 / 4 / 20_000))
    np.testing.assert_allclose(rows.T @ rows / 20_000, np.eye(4) / 4, atol=0.01)


@pytest.mark.parametrize("amount", [0.0, 0.1, 1.0, 30.0])
def test_turned_rows_keep_length_and_have_the_stated_cosine(amount: float) -> None:
    rows = random_directions(np.random.default_rng(0), 50, 7)
    new = turned(rows, np.random.default_rng(1), amount)
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1.0)
    np.testing.assert_allclose((rows * new).sum(axis=1), 1 / np.sqrt(1 + amount**2))
