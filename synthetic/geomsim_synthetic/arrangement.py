"""How directions lie in a network: at random, carried between widths by an isometry, turned a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Singular values below this share of the largest are rounding.
_RANK = 1e-9


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


def perpendicular_together(rows: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """For each row one at right angles to it and of its length, such that turning all towards them keeps distances.

    ``rows @ J`` with a random ``J = -J.T`` whose ``-J @ J`` is the identity on the rows: ``cos(t) rows + sin(t) rows @
    J`` has the inner products of ``rows`` for every angle t. Rows of one span get one J from equal generators. Rows
    that fill all of an odd number of dimensions have no J; they raise ValueError.

    >>> rows = np.array([[1.0, 0.0, 0.0], [3.0, 4.0, 0.0]])
    >>> aside = perpendicular_together(rows, np.random.default_rng(0))
    >>> np.allclose((rows * aside).sum(axis=1), 0.0), np.allclose(aside @ aside.T, rows @ rows.T)
    (True, True)
    """
    width = rows.shape[1]
    columns = generator.standard_normal((width, width))
    if width % 2:
        # J pairs dimensions: the one that is left over must be none of the rows'.
        _, sizes, axes = np.linalg.svd(rows)
        unused = axes[int((sizes > _RANK * sizes[0]).sum()) :]
        if not len(unused):
            raise ValueError(f"rows that fill all of {width} dimensions cannot be turned together")
        columns[:, 0] = columns[:, 0] @ unused.T @ unused
    basis = np.linalg.qr(columns)[0][:, width % 2 :]
    quarter_turns = np.kron(np.eye(width // 2), [[0.0, 1.0], [-1.0, 0.0]])
    aside: NDArray[np.float64] = rows @ basis @ quarter_turns @ basis.T
    return aside


def leaning(rows: NDArray[np.float64], asides: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Rows turned by arctan(amount) towards others that are perpendicular to them and as long; lengths stay."""
    new: NDArray[np.float64] = (rows + amount * asides) / np.sqrt(1.0 + amount**2)
    return new


def turned(rows: NDArray[np.float64], generator: np.random.Generator, amount: float) -> NDArray[np.float64]:
    """Each row turned by arctan(amount) towards a random side: cosine 1/sqrt(1 + amount²) with what it was.

    >>> rows = random_directions(np.random.default_rng(0), 3, 5)
    >>> (rows * turned(rows, np.random.default_rng(1), amount=0.75)).sum(axis=1)
    array([0.8, 0.8, 0.8])
    """
    return leaning(rows, perpendicular(rows, generator), amount)


def same_covariance(rows: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Other rows with the same mean and covariance: a random rotation among rows that leaves (1, ..., 1) in place.

    >>> rows = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0], [4.0, 4.0]])
    >>> other = same_covariance(rows, np.random.default_rng(0))
    >>> np.allclose(np.cov(other.T), np.cov(rows.T)), np.allclose(other, rows)
    (True, False)
    """
    n = len(rows)
    basis = np.linalg.qr(np.column_stack([np.ones(n), generator.standard_normal((n, n - 1))]))[0][:, 1:]
    mixed = basis @ random_isometry(generator, n - 1, n - 1) @ basis.T
    other: NDArray[np.float64] = rows.mean(axis=0) + mixed @ (rows - rows.mean(axis=0))
    return other
