"""The shuffle null for graphs that are at hand: geomsim's own test, given states instead of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

import geomsim
from geomsim_topological.graphs.membership import Membership
from geomsim_topological.metrics.mapper_transport import MapperTransport
from geomsim_topological.plans.unmatched import Matching
from geomsim_topological.transport import Transport


@dataclass(frozen=True)
class TransportOfGraphs(MapperTransport):
    """`mapper-transport` between two graphs that are known already; points say only which side is meant."""

    left: Membership | None = field(default=None, kw_only=True, repr=False, compare=False)
    right: Membership | None = field(default=None, kw_only=True, repr=False, compare=False)
    matching: Matching = field(default=Matching(), kw_only=True)

    def prepare(self, points: Tensor) -> Membership:
        """The left graph for points of zeros, the right one for points of ones."""
        state = self.right if bool(points[0, 0]) else self.left
        assert state is not None
        return state

    def cheapest(self, cost: NDArray[np.float64], left_mass: ArrayLike, right_mass: ArrayLike) -> Transport:
        """The problem of `matching`."""
        return self.matching.solve(cost, left_mass, right_mass)

    def parameters(self) -> dict[str, Any]:
        """The parameters of `matching`, without those that nobody set."""
        return {name: value for name, value in vars(self.matching).items() if value is not None}


def shuffled_rows(
    left: Membership,
    right: Membership,
    matching: Matching,
    *,
    draws: int,
    seed: int,
    groups: Sequence[Any] | NDArray[Any] | None,
) -> geomsim.Comparison:
    """:func:`geomsim.compare` with its shuffle null; rows with one label in `groups` are moved as a block."""
    n_rows = left.graph.n_rows
    metric = TransportOfGraphs(left=left, right=right, matching=matching)
    first = geomsim.Space(np.zeros((n_rows, 1)), name="left")
    second = geomsim.Space(np.ones((n_rows, 1)), name="right")
    found = geomsim.compare(first, second, metric, null="shuffle", draws=draws, seed=seed, groups=groups)
    return replace(found, metric="mapper-transport")
