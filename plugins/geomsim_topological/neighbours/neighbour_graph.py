"""The graph of nearest neighbours of a cloud, the same for whatever order its rows came in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import DegenerateSpace
from geomsim_topological.rows.row_distances import neighbour_distances, rows_within
from geomsim_topological.rows.row_order import CentredCloud

_TIE = 1e-9
_MOST_EDGES = 50_000_000
_TOGETHER = 512  # rows whose neighbours are looked up at once


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Different rows, joined where one is among the nearest of the other."""

    adjacency: sparse.csr_array  # (different rows, different rows), 1.0 where joined; symmetric, zero on the diagonal

    @property
    def n_rows(self) -> int:
        """Number of different rows."""
        return int(self.adjacency.shape[0])

    @property
    def n_edges(self) -> int:
        """Number of pairs that are joined."""
        return self.adjacency.nnz // 2

    @property
    def components(self) -> int:
        """Number of connected components."""
        return int(sparse.csgraph.connected_components(self.adjacency, directed=False)[0])


def neighbour_graph(points: NDArray[Any], k: int) -> NeighbourGraph:
    """Join each different row of points, (rows, width), with its k nearest, and all as near as the k-th, to 1e-9.

    Rows are put in the order of their distances from the mean, those equally far in one of their coordinates: an order
    that moving and turning the cloud leaves as it is. Raises DegenerateSpace where there are no k others, where others
    are no distance away, and where ties make the graph too large.
    """
    exponent = math.frexp(float(np.abs(points).max()))[1]
    numbers = np.ldexp(points.astype(np.float64), -exponent)
    rows = in_own_order(numbers)
    if len(rows) == 1 and len(points) > 1:
        raise DegenerateSpace(f"all {len(points)} rows are equal, so none has a neighbour; look where they come from")
    if len(rows) <= k:
        fit = f"use k <= {len(rows) - 1} or more rows" if len(rows) > 1 else "use more rows"
        raise DegenerateSpace(f"{len(rows)} different rows are too few for k={k} neighbours: {fit}")
    cloud = CentredCloud.of(rows)
    radii = neighbour_distances(cloud, k) / cloud.unit
    if not radii.all():
        raise DegenerateSpace(
            f"{int((radii == 0).sum())} of {len(rows)} different rows are no distance from {k} others beside the "
            "largest entry; leave outliers out"
        )
    first, second, n_joined = [], [], 0
    for start in range(0, len(rows), _TOGETHER):
        centres = np.arange(start, min(start + _TOGETHER, len(rows)))
        near = rows_within(cloud, centres, radii[centres] * (1.0 + _TIE))
        n_joined += sum(map(len, near))
        if n_joined > _MOST_EDGES:
            raise DegenerateSpace(
                f"more than {_MOST_EDGES:,} pairs of rows are as near as the {k} nearest, since many distances are "
                "equal; use another k or fewer rows"
            )
        first.append(np.repeat(centres, [len(each) for each in near]))
        second.append(np.concatenate(near))
    ends = np.concatenate(first), np.concatenate(second)
    apart = ends[0] != ends[1]
    pairs = ends[0][apart], ends[1][apart]
    one_way = sparse.csr_array((np.ones(len(pairs[0])), pairs), shape=(len(rows), len(rows)))
    return NeighbourGraph(sparse.csr_array(((one_way + one_way.T) > 0).astype(np.float64)))


def in_own_order(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The different rows, by their distance from the mean of all; rows equally far by their coordinates."""
    cloud = CentredCloud.of(numbers)
    different, _, _ = cloud.distinct()
    away = np.linalg.norm(cloud.centred(different), axis=1)
    return np.asarray(numbers[different[np.argsort(away, kind="stable")]])
