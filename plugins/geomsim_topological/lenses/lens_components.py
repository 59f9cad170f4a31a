"""The lens of principal components, for small clouds a thousand times over and for a million rows once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.rows.row_order import CentredCloud, tiles

Floats = NDArray[np.float64]

# Singular values below this share of the first are the rounding of float32 points, no direction of the cloud.
_RANK = 1e-6
# Singular values closer than this span a plane in which no direction is more principal than another.
_TIE = 1e-6
# Up to here all eigenvectors are found as fast as the first few.
_SMALL = 64


@dataclass(frozen=True)
class PrincipalComponents:
    """The scores of the rows on the first `components` principal components; fewer where the rank is lower.

    Columns are in the units of the points. Each points to its longer tail (its scores have positive skewness), so that
    rotated and reordered copies get the same scores; where a column is symmetric, its largest loading is positive. A
    sign only changes the order in which a graph's nodes are numbered. Equal rows get equal scores, and the scores do
    not depend on the order of the rows, to the last bit.

    From the eigenvectors of the rows' or the columns' products, whichever are fewer, which are summed in tiles of
    float64; no such copy of all points is made. Directions whose singular value is below a millionth of the first
    count as rounding.

    Warns where two of the first components have equal variance: their directions are arbitrary. Raises DegenerateSpace
    where all rows are equal, and GeomsimError for points that are not finite or not (rows, width).

    >>> PrincipalComponents(1)(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])).ravel().round(3).tolist()
    [-1.667, 3.333, -1.667]
    """

    components: int = 2

    def __post_init__(self) -> None:
        """Check the parameter."""
        if self.components < 1:
            raise GeomsimError(f"components is at least 1, got {self.components}")

    def __call__(self, points: NDArray[Any]) -> Floats:
        """Scores, (rows, components)."""
        cloud = CentredCloud.of(points)
        singular, directions = _principal(cloud, self.components + 1)
        shape = cloud.cloud.shape
        floor = max(_RANK * float(singular[0]), np.finfo(np.float64).eps * max(shape) * cloud.largest)
        rank = int((singular > floor).sum())
        if rank == 0:
            raise DegenerateSpace(
                "all rows are equal, so there is no component to look through; look where they come from"
            )
        self._warn_of_ties(singular[:rank])
        directions = np.ascontiguousarray(directions[: min(self.components, rank)])
        scores = np.empty((shape[0], len(directions)))
        for tile in tiles(*shape):
            rows = cloud.centred(tile)
            for column, direction in enumerate(directions):
                # Row by row, so that equal rows get equal scores; a matrix product treats its last rows differently.
                scores[tile, column] = np.einsum("ij,j->i", rows, direction)
        for column, direction in enumerate(directions):
            scores[:, column] *= sign_to_longer_tail(scores[cloud.order, column], direction) * cloud.unit
        return scores

    def _warn_of_ties(self, singular: Floats) -> None:
        tied = np.flatnonzero(-np.diff(singular) <= _TIE * singular[0])
        if len(tied):
            first = int(tied[0]) + 1
            warnings.warn(
                f"principal components {first} and {first + 1} have equal variance, so their directions are arbitrary "
                "and the graph depends on rounding: use another number of components, or another lens",
                GeomsimWarning,
                stacklevel=3,
            )


def _principal(cloud: CentredCloud, count: int) -> tuple[Floats, Floats]:
    """The largest singular values of the centred cloud, falling, and the direction of each as a row."""
    n_rows, width = cloud.cloud.shape
    if width <= n_rows:
        products = np.zeros((width, width))
        for rows in cloud.canonical_tiles():
            products += rows.T @ rows
        values, vectors = _largest_eigenvectors(products, count)
        return values, vectors.T
    products = np.zeros((n_rows, n_rows))
    for columns in tiles(width, n_rows):
        block = cloud.columns(columns)
        products += block @ block.T
    values, vectors = _largest_eigenvectors(products, count)
    directions = np.empty((len(values), width))
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
    for columns in tiles(width, n_rows):
        directions[:, columns] = (vectors * inverse).T @ cloud.columns(columns)
    return values, directions


def _largest_eigenvectors(products: Floats, count: int) -> tuple[Floats, Floats]:
    """Roots of the largest eigenvalues, falling, and their eigenvectors as columns."""
    size = len(products)
    count = min(count, size)
    if size <= _SMALL:
        values, vectors = np.linalg.eigh(products)
        values, vectors = values[size - count :], vectors[:, size - count :]
    else:
        from scipy.linalg import eigh

        values, vectors = eigh(products, subset_by_index=[size - count, size - 1])
    return np.sqrt(np.maximum(values[::-1], 0.0)), vectors[:, ::-1]


def sign_to_longer_tail(scores: Floats, loadings: Floats) -> float:
    """1 where scores are skewed to the right, -1 to the left; where to neither, the sign of the largest loading.

    >>> sign_to_longer_tail(np.array([1.0, 1.0, -2.0]), np.array([1.0]))
    -1.0
    """
    largest = np.abs(scores).max()
    if not largest:
        return 1.0
    parts = scores / largest  # no cube leaves the range of numbers
    cubes = parts * parts * parts  # many times faster than a power
    if abs(cubes.sum()) > 1e-9 * np.abs(cubes).sum():
        return float(np.sign(cubes.sum()))
    return float(np.sign(loadings[np.argmax(np.abs(loadings))]))
