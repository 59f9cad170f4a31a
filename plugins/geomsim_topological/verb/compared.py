"""What `geomsim mapper` says of two graphs: how far apart they are, by chance, and which nodes belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Comparison, InvalidConfig
from geomsim_topological.graph_comparison import GraphComparison, compare_graphs
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.node_labels import node_labels
from geomsim_topological.verb.graphs import within
from geomsim_topological.verb.side import Side

_MATCHES, _WORDS = 10, 4
_LEAST_SHARED = 1


def compared(
    graphs: Sequence[MapperGraph], blocks: NDArray[np.int64] | None, draws: int, seed: int
) -> tuple[GraphComparison, Comparison]:
    """The plan between two graphs, and the same with rows shuffled. Raises InvalidConfig for draws below 1."""
    if draws < 1:
        raise InvalidConfig(f"--draws is a whole number of at least 1, got {draws}")
    with within(""):
        found = compare_graphs(*graphs)
        return found, found.significance(draws, seed, blocks)


def facts(found: GraphComparison, judged: Comparison, draws: int) -> dict[str, Any]:
    """The comparison in numbers, ready for JSON."""
    chance = {"chance": judged.null_mean, "z": judged.z, "p_value": judged.p_value, "draws": draws}
    return {**found.facts, **chance, "warnings": list(judged.warnings)}


def matches(found: GraphComparison, sides: Sequence[Side]) -> Iterator[dict[str, Any]]:
    """Pairs of nodes that share rows, each node at most once, those first that bring the graphs closest.

    That is by mass times Jaccard; over all cells of the plan these sum to 1 less the score. Where rows have words,
    those that stand out in each node, found on each side by itself.
    """
    plan = found.tables["plan"]
    best = np.argsort(-np.array(plan["mass"]) * np.array(plan["Jaccard"]), kind="stable")
    words = [words_of(graph, side) for graph, side in zip((found.left, found.right), sides, strict=True)]
    seen: set[tuple[str, str]] = set()
    for cell in best:
        left, right = plan["left node"][cell], plan["right node"][cell]
        if ("left", left) in seen or ("right", right) in seen or plan["shared rows"][cell] < _LEAST_SHARED:
            continue
        seen |= {("left", left), ("right", right)}
        match = {name: plan[name][cell] for name in ("left node", "right node", "shared rows", "Jaccard", "mass")}
        named = {
            f"{side} words": each[node]
            for side, each, node in zip(("left", "right"), words, (left, right), strict=True)
            if each is not None
        }
        yield {**match, **named}
        if len(seen) >= 2 * _MATCHES:
            return


def words_of(graph: MapperGraph, side: Side) -> dict[str, list[str]] | None:
    """The words that stand out in each node; None where rows have no words."""
    if side.labels is None:
        return None
    found = node_labels(graph, [list(each) for each in side.labels], top=_WORDS)
    by_node: dict[str, list[str]] = {name: [] for name in graph.names}
    for node, label in zip(found.table["node"], found.table["label"], strict=True):
        by_node[node].append(label)
    return by_node
