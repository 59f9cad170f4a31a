"""A persistence diagram: what is born and dies as balls grow around points, and how far that can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diagram:
    r"""The bars of Vietoris-Rips persistent homology in one dimension.

    Scales are distances: two points are joined at scale s where their distance is at most s (some texts use half of
    that). Of all N points, some may stand for the others as landmarks; `covering_radius` r is the largest distance of
    a point to its nearest landmark. Then the diagram of all points lies within bottleneck distance

    .. math:: d_b(D_\text{all}, D_\text{landmarks}) \le 2 r

    (Chazal, de Silva and Oudot 2014, "Persistence stability for geometric complexes": the bottleneck distance is at
    most twice the Gromov-Hausdorff distance, and that at most r.) A bar longer than 4 r is farther than 2 r from the
    diagonal, so it has a partner among the bars of all points, with both ends within 2 r: it is *certified*.

    Raises GeomsimError for bars that are no (birth, death) pairs.

    >>> found = Diagram(np.array([[0.1, 0.2], [0.0, 1.0]]), dimension=1, covering_radius=0.1, n_points=9, n_landmarks=5)
    >>> found, found.bars.tolist(), found.certified.tolist()
    (Diagram(dimension 1, 2 bars, 1 certified, 5 landmarks of 9 points), [[0.0, 1.0], [0.1, 0.2]], [True, False])
    """

    bars: Floats
    """(bars, 2): birth and death, longest first, equally long ones by birth; a death may be infinite. Read only."""
    dimension: int
    """0 for components, 1 for loops, 2 for voids."""
    covering_radius: float = 0.0
    """Largest distance of a point to its nearest landmark; 0.0 where every point is a landmark."""
    diameter: float = 0.0
    """Largest distance of two landmarks."""
    n_points: int = 0
    """Number of rows given."""
    n_landmarks: int = 0
    """Number of points the diagram was computed of: all different rows, or fewer."""
    field: int = 2
    """The prime p of the coefficients Z/p."""

    def __post_init__(self) -> None:
        """Check the bars and sort them."""
        bars = as_bars(self.bars)
        bars = bars[np.lexsort([bars[:, 0], bars[:, 0] - bars[:, 1]])]
        bars.setflags(write=False)
        object.__setattr__(self, "bars", bars)

    @property
    def persistence(self) -> Floats:
        """(bars,): death minus birth, falling."""
        return self.bars[:, 1] - self.bars[:, 0]

    @property
    def certified(self) -> NDArray[np.bool_]:
        """(bars,): which bars are longer than 4 `covering_radius`; ``bars[certified]`` are real bars of all points.

        Where every point is a landmark, all are.
        """
        return self.persistence > 4.0 * self.covering_radius

    @property
    def finite(self) -> Floats:
        """The bars that die, (bars, 2)."""
        return self.bars[np.isfinite(self.bars[:, 1])]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; an infinite death is None."""
        every = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        bars = [[birth, death if np.isfinite(death) else None] for birth, death in self.bars.tolist()]
        return {**every, "bars": bars}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The diagram that `to_dict` wrote. Raises GeomsimError where entries are missing or unknown."""
        known = {spec.name for spec in fields(cls)}
        if set(stored) != known:
            wrong = sorted(set(stored) ^ known)
            raise GeomsimError(f"a stored diagram has the entries {sorted(known)}; missing or unknown: {wrong}")
        bars = [[birth, np.inf if death is None else death] for birth, death in stored["bars"]]
        return cls(**{**stored, "bars": np.array(bars, dtype=np.float64)})

    def __repr__(self) -> str:
        return (
            f"Diagram(dimension {self.dimension}, {len(self.bars)} bars, {int(self.certified.sum())} certified, "
            f"{self.n_landmarks} landmarks of {self.n_points} points)"
        )


def as_bars(bars: ArrayLike) -> Floats:
    """Bars as float64, (bars, 2). Raises GeomsimError where they are no births and deaths.

    >>> as_bars([]).shape, as_bars([(1, 2)]).tolist()
    ((0, 2), [[1.0, 2.0]])
    """
    found = np.asarray(bars, dtype=np.float64)
    if not found.size:
        return found.reshape(0, 2)
    if found.ndim != 2 or found.shape[1] != 2:
        raise GeomsimError(f"bars are (bars, 2), a birth and a death each; got an array of shape {found.shape}")
    broken = np.flatnonzero(~(np.isfinite(found[:, 0]) & (found[:, 1] >= found[:, 0])))
    if len(broken):
        raise GeomsimError(
            f"{len(broken)} of {len(found)} bars have no finite birth or die before it, the first is bar {broken[0]}: "
            f"{tuple(found[broken[0]].tolist())}"
        )
    return found


def power_of_two_above(*values: Floats) -> float:
    """The least power of two above all entries, 1.0 where all are zero: numbers are divided by it exactly.

    >>> power_of_two_above(np.array([0.3, -5.0]))
    8.0
    """
    largest = max(float(np.abs(entries).max(initial=0.0)) for entries in values)
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest else 1.0
