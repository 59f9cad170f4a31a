"""A Mapper graph in numbers, as the explanations of all metrics on such graphs tell it."""

from __future__ import annotations

from geomsim_topological.graphs.graph import MapperGraph

Facts = dict[str, float | int | str]


def graph_facts(graph: MapperGraph, name: str) -> Facts:
    """Nodes, edges, components, rows in nodes and in none, and eps (0 where there is none), each with a side's name.

    >>> graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2]}}, n_rows=4)
    >>> graph_facts(graph, "left")["noise rows left"]
    1
    """
    return {
        f"nodes {name}": len(graph.names),
        f"edges {name}": len(graph.edges),
        f"components {name}": graph.components,
        f"noise rows {name}": len(graph.noise),
        f"rows in nodes {name}": graph.n_rows - len(graph.noise),
        f"eps {name}": float(graph.eps or 0.0),
    }
