"""Clouds of points whose shape is known."""

from __future__ import annotations

import numpy as np


def circle(n, centre=0.0, noise=0.0, seed=0):
    """n points around (centre, 0), evenly spaced along the unit circle, with noise of a standard deviation."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    exact = np.column_stack([np.cos(angle) + centre, np.sin(angle)])
    return exact + noise * np.random.default_rng(seed).normal(size=exact.shape)


def tree_of_three_arms(n):
    """A Y: 3 n points, one arm down and two up, and the arm of each point."""
    steps = np.linspace(0, 1, n)[:, None]
    arms = ([0.0, -1.0], [0.7, 0.7], [-0.7, 0.7])
    return np.concatenate([steps * arm for arm in arms]), np.repeat(np.arange(3), n)
