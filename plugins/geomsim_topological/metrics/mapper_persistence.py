"""Bottleneck distance of the extended persistence of two Mapper graphs, seen along their lenses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, InvalidConfig, UnpairedMetric
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_facts import Facts, graph_facts
from geomsim_topological.graphs.rewiring import rewired_edges
from geomsim_topological.homology.extended_persistence import KINDS, ExtendedBars, extended_bars
from geomsim_topological.metrics.mapper_settings import MapperSettings

Floats = NDArray[np.float64]

_BARS_SHOWN = 20
# A range below this share of the largest lens value is rounding.
_CONSTANT = 1e-13


@dataclass(frozen=True, eq=False)
class LensGraph:
    """A graph with a height in [0, 1] at each node, and its bars seen from below and from above."""

    edges: NDArray[np.int64]  # (edges, 2)
    heights: Floats  # (nodes,)
    bars: ExtendedBars
    turned: ExtendedBars  # of 1 - heights
    graph: MapperGraph


@dataclass(frozen=True)
class MapperPersistence(MapperSettings, UnpairedMetric[LensGraph]):
    r"""How unlike the branches, loops and components of two Mapper graphs are, in height along the lens.

    .. math:: \min_{\pm} \max_{t} \; d_b \bigl( D_t(f), D_t(\pm g) \bigr)

    f and g are the heights of the nodes of the left and the right graph: the mean of one principal component over the
    rows of the node, moved and scaled so that the rows in nodes reach from 0 to 1. :math:`D_t` are the diagrams of
    extended persistence of kind t: downward branches, upward branches, components and loops; see
    :func:`geomsim_topological.homology.extended_persistence.extended_bars`. :math:`d_b` is the bottleneck distance;
    kinds are never mixed. The sign of a principal component is a convention, so g is also taken upside down, and the
    nearer one counts. No nodes are matched, and rows need not correspond.

    Range [0, 1/2], larger is farther: half the range of the lens is what a branch or loop costs that reaches from end
    to end and has no partner. 0 for graphs that differ by the order of rows and nodes. Unchanged by rotation,
    reflection, scaling and translation. Only the worst bar counts, and two graphs that differ in few nodes may well
    score 0.

    Pitfall: where two principal components have nearly the same variance, which one is the first is chance, and the
    score with it.

    Parameters
    ----------
    component
        which of the lens's principal components is the height, from 0.
    filled
        fill triangles, so that three nodes joined two by two bound no loop. With more than one component
        neighbouring boxes of the cover overlap in threes and fours, and without it nearly all loops are such triangles.

    The others are those of :class:`geomsim_topological.metrics.mapper_settings.MapperSettings`.

    Raises DegenerateSpace for equal rows, for a graph without nodes, and where the height is the same on all rows in
    nodes or the rows have too few components; InvalidConfig for a component that the lens does not have. Warns of much
    noise and of a single node.

    Carrière, Oudot (2018), "Structure and stability of the one-dimensional Mapper", Foundations of Computational
    Mathematics; Cohen-Steiner, Edelsbrunner, Harer (2009), "Extending persistence using Poincaré and Lefschetz
    duality".

    >>> import geomsim
    >>> angle = 2 * np.pi * np.arange(300) / 300
    >>> ring = np.column_stack([2 * np.cos(angle), np.sin(angle)])
    >>> line = np.linspace(-1, 1, 300)[:, None]
    >>> metric = MapperPersistence(components=1, n_cubes=10, overlap=0.3, relative_eps=0.2)
    >>> geomsim.compare(ring, line, metric, null=None).score > 0.4
    True
    """

    component: int = 0
    filled: bool = True

    larger_means = "farther"
    score_range = (0.0, 0.5)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})
    # The largest of four distances of diagrams, and turning both upside down changes none: a distance of the classes.
    triangle = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if not 0 <= self.component < self.components:
            raise InvalidConfig(
                f"component is one of the lens's {self.components}, counted from 0, got {self.component}: "
                f"ask for components={max(self.component + 1, 1)} or more, or for a lower one"
            )

    def prepare(self, points: Tensor) -> LensGraph:
        """The Mapper graph with heights and bars; independent of the order of the rows."""
        return self.state_of(self.graph(points))

    def state_of(self, graph: MapperGraph) -> LensGraph:
        """What is compared of a Mapper graph that keeps its lens, by column `component` of it."""
        if graph.lens is None or graph.node_lens is None:
            raise GeomsimError(
                "the Mapper graph keeps no lens, so its nodes have no heights: give it one, "
                "dataclasses.replace(graph, lens=values) with values (rows, dimensions)"
            )
        if self.component >= graph.lens.shape[1]:
            raise DegenerateSpace(
                f"the lens has {graph.lens.shape[1]} components, as the rows vary along no more directions, and "
                f"component {self.component} is asked for: use component={graph.lens.shape[1] - 1} or lower"
            )
        covered = np.diff(graph.incidence.indptr) > 0
        values = graph.lens[covered, self.component]
        lowest, reach = (float(values.min()), float(np.ptp(values))) if len(values) else (0.0, 0.0)
        if not reach > _CONSTANT * float(np.abs(graph.lens[:, self.component]).max()):
            raise DegenerateSpace(
                f"component {self.component} of the lens is the same on all {int(covered.sum())} rows in nodes, so the "
                "graph has no heights: use a larger relative_eps, so that more rows are in nodes, or another component"
            )
        heights = ((graph.node_lens[:, self.component] - lowest) / reach).clip(0.0, 1.0)
        return self._with_edges(graph.edges, heights, graph)

    def rewired(self, state: LensGraph, random: np.random.Generator) -> LensGraph:
        """The same nodes at the same heights, joined at random, each with as many others as before."""
        edges = rewired_edges(state.edges, len(state.heights), random)
        return self._with_edges(edges, state.heights, state.graph)

    def score(self, left: LensGraph, right: LensGraph) -> Tensor:
        """The distance of the bars, the right ones upside down where that is nearer."""
        nearer = min(left.bars.distance(right.bars), left.bars.distance(right.turned))
        return torch.tensor(nearer, dtype=torch.float64)

    def explain(self, left: LensGraph, right: LensGraph) -> Explanation:
        """Both graphs in numbers, the distance of each kind of bars, and the longest bars.

        Bars are in units of the lens's range, those of the right graph as it was turned.
        """
        turned = left.bars.distance(right.turned) < left.bars.distance(right.bars)
        seen = right.turned if turned else right.bars
        apart = left.bars.distances(seen)
        return Explanation(
            facts={
                **_facts(left, left.bars, "left"),
                **_facts(right, seen, "right"),
                "right lens upside down": "yes" if turned else "no",
                **{f"distance of {kind} bars": value for kind, value in apart.items()},
                "decided by": max(apart, key=apart.__getitem__) if any(apart.values()) else "nothing",
            },
            tables={"longest bars left": _longest(left.bars), "longest bars right": _longest(seen)},
        )

    def _with_edges(self, edges: NDArray[np.int64], heights: Floats, graph: MapperGraph) -> LensGraph:
        bars, turned = (extended_bars(edges, seen, filled=self.filled) for seen in (heights, 1.0 - heights))
        return LensGraph(edges, heights, bars, turned, graph)


def _facts(state: LensGraph, bars: ExtendedBars, name: str) -> Facts:
    # Of a rewired graph the edges are others.
    own = {f"edges {name}": len(state.edges)}
    return graph_facts(state.graph, name) | own | {f"{kind} bars {name}": len(bars.bars[kind]) for kind in KINDS}


def _longest(bars: ExtendedBars) -> dict[str, list[Any]]:
    kinds = [kind for kind in KINDS for _ in bars.bars[kind]]
    ends = np.concatenate([bars.bars[kind] for kind in KINDS])
    longest = np.argsort(ends[:, 0] - ends[:, 1], kind="stable")[:_BARS_SHOWN]
    return {
        "kind": [kinds[bar] for bar in longest],
        "from": ends[longest, 0].tolist(),
        "to": ends[longest, 1].tolist(),
        "length": (ends[longest, 1] - ends[longest, 0]).tolist(),
    }
