from __future__ import annotations

import numpy as np
import pytest

from geomsim_synthetic.arrangement import (
    leaning,
    perpendicular_together,
    random_directions,
    random_isometry,
    same_covariance,
    turned,
)


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


@pytest.mark.parametrize(
    ("n_rows", "rank", "width"), [(5, 3, 8), (5, 3, 7), (9, 6, 7), (4, 4, 4), (2, 1, 2), (6, 2, 3)]
)
def test_rows_that_turn_together_keep_their_inner_products(n_rows: int, rank: int, width: int) -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((n_rows, rank)) @ random.standard_normal((rank, width))
    asides = perpendicular_together(rows, np.random.default_rng(1))
    np.testing.assert_allclose((rows * asides).sum(axis=1), 0.0, atol=1e-9)
    for amount in (0.0, 0.4, 30.0):
        new = leaning(rows, asides, amount)
        np.testing.assert_allclose(new @ new.T, rows @ rows.T, atol=1e-9)
        np.testing.assert_allclose((new * rows).sum(axis=1), (rows**2).sum(axis=1) / np.sqrt(1 + amount**2))
    # Mixtures of the rows, which span what they span, go the same way.
    mixing = random.standard_normal((n_rows, n_rows))
    mixed = perpendicular_together(mixing @ rows, np.random.default_rng(1))
    np.testing.assert_allclose(mixed, mixing @ asides, atol=1e-9)
    # A plane can turn in one way and its opposite alone, also one in space, where what is left over is given.
    if width > 3:
        assert np.abs(perpendicular_together(rows, np.random.default_rng(2)) - asides).max() > 0.01


def test_rows_that_fill_an_odd_number_of_dimensions_cannot_turn_together() -> None:
    with pytest.raises(ValueError, match="rows that fill all of 3 dimensions cannot be turned together"):
        perpendicular_together(np.eye(3), np.random.default_rng(0))


def test_other_rows_of_the_same_covariance() -> None:
    rows = np.random.default_rng(0).standard_normal((12, 3))
    other = same_covariance(rows, np.random.default_rng(1))
    np.testing.assert_allclose(other.mean(axis=0), rows.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(other.T), np.cov(rows.T), atol=1e-12)
    assert np.abs(other - rows).max() > 0.5
