"""Clouds whose first two moments are what they should be, so that nothing else is left to see."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from geomsim_synthetic.separating.setting import Points


def levelled(points: Points, variances: ArrayLike) -> Points:
    """Points (rows, width) mapped linearly, so that columns have mean 0, these variances, and no correlation.

    Exact in the sample, to rounding; a linear map leaves loops, branches and sheets what they are.

    >>> found = levelled(np.random.default_rng(0).normal(size=(9, 2)), np.array([1.0, 4.0]))
    >>> np.allclose(found.mean(axis=0), 0.0), np.allclose(found.T @ found / 9, np.diag([1.0, 4.0]))
    (True, True)
    """
    centred = points - points.mean(axis=0)
    spread, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    whitened = centred @ (axes / np.sqrt(spread)) @ axes.T
    return np.asarray(whitened * np.sqrt(variances), dtype=np.float64)
