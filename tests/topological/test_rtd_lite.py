"""RTD-Lite against spanning trees of whole matrices, known values, and the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist, squareform

import geomsim
from geomsim import InvalidConfig
from geomsim_topological.metrics.rtd_lite import RTDLite, joined_at
from geomsim_topological.rows.distance_scale import scaled_cloud


def score(left, right, metric=None):
    return geomsim.compare(left, right, metric or RTDLite(), null=None).score


def tree_length(distances):
    """Prim's algorithm on a whole matrix."""
    inside, reach, total = [0], distances[0].copy(), 0.0
    while len(inside) < len(distances):
        reach[inside] = np.inf
        nearest = int(reach.argmin())
        total += reach[nearest]
        inside.append(nearest)
        reach = np.minimum(reach, distances[nearest])
    return total


def by_matrices(left, right, scale="quantile"):
    d, other = (
        squareform(pdist(side)) / scaled_cloud(torch.from_numpy(np.array(side, dtype=float)), scale).length_of_points
        for side in (left, right)
    )
    return tree_length(d) + tree_length(other) - 2 * tree_length(np.minimum(d, other))


@pytest.mark.parametrize("scale", ["quantile", "root-mean-square"])
def test_keeps_the_contract(scale):
    geomsim.testing.check_metric(RTDLite(scale=scale))


@pytest.mark.parametrize("scale", ["quantile", "root-mean-square"])
@pytest.mark.parametrize("n", [3, 10, 60, 200])
def test_equals_trees_of_whole_matrices_in_any_order(n, scale):
    random = np.random.default_rng(n)
    left = random.normal(size=(n, 4))
    right = np.round(2 * (left[:, :3] + 0.5 * random.normal(size=(n, 3)))) / 2  # with ties and repeated rows
    metric = RTDLite(scale=scale)
    states = metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right))
    orders = np.stack([np.arange(n), *(random.permutation(n) for _ in range(4))])
    found = metric.score_many(*states, torch.from_numpy(orders))
    expected = [by_matrices(left, right[order], scale) for order in orders]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_known_values():
    # Scaled distances 1/3 and 2/3 against 3/4 and 1/4: the tree of both takes 1/3 and 1/4.
    assert score([[0.0], [1.0], [3.0]], [[0.0], [3.0], [4.0]]) == pytest.approx(1 + 1 - 2 * (1 / 3 + 1 / 4))
    assert score([[0.0], [5.0]], [[1.0, 2.0], [-3.0, 7.0]]) == 0.0


def test_copies_score_zero():
    points = np.random.default_rng(0).normal(size=(80, 5))
    turned = points @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    assert score(points, points) == 0.0
    assert score(points, 3 * turned + 7) == pytest.approx(0.0, abs=1e-12)
    assert score(points, points[::-1]) > 1.0


def test_two_cuts_in_the_same_place_score_less():
    random = np.random.default_rng(0)
    cluster = np.arange(60) // 20
    left = np.eye(3)[cluster] * 10 + random.normal(size=(60, 3))
    right = random.permutation(np.eye(3))[cluster] * 10 + random.normal(size=(60, 3))
    found = geomsim.compare(left, right, RTDLite(), draws=199)
    assert found.p_value == 1 / 200
    assert found.score < 0.7 * found.null_mean


@settings(max_examples=60)
@given(st.integers(2, 12), st.integers(0, 10**6))
def test_is_a_distance(n, seed):
    random = np.random.default_rng(seed)
    clouds = [np.round(random.normal(size=(n, 2)) * 3) + 1e-3 * random.normal(size=(n, 2)) for _ in range(3)]
    first, second, third = (score(clouds[i], clouds[j]) for i, j in ((0, 1), (1, 2), (0, 2)))
    assert third <= first + second + 1e-12
    assert score(clouds[1], clouds[0]) == pytest.approx(first, abs=1e-12)


def test_heights_are_those_of_single_linkage():
    points = np.round(np.random.default_rng(0).normal(size=(40, 2)) * 2) / 2
    tree = RTDLite().prepare(torch.from_numpy(points))
    pairs = np.array([(i, j) for i in range(40) for j in range(i + 1, 40)])
    heights = cophenet(linkage(points, "single")) / scaled_cloud(torch.from_numpy(points), "quantile").length_of_points
    np.testing.assert_allclose(joined_at(tree, pairs), heights, atol=1e-12)


def test_explanation():
    left, right = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [3.0], [4.0]])
    metric = RTDLite()
    found = metric.explain(metric.prepare(torch.from_numpy(left)), metric.prepare(torch.from_numpy(right)))
    assert found.facts["tree left"] == pytest.approx(1.0)
    assert found.facts["tree of both"] == pytest.approx(7 / 12)
    assert found.facts["share of both trees"] == pytest.approx(5 / 12)
    assert found.facts["unit of distance right"] == 4.0
    table = found.tables["joined earlier on one side"]
    assert sorted(zip(table["row"], table["other row"], strict=True)) == [(0, 1), (1, 2)]
    assert table["joined left at"] == pytest.approx([1 / 3, 2 / 3])
    assert table["joined right at"] == pytest.approx([3 / 4, 1 / 4])


def test_parameters_are_checked():
    with pytest.raises(InvalidConfig, match="scale is one of"):
        RTDLite(scale="diameter")
