"""RTD-Lite (Tulchinskii et al. 2025): how much shorter a spanning tree gets that may use the edges of both sides."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import Explanation, PairedMetric
from geomsim_topological.clusters.components import spanning_tree
from geomsim_topological.rows.distance_scale import Scale, check_scale, scaled_cloud

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_PAIRS_SHOWN = 20


@dataclass(frozen=True, eq=False)
class ScaledTree:
    """A minimum spanning tree of the rows, its lengths in units of the side's own scale."""

    edges: Numbers  # (rows - 1, 2)
    lengths: Floats  # (rows - 1,), rising
    total: float
    scale: float  # in units of the points

    @property
    def n_rows(self) -> int:
        """Number of rows that the tree joins."""
        return len(self.edges) + 1


@dataclass(frozen=True)
class RTDLite(PairedMetric[ScaledTree]):
    r"""How much shorter a spanning tree gets where each pair of rows is as close as it is on the closer side.

    .. math:: T(d) + T(d') - 2\, T(\min(d, d'))

    T is the length of the minimum spanning tree of the rows, d (rows, rows) are the Euclidean distances of the left
    side and d' those of the right, each divided by a length of its own side: with ``scale="quantile"`` the distance
    that nine tenths of the pairs do not exceed, with "root-mean-square" the root of the mean squared distance. As balls
    grow around the rows, the score is the time during which rows are joined on one side and not yet on the other,
    added up over all components: both directions together, where ``rtd`` takes their mean and adds loops. So it is
    never more than twice ``rtd``.

    Range from 0, and at most T(d) + T(d'); larger is farther. 0 if, and only if, components merge at the same distances
    in the same way. It grows with the number of rows: compare scores of as many rows, or the share of T(d) + T(d')
    that `explain` tells, which is in [0, 1]. Unchanged by rotation, scaling and translation. A distance: for each
    radius the number of components is supermodular in the set of edges, from which the triangle inequality follows.

    Any number of rows: the tree of min(d, d') consists of edges of the two trees, since a longer way round in one of
    them is a longer way round in both. So each side keeps its tree, made once in tiles, O(rows^2 x width), and a draw
    costs O(rows log rows) without any distance.

    Raises DegenerateSpace for a single row, equal rows, and with "quantile" where nine tenths of the pairs of rows are
    equal; InvalidConfig for another scale.

    Tulchinskii, Voronkova, Trofimov, Burnaev and Barannikov (2025), "RTD-Lite: scalable topological analysis for
    comparing weighted graphs in learning tasks".

    >>> import geomsim
    >>> left, right = [[0.0], [1.0], [3.0]], [[0.0], [3.0], [4.0]]
    >>> round(geomsim.compare(left, right, RTDLite(), null=None).score, 12)  # of 3/3 + 4/4 - 2 (1/4 + 1/3)
    0.833333333333
    """

    scale: Scale = "quantile"

    larger_means = "farther"
    score_range = (0.0, inf)
    triangle = True
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_scale(self.scale)

    def prepare(self, points: Tensor) -> ScaledTree:
        """The minimum spanning tree of all rows."""
        cloud = scaled_cloud(points, self.scale)
        tree = spanning_tree(cloud.rows)
        lengths = tree.lengths / cloud.length
        return ScaledTree(tree.edges, lengths, _added_up(lengths), cloud.length_of_points)

    def score(self, left: ScaledTree, right: ScaledTree, order: Tensor) -> Tensor:
        """What the tree of both sides saves."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: ScaledTree, right: ScaledTree, orders: Tensor) -> Tensor:
        """One pass over both trees for each order."""
        both, _ = _of_both(left, right, orders.cpu().numpy())
        saved = left.total + right.total - 2.0 * both
        return torch.from_numpy(saved).clamp_min(0.0).to(orders.device)  # rounding may leave it below

    def bytes_per_order(self, left: ScaledTree, right: ScaledTree) -> int:
        """The order and its score."""
        return 8 * (left.n_rows + 1)

    def explain(self, left: ScaledTree, right: ScaledTree) -> Explanation:
        """The lengths of the three trees, and the rows that are joined much earlier on one side.

        Table: edges of the tree of both sides, each with the distances at which its two rows come into one component on
        either side, in units of the side's scale; those that differ most first.
        """
        identity = np.arange(left.n_rows)
        both, kept = _of_both(left, right, identity[None])
        edges = np.concatenate([left.edges, right.edges])[kept]
        joined = {name: joined_at(side, edges) for name, side in (("left", left), ("right", right))}
        shown = np.argsort(-np.abs(joined["left"] - joined["right"]), kind="stable")[:_PAIRS_SHOWN]
        whole, saved = left.total + right.total, max(left.total + right.total - 2.0 * float(both[0]), 0.0)
        facts: dict[str, float | int | str] = {
            "rows": left.n_rows,
            "tree left": left.total,
            "tree right": right.total,
            "tree of both": float(both[0]),
            "share of both trees": saved / whole if whole else 0.0,
            "unit of distance left": left.scale,
            "unit of distance right": right.scale,
        }
        table: dict[str, list[Any]] = {
            "row": edges[shown, 0].tolist(),
            "other row": edges[shown, 1].tolist(),
            **{f"joined {name} at": heights[shown].tolist() for name, heights in joined.items()},
        }
        return Explanation(facts, {"joined earlier on one side": table})


def joined_at(tree: ScaledTree, pairs: Numbers) -> Floats:
    """For pairs of rows, (pairs, 2): the distance at which both are in one component; their height in the dendrogram.

    >>> tree = ScaledTree(np.array([[0, 1], [1, 2]]), np.array([1.0, 2.0]), 3.0, 1.0)
    >>> joined_at(tree, np.array([[0, 1], [2, 0]])).tolist()
    [1.0, 2.0]
    """
    parent, when = np.arange(tree.n_rows), np.full(tree.n_rows, np.inf)
    sizes = np.ones(tree.n_rows, dtype=np.int64)
    for (first, second), length in zip(tree.edges.tolist(), tree.lengths.tolist(), strict=True):
        while parent[first] != first:
            first = parent[first]
        while parent[second] != second:
            second = parent[second]
        # The smaller below the larger, so that no way up is longer than log2(rows).
        small, large = (first, second) if sizes[first] < sizes[second] else (second, first)
        parent[small], when[small] = large, length
        sizes[large] += sizes[small]
    here, there = pairs[:, 0].copy(), pairs[:, 1].copy()
    height = np.zeros(len(pairs))
    while (apart := here != there).any():
        # The one whose component ended first goes up.
        lower = when[here] <= when[there]
        height = np.where(apart, np.maximum(height, np.minimum(when[here], when[there])), height)
        here, there = np.where(apart & lower, parent[here], here), np.where(apart & ~lower, parent[there], there)
    return height


def _added_up(lengths: Floats) -> float:
    """The sum, shortest first and one by one, as the loop over both trees has it: equal sides then score 0 exactly."""
    return float(np.cumsum(lengths)[-1]) if len(lengths) else 0.0


def _of_both(left: ScaledTree, right: ScaledTree, orders: Numbers) -> tuple[Floats, NDArray[np.bool_]]:
    from geomsim_topological.kernels.tree_kernels import tree_of_both

    kept = np.zeros(2 * len(left.edges), dtype=np.bool_)
    sides = (left.edges, left.lengths, right.edges, right.lengths)
    return tree_of_both(*sides, np.ascontiguousarray(orders), kept), kept
