"""Mapper graphs of the same points over many settings of cover and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import DegenerateSpace
from geomsim_topological.clusters.clusterer import NearestCoreDbscan
from geomsim_topological.clusters.density_clusters import NearOrder, SetClusters, cluster_chains, near_order
from geomsim_topological.covers.interval_products import checked_values, nested_boxes
from geomsim_topological.covers.nested_sets import nested_chains
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_of_clusters import graph_of_clusters
from geomsim_topological.mapper import (
    Cubes,
    Dbscan,
    Lens,
    PrincipalComponents,
    cloud_of,
    cover_values,
    notes,
)

Numbers = NDArray[np.int64]

_TWO_COMPONENTS = PrincipalComponents(2)


@dataclass(frozen=True)
class Setting:
    """One setting of a sweep."""

    n: int
    """Cubes to each dimension of the lens."""
    overlap: float
    """Share of a cube that its neighbour covers."""
    eps: float | Literal["knee"] = "knee"
    """Distance of DBSCAN, or the knee of each setting's own neighbour distances."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The graphs of a sweep: ``graphs[i]`` is that of ``settings[i]``."""

    settings: tuple[Setting, ...]
    graphs: tuple[MapperGraph, ...]
    reused: Mapping[str, int | str] = field(default_factory=dict)
    """What was computed once for several settings."""


def mapper_sweep(
    points: Any,
    lens: Lens = _TWO_COMPONENTS,
    resolutions: Sequence[int] = (5, 7, 10, 14, 20),
    overlaps: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6),
    eps: Sequence[float | Literal["knee"]] = ("knee",),
    min_samples: int = 3,
) -> Sweep:
    """The Mapper graph of each resolution, overlap and eps, resolutions varying slowest and eps fastest.

    Each graph is the one that :func:`geomsim_topological.mapper.mapper_graph` makes at its setting. The points are
    read, the lens is computed and near rows are put together once. Cubes of one resolution contain those with a
    smaller overlap, so at a fixed eps they grow: only the rows that come in are clustered, and rows that were core or
    connected in the smaller cube are so in the larger one; likewise from an eps to the next larger one. A knee is that
    of its own setting, so there nothing but points, lens and cover is shared. ``reused`` says how much that was.

    Raises what `mapper_graph` does; DegenerateSpace names the cover where there is no knee.

    Memory is that of the graphs and of the cubes of one resolution.
    """
    settings = tuple(Setting(*each) for each in product(resolutions, overlaps, eps))
    for each in settings:
        Cubes(each.n, each.overlap), Dbscan(each.eps, min_samples)
    cloud = cloud_of(points)
    values = checked_values(cover_values(cloud, lens, Cubes()))
    graphs: dict[Setting, MapperGraph] = {}
    scales = sorted({float(each) for each in eps if not isinstance(each, str)})
    near: NearOrder | None = None
    memberships, taken_over = 0, 0
    for n in dict.fromkeys(resolutions):
        covers = [Cubes(n, overlap) for overlap in sorted(set(overlaps))]
        levels = nested_boxes(values, [cover.bounds(values) for cover in covers])
        if "knee" in eps:
            for cover, overlap, sets in zip(covers, sorted(set(overlaps)), levels, strict=True):
                chosen = _with_knee(cloud, sets, cover, min_samples)
                found = chosen.cluster(cloud, sets)
                graphs[Setting(n, overlap)] = graph_of_clusters(
                    found, len(cloud), chosen.eps, notes(cover, chosen), values
                )
        if scales:
            everything = [rows for sets in levels for rows in sets]
            sizes = np.array([len(rows) for rows in everything], dtype=np.int64)
            if near is None or not len(near[0]):
                near = near_order(cloud, sizes)
            clusters, known = cluster_chains(cloud, everything, nested_chains(levels), scales, min_samples, near)
            memberships, taken_over = memberships + int(sizes.sum()), taken_over + known
            ends = np.cumsum([0, *map(len, levels)])
            for scale, whole in zip(scales, clusters, strict=True):
                chosen = NearestCoreDbscan(scale, min_samples)
                for level, (cover, overlap) in enumerate(zip(covers, sorted(set(overlaps)), strict=True)):
                    part = _part(whole, int(ends[level]), int(ends[level + 1]))
                    graphs[Setting(n, overlap, scale)] = graph_of_clusters(
                        part, len(cloud), scale, notes(cover, chosen), values
                    )
    return Sweep(
        settings,
        tuple(graphs[each] for each in settings),
        {
            "points and lens": f"read and computed once for {len(settings)} settings",
            "covers": f"{len(set(resolutions)) * len(set(overlaps))} for {len(settings)} settings",
            "rows of cubes at a fixed eps": memberships,
            "of which clustered already in a smaller cube": taken_over,
            "scales begun with the clusters of a smaller one": max(len(scales) - 1, 0),
        },
    )


def _with_knee(cloud: NDArray[Any], sets: list[Numbers], cover: Cubes, min_samples: int) -> NearestCoreDbscan:
    try:
        return Dbscan("knee", min_samples).resolve(cloud, sets)
    except DegenerateSpace as error:
        raise DegenerateSpace(f"at {cover}: {error}") from None


def _part(clusters: SetClusters, first: int, stop: int) -> SetClusters:
    """The clusters of some of the sets."""
    begin, end = int(clusters.starts[first]), int(clusters.starts[stop])
    return SetClusters(
        clusters.rows[begin:end],
        clusters.labels[begin:end],
        clusters.starts[first : stop + 1] - begin,
        clusters.counts[first:stop],
    )
