"""Omega and masses against networkx and the plain definition; the canonical order; memberships at random."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from scipy import sparse

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.couplings.hypernetwork import (
    canonical_orders,
    hypernetwork,
    rewired_hypernetwork,
    warn_of_pieces,
)
from geomsim_topological.graphs.rewired_memberships import rewired_memberships
from geomsim_topological.mapper import MapperGraph


def random_graph(n_rows, n_nodes, seed, share=0.2):
    random = np.random.default_rng(seed)
    B = random.random((n_rows, n_nodes)) < share
    B[random.integers(n_rows, size=n_nodes), np.arange(n_nodes)] = True
    return MapperGraph.from_kmapper({"nodes": {k: np.flatnonzero(B[:, k]) for k in range(n_nodes)}}, n_rows)


def plain(graph):
    """Omega of each covered row, with networkx's distances."""
    line = networkx.Graph()
    nodes = list(graph.nodes.items())
    line.add_nodes_from(graph.names)
    for place, (one, here) in enumerate(nodes):
        for other, there in nodes[:place]:
            if both := len(set(here) & set(there)):
                line.add_edge(one, other, weight=1 - both / len(set(here) | set(there)))
    ways = dict(networkx.all_pairs_dijkstra_path_length(line))
    return {
        row: [min(ways[one].get(other, np.inf) for one, held in nodes if row in held) for other in graph.names]
        for row in range(graph.n_rows)
        if row not in graph.noise
    }


@pytest.mark.parametrize("seed", range(6))
def test_omega_is_the_least_distance_in_the_line_graph(seed):
    graph = random_graph(25, 8, seed, share=0.08)
    found = hypernetwork(graph)
    expected = plain(graph)
    largest = max(value for values in expected.values() for value in values if np.isfinite(value))
    assert found.largest == pytest.approx(largest, abs=1e-10)
    several = networkx.number_connected_components(graph.to_networkx()) > 1
    assert found.cap == pytest.approx(2 * largest if several else 0.0, abs=1e-10)
    places = [graph.names.index(name) for name in found.names]
    capped = 0
    for rows, values in zip(found.rows, found.network.values, strict=True):
        for row in rows:
            wanted = np.array(expected[row])[places]
            np.testing.assert_allclose(values, np.where(np.isfinite(wanted), wanted, found.cap), atol=1e-10)
        capped += int((~np.isfinite(wanted)).sum())
    assert found.capped == capped
    assert sorted(row for rows in found.rows for row in rows) == sorted(expected)


def test_masses_share_each_covered_row_among_its_nodes():
    graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1, 2], "b": [2, 3], "c": [2, 3]}}, 6)
    found = hypernetwork(graph)
    mass = dict(zip(found.names, found.network.edge_mass, strict=True))
    assert mass == pytest.approx({"a": (1 + 1 + 1 / 3) / 4, "b": 2 * (1 / 3 + 1 / 2) / 4})  # b and c are one
    of_rows = {tuple(rows): mass for rows, mass in zip(found.rows, found.network.vertex_mass, strict=True)}
    assert of_rows == pytest.approx({(0, 1): 0.5, (2,): 0.25, (3,): 0.25})
    assert found.sizes.tolist() == [{"a": 3, "b": 2}[name] for name in found.names]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_depends_on_the_order_of_rows_and_nodes_to_the_last_bit(seed):
    graph = random_graph(40, 9, seed)
    random = np.random.default_rng(seed)
    moved = graph.incidence[random.permutation(40)][:, random.permutation(9)]
    first, second = (hypernetwork(each).network for each in (graph, MapperGraph(moved.tocsr(), graph.names)))
    for name in ("values", "vertex_mass", "edge_mass"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("seed", range(5))
def test_a_ring_whose_nodes_all_look_alike_has_a_canonical_orders_too(seed):
    random = np.random.default_rng(seed)
    nodes = [np.arange(3 * k, 3 * k + 4) % 24 for k in range(8)]
    first = hypernetwork(MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, 24))
    shuffled = [nodes[k] for k in random.permutation(8)]
    rows = random.permutation(24)
    second = hypernetwork(MapperGraph.from_kmapper({"nodes": {k: rows[node] for k, node in enumerate(shuffled)}}, 24))
    np.testing.assert_array_equal(first.network.values, second.network.values)


def test_twins_far_apart_and_graphs_without_edges():
    apart = hypernetwork(MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [2, 3], "c": [4, 5]}}, 6))
    with pytest.warns(
        GeomsimWarning, match=r"3 components, and no path joins 6 of its 9 pairs .* largest finite one, 2"
    ):
        warn_of_pieces(apart)
    assert apart.network.values.tolist() == (2.0 - 2.0 * np.eye(3)).tolist()
    assert (apart.capped, apart.cap, apart.largest, apart.components) == (6, 2.0, 0.0, 3)
    single = hypernetwork(MapperGraph.from_kmapper({"nodes": {"a": [0, 1]}}, 6))
    assert single.network.values.tolist() == [[0.0]]
    with pytest.raises(DegenerateSpace, match=r"0 nodes and none of its 6 rows.*use a larger eps"):
        hypernetwork(MapperGraph.from_kmapper({"nodes": {}}, 6))


