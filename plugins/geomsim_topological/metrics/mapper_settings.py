"""How the metrics on Mapper graphs make the graph of a side: parameters that mean the same for all of them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.clusters.neighbour_scale import cloud_radius
from geomsim_topological.mapper import Cubes, Dbscan, MapperGraph, PrincipalComponents, mapper_graph

_MUCH_NOISE = 0.25
# The radius is a sum, whose last bits depend on the order of the rows; a distance equal to it must not hang on them.
_SLACK = 1e-9


@dataclass(frozen=True)
class MapperSettings:
    """Parameters of the Mapper graph of a side; every length is relative to the side's own.

    Parameters
    ----------
    components
        of the lens: the first principal components.
    n_cubes, overlap
        of the cover: boxes to each component, and the share of a box that its neighbour covers. Some 20 rows or
        more to a box work best: with 5 x 5 boxes, 120 rows and up.
    relative_eps
        the distance within which DBSCAN takes rows for neighbours, in units of the side's radius (root mean square
        distance of the rows to their mean); None takes the knee of the neighbour distances, see
        :class:`geomsim_topological.mapper.Dbscan`.
    min_samples
        rows within that distance that make a dense place, the row itself included.

    Raises GeomsimError for parameters that do not exist.
    """

    components: int = 2
    n_cubes: int = 5
    overlap: float = 0.5
    relative_eps: float | None = None
    min_samples: int = 3

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.relative_eps is not None and not 0 < self.relative_eps < float("inf"):
            raise GeomsimError(f"relative_eps is a positive number or None, got {self.relative_eps}")
        PrincipalComponents(self.components), Cubes(self.n_cubes, self.overlap), Dbscan(min_samples=self.min_samples)

    def graph(self, points: Tensor) -> MapperGraph:
        """The Mapper graph of points, (rows, width); independent of the order of the rows but for their numbers.

        Raises DegenerateSpace for equal rows and for a graph without nodes. Warns of much noise and of a single node.
        """
        cloud = points.detach().cpu().double().numpy()
        # By a power of two, which is exact: no square leaves the range of numbers.
        unit = 2.0 ** (math.frexp(float(np.abs(cloud).max()))[1] - 1)
        cloud = cloud / unit
        eps = "knee" if self.relative_eps is None else self.relative_eps * cloud_radius(cloud) * (1 + _SLACK)
        if eps == 0.0:
            raise DegenerateSpace(
                "all rows are equal, so there is no length to measure eps in; look where they come from"
            )
        graph = mapper_graph(
            cloud,
            PrincipalComponents(self.components),
            Cubes(self.n_cubes, self.overlap),
            Dbscan(eps, self.min_samples),  # type: ignore[arg-type]
        )
        eps_of_points = (graph.eps or 0.0) * unit
        if not graph.names:
            raise DegenerateSpace(
                f"the Mapper graph has no nodes: each of the {len(cloud)} rows is noise at eps = {eps_of_points:.4g} "
                f"(relative_eps = {(graph.eps or 0.0) / cloud_radius(cloud):.4g}). "
                "Use a larger relative_eps, fewer n_cubes, or a smaller min_samples"
            )
        _warn(graph)
        return replace(graph, eps=eps_of_points)


def _warn(graph: MapperGraph) -> None:
    noise = len(graph.noise) / graph.n_rows
    if noise > _MUCH_NOISE:
        warnings.warn(
            f"{len(graph.noise)} of {graph.n_rows} rows are in no node of the Mapper graph and carry no mass: the "
            "score speaks of the others. A larger relative_eps, fewer n_cubes or a smaller min_samples takes in more",
            GeomsimWarning,
            stacklevel=4,
        )
    if len(graph.names) == 1:
        warnings.warn(
            "the Mapper graph is a single node and tells no row from another. "
            "Use more n_cubes or a smaller relative_eps",
            GeomsimWarning,
            stacklevel=4,
        )
