"""How `geomsim mapper` makes its graphs, as options, and messages of the library in their words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cyclopts import Parameter

from geomsim import InvalidConfig

RESOLUTIONS, OVERLAPS = (5, 7, 10, 14, 20), (0.2, 0.3, 0.4, 0.5, 0.6)
_CUBES, _OVERLAP = 10, 0.5

# What messages of the library ask for, in the words of the command line.
_SAID: tuple[tuple[str, str], ...] = (
    (r"eps as a number", "--relative-eps"),
    (r"larger eps", "larger --relative-eps"),
    (r"fewer cubes", "fewer --cubes"),
    (r"fewer lens dimensions", "fewer --components"),
    (r"fewer rows for a cluster", "smaller --min-samples"),
    (r", or raise most_noise", ""),
    (r": leave it out$", ": choose another --lens"),
    (r", or count larger features only \(least_share of sweep_stability\)", ""),
    (r"sweep in smaller steps", "choose --cubes and --overlap yourself, and say so"),
)


@Parameter(name="*")
@dataclass(frozen=True)
class GraphOptions:
    """How the graph of a side is made; lengths are relative to the side's own, so that they suit both.

    Parameters
    ----------
    lens
        what the points are looked at through: principal components, the norm, the eccentricity (mean distance to all
        others), the density (of the nearest neighbours), or a UMAP.
    components
        how many principal components, or dimensions of the UMAP; 2 unless given.
    cover
        cubes: equal boxes; balanced: boxes of equally many rows.
    cubes
        boxes to each dimension of the lens; 10 unless given.
    overlap
        share of a box that its neighbour covers; .5 unless given.
    relative_eps
        rows within this distance are neighbours, in units of the root mean square distance to the mean; by default the
        knee of the neighbour distances.
    min_samples
        neighbours that make a dense place, the row itself included.
    sweep
        try 5 resolutions x 5 overlaps, in place of --cubes and --overlap, and take the setting around which the number
        of components and loops of either side changes least; for two sides, also how well they agree at each setting.
    """

    lens: Literal["pca", "norm", "eccentricity", "density", "umap"] = "pca"
    components: int | None = None
    cover: Literal["cubes", "balanced"] = "cubes"
    cubes: int | None = None
    overlap: float | None = None
    relative_eps: float | None = None
    min_samples: int = 3
    sweep: bool = False

    @property
    def dimensions(self) -> int:
        """Columns of a lens of several."""
        return 2 if self.components is None else self.components

    @property
    def resolution(self) -> int:
        """Boxes to each dimension of the lens, where no sweep finds them."""
        return _CUBES if self.cubes is None else self.cubes

    @property
    def share(self) -> float:
        """Overlap, where no sweep finds it."""
        return _OVERLAP if self.overlap is None else self.overlap

    def check(self) -> None:
        """Raise InvalidConfig for options out of their range, and for those that would have no effect."""
        for name, value in (
            ("--components", self.components), ("--cubes", self.cubes), ("--min-samples", self.min_samples),
        ):  # fmt: skip
            if value is not None and value < 1:
                raise InvalidConfig(f"{name} is a whole number of at least 1, got {value}")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise InvalidConfig(f"--overlap is a share of a box, from 0 to below 1, got {self.overlap:g}")
        if self.relative_eps is not None and not 0 < self.relative_eps < float("inf"):
            raise InvalidConfig(
                f"--relative-eps is a length above 0, where 1 is the root mean square distance to the mean, got "
                f"{self.relative_eps:g}"
            )
        if self.components is not None and self.lens not in ("pca", "umap"):
            raise InvalidConfig(f"--components says how many --lens pca or umap has; {self.lens} is a single number")
        if self.sweep:
            self._check_sweep()

    def _check_sweep(self) -> None:
        given = {"--cubes": self.cubes, "--overlap": self.overlap}
        named = [name for name, value in given.items() if value is not None]
        if named:
            raise InvalidConfig(f"--sweep finds {' and '.join(given)} itself: leave out {' and '.join(named)} or it")
        if self.cover != "cubes":
            raise InvalidConfig("--sweep tries cubes of equal size: leave out --cover balanced, or --sweep")


def in_options(text: str) -> str:
    """A message of the library with options in place of the parameters that it names.

    >>> in_options("use a larger eps, fewer cubes or fewer rows for a cluster")
    'use a larger --relative-eps, fewer --cubes or smaller --min-samples'
    """
    for pattern, option in _SAID:
        text = re.sub(pattern, option, text)
    return text
