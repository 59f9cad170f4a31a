"""Tuning curves: how strongly cells along a line or a circle fire, by how far they are from a place on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Gauss-Legendre nodes between two cells, where every product of two curves is smooth.
_NODES = 20


def bumps(
    places: NDArray[np.float64], n_cells: int, reach: int, is_circle: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cells near each place and their tuning, both (places, 2 reach).

    ``tuning = (1 + cos(pi d / reach)) / 2`` for a distance of ``d < reach`` cells, else 0. Places are numbers in
    [0, 1): all round a circle of `n_cells`, or from the first to the last cell of a line, beyond which nothing fires.

    >>> cells, tuning = bumps(np.array([0.0]), 4, 1, True)
    >>> cells, tuning
    (array([[0, 1]]), array([[1., 0.]]))
    """
    position = places * (n_cells if is_circle else n_cells - 1)
    cells = np.floor(position).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    height = np.maximum(0.0, (1.0 + np.cos(np.pi * (position[:, None] - cells) / reach)) / 2.0)
    if is_circle:
        return cells % n_cells, height
    outside = (cells < 0) | (cells >= n_cells)
    return np.where(outside, 0, cells), np.where(outside, 0.0, height)


def axis_probabilities(n_cells: int, reach: int, is_circle: bool) -> NDArray[np.float64]:
    """How likely each cell fires at all for a uniform place, (n_cells,)."""
    if is_circle:
        return np.full(n_cells, 2.0 * reach / n_cells)
    cells = np.arange(n_cells)
    inside = np.minimum(cells + reach, n_cells - 1) - np.maximum(cells - reach, 0)
    shares: NDArray[np.float64] = inside / (n_cells - 1.0)
    return shares


def axis_moments(n_cells: int, reach: int, is_circle: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean tuning of each cell, (n_cells,), and of each product of two, (n_cells, n_cells), for a uniform place."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    n_gaps = n_cells if is_circle else n_cells - 1
    places = ((np.arange(n_gaps)[:, None] + (nodes + 1.0) / 2.0) / n_gaps).ravel()
    cells, height = bumps(places, n_cells, reach, is_circle)
    tuning = np.zeros((len(places), n_cells))
    np.add.at(tuning, (np.arange(len(places))[:, None], cells), height)
    weight = np.tile(weights / 2.0 / n_gaps, n_gaps)
    return weight @ tuning, (tuning * weight[:, None]).T @ tuning