def test_canonical_order_of_a_matrix_in_any_order():
    random = np.random.default_rng(0)
    values = random.integers(3, size=(10, 6))
    mass = random.integers(1, 3, size=10)
    vertices, edges = canonical_orders(values, mass, np.ones(6))
    for _ in range(20):
        rows, columns = random.permutation(10), random.permutation(6)
        moved = values[rows][:, columns]
        again = canonical_orders(moved, mass[rows], np.ones(6))
        np.testing.assert_array_equal(moved[np.ix_(*again)], values[np.ix_(vertices, edges)])


def sums_by_count(incidence):
    """For each number of nodes that a group is in, how many such groups each node holds."""
    dense = incidence.toarray()
    return {count: dense[dense.sum(axis=1) == count].sum(axis=0).tolist() for count in np.unique(dense.sum(axis=1))}


@pytest.mark.parametrize("seed", range(4))
def test_rewiring_keeps_all_degrees_and_moves_most_memberships(seed):
    before = sparse.csr_matrix(np.unique(random_graph(60, 12, seed).incidence.toarray(), axis=0))
    kept = before.copy()
    after = rewired_memberships(before, np.random.default_rng(seed))
    assert (before != kept).nnz == 0
    assert sums_by_count(after) == sums_by_count(before)
    np.testing.assert_array_equal(after.sum(axis=1), before.sum(axis=1))
    assert after.max() == 1
    assert len(np.unique(after.toarray(), axis=0)) == after.shape[0]
    assert after.multiply(before).sum() < 0.5 * before.sum()
    assert (rewired_memberships(before, np.random.default_rng(seed)) != after).nnz == 0
    assert (rewired_memberships(before, np.random.default_rng(seed), swaps_per_membership=0) != before).nnz == 0


@pytest.mark.parametrize(
    ("incidence", "ways", "limit"),
    [
        (1 - np.eye(3, dtype=np.int64), 6, 20.5),  # two nodes to each row, two rows to each node
        # A path of four nodes, of which two have rows of their own: 2 graphs, 3! orders of edges and 2 of own rows.
        ([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0]], 24, 49.7),
    ],
)
def test_rewiring_reaches_every_incidence_equally_often(incidence, ways, limit):
    random = np.random.default_rng(0)
    before = sparse.csr_matrix(incidence)
    draws = [rewired_memberships(before, random, swaps_per_membership=2).toarray().ravel() for _ in range(60 * ways)]
    found, counts = np.unique(draws, axis=0, return_counts=True)
    assert len(found) == ways
    assert ((counts - 60) ** 2 / 60).sum() < limit  # chi squared, p = .001


def test_rewiring_needs_different_groups_and_no_negative_swaps():
    alone = sparse.csr_matrix([[1], [0], [0]])
    assert (rewired_memberships(alone, np.random.default_rng(0)) != alone).nnz == 0
    with pytest.raises(GeomsimError, match="swaps_per_membership is 0 or more, got -1"):
        rewired_memberships(alone, np.random.default_rng(0), swaps_per_membership=-1)
    with pytest.raises(GeomsimError, match="two groups are in the same nodes"):
        rewired_memberships(sparse.csr_matrix([[1, 1], [1, 1]]), np.random.default_rng(0))


def test_nodes_with_rows_of_their_own_have_some_in_every_rewired_hypergraph():
    # Else graphs without any relation resemble each other more than rewired ones, and p is small (.05 in 4 of 10).
    own = {node: [4 * node, 4 * node + 1] for node in range(8)}
    for edge, (one, other) in enumerate([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (0, 4), (2, 6)]):
        own[one], own[other] = [*own[one], 100 + edge], [*own[other], 100 + edge]
    state = hypernetwork(MapperGraph.from_kmapper({"nodes": own}, 110))
    random = np.random.default_rng(0)
    for _ in range(10):
        rewired = rewired_hypernetwork(state, random)
        assert len(rewired.rows) == len(state.rows)
        nodes_of_row = np.asarray(rewired.graph.incidence.sum(axis=1)).ravel()
        assert (rewired.graph.incidence[nodes_of_row == 1].sum(axis=0) > 0).all()


def test_a_rewired_hypergraph_keeps_groups_of_rows_together():
    state = hypernetwork(random_graph(200, 12, 0, share=0.05))
    rewired = rewired_hypernetwork(state, np.random.default_rng(0))
    before, after = state.graph.incidence, rewired.graph.incidence
    np.testing.assert_array_equal(after.sum(axis=1), before.sum(axis=1))  # nodes of each row
    firsts = [rows[0] for rows in state.rows]
    np.testing.assert_array_equal(after[firsts].sum(axis=0), before[firsts].sum(axis=0))  # groups in each node
    for rows in state.rows:
        assert (after[rows] != after[[rows[0]] * len(rows)]).nnz == 0
    assert len(rewired.rows) == len(state.rows)
    assert after[firsts].multiply(before[firsts]).sum() < 0.7 * before[firsts].sum()
