"""UMAP as a lens, with a seed and one thread."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError
from geomsim_topological.lenses.lens_components import sign_to_longer_tail
from geomsim_topological.rows.row_order import CentredCloud

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Umap:
    """The UMAP embedding of the rows (McInnes, Healy and Melville 2018), computed by the package umap-learn.

    Its axes, scale and zero mean nothing, and it may tear what is joined: look through it, but let the clusters of the
    points decide.

    The seed is fixed and one thread works, so the same rows give the same values on the same machine. umap-learn's own
    embedding depends on the order of the rows; here different rows are embedded, in an order that follows from their
    values, so that reordered rows get the same values and equal rows equal ones. Each column is centred and points to
    its longer tail. The values do depend on the versions of umap-learn and of numba.

    Parameters
    ----------
    components
        columns.
    neighbours
        rows whose distances each row keeps; more shows the whole, fewer the parts.
    min_distance
        how near the embedding may put rows; umap-learn's ``min_dist``, from 0 to 1, its unit of length.
    seed
        of the random numbers.

    Raises GeomsimError where umap-learn is not installed, and for no more different rows than neighbours.
    """

    components: int = 2
    neighbours: int = 15
    min_distance: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.components < 1:
            raise GeomsimError(f"components is at least 1, got {self.components}")
        if self.neighbours < 2:
            raise GeomsimError(f"neighbours is at least 2, got {self.neighbours}")
        if not 0 <= self.min_distance <= 1:
            raise GeomsimError(f"min_distance is from 0 to 1, got {self.min_distance}")

    def __call__(self, points: NDArray[Any]) -> Floats:
        """The embedding, (rows, components)."""
        cloud = CentredCloud.of(points)
        different, places, _ = cloud.distinct()
        least = max(self.neighbours, self.components + 1)
        if len(different) <= least:
            raise GeomsimError(
                f"UMAP with {self.neighbours} neighbours and {self.components} components needs more than {least} "
                f"different rows, and there are {len(different)}: use fewer of them, or another lens"
            )
        embedding = np.asarray(self._embed(cloud.exact(different).astype(np.float32)), dtype=np.float64)
        embedding -= embedding.mean(axis=0)
        signs = [sign_to_longer_tail(column, np.ones(1)) for column in embedding.T]
        return np.ascontiguousarray((embedding * signs)[places])

    def _embed(self, rows: NDArray[np.float32]) -> Any:
        with warnings.catch_warnings():
            for noise in (FutureWarning, DeprecationWarning, PendingDeprecationWarning, ImportWarning):
                warnings.simplefilter("ignore", noise)
            try:
                umap = importlib.import_module("umap")
            except ImportError:
                raise GeomsimError("the lens Umap needs the package umap-learn: pip install umap-learn") from None
            return umap.UMAP(
                n_components=self.components,
                n_neighbors=self.neighbours,
                min_dist=self.min_distance,
                random_state=self.seed,
                n_jobs=1,  # it warns where a seed meets more
            ).fit_transform(rows)
