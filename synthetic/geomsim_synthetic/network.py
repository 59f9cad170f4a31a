"""One simulated network: its dictionary, what fired on each token, and the activations that this makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Space

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from geomsim import Codes


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedNetwork:
    """What a network that carries known features shows to an observer, and the truth behind it.

    Attributes
    ----------
    name
        "left" or "right".
    directions
        (rows, width) true dictionary: where each row writes. Unit rows, but for planted trees and grids, and groups
        that only the other network arranges.
    codes
        (tokens, rows) sparse, float32: how strongly each row fires on each token, 0 where it does not.
    activations
        (tokens, width) float32: what fires times its direction, plus noise. Without faults this is
        ``codes @ directions``.
    feature
        (rows,) the (first) ground-truth feature that each row of ``directions`` (and column of ``codes``) is, -1 for
        a dead row. The rows are shuffled, so row numbers say nothing about the correspondence.
    groups
        (tokens,) the document of each token.
    source_directions, source_feature
        (sources, width) and (sources,): all that the network adds up, whatever its dictionary makes of it. What a
        trained dictionary should find.
    """

    name: str
    directions: NDArray[np.float64]
    codes: csr_array[Any]
    activations: NDArray[np.float32]
    feature: NDArray[np.int64]
    groups: NDArray[np.int64]
    source_directions: NDArray[np.float64]
    source_feature: NDArray[np.int64]

    @property
    def n_features(self) -> int:
        """Number of rows in the dictionary."""
        return int(self.directions.shape[0])

    @property
    def width(self) -> int:
        """Number of neurons."""
        return int(self.directions.shape[1])

    @property
    def n_tokens(self) -> int:
        """Number of tokens seen."""
        return int(self.activations.shape[0])

    def space(self) -> Space:
        """The true dictionary as a space of features; ids tell rows apart, not which ground-truth feature they are."""
        ids = [f"{self.name}/{row}" for row in range(self.n_features)]
        return Space(self.directions, ids=ids, name=self.name, provenance={"source": "synthetic dictionary"})

    def token_space(self) -> Space:
        """The activations as a space of tokens, grouped by document; token i is row i in both networks."""
        return Space(
            self.activations, groups=self.groups, name=self.name, provenance={"source": "synthetic activations"}
        )

    def true_codes(self) -> Codes:
        """The true codes as `geomsim.Codes`, grouped by document: what a perfect dictionary would read."""
        from geomsim import Codes

        return Codes(self.codes, groups=self.groups, name=self.name, provenance={"source": "synthetic truth"})

    def __repr__(self) -> str:
        return (
            f"SimulatedNetwork({self.name!r}, {self.n_features} features in width {self.width}, {self.n_tokens} tokens)"
        )
