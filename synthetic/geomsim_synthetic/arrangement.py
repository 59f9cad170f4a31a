"""How directions lie in a network: at random, carried between widths by an isometry, turned a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random_directions(generator: np.random.Generator, n_rows: int, width: int) -> NDArray[np.float64]:
    """Rows drawn uniformly from the unit sphere, shape (n_rows, width).

    >>> rows = random_directions(np.random.default_rng(0), 3, 5)
    >>> np.allclose(np.linalg.norm(rows, axis=1), 1.0)
    True
    """
    rows = generator.standard_normal((n_rows, width))
    unit_rows: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit_rows


def random_isometry(generator: np.random.Generator, from_width: int, to_width: int) -> NDArray[np.float64]:
    """A map ``Q`` of shape (from_width, to_width) with ``Q @ Q.T == 1``, uniform (Haar) among all such maps.

    ``rows @ Q`` has the inner products of ``rows``; ``to_width`` must be no smaller than ``from_width``.
    Mezzadri (2007), "How to generate random matrices from the classical compact groups".

    >>> Q = random_isometry(np.random.default_rng(0), 3, 5)
    >>> np.allclose(Q @ Q.T, np.eye(3))
    True
    """
    basis, triangle = np.linalg.qr(generator.standard_normal((to_width, from_width)))
    # LAPACK fixes the signs of the columns in its own way, which is not uniform; these signs make it so.
    isometry: NDArray[np.float64] = (basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)).T
    return isometry


def perpendicular(rows: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """For each row a random one at right angles to it and of its length.

    >>> aside = perpendicular(np.array([[3.0, 0.0]]), np.random.default_rng(0))
    >>> np.abs(aside)
    array([[0., 3.]])
    """
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / length
    aside = generator.standard_normal(rows.shape)
    aside -= (aside * unit).sum(axis=1, keepdims=True) * unit
    scaled: NDArray[np.float64] = aside * (length / np.linalg.norm(aside, axis=1, keepdims=True))
    return scaled


def turned(directions: NDArray[np.float64], generator: np.random.Generator, amount: float) -> NDArray[np.float64]:
    """Each unit row turned by arctan(amount) towards a random row orthogonal to it: cosine 1/sqrt(1 + amount²).

    >>> rows = random_directions(np.random.default_rng(0), 3, 5)
    >>> (rows * turned(rows, np.random.default_rng(1), amount=0.75)).sum(axis=1)
    array([0.8, 0.8, 0.8])
    """
    new: NDArray[np.float64] = (directions + amount * perpendicular(directions, generator)) / np.sqrt(1.0 + amount**2)
    return new
