"""A Mapper graph as a measured space: nodes with masses, and the geodesics between them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimWarning
from geomsim_topological.couplings.canonical import canonical_order, colours
from geomsim_topological.couplings.measured_space import Floats, MeasuredSpace, measured_space
from geomsim_topological.graphs.geodesics import geodesics
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import Membership, membership
from geomsim_topological.graphs.rewiring import rewired_edges

_MASS_DIGITS = 12


@dataclass(frozen=True, eq=False)
class GraphSpace:
    """The different nodes of a graph, in an order that follows from the graph's shape, not from names and rows."""

    members: Membership
    space: MeasuredSpace
    edges: NDArray[np.int64]  # (edges, 2)
    lengths: Floats  # (edges,): 1 - Jaccard of the rows of the ends
    colour: NDArray[np.int64]  # (nodes,): equal where distances and masses cannot tell nodes apart
    components: int
    cap: float  # the distance between components, in the units of `space`; 0 where there is one
    unit: float  # geodesics are divided by it
    is_rewired: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the first graph node of each."""
        return self.members.names


def graph_space(graph: MapperGraph, *, normalise: bool = False) -> GraphSpace:
    """The nodes of a graph with their masses and geodesics, an edge as long as 1 - Jaccard of the rows of its ends.

    Nodes with the same rows lie at distance 0 and are one. Jaccard's distance is a metric, so no way round is shorter
    than an edge. `normalise` divides by the largest distance within a component.

    Raises DegenerateSpace for a graph without nodes. Warns where components are not joined: their distance is then
    twice the largest finite one.
    """
    members = membership(graph)
    edges, weights = members.distinct.edges, members.distinct.weights
    first, second = edges.T
    lengths = 1.0 - weights / (members.sizes[first] + members.sizes[second] - weights)
    # In the order of the rows, sums of masses differ in the last digits; solvers would break ties by them.
    mass = np.round(members.mass, _MASS_DIGITS)
    order = canonical_order(geodesics(edges, lengths, len(mass)).distances, mass)
    place = np.argsort(order)
    found = _with_edges(_in_order(members, order), place[edges], lengths, mass[order], normalise)
    if found.space.capped:
        warnings.warn(
            f"the Mapper graph has {found.components} components, and no path joins {found.space.capped} of its "
            f"{len(mass) * (len(mass) - 1) // 2} pairs of nodes: their distance is set to twice the largest finite "
            f"one, {found.cap:.4g}. A larger relative_eps, fewer n_cubes or more overlap join them",
            GeomsimWarning,
            stacklevel=4,
        )
    return found


def rewired_space(state: GraphSpace, random: np.random.Generator, *, normalise: bool = False) -> GraphSpace:
    """The same nodes with the same masses and degrees, and edges in random places, each with its length."""
    edges = rewired_edges(state.edges, len(state.names), random)
    rewired = _with_edges(state.members, edges, state.lengths, state.space.mass, normalise)
    return replace(rewired, is_rewired=True)


def _with_edges(
    members: Membership, edges: NDArray[np.int64], lengths: Floats, mass: Floats, normalise: bool
) -> GraphSpace:
    paths = geodesics(edges, lengths, len(mass))
    largest = paths.cap / 2.0 if paths.capped else float(paths.distances.max())
    unit = largest if normalise and largest > 0 else 1.0
    space = replace(measured_space(paths.distances / unit, mass / mass.sum()), capped=paths.capped)
    colour = colours(space.distances, space.mass)
    return GraphSpace(members, space, edges, lengths, colour, paths.components, paths.cap / unit, unit)


def _in_order(members: Membership, order: NDArray[np.int64]) -> Membership:
    return Membership(
        incidence=members.incidence[:, order],
        sizes=members.sizes[order],
        mass=members.mass[order],
        names=tuple(members.names[node] for node in order),
        graph=members.graph,
    )
