"""The settings of a sweep as a grid of resolution, overlap and eps, and the regions on it where something stays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.sweep import Setting

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SettingGrid:
    """Places of settings on a grid; neighbours differ by one step along one axis."""

    resolutions: tuple[int, ...]
    overlaps: tuple[float, ...]
    eps: tuple[float | Literal["knee"], ...]
    """Numbers in ascending order, then "knee", which is next to none of them."""
    places: Integers
    """(settings, 3) the place of each along these axes."""

    @classmethod
    def of(cls, settings: Sequence[Setting]) -> Self:
        """The grid of settings, some places of which may be empty. Raises GeomsimError for none and for doubles."""
        if not settings:
            raise GeomsimError("the sweep has no settings: give it at least one resolution, overlap and eps")
        resolutions = tuple(sorted({each.n for each in settings}))
        overlaps = tuple(sorted({each.overlap for each in settings}))
        eps: tuple[float | Literal["knee"], ...]
        eps = tuple(sorted({each.eps for each in settings if not isinstance(each.eps, str)}))
        if any(isinstance(each.eps, str) for each in settings):
            eps = (*eps, "knee")
        places = np.array(
            [(resolutions.index(each.n), overlaps.index(each.overlap), eps.index(each.eps)) for each in settings],
            dtype=np.int64,
        )
        double = len(places) - len(np.unique(places, axis=0))
        if double:
            raise GeomsimError(f"{double} settings of the sweep are there twice: give each one once")
        return cls(resolutions, overlaps, eps, places)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Length of the axes."""
        return len(self.resolutions), len(self.overlaps), len(self.eps)

    def field(self, values: ArrayLike) -> NDArray[np.float64]:
        """One number per setting laid out as (resolutions, overlaps, eps); NaN where there is no setting."""
        laid = np.full(self.shape, np.nan)
        laid[tuple(self.places.T)] = values
        return laid

    def regions(self, signatures: Sequence[Hashable]) -> Integers:
        """(settings,) the number of the region of each: connected settings with equal signatures.

        The largest region is number 0; of equally large ones, that which holds the earlier setting.
        """
        names = {signature: number for number, signature in enumerate(dict.fromkeys(signatures))}
        kind = np.array([names[signature] for signature in signatures])
        spaced = self._spaced()
        steps = np.abs(spaced[:, None] - spaced[None])
        together = (steps.sum(axis=2) == 1) & (kind[:, None] == kind[None, :])
        member = sparse.csgraph.connected_components(sparse.csr_matrix(together), directed=False)[1]
        _, first, sizes = np.unique(member, return_index=True, return_counts=True)
        rank = np.empty(len(sizes), dtype=np.int64)
        rank[np.lexsort([first, -sizes])] = np.arange(len(sizes))
        return rank[member]

    def centre(self, members: Integers) -> int:
        """The setting deepest inside a region: its number among the settings.

        That with the most steps to the nearest place outside, where places beyond the ends of an axis along which the
        sweep has several values are outside too, as nobody looked there. Of equals, the one with the fewest steps to
        all members together; then fewer cubes, less overlap, smaller eps.
        """
        spaced = self._spaced()
        inside = {tuple(place) for place in spaced[members].tolist()}
        ranges = [
            range(-1, int(axis.max()) + 2) if length > 1 else range(1)
            for axis, length in zip(spaced.T, self.shape, strict=True)
        ]
        every = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
        outside = np.array([place for place in every.tolist() if tuple(place) not in inside], dtype=np.int64)
        own = spaced[members]
        depth = np.zeros(len(own), dtype=np.int64)
        if len(outside):
            depth = np.abs(own[:, None] - outside[None]).sum(axis=2).min(axis=1)
        spread = np.abs(own[:, None] - own[None]).sum(axis=(1, 2))
        return int(members[np.lexsort([*own.T[::-1], spread, -depth])[0]])

    def _spaced(self) -> Integers:
        """Places with a gap before "knee"."""
        spaced = self.places.copy()
        if self.eps[-1] == "knee" and len(self.eps) > 1:
            spaced[:, 2] += spaced[:, 2] == len(self.eps) - 1
        return spaced
