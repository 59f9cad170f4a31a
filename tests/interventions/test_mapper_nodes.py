"""Matched nodes are read from what `geomsim mapper` writes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from geomsim import Pairing
from geomsim.errors import InvalidPairing
from geomsim.interventions import matched_nodes
from geomsim_topological.graph_comparison import compare_graphs
from geomsim_topological.graphs.graph import MapperGraph

LEFT = {"a": [0, 1, 2], "b": [2, 3, 4], "c": [5, 6], "alone": [7]}
RIGHT = {"x": [5, 6, 7], "y": [0, 1], "z": [2, 3, 4]}
PAIRING = Pairing(np.arange(10, 18), np.arange(20, 28))


@pytest.fixture
def folder(tmp_path):
    graphs = [MapperGraph.from_kmapper({"nodes": nodes}, n_rows=8) for nodes in (LEFT, RIGHT)]
    for side, graph in zip(("left", "right"), graphs, strict=True):
        graph.to_json(tmp_path / f"{side}.json")
    compare_graphs(*graphs).save(tmp_path / "comparison")
    return tmp_path


def test_partners_of_each_other_are_pairs_of_sets(folder):
    pairs = matched_nodes(folder, PAIRING)
    assert list(zip(pairs.left_names, pairs.right_names, strict=True)) == [("a", "y"), ("b", "z"), ("c", "x")]
    assert [each.tolist() for each in pairs.left] == [[10, 11, 12], [12, 13, 14], [15, 16]]
    assert [each.tolist() for each in pairs.right] == [[20, 21], [22, 23, 24], [25, 26, 27]]
    np.testing.assert_allclose(pairs.alike, [2 / 3, 1.0, 2 / 3])
    assert pairs.sizes.tolist() == [5, 6, 5]
    # a and z share row 2, so they are no random pair.
    assert pairs.related.tolist() == [[True, True, False], [False, True, False], [False, False, True]]
    assert matched_nodes(folder).left[0].tolist() == [0, 1, 2]


def test_nodes_of_paired_latents_are_no_random_pair(folder):
    """Latents may be in several pairs, and matched nodes need not share a row."""
    pairing = Pairing([10, 11, 12, 13, 14, 15, 16, 17], [20, 21, 22, 23, 24, 20, 26, 27])
    plan = np.zeros((4, 3))
    plan[0, 1], plan[1, 0], plan[2, 2] = 0.2, 0.2, 0.2  # a to y, b to x, c to z
    sparse.save_npz(folder / "comparison" / "plan.npz", sparse.csr_matrix(plan))
    pairs = matched_nodes(folder, pairing)
    assert list(zip(pairs.left_names, pairs.right_names, strict=True)) == [("a", "y"), ("b", "x"), ("c", "z")]
    # b and x are matched and c and z are, without a common row. c's latent 15 is paired with 20, which is in y;
    # a's latent 10 likewise is paired with 20, which is in x.
    assert pairs.related.tolist() == [[True, True, True], [False, True, True], [True, True, True]]
    plain = matched_nodes(folder, PAIRING)
    assert plain.related.tolist() == [[True, False, True], [False, True, True], [False, True, True]]


def test_a_node_that_its_partner_does_not_prefer_is_left_out(folder):
    plan = np.zeros((4, 3))
    plan[0, 1], plan[1, 1], plan[1, 2], plan[2, 0] = 0.2, 0.3, 0.1, 0.2  # y takes most from b, and a sends to y alone
    sparse.save_npz(folder / "comparison" / "plan.npz", sparse.csr_matrix(plan))
    pairs = matched_nodes(folder, PAIRING)
    assert list(zip(pairs.left_names, pairs.right_names, strict=True)) == [("b", "y"), ("c", "x")]


def test_what_does_not_fit_is_named(folder):
    with pytest.raises(InvalidPairing, match="8 rows and the pairing has 3 pairs"):
        matched_nodes(folder, Pairing([0, 1, 2], [0, 1, 2]))
    with pytest.raises(InvalidPairing, match="1 pairs of nodes of at least 3 rows"):
        matched_nodes(folder, PAIRING, least=3)
    sparse.save_npz(folder / "comparison" / "plan.npz", sparse.csr_matrix((2, 2)))
    with pytest.raises(InvalidPairing, match="the plan is 2 by 2"):
        matched_nodes(folder)
    (folder / "comparison" / "plan.npz").unlink()
    with pytest.raises(InvalidPairing, match="no plan could be read"):
        matched_nodes(folder)
    (folder / "left.json").write_text('{"nodes": {}}')
    with pytest.raises(InvalidPairing, match="no Mapper graph"):
        matched_nodes(folder)
    (folder / "left.json").unlink()
    with pytest.raises(InvalidPairing, match="no graph could be read"):
        matched_nodes(folder)
