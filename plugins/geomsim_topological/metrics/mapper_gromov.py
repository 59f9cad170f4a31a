"""Gromov-Wasserstein distance of Mapper graphs: the same shape, whichever rows are where."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from geomsim import ByParameters, Explanation, UnpairedMetric
from geomsim_topological.couplings.graph_space import GraphSpace
from geomsim_topological.couplings.gromov import GromovPlan, gromov_plan
from geomsim_topological.couplings.gromov_tables import graph_explanation
from geomsim_topological.metrics.graph_spaces import GraphSpaces
from geomsim_topological.whole_numbers import check_whole


@dataclass(frozen=True)
class MapperGromov(GraphSpaces, UnpairedMetric[GraphSpace]):
    r"""Gromov-Wasserstein distance of the Mapper graphs: how much of their geodesics no matching of nodes can keep.

    .. math:: \Bigl( \min_P \sum_{kk'll'} (d(k, k') - d'(l, l'))^2 P_{kl} P_{k'l'} \Bigr)^{1/2}, \quad
        P 1 = p, \; P^\top 1 = q

    d are lengths of shortest paths, an edge as long as :math:`1 - |c_k \cap c_{k'}| / |c_k \cup c_{k'}|` of the rows of
    its ends; each covered row hands an equal mass to its nodes. Nodes with the same rows are one. Rows need not
    correspond: only the shape of the graphs counts. Between components, where there is no path, a distance is twice
    the graph's largest finite one; that is warned of and counted.

    Range from 0, larger is farther, in edges of length 1 at most; 0 for graphs of one shape. Not halved, as Mémoli
    (2011) does. It is the root of the least value that was found from all starts: never below the true distance, which
    obeys the triangle inequality; above it where every start ends in a local minimum. Two graphs of one shape that
    are cut finer and coarser differ in size; `normalise` compares shapes only.

    Parameters are those of :class:`geomsim_topological.metrics.mapper_settings.MapperSettings`, and

    starts
        how many plans are improved; see :func:`geomsim_topological.couplings.gromov.gromov_plan`, which also says what
        is done with more than 500 nodes.
    normalise
        divide all distances of a side by its largest finite one.

    Raises DegenerateSpace for equal rows and for a graph without nodes. Warns of much noise, of a single node and of
    several components.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(200, 6)) * np.arange(1, 7)
    >>> geomsim.compare(points, points[::-1, ::-1] * 3 + 1, MapperGromov(), null=None).score
    0.0
    """

    starts: int = 20
    normalise: bool = False

    larger_means = "farther"
    score_range = ByParameters(lambda metric: (0.0, 2.0 if metric.normalise else inf))
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        check_whole("starts", self.starts, 1)

    def score(self, left: GraphSpace, right: GraphSpace) -> Tensor:
        """The root of the value of the best plan."""
        return torch.tensor(gromov_plan(left.space, right.space, starts=self.starts).distance, dtype=torch.float64)

    def plan(self, left: GraphSpace, right: GraphSpace) -> GromovPlan:
        """The best plan behind the score, with all starts carried through, so that its optima are counted."""
        return gromov_plan(left.space, right.space, starts=self.starts, every_start=True)

    def explain(self, left: GraphSpace, right: GraphSpace) -> Explanation:
        """Both graphs, how the plan was found and what it does.

        See :func:`geomsim_topological.couplings.gromov_tables.graph_explanation`.
        """
        return graph_explanation(left, right, self.plan(left, right))
