"""What metrics share that see a Mapper graph as a space of nodes with geodesics between them."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from geomsim_topological.couplings.graph_space import GraphSpace, graph_space, rewired_space
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.metrics.mapper_settings import MapperSettings


class GraphSpaces(MapperSettings):
    """The state of such a metric: of points, of a graph that is at hand, and of a graph with its edges rewired."""

    normalise: bool
    """Whether all distances of a side are divided by its largest finite one; a parameter of the metric."""

    def prepare(self, points: Tensor) -> GraphSpace:
        """The Mapper graph with its geodesics and the rows of its nodes."""
        return self.state_of(self.graph(points))

    def state_of(self, graph: MapperGraph) -> GraphSpace:
        """A graph that is at hand as a state, what :meth:`prepare` makes of the graph of some points."""
        return graph_space(graph, normalise=self.normalise)

    def rewired(self, state: GraphSpace, random: np.random.Generator) -> GraphSpace:
        """The state with its edges in random places: nodes keep rows, degrees and masses, edges their lengths."""
        return rewired_space(state, random, normalise=self.normalise)
