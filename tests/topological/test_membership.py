"""Masses and merged nodes of graphs as they come from elsewhere: empty nodes, repeated rows, stored zeros."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from geomsim import DegenerateSpace
from geomsim_topological.graphs.membership import membership
from geomsim_topological.mapper import MapperGraph


def graph_of(n_rows, **nodes):
    incidence = np.zeros((n_rows, len(nodes)), dtype=np.int64)
    for node, rows in enumerate(nodes.values()):
        incidence[rows, node] = 1
    return MapperGraph(sparse.csr_matrix(incidence), tuple(nodes))


def test_nodes_one_by_one_or_merged():
    graph = graph_of(5, a=[0, 1, 2], empty=[], b=[2, 3], c=[3, 2])
    apart, merged = membership(graph, merged=False), membership(graph)
    assert apart.names == ("a", "empty", "b", "c")
    assert apart.sizes.tolist() == [3, 0, 2, 2]
    assert apart.mass == pytest.approx([7 / 12, 0, 5 / 24, 5 / 24])
    assert merged.names == ("a", "b")
    assert merged.mass == pytest.approx([7 / 12, 5 / 12])
    assert merged.mass.sum() == pytest.approx(1.0)
    assert merged.covered.tolist() == apart.covered.tolist() == [True, True, True, True, False]
    assert merged.distinct.names == ("a", "b")
    assert merged.distinct.edges.tolist() == [[0, 1]]
    assert merged.graph is graph


def test_a_row_counts_once_however_it_is_stored():
    incidence = sparse.csr_matrix((np.array([2, 1, 0]), np.array([0, 1, 1]), np.array([0, 2, 3])), shape=(2, 2))
    found = membership(MapperGraph(incidence, ("a", "b")))
    assert found.names == ("a",)  # both hold row 0 alone
    assert found.sizes.tolist() == [1]
    assert found.mass.tolist() == [1.0]
    assert found.covered.tolist() == [True, False]
    assert incidence.data.tolist() == [2, 1, 0]


def test_a_graph_without_rows_is_refused():
    for graph in (graph_of(4), graph_of(4, a=[], b=[])):
        with pytest.raises(DegenerateSpace, match=r"none of its 4 rows is in one.*use a larger eps"):
            membership(graph)
        with pytest.raises(DegenerateSpace, match="none of its 4 rows"):
            membership(graph, merged=False)
