"""The metric at its ends, where it is another one, and on symmetric graphs, where rows must decide."""

from __future__ import annotations

import warnings

import networkx
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning, InvalidConfig
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.metrics.mapper_fused import MapperFused
from geomsim_topological.metrics.mapper_gromov import MapperGromov
from geomsim_topological.metrics.mapper_transport import MapperTransport

PLAIN = {
    "hexagon": networkx.cycle_graph(6),
    "two triangles": networkx.disjoint_union(networkx.cycle_graph(3), networkx.cycle_graph(3)),
    "cube": networkx.hypercube_graph(3),
    "Petersen": networkx.petersen_graph(),
    "rook": networkx.line_graph(networkx.complete_bipartite_graph(4, 4)),
    "star": networkx.star_graph(5),
    "edges": networkx.disjoint_union_all([networkx.path_graph(2)] * 3),
}


def cloud(n_rows=200, width=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, width)) * np.linspace(1, 3, width)


def ring(n_nodes, shift=0):
    nodes = {str(node): [(2 * node + place + shift) % (2 * n_nodes) for place in range(4)] for node in range(n_nodes)}
    return MapperGraph.from_kmapper({"nodes": nodes}, 2 * n_nodes)


def states(metric, *points):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        return [metric.prepare(torch.from_numpy(each)) for each in points]


