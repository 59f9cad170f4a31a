"""Pairs of clouds that share nothing, as data come: heavy tails, ties, sparse codes, few rows, documents.

Most have sides of unequal widths; with `equal_widths` both are as wide as the left one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ROWS = 40


@dataclass(frozen=True)
class Data:
    """Both sides, and what `geomsim.compare` is told beside them."""

    left: Array
    right: Array
    options: Mapping[str, Any]


def cloud(random: np.random.Generator, rows: int, width: int) -> Array:
    """Axes of falling spread in any direction, rows with the tails of Student's t with 3 degrees of freedom, a mean."""
    axes = np.linalg.qr(random.normal(size=(width, width)))[0]
    lengths = np.sqrt(3 / random.chisquare(3, size=(rows, 1)))
    points: Array = random.normal(size=(rows, width)) / np.arange(1, width + 1) @ axes * lengths
    return points + random.normal(size=width)


def gaussian(random: np.random.Generator, equal_widths: bool = False) -> Data:
    """Normal rows of any covariance."""
    left, right = (random.normal(size=(ROWS, 6)) @ random.normal(size=(6, 6)) for _ in range(2))
    return Data(left, right, {})


def heavy_tailed(random: np.random.Generator, equal_widths: bool = False, *, rows: int = ROWS) -> Data:
    """Some rows are far away from all others."""
    return Data(cloud(random, rows, 6), cloud(random, rows, 6 if equal_widths else 9), {})


def codes(random: np.random.Generator, rows: int, width: int, fires: float) -> Array:
    """Rows of codes: each latent fires with probability `fires` and a strength of its own; two fire in every row."""
    fired = random.random((rows, width)) < fires
    fired |= random.random((rows, width)).argsort(axis=1) < 2
    return fired * random.exponential(size=(rows, width))


def sparse(random: np.random.Generator, equal_widths: bool = False) -> Data:
    """Codes: most entries are 0, the others positive."""
    return Data(codes(random, ROWS, 16, 0.15), codes(random, ROWS, 16 if equal_widths else 20, 0.15), {})


def few_rows(random: np.random.Generator, equal_widths: bool = False) -> Data:
    """Fewer rows than columns."""
    return Data(cloud(random, 24, 30), cloud(random, 24, 30 if equal_widths else 40), {})


def tied(random: np.random.Generator, equal_widths: bool = False) -> Data:
    """In float32, entries rounded, and a quarter of the rows copies of others, elsewhere on each side."""
    sides = []
    for width in (6, 6 if equal_widths else 9):
        points = np.round(8 * cloud(random, ROWS, width)) / 8
        places = random.permutation(ROWS)
        points[places[:10]] = points[places[10:20]]
        sides.append(points.astype(np.float32))
    return Data(sides[0], sides[1], {})


def documents(random: np.random.Generator, equal_widths: bool = False, *, lengths: tuple[int, ...] = (5,) * 12) -> Data:
    """Tokens that resemble the others of their document, on both sides, and nothing else in common."""
    groups = np.repeat(np.arange(len(lengths)), lengths)
    widths = (6, 6 if equal_widths else 9)
    left, right = (cloud(random, len(lengths), w)[groups] + 0.3 * cloud(random, len(groups), w) for w in widths)
    return Data(left, right, {"groups": groups})


def noise(random: np.random.Generator, equal_widths: bool = False) -> Data:
    """White noise on the right: the hypothesis of the random baseline."""
    return Data(cloud(random, ROWS, 6), 3 * random.normal(size=(ROWS, 6)), {})


PAIRED: Mapping[str, Callable[[np.random.Generator, bool], Data]] = {
    "gaussian": gaussian, "heavy-tailed": heavy_tailed, "sparse": sparse, "fewer rows than columns": few_rows,
    "duplicated rows": tied, "documents moved whole": documents,
}  # fmt: skip
"""For metrics of paired rows, whose null reorders them."""

UNPAIRED: Mapping[str, Callable[[np.random.Generator, bool], Data]] = {
    "spectrum-matched": gaussian,
    "random-baseline": noise,
}
"""For metrics of unpaired rows, by the null whose hypothesis holds."""
