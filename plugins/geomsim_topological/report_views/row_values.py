"""Numbers of each row by which the nodes of a graph are coloured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.lenses.lens import Density

Floats = NDArray[np.float64]

_NEIGHBOUR = 10
# Distances of all rows to all others take ten seconds at 20,000 rows, and four times that at twice as many.
_DENSITY_ROWS = 20_000
_ORDINALS = ("first", "second", "third")


def lens_columns(lens: Floats, what: str) -> dict[str, Floats]:
    """The columns of a lens by name, such as "first principal component"; a single one bears the name alone.

    >>> list(lens_columns(np.zeros((3, 2)), "principal component"))
    ['first principal component', 'second principal component']
    """
    named = [f"{_ORDINALS[k]} {what}" if k < len(_ORDINALS) else f"{what} {k + 1}" for k in range(lens.shape[1])]
    return dict(zip(named if len(named) > 1 else [what], lens.T, strict=True))


def density_column(cloud: NDArray[Any], side: str) -> tuple[dict[str, Floats], list[str]]:
    """The log-density of each row by its name, or nothing and why.

    It is minus the logarithm of the distance to the tenth nearest other row
    (:class:`geomsim_topological.lenses.lens.Density`), or to the last where there are fewer.
    """
    if len(cloud) > _DENSITY_ROWS:
        note = f"{side}: nodes of more than {_DENSITY_ROWS:,} rows are not coloured by density, which would take long"
        return {}, [note]
    k = min(_NEIGHBOUR, len(cloud) - 1)
    try:
        values = Density(k)(cloud)
    except GeomsimError as error:
        return {}, [f"{side}: nodes are not coloured by density: {error}"]
    return {f"density (minus the log of the distance to neighbour {k})": values}, []
