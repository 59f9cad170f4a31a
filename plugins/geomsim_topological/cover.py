"""Covers: overlapping sets of rows whose lens values are close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError


@dataclass(frozen=True)
class Cubes:
    r"""Equal boxes on a grid over the lens values, `n` to each dimension, closed on all sides.

    With range R of a dimension, the centres are R / n apart and a box reaches R / (2 n (1 - overlap)) to each side, so
    that `overlap` is the share of a box that its neighbour covers. This is the definition of kmapper (and of Carrière,
    Michel and Oudot 2018), which computes it.
    """

    n: int = 10
    overlap: float = 0.5

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.n < 1:
            raise GeomsimError(f"a cover needs at least 1 cube to each dimension, got n={self.n}")
        if not 0 <= self.overlap < 1:
            raise GeomsimError(
                f"overlap is the share of a cube in its neighbour, from 0 to below 1, got {self.overlap}"
            )

    def to_kmapper(self) -> Any:
        """The same cover as a ``kmapper.Cover``."""
        import kmapper

        return kmapper.Cover(n_cubes=self.n, perc_overlap=self.overlap)

    def sets(self, values: NDArray[np.float64]) -> list[NDArray[np.int64]]:
        """The rows of each box that holds any; `values` are those of the lens, (rows, dimensions)."""
        numbered = np.c_[np.arange(len(values)), values]
        return [box[:, 0].astype(np.int64) for box in self.to_kmapper().fit_transform(numbered)]
