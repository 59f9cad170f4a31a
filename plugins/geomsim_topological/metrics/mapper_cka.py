"""Centred kernel alignment of two Mapper graphs by which rows they put into nodes together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, PairedMetric
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_facts import Facts, graph_facts
from geomsim_topological.metrics.mapper_settings import MapperSettings

Floats = NDArray[np.float64]

_CELLS_SHOWN = 50
_SMALL = 1 << 22  # rows times left nodes times right nodes up to which incidences are multiplied dense


@dataclass(frozen=True, eq=False)
class CoMembership:
    r"""The centred kernel of a graph, kept as features: :math:`H B D^{-1} B^\top H = F F^\top`, never formed."""

    incidence: sparse.csr_matrix  # (rows, nodes), 1.0 where the row is in the node
    sizes: Floats  # (nodes,), rows in each
    diagonal: Floats  # (rows,), of the centred kernel
    norm: float  # of the centred kernel, Frobenius
    graph: MapperGraph

    @property
    def trace(self) -> float:
        """Trace of the centred kernel."""
        return float(self.diagonal.sum())


@dataclass(frozen=True)
class MapperCKA(MapperSettings, PairedMetric[CoMembership]):
    r"""How alike two Mapper graphs put rows together, however their nodes are cut: CKA of co-membership.

    .. math:: \frac{\langle H K H, H L H \rangle}{\lVert H K H \rVert_F \lVert H L H \rVert_F}, \qquad
        K = B D^{-1} B^\top, \quad H = I - \tfrac{1}{N} 1 1^\top

    B (rows, nodes) is the left incidence, 1 where a row is in a node, and D the diagonal of the nodes' sizes:
    :math:`K_{ij}` counts the nodes that hold both rows, each divided by its size. L is the same of the right graph. No
    matrix of rows by rows is made: with :math:`S = D^{-1/2} (B^\top B' - d d'^\top / N) D'^{-1/2}`, where d and d' are
    the sizes, the inner product is :math:`\lVert S \rVert_F^2`; an order of the rows moves the right incidence alone.

    Range [0, 1], larger is closer; 1 if both graphs have the same nodes. Unchanged by rotation, scaling and
    translation, since every length is relative to the side's own.

    A row in no node (noise) has zeros in K, also on the diagonal. Centred, such rows are all equal, as if one large
    loose node held them: rows that are noise on both sides agree, and so do rows that are noise on one side and in one
    large node on the other; rows in small nodes on the other side do not. The counts of noise rows are among the
    facts, and more than a quarter is a warning.

    By chance the score is :math:`\operatorname{tr} HKH \operatorname{tr} HLH / ((N - 1) \lVert HKH \rVert \lVert HLH
    \rVert)`, which is much where nodes are many for the rows: read it beside its null, or take ``chance_corrected``.
    There are no exact moments beyond that mean: with mean and variance alone, and a law that leans to the right, tails
    would be too light.

    Parameters are those of :class:`geomsim_topological.metrics.mapper_settings.MapperSettings`.

    Raises DegenerateSpace for equal rows, for a graph without nodes, and where each node holds all rows, so that the
    centred kernel is 0. Warns of much noise and of a single node.

    Kornblith, Norouzi, Lee, Hinton 2019, "Similarity of neural network representations revisited", ICML.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(200, 6)) * np.arange(1, 7)
    >>> round(geomsim.compare(points, points[:, ::-1] * 3 + 1, MapperCKA(), null=None).score, 9)
    1.0
    """

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> CoMembership:
        """The Mapper graph as incidence and weights; independent of the order of the rows but for their numbers."""
        return co_membership(self.graph(points))

    def score(self, left: CoMembership, right: CoMembership, order: Tensor) -> Tensor:
        """Inner product of the centred kernels, each divided by its norm."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: CoMembership, right: CoMembership, orders: Tensor) -> Tensor:
        """One product of incidences for each order."""
        from_left: Any = left.incidence.T.tocsr()
        to_right: Any = right.incidence
        if _is_small(left, right):
            # Sparse products of small graphs spend their time on bookkeeping; counts are whole numbers either way.
            from_left, to_right = from_left.toarray(), to_right.toarray()
        norms = left.norm * right.norm
        values = []
        for order in orders.cpu().numpy():
            cells = _cells(from_left @ to_right[order], left.sizes, right.sizes, len(order))
            values.append(float(np.square(cells).sum()) / norms)
        # Rounding leaves the range by an eps or two.
        return torch.tensor(values, dtype=torch.float64, device=orders.device).clamp(0.0, 1.0)

    def bytes_per_order(self, left: CoMembership, right: CoMembership) -> int:
        """The order, its value, and the reordered side: draws are worked through one by one."""
        rows, nodes = right.incidence.shape
        return 8 * (rows + 1) + 8 * (rows * nodes if _is_small(left, right) else 2 * right.incidence.nnz + rows)

    def null_mean(self, left: CoMembership, right: CoMembership) -> float:
        """Exact mean over all orders, from the traces."""
        return left.trace * right.trace / ((len(left.diagonal) - 1) * left.norm * right.norm)

    def explain(self, left: CoMembership, right: CoMembership) -> Explanation:
        r"""Both graphs in numbers, and which pairs of nodes the score is made of.

        Effective nodes are :math:`(\operatorname{tr} HKH)^2 / \lVert HKH \rVert^2`: how many separate nodes of equal
        size would have that ratio, less one. Tables: *cells*, the pairs of nodes that add most, with the rows they
        share and those expected by chance (a pair adds alike where it shares more and where it shares fewer); and
        *partners*, for each left node the right node with which it adds most among those that share more than by
        chance.
        """
        shared = np.asarray((left.incidence.T @ right.incidence).toarray(), dtype=np.float64)
        cells = _cells(shared, left.sizes, right.sizes, left.graph.n_rows)
        return Explanation(
            facts={
                **_facts(left, "left"),
                **_facts(right, "right"),
                "mean by chance": self.null_mean(left, right),
            },
            tables={
                "cells": _largest_cells(cells, shared, left, right),
                "partners": _partners(cells, shared, left, right),
            },
        )


