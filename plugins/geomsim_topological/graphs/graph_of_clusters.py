"""Clusters of cover sets as the nodes of a Mapper graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim_topological.clusters.density_clusters import SetClusters
from geomsim_topological.graphs.graph import MapperGraph


def graph_of_clusters(
    clusters: SetClusters,
    n_rows: int,
    eps: float | None,
    meta_data: Mapping[str, Any],
    lens: NDArray[np.float64] | None,
) -> MapperGraph:
    """The graph whose nodes are the clusters, set by set, named ``cube{set}_cluster{cluster}``."""
    counts = clusters.counts
    within = np.concatenate([[], *map(np.arange, counts)]).astype(int) if clusters.given is None else clusters.given
    sets = np.repeat(np.arange(len(counts)), counts)
    numbered = zip(sets.tolist(), within.tolist(), strict=True)
    names = tuple(f"cube{number}_cluster{cluster}" for number, cluster in numbered)
    before = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)[:-1]
    node = np.repeat(before, np.diff(clusters.starts)) + clusters.labels
    kept = clusters.labels >= 0
    rows, node = clusters.rows[kept], node[kept]
    # Of a row, sets come one after another and so do their nodes: the rows of the matrix are sorted already.
    incidence = sparse.csr_matrix((np.ones(len(rows), dtype=np.int64), (rows, node)), shape=(n_rows, len(names)))
    return MapperGraph(incidence, names, eps, dict(meta_data), lens)
