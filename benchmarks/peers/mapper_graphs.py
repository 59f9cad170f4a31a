"""Mapper graphs beside kmapper."""

from __future__ import annotations

from typing import Any

import mapper as benchmark
import numpy as np

from peers.task import Floats, Task


def in_numbers(nodes: list[list[int]], edges: int) -> Floats:
    """Number of edges, then node after node its rows, each behind a -1."""
    listed = [part for rows in sorted(sorted(rows) for rows in nodes) for part in ([-1], rows)]
    return np.concatenate([[edges], *listed]).astype(float)


def nodes_and_edges(_points: Any, graph: Any) -> Floats:
    """Of either side's graph."""
    if isinstance(graph, dict):
        return in_numbers(list(graph["nodes"].values()), sum(map(len, graph["links"].values())))
    return in_numbers([rows.tolist() for rows in graph.nodes.values()], len(graph.edges))


def our_graph(points: Any) -> Any:
    """The graph, with its edges, which are made when they are asked for."""
    graph = benchmark.ours(points)
    assert len(graph.edges) == len(graph.weights)
    return graph


def rows_elsewhere(ours: Floats, theirs: Floats) -> float:
    """Share of the rows of nodes that are elsewhere; infinite where there are other edges or numbers of nodes."""
    sides = [np.split(answer[1:], np.flatnonzero(answer[1:] < 0)[1:]) for answer in (ours, theirs)]
    if ours[0] != theirs[0] or len(sides[0]) != len(sides[1]):
        return float("inf")
    other = sum(len(set(one) ^ set(another)) for one, another in zip(*sides, strict=True))
    return other / (len(ours) - 1 - len(sides[0]))


def our_edges(nodes: dict[str, list[int]]) -> Any:
    """The graph with its edges, which are made when they are asked for."""
    from geomsim_topological.mapper import MapperGraph

    graph = MapperGraph.from_kmapper({"nodes": nodes}, 1 + max(map(max, nodes.values())))
    assert len(graph.edges) == len(graph.weights)
    return graph


def their_edges(nodes: dict[str, list[int]]) -> dict[str, list[str]]:
    """For each node those behind it that share rows with it."""
    import kmapper

    links: dict[str, list[str]] = kmapper.GraphNerve().compute(nodes)[0]
    return links


def pairs_of_nodes(nodes: dict[str, list[int]], found: Any) -> Floats:
    """(edges, 2), rising numbers of the nodes in the order in which they were given."""
    places = {name: place for place, name in enumerate(nodes)}
    if isinstance(found, dict):
        pairs = [(places[name], places[other]) for name, others in found.items() for other in others]
    else:
        pairs = [tuple(places[found.names[end]] for end in edge) for edge in found.edges.tolist()]
    return np.array(sorted(map(sorted, pairs)), dtype=float).reshape(-1, 2)


TASKS = (
    Task(
        "mapper-graph", "Mapper graph of a noisy circle, DBSCAN, 20 x 20 cubes", "kmapper", (50_000,), (1_000,),
        "{:,} points, 64 dimensions", benchmark.circle, our_graph, benchmark.kmappers, 1e-4, ("kmapper",),
        note="difference: share of rows elsewhere; a border row of two clusters goes to the one that scikit-learn "
        "finds first",
        answer=nodes_and_edges, difference=rows_elsewhere,
    ),
    Task(
        "mapper-nerve", "edges between nodes of 200 rows", "kmapper", (1_000,), (100,), "{:,} nodes",
        benchmark.random_nodes, our_edges, their_edges, 0.0, ("kmapper",), answer=pairs_of_nodes,
    ),
)  # fmt: skip
