"""The order of points does not depend on how they were numbered, and symmetries are found where they are."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim_topological.couplings.canonical import canonical_order, colours


def hops(graph):
    return np.asarray(networkx.floyd_warshall_numpy(graph), dtype=float)


@given(st.integers(2, 14), st.integers(0, 1000), st.integers(1, 3))
@settings(max_examples=60)
def test_renumbered_trees_come_out_alike(n_nodes, seed, kinds):
    random = np.random.default_rng(seed)
    distances = hops(networkx.random_labeled_tree(n_nodes, seed=seed))
    mass = random.integers(1, kinds + 1, size=n_nodes).astype(float)
    moved = random.permutation(n_nodes)
    spaces = []
    for numbers in (np.arange(n_nodes), moved):
        d, p = distances[np.ix_(numbers, numbers)], mass[numbers] / mass.sum()
        order = canonical_order(d, p)
        spaces.append((d[np.ix_(order, order)].tolist(), p[order].tolist()))
    assert spaces[0] == spaces[1]


@pytest.mark.parametrize(
    ("graph", "orbits"),
    [
        (networkx.cycle_graph(9), 1),
        (networkx.petersen_graph(), 1),
        (networkx.path_graph(7), 4),
        (networkx.star_graph(5), 2),
        (networkx.balanced_tree(2, 3), 4),
        (networkx.grid_2d_graph(3, 4), 4),
    ],
)
def test_colours_are_orbits_of_graphs_that_refinement_settles(graph, orbits):
    distances = hops(graph)
    found = colours(distances, np.full(len(distances), 1 / len(distances)))
    assert len(np.unique(found)) == orbits
    once = np.bincount(found).argmin()
    mass = np.ones(len(distances))
    mass[np.flatnonzero(found == once)[0]] = 2.0
    assert len(np.unique(colours(distances, mass / mass.sum()))) > 1 or len(distances) == 1


def test_rounding_does_not_turn_the_order():
    random = np.random.default_rng(0)
    points = random.normal(size=(40, 3))
    turned = points @ np.linalg.qr(random.normal(size=(3, 3)))[0]
    mass = np.full(40, 1 / 40)
    orders = [canonical_order(np.linalg.norm(each[:, None] - each[None], axis=-1), mass) for each in (points, turned)]
    assert np.array_equal(*orders)
