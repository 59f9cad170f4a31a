"""A Mapper graph's numbers against plain sets, and what it refuses."""

from __future__ import annotations

import itertools
import time

import kmapper
import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs.graph import MapperGraph

memberships = st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=8), min_size=0, max_size=9)


def graph_of(sets, n_rows=12, **parameters):
    nodes = {f"node{number}": sorted(rows) for number, rows in enumerate(sets)}
    found = MapperGraph.from_kmapper({"nodes": nodes, **parameters}, n_rows=n_rows)
    assert len(found.names) == len(sets)
    return found


@given(memberships, st.integers(1, 3))
@settings(max_examples=150)
def test_numbers_are_those_of_the_sets(sets, least):
    graph = graph_of(sets, meta_data={"nerve_min_intersection": least})
    pairs = [
        pair for pair in itertools.combinations(range(len(sets)), 2) if len(sets[pair[0]] & sets[pair[1]]) >= least
    ]
    assert graph.edges.tolist() == [list(pair) for pair in pairs]
    assert graph.weights.tolist() == [len(sets[a] & sets[b]) for a, b in pairs]
    assert graph.edge_lengths.tolist() == pytest.approx(
        [1 - len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs]
    )
    assert graph.sizes.tolist() == [len(rows) for rows in sets]
    assert graph.noise.tolist() == sorted(set(range(12)) - set().union(*sets))
    for row in range(12):
        assert graph.nodes_of(row).tolist() == [number for number, rows in enumerate(sets) if row in rows]
    plain = networkx.Graph(pairs)
    plain.add_nodes_from(range(len(sets)))
    assert graph.degrees.tolist() == [plain.degree(number) for number in range(len(sets))]
    parts = sorted(map(sorted, networkx.connected_components(plain)))
    assert graph.components == len(parts)
    assert [np.flatnonzero(graph.component_of == number).tolist() for number in range(len(parts))] == parts
    assert graph.loops == len(networkx.cycle_basis(plain))


def test_no_nodes_at_all():
    graph = graph_of([])
    assert (graph.components, graph.loops, len(graph.edges), graph.nerve(3)) == (0, 0, 0, [])
    assert graph.component_of.shape == graph.sizes.shape == graph.degrees.shape == graph.weights.shape == (0,)
    assert graph.edges.shape == (0, 2)
    assert graph.edge_lengths.shape == (0,)
    assert len(graph.noise) == 12


def test_edges_are_found_once():
    graph = graph_of([{0, 1}, {1, 2}])
    assert graph.edges is graph.edges
    with pytest.raises(ValueError, match="read-only"):
        graph.edges[0, 0] = 5


def test_counts_do_not_overflow_the_type_of_the_incidence():
    incidence = sparse.csr_matrix(np.ones((300, 2), dtype=np.int8))
    graph = MapperGraph(incidence, ("a", "b"))
    assert graph.weights.tolist() == [300]
    assert graph.sizes.tolist() == [300, 300]
    assert len(graph.simplices(1, min_intersection=300)) == 1


def test_edges_cost_one_sparse_product():
    # The full size of the comparison with kmapper stands among the benchmarks; here it is a tenth of the nodes.
    random = np.random.default_rng(0)
    nodes = {f"cube{number}": random.choice(20_000, 200, replace=False).tolist() for number in range(200)}
    graph = MapperGraph.from_kmapper({"nodes": nodes}, n_rows=20_000)
    start = time.perf_counter()
    graph.edges  # noqa: B018  what is measured
    ours = time.perf_counter() - start
    start = time.perf_counter()
    links = kmapper.GraphNerve().compute(nodes)[0]
    assert ours < (time.perf_counter() - start) / 5
    assert graph.to_kmapper()["links"] == links


def test_lens_of_a_node_is_the_mean_of_its_rows():
    lens = np.random.default_rng(0).normal(size=(4, 2))
    incidence = sparse.csr_matrix(np.array([[1, 0], [1, 1], [0, 1], [0, 0]]))
    graph = MapperGraph(incidence, ("a", "b"), lens=lens)
    assert graph.node_lens == pytest.approx(np.array([lens[:2].mean(0), lens[1:3].mean(0)]))
    assert MapperGraph(incidence, ("a", "b")).node_lens is None
    assert MapperGraph(incidence, ("a", "b"), lens=lens.astype(np.float32)).lens.dtype == np.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MapperGraph(sparse.csr_matrix((3, 2)), ("a",)), "2 nodes need as many different names, got 1"),
        (lambda: MapperGraph(sparse.csr_matrix((3, 2)), ("a", "a")), "as many different names, got 1"),
        (lambda: MapperGraph(sparse.csr_matrix((3, 0)), (), lens=np.zeros(3)), r"of 3 rows .* shape \(3,\)"),
        (lambda: MapperGraph(sparse.csr_matrix((3, 0)), (), lens=np.zeros((2, 1))), r"of 3 rows .* shape \(2, 1\)"),
        (lambda: MapperGraph(sparse.csr_matrix((3, 0)), (), min_intersection=0), "at least 1 row, got 0"),
        (lambda: graph_of([{0}]).nodes_of(12), "there is no row 12: the graph has 12"),
        (lambda: graph_of([{0}]).nodes_of(-1), "there is no row -1"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()
