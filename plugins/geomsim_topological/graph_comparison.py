"""Two Mapper graphs over the same rows: which node of one corresponds to which of the other, and how well it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geomsim import Comparison, GeomsimError, InvalidPairing
from geomsim_topological.comparison import evidence
from geomsim_topological.comparison.evidence import CellEvidence, Enrichment, Texts
from geomsim_topological.comparison.graph_null import shuffled_rows
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import Membership, membership
from geomsim_topological.graphs.shared_rows import shared_rows
from geomsim_topological.metrics.mapper_transport import node_costs
from geomsim_topological.plans import carried_colours, plan_tables, saved_tables
from geomsim_topological.plans.carried_colours import CarriedColours
from geomsim_topological.plans.plan_tables import Distortion, EdgesPreserved, Side, Table
from geomsim_topological.plans.unmatched import Matching, Variant

if TYPE_CHECKING:
    import pandas as pd

Direction = Literal["left-to-right", "right-to-left"]
Node = str | int


@dataclass(frozen=True, eq=False)
class GraphComparison:
    """What :func:`compare_graphs` found. Nodes are those of the graphs, one by one, in their order."""

    left: MapperGraph
    right: MapperGraph
    value: float
    """The cost of the best plan; for the balanced variant what the metric `mapper-transport` gives."""
    plan: sparse.csr_matrix
    """(left nodes, right nodes): the mass of each left node that goes to each right node."""
    shared: sparse.csr_matrix
    """(left nodes, right nodes): how many rows they share."""
    matching: Matching
    """The variant with its parameters."""

    @property
    def matched(self) -> float:
        """The mass that the plan moves; 1 for the balanced variant."""
        return float(self.plan.sum())

    @property
    def cost_of_matched(self) -> float:
        """The mean cost of a unit of matched mass: 1 - Jaccard of the nodes that it lies in; 0 where none is."""
        return float(self.plan.multiply(self._costs).sum()) / self.matched if self.plan.nnz else 0.0

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Everything by the name of its table, columns by name.

        *plan*: all cells, largest first (left node, right node, mass, shared rows, Jaccard). *left nodes* and *right
        nodes*: rows, mass, unmatched mass, best partner with its share of the node's matched mass and the entropy of
        all shares in bits, and the distortion, which is by how many edges the node's distances to others change
        (:func:`geomsim_topological.plans.plan_tables.distortion`). *splits* and *merges*: left nodes whose mass goes to
        several right ones, right nodes that take from several left ones, a line for each part of a tenth or more.
        *left edges* and *right edges*: shared rows, whether the ends' partners are joined (kept) or one (collapsed).
        """
        names = self.left.names, self.right.names
        beside = {"shared rows": self.shared.astype(np.int64).toarray(), "Jaccard": 1.0 - self._costs}
        return {
            "plan": plan_tables.largest_cells(self.plan, *names, beside=beside),
            "left nodes": self._nodes("left"),
            "right nodes": self._nodes("right"),
            "splits": plan_tables.splits(self.plan, *names),
            "merges": plan_tables.splits(self.plan, *names, side="right"),
            "left edges": self.edges_preserved().table(self.left.names),
            "right edges": self.edges_preserved("right-to-left").table(self.right.names),
        }

    @property
    def facts(self) -> dict[str, Any]:
        """The comparison in numbers, ready for JSON."""
        edges = {way: self.edges_preserved(way) for way in _SIDES}
        return {
            "value": self.value,
            **{name: value for name, value in vars(self.matching).items() if value is not None},
            "matched mass": self.matched,
            "cost of matched mass": self.cost_of_matched,
            "rows": self.left.n_rows,
            "left nodes": len(self.left.names),
            "right nodes": len(self.right.names),
            "left rows in no node": len(self.left.noise),
            "right rows in no node": len(self.right.noise),
            "nodes split": len(set(self.tables["splits"]["left node"])),
            "nodes merged": len(set(self.tables["merges"]["right node"])),
            **{f"edges preserved {way}": found.share for way, found in edges.items()},
            **{f"edges preserved {way}, weighted": found.weighted_share for way, found in edges.items()},
            "distance between components (edges)": self._distortion.cap,
        }

    def edges_preserved(self, direction: Direction = "left-to-right") -> EdgesPreserved:
        """Which edges of one graph the other has between the best partners of their ends; shares plain and weighted."""
        return plan_tables.edges_preserved(self.plan, self.left, self.right, _side(direction))

    def carry(self, values: ArrayLike, direction: Direction = "left-to-right") -> CarriedColours:
        """Values of the nodes of one graph, or colours in channels, as values of the other's: means along the plan.

        See :func:`geomsim_topological.plans.carried_colours.carry`.
        """
        if _side(direction) == "left":
            return carried_colours.carry(self.plan, values, self.right.names)
        return carried_colours.carry(self.plan.T.tocsr(), values, self.left.names)

    def shared_rows(self, left_node: Node, right_node: Node) -> NDArray[np.int64]:
        """The rows that two nodes, by name or number, share, ascending."""
        return self.evidence(left_node, right_node).rows

    def evidence(self, left_node: Node, right_node: Node, texts: Texts | None = None) -> CellEvidence:
        """The rows that two nodes share, their texts where given, and a p-value for their number."""
        nodes = _number(self.left, left_node, "left"), _number(self.right, right_node, "right")
        return evidence.cell_evidence(self.left, self.right, *nodes, texts)

    def enrichment(
        self, draws: int | None = None, seed: int = 0, groups: Sequence[Any] | NDArray[Any] | None = None
    ) -> Enrichment:
        """How surprising the shared rows of all pairs are.

        See :func:`geomsim_topological.comparison.evidence.enrichment`.
        """
        return evidence.enrichment(self.left, self.right, draws=draws, seed=seed, groups=groups)

    def significance(
        self, draws: int = 999, seed: int = 0, groups: Sequence[Any] | NDArray[Any] | None = None
    ) -> Comparison:
        """The shuffle null of :func:`geomsim.compare` for these graphs: the right rows move, no graph is made again.

        `groups`, one label per row, moves rows of one label (a document) as a block. Raises InapplicableNull where
        that leaves nothing to move.
        """
        sides = membership(self.left), membership(self.right)
        return shuffled_rows(*sides, self.matching, draws=draws, seed=seed, groups=groups)

    def p_value(self, draws: int = 999, seed: int = 0, groups: Sequence[Any] | NDArray[Any] | None = None) -> float:
        """How often graphs with shuffled rows are as close, see :meth:`significance`."""
        found = self.significance(draws, seed, groups).p_value
        assert found is not None
        return found

    def to_frame(self, table: str = "plan") -> pd.DataFrame:
        """One of :attr:`tables` as a pandas frame. Raises GeomsimError for a name that is none of theirs."""
        if table not in self.tables:
            raise GeomsimError(f"there is no table {table!r}; there are {', '.join(map(repr, self.tables))}")
        return saved_tables.frame_of(self.tables[table])

    def save(self, folder: str | Path) -> Path:
        """Write the plan (``plan.npz``, for `scipy.sparse.load_npz`), the tables (Parquet, CSV), the facts (JSON)."""
        return saved_tables.save_tables(folder, "comparison", self.plan, self.tables, self.facts)

    def __repr__(self) -> str:
        facts = self.facts
        unmatched = (
            "" if self.matching.variant == "balanced" else f" ({self.matching.variant}, {self.matched:.0%} matched)"
        )
        edges = " and ".join(
            f"{share:.0%} of {side} edges"
            for side, share in ((side, facts[f"edges preserved {way}"]) for way, side in _SIDES.items())
            if share is not None
        )
        return (
            f"GraphComparison(cost {self.value:.4g}{unmatched}, {facts['left nodes']} left and {facts['right nodes']} "
            f"right nodes, {facts['nodes split']} split, {facts['nodes merged']} merged, "
            f"{edges or 'no edges'} preserved)"
        )

    @cached_property
    def _states(self) -> tuple[Membership, Membership]:
        return membership(self.left, merged=False), membership(self.right, merged=False)

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return node_costs(self.shared.toarray(), *self._states)

    @cached_property
    def _distortion(self) -> Distortion:
        return plan_tables.distortion(self.plan, plan_tables.hops(self.left), plan_tables.hops(self.right))

    def _nodes(self, side: Side) -> Table:
        state, axis = self._states[side == "right"], int(side == "left")
        matched = np.asarray(self.plan.sum(axis=axis)).ravel()
        found = plan_tables.partners(self.plan, self.left.names, self.right.names, side)
        own = f"{side} node"
        return {
            own: found.pop(own),
            "rows": state.sizes.astype(np.int64).tolist(),
            "mass": state.mass.tolist(),
            "unmatched mass": _without_dust(state.mass - matched).tolist(),
            **found,
            "distortion (edges)": getattr(self._distortion, side).tolist(),
        }


