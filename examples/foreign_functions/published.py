"""Three similarity functions as they are often published, each with a fault; written for this example.

All take two arrays of shape (rows, width) whose rows correspond, and return a number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]


def svcca_of_one_component(x: Points, y: Points, threshold: float = 0.99) -> float:
    """SVCCA whose cut compares shares of the variance with a share of the variance itself.

    The cumulative shares end at 1, and `threshold` times the variance is more than that where the variance is. No
    component then reaches the cut, `argmax` of nothing but False is 0, and one component is kept: the score is
    |corr(PC1, PC1')|.
    """

    def leading(points: Points) -> Points:
        centred = points - points.mean(axis=0)
        u, s, _ = np.linalg.svd(centred, full_matrices=False)
        variance = s**2
        shares = variance.cumsum() / variance.sum()
        kept = int(np.argmax(shares >= threshold * variance.sum())) + 1  # the fault
        return u[:, :kept]

    return float(np.linalg.svd(leading(x).T @ leading(y), compute_uv=False).mean())


def cka_with_epsilon(x: Points, y: Points, epsilon: float = 1e-8) -> float:
    """Linear CKA of covariances, with a constant in the denominator that does not know the unit of the points."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    rows = len(x) - 1

    def hsic(first: Points, second: Points) -> float:
        return float(np.linalg.norm(first.T @ second / rows) ** 2)

    return hsic(x, y) / (float(np.sqrt(hsic(x, x) * hsic(y, y))) + epsilon)  # the fault


def neighbour_jaccard_with_self(x: Points, y: Points, k: int = 10) -> float:
    """Mean Jaccard index of the k nearest rows, the row itself among them: its distance of 0 makes it the first."""

    def nearest(points: Points) -> list[set[int]]:
        squared = (points**2).sum(axis=1)
        distances = squared[:, None] + squared - 2 * points @ points.T
        return [set(row) for row in np.argsort(distances, axis=1, kind="stable")[:, :k].tolist()]  # the fault

    both = zip(nearest(x), nearest(y), strict=True)
    return float(np.mean([len(first & second) / len(first | second) for first, second in both]))
