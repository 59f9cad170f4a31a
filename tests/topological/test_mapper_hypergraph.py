"""The metric on copies, rings and lines, and what it says of how sure it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.metrics.mapper_hypergraph import MapperHypergraph

# Small clouds fall to pieces; that this is warned of has a test of its own.
pytestmark = pytest.mark.filterwarnings(r"ignore:the Mapper graph has \d+ components")

METRIC = MapperHypergraph()


def features(n=200, width=32, seed=0):
    """Unit rows in loose clusters."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(12, width))[random.integers(12, size=n)] + random.normal(size=(n, width))
    return torch.from_numpy(points / np.linalg.norm(points, axis=1, keepdims=True))


def by_hand(n_rows, nodes):
    return METRIC.state_of(MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows))


def ring(n_nodes, overlap=1, size=4):
    step = size - overlap
    n_rows = n_nodes * step
    return by_hand(n_rows, [np.arange(step * k, step * k + size) % n_rows for k in range(n_nodes)])


def line(n_nodes, overlap=1, size=4):
    step = size - overlap
    return by_hand(n_nodes * step + overlap, [np.arange(step * k, step * k + size) for k in range(n_nodes)])


def distance(left, right):
    return float(METRIC.score(left, right))


@pytest.mark.parametrize(
    "metric",
    [
        METRIC,
        MapperHypergraph(components=1, n_cubes=2),
        MapperHypergraph(relative_eps=0.8, n_cubes=4, min_samples=1, starts=3),
    ],
    ids=repr,
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def test_a_copy_with_rows_and_nodes_in_another_order_scores_0():
    points = features()
    state = METRIC.prepare(points)
    random = np.random.default_rng(1)
    moved = METRIC.prepare(points[torch.from_numpy(random.permutation(200))])
    assert distance(state, moved) == 0.0
    graph = state.graph
    rows, nodes = random.permutation(graph.n_rows), random.permutation(len(graph.names))
    relabelled = MapperGraph(graph.incidence[rows][:, nodes].tocsr(), tuple(map(str, nodes)))
    assert distance(state, METRIC.state_of(relabelled)) == 0.0


def test_a_row_in_every_place_of_one_node_makes_a_single_point():
    single, other = by_hand(3, [[0, 1, 2]]), line(2, size=3)
    network = other.network
    expected = np.sqrt(network.vertex_mass @ np.square(network.values) @ network.edge_mass)
    assert distance(single, other) == pytest.approx(expected)
    # Two nodes of 3 rows, one of 5 shared: 0.8 apart, seen by the two rows at each end, from the node of the others.
    assert expected == pytest.approx(np.sqrt(0.8 * 0.8**2 / 2))
    assert distance(single, by_hand(5, [[1, 2]])) == 0.0


def test_rings_and_lines():
    assert distance(ring(8), ring(8)) == 0.0
    assert distance(ring(8), line(8)) > 0.2
    assert distance(ring(8), ring(9)) < distance(ring(8), ring(12)) < distance(ring(8), ring(16))
    assert distance(ring(8), line(8)) == pytest.approx(distance(line(8), ring(8)), abs=1e-12)


def test_nodes_with_the_same_rows_count_as_one():
    once = by_hand(7, [[0, 1, 2], [2, 3, 4], [4, 5, 6]])
    assert once.network.values.shape == by_hand(7, [[0, 1, 2], [2, 3, 4], [2, 3, 4], [4, 5, 6]]).network.values.shape


def test_pieces_are_twice_the_largest_distance_apart():
    with pytest.warns(GeomsimWarning, match="2 components, and no path joins 12 of its 24 pairs"):
        both = METRIC.state_of(
            MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1, 2], "c": [3, 4], "d": [4, 5]}}, 6)
        )
    whole = by_hand(5, [[0, 1], [1, 2], [2, 3], [3, 4]])
    assert np.isfinite(distance(both, whole))
    assert both.cap == pytest.approx(2 * both.largest) == pytest.approx(4 / 3)
    facts = METRIC.explain(both, whole).facts
    assert facts["components left"] == 2
    assert facts["capped distances left"] == 12
    assert facts["capped distances right"] == 0


def test_rewiring_keeps_degrees_and_moves_away():
    state = METRIC.prepare(features())
    rewired = METRIC.rewired(state, np.random.default_rng(0))
    np.testing.assert_array_equal(rewired.graph.incidence.sum(axis=1), state.graph.incidence.sum(axis=1))
    assert distance(state, rewired) > 0.1
    again = METRIC.rewired(state, np.random.default_rng(0))
    np.testing.assert_array_equal(again.network.values, rewired.network.values)


def test_explanation_matches_rows_and_nodes_and_says_how_sure_it_is():
    points = features()
    state = METRIC.prepare(points)
    same = METRIC.explain(state, state)
    assert same.tables["partners"]["best right node"] == same.tables["partners"]["left node"]
    assert same.tables["plan"]["left node"] == same.tables["plan"]["right node"]
    assert same.tables["rows"]["first left row"] == same.tables["rows"]["first right row"]
    assert not same.tables["splits"]["left node"]
    assert same.facts["lower bound"] == same.tables["starts"]["distance"][0] == 0.0
    assert same.facts["starts"] == len(same.tables["starts"]["distance"]) == 20
    json.dumps([dict(same.tables), dict(same.facts)])

    other = METRIC.prepare(features(seed=5))
    found = METRIC.explain(state, other)
    score = distance(state, other)
    assert 0 < found.facts["lower bound"] <= score
    assert min(found.tables["starts"]["distance"]) == pytest.approx(score)
    assert found.facts["worst start"] == max(found.tables["starts"]["distance"]) > score
    assert 1 <= found.facts["local optima"] <= 20
    assert found.facts["starts at the best"] >= 1
    turned = METRIC.explain(other, state)
    assert turned.facts["nodes left"] == found.facts["nodes right"]
    cells = []
    for each, one, two in ((found, "left node", "right node"), (turned, "right node", "left node")):
        plan = each.tables["plan"]
        cells.append(sorted(zip(plan[one], plan[two], np.round(plan["mass"], 9), strict=True)))
    assert cells[0] == cells[1]


def test_a_ring_can_turn_which_shows_as_different_best_plans():
    found = METRIC.explain(ring(7), ring(7))
    assert found.facts["different best plans"] > 1
    assert METRIC.explain(by_hand(6, [[0, 1, 2], [2, 3, 4, 5]]), line(3)).facts["different best plans"] >= 1


def test_the_noise_floor_judges_it():
    found = geomsim.compare(features(), features(seed=5), MapperHypergraph(starts=3), draws=19)
    assert np.isfinite(found.score)
    assert found.null is not None


def test_degenerate_clouds_and_parameters():
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        METRIC.prepare(torch.ones(40, 3))
    with pytest.raises(DegenerateSpace, match=r"each of the 100 rows is noise.*Use a larger relative_eps"):
        MapperHypergraph(relative_eps=1e-3).prepare(features(100, 16))
    with pytest.warns(GeomsimWarning, match="a single node"):
        single = MapperHypergraph(n_cubes=1, relative_eps=10.0).prepare(features(50, 8))
    assert distance(single, single) == 0.0
    repeated = METRIC.prepare(features(60)[torch.arange(240) // 4])
    assert distance(repeated, repeated) == 0.0
    with pytest.raises(InvalidConfig, match="starts is a whole number, at least 1; got 0"):
        MapperHypergraph(starts=0)
