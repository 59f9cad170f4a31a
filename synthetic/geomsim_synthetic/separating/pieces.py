"""A sheet on both sides, or two lumps with a bridge, against clouds that have only their mean and covariance.

Rows do not correspond, sides are in bases of their own, and all clouds of a setting have one mean and one covariance,
exactly. What is left is how the rows hang together.
"""

from __future__ import annotations

import numpy as np

from geomsim_synthetic.separating.corresponding import rotation
from geomsim_synthetic.separating.levelling import levelled
from geomsim_synthetic.separating.setting import Points

_WIDTH = 6
_SHEET_ROWS, _DEGREE = 150, 3
_BRIDGE_ROWS, _ON_BRIDGE = 200, 0.2


def sheet(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """A smooth surface in six dimensions on each side, another one on either; in the control the right is Gaussian."""
    left, right, control = _surface(random), _surface(random), random.normal(size=(_SHEET_ROWS, _WIDTH))
    return _in_bases_of_their_own(random, left, right if shared else control, np.ones(_WIDTH))


def bridge(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """Two lumps joined by a thin bridge of rows on each side; in the control the right side is one long Gaussian."""
    left, right, control = _dumbbell(random), _dumbbell(random), random.normal(size=(_BRIDGE_ROWS, _WIDTH))
    variances = np.where(np.arange(_WIDTH) == 0, 1.0, 0.1)
    return _in_bases_of_their_own(random, left, right if shared else control, variances)


def _in_bases_of_their_own(
    random: np.random.Generator, left: Points, right: Points, variances: Points
) -> tuple[Points, Points]:
    turns = [rotation(random, _WIDTH) for _ in range(2)]
    return levelled(left, variances) @ turns[0], levelled(right, variances) @ turns[1]


def _surface(random: np.random.Generator) -> Points:
    """Random polynomials of two random coordinates, each of degree three at most, with a little noise."""
    first, second = (
        np.polynomial.legendre.legvander(random.uniform(-1.0, 1.0, _SHEET_ROWS), _DEGREE)
        * np.sqrt(2.0 * np.arange(_DEGREE + 1) + 1.0)
        for _ in range(2)
    )
    products = np.einsum("ij,ik->ijk", first, second).reshape(_SHEET_ROWS, -1)[:, 1:]  # the first is constant
    points = products @ random.normal(size=(products.shape[1], _WIDTH))
    return np.asarray(points + 0.1 * random.normal(size=points.shape), dtype=np.float64)


def _dumbbell(random: np.random.Generator) -> Points:
    """Lumps around -2 and 2 on the first axis with deviation .3; one row in five lies evenly between, with .03."""
    on_bridge = random.uniform(size=_BRIDGE_ROWS) < _ON_BRIDGE
    between, ends = random.uniform(-2.0, 2.0, _BRIDGE_ROWS), random.choice([-2.0, 2.0], _BRIDGE_ROWS)
    points = np.where(on_bridge, 0.03, 0.3)[:, None] * random.normal(size=(_BRIDGE_ROWS, _WIDTH))
    points[:, 0] += np.where(on_bridge, between, ends)
    return np.asarray(points, dtype=np.float64)
