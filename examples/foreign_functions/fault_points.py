"""Data on which the three faults show, made from seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def shared_directions(seed: int = 47) -> tuple[Points, Points]:
    """1,000 rows of ten latent directions, which both sides see in a mixture of their own, of width 64."""
    random = np.random.default_rng(seed)
    latents = random.normal(size=(1000, 10))
    return latents @ random.normal(size=(10, 64)), latents @ random.normal(size=(10, 64))


def noisy_copies(seed: int = 0) -> tuple[Points, Points]:
    """500 rows of ten features, each side with noise of its own, in units in which one feature spreads by half."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(500, 10))
    left, right = (0.42 * (features + 0.55 * random.normal(size=features.shape)) for _ in range(2))
    return left, right


def crossed_clusters(clusters: int = 16, seed: int = 0) -> tuple[Points, Points]:
    """Rows (a, b) for all a and b: left, rows of one a lie close together; right, rows of one b.

    Two rows that are close on both sides have both numbers in common, so every row shares none but itself.
    """
    random = np.random.default_rng(seed)
    first, second = np.divmod(np.arange(clusters**2), clusters)
    left, right = (
        random.normal(size=(clusters, 12))[cluster] + 1e-3 * random.normal(size=(clusters**2, 12))
        for cluster in (first, second)
    )
    return left, right
