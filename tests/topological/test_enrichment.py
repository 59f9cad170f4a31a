"""Hypergeometric tails by enumeration, corrections against scipy, and labels of nodes worked out by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import false_discovery_control, fisher_exact

from geomsim import DegenerateSpace, GeomsimError, InvalidConfig
from geomsim_topological.comparison.enrichment import false_discovery, hypergeometric_tail
from geomsim_topological.mapper import MapperGraph
from geomsim_topological.node_labels import node_labels


@given(st.integers(1, 8), st.data())
@settings(max_examples=60)
def test_tail_counts_all_sets(total, data):
    a, b = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    x = data.draw(st.integers(0, min(a, b)))
    draws = list(combinations(range(total), b))
    expected = sum(len(set(range(a)) & set(drawn)) >= x for drawn in draws) / len(draws)
    assert hypergeometric_tail([x], [a], [b], total) == pytest.approx([expected])


def test_tail_of_many_is_that_of_each():
    found = hypergeometric_tail([3, 1, 3, 0], [5, 2, 5, 4], [6, 9, 6, 4], 20)
    assert found[0] == found[2] == pytest.approx(fisher_exact([[3, 2], [3, 12]], alternative="greater")[1])
    assert found[1] == pytest.approx(fisher_exact([[1, 1], [8, 10]], alternative="greater")[1])
    assert found[3] == pytest.approx(1.0)
    assert hypergeometric_tail([], [], [], 20).shape == (0,)


def test_no_chance_is_0():
    found = hypergeometric_tail([400, 5000], [1000, 5000], [1000, 5000], 20000)
    assert 0 < found[1] < 1e-300 < found[0] < 1e-200


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(0, 30))
@settings(max_examples=60)
def test_corrections_are_those_of_scipy_with_the_others_at_1(p, more):
    tests = len(p) + more
    padded = [*p, *[1.0] * more]
    hochberg, yekutieli = false_discovery(p, tests)
    if tests:
        assert hochberg == pytest.approx(false_discovery_control(padded, method="bh")[: len(p)])
        assert yekutieli == pytest.approx(false_discovery_control(padded, method="by")[: len(p)])


def test_the_harmonic_number_of_many_tests():
    exact = float((1.0 / np.arange(1, 1_000_002)).sum())
    assert false_discovery([1e-12], 1_000_001)[1] == pytest.approx([1e-12 * 1_000_001 * exact])
    with pytest.raises(InvalidConfig, match="2 p-values of 1 tests"):
        false_discovery([0.1, 0.2], 1)


def test_labels_of_nodes():
    incidence = np.zeros((10, 3), dtype=np.int64)
    incidence[:4, 0] = incidence[3:8, 1] = 1
    graph = MapperGraph(sparse.csr_matrix(incidence), ("a", "b", "none"))
    labels = ["x", "x", "x", "y", "y", "y", "y", "x", "y", "y"]  # the last two rows are in no node
    found = node_labels(graph, labels, top=1)
    assert found.of("a") == ["x"]
    assert found.of("b") == ["y"]
    assert found.of("none") == []
    assert node_labels(graph, labels, top=None).of("a") == ["x"]  # one y, two expected
    assert found.tests == 4  # two nodes with rows, two labels
    frame = found.to_frame()
    row = frame[frame["node"] == "a"].iloc[0]
    assert (row["rows"], row["rows in node"], row["rows with label"], row["expected"]) == (3, 4, 4, 2.0)
    assert row["p"] == pytest.approx(fisher_exact([[3, 1], [1, 3]], alternative="greater")[1])
    assert row["log-odds"] == pytest.approx(np.log(3.5 * 3.5 / (1.5 * 1.5)))
    every = [
        fisher_exact(table, alternative="greater")[1]
        for table in ([[3, 1], [1, 3]], [[1, 3], [3, 1]], [[1, 4], [3, 0]], [[4, 1], [0, 3]])
    ]
    assert row["q (BH)"] == pytest.approx(false_discovery_control(every)[0])
    assert row["q (BY)"] == pytest.approx(false_discovery_control(every, method="by")[0])
    assert repr(found) == "NodeLabels(2 labels shown, 0 with q <= 0.05, of 4 tests)"


def test_rows_may_bear_several_labels_or_none():
    graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1, 2], "b": [3, 4, 5]}}, n_rows=6)
    found = node_labels(graph, [["x", "z"], {"x"}, ("x", "x"), None, [], "y"], top=None)
    assert found.of("a") == ["x", "z"]
    assert found.of("b") == ["y"]
    assert found.table["rows"] == [3, 1, 1]


def test_a_planted_label_is_found_among_many():
    random = np.random.default_rng(0)
    labels = random.choice(["a", "b", "c", "d"], size=2000).astype(object)
    nodes = {f"node {k}": np.flatnonzero(random.random(2000) < 0.05).tolist() for k in range(30)}
    labels[nodes["node 7"][:40]] = "planted"
    graph = MapperGraph.from_kmapper({"nodes": nodes}, n_rows=2000)
    found = node_labels(graph, labels.tolist(), top=None).to_frame()
    sure = found[found["q (BY)"] < 0.01]
    assert set(sure["label"]) == {"planted"}
    assert sure.sort_values("p")["node"].iloc[0] == "node 7"


def test_labels_that_fit_nothing_are_refused():
    graph = MapperGraph.from_kmapper({"nodes": {"a": [0, 1]}}, n_rows=3)
    with pytest.raises(GeomsimError, match="one per row: the graph was made of 3 rows, got 2 labels"):
        node_labels(graph, ["x", "y"])
    with pytest.raises(GeomsimError, match="top is at least 1, or None for all, got 0"):
        node_labels(graph, ["x", "y", "z"], top=0)
    with pytest.raises(DegenerateSpace, match="none of its 3 rows"):
        node_labels(MapperGraph.from_kmapper({"nodes": {}}, n_rows=3), ["x", "y", "z"])
