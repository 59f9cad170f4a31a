"""Confidence of nodes and loops: certain where a shape is, low where chance made it, and the interval of a share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta
from shapes import circle
from sklearn.cluster import KMeans

from geomsim import GeomsimError, Space
from geomsim_topological.covers.balls import Balls
from geomsim_topological.mapper import Cubes, Dbscan, mapper_graph
from geomsim_topological.settings import graph_confidence
from geomsim_topological.settings.graph_confidence import bootstrap_confidence, jeffreys_interval


def test_the_loop_and_the_nodes_of_a_circle_are_found_again_in_every_draw():
    points = circle(2000)
    found = bootstrap_confidence(points, points[:, 0], Cubes(10, 0.3), Dbscan(0.05, 3), draws=20)
    assert len(found.graph.names) == 18
    assert found.loop_hits.tolist() == [20]
    assert found.node_hits.tolist() == [20] * 18
    table = found.to_frame("loops")
    assert table["id"].tolist() == ["loop 0"]
    assert (table["rows"][0], table["confidence"][0], table["high"][0]) == (2000, 1.0, 1.0)
    assert table["low"][0] == pytest.approx(beta.ppf(0.025, 20.5, 0.5))


def test_accidental_loops_of_noise_are_not_found_again_in_most_draws():
    hits = []
    for seed in (1, 4, 7):
        noise = np.random.default_rng(seed).normal(size=(800, 2))
        found = bootstrap_confidence(noise, noise, Cubes(10, 0.3), Dbscan(0.2), draws=12)
        hits += found.loop_hits.tolist()
        crowded = np.argsort([-len(rows) for rows in found.graph.nodes.values()])
        assert found.node_hits[crowded[:5]].tolist() == [12] * 5  # places full of rows are there in any part
        assert found.node_hits[crowded[-5:]].max() < 12
    assert len(hits) >= 4
    assert max(hits) <= 7
    assert np.median(hits) <= 2


def test_the_loop_of_a_noisy_circle_is_found_again():
    noisy = circle(800, noise=0.1)
    found = bootstrap_confidence(noisy, noisy[:, 0], Cubes(10, 0.3), Dbscan(0.2), draws=20)
    assert found.loop_hits[0] == 20
    assert found.to_frame()["id"].tolist() == list(found.graph.names)


def test_draws_keep_their_share_once_and_the_ends_of_the_lens(monkeypatch):
    points = np.random.default_rng(0).normal(size=(200, 3))
    calls = []

    def watched(cloud, lens, cover, clusterer):
        calls.append((cloud, lens, clusterer))
        return mapper_graph(cloud, lens, cover, clusterer)

    monkeypatch.setattr(graph_confidence, "mapper_graph", watched)
    found = bootstrap_confidence(points, lambda cloud: cloud[:, :2] * 2, Cubes(4, 0.3), draws=5, share=0.25)
    whole, *parts = calls
    assert len(parts) == 5
    for cloud, lens, clusterer in parts:
        assert 50 <= len(cloud) <= 54  # up to four rows at the ends are added
        assert len(np.unique(cloud, axis=0)) == len(cloud)
        np.testing.assert_array_equal(lens, cloud[:, :2] * 2)
        np.testing.assert_array_equal(lens.min(axis=0), whole[1].min(axis=0))
        np.testing.assert_array_equal(lens.max(axis=0), whole[1].max(axis=0))
        assert clusterer == Dbscan(found.graph.eps, 3)  # the number that the knee was for all rows
    assert not np.array_equal(parts[0][0], parts[1][0])


def test_groups_are_drawn_whole(monkeypatch):
    points = np.random.default_rng(0).normal(size=(120, 2))
    documents = np.repeat(np.arange(12), 10)
    seen = []

    def watched(cloud, lens, cover, clusterer):
        seen.append({tuple(row) for row in cloud.tolist()})
        return mapper_graph(cloud, lens, cover, clusterer)

    monkeypatch.setattr(graph_confidence, "mapper_graph", watched)
    by_label = bootstrap_confidence(
        points, points[:, 0], Cubes(3, 0.3), Dbscan(0.5), groups=documents, draws=4, share=0.5
    )
    for drawn in seen[1:]:
        kept = np.bincount(documents[[tuple(row) in drawn for row in points.tolist()]], minlength=12)
        assert (kept == 10).sum() >= 6
        assert ((kept > 0) & (kept < 10)).sum() <= 2  # the two ends
    own = bootstrap_confidence(
        Space(points, groups=documents), points[:, 0], Cubes(3, 0.3), Dbscan(0.5), draws=4, share=0.5
    )
    assert own.node_hits.tolist() == by_label.node_hits.tolist()


def test_follows_from_the_seed():
    points = np.random.default_rng(0).normal(size=(150, 2))
    hits = [
        bootstrap_confidence(points, points, Cubes(5, 0.3), Dbscan(0.3), draws=6, seed=seed).node_hits.tolist()
        for seed in (0, 0, 1)
    ]
    assert hits[0] == hits[1] != hits[2]


def test_other_clusterers_and_graphs_without_nodes():
    points = circle(200)
    found = bootstrap_confidence(points, points[:, 0], Cubes(4, 0.3), KMeans(1, n_init=1, random_state=0), draws=5)
    assert found.node_hits.tolist() == [5] * 4
    empty = bootstrap_confidence(points, points[:, 0], Cubes(4, 0.3), Dbscan(1e-3), draws=3)
    assert empty.node_hits.tolist() == []
    assert empty.to_frame().empty
    assert empty.to_frame("loops").empty


def test_a_cover_that_uses_the_points_needs_no_lens():
    points = circle(400)
    found = bootstrap_confidence(points, None, Balls(0.5), Dbscan(0.2), draws=5)
    assert len(found.node_hits) == len(found.graph.names) > 3
    assert found.node_hits.max() > 0


def test_jeffreys_interval():
    low, high = jeffreys_interval([0, 3, 10], draws=10, level=0.9)
    assert (low[0], high[2]) == (0.0, 1.0)
    assert low[1:] == pytest.approx(beta.ppf(0.05, [3.5, 10.5], [7.5, 0.5]))
    assert high[:2] == pytest.approx(beta.ppf(0.95, [0.5, 3.5], [10.5, 7.5]))
    with pytest.raises(GeomsimError, match="level is between 0 and 1"):
        jeffreys_interval([1], 2, level=1.0)
    # Brown, Cai and DasGupta: near its level on average over shares, if not for every one.
    random = np.random.default_rng(0)
    shares = random.uniform(0.05, 0.95, size=4000)
    low, high = jeffreys_interval(random.binomial(30, shares), 30)
    assert ((low <= shares) & (shares <= high)).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 0}, "draws is a whole number, at least 1"),
        ({"share": 1.0}, "above 0 and below 1"),
        ({"threshold": 0.0}, "Jaccard index above 0"),
        ({"groups": np.zeros(50)}, "at least 2 rows or groups, got 1"),
        ({"groups": np.zeros(3)}, "one label for each of 50 rows"),
    ],
)
def test_refuses_what_makes_no_draws(arguments, message):
    points = circle(50)
    with pytest.raises(GeomsimError, match=message):
        bootstrap_confidence(points, points[:, 0], Cubes(3, 0.3), Dbscan(0.2), **arguments)
