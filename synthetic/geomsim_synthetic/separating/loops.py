"""A circle on both sides, or on one side only, with everything that second moments can see held equal.

Rows do not correspond. Left and right rows lie in a plane of `WIDTH` dimensions, on a circle with noise in all of
them. In the control the right rows fill the disc instead. Both right sides have the same sample mean and the same
sample covariance, to rounding: each cloud is mapped onto them linearly, which leaves loops loops.
"""

from __future__ import annotations

import numpy as np

from geomsim_synthetic.separating.corresponding import rotation
from geomsim_synthetic.separating.levelling import levelled
from geomsim_synthetic.separating.setting import Points

ROWS = 150
WIDTH = 10
#: Length of the mean row. As in activations, it is not zero; it has another direction on each side.
OFFSET = 2.0


def clean_circle(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """Noise of standard deviation .05 in each dimension, for a circle of radius 1."""
    return circles(random, shared, 0.05)


def noisy_circle(random: np.random.Generator, shared: bool) -> tuple[Points, Points]:
    """Noise of standard deviation .13 in each dimension: rows lie .4 away from the circle."""
    return circles(random, shared, 0.13)


def circles(random: np.random.Generator, shared: bool, noise: float) -> tuple[Points, Points]:
    """A circle on the left, and on the right a circle where `shared`, else a disc of the same mean and covariance."""
    left = in_space(on_circle(random), random, noise)
    circle = in_space(on_circle(random), random, noise)
    disc = in_space(in_disc(random), random, noise)
    left_basis, right_basis = rotation(random, WIDTH), rotation(random, WIDTH)
    return left @ left_basis, (circle if shared else disc) @ right_basis


def on_circle(random: np.random.Generator) -> Points:
    """(rows, 2) points at random angles, at distance 1."""
    angle = random.uniform(0.0, 2.0 * np.pi, ROWS)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def in_disc(random: np.random.Generator) -> Points:
    """(rows, 2) points all over a disc, with the mean square distance 1 from its centre.

    The density grows as the cube of the distance from the centre, so the disc is full but thinner in the middle. The
    distances of rows, on which the chance level of distance correlation depends, are then distributed nearly as on
    the circle.
    """
    distance = random.uniform(size=ROWS) ** 0.2 * np.sqrt(1.4)
    disc: Points = on_circle(random) * distance[:, None]
    return disc


def in_space(plane: Points, random: np.random.Generator, noise: float) -> Points:
    """Points of the plane with noise in all dimensions, mapped linearly to the mean and covariance of their law.

    The mean is `OFFSET` along the last axis; the variances are 1/2 + noise^2 in the plane and noise^2 elsewhere.
    """
    points = noise * random.normal(size=(ROWS, WIDTH))
    points[:, :2] += plane
    variances = noise**2 + 0.5 * (np.arange(WIDTH) < 2)
    offset = OFFSET * (np.arange(WIDTH) == WIDTH - 1)
    return np.asarray(levelled(points, variances) + offset, dtype=np.float64)
