"""Pairs of clouds of the same rows in an unknown order: no row of the left belongs to the right row of its number."""

from __future__ import annotations

import numpy as np

from geomsim_synthetic.separating.corresponding import latents, rotation
from geomsim_synthetic.separating.setting import Points

_ROWS = 120
_WIDTH = 12


def same_rows(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """The right side holds the left rows with noise, in another order and in the same space."""
    here, there = latents(random, _ROWS, _WIDTH, shared)
    noise = 0.5 * random.normal(size=(_ROWS, _WIDTH))
    return here, there[random.permutation(_ROWS)] + noise


def turned_rows(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """The right side holds the left rows with a little noise, in another order and in a basis of its own."""
    here, there = latents(random, _ROWS, _WIDTH, shared)
    noise = 0.1 * random.normal(size=(_ROWS, _WIDTH))
    return here, (there[random.permutation(_ROWS)] + noise) @ rotation(random, _WIDTH)


def same_spectrum(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """As `same_rows`, but the control has exactly the singular values of the right side that shares the rows."""
    here, elsewhere = latents(random, _ROWS, _WIDTH, False)
    right = here[random.permutation(_ROWS)] + 0.5 * random.normal(size=(_ROWS, _WIDTH))
    return here, right if shared else _with_spectrum_of(right, elsewhere)


def turned_spectrum(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """As `turned_rows`, of 60 rows in width 6, but the control has exactly the singular values of the right side."""
    rows, width = 60, 6
    here, elsewhere = latents(random, rows, width, False)
    right = here[random.permutation(rows)] + 0.1 * random.normal(size=(rows, width))
    return here, (right if shared else _with_spectrum_of(right, elsewhere)) @ rotation(random, width)


def _with_spectrum_of(right: Points, other: Points) -> Points:
    """Other points with the singular values of the right ones."""
    left_vectors, _, right_vectors = np.linalg.svd(other, full_matrices=False)
    values = np.linalg.svd(right, compute_uv=False)
    return np.asarray(left_vectors * values @ right_vectors, dtype=np.float64)
