"""Tables of plans worked out by hand: partners, entropies, splits and merges, edges, distances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from geomsim_topological.mapper import MapperGraph
from geomsim_topological.plans.plan_tables import (
    as_sparse,
    best_partner,
    distortion,
    edges_preserved,
    hops,
    largest_cells,
    partners,
    splits,
)

# Three left nodes, the last without mass; four right nodes, the third without.
PLAN = np.array([[0.2, 0.1, 0.0, 0.1], [0.0, 0.6, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
NAMES = ("a", "b", "c"), ("w", "x", "y", "z")


def chain(*nodes, n_rows=20):
    return MapperGraph.from_kmapper({"nodes": dict(zip("abcdefg", nodes, strict=False))}, n_rows)


@pytest.mark.parametrize("plan", [PLAN, sparse.csr_matrix(PLAN), sparse.csc_matrix(PLAN)])
def test_partners_and_entropy(plan):
    left = partners(plan, *NAMES)
    assert left["left node"] == ["a", "b", "c"]
    assert left["best right node"] == ["w", "x", None]
    assert left["share of mass"] == pytest.approx([0.5, 1.0, 0.0])
    assert left["entropy (bits)"] == pytest.approx([1.5, 0.0, 0.0])  # 1/2, 1/4, 1/4
    right = partners(plan, *NAMES, side="right")
    assert right["right node"] == ["w", "x", "y", "z"]
    assert right["best left node"] == ["a", "b", None, "a"]
    assert right["share of mass"] == pytest.approx([1.0, 6 / 7, 0.0, 1.0])
    assert right["entropy (bits)"][1] == pytest.approx(-(6 / 7 * np.log2(6 / 7) + 1 / 7 * np.log2(1 / 7)))


def test_equal_shares_go_to_the_first():
    assert best_partner(np.array([[0.3, 0.3], [0.0, 0.4]])).tolist() == [0, 1]
    assert best_partner(np.array([[0.3, 0.3], [0.0, 0.4]]), "right").tolist() == [0, 1]


def test_largest_cells():
    found = largest_cells(PLAN, *NAMES, top=3, beside={"number": np.arange(12).reshape(3, 4)})
    assert found["left node"] == ["b", "a", "a"]
    assert found["right node"] == ["x", "w", "x"]  # of equals the first
    assert found["mass"] == [0.6, 0.2, 0.1]
    assert found["number"] == [5, 0, 1]
    assert len(largest_cells(PLAN, *NAMES)["mass"]) == 4


def test_what_rounding_leaves_is_no_cell():
    dusty = PLAN.copy()
    dusty[2, 2] = 1e-17
    dusty[2, 3] = -1e-18
    assert as_sparse(dusty).nnz == 4
    assert partners(dusty, *NAMES)["best right node"][2] is None
    given = sparse.csr_matrix(dusty)
    as_sparse(given)
    assert given.nnz == 6


def test_splits_and_merges():
    assert splits(PLAN, *NAMES) == {
        "left node": ["a", "a", "a"],
        "right node": ["w", "x", "z"],
        "share of mass": pytest.approx([0.5, 0.25, 0.25]),
    }
    assert splits(PLAN, *NAMES, least=0.4)["left node"] == []  # one part alone is no split
    merges = splits(PLAN, *NAMES, side="right")
    assert merges["right node"] == ["x", "x"]
    assert merges["left node"] == ["b", "a"]
    assert splits(PLAN, *NAMES, side="right", least=0.2)["right node"] == []


def test_edges_preserved_by_hand():
    # a-b share 1 row, b-c two, c-d three; on the right x-y are joined, z is apart.
    left = chain([0, 1], [1, 2, 3], [2, 3, 4, 5, 6], [4, 5, 6])
    right = MapperGraph.from_kmapper({"nodes": {"x": [0, 1], "y": [1, 2], "z": [9]}}, 20)
    plan = np.zeros((4, 3))
    plan[[0, 1, 2, 3], [0, 1, 1, 2]] = 0.25  # a to x, b and c to y, d to z
    found = edges_preserved(plan, left, right)
    assert found.edges.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert found.weights.tolist() == [1, 2, 3]
    assert found.kept.tolist() == [True, False, False]
    assert found.collapsed.tolist() == [False, True, False]
    assert found.share == pytest.approx(2 / 3)
    assert found.weighted_share == pytest.approx(3 / 6)
    back = edges_preserved(plan, left, right, "right")  # x to a, y to b, which are joined
    assert back.preserved.tolist() == [True]
    assert back.table(("x", "y", "z")) == {
        "first node": ["x"], "second node": ["y"], "shared rows": [1], "kept": [True], "collapsed": [False],
    }  # fmt: skip
    plan[1] = 0.0
    assert edges_preserved(plan, left, right).preserved.tolist() == [False, False, False]  # b has no partner
    lone = chain([0], [1])
    assert edges_preserved(np.eye(2) / 2, lone, lone).share is None
    assert edges_preserved(np.eye(2) / 2, lone, lone).weighted_share is None


def test_edges_are_those_of_the_graph_that_asks_for_more_shared_rows():
    strict = replace(chain([0, 1], [1, 2, 3], [2, 3]), min_intersection=2)
    assert edges_preserved(np.eye(3) / 3, chain([0, 1], [1, 2, 3], [2, 3]), strict).kept.tolist() == [False, True]
    assert hops(strict)[0].tolist() == [0, np.inf, np.inf]


def test_distances_in_edges():
    path = chain([0, 1], [1, 2], [2, 3], [9])
    assert hops(path).tolist() == [
        [0, 1, 2, np.inf], [1, 0, 1, np.inf], [2, 1, 0, np.inf], [np.inf, np.inf, np.inf, 0],
    ]  # fmt: skip


def test_distortion_is_the_sum_over_all_pairs_of_cells():
    random = np.random.default_rng(0)
    ring = chain([0, 1], [1, 2], [2, 3], [3, 4], [4, 0])
    path = chain([0, 1], [1, 2], [2, 3], [3, 4])
    plan = random.random((5, 4)) * (random.random((5, 4)) < 0.6)
    plan[2] = 0.0
    plan /= plan.sum()
    d, e = hops(ring), hops(path)
    found = distortion(plan, d, e)
    expected = [
        sum(
            plan[k, m] * plan[i, j] * abs(d[k, i] - e[m, j]) for m in range(4) for i in range(5) for j in range(4)
        ) / plan[k].sum()
        for k in (0, 1, 3, 4)
    ]  # fmt: skip
    assert found.left[[0, 1, 3, 4]] == pytest.approx(expected)
    assert found.left[2] == 0.0
    assert distortion(plan / 2, d, e).left == pytest.approx(found.left)  # half the mass is unmatched
    assert (plan.sum(axis=0) * found.right).sum() == pytest.approx((plan.sum(axis=1) * found.left).sum())
    assert found.cap is None


def test_distortion_between_components_is_capped_and_0_for_a_copy(monkeypatch):
    apart = chain([0, 1], [1, 2], [2, 3], [9])
    joined = chain([0, 1], [1, 2], [2, 3], [3, 9])
    d, e = hops(apart), hops(joined)
    copy = distortion(np.eye(4) / 4, d, d)
    assert copy.left.tolist() == [0.0] * 4
    assert copy.cap == 4.0
    found = distortion(np.eye(4) / 4, d, e)
    # Twice the longest finite way, 3 edges, is 6; the way to the last node was 6 and is 3, 2 and 1.
    assert found.cap == 6.0
    assert found.left == pytest.approx([3 / 4, 4 / 4, 5 / 4, 12 / 4])
    monkeypatch.setattr("geomsim_topological.plans.plan_tables._TOGETHER", 1)
    assert distortion(np.eye(4) / 4, d, e).left.tolist() == found.left.tolist()
