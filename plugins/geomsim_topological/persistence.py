"""Persistent homology of points: components, loops and voids, and at which distances they live.

1. *Landmarks* are chosen, each farthest from those before it, where there are more points than can be done exactly.
2. Their *Vietoris-Rips complex* grows: points are joined as the distance allowed between them rises.
3. Each component, loop or void is a *bar* from its birth to its death, and long ones are *certified*: they are there in
   all points, whatever the landmarks left out.

Computed with ripser or gudhi; components by a spanning tree, exactly and at any number of points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidSpace
from geomsim_topological.clusters.components import spanning_tree
from geomsim_topological.homology.diagram import Diagram as Diagram
from geomsim_topological.homology.diagram_distances import bottleneck_distance as bottleneck_distance
from geomsim_topological.homology.diagram_distances import wasserstein_distance as wasserstein_distance
from geomsim_topological.homology.landmark_cloud import default_landmarks as default_landmarks
from geomsim_topological.homology.landmark_cloud import landmark_cloud
from geomsim_topological.homology.landscape import landscape_distance as landscape_distance
from geomsim_topological.homology.rips import Engine, check_request, check_size, rips_bars

__all__ = [
    "Diagram",
    "bottleneck_distance",
    "default_landmarks",
    "diagram",
    "diagram_of_distances",
    "landscape_distance",
    "wasserstein_distance",
]


def diagram(
    points: Any,
    dimension: int = 1,
    landmarks: int | None = None,
    engine: Engine = "ripser",
    field: int = 2,
    memory_budget: int | None = None,
) -> Diagram:
    """The persistence diagram of points under Euclidean distance, in one dimension of homology.

    Parameters
    ----------
    points
        (rows, width): a numpy array, a torch tensor, a :class:`geomsim.Space` or a path. Equal rows count once.
        Always coordinates: distances go to :func:`diagram_of_distances`, and points that look like them are warned of.
    dimension
        0 for components, 1 for loops, 2 for voids.
    landmarks
        use at most so many rows, each the farthest from those before it, beginning with the row farthest from the mean.
        None: in dimension 0 all rows, by a minimum spanning tree; else all rows up to 300 (100 for voids, 30 beyond),
        and so many landmarks where there are more.
    engine
        "ripser", fast; or "gudhi", which collapses edges first and needs more memory. Both are exact in float64.
    field
        a prime p up to 127, in gudhi 251: homology with coefficients in Z/p. It matters where a shape has torsion, as a
        Klein bottle has.
    memory_budget
        bytes; None is half of what is free.

    Returns
    -------
    Diagram
        the bars, longest first, in the units of the points. Bars within 1e-12 of the diameter of no length are left
        out. The bar of the last component never dies: its death is infinite.

    Raises
    ------
    InvalidSpace
        when the points cannot be read.
    InvalidConfig
        for parameters that do not exist, more than 200 points in dimension 2 and beyond, and too little memory; the
        message names a number of landmarks that would do.

    Edelsbrunner, Letscher and Zomorodian (2002), "Topological persistence and simplification"; Bauer (2021), "Ripser";
    de Silva and Carlsson (2004), "Topological estimation using witness complexes" (farthest-point landmarks).

    >>> angle = 2 * np.pi * np.arange(60) / 60
    >>> found = diagram(np.column_stack([np.cos(angle), np.sin(angle)]))
    >>> found, found.bars.round(4).tolist()
    (Diagram(dimension 1, 1 bars, 1 certified, 60 landmarks of 60 points), [[0.1047, 1.7321]])
    """
    check_request(dimension, engine, field)
    cloud = landmark_cloud(points, dimension, landmarks, engine, memory_budget)
    if dimension:
        distances = cloud.distances()
        bars, diameter = rips_bars(distances, dimension, engine, field), float(distances.max())
    else:
        tree = spanning_tree(cloud.rows)
        deaths = np.append(tree.lengths, np.inf)
        bars, diameter = np.column_stack([np.zeros(len(deaths)), deaths]), tree.diameter
    return Diagram(
        bars * cloud.unit,
        dimension,
        cloud.covering_radius * cloud.unit,
        diameter * cloud.unit,
        n_points=cloud.n_points,
        n_landmarks=len(cloud.rows),
        field=field,
    )


def diagram_of_distances(
    distances: ArrayLike,
    dimension: int = 1,
    engine: Engine = "ripser",
    field: int = 2,
    memory_budget: int | None = None,
) -> Diagram:
    """The persistence diagram of points of which only the distances are known; they need not obey the triangle rule.

    `distances` is (points, points), finite, symmetric, none negative, zero on the diagonal; the other parameters are
    those of :func:`diagram`. Every point is used. Raises InvalidSpace for what is no matrix of distances, and
    InvalidConfig as :func:`diagram` does.

    >>> square = [[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]]
    >>> diagram_of_distances(square).bars.tolist()
    [[1.0, 2.0]]
    """
    check_request(dimension, engine, field)
    matrix = np.array(distances, dtype=np.float64)
    _check_distances(matrix)
    check_size(len(matrix), dimension, engine, memory_budget)
    return Diagram(
        rips_bars(matrix, dimension, engine, field),
        dimension,
        diameter=float(matrix.max()),
        n_points=len(matrix),
        n_landmarks=len(matrix),
        field=field,
    )


def _check_distances(matrix: NDArray[np.float64]) -> None:
    """Raises InvalidSpace for anything but distances of points to each other."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InvalidSpace(f"distances are (points, points), got an array of shape {matrix.shape}")
    wrong = {
        "not finite": ~np.isfinite(matrix),
        "negative": matrix < 0,
        "other than zero on the diagonal": np.diag(np.diag(matrix) != 0),
        "unlike those of the same points the other way round": matrix != matrix.T,
    }
    for what, where in wrong.items():
        if where.any():
            first = tuple(int(place) for place in np.argwhere(where)[0])
            raise InvalidSpace(f"{int(where.sum())} distances are {what}, the first at {first}: {matrix[first]}")