_SIDES: dict[Direction, Side] = {"left-to-right": "left", "right-to-left": "right"}


def compare_graphs(
    left: MapperGraph,
    right: MapperGraph,
    *,
    variant: Variant = "balanced",
    mass: float | None = None,
    regularisation: float | None = None,
) -> GraphComparison:
    """The best plan between the nodes of two Mapper graphs that were made of the same rows, row i being row i.

    Cost and masses are those of :class:`geomsim_topological.metrics.mapper_transport.MapperTransport`: it costs 1 -
    Jaccard of their rows to match two nodes, and each covered row hands its part to its nodes. Graphs may come from
    anywhere, for example from kmapper by :meth:`MapperGraph.from_kmapper`.

    Parameters
    ----------
    left, right
        the graphs.
    variant
        "balanced": all mass is matched. "partial": the cheapest part of it. "unbalanced": what is worth its price.
    mass
        of "partial" alone: the part that is matched, above 0 and at most 1.
    regularisation
        of "unbalanced" alone: the price of a unit of mass that stays unmatched on either side. Nodes are matched where
        that costs less than twice the price; the default, 0.4, leaves those with a Jaccard similarity below .2.

    Raises
    ------
    InvalidPairing
        when the graphs were made of different numbers of rows.
    InvalidConfig
        for a variant that does not exist, and a parameter that it lacks or has no use for.
    DegenerateSpace
        for a graph whose nodes hold no row; the message names the side.

    >>> left = MapperGraph.from_kmapper({"nodes": {"all": [0, 1, 2, 3]}}, n_rows=4)
    >>> right = MapperGraph.from_kmapper({"nodes": {"low": [0, 1], "high": [2, 3]}}, n_rows=4)
    >>> found = compare_graphs(left, right)
    >>> found
    GraphComparison(cost 0.5, 1 left and 2 right nodes, 1 split, 0 merged, no edges preserved)
    >>> found.plan.toarray().tolist(), found.shared_rows("all", "high").tolist()
    ([[0.5, 0.5]], [2, 3])
    """
    matching = Matching(variant, mass, regularisation)
    if left.n_rows != right.n_rows:
        raise InvalidPairing(
            f"the left graph was made of {left.n_rows} rows and the right one of {right.n_rows}: both must be made of "
            "the same rows in the same order. For graphs from kmapper give the number of all rows as n_rows"
        )
    states = []
    for side, graph in (("left", left), ("right", right)):
        try:
            states.append(membership(graph, merged=False))
        except GeomsimError as error:
            raise error.within(f"{side} graph") from None
    first, second = states
    shared = next(shared_rows(first.incidence, second.incidence, np.arange(left.n_rows)[None]))
    found = matching.solve(node_costs(shared, first, second), first.mass, second.mass)
    return GraphComparison(
        left=left,
        right=right,
        value=min(max(0.0, found.value), 1.0),
        plan=plan_tables.as_sparse(found.plan),
        shared=sparse.csr_matrix(shared.astype(np.int64)),
        matching=matching,
    )


def _without_dust(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of masses, of which rounding leaves a little on either side of 0."""
    return np.where(values > 1e-9, values, 0.0)


def _side(direction: Direction) -> Side:
    if direction not in _SIDES:
        raise GeomsimError(f"direction is 'left-to-right' or 'right-to-left', got {direction!r}")
    return _SIDES[direction]


def _number(graph: MapperGraph, node: Node, side: str) -> int:
    if isinstance(node, str):
        if node not in graph.names:
            some = ", ".join(map(repr, graph.names[:5]))
            raise GeomsimError(f"the {side} graph has no node {node!r}; it has {len(graph.names)}, such as {some}")
        return graph.names.index(node)
    if not 0 <= node < len(graph.names):
        raise GeomsimError(f"the {side} graph has nodes 0 to {len(graph.names) - 1}, got {node}")
    return int(node)
