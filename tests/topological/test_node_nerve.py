"""The nerve against gudhi, and what short cuts are by hand."""

from __future__ import annotations

from dataclasses import replace

import networkx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.node_nerve import NodeNerve


def nerve(*nodes, n_rows=30):
    return NodeNerve.of(MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows))


def test_nodes_inside_others_are_left_out_and_one_of_equals_stays():
    found = nerve([0], [2, 3], [0, 1, 2], [2, 3], [0, 2])
    assert found.nodes.tolist() == [2, 1]
    assert (found.edges.tolist(), found.shared.tolist(), found.jaccard.tolist()) == ([[0, 1]], [1], [0.25])


def test_edges_triangles_and_nodes_inside_others_take_as_many_rows_as_the_graph_asks():
    nodes = {"a": [0, 1, 2, 3], "b": [2, 3, 4, 5], "c": [0, 2, 3, 5], "d": [0]}
    links = MapperGraph.from_kmapper({"nodes": nodes}, n_rows=6)
    for least, edges, triangles, kept in ((1, 3, 1, 3), (2, 3, 1, 4), (3, 2, 0, 4), (4, 0, 0, 4)):
        found = NodeNerve.of(replace(links, min_intersection=least))
        assert (len(found.edges), len(found.triangles), len(found.nodes)) == (edges, triangles, kept)


def test_triangles_are_three_nodes_with_a_row_in_common():
    apart = nerve([0, 1], [1, 2], [2, 0])
    assert (len(apart.edges), len(apart.triangles)) == (3, 0)
    assert nerve([0, 1, 9], [1, 2, 9], [2, 0, 9]).triangles.tolist() == [[0, 1, 2]]


def test_a_short_cut_is_bridged_by_a_closer_node():
    path = nerve([0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6])  # the ends share row 3, the middle has it too
    ends = [sorted(path.nodes[edge].tolist()) for edge in path.edges[path.short_cuts()]]
    assert ends == [[0, 2]]
    # Three nodes that share one row and nothing else: no edge is closer than another, so all stay.
    assert not nerve([0, 1, 9], [2, 3, 9], [4, 5, 9]).short_cuts().any()
    # Nor of two edges that are equally close: leaving out both would cut the first node off.
    assert not nerve([9, 20], [1, 5, 9], [2, 5, 9]).short_cuts().any()
    assert not nerve([9, 20, 21, 22], [1, 5, 9], [2, 5, 9]).short_cuts().any()
    # A closer node that does not hold what the two share: this is a loop.
    assert not nerve([0, 1, 2, 9], [1, 2, 3, 4], [3, 4, 5, 9]).short_cuts().any()


@settings(max_examples=60)
@given(st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=6), min_size=1, max_size=9))
def test_short_cuts_take_no_component_apart(nodes):
    found = nerve(*map(sorted, nodes))
    for chosen in (None, ~found.short_cuts()):
        graph = networkx.from_scipy_sparse_array(found.adjacency(chosen))
        rows = {
            frozenset(found.rows_of(np.array(sorted(each))).tolist()) for each in networkx.connected_components(graph)
        }
        whole = networkx.Graph((("row", row), ("node", number)) for number, each in enumerate(nodes) for row in each)
        expected = {
            frozenset(number for kind, number in each if kind == "row") for each in networkx.connected_components(whole)
        }
        assert rows == expected


def test_lengths_are_jaccard_distances_and_settle_ties_alike_under_any_numbering():
    random = np.random.default_rng(0)
    nodes = [np.sort(random.choice(30, size=8, replace=False)).tolist() for _ in range(12)]
    found = nerve(*nodes)
    assert np.abs(found.lengths / 2.0**40 - (1 - found.jaccard)).max() < 1e-6
    assert found.lengths.min() >= 1
    assert len(set(found.lengths.tolist())) > len(set(found.jaccard.tolist()))
    rows, order = random.permutation(30), random.permutation(12)
    moved = nerve(*(np.sort(rows[nodes[number]]).tolist() for number in order))

    def by_pair(nerve_, original):
        return {
            frozenset(int(original[node]) for node in nerve_.nodes[edge]): int(length)
            for edge, length in zip(nerve_.edges, nerve_.lengths, strict=True)
        }

    assert by_pair(found, np.arange(12)) == by_pair(moved, order)
