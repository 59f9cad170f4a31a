"""Random clouds of points: normal matrices, and copies of a cloud that keep its shape up to orientation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geomsim.errors import InapplicableNull

if TYPE_CHECKING:
    from torch import Tensor

_MANY = 64  # columns from which on the condition of a normal matrix hardly varies


def normal(random: np.random.Generator, rows: int, width: int, like: Tensor) -> Tensor:
    """Independent standard normal numbers in float64, drawn on the CPU and moved to the device of `like`."""
    import torch

    return torch.from_numpy(random.standard_normal((rows, width))).to(like.device)


def orthonormal(matrix: Tensor) -> Tensor:
    """Q of matrix = Q R with a positive diagonal of R, the same on every device; (rows, columns), rows >= columns.

    The matrix is standard normal, with its columns centred or not; then Q is uniformly distributed (Mezzadri 2007).
    """
    import torch

    rows, columns = matrix.shape
    if columns >= _MANY and rows >= 2 * columns:
        # The condition number of a normal matrix of this shape is about 6 at most: Cholesky is as exact, and faster.
        lower = torch.linalg.cholesky(matrix.T @ matrix)
        transposed: Tensor = torch.linalg.solve_triangular(lower, matrix.T, upper=False)
        return transposed.T
    basis: Tensor
    basis, upper = torch.linalg.qr(matrix)
    return basis * torch.where(upper.diagonal() < 0, -1.0, 1.0).to(basis.dtype)


@dataclass(frozen=True)
class Shape:
    """What a cloud X (n, d) is up to orientation and the arrangement of its rows, from X - mean = U diag(s) V'.

    `singular` holds s (r,), cut at the rank; `centre` the mean in the axes V, followed by its length outside of them
    where r < d.
    """

    n_rows: int
    width: int
    singular: Tensor
    centre: Tensor

    @classmethod
    def of(cls, points: Tensor, side: str) -> Shape:
        """The shape of a cloud. Raises InapplicableNull where all rows are equal."""
        import torch

        points = points.double()
        unit = _unit(points)
        points = points / unit
        n_rows, width = points.shape
        mean = points.mean(0)
        _, singular, axes = torch.linalg.svd(points - mean, full_matrices=False)
        floor = torch.finfo(singular.dtype).eps * max(n_rows, width)
        # Rows that are equal differ from their mean by rounding, which is no shape.
        rank = 0 if singular[0] <= floor * points.norm() else int((singular > floor * singular[0]).sum())
        rank = min(rank, n_rows - 1)
        if rank == 0:
            raise InapplicableNull(f"all {n_rows} rows of the {side} side are equal: there is no covariance to match")
        centre = axes[:rank] @ mean
        if rank < width:
            outside = (mean - axes[:rank].T @ centre).norm()
            centre = torch.cat([centre, outside[None]])
        return cls(n_rows, width, singular[:rank] * unit, centre * unit)

    def cloud(self, random: np.random.Generator, turned: bool) -> Tensor:
        """A normal cloud, given that it has this shape: U uniform among orthonormal columns of sum 0; float64.

        With `turned` the axes V, and the mean with them, point anywhere; else along the first columns.
        """
        import torch

        rank = len(self.singular)
        rows = normal(random, self.n_rows, rank, self.singular)
        coordinates = orthonormal(rows - rows.mean(0)) * self.singular
        coordinates = torch.nn.functional.pad(coordinates, (0, len(self.centre) - rank)) + self.centre
        if turned:
            return coordinates @ orthonormal(normal(random, self.width, len(self.centre), self.singular)).T
        return torch.nn.functional.pad(coordinates, (0, self.width - len(self.centre)))


def root_mean_square(points: Tensor) -> float:
    """The root of the mean of the squared entries, in float64."""
    unit = _unit(points)
    return unit * math.sqrt(float(((points.double() / unit) ** 2).mean()))


def white(random: np.random.Generator, like: Tensor, sd: float) -> Tensor:
    """Normal noise of the shape, type and device of `like`, of mean 0."""
    rows, width = like.shape
    return (sd * normal(random, rows, width, like)).to(like.dtype)


def _unit(points: Tensor) -> float:
    """A power of two near the largest entry, which loses no digits: no square of a quotient leaves range."""
    return math.ldexp(0.5, math.frexp(float(points.abs().max()))[1]) or 1.0
