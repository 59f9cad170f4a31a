"""The metric against its dense definition, all orders of a few rows, and small graphs worked out by hand."""

from __future__ import annotations

import itertools
import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geomsim
from geomsim import DegenerateSpace, GeomsimWarning
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.metrics.mapper_cka import MapperCKA, co_membership


def features(n=500, width=128, noise=0.5, seed=0):
    """Unit rows in loose clusters, and a rotated noisy copy."""
    random = np.random.default_rng(seed)
    left = random.normal(size=(30, width))[random.integers(30, size=n)] + random.normal(size=(n, width))
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    right = left + noise * random.normal(size=left.shape) / np.sqrt(width)
    return torch.from_numpy(left), torch.from_numpy(right @ np.linalg.qr(random.normal(size=(width, width)))[0])


def by_hand(n_rows, **nodes):
    return co_membership(MapperGraph.from_kmapper({"nodes": nodes}, n_rows))


def random_side(n_rows, n_nodes, random, noise=0.2):
    """Nodes that overlap, none empty, not all of them full, and rows in none of them."""
    while True:
        B = random.random((n_rows, n_nodes)) < 0.4
        B[random.random(n_rows) < noise] = False
        if B.any(axis=0).all() and not B.all():
            return co_membership(
                MapperGraph.from_kmapper({"nodes": {k: np.flatnonzero(B[:, k]) for k in range(n_nodes)}}, n_rows)
            )


def dense(side):
    B = side.incidence.toarray()
    n = len(B)
    H = np.eye(n) - 1 / n
    return H @ (B / B.sum(axis=0)) @ B.T @ H


def alike(left, right, order=None):
    n_rows = left.incidence.shape[0]
    return float(MapperCKA().score(left, right, torch.arange(n_rows) if order is None else torch.as_tensor(order)))


@pytest.mark.parametrize(
    "metric",
    [MapperCKA(), MapperCKA(components=1, n_cubes=2), MapperCKA(relative_eps=0.8, n_cubes=4, min_samples=1)],
    ids=repr,
)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


@pytest.mark.parametrize("seed", range(5))
def test_is_the_dense_definition_in_any_order(seed):
    random = np.random.default_rng(seed)
    left, right = random_side(20, 5, random), random_side(20, 3, random)
    order = random.permutation(20)
    K, L = dense(left), dense(right)[np.ix_(order, order)]
    expected = (K * L).sum() / np.linalg.norm(K) / np.linalg.norm(L)
    assert alike(left, right, order) == pytest.approx(expected, rel=1e-12)
    assert left.trace == pytest.approx(np.trace(K), rel=1e-12)
    assert left.norm == pytest.approx(np.linalg.norm(K), rel=1e-12)


