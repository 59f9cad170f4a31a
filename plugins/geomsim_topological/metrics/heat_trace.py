"""IMD (Tsitsulin et al. 2020): how differently heat flows on the neighbourhood graphs of two clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from geomsim import Explanation, UnpairedMetric
from geomsim_topological.neighbours.lanczos import estimated_traces, exact_traces
from geomsim_topological.neighbours.neighbour_graph import NeighbourGraph, neighbour_graph
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]

_TIMES = np.logspace(-1, 1, 256)
_WEIGHTS = np.exp(-2.0 * (_TIMES + 1.0 / _TIMES))
_EXACT_ROWS = 1_000
_TIMES_SHOWN = 16


@dataclass(frozen=True, eq=False)
class HeatTraces:
    """Traces of the heat kernel at each time, and how far they can be off."""

    values: Floats  # (times,)
    errors: Floats  # (times,), standard errors; 0 where all eigenvalues were computed
    graph: NeighbourGraph


@dataclass(frozen=True)
class HeatTrace(UnpairedMetric[HeatTraces]):
    r"""Largest weighted difference of the heat traces of two neighbourhood graphs: clusters, loops, dimension.

    .. math:: \max_t \; e^{-2(t + 1/t)} \, |h(t) - h'(t)|, \qquad h(t) = \frac1n \sum_i e^{-t \lambda_i}

    :math:`\lambda_i` are the n eigenvalues of the normalised Laplacian 1 - D^{-1/2} A D^{-1/2}. A joins two rows where
    one is among the k nearest of the other; rows as near as the k-th, to nine digits, count as nearest too, so that no
    choice is made among equals, and equal rows count once. t runs over 256 times from .1 to 10, evenly in the
    logarithm. Dividing by n (the paper's "empty graph") makes clouds of unequal numbers of rows comparable, though a
    denser sample of the same shape looks flatter to its k nearest.

    Range [0, e^-4], .0183; larger is farther; a distance. Scores are small: .001 is much. Unchanged by rotation,
    scaling and translation. Small times see degrees and triangles, larger ones clusters and loops.

    Parameters
    ----------
    k
        number of neighbours, 5 in the paper.
    probes
        random vectors for graphs of more than 1,000 different rows, whose traces are estimated (stochastic Lanczos
        quadrature); up to 1,000 all eigenvalues are computed. `explain` tells the standard error, usually below 1e-6.
    seed
        of these vectors. Rows are put in the order of their distances from the mean first, so the estimate does not
        depend on the order in which they came.

    Raises DegenerateSpace for fewer different rows than k + 1, rows that differ by less than numbers can tell, and a
    graph of more than 50 million edges (rows that are all equally far from each other); InvalidConfig for parameters
    that do not exist. Time O(rows^2 x width), memory O(k rows).

    Tsitsulin, Munkhoeva, Mottin, Karras, Bronstein, Oseledets and Müller (2020), "The shape of data: intrinsic distance
    for data distributions".

    >>> import geomsim
    >>> angle = 2 * np.pi * np.arange(40) / 40
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> line = np.arange(40.0)[:, None]
    >>> geomsim.compare(circle, 3 * circle[::-1] + 1, HeatTrace(k=2), null=None).score < 1e-15
    True
    >>> round(geomsim.compare(circle, line, HeatTrace(k=2), null=None).score, 6)
    1.7e-05
    """

    k: int = 5
    probes: int = 100
    seed: int = 0

    larger_means = "farther"
    score_range = (0.0, math.exp(-4.0))
    triangle = True  # the largest difference of two functions, each of which follows from its own side
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name, least in (("k", 1), ("probes", 2), ("seed", 0)):
            check_whole(name, getattr(self, name), least)

    def prepare(self, points: Tensor) -> HeatTraces:
        """The graph of nearest neighbours, and its heat traces."""
        graph = neighbour_graph(points.detach().cpu().numpy(), self.k)
        degrees = np.diff(graph.adjacency.indptr)
        root = sparse.diags_array(1.0 / np.sqrt(degrees))
        similarity = sparse.csr_array(root @ graph.adjacency @ root)
        if graph.n_rows <= _EXACT_ROWS:
            return HeatTraces(exact_traces(similarity, _TIMES), np.zeros(len(_TIMES)), graph)
        found = estimated_traces(similarity, _TIMES, self.probes, self.seed)
        errors = found.std(axis=0, ddof=1) / math.sqrt(self.probes)
        return HeatTraces(found.mean(axis=0), errors, graph)

    def score(self, left: HeatTraces, right: HeatTraces) -> Tensor:
        """The largest weighted difference."""
        return torch.tensor((_WEIGHTS * np.abs(left.values - right.values)).max(), dtype=torch.float64)

    def explain(self, left: HeatTraces, right: HeatTraces) -> Explanation:
        """The time of the largest difference with its standard error, both graphs, and the traces at some times."""
        apart = _WEIGHTS * np.abs(left.values - right.values)
        at = int(apart.argmax())
        facts: dict[str, float | int | str] = {
            "time": float(_TIMES[at]),
            "heat trace left": float(left.values[at]),
            "heat trace right": float(right.values[at]),
            "standard error": float(_WEIGHTS[at] * np.hypot(left.errors[at], right.errors[at])),
        }
        for name, side in (("left", left), ("right", right)):
            facts |= {
                f"different rows {name}": side.graph.n_rows,
                f"edges {name}": side.graph.n_edges,
                f"components {name}": side.graph.components,
            }
        shown = np.linspace(0, len(_TIMES) - 1, _TIMES_SHOWN).round().astype(int)
        table: dict[str, list[Any]] = {
            "time": _TIMES[shown].tolist(),
            "left": left.values[shown].tolist(),
            "right": right.values[shown].tolist(),
            "weighted difference": apart[shown].tolist(),
        }
        return Explanation(facts, {"heat traces": table})
