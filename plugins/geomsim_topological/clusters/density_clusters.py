"""DBSCAN of many sets of rows at once, exact, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.parallel import cores, on_cores

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
NearOrder = tuple[NDArray[np.int32], NDArray[np.int32]]
"""The rank of each row in an order in which near ones stand together, and the row of each rank."""

# Sets with fewer members than this together are done before threads have begun.
_WORTH_THREADS = 20_000
_PIECES_PER_CORE = 8


@dataclass(frozen=True, eq=False)
class SetClusters:
    """The clusters of each of several sets of rows."""

    rows: NDArray[np.int32]
    """Members of the sets, those of one set together, in no order."""
    labels: NDArray[np.int32]
    """The cluster of each of them in its set, -1 for none."""
    starts: Numbers
    """(sets + 1,): where each set starts."""
    counts: Numbers
    """(sets,): how many clusters it has."""
    given: Numbers | None = None
    """The number of each cluster in names, set by set, where a clusterer gave other ones than 0, 1, 2 ..."""


def density_clusters(points: NDArray[Any], sets: Sequence[Numbers], eps: float, min_samples: int) -> SetClusters:
    """:class:`geomsim_topological.clusters.clusterer.Dbscan` at a known `eps` in each of some sets of rows, each
    ascending.

    1. Rows of a set are cut into blocks of near ones, with a ball around each; balls too far apart are not compared.
    2. Neighbours of a row are counted until there are `min_samples`: in its own block first, then in the others. In a
       dense place a handful of distances is enough.
    3. Core rows are united in their block, then between blocks that hold two components still.
    4. Where many rows of a block go on searching, distances come in tiles from products of centred rows in the dtype of
       the points; a pair within the rounding of that product is decided again from differences in float64.

    Points are float32 or float64 and are never copied as a whole. In time this is linear where sets are dense; all
    pairs of a set are looked at where its rows are noise, or components stand within eps + the radii of their blocks.
    """
    chains = [[number] for number in range(len(sets))]
    return cluster_chains(points, sets, chains, [eps], min_samples)[0][0]


def cluster_chains(
    points: NDArray[Any], sets: Sequence[Numbers], chains: Sequence[Sequence[int]], scales: Sequence[float],
    min_samples: int, near: NearOrder | None = None,
) -> tuple[list[SetClusters], int]:  # fmt: skip
    """As :func:`density_clusters`, at several rising scales, and how many rows of sets were clustered before.

    `chains` are numbers of sets, each set once. A set takes over the clusters of the one before it in its chain where
    it holds all rows of that, and those at the scale before: core rows stay core, connected rows connected.
    """
    from geomsim_topological.kernels import cluster_kernels

    cloud = compilable(points)
    sizes = np.array([len(rows) for rows in sets], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = in_near_order(sets, near_order(cloud, sizes) if near is None else near)
    heavy_first = sorted(chains, key=lambda chain: -sizes[chain[-1]])
    ends = np.concatenate([[0], np.cumsum([len(chain) for chain in heavy_first])]).astype(np.int64)
    flat = np.array([number for chain in heavy_first for number in chain], dtype=np.int64)
    rows = np.empty(len(members), dtype=np.int32)
    labels = np.empty((len(scales), len(members)), dtype=np.int32)
    counts = np.zeros((len(scales), len(sets)), dtype=np.int64)
    taken_over = np.zeros(len(sets), dtype=np.int64)

    def work(piece: tuple[int, int]) -> None:
        cluster_kernels.cluster_chains(
            cloud, members, starts, flat, ends, piece[0], piece[1],
            np.array(scales, dtype=np.float64), min_samples, rows, labels, counts, taken_over,
        )  # fmt: skip

    run_pieces(work, sizes[[chain[-1] for chain in heavy_first]])
    found = [SetClusters(rows, labels[scale], starts, counts[scale]) for scale in range(len(scales))]
    return found, int(taken_over.sum())


def compilable(points: NDArray[Any]) -> NDArray[Any]:
    """Points as compiled loops take them: float32 or float64, row by row, writable; the same memory where it can be."""
    dtype = np.float64 if points.dtype.itemsize > 4 or points.dtype.kind != "f" else np.float32
    return np.require(points, dtype, ["C", "W"])


def near_order(points: NDArray[Any], sizes: Numbers) -> NearOrder:
    """An order in which near rows stand together; empty where sets of these sizes need none."""
    from geomsim_topological.kernels.distance_kernels import BLOCK_ROWS

    if sizes.max(initial=0) <= BLOCK_ROWS:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    from geomsim_topological.kernels.nearness_kernels import ranks_by_nearness

    return ranks_by_nearness(points)


def in_near_order(sets: Sequence[Numbers], near: NearOrder) -> NDArray[np.int32]:
    """The rows of all sets, one after another, each in that order."""
    ranks, order = near
    if not len(ranks):
        return np.concatenate([*sets, np.empty(0, dtype=np.int64)]).astype(np.int32)
    return np.asarray(order[np.concatenate([np.sort(ranks[rows]) for rows in sets])])


def run_pieces(work: Any, sizes: Numbers) -> None:
    """Call `work` on ranges of items, the whole at once where little is to be done, else pieces on all cores."""
    threads = cores() if sizes.sum() >= _WORTH_THREADS else 1
    if threads == 1:
        work((0, len(sizes)))
        return
    shares = np.cumsum(sizes) * (threads * _PIECES_PER_CORE) // sizes.sum()
    cuts = [0, *(np.flatnonzero(np.diff(shares)) + 1).tolist(), len(sizes)]
    for _ in on_cores(work, pairwise(cuts), threads):
        pass
