"""The Mapper graphs of the shipped models: the page says what was measured, and a small part is measured again."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geomsim import GeomsimWarning
from geomsim_topological.graph_comparison import compare_graphs
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.lenses.lens import PrincipalComponents

FOLDER = Path(__file__).parents[2] / "examples" / "mapper_graphs"
if str(FOLDER) not in sys.path:
    sys.path.append(str(FOLDER))
reading = importlib.import_module("mapper_reading")
token_graphs = importlib.import_module("token_graphs")
latent_graphs = importlib.import_module("latent_graphs")
report = importlib.import_module("mapper_graphs_report")


@pytest.fixture(scope="module")
def results() -> Any:
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_is_what_the_results_say(results: Any) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert page == report.readme(results)
    for line in page.splitlines():
        if line.startswith("!["):
            assert (FOLDER / line.partition("(")[2].rstrip(")")).exists()


def test_both_models_agree_beyond_the_token_and_by_any_chance(results: Any) -> None:
    for found in results["tokens"]:
        chances = [null["chance"] for null in found["nulls"].values()]
        assert all(found["score"] < chance for chance in chances)
        assert min(chances) == found["nulls"]["rows of the same token"]["chance"]
        assert all(null["p"] == 1 / (found["draws"] + 1) for null in found["nulls"].values())
    earlier, later = (
        found["nulls"]["rows of the same token"]["chance"] - found["score"] for found in results["tokens"]
    )
    assert later > earlier


def test_matched_nodes_are_readable_and_each_side_names_them_alike(results: Any) -> None:
    for found in results["tokens"]:
        assert len(found["matches"]) == 5
        for match in found["matches"]:
            left, right = ({each["token"] for each in match[f"{side} tokens"]} for side in ("left", "right"))
            assert left & right
            assert len(match["contexts"]) == 3
            assert all(token in left | right for _, token, _ in match["contexts"])


def test_pairs_of_latents_agree_and_shuffled_pairs_do_not(results: Any) -> None:
    for found in results["latents"]:
        assert found["p"] == 1 / (found["draws"] + 1)
        assert found["score"] < min(found["controls"]["score"])
        assert np.mean(np.array(found["controls"]["p"]) <= 0.05) <= 0.15
        assert np.median(found["controls"]["p"]) > 0.2
        assert len(found["matches"]) == 5


@pytest.fixture(scope="module")
def small() -> Any:
    """Two documents that both models read, and the rows that are taken of them."""
    read = reading.documents(2)
    left, right = reading.activations("left", (1,), read)[1], reading.activations("right", (2,), read)[2]
    return read, left, right, reading.spread_rows(left)


def test_tokens_of_two_documents_read_again_agree_beyond_chance(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, left, right, rows = small
    where = reading.places(left, read, rows)
    words = [where.word(row) for row in range(len(rows))]
    documents = np.asarray(left.groups)[rows]
    assert np.unique(documents, return_counts=True)[1].tolist() == [len(rows) // 2] * 2
    # Few rows need no UMAP, which takes a while to be compiled.
    monkeypatch.setattr(token_graphs, "Umap", PrincipalComponents)
    for name, values in (("RESOLUTIONS", (3, 4)), ("OVERLAPS", (0.3, 0.5)), ("SCALES", (0.9, 1.0))):
        monkeypatch.setattr(token_graphs, name, values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # of so few settings none need be stable
        pair = token_graphs.graph_pair(left.dense()[rows].astype(float), right.dense()[rows].astype(float))
    assert pair.setting["cubes"] in (3, 4)
    assert pair.compared.p_value(99) == 0.01
    within = token_graphs.same_token(pair.compared, words, 99)
    assert within.null_mean < pair.compared.significance(99).null_mean
    before, token, after = where.context(5)
    text = read[int(where.document[5])].text
    assert token == words[5]
    assert before + token + after in text


def test_latents_pair_by_codes_and_rows_are_of_unit_length(small: Any) -> None:
    _, left, right, _ = small
    sides = reading.latents("left", 1, left), reading.latents("right", 2, right)
    pairing = latent_graphs.paired_rows(*sides)
    assert len(pairing) > 10
    assert len(set(pairing.left.tolist())) == len(pairing)
    for codes, directions in sides:
        assert codes.n_latents == len(directions)
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-5)


def test_a_control_has_the_same_graphs_on_other_rows() -> None:
    graph = MapperGraph.from_kmapper({"nodes": {"a": range(0, 20), "b": range(15, 40)}}, n_rows=40)
    control = latent_graphs.shuffled(compare_graphs(graph, graph), seed=0)
    assert control.right.sizes.tolist() == graph.sizes.tolist()
    assert control.right.weights.tolist() == graph.weights.tolist()
    assert control.value > 0.2


def test_white_space_is_seen() -> None:
    assert [report.code(token) for token in (" self", "\n    ", "\n", "   x")] == ["`␣self`", "`⏎`+4␣", "`⏎`", "`␣␣␣x`"]
    assert report.context("a\n", "b", "\tc") == f"{'a⏎':>24}[b]⇥c"
