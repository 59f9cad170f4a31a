"""The metric on graphs worked out by hand, on graphs of one shape, and on graphs in pieces."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim_topological.couplings.graph_space import graph_space
from geomsim_topological.graphs.membership import membership
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.metrics.mapper_gromov import MapperGromov


def graph(n_rows, *nodes):
    return MapperGraph.from_kmapper({"nodes": {str(place): rows for place, rows in enumerate(nodes)}}, n_rows)


def chain(n_nodes, closed=False, shift=0):
    """Nodes of four rows, each sharing two with the next: every edge is 2/3 long."""
    n_rows = 2 * n_nodes + (0 if closed else 2)
    return graph(n_rows, *([(2 * node + place + shift) % n_rows for place in range(4)] for node in range(n_nodes)))


def cloud(n_rows=300, width=8, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n_rows, width)) * np.linspace(1, 3, width))


def score(left, right, **parameters):
    metric = MapperGromov(**parameters)
    return float(metric.score(metric.state_of(left), metric.state_of(right)))


@pytest.mark.parametrize(
    "metric", [MapperGromov(), MapperGromov(normalise=True, n_cubes=4, starts=5), MapperGromov(relative_eps=0.9)]
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


def test_edges_are_as_long_as_rows_differ_and_paths_add_up():
    state = graph_space(graph(7, [0, 1, 2], [2, 3], [3, 4, 5, 6], [3, 4, 5, 6]))
    # Jaccard 1/4 and 1/5; the last two nodes have the same rows and are one.
    by_name = {name: place for place, name in enumerate(state.names)}
    assert set(by_name) == {"0", "1", "2"}
    d = state.space.distances
    assert d[by_name["0"], by_name["1"]] == pytest.approx(3 / 4)
    assert d[by_name["1"], by_name["2"]] == pytest.approx(4 / 5)
    assert d[by_name["0"], by_name["2"]] == pytest.approx(3 / 4 + 4 / 5)
    assert state.space.mass[by_name["1"]] == pytest.approx((1 / 2 + 1 / 3) / 7)
    assert state.space.mass.sum() == pytest.approx(1.0)
    assert sorted(state.lengths) == pytest.approx([3 / 4, 4 / 5])


def test_two_nodes_against_two_and_one_against_many():
    near, far = graph(3, [0, 1], [1, 2]), graph(9, [0, 1, 2, 3, 4], [4, 5, 6, 7, 8])
    assert score(near, far) == pytest.approx(abs(2 / 3 - 8 / 9) / 2**0.5)
    assert score(near, far, normalise=True) == pytest.approx(0.0, abs=1e-9)
    with pytest.warns(GeomsimWarning, match="2 components"):
        pairs = graph_space(graph(4, [0, 1], [2, 3]))
    assert pairs.space.distances[0, 1] == 2.0  # there is no finite distance to double
    lone = graph(4, [0, 1, 2, 3])
    assert score(lone, lone) == 0.0
    root = graph_space(chain(4)).space.mean_square ** 0.5
    assert score(lone, chain(4)) == pytest.approx(root)
    assert score(chain(4), lone) == pytest.approx(root)


@given(st.integers(0, 1000), st.integers(3, 10), st.integers(6, 20))
@settings(max_examples=40)
def test_names_rows_and_order_of_nodes_do_not_matter(seed, n_nodes, n_rows):
    random = np.random.default_rng(seed)
    nodes = [random.choice(n_rows, size=random.integers(1, 5), replace=False) for _ in range(n_nodes)]
    rows = random.permutation(n_rows)
    moved = graph(n_rows, *(rows[nodes[place]] for place in random.permutation(n_nodes)))
    other = chain(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        assert score(graph(n_rows, *nodes), moved) == pytest.approx(0.0, abs=1e-9)
        one, again = (MapperGromov().state_of(each) for each in (graph(n_rows, *nodes), moved))
        assert np.array_equal(one.space.distances, again.space.distances)
        assert np.array_equal(one.space.mass, again.space.mass)
        assert score(graph(n_rows, *nodes), other) == pytest.approx(score(moved, other), abs=1e-9)


def test_a_ring_is_no_chain_and_may_turn():
    ring, line = chain(9, closed=True), chain(9)
    assert score(ring, chain(9, closed=True, shift=6)) == 0.0
    assert score(ring, line) > 0.3
    metric = MapperGromov(starts=150)
    state = metric.state_of(ring)
    assert metric.plan(state, state).optima == 18
    found = metric.explain(state, state)
    assert found.facts["different optimal plans"] == 18
    assert "a ring is that can turn" in found.facts["symmetry"]


def test_circles_are_closer_to_each_other_than_to_a_line():
    random = np.random.default_rng(0)
    clouds = []
    for n_rows, width in ((600, 2), (500, 3)):
        angle = random.uniform(0, 2 * np.pi, n_rows)
        circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((n_rows, width - 2))])
        clouds.append(circle + 0.05 * random.normal(size=circle.shape))
    clouds.append(np.column_stack([random.uniform(-2, 2, 500), 0.05 * random.normal(size=500)]))
    metric = MapperGromov(relative_eps=0.3)
    one, other, line = (metric.prepare(torch.from_numpy(each)) for each in clouds)
    assert [each.components for each in (one, other, line)] == [1, 1, 1]
    assert float(metric.score(one, other)) < 0.4 * float(metric.score(one, line))


def test_graphs_in_pieces_are_capped_and_said():
    pieces = MapperGraph.from_kmapper(
        {"nodes": {"a": [0, 1], "b": [1, 2], "c": [2, 3], "x": [10, 11], "y": [11, 12]}}, n_rows=13
    )
    with pytest.warns(
        GeomsimWarning, match=r"has 2 components, and no path joins 6 of its 10 pairs .* twice the largest"
    ):
        state = MapperGromov().state_of(pieces)
    assert state.cap == pytest.approx(2 * 4 / 3)
    assert state.space.capped == 6
    found = MapperGromov().explain(state, MapperGromov().state_of(chain(5)))
    assert found.facts["capped distances left"] == 6
    assert found.facts["components left"] == 2
    assert found.facts["capped distances right"] == 0
    assert found.facts["distance between components left"] == pytest.approx(8 / 3)
    with pytest.warns(GeomsimWarning):
        normalised = MapperGromov(normalise=True).state_of(pieces)
    assert normalised.space.distances.max() == pytest.approx(2.0)
    assert normalised.cap == pytest.approx(2.0)


def test_what_cannot_be_compared():
    empty = MapperGraph.from_kmapper({"nodes": {}}, n_rows=4)
    with pytest.raises(DegenerateSpace, match="nothing to compare: use"):
        MapperGromov().state_of(empty)
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        MapperGromov().prepare(torch.ones(40, 3))
    with pytest.raises(InvalidConfig, match="starts is a whole number, at least 1; got 0"):
        MapperGromov(starts=0)


def test_repeated_rows_change_nothing():
    points = cloud(150)
    metric = MapperGromov(relative_eps=0.9, min_samples=1, n_cubes=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        once, twice = metric.prepare(points), metric.prepare(points[torch.arange(300) // 2])
    assert float(metric.score(once, twice)) == pytest.approx(0.0, abs=1e-9)


def test_prepare_is_the_state_of_the_graph():
    metric = MapperGromov()
    points = cloud()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        one, other = metric.prepare(points), metric.state_of(metric.graph(points))
    assert np.array_equal(one.space.distances, other.space.distances)
    assert np.array_equal(one.space.mass, other.space.mass)
    assert one.names == other.names
    assert set(one.names) == set(membership(metric.graph(points)).names)


def test_rewiring_keeps_degrees_masses_and_lengths():
    metric = MapperGromov()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        state = metric.prepare(cloud())
    random = np.random.default_rng(0)
    rewired = metric.rewired(state, random)
    degrees = [np.bincount(each.edges.ravel(), minlength=len(state.names)).tolist() for each in (state, rewired)]
    assert degrees[0] == degrees[1]
    assert np.array_equal(rewired.lengths, state.lengths)
    assert np.array_equal(rewired.space.mass, state.space.mass)
    assert not np.array_equal(rewired.space.distances, state.space.distances)
    assert np.isfinite(rewired.space.distances).all()
    assert float(metric.score(state, rewired)) > 0.1
    assert "edges preserved left" not in metric.explain(state, rewired).facts
    again = metric.rewired(state, np.random.default_rng(0))
    assert np.array_equal(again.edges, rewired.edges)


def test_explanation_tells_who_goes_where():
    metric = MapperGromov()
    left, right = metric.state_of(chain(6)), metric.state_of(chain(8))
    found = metric.explain(left, right)
    plan, partners, starts = (found.tables[name] for name in ("plan", "partners", "starts"))
    assert sum(plan["mass"]) == pytest.approx(1.0)
    assert partners["left node"] == list(left.names)
    assert len(starts["value"]) == found.facts["starts"] == 20
    assert found.facts["value"] == min(starts["value"])
    assert found.facts["value"] == pytest.approx(float(metric.score(left, right)) ** 2)
    mean = np.average(np.square(partners["distortion"]), weights=left.space.mass)
    assert mean == pytest.approx(found.facts["value"])
    mean = np.average(np.square(found.tables["partners right"]["distortion"]), weights=right.space.mass)
    assert mean == pytest.approx(found.facts["value"])
    assert found.facts["method"] == "exact"
    assert 0 <= found.facts["edges preserved left"] <= 1
    assert found.facts["edges left"] == 5
    bound = next(value for name, value in found.facts.items() if name.startswith("lower bound"))
    assert 0 <= bound <= found.facts["value"]
    json.dumps([dict(found.facts), dict(found.tables)])
    copy = metric.explain(left, metric.state_of(chain(6)))
    assert copy.facts["edges preserved left"] == 1.0
    assert copy.tables["partners"]["entropy (bits)"] == pytest.approx([0.0] * 6, abs=1e-9)
