"""Counts of shared rows against sets, for single orders and for several, in the compiled loop and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.graphs import shared_rows as module
from geomsim_topological.graphs.shared_rows import shared_rows


def incidence(random, rows, nodes):
    return sparse.csr_matrix((random.random((rows, nodes)) < 0.3).astype(float))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 10_000))
@settings(max_examples=60)
def test_counts_are_those_of_sets(rows, left_nodes, right_nodes, draws, seed):
    random = np.random.default_rng(seed)
    left, right = incidence(random, rows, left_nodes), incidence(random, rows, right_nodes)
    orders = np.stack([random.permutation(rows) for _ in range(draws)])
    found = list(shared_rows(left, right, orders))
    assert len(found) == draws
    for order, counts in zip(orders, found, strict=True):
        first = [set(np.flatnonzero(column)) for column in left.toarray().T]
        second = [set(np.flatnonzero(column)) for column in right.toarray()[order].T]
        assert counts.tolist() == [[len(a & b) for b in second] for a in first]
        assert counts.dtype == np.float64


def test_one_order_and_several_give_the_same_bits(monkeypatch):
    random = np.random.default_rng(0)
    left, right, order = incidence(random, 400, 9), incidence(random, 400, 7), random.permutation(400)
    alone = next(shared_rows(left, right, order[None]))
    together = next(shared_rows(left, right, np.stack([order, order])))
    monkeypatch.setattr(module, "_MANY_ROWS", 100)
    compiled = next(shared_rows(left, right, order[None]))
    assert alone.tobytes() == together.tobytes() == compiled.tobytes()


def test_orders_that_fit_nothing_are_refused():
    left = sparse.csr_matrix(np.ones((3, 2)))
    for beyond in ([[0, 1, 3]], [[0, 1, -1]], [[0, 1, 2], [0, 1, 9]]):
        with pytest.raises(GeomsimError, match=r"the orders name rows .* and there are 3"):
            list(shared_rows(left, left, np.array(beyond)))
    with pytest.raises(GeomsimError, match=r"there are 3 left rows, 4 right rows, and orders of shape \(1, 3\)"):
        list(shared_rows(left, sparse.csr_matrix(np.ones((4, 2))), np.array([[0, 1, 2]])))
