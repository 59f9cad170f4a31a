"""Lenses: what a Mapper graph looks at the points through, a few numbers per row."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import DegenerateSpace, GeomsimError
from geomsim_topological.lenses.lens_columns import Coordinate as Coordinate
from geomsim_topological.lenses.lens_columns import Norm as Norm
from geomsim_topological.lenses.lens_columns import Projection as Projection
from geomsim_topological.lenses.lens_components import PrincipalComponents as PrincipalComponents
from geomsim_topological.lenses.lens_density import Density as Density
from geomsim_topological.lenses.lens_eccentricity import Eccentricity as Eccentricity
from geomsim_topological.lenses.lens_umap import Umap as Umap

Floats = NDArray[np.float64]
Lens = Callable[[NDArray[Any]], ArrayLike] | ArrayLike | tuple["Lens", ...]
"""A function of the points, or its values: (rows,) or (rows, dimensions); or a tuple of these, side by side."""


def lens_values(lens: Lens, points: NDArray[Any]) -> Floats:
    """The values of a lens on points, (rows, dimensions), in float64.

    A tuple of lenses gives the columns of each in turn; only a tuple of plain numbers is an array of values.

    Raises GeomsimError for values of the wrong shape or not finite, and DegenerateSpace for a constant column, which
    would put every row into every interval.

    >>> lens_values((Norm(), Coordinate(0)), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[5.0, 3.0], [1.0, 0.0]]
    """
    if isinstance(lens, tuple) and not all(isinstance(each, Number) for each in lens):
        values = np.hstack([_columns(each, points) for each in _flat(lens)])
    else:
        values = _columns(lens, points)
    broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(broken):
        raise GeomsimError(f"the lens is not finite on {len(broken)} rows, first on row {broken[0]}")
    constant = np.flatnonzero(values.max(axis=0) == values.min(axis=0))
    if len(constant):
        raise DegenerateSpace(
            f"lens column {constant[0]} is the same on all {len(values)} rows and separates nothing: leave it out"
        )
    return values


def _flat(lens: Any) -> list[Any]:
    """The lenses in a tuple, and in tuples in it."""
    if isinstance(lens, tuple) and not all(isinstance(each, Number) for each in lens):
        return [inner for each in lens for inner in _flat(each)]
    return [lens]


def _columns(lens: Any, points: NDArray[Any]) -> Floats:
    if isinstance(lens, str):
        raise GeomsimError(
            f"a lens is a function of the points or its values, got {lens!r}: use PrincipalComponents(2), Density(), "
            "Norm(), Eccentricity(), Umap() or one of your own"
        )
    found = lens(points) if callable(lens) else lens
    values = np.asarray(found.detach().cpu() if hasattr(found, "detach") else found, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or len(values) != len(points) or not values.shape[1]:
        raise GeomsimError(
            f"a lens gives (rows,) or (rows, dimensions) for {len(points)} rows, got an array of shape {values.shape}"
        )
    return values
