"""Mapper graphs and the plan between two of them as the report's page holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geomsim.report.page.contents import Column, Graph, Plan
from geomsim_topological.graph_comparison import GraphComparison
from geomsim_topological.graph_layout import aligned_layout, as_wide, graph_layout
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.node_labels import node_labels

Floats = NDArray[np.float64]

_LABELS = 5


def graph_contents(
    graph: MapperGraph,
    places: Floats,
    name: str,
    tokens: Sequence[Sequence[str]] | None = None,
    values: Mapping[str, Floats] | None = None,
) -> Graph:
    """A graph at its places, nodes labelled by what their rows bear more often than others.

    `tokens` are labels of each row; `values` are numbers of each row by name, of which a node bears the mean. A node's
    number of rows stands beside them as a column.
    """
    members = [graph.nodes[node] for node in graph.names]
    columns = [Column(f"mean {what}", node_means(graph, each)) for what, each in (values or {}).items()]
    return Graph(
        name=name,
        places=places,
        members=members,
        edges=graph.edges,
        weights=graph.weights.astype(np.float64),
        names=graph.names,
        labels=None if tokens is None else labels_of_nodes(graph, tokens),
        columns=[*columns, Column("rows", graph.sizes.astype(np.float64))],
    )


def labels_of_nodes(graph: MapperGraph, tokens: Sequence[Sequence[str]], top: int = _LABELS) -> list[list[str]]:
    """For each node what its rows bear more often than those of other nodes, the most surprising first."""
    found: dict[str, list[str]] = {name: [] for name in graph.names}
    if graph.names:
        table = node_labels(graph, [list(each) for each in tokens], top=top).table
        for node, label in zip(table["node"], table["label"], strict=True):
            found[node].append(label)
    return list(found.values())


def node_means(graph: MapperGraph, values: Floats) -> Floats:
    """(nodes,): the mean over each node's rows of a number per row.

    >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1]}}, n_rows=2)
    >>> node_means(graph, np.array([1.0, 2.0])).tolist()
    [1.5, 2.0]
    """
    return np.asarray(graph.incidence.T @ np.asarray(values, dtype=np.float64) / graph.sizes, dtype=np.float64)


def places_of_both(found: GraphComparison, seed: int) -> tuple[Floats, Floats]:
    """Places of the left nodes, and of the right ones turned towards their partners, as wide as the left."""
    left = graph_layout(found.left, seed)
    return left, as_wide(aligned_layout(left, found.right, found.plan, seed), left)


def plan_contents(found: GraphComparison) -> Plan:
    """The cells of the plan with their mass and the rows that both nodes share, by left node and then right one."""
    cells = found.plan.tocoo()
    shared = np.asarray(found.shared[cells.row, cells.col], dtype=np.int64).ravel()
    return Plan(cells.row.astype(np.int64), cells.col.astype(np.int64), cells.data.astype(np.float64), shared)
