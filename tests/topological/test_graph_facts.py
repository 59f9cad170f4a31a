"""A graph in numbers, written out by hand."""

from __future__ import annotations

from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_facts import graph_facts


def test_facts_are_those_of_the_graph():
    graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2], "c": [4]}}, n_rows=7, eps=0.5)
    assert graph_facts(graph, "right") == {
        "nodes right": 3,
        "edges right": 1,
        "components right": 2,
        "noise rows right": 3,
        "rows in nodes right": 4,
        "eps right": 0.5,
    }
