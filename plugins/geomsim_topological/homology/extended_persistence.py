"""Extended persistence of a graph with a number at each node: its components, branches and loops as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError
from geomsim_topological.homology.diagram_distances import bottleneck_distance

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Kind = Literal["downward branch", "upward branch", "component", "loop"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The four kinds of bars, Ord0, Rel1, Ext0 and Ext1 in the literature."""


@dataclass(frozen=True, eq=False)
class ExtendedBars:
    """The bars of each kind, (bars, 2): the lower and the upper end, longest first. Bars of length 0 are left out."""

    bars: dict[Kind, Floats]

    def distance(self, other: ExtendedBars) -> float:
        """The largest of the bottleneck distances, kind by kind; bars of different kinds are never matched."""
        return max(self.distances(other).values())

    def distances(self, other: ExtendedBars) -> dict[Kind, float]:
        """The bottleneck distance of the bars of each kind."""
        return {kind: bottleneck_distance(self.bars[kind], other.bars[kind]) for kind in KINDS}


def extended_bars(edges: ArrayLike, values: ArrayLike, *, filled: bool = False) -> ExtendedBars:
    r"""Extended persistence of a graph, lower-star filtered by the values of its nodes.

    Sweeping upwards, parts of the graph are born, merge and close loops; sweeping down again from the top, what never
    died is paired too, so that every bar is finite (Cohen-Steiner, Edelsbrunner and Harer 2009):

    * *downward branch* (Ord0): from a local minimum up to where its part merges with a lower one;
    * *upward branch* (Rel1): from where a part seen from above merges with a higher one, up to its local maximum;
    * *component* (Ext0): from the least to the largest value of a connected component;
    * *loop* (Ext1): from the least to the largest value of a loop, as short as it can be chosen.

    Parameters
    ----------
    edges
        (edges, 2): numbers of two different nodes.
    values
        (nodes,), finite.
    filled
        three nodes that are joined two by two bound no loop: the triangle is filled. It changes loops alone.

    Computed with gudhi. Raises GeomsimError for edges that do not exist and values that are not finite.

    >>> ring = extended_bars([[0, 1], [1, 2], [2, 3], [3, 0]], [0.0, 1.0, 3.0, 2.0])
    >>> ring.bars["loop"].tolist(), ring.bars["component"].tolist()
    ([[0.0, 3.0]], [[0.0, 3.0]])
    """
    from gudhi import SimplexTree

    heights = np.asarray(values, dtype=np.float64)
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    _check(pairs, heights)
    tree = SimplexTree()
    if not len(heights):
        return ExtendedBars({kind: np.empty((0, 2)) for kind in KINDS})
    # Its values are moved to [-2, -1] and back: let it move whole numbers, and look up the heights afterwards.
    levels, rank = np.unique(heights, return_inverse=True)
    rank = rank.ravel().astype(np.float64)
    tree.insert_batch(np.arange(len(heights))[None], rank)
    if len(pairs):
        tree.insert_batch(pairs.T, rank[pairs].max(axis=1))
    if filled:
        tree.expansion(2)
    tree.extend_filtration()
    ordinary, relative, upward, downward = tree.extended_persistence(homology_coeff_field=2)
    wanted = zip(KINDS, (ordinary, relative, upward, downward), (0, 1, 0, 1), strict=True)
    return ExtendedBars(
        {kind: _sorted([bar for dimension, bar in found if dimension == of], levels) for kind, found, of in wanted}
    )


def _sorted(bars: list[tuple[float, float]], levels: Floats) -> Floats:
    """Bars with the lower end first, in values."""
    ends = np.sort(levels[np.round(np.array(bars).reshape(-1, 2)).astype(np.int64)], axis=1)
    ends = ends[ends[:, 1] > ends[:, 0]]
    return ends[np.lexsort([ends[:, 0], ends[:, 0] - ends[:, 1]])]


def _check(edges: Whole, values: Floats) -> None:
    if values.ndim != 1 or not np.isfinite(values).all():
        raise GeomsimError(
            f"values are one finite number for each node, got an array of shape {values.shape} "
            f"with {int((~np.isfinite(values)).sum())} that are not finite"
        )
    if len(edges) and not (edges.min() >= 0 and edges.max() < len(values)):
        raise GeomsimError(f"edges name nodes {edges.min()} to {edges.max()}, but nodes are 0 to {len(values) - 1}")
    if (edges[:, 0] == edges[:, 1]).any():
        raise GeomsimError("an edge joins a node with itself: leave it out")
