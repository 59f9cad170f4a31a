"""Which features a structure takes: each gets ranks of its own, and a larger share of features moves none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.setting import SIDES, Setting
from geomsim_synthetic.structure import Structure


@dataclass(frozen=True, eq=False)
class Placed:
    """A structure, its place among the structures of a setting, and the ranks and probabilities of its members."""

    structure: Structure
    number: int
    ranks: NDArray[np.int64]
    probability: NDArray[np.float64]

    @property
    def is_common(self) -> bool:
        """Whether both networks carry its features."""
        return self.structure.place == "both"

    def on(self, side: str) -> bool:
        """Whether this network carries its features."""
        return self.structure.place in ("both", side)


def placed_structures(setting: Setting, order: NDArray[np.int64]) -> tuple[Placed, ...]:
    """Shared structures take the first ranks of the order, own ones the last, in which the shared ones come first."""
    used = dict.fromkeys(("both", *SIDES), 0)
    placed = []
    for number, structure in enumerate(setting.structures):
        start = used[structure.place]
        used[structure.place] = start + structure.size
        pool = order if structure.place == "both" else order[::-1]
        ranks = pool[start : start + structure.size]
        placed.append(Placed(structure, number, ranks, structure.probabilities(setting.probability[ranks])))
    return tuple(placed)
