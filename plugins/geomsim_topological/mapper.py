"""Mapper (Singh, Mémoli and Carlsson 2007): a graph that shows the shape of a cloud of points.

1. A *lens* gives a few numbers per row.
2. A *cover* cuts the lens values into overlapping sets.
3. The rows of each set are *clustered* by their points; each cluster is a node, and nodes that share rows are joined.

Computed with kmapper.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidSpace, Space
from geomsim_topological.clusterer import Dbscan as Dbscan
from geomsim_topological.cover import Cubes as Cubes
from geomsim_topological.graph import MapperGraph as MapperGraph
from geomsim_topological.lens import Lens as Lens
from geomsim_topological.lens import PrincipalComponents as PrincipalComponents
from geomsim_topological.lens import lens_values

__all__ = ["Cubes", "Dbscan", "Lens", "MapperGraph", "PrincipalComponents", "mapper_graph"]

_TWO_COMPONENTS = PrincipalComponents(2)
_TEN_CUBES = Cubes()
_DBSCAN = Dbscan()
# Beyond these, squares of differences overflow or vanish.
_SMALLEST, _LARGEST = 1e-140, 1e150


def mapper_graph(
    points: Any, lens: Lens = _TWO_COMPONENTS, cover: Cubes = _TEN_CUBES, clusterer: Any = _DBSCAN
) -> MapperGraph:
    """The Mapper graph of points.

    Parameters
    ----------
    points
        (rows, width): a numpy array, a torch tensor, a :class:`geomsim.Space` or a path.
    lens
        a function of the points or its values, (rows,) or (rows, dimensions); two principal components by default.
    cover
        how the lens values are cut.
    clusterer
        :class:`Dbscan`, or any of scikit-learn's clusterers, which is used as it is.

    Rows in no node are listed in ``noise`` of the result; a graph may have no nodes at all.

    Raises
    ------
    InvalidSpace
        when the points cannot be read, or squares of their distances leave the range of numbers.
    DegenerateSpace
        when a column of the lens is constant, or there is no knee to be found.

    >>> import numpy as np
    >>> angle = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> mapper_graph(circle, lens=circle[:, 0], cover=Cubes(5, 0.3))
    MapperGraph(8 nodes, 8 edges, 500 rows of which 0 in no node)
    """
    import kmapper

    space = points if isinstance(points, Space) else Space(points)
    cloud = space.tensor().detach().cpu().double().numpy()
    _check_range(cloud)
    values = lens_values(lens, cloud)
    chosen = clusterer.resolve(cloud, cover.sets(values)) if isinstance(clusterer, Dbscan) else clusterer
    found = kmapper.KeplerMapper(verbose=0).map(
        values, cloud, clusterer=chosen, cover=cover.to_kmapper(), nerve=_NoNerve()
    )
    return MapperGraph.from_kmapper(found, n_rows=len(cloud), eps=getattr(chosen, "eps", None))


def _check_range(cloud: NDArray[np.float64]) -> None:
    """Raises InvalidSpace where squared distances leave the range of numbers."""
    largest = float(np.abs(cloud).max())
    if largest and not _SMALLEST <= largest <= _LARGEST:
        raise InvalidSpace(
            f"the largest entry of the points is {largest:.3g}, and distances are taken of points between "
            f"{_SMALLEST:g} and {_LARGEST:g}: divide them by {largest:.3g}, and with them the lens and eps"
        )


class _NoNerve:
    """Leaves out kmapper's search for links, quadratic in the nodes; the incidence gives them in one product."""

    min_intersection = 1

    def compute(self, nodes: object) -> tuple[dict[str, list[str]], list[list[str]]]:
        return {}, []
