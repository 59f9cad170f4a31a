"""Higher simplices of a Mapper graph against all sets of nodes, and against gudhi."""

from __future__ import annotations

import itertools

import gudhi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.nerve import nerve

memberships = st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=8)


def graph_of(sets, n_rows=10):
    return MapperGraph.from_kmapper({"nodes": {str(n): sorted(rows) for n, rows in enumerate(sets)}}, n_rows=n_rows)


@given(memberships, st.integers(0, 4), st.integers(1, 3))
@settings(max_examples=150)
def test_simplices_are_the_sets_of_nodes_that_share_rows(sets, dimension, least):
    graph = graph_of(sets)
    expected = [
        list(nodes)
        for nodes in itertools.combinations(range(len(sets)), dimension + 1)
        if len(set.intersection(*(sets[node] for node in nodes))) >= least
    ]
    assert graph.simplices(dimension, least).tolist() == expected
    found = graph.nerve(dimension, least)
    assert len(found) <= dimension + 1
    assert all(len(each) for each in found)
    if least == 1 and dimension:
        assert graph.simplices(1).tolist() == graph.edges.tolist()


def test_simplices_are_those_that_gudhi_finds():
    random = np.random.default_rng(0)
    sets = [set(random.choice(200, 30, replace=False).tolist()) for _ in range(30)]
    graph = graph_of(sets, n_rows=200)
    complex_ = gudhi.SimplexTree()
    for row in range(200):
        complex_.insert(graph.nodes_of(row).tolist())
    theirs = [sorted(simplex) for simplex, _ in complex_.get_simplices()]
    for dimension, ours in enumerate(graph.nerve(20)):
        assert ours.tolist() == sorted(simplex for simplex in theirs if len(simplex) == dimension + 1)
    assert sum(map(len, graph.nerve(20))) == len(theirs)


def test_three_nodes_may_share_rows_two_by_two_only():
    hollow, filled = graph_of([{0, 1}, {1, 2}, {2, 0}]), graph_of([{0, 1, 3}, {1, 2, 3}, {2, 0, 3}])
    assert (hollow.loops, len(hollow.simplices(2))) == (1, 0)
    assert (filled.loops, filled.simplices(2).tolist()) == (1, [[0, 1, 2]])


def test_many_memberships_are_refused():
    incidence = sparse.csr_matrix(np.ones((1, 150), dtype=np.int64))
    with pytest.raises(GeomsimError, match=r"simplices of dimension 3 .* up to 150 nodes.*use a lower dimension"):
        nerve(incidence, 5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: graph_of([{0}]).simplices(-1), "dimension 0 or more, got -1"),
        (lambda: graph_of([{0}]).nerve(2, 0), "min_intersection is at least 1 row, got 0"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()