@pytest.mark.parametrize(
    "metric", [MapperFused(), MapperFused(alpha=0.9, n_cubes=4, starts=2, normalise=True), MapperFused(alpha=0.0)]
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


@pytest.mark.parametrize("seed", range(3))
def test_at_its_ends_it_is_transport_and_gromov_wasserstein(seed):
    left, right = cloud(seed=seed), cloud(seed=seed) + cloud(seed=seed + 50)
    orders = torch.from_numpy(np.stack([np.arange(200), np.random.default_rng(seed).permutation(200)]))
    linear = MapperFused(alpha=0.0).score_many(*states(MapperFused(), left, right), orders)
    transport = MapperTransport().score_many(*states(MapperTransport(), left, right), orders)
    assert linear.numpy() == pytest.approx(transport.numpy(), abs=1e-9)
    structure = MapperFused(alpha=1.0, starts=20).score_many(*states(MapperFused(), left, right), orders)
    gromov = MapperGromov().score(*states(MapperGromov(), left, right))
    assert structure.numpy() == pytest.approx([float(gromov) ** 2] * 2, abs=1e-9)


def test_between_its_ends_it_is_the_mix_of_both_parts():
    metric = MapperFused(alpha=0.3)
    left, right = states(metric, cloud(), cloud() + cloud(seed=9))
    found = metric.explain(left, right)
    facts = found.facts
    assert facts["value"] == pytest.approx(0.7 * facts["moved (linear part)"] + 0.3 * facts["bent (structure part)"])
    assert facts["value"] == pytest.approx(float(metric.score(left, right, torch.arange(200))), abs=1e-12)
    assert facts["moved (linear part)"] >= float(MapperFused(alpha=0.0).score(left, right, torch.arange(200))) - 1e-12
    plan = found.tables["plan"]
    assert {"left node", "right node", "mass", "shared rows", "Jaccard"} <= set(plan)
    rows = {name: set(nodes.tolist()) for name, nodes in left.members.graph.nodes.items()}
    others = {name: set(nodes.tolist()) for name, nodes in right.members.graph.nodes.items()}
    for one, other, shared in zip(plan["left node"], plan["right node"], plan["shared rows"], strict=True):
        assert len(rows[one] & others[other]) == shared


def test_a_copy_scores_0_only_in_the_order_that_undoes_it():
    points = cloud()
    order = np.random.default_rng(1).permutation(200)
    metric = MapperFused()
    left, right = states(metric, points, points[order])
    assert float(metric.score(left, right, torch.from_numpy(np.argsort(order)))) == pytest.approx(0.0, abs=1e-12)
    assert float(metric.score(left, right, torch.arange(200))) > 0.25


def test_rows_decide_how_far_a_ring_has_turned():
    metric = MapperFused(alpha=0.5)
    left = metric.state_of(ring(8))
    for turn in (0, 2, 5, 7):
        right = metric.state_of(ring(8, shift=2 * turn))
        found = metric.plan(left, right)
        assert found.value == pytest.approx(0.0, abs=1e-12)
        cells = metric.explain(left, right).tables["plan"]
        turned = {(int(m) + turn - int(k)) % 8 for k, m in zip(cells["left node"], cells["right node"], strict=True)}
        assert turned == {0}


@given(st.integers(4, 9), st.integers(0, 1000), st.sampled_from([0.2, 0.5, 0.8]))
@example(5, 357, 0.2)  # nodes that distances cannot tell apart, and that are not alike
@settings(max_examples=30)
def test_order_law_on_graphs_whose_nodes_only_rows_tell_apart(n_nodes, seed, alpha):
    random = np.random.default_rng(seed)
    order = random.permutation(2 * n_nodes)
    metric = MapperFused(alpha=alpha)
    left, right = metric.state_of(ring(n_nodes)), metric.state_of(ring(n_nodes))
    place = np.argsort(order)
    names = random.permutation(n_nodes)
    nodes = {str(name): place[ring(n_nodes).nodes[str(name)]] for name in names}
    moved = metric.state_of(MapperGraph.from_kmapper({"nodes": nodes}, 2 * n_nodes))
    by_moving = float(metric.score(left, moved, torch.arange(2 * n_nodes)))
    assert float(metric.score(left, right, torch.from_numpy(order))) == pytest.approx(by_moving, abs=1e-12)
    there = float(metric.score(left, right, torch.from_numpy(order)))
    assert float(metric.score(right, left, torch.from_numpy(place))) == pytest.approx(there, abs=1e-12)
    assert float(metric.score(moved, left, torch.arange(2 * n_nodes))) == pytest.approx(there, abs=1e-12)


def graph_of(drawn, n_rows, rows=None):
    """A node for each node, which shares a row with each neighbour and has one of its own."""
    shared = {node: [] for node in drawn}
    for row, ends in enumerate(drawn.edges):
        for end in ends:
            shared[end].append(row)
    for row, node in enumerate(drawn, start=drawn.number_of_edges()):
        shared[node].append(row)
    place = np.arange(n_rows) if rows is None else rows
    return MapperGraph.from_kmapper({"nodes": {str(node): place[held] for node, held in shared.items()}}, n_rows)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("left_name", PLAIN)
@pytest.mark.parametrize("right_name", ["hexagon", "two triangles", "cube", "rook"])
def test_order_law_and_either_way_round_on_symmetric_graphs(left_name, right_name, seed):
    random = np.random.default_rng(seed)
    left, right = PLAIN[left_name], PLAIN[right_name]
    n_rows = max(graph.number_of_edges() + graph.number_of_nodes() for graph in (left, right))
    order = random.permutation(n_rows)
    place = np.argsort(order)
    metric = MapperFused(alpha=float(random.choice([0.2, 0.5, 0.8])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # pieces that no path joins
        one, other = metric.state_of(graph_of(left, n_rows)), metric.state_of(graph_of(right, n_rows))
        held = graph_of(right, n_rows, place).nodes
        nodes = {name: held[name] for name in random.permutation(list(held)).tolist()}
        moved = metric.state_of(MapperGraph.from_kmapper({"nodes": nodes}, n_rows))
    there = float(metric.score(one, other, torch.from_numpy(order)))
    assert float(metric.score(one, moved, torch.arange(n_rows))) == pytest.approx(there, abs=1e-12)
    assert float(metric.score(other, one, torch.from_numpy(place))) == pytest.approx(there, abs=1e-12)
    assert float(metric.score(moved, one, torch.arange(n_rows))) == pytest.approx(there, abs=1e-12)


def test_a_noisy_copy_is_closer_than_chance_and_an_unrelated_cloud_is_not():
    left = cloud()
    metric = MapperFused(starts=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        related = geomsim.compare(left, left + 0.2 * cloud(seed=5), metric, draws=49)
        unrelated = geomsim.compare(left, cloud(seed=6), metric, draws=49)
    assert related.p_value == pytest.approx(0.02)
    assert related.z < -10
    assert abs(unrelated.z) < 4


def test_rewiring_keeps_rows_and_changes_the_structure_only():
    metric = MapperFused(alpha=0.0)
    left, right = states(metric, cloud(), cloud(seed=3))
    rewired = metric.rewired(right, np.random.default_rng(0))
    rows = torch.arange(200)
    assert float(metric.score(left, rewired, rows)) == float(metric.score(left, right, rows))
    bent = MapperFused(alpha=0.9)
    assert float(bent.score(right, rewired, rows)) > 0.01
    assert float(bent.score(right, right, rows)) == pytest.approx(0.0, abs=1e-12)


def test_what_cannot_be_compared():
    with pytest.raises(InvalidConfig, match=r"alpha is the share of the structure, 0 to 1, got 1\.5"):
        MapperFused(alpha=1.5)
    with pytest.raises(InvalidConfig, match="starts is a whole number, at least 1"):
        MapperFused(starts=0)
    with pytest.raises(GeomsimError, match="at least 1 cube"):
        MapperFused(n_cubes=0)
    metric = MapperFused()
    with pytest.raises(DegenerateSpace, match="nothing to compare: use"):
        metric.state_of(MapperGraph.from_kmapper({"nodes": {}}, n_rows=4))
    one = metric.state_of(MapperGraph.from_kmapper({"nodes": {"a": [0, 1, 2]}}, n_rows=4))
    assert float(metric.score(one, one, torch.arange(4))) == 0.0
    assert float(metric.score(one, one, torch.tensor([3, 1, 2, 0]))) == pytest.approx(0.25)