def test_sparse_and_dense_products_agree(monkeypatch):
    random = np.random.default_rng(1)
    left, right = random_side(60, 8, random), random_side(60, 5, random)
    orders = torch.from_numpy(np.stack([random.permutation(60) for _ in range(9)]))
    by_dense = MapperCKA().score_many(left, right, orders)
    monkeypatch.setattr("geomsim_topological.metrics.mapper_cka._SMALL", 0)
    torch.testing.assert_close(MapperCKA().score_many(left, right, orders), by_dense, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n_rows", [2, 3, 4, 5, 7])
def test_mean_by_chance_is_that_of_all_orders(n_rows):
    random = np.random.default_rng(n_rows)
    orders = torch.tensor(list(itertools.permutations(range(n_rows))))
    for _ in range(3):
        left, right = random_side(n_rows, 3, random), random_side(n_rows, 2, random)
        scores = MapperCKA().score_many(left, right, orders).numpy()
        assert MapperCKA().null_mean(left, right) == pytest.approx(scores.mean(), abs=1e-12)


def test_partitions_have_closed_forms():
    halves = by_hand(8, a=[0, 1, 2, 3], b=[4, 5, 6, 7])
    assert alike(halves, by_hand(8, x=[4, 5, 6, 7], y=[0, 1, 2, 3])) == pytest.approx(1.0)
    # A table of counts as by chance: the two ways of halving know nothing of each other.
    assert alike(halves, by_hand(8, x=[0, 1, 4, 5], y=[2, 3, 6, 7])) == pytest.approx(0.0, abs=1e-15)
    # Projections of rank 1 and 3, one inside the other.
    quarters = by_hand(8, a=[0, 1], b=[2, 3], c=[4, 5], d=[6, 7])
    assert alike(halves, quarters) == pytest.approx(1 / np.sqrt(3))
    found = MapperCKA().explain(halves, quarters).facts
    assert found["effective nodes left"] == pytest.approx(1.0)
    assert found["effective nodes right"] == pytest.approx(3.0)
    assert found["mean by chance"] == pytest.approx(3 / 7 / np.sqrt(3))


def test_how_a_graph_is_cut_hardly_matters_and_what_is_together_does():
    """A line cut at other places, and the same cuts of a line in another order."""
    rows = np.arange(120)

    def line(width, step, start=0):
        nodes = {str(at): rows[max(at, 0) : at + width] for at in range(start, 120, step) if at + width > 0}
        return by_hand(120, **nodes)

    first, shifted = line(30, 10), line(36, 12, start=-5)
    shuffled = np.random.default_rng(0).permutation(120)
    assert alike(first, shifted) > 0.85
    assert alike(first, shifted, shuffled) < 0.25


def test_rows_in_no_node_are_like_rows_of_one_loose_node():
    left = by_hand(8, a=[0, 1], b=[2, 3])
    assert alike(left, by_hand(8, x=[2, 3], y=[0, 1])) == pytest.approx(1.0)
    # Kept together by a node of their own, they are as much together.
    assert alike(left, by_hand(8, x=[2, 3], y=[0, 1], z=[4, 5, 6, 7])) == pytest.approx(np.sqrt(0.9))
    assert alike(left, by_hand(8, x=[2, 3], y=[0, 1], z=[4, 5], u=[6, 7])) == pytest.approx(np.sqrt(0.6))


def test_shuffling_more_rows_brings_it_down_to_chance():
    left, _ = features()
    metric = MapperCKA()
    state = metric.prepare(left)
    random = np.random.default_rng(2)
    scores = []
    for share in (0.0, 0.1, 0.3, 0.6, 1.0):
        order = np.arange(500)
        moved = random.choice(500, size=int(share * 500), replace=False)
        order[moved] = random.permutation(moved)
        scores.append(alike(state, state, order))
    assert scores[0] == pytest.approx(1.0)
    assert (np.diff(scores) < -0.05).all()
    drawn = metric.score_many(state, state, torch.from_numpy(np.stack([random.permutation(500) for _ in range(99)])))
    assert abs(scores[-1] - metric.null_mean(state, state)) < 5 * float(drawn.std())


def test_a_noisy_copy_is_closer_than_chance_and_an_unrelated_cloud_is_not():
    left, right = features()
    related = geomsim.compare(left, right, MapperCKA(), draws=49)
    assert related.p_value == pytest.approx(0.02)
    assert related.z > 30
    unrelated = geomsim.compare(left, features(seed=9)[0], MapperCKA(), draws=49)
    assert abs(unrelated.z) < 4
    corrected = geomsim.compare(left, features(seed=9)[0], MapperCKA(chance_corrected=True), draws=49)
    assert abs(corrected.score) < 0.05 < unrelated.score + 0.05


grids = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=8, max_size=30).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


@given(grids, st.integers(0, 1000), st.sampled_from([None, 0.4, 1.0]))
@settings(max_examples=40)
def test_order_law_holds_on_points_full_of_ties(points, seed, relative_eps):
    random = np.random.default_rng(seed)
    metric = MapperCKA(n_cubes=3, relative_eps=relative_eps)
    order = torch.from_numpy(random.permutation(len(points)))
    other = torch.from_numpy(random.normal(size=(len(points), 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        try:
            left, right = metric.prepare(other), metric.prepare(points)
        except DegenerateSpace:
            return
        moved = metric.prepare(points[order])
    assert alike(left, right, order) == pytest.approx(alike(left, moved), abs=1e-12)


def test_explanation_tells_which_nodes_hold_the_same_rows():
    points, _ = features(200, 32)
    state = MapperCKA().prepare(points)
    found = MapperCKA().explain(state, state)
    cells, partners = found.tables["cells"], found.tables["partners"]
    assert cells["share of score"] == sorted(cells["share of score"], reverse=True)
    assert 0 < sum(cells["share of score"]) <= 1 + 1e-12
    assert partners["Jaccard"] == pytest.approx([1.0] * len(state.graph.names))
    assert found.facts["noise rows left"] + found.facts["rows in nodes left"] == 200
    json.dumps([found.tables, dict(found.facts)])
    halves = MapperCKA().explain(by_hand(4, a=[0, 1], b=[2, 3]), by_hand(4, x=[0, 1, 2]))
    assert halves.tables["partners"]["best right node"] == ["x", "x"]
    assert halves.tables["cells"]["rows by chance"] == pytest.approx([1.5, 1.5])


def test_graphs_that_tell_nothing():
    with pytest.raises(DegenerateSpace, match=r"each node .*\(2\) holds all 4 rows.*Use more n_cubes"):
        by_hand(4, a=[0, 1, 2, 3], b=[0, 1, 2, 3])
    with pytest.raises(DegenerateSpace, match="left space: each node of the Mapper graph"):
        geomsim.compare(features(50, 8)[0], features(50, 8)[0], MapperCKA(n_cubes=1, relative_eps=10.0))
    with pytest.raises(DegenerateSpace, match=r"each of the 100 rows is noise.*Use a larger relative_eps"):
        MapperCKA(relative_eps=1e-3).prepare(features(100, 16)[0])
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        MapperCKA().prepare(torch.ones(40, 3))
