"""Features of Mapper graphs against shapes that are known and gudhi's Betti numbers."""

from __future__ import annotations

from itertools import combinations

import gudhi
import numpy as np
import pytest
from shapes import circle, tree_of_three_arms

from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.graph_features import graph_features
from geomsim_topological.mapper import Cubes, Dbscan, mapper_graph

OVERLAPS = (0.2, 0.3, 0.5, 0.6)


def by_hand(*nodes, n_rows=30):
    return graph_features(MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows))


def counts(found):
    return len(found.components), len(found.loops), len(found.branches), found.leaves


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_circles_and_figure_eight_at_any_overlap(overlap):
    points = circle(2000)
    found = graph_features(mapper_graph(points, points[:, 0], Cubes(10, overlap), Dbscan(0.05, 3)))
    assert counts(found) == (1, 1, 0, 0)
    assert found.loops[0].tolist() == list(range(2000))
    apart = np.concatenate([circle(1000), circle(1000, 5.0)])
    found = graph_features(mapper_graph(apart, apart[:, 1], Cubes(10, overlap), Dbscan(0.05)))
    assert counts(found) == (2, 2, 0, 0)
    for each in (found.components, found.loops):
        assert [rows.tolist() for rows in each] == [list(range(1000)), list(range(1000, 2000))]
    eight = np.concatenate([circle(1000, -1.0), circle(1000, 1.0)])
    found = graph_features(mapper_graph(eight, eight[:, 0], Cubes(15, overlap), Dbscan(0.05)))
    assert counts(found) == (1, 2, 0, 0)
    assert all(
        any(set(side) <= set(rows.tolist()) for rows in found.loops) for side in (range(1000), range(1000, 2000))
    )


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_tree_has_three_branches_at_any_overlap(overlap):
    points, arm_of = tree_of_three_arms(300)
    found = graph_features(mapper_graph(points, points[:, 1], Cubes(10, overlap), Dbscan(0.05)))
    assert counts(found) == (1, 0, 3, 3)
    assert found.branch_points == 1
    # The lens looks upwards, and the two upper arms hang together until they are eps apart: the lower one ends there.
    assert sorted(int(np.bincount(arm_of[rows]).argmax()) for rows in found.branches) == [0, 1, 2]
    for rows in found.branches:
        assert np.bincount(arm_of[rows]).max() > 0.65 * len(rows)
        assert 200 < len(rows) < 450


def test_torus_by_height_has_one_loop_and_two_ends():
    around, across = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, 4000))
    ring = 2 + 0.7 * np.cos(across)
    torus = np.column_stack([ring * np.cos(around), 0.7 * np.sin(across), ring * np.sin(around)])
    assert counts(graph_features(mapper_graph(torus, torus[:, 2], Cubes(10, 0.3), Dbscan(0.4)))) == (1, 1, 2, 2)


def test_as_many_loops_as_the_whole_nerve_has():
    found = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        size = int(random.integers(2, 14))
        nodes = [random.choice(25, size=int(random.integers(1, 7)), replace=False).tolist() for _ in range(size)]
        nerve = gudhi.SimplexTree()
        for row in range(25):
            holding = [number for number, each in enumerate(nodes) if row in each]
            for simplex in (each for count in (1, 2, 3) for each in combinations(holding, count)):
                nerve.insert(simplex)
        nerve.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        features = by_hand(*nodes, n_rows=25)
        assert (len(features.components), len(features.loops)) == tuple([*nerve.betti_numbers(), 0][:2])
        found += len(features.loops)
    assert found > 20


def test_an_arm_ends_before_its_branch_point_and_a_path_has_none():
    ring = [[0, 1], [1, 2], [2, 3], [3, 0]]
    tail = by_hand(*ring, [3, 4], [4, 5], [5, 6])
    assert counts(tail) == (1, 1, 1, 1)
    assert tail.branch_nodes[0].tolist() == [6, 5]  # node 4 meets two nodes of the ring: a branch point
    assert tail.branches[0].tolist() == [4, 5, 6]
    assert sorted(tail.loop_nodes[0].tolist()) == [0, 1, 2, 3]
    assert counts(by_hand([0, 1], [1, 2], [2, 3])) == (1, 0, 0, 2)
    star = by_hand([0, 1, 2], [0, 5], [1, 6], [2, 7], [7, 8])
    assert sorted(rows.tolist() for rows in star.branches) == [[0, 5], [1, 6], [2, 7, 8]]


def test_no_node_and_one_node():
    assert counts(by_hand()) == (0, 0, 0, 0)
    one = by_hand([3, 4])
    assert counts(one) == (1, 0, 0, 0)
    assert one.components[0].tolist() == [3, 4]


def test_features_with_most_rows_come_first():
    assert [rows.tolist() for rows in by_hand([0], [5], [1, 2, 3]).components] == [[1, 2, 3], [0], [5]]
    assert [len(rows) for rows in by_hand([0, 1, 2], [0, 5], [1, 6], [2, 7], [7, 8]).branches] == [3, 2, 2]


def test_order_of_rows_and_nodes_decides_nothing():
    random = np.random.default_rng(0)
    points = random.normal(size=(600, 2))
    graph = mapper_graph(points, points, Cubes(14, 0.3), Dbscan(0.3))
    before = graph_features(graph)
    assert len(before.loops) > 3
    assert len(before.branches) > 5
    rows, nodes = random.permutation(600), random.permutation(len(graph.names))
    members = list(graph.nodes.values())
    after = by_hand(*(np.sort(rows[members[node]]).tolist() for node in nodes), n_rows=600)
    for kind in ("components", "loops", "branches"):
        moved = {tuple(np.sort(rows[each]).tolist()) for each in getattr(before, kind)}
        assert moved == {tuple(each.tolist()) for each in getattr(after, kind)}
    # Node numbers are those of the graph.
    for along, held in zip(after.loop_nodes, after.loops, strict=True):
        own = [rows[members[nodes[node]]] for node in along]
        assert sorted(set(np.concatenate(own).tolist())) == held.tolist()
