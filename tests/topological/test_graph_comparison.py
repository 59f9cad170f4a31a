"""Comparing graphs at hand: copies, known splits, mass that stays unmatched, p-values without a refit, files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

import geomsim
from geomsim import DegenerateSpace, GeomsimError, InapplicableNull, InvalidConfig, InvalidPairing
from geomsim_topological.graph_comparison import compare_graphs
from geomsim_topological.mapper import Cubes, MapperGraph, mapper_graph
from geomsim_topological.metrics.mapper_transport import MapperTransport


def graph_of(n_rows, **nodes):
    incidence = np.zeros((n_rows, len(nodes)), dtype=np.int64)
    for node, rows in enumerate(nodes.values()):
        incidence[rows, node] = 1
    return MapperGraph(sparse.csr_matrix(incidence), tuple(nodes))


def circle(n=400, seed=0):
    random = np.random.default_rng(seed)
    angle = np.sort(random.random(n)) * 2 * np.pi
    return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.02 * random.normal(size=(n, 2))


def with_nodes_moved(graph, seed=1):
    order = np.random.default_rng(seed).permutation(len(graph.names))
    moved = MapperGraph(graph.incidence[:, order], tuple(f"moved {graph.names[node]}" for node in order), graph.eps)
    return moved, order


def test_a_copy_with_its_nodes_moved_costs_nothing_and_the_plan_is_the_permutation():
    whole = mapper_graph(circle(), lens=circle(), cover=Cubes(6, 0.3))
    graph = MapperTransport().state_of(whole).distinct  # of nodes with the same rows any may go to any
    moved, order = with_nodes_moved(graph)
    found = compare_graphs(graph, moved)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    for left, right in zip(found.tables["plan"]["left node"], found.tables["plan"]["right node"], strict=True):
        assert right == f"moved {left}"
    assert found.plan.nnz == len(graph.names)
    assert found.plan.toarray()[order, np.arange(len(order))] == pytest.approx(found.plan.sum(axis=0).A1)
    nodes = found.to_frame("left nodes")
    assert nodes["entropy (bits)"].to_numpy() == pytest.approx(np.zeros(len(nodes)), abs=1e-9)
    assert nodes["distortion (edges)"].to_numpy() == pytest.approx(np.zeros(len(nodes)), abs=1e-9)
    assert nodes["unmatched mass"].tolist() == [0.0] * len(nodes)
    assert found.edges_preserved().share == found.edges_preserved("right-to-left").weighted_share == 1.0
    assert found.tables["splits"]["left node"] == found.tables["merges"]["right node"] == []
    colours = np.random.default_rng(2).random((len(order), 3))
    assert found.carry(colours).values == pytest.approx(colours[order])
    assert found.carry(found.carry(colours).values, "right-to-left").values == pytest.approx(colours)
    assert "0 split, 0 merged, 100% of left edges and 100% of right edges preserved)" in repr(found)


def test_shuffling_more_rows_costs_more_up_to_chance():
    graph = mapper_graph(circle(), lens=circle(), cover=Cubes(6, 0.3))
    random = np.random.default_rng(3)
    values = []
    for share in (0.0, 0.1, 0.3, 0.6, 1.0):
        order = np.arange(400)
        moved = random.choice(400, size=int(share * 400), replace=False)
        order[moved] = random.permutation(moved)
        values.append(compare_graphs(graph, MapperGraph(graph.incidence[order], graph.names)).value)
    assert values[0] < 1e-12
    assert (np.diff(values) > 0.05).all()
    assert values[-1] > 0.85


def test_one_left_node_that_is_two_on_the_right():
    left = graph_of(8, whole=[0, 1, 2, 3], rest=[4, 5, 6, 7])
    right = graph_of(8, low=[0, 1], high=[2, 3], rest=[4, 5, 6, 7])
    found = compare_graphs(left, right)
    assert found.plan.toarray() == pytest.approx(np.array([[0.25, 0.25, 0], [0, 0, 0.5]]))
    assert found.value == pytest.approx(0.25)  # half the mass at a Jaccard of 1/2
    assert found.tables["splits"] == {
        "left node": ["whole", "whole"], "right node": ["low", "high"], "share of mass": [0.5, 0.5],
    }  # fmt: skip
    assert found.tables["left nodes"]["entropy (bits)"] == pytest.approx([1.0, 0.0])
    assert found.tables["merges"]["right node"] == []
    back = compare_graphs(right, left)
    assert back.tables["merges"] == {
        "right node": ["whole", "whole"], "left node": ["low", "high"], "share of mass": [0.5, 0.5],
    }  # fmt: skip
    assert (found.facts["nodes split"], found.facts["nodes merged"]) == (1, 0)
    assert (back.facts["nodes split"], back.facts["nodes merged"]) == (0, 1)
    assert found.shared_rows("whole", "high").tolist() == found.shared_rows(0, 1).tolist() == [2, 3]
    assert found.evidence("rest", "rest", lambda row: "abcdefgh"[row]).texts == ("e", "f", "g", "h")
    assert found.enrichment().tests == 6


def test_equal_nodes_are_all_there():
    left = graph_of(6, a=[0, 1, 2], b=[0, 1, 2], c=[3, 4, 5])
    right = graph_of(6, x=[3, 4, 5], y=[0, 1, 2], z=[0, 1, 2])
    found = compare_graphs(left, right)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.plan.shape == (3, 3)
    assert found.tables["left nodes"]["mass"] == pytest.approx([0.25, 0.25, 0.5])
    metric = MapperTransport()
    merged = metric.score(metric.state_of(left), metric.state_of(right), torch.arange(6))
    assert float(merged) == pytest.approx(found.value, abs=1e-12)


def test_an_empty_node_stays_without_a_partner():
    found = compare_graphs(graph_of(4, a=[0, 1], none=[], b=[2, 3]), graph_of(4, x=[0, 1], none=[], y=[2, 3]))
    assert found.value == 0.0
    assert found.tables["left nodes"]["best right node"] == ["x", None, "y"]
    assert found.carry([1.0, 5.0, 3.0]).values.tolist() == [1.0, 2.0, 3.0]
    assert found.carry([1.0, 5.0, 3.0]).unreached == ("none",)


def test_partial_leaves_the_dearest_mass():
    # The last left node shares nothing with anybody.
    left = graph_of(10, a=[0, 1, 2, 3], b=[4, 5, 6, 7], odd=[8, 9])
    right = graph_of(10, x=[0, 1, 2, 3], y=[4, 5, 6, 7], other=[8])
    found = compare_graphs(left, right, variant="partial", mass=0.8)
    assert found.matched == pytest.approx(0.8)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.tables["left nodes"]["unmatched mass"] == pytest.approx([0, 0, 0.2])
    # Nine rows are covered on the right: its nodes have 4/9, 4/9 and 1/9.
    assert found.tables["right nodes"]["unmatched mass"] == pytest.approx([4 / 9 - 0.4, 4 / 9 - 0.4, 1 / 9])
    assert found.tables["left nodes"]["best right node"] == ["x", "y", None]
    assert "(partial, 80% matched)" in repr(found)
    whole = compare_graphs(left, right)
    assert whole.matched == pytest.approx(1.0)
    assert whole.value > 0.01
    assert whole.cost_of_matched == pytest.approx(whole.value)
    assert found.facts["mass"] == 0.8


def test_unbalanced_matches_what_is_worth_its_price():
    left = graph_of(12, a=[0, 1, 2, 3], odd=[4, 5, 6, 7], poor=[8, 9, 10, 11])
    right = graph_of(12, x=[0, 1, 2, 3], other=[7, 8], y=[4, 5, 6, 9, 10, 11])
    # odd and y: 3 of 7; poor and y: 3 of 7.
    found = compare_graphs(left, right, variant="unbalanced", regularisation=0.2)  # only cheaper than .4
    assert found.tables["left nodes"]["unmatched mass"] == pytest.approx([0, 1 / 3, 1 / 3])
    assert found.value == pytest.approx(0.2 * (2 / 3 + 2 / 3))
    assert found.cost_of_matched == 0.0
    dearer = compare_graphs(left, right, variant="unbalanced", regularisation=0.3)  # cheaper than .6
    assert dearer.matched == pytest.approx(1 / 3 + 1 / 2)
    assert dearer.value == pytest.approx(0.5 * 4 / 7 + 0.3 * 2 / 6)
    assert compare_graphs(left, right, variant="unbalanced", regularisation=0.5).value == pytest.approx(
        compare_graphs(left, right).value
    )


def test_the_p_value_is_that_of_the_metric_on_points():
    left = circle(300)
    right = left @ np.diag([1.0, -1.0]) + 0.05 * np.random.default_rng(5).normal(size=left.shape)
    metric = MapperTransport(n_cubes=4)
    points = geomsim.compare(left, right, metric, draws=99, seed=7)
    graphs = compare_graphs(*(metric.graph(torch.from_numpy(side)) for side in (left, right)))
    found = graphs.significance(draws=99, seed=7)
    assert graphs.value == pytest.approx(points.score)
    assert (found.p_value, found.score) == (points.p_value, points.score)
    assert found.null.tolist() == points.null.tolist()
    assert found.metric == "mapper-transport"
    assert found.parameters == {"variant": "balanced"}
    assert graphs.p_value(draws=99, seed=7) == 0.01
    json.dumps(found.to_dict())
    documents = np.arange(300) // 10
    blocks = geomsim.compare(left, right, metric, draws=49, seed=7, groups=documents)
    assert graphs.significance(draws=49, seed=7, groups=documents).null.tolist() == blocks.null.tolist()
    with pytest.raises(InapplicableNull, match="all rows belong to one group"):
        graphs.p_value(groups=[0] * 300)


@pytest.mark.parametrize("parameters", [{"variant": "partial", "mass": 0.6}, {"variant": "unbalanced"}])
def test_variants_have_their_own_null(parameters):
    graph = mapper_graph(circle(200), lens=circle(200), cover=Cubes(4, 0.3))
    order = np.arange(200)
    order[:80] = np.random.default_rng(0).permutation(80)
    mixed = compare_graphs(graph, MapperGraph(graph.incidence[order], graph.names), **parameters)
    found = mixed.significance(draws=49)
    assert found.score == pytest.approx(mixed.value, abs=1e-12)
    assert found.p_value == pytest.approx(0.02)
    random = np.random.default_rng(1)
    orders = [random.permutation(200) for _ in range(5)]
    by_hand = [compare_graphs(graph, MapperGraph(graph.incidence[o], graph.names), **parameters).value for o in orders]
    assert abs(np.mean(by_hand) - found.null_mean) < 5 * found.null_sd
    assert "variant" in found.parameters


def test_unrelated_graphs_are_no_closer_than_chance():
    graph = mapper_graph(circle(200), lens=circle(200), cover=Cubes(4, 0.3))
    order = np.random.default_rng(11).permutation(200)
    assert compare_graphs(graph, MapperGraph(graph.incidence[order], graph.names)).p_value(draws=99) > 0.05


def test_threads_give_the_same_numbers():
    graph = mapper_graph(circle(200), lens=circle(200), cover=Cubes(4, 0.3))
    moved = MapperGraph(graph.incidence[np.random.default_rng(0).permutation(200)], graph.names)
    metric = MapperTransport()
    states = metric.state_of(graph), metric.state_of(moved)
    orders = torch.from_numpy(np.stack([np.random.default_rng(seed).permutation(200) for seed in range(40)]))
    alone = [float(metric.score(*states, order)) for order in orders]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda some: metric.score_many(*states, some).tolist(), orders.split(5)))
    assert [value for part in parts for value in part] == alone


def test_saved_and_read_again(tmp_path):
    left, right = graph_of(8, whole=[0, 1, 2, 3], rest=[4, 5, 6, 7]), graph_of(8, low=[0, 1], rest=[3, 4, 5, 6, 7])
    found = compare_graphs(left, right, variant="partial", mass=0.5)
    folder = found.save(tmp_path / "some" / "folder")
    assert (sparse.load_npz(folder / "plan.npz") != found.plan).nnz == 0
    for name in found.tables:
        stem = name.replace(" ", "_")
        pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{stem}.parquet"), found.to_frame(name))
        assert list(pd.read_csv(folder / f"{stem}.csv")) == list(found.to_frame(name))
    facts = json.loads((folder / "comparison.json").read_text())
    assert facts["value"] == found.value
    assert facts["variant"] == "partial"
    assert facts["edges preserved left-to-right"] is None  # the left graph has no edges
    assert found.save(folder) == folder
    assert not list(folder.glob("*.part"))
    (tmp_path / "file").write_text("")
    with pytest.raises(GeomsimError, match="is a file: name a folder to write to"):
        found.save(tmp_path / "file")


def test_distance_between_components_is_told():
    left, right = graph_of(6, a=[0, 1], b=[1, 2], c=[3, 4, 5]), graph_of(6, x=[0, 1], y=[1, 2, 3], z=[3, 4, 5])
    assert compare_graphs(left, right).facts["distance between components (edges)"] == 4.0
    assert compare_graphs(right, right).facts["distance between components (edges)"] is None


def test_graphs_that_do_not_fit():
    left, right = graph_of(4, a=[0, 1]), graph_of(5, x=[0, 1])
    with pytest.raises(InvalidPairing, match=r"left graph was made of 4 rows and the right one of 5.*n_rows"):
        compare_graphs(left, right)
    with pytest.raises(DegenerateSpace, match="right graph: the Mapper graph has 1 nodes and none of its 4 rows"):
        compare_graphs(left, graph_of(4, x=[]))
    with pytest.raises(InvalidConfig, match="variant is one of"):
        compare_graphs(left, left, variant="half")
    found = compare_graphs(left, left)
    with pytest.raises(GeomsimError, match="there is no table 'cells'; there are 'plan', 'left nodes'"):
        found.to_frame("cells")
    with pytest.raises(GeomsimError, match="the left graph has no node 'x'; it has 1, such as 'a'"):
        found.evidence("x", "a")
    with pytest.raises(GeomsimError, match="the right graph has nodes 0 to 0, got 3"):
        found.shared_rows(0, 3)
    with pytest.raises(GeomsimError, match="direction is 'left-to-right' or 'right-to-left', got 'up'"):
        found.carry([1.0], "up")


def test_one_node_and_no_edges():
    found = compare_graphs(graph_of(3, a=[0, 1, 2]), graph_of(3, x=[0, 1, 2]))
    assert found.value == 0.0
    assert found.edges_preserved().share is None
    assert "no edges preserved" in repr(found)
    assert found.p_value(draws=9) == 1.0