def co_membership(graph: MapperGraph) -> CoMembership:
    """The centred kernel of a graph that has any node; DegenerateSpace where each node holds all rows."""
    incidence = graph.incidence.astype(np.float64).tocsr()
    n_rows = incidence.shape[0]
    sizes = np.asarray(incidence.sum(axis=0), dtype=np.float64).ravel()
    if (sizes == n_rows).all():
        raise DegenerateSpace(
            f"each node of the Mapper graph ({len(sizes)}) holds all {n_rows} rows, so its kernel is constant and "
            "tells no row from another. Use more n_cubes or a smaller relative_eps"
        )
    # K_ii, the sum of row i, which is the number of its nodes, and the sum of all.
    own, degree = incidence @ (1.0 / sizes), incidence @ np.ones(len(sizes))
    diagonal = own - 2.0 * degree / n_rows + sizes.sum() / n_rows**2
    norm = float(np.linalg.norm(_cells(incidence.T @ incidence, sizes, sizes, n_rows)))
    return CoMembership(incidence, sizes, np.maximum(diagonal, 0.0), norm, graph)


def _is_small(left: CoMembership, right: CoMembership) -> bool:
    return len(left.sizes) * int(right.incidence.shape[0] * right.incidence.shape[1]) <= _SMALL


def _cells(shared: Any, left_sizes: Floats, right_sizes: Floats, n_rows: int) -> Floats:
    """S, (left nodes, right nodes), from the counts of shared rows: its squares add up to the inner product."""
    counts = shared if isinstance(shared, np.ndarray) else shared.toarray()
    beyond_chance = counts - np.outer(left_sizes / n_rows, right_sizes)
    return np.asarray(beyond_chance / np.sqrt(np.outer(left_sizes, right_sizes)), dtype=np.float64)


def _facts(side: CoMembership, name: str) -> Facts:
    return graph_facts(side.graph, name) | {f"effective nodes {name}": (side.trace / side.norm) ** 2}


def _largest_cells(cells: Floats, shared: Floats, left: CoMembership, right: CoMembership) -> dict[str, list[Any]]:
    added = np.square(cells)
    largest = np.argsort(-added, axis=None, kind="stable")[:_CELLS_SHOWN]
    k, m = np.unravel_index(largest, added.shape)
    return {
        "left node": [left.graph.names[node] for node in k],
        "right node": [right.graph.names[node] for node in m],
        "shared rows": shared[k, m].astype(int).tolist(),
        "rows by chance": (left.sizes[k] * right.sizes[m] / left.graph.n_rows).tolist(),
        "share of score": (added[k, m] / added.sum() if added.any() else added[k, m]).tolist(),
    }


def _partners(cells: Floats, shared: Floats, left: CoMembership, right: CoMembership) -> dict[str, list[Any]]:
    best = cells.argmax(axis=1)
    every = np.arange(len(best))
    both = shared[every, best]
    return {
        "left node": list(left.graph.names),
        "rows": left.sizes.astype(int).tolist(),
        "best right node": [right.graph.names[node] for node in best],
        "shared rows": both.astype(int).tolist(),
        "Jaccard": (both / (left.sizes + right.sizes[best] - both)).tolist(),
    }
