"""Loops against networkx's minimum cycle basis, gudhi's Betti numbers and a search through all cycles."""

from __future__ import annotations

from itertools import combinations

import gudhi
import networkx
import numpy as np
import pytest

from geomsim_topological.graphs.nerve_loops import shortest_loops

NONE = np.empty((0, 3), dtype=np.int64)


def random_graph(seed, most=25, longest=1000, density=0.5):
    random = np.random.default_rng(seed)
    graph = networkx.gnp_random_graph(int(random.integers(1, most)), density * random.random(), seed=seed)
    edges = np.array(sorted(tuple(sorted(each)) for each in graph.edges), dtype=np.int64).reshape(-1, 2)
    lengths = random.integers(1, longest, size=len(edges))
    for (first, second), length in zip(edges.tolist(), lengths, strict=True):
        graph[first][second]["weight"] = int(length)
    triangles = [
        three
        for three in combinations(range(len(graph)), 3)
        if all(graph.has_edge(*pair) for pair in combinations(three, 2)) and random.random() < 0.6
    ]
    return graph, edges, lengths, np.array(triangles, dtype=np.int64).reshape(-1, 3)


def length(graph, loop):
    nodes = [int(node) for node in loop]
    return sum(graph[one][other]["weight"] for one, other in zip(nodes, nodes[1:] + nodes[:1], strict=True))


@pytest.mark.parametrize("longest", [2, 1000])
def test_without_triangles_total_length_is_that_of_networkx(longest):
    for seed in range(20):
        graph, edges, lengths, _ = random_graph(seed, most=16, longest=longest)
        ours = shortest_loops(len(graph), edges, lengths, NONE)
        theirs = networkx.minimum_cycle_basis(graph, weight="weight")
        assert [len(set(loop.tolist())) for loop in ours] == [len(loop) for loop in ours]
        assert len(ours) == len(theirs)
        assert sum(length(graph, loop) for loop in ours) == sum(length(graph, loop) for loop in theirs)


def test_as_many_loops_as_gudhi_counts():
    counted = 0
    for seed in range(60):
        graph, edges, lengths, triangles = random_graph(seed)
        complex_ = gudhi.SimplexTree()
        for simplex in [[node] for node in graph] + edges.tolist() + triangles.tolist():
            complex_.insert(simplex)
        complex_.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        betti = [*complex_.betti_numbers(), 0][1]
        assert len(shortest_loops(len(graph), edges, lengths, triangles)) == betti
        counted += 0 < betti < len(edges) - len(graph) + networkx.number_connected_components(graph)
    assert counted > 10  # where triangles fill some loops and not all


def rank(rows):
    """Over the field of two elements."""
    rows, found = [row.copy() for row in rows], 0
    while rows:
        row = rows.pop()
        if row.any():
            found += 1
            pivot = int(row.argmax())
            rows = [other ^ row if other[pivot] else other for other in rows]
    return found


def test_no_basis_among_all_cycles_is_shorter():
    several = 0
    for seed in range(150):
        graph, edges, lengths, triangles = random_graph(seed, most=8, longest=30, density=1.0)
        number = {tuple(edge): place for place, edge in enumerate(edges.tolist())}

        def chain(nodes, number=number):
            bits = np.zeros(len(number), dtype=bool)
            for one, other in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
                bits[number[min(one, other), max(one, other)]] = True
            return bits

        filled = [chain(list(each)) for each in triangles.tolist()]
        expected, have = [], rank(filled)
        for cycle in sorted(networkx.simple_cycles(graph), key=lambda nodes: length(graph, nodes)):
            if len(cycle) > 2 and rank([*filled, chain(cycle)]) > have:
                filled.append(chain(cycle))
                expected.append(length(graph, cycle))
                have += 1
        found = shortest_loops(len(graph), edges, lengths, triangles)
        assert [length(graph, loop) for loop in found] == expected
        several += len(expected) > 1
    assert several > 10


def test_many_loops_take_more_than_one_word():
    side = 13
    graph = networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(side, side))
    edges = np.array(sorted(tuple(sorted(each)) for each in graph.edges), dtype=np.int64)
    loops = shortest_loops(len(graph), edges, np.ones(len(edges), dtype=np.int64), NONE)
    assert [len(loop) for loop in loops] == [4] * (side - 1) ** 2


def test_numbering_of_nodes_decides_nothing_where_paths_differ():
    graph, edges, _, triangles = random_graph(29)
    lengths = np.random.default_rng(1).integers(1, 2**40, size=len(edges))
    new = np.random.default_rng(0).permutation(len(graph))
    moved = np.sort(new[edges], axis=1)
    order = np.lexsort(moved.T[::-1])
    before = shortest_loops(len(graph), edges, lengths, triangles)
    after = shortest_loops(len(graph), moved[order], lengths[order], np.sort(new[triangles], axis=1))
    assert len(before) > 5
    assert [sorted(new[loop].tolist()) for loop in before] == [sorted(loop.tolist()) for loop in after]


def test_no_nodes_and_no_edges():
    none = np.empty((0, 2), dtype=np.int64)
    for n_nodes in (0, 1, 3):
        assert shortest_loops(n_nodes, none, np.empty(0, dtype=np.int64), NONE) == []
