"""Mapper (Singh, Mémoli and Carlsson 2007): a graph that shows the shape of a cloud of points.

1. A *lens* gives a few numbers per row.
2. A *cover* cuts the lens values into overlapping sets, or the points themselves.
3. The rows of each set are *clustered* by their points; each cluster is a node, and nodes that share rows are joined.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError, InvalidSpace, Space
from geomsim_topological.clusters.clusterer import Dbscan as Dbscan
from geomsim_topological.clusters.other_clusterers import cluster_by_fitting
from geomsim_topological.clusters.single_linkage import SingleLinkage as SingleLinkage
from geomsim_topological.covers.balanced_intervals import BalancedIntervals as BalancedIntervals
from geomsim_topological.covers.balls import Balls as Balls
from geomsim_topological.covers.cover import Cover as Cover
from geomsim_topological.covers.cover import Cubes as Cubes
from geomsim_topological.covers.neighbours_cover import Neighbours as Neighbours
from geomsim_topological.graphs.graph import MapperGraph as MapperGraph
from geomsim_topological.graphs.graph_of_clusters import graph_of_clusters
from geomsim_topological.lenses.lens import Coordinate as Coordinate
from geomsim_topological.lenses.lens import Density as Density
from geomsim_topological.lenses.lens import Eccentricity as Eccentricity
from geomsim_topological.lenses.lens import Lens as Lens
from geomsim_topological.lenses.lens import Norm as Norm
from geomsim_topological.lenses.lens import PrincipalComponents as PrincipalComponents
from geomsim_topological.lenses.lens import Projection as Projection
from geomsim_topological.lenses.lens import Umap as Umap
from geomsim_topological.lenses.lens import lens_values

__all__ = [
    "BalancedIntervals", "Balls", "Coordinate", "Cover", "Cubes", "Dbscan", "Density", "Eccentricity", "Lens",
    "MapperGraph", "Neighbours", "Norm", "PrincipalComponents", "Projection", "SingleLinkage", "Umap", "mapper_graph",
]  # fmt: skip

Numbers = NDArray[np.int64]

_TWO_COMPONENTS = PrincipalComponents(2)
_TEN_CUBES = Cubes()
_DBSCAN = Dbscan()
# Beyond these, squares of differences overflow or vanish.
_SMALLEST, _LARGEST = 1e-140, 1e150


def mapper_graph(
    points: Any, lens: Lens | None = _TWO_COMPONENTS, cover: Cover = _TEN_CUBES, clusterer: Any = _DBSCAN
) -> MapperGraph:
    """The Mapper graph of points.

    Parameters
    ----------
    points
        (rows, width): a numpy array, a torch tensor, a :class:`geomsim.Space` or a path. Float32 stays float32.
    lens
        a function of the points or its values, (rows,) or (rows, dimensions); two principal components by default.
        None, or anything, for a cover that uses the points.
    cover
        how the lens values are cut.
    clusterer
        :class:`Dbscan`, :class:`SingleLinkage`, or any of scikit-learn's clusterers, which is used as it is, on sets of
        as many rows as it has clusters or asks for.

    Nodes are named ``cube{i}_cluster{j}`` as kmapper does, after the i-th set that holds rows and its j-th cluster.
    Rows in no node are listed in ``noise`` of the result; a graph may have no nodes at all.

    Raises
    ------
    InvalidSpace
        when the points cannot be read, or squares of their distances leave the range of numbers.
    DegenerateSpace
        when a column of the lens is constant, or there is no knee to be found.
    GeomsimError
        when a cover or clusterer of another maker gives what is no cover and no clusters.

    >>> import numpy as np
    >>> angle = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> mapper_graph(circle, lens=circle[:, 0], cover=Cubes(5, 0.3))
    MapperGraph(8 nodes, 8 edges, 500 rows of which 0 in no node)
    """
    cloud = cloud_of(points)
    values = cover_values(cloud, lens, cover)
    sets = cover_sets(cover, values)
    ours = hasattr(clusterer, "resolve")
    chosen = clusterer.resolve(cloud, sets) if ours else clusterer
    clusters = chosen.cluster(cloud, sets) if ours else cluster_by_fitting(chosen, cloud, sets)
    kept = None if values is cloud else values
    return graph_of_clusters(clusters, len(cloud), getattr(chosen, "eps", None), notes(cover, chosen), kept)


def cloud_of(points: Any) -> NDArray[Any]:
    """Points as an array of float32 or float64, the same memory where they are one already.

    Raises InvalidSpace where they cannot be read, or squared distances leave the range of numbers.
    """
    import torch

    tensor = (points if isinstance(points, Space) else Space(points)).tensor().detach().cpu()
    kept = (torch.float32, torch.float64)
    half = (torch.float16, torch.bfloat16)
    cloud: NDArray[Any] = tensor.to(
        tensor.dtype if tensor.dtype in kept else torch.float32 if tensor.dtype in half else torch.float64
    ).numpy()
    largest = max(float(cloud.max()), -float(cloud.min()))
    if largest and not _SMALLEST <= largest <= _LARGEST:
        raise InvalidSpace(
            f"the largest entry of the points is {largest:.3g}, and distances are taken of points between "
            f"{_SMALLEST:g} and {_LARGEST:g}: divide them by {largest:.3g}, and with them the lens and eps"
        )
    return cloud


def cover_values(cloud: NDArray[Any], lens: Lens | None, cover: Cover) -> NDArray[Any]:
    """What the cover cuts: the values of the lens, or the points. Raises GeomsimError where a lens is missing."""
    if getattr(cover, "uses", "lens") == "points":
        return cloud
    if lens is None:
        raise GeomsimError(
            f"{cover} cuts the values of a lens, and there is none: give one, or a cover that uses the points"
        )
    return lens_values(lens, cloud)


def cover_sets(cover: Cover, values: NDArray[Any]) -> list[Numbers]:
    """The sets of a cover that hold rows. Raises GeomsimError where they are not rising numbers of rows."""
    sets = [np.asarray(rows, dtype=np.int64) for rows in cover.sets(values)]
    sets = [rows for rows in sets if len(rows)]
    for number, rows in enumerate(sets):
        if rows.ndim != 1 or rows[0] < 0 or rows[-1] >= len(values) or not (rows[1:] > rows[:-1]).all():
            raise GeomsimError(
                f"set {number} of {cover} does not hold rising row numbers from 0 to {len(values) - 1}: a cover gives "
                "for each set an array of rows, each once, in ascending order"
            )
    return sets


def notes(cover: Cover, clusterer: Any) -> dict[str, Any]:
    """What kmapper notes in ``meta_data``; a cover without cubes is named as a whole."""
    return {
        "projection": "custom",
        "n_cubes": getattr(cover, "n", str(cover)),
        "perc_overlap": getattr(cover, "overlap", "none"),
        "clusterer": str(clusterer),
        "scaler": "None",
        "nerve_min_intersection": 1,
    }
