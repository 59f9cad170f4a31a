"""The metric against small graphs worked out by hand, linear programming, and what shuffling must do."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.graphs.membership import membership
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.metrics.mapper_transport import MapperTransport
from geomsim_topological.transport import exact_transport


def features(n=500, width=128, noise=0.5, seed=0):
    """Unit decoder rows in loose clusters, and a rotated noisy copy."""
    random = np.random.default_rng(seed)
    left = random.normal(size=(30, width))[random.integers(30, size=n)] + random.normal(size=(n, width))
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    right = left + noise * random.normal(size=left.shape) / np.sqrt(width)
    return torch.from_numpy(left), torch.from_numpy(right @ np.linalg.qr(random.normal(size=(width, width)))[0])


def by_hand(n_rows, **nodes):
    return membership(MapperGraph.from_kmapper({"nodes": nodes}, n_rows))


def cost(left, right):
    n_rows = left.incidence.shape[0]
    return float(MapperTransport().score(left, right, torch.arange(n_rows)))


def test_keeps_the_contract():
    geomsim.testing.check_metric("mapper-transport")


def test_masses_share_each_covered_row_among_its_nodes():
    state = by_hand(5, a=[0, 1, 2], b=[2, 3], c=[2, 3])
    # Four covered rows; row 2 lies in three nodes and row 3 in two. Equal nodes b and c are one.
    assert state.names == ("a", "b")
    assert state.mass == pytest.approx([(1 + 1 + 1 / 3) / 4, 2 * (1 / 3 + 1 / 2) / 4])
    assert state.incidence.toarray().tolist() == [[1, 0], [1, 0], [1, 1], [0, 1], [0, 0]]


def test_noise_on_one_side_costs_and_on_both_sides_counts_for_nothing():
    both = by_hand(4, a=[0, 1], b=[2, 3])
    assert cost(both, by_hand(4, a=[0, 1])) == pytest.approx(0.5)  # half the mass finds nobody
    assert cost(by_hand(6, a=[0, 1], b=[2, 3]), by_hand(6, x=[2, 3], y=[0, 1])) == 0.0
    assert cost(by_hand(3, a=[0, 1, 2]), by_hand(3, a=[0, 1])) == pytest.approx(1 / 3)  # one noise row in the union
    assert cost(by_hand(4, a=[0, 1]), by_hand(4, a=[2, 3])) == 1.0


def test_merging_equal_nodes_leaves_the_optimum_as_it_is():
    random = np.random.default_rng(0)
    graphs = []
    for _ in range(2):
        nodes = [random.choice(12, size=4, replace=False).tolist() for _ in range(4)]
        graphs.append(MapperGraph.from_kmapper({"nodes": dict(enumerate([*nodes, nodes[0], nodes[1], nodes[0]]))}, 12))
    B, C = (graph.incidence.toarray().astype(float) for graph in graphs)
    p, q = ((B_ / B_.sum(1, keepdims=True).clip(1)).sum(0) / (B_.sum(1) > 0).sum() for B_ in (B, C))
    M = 1 - (B.T @ C) / (B.sum(0)[:, None] + C.sum(0)[None] - B.T @ C)
    sums = np.concatenate([np.kron(np.eye(7), np.ones(7)), np.kron(np.ones(7), np.eye(7))])
    expected = linprog(M.ravel(), A_eq=sums, b_eq=np.concatenate([p, q])).fun
    left, right = map(membership, graphs)
    assert len(left.names) < 7
    assert cost(left, right) == pytest.approx(expected, abs=1e-9)


def test_a_permuted_copy_scores_0_in_the_order_that_undoes_it():
    left, _ = features(200, 32)
    order = torch.from_numpy(np.random.default_rng(1).permutation(200))
    metric = MapperTransport()
    states = metric.prepare(left), metric.prepare(left[order])
    assert float(metric.score(*states, torch.argsort(order))) == pytest.approx(0.0, abs=1e-12)
    assert float(metric.score(*states, torch.arange(200))) > 0.5
    assert float(metric.score(states[0], states[0], torch.arange(200))) == pytest.approx(0.0, abs=1e-12)


def test_shuffling_more_rows_costs_more_up_to_chance():
    left, _ = features()
    metric = MapperTransport()
    state = metric.prepare(left)
    random = np.random.default_rng(2)
    costs = []
    for share in (0.0, 0.1, 0.3, 0.6, 1.0):
        order = np.arange(500)
        moved = random.choice(500, size=int(share * 500), replace=False)
        order[moved] = random.permutation(moved)
        costs.append(float(metric.score(state, state, torch.from_numpy(order))))
    assert costs[0] < 1e-12
    assert (np.diff(costs) > 0.02).all()
    orders = torch.from_numpy(np.stack([random.permutation(500) for _ in range(20)]))
    chance = metric.score_many(state, state, orders)
    assert abs(costs[-1] - float(chance.mean())) < 5 * float(chance.std())


def test_a_noisy_copy_is_closer_than_chance_and_an_unrelated_cloud_is_not():
    left, right = features()
    related = geomsim.compare(left, right, "mapper-transport", draws=49)
    assert related.p_value == pytest.approx(0.02)
    assert related.z < -50
    unrelated = geomsim.compare(left, features(seed=9)[0], "mapper-transport", draws=49)
    assert abs(unrelated.z) < 4
    assert related.facts["noise rows left"] < 50


grids = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=8, max_size=30).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


@given(grids, st.integers(0, 1000), st.sampled_from([None, 0.4, 1.0]))
@settings(max_examples=80)
def test_order_law_holds_on_points_full_of_ties(points, seed, relative_eps):
    random = np.random.default_rng(seed)
    metric = MapperTransport(n_cubes=3, relative_eps=relative_eps)
    order = torch.from_numpy(random.permutation(len(points)))
    other = torch.from_numpy(random.normal(size=(len(points), 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        try:
            left, right = metric.prepare(other), metric.prepare(points)
        except DegenerateSpace:
            return
        moved = metric.prepare(points[order])
    by_moving = float(metric.score(left, moved, torch.arange(len(points))))
    assert float(metric.score(left, right, order)) == pytest.approx(by_moving, abs=1e-12)
    assert (moved.incidence != right.incidence[order.numpy()]).nnz == 0


def test_every_length_is_relative_also_with_a_given_eps():
    geomsim.testing.check_metric(MapperTransport(relative_eps=0.8, n_cubes=4))
    geomsim.testing.check_metric(MapperTransport(components=1, n_cubes=8, overlap=0.3, min_samples=2))


def test_explanation_tells_who_goes_where():
    points, _ = features(200, 32)
    metric = MapperTransport()
    state = metric.prepare(points)
    found = metric.explain(state, state)
    plan, partners = found.tables["plan"], found.tables["partners"]
    assert plan["left node"] == plan["right node"]
    assert plan["Jaccard"] == pytest.approx([1.0] * len(plan["mass"]))
    assert plan["mass"] == sorted(plan["mass"], reverse=True)
    assert partners["best right node"] == partners["left node"] == list(state.names)
    assert partners["entropy (bits)"] == pytest.approx([0.0] * len(state.names), abs=1e-6)
    assert found.facts["noise rows left"] + found.facts["rows in nodes left"] == 200
    json.dumps(found.tables)
    halves = metric.explain(by_hand(4, a=[0, 1, 2, 3]), by_hand(4, x=[0, 1], y=[2, 3]))
    assert halves.tables["partners"]["entropy (bits)"] == pytest.approx([1.0])
    assert halves.tables["plan"]["shared rows"] == [2, 2]


def test_draws_are_the_formula_to_the_last_bit():
    random = np.random.default_rng(4)
    metric = MapperTransport()
    left, right = (metric.prepare(points) for points in features(300, 32))
    orders = np.stack([random.permutation(300) for _ in range(6)])
    B, C = left.incidence.toarray(), right.incidence.toarray()
    expected = []
    for order in orders:
        both = B.T @ C[order]
        cost = 1.0 - both / (B.sum(0)[:, None] + C.sum(0)[None] - both)
        expected.append(exact_transport(cost, left.mass, right.mass).value)
    assert metric.score_many(left, right, torch.from_numpy(orders)).tolist() == expected
    assert [float(metric.score(left, right, torch.from_numpy(order))) for order in orders] == expected


def test_graphs_at_hand_are_states():
    points = features(200, 32)[0]
    metric = MapperTransport(n_cubes=4)
    prepared, given_graph = metric.prepare(points), metric.state_of(metric.graph(points))
    assert (prepared.incidence != given_graph.incidence).nnz == 0
    assert prepared.mass.tolist() == given_graph.mass.tolist()
    with pytest.raises(DegenerateSpace, match="none of its 3 rows is in one"):
        metric.state_of(MapperGraph.from_kmapper({"nodes": {}}, 3))


def test_explanation_tells_what_becomes_of_nodes_and_edges():
    left = by_hand(9, whole=[0, 1, 2, 3], rest=[3, 4, 5, 6, 7])
    right = by_hand(9, low=[0, 1], high=[2, 3], rest=[3, 4, 5, 6, 7])
    found = MapperTransport().explain(left, right)
    assert set(found.tables["splits"]["left node"]) == {"whole"}
    assert found.tables["splits"]["right node"] == ["low", "high"]
    assert found.tables["merges"]["right node"] == []
    assert found.facts["nodes split"] == 1
    assert found.facts["nodes merged"] == 0
    assert found.facts["distance between components (edges)"] == 2.0  # low is apart
    assert found.facts["edges preserved left"] == 0.0  # whole goes to low, which is not joined to rest
    assert found.facts["edges preserved right, weighted"] == 1.0
    assert found.tables["partners right"]["best left node"] == ["whole", "whole", "rest"]
    assert found.tables["partners"]["rows"] == [4, 5]
    same = MapperTransport().explain(left, left)
    assert same.tables["partners"]["distortion (edges)"] == [0.0, 0.0]
    assert same.facts["edges preserved left"] == same.facts["edges preserved right"] == 1.0
    lone = MapperTransport().explain(by_hand(2, a=[0, 1]), by_hand(2, a=[0, 1]))
    assert "edges preserved left" not in lone.facts  # there are none
    json.dumps({**found.facts, **found.tables})


def test_degenerate_clouds():
    metric = MapperTransport()
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        metric.prepare(torch.ones(40, 3))
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        MapperTransport(relative_eps=0.1).prepare(torch.ones(40, 3))
    with pytest.raises(DegenerateSpace, match=r"each of the 100 rows is noise.*Use a larger relative_eps"):
        MapperTransport(relative_eps=1e-3).prepare(features(100, 16)[0])
    with pytest.raises(DegenerateSpace, match=r"left space: .*find eps in: use fewer cubes"):
        geomsim.compare(features(6, 4)[0], features(6, 4, seed=1)[0], MapperTransport(n_cubes=40))
    with pytest.warns(GeomsimWarning, match="a single node and tells no row from another"):
        MapperTransport(n_cubes=1, relative_eps=10.0).prepare(features(50, 8)[0])
    clump = torch.linspace(0, 1, 15).double()
    lone = 10.0 * torch.arange(2.0, 22.0).double().square()
    line = torch.cat([clump, lone, clump + 5000.0])[:, None]
    with pytest.warns(GeomsimWarning, match=r"20 of 50 rows are in no node .* carry no mass"):
        MapperTransport(n_cubes=2, relative_eps=0.01).prepare(line)
    repeated = features(100, 16)[0][torch.arange(400) // 4]
    assert len(metric.prepare(repeated).graph.noise) == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"relative_eps": 0.0}, "relative_eps is a positive number or None"),
        ({"n_cubes": 0}, "at least 1 cube"),
        ({"overlap": 1.5}, "overlap is the share"),
        ({"components": 0}, "components is at least 1"),
        ({"min_samples": 0}, "min_samples is at least 1"),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(GeomsimError, match=message):
        MapperTransport(**parameters)
