"""The rows behind plan cells, and their p-values: by hand, against full enumeration, and for documents."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from geomsim import GeomsimError, InapplicableNull
from geomsim_topological.comparison.evidence import cell_evidence, enrichment
from geomsim_topological.mapper import MapperGraph


def graph_of(n_rows, **nodes):
    return MapperGraph.from_kmapper({"nodes": nodes}, n_rows)


LEFT = graph_of(10, a=[0, 1, 2, 3], b=[3, 4, 5, 9])
RIGHT = graph_of(10, x=[1, 2, 3, 8], y=[4, 5], z=[0])


def test_shared_rows_with_their_texts():
    found = cell_evidence(LEFT, RIGHT, 0, 0, [f"token {row}" for row in range(10)])
    assert found.rows.tolist() == [1, 2, 3]
    assert found.texts == ("token 1", "token 2", "token 3")
    # Rows 0 to 5 are in a node on both sides: 4 of them in a, 3 in x.
    assert (found.left_rows, found.right_rows, found.population) == (4, 3, 6)
    assert found.expected == 2.0
    assert found.p_value == pytest.approx(fisher_exact([[3, 1], [0, 2]], alternative="greater")[1])
    assert found.to_frame().to_dict("list") == {"row": [1, 2, 3], "text": ["token 1", "token 2", "token 3"]}
    assert "a and x share 3 rows, 2.0 expected, p = 0.2: 'token 1', 'token 2', 'token 3')" in repr(found)


def test_a_function_is_asked_for_the_shared_rows_alone():
    asked = []
    found = cell_evidence(LEFT, RIGHT, 1, 1, lambda row: asked.append(row) or f"row {row}")
    assert found.texts == ("row 4", "row 5")
    assert asked == [4, 5]
    nothing = cell_evidence(LEFT, RIGHT, 0, 1)
    assert nothing.texts is None
    assert nothing.p_value == 1.0
    assert list(nothing.to_frame()) == ["row"]
    with pytest.raises(GeomsimError, match="texts are one per row: the graphs were made of 10 rows, got 2 texts"):
        cell_evidence(LEFT, RIGHT, 0, 0, ["one", "two"])


def test_enrichment_of_all_pairs():
    found = enrichment(LEFT, RIGHT)
    frame = found.to_frame()
    assert set(zip(frame["left node"], frame["right node"], strict=True)) == {
        ("a", "x"), ("a", "z"), ("b", "x"), ("b", "y"),
    }  # fmt: skip
    assert found.tests == 6
    assert found.population == 6
    by_pair = frame.set_index(["left node", "right node"])
    assert by_pair.loc[("a", "x"), "p"] == pytest.approx(cell_evidence(LEFT, RIGHT, 0, 0).p_value)
    assert by_pair.loc[("b", "y"), "fold"] == pytest.approx(2 / (3 * 2 / 6))
    assert frame["p"].is_monotonic_increasing
    # 3 of 6 rows in b, 2 in y, both shared: 3 choose 2 of 6 choose 2. Two pairs share nothing and count.
    assert by_pair.loc[("b", "y"), "p"] == pytest.approx(3 / 15)
    assert by_pair.loc[("b", "y"), "q (BH)"] == pytest.approx(3 / 15 * 6 / 2)
    assert "p (shuffled)" not in frame
    assert repr(found) == "Enrichment(4 of 6 pairs share rows, 0 with q <= 0.05)"


def test_shuffled_p_values_approach_those_of_all_orders():
    left, right = graph_of(6, a=[0, 1, 2], b=[2, 3]), graph_of(6, x=[0, 1], y=[1, 2, 5])
    B, C = left.incidence.toarray(), right.incidence.toarray()
    observed = B.T @ C
    counts = np.array([B.T @ C[list(order)] for order in permutations(range(6))])
    exact = (counts >= observed).mean(axis=0)
    a, b = B.sum(0)[:, None], C.sum(0)[None]
    mean, sd = a * b / 6, np.sqrt(a * b / 6 * (1 - a / 6) * (6 - b) / 5)
    largest = ((counts - mean) / sd).max(axis=(1, 2))
    family = (largest[:, None, None] >= (observed - mean) / sd - 1e-9).mean(axis=0)
    draws = 4000
    frame = enrichment(left, right, draws=draws, seed=3).to_frame().set_index(["left node", "right node"])
    for k, first in enumerate("ab"):
        for m, second in enumerate("xy"):
            if observed[k, m]:
                found = frame.loc[(first, second)]
                assert found["p (shuffled)"] == pytest.approx(exact[k, m], abs=0.03)
                assert found["p (family-wise)"] == pytest.approx(family[k, m], abs=0.03)
                # All rows are shuffled here: the law is hypergeometric over all six.
                assert counts[:, k, m].mean() == pytest.approx(mean[k, m])
                assert counts[:, k, m].std() == pytest.approx(sd[k, m])
    again = enrichment(left, right, draws=draws, seed=3).to_frame().set_index(["left node", "right node"])
    assert again.equals(frame)


def test_documents_make_single_rows_look_surer_than_they_are():
    random = np.random.default_rng(0)
    documents = np.repeat(np.arange(40), 25)
    sides = []
    for _ in range(2):  # nodes take whole documents, on either side by chance alone
        chosen = [np.isin(documents, random.choice(40, size=10, replace=False)) for _ in range(4)]
        sides.append(graph_of(1000, **{f"node {k}": np.flatnonzero(rows).tolist() for k, rows in enumerate(chosen)}))
    frame = enrichment(*sides, draws=199, groups=[f"text {number}" for number in documents]).to_frame()
    assert frame["p"].min() < 1e-4
    assert frame["p (family-wise)"].min() > 0.05
    free = enrichment(*sides, draws=199).to_frame()
    assert free["p (family-wise)"].min() == pytest.approx(1 / 200)


def test_a_node_with_all_rows_surprises_nobody():
    left, right = graph_of(6, a=[0, 1, 2, 3, 4, 5], b=[0, 1, 2]), graph_of(6, x=[0, 1, 2], y=[3, 4, 5])
    frame = enrichment(left, right, draws=99).to_frame().set_index(["left node", "right node"])
    assert frame.loc[("a", "x"), "p (shuffled)"] == 1.0
    assert frame.loc[("a", "x"), "p (family-wise)"] == 1.0
    assert frame.loc[("b", "x"), "p (family-wise)"] < 0.25


def test_what_cannot_be_shuffled():
    with pytest.raises(GeomsimError, match="made of 10 and 4 rows: they must be the same rows"):
        enrichment(LEFT, graph_of(4, x=[0]))
    with pytest.raises(GeomsimError, match="groups is one label for each of 10 rows"):
        enrichment(LEFT, RIGHT, draws=9, groups=[0, 1])
    with pytest.raises(InapplicableNull, match="all rows belong to one group"):
        enrichment(LEFT, RIGHT, draws=9, groups=[0] * 10)
