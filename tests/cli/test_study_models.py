"""A study that begins at models: the same numbers as by hand, found again, and planned without touching anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geomsim import Codes, Pairing, Space, compare, pair, run_study
from geomsim.activations import (
    Hungarian,
    TransformersSource,
    common_cuts,
    non_concepts,
    pool_words,
    read_dictionary,
    top_tokens_table,
    write_codes,
)
from geomsim.activations.rerandomised import rerandomise
from geomsim.activations.standard_library import standard_library_documents
from geomsim.cli.app import run
from geomsim.concept_groups import theme_groups
from geomsim.groups import compare_groups
from geomsim.parallel import one_thread
from geomsim.preparing import reading as reading_module
from geomsim.report.results import Results
from geomsim.subspaces import read_themes

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "examples" / "code_models"
SCRIPT = ROOT / "tests" / "support" / "killed_studies.py"
DOCUMENTS = 3
THEMES = ROOT / "examples" / "universality" / "themes.toml"
FEW = {"min_firings": 15, "min_cofirings": 5}
FEW_TOML = "min_firings = 15\nmin_cofirings = 5\n"

STUDY = f"""
seed = 2
draws = 9
metrics = ["procrustes"]

[text]
source = "python"
documents = {DOCUMENTS}
neuron_tokens = 1500

[models.left]
path = "{MODELS}/left"
dictionaries = ["{MODELS}/left/saes/layer_1"]
neurons = [1]

[models.right]
path = "{MODELS}/right"
dictionaries = {{ "residual:2" = "{MODELS}/right/saes/layer_2" }}

[models.third]
path = "{MODELS}/third"
dictionaries = ["{MODELS}/third/saes/layer_1"]

[models.noise]
rerandomise = "right"
seed = 7
neurons = [2]

[[between]]
left = "left"
right = "right"
methods = ["max", {{ name = "hungarian", unmatched_at = 0.1 }}]
directions = ["left-to-right", "right-to-left"]
non_concepts = ["kept", "left out"]
{FEW_TOML}

[[between]]
left = "left"
right = "third"
units = "words"
words = "code"
metrics = ["rsa"]
draws = 19
{FEW_TOML}

[[between]]
left = "left"
right = "noise"
role = "baseline"
rows = "neurons"

[[within]]
model = "left"
themes = "{THEMES}"
groups = ["control", "types"]
metrics = ["gromov-wasserstein"]
rule = "any"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    found = tmp_path_factory.mktemp("study")
    (found / "study.toml").write_text(STUDY)
    assert run(["study", str(found / "study.toml"), "--out", str(found / "out"), "--no-figures", "-q"]) == 0
    return found


@pytest.fixture
def table(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "out" / "results.parquet")


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same readings by the public functions."""
    pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("hand")
    documents = standard_library_documents("held-out")[:DOCUMENTS]
    noise = rerandomise(MODELS / "right", place / "right-noise", seed=7)
    sources = {name: TransformersSource(MODELS / name) for name in ("left", "right", "third")}
    sources["noise"] = TransformersSource(noise)
    dictionaries = {
        name: read_dictionary(MODELS / name / "saes" / f"layer_{layer}")
        for name, layer in (("left", 1), ("right", 2), ("third", 1))
    }

    def codes(name: str, as_what: str, source: Any, site: str, dictionary: Any, text: Any) -> Codes:
        written = write_codes(source, text, {site: dictionary}, {site: place / f"{name}_{as_what}"})
        return Codes.open(written[site])

    found: dict[str, Any] = {"documents": documents, "sources": sources, "dictionaries": dictionaries}
    for name, site in (("left", "residual:1"), ("right", "residual:2")):
        found[name] = codes(name, "features", sources[name], site, dictionaries[name], documents)
    cuts = common_cuts(documents, [sources["left"], sources["third"]])
    for name in ("left", "third"):
        cut = sources[name].cut_at(cuts)
        read = codes(name, "words", cut, "residual:1", dictionaries[name], documents)
        found[f"{name} words"] = pool_words(read, documents, "last", "code")
    for name, site in (("left", "neurons:1"), ("noise", "neurons:2")):
        chosen = part_for_neurons(sources["left"], documents)
        found[f"{name} neurons"] = codes(name, "neurons", sources[name], site, None, chosen)
    return found


def part_for_neurons(source: TransformersSource, documents: list[Any]) -> list[Any]:
    """Every k-th document, then those between, until there are 1,500 tokens; written out once more."""
    lengths = [len(source.tokenization.tokens_of(document)[0]) for document in documents]
    step = max(1, round(sum(lengths) / 1500))
    order = [number for offset in range(step) for number in range(offset, len(documents), step)]
    held, chosen = 0, []
    for number in order:
        chosen.append(number)
        held += lengths[number]
        if held >= 1500:
            break
    return [documents[number] for number in sorted(chosen)]


def check(row: pd.Series, folder: Path, expected: Pairing, left: Any, right: Any, **options: Any) -> None:
    """A row's pairing and score are, bit for bit, those of a comparison by hand."""
    pairs = json.loads((folder / "out" / "run.json").read_text())
    entry = pairs["config"]["pairs"][pairs["pair_of"][row.name]]
    found = Pairing.open(folder / "out" / "prepared" / entry["pairing"])
    np.testing.assert_array_equal(found.left, expected.left)
    np.testing.assert_array_equal(found.right, expected.right)
    np.testing.assert_array_equal(found.weight, expected.weight)
    with one_thread():  # as cells of a study are; sums over several threads may round otherwise
        comparison = compare(left, right, row["metric"], pairing=expected, seed=2, **options)
    assert (row["score"], row["p_value"], row["n"]) == (comparison.score, comparison.p_value, comparison.n_rows)


def test_features_are_those_by_hand_in_every_way_of_pairing(folder: Path, table: pd.DataFrame, by_hand: dict[str, Any]):
    left, right = (by_hand["dictionaries"][name].directions for name in ("left", "right"))
    masks = {
        name: non_concepts(top_tokens_table(by_hand[name], by_hand["documents"], 10)) for name in ("left", "right")
    }
    assert all(0 < mask.keep.sum() < len(mask) for mask in masks.values())
    rows = table[(table["rows"] == "features") & (table["right_model"] == "right")]
    assert len(rows) == 6
    hand = {"kept": {}, "left out": {"left_mask": masks["left"], "right_mask": masks["right"]}}
    for _, row in rows.iterrows():
        method = row["method"].split(" ")[0]
        direction = "left-to-right" if row["direction"] == "either" else row["direction"]
        expected = pair(
            by_hand["left"], by_hand["right"], Hungarian(unmatched_at=0.1) if method == "hungarian" else method,
            direction, **hand[row["non_concepts"]], **FEW,
        )  # fmt: skip
        check(row, folder, expected, left, right, draws=9)
    assert rows["p_value"].lt(0.2).all()


def test_words_neurons_and_groups_are_those_by_hand(folder: Path, table: pd.DataFrame, by_hand: dict[str, Any]):
    (words,) = (row for _, row in table[table["units"] == "words"].iterrows())
    expected = pair(by_hand["left words"], by_hand["third words"], "mutual", **FEW)
    sides = [by_hand["dictionaries"][name].directions for name in ("left", "third")]
    check(words, folder, expected, *sides, draws=19)
    (noise,) = (row for _, row in table[table["role"] == "baseline"].iterrows())
    expected = pair(by_hand["left neurons"], by_hand["noise neurons"], "mutual")
    sides = [by_hand["sources"][name].neuron_directions(layer) for name, layer in (("left", 1), ("noise", 2))]
    check(noise, folder, expected, *sides, draws=9)
    (groups,) = (row for _, row in table[table["role"] == "within"].iterrows())
    strings = top_tokens_table(by_hand["left"], by_hand["documents"], 10).strings
    of_themes = theme_groups(strings, read_themes(THEMES), only=["control", "types"])
    points = by_hand["dictionaries"]["left"].directions
    found = compare_groups(points, *(group.rows for group in of_themes.values()), groups["metric"], draws=9, seed=2)
    assert (groups["score"], groups["p_value"]) == (found.score, found.p_value)
    assert (groups["left_group"], groups["right_group"], groups["null"]) == ("control", "types", "random-group")


def test_labels_are_columns_and_the_record_names_models_and_pairs(folder: Path, table: pd.DataFrame):
    assert list(table.columns)[: list(table.columns).index("left")] == [
        "role", "rows", "left_model", "right_model", "left_layer", "right_layer", "method", "direction",
        "non_concepts", "units", "left_group", "right_group",
    ]  # fmt: skip
    first = table.iloc[0]
    assert (first["left_layer"], first["right_layer"]) == (1, 2)
    assert set(table["method"].dropna()) == {"max", "hungarian unmatched_at=0.1", "mutual"}
    assert set(table["direction"].dropna()) == {"left-to-right", "right-to-left", "either"}
    results = Results.open(folder / "out")
    assert set(results.run["config"]["models"]) == {"left", "right", "third", "noise"}
    prepared = folder / "out" / "prepared"
    assert results.base.resolve() == prepared.resolve()
    for entry in results.pairs:
        for key in ("left", "right", "pairing", "left_tokens", "right_contexts"):
            assert key not in entry or (prepared / entry[key]).is_file()
    space = Space(prepared / results.pairs[0]["left"])
    assert space.ids is not None
    assert space.ids[3] == "left/residual:1/latent 3"
    pairing = Pairing.open(prepared / results.pairs[0]["pairing"])
    assert pairing.provenance["text"] == "python"
    assert pairing.provenance["n_tokens"] > 3000
    # The file of the pairs that were prepared is a study of its own, with the same results.
    again = run_study(prepared / "study.toml").table
    assert again["score"].to_list() == table["score"].to_list()
    assert again["p_value"].to_list() == table["p_value"].to_list()


def test_what_is_prepared_is_found_again_and_made_anew_where_something_changed(
    folder: Path, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a model was read again")

    out = folder / "out"
    arguments = ["study", str(folder / "study.toml"), "--out", str(out), "--no-figures", "--resume", "--json"]
    with monkeypatch.context() as patched:
        patched.setattr("geomsim.activations.reading.write_codes", refused)
        patched.setattr("geomsim.activations.coactivation.correlate", refused)
        patched.setattr("geomsim.study_cells.compare_sides", refused)
        patched.setattr(reading_module, "write_tables", refused)
        assert run(arguments) == 0
    assert [record["score"] for record in json.loads(capsys.readouterr().out)] == table["score"].to_list()
    # Another threshold needs other pairs and no other codes; its results are those of a run from nothing.
    shutil.copytree(out, tmp_path / "out")
    (folder / "other.toml").write_text(STUDY.replace("min_firings = 15", "min_firings = 40"))
    with monkeypatch.context() as patched:
        patched.setattr("geomsim.activations.reading.write_codes", refused)
        assert run(["study", str(folder / "other.toml"), "--out", str(tmp_path / "out"), *arguments[4:]]) == 0
    changed = json.loads(capsys.readouterr().out)
    assert [record["n"] for record in changed] != table["n"].to_list()
    assert [record["score"] for record in changed[-2:]] == table["score"].to_list()[-2:]


def test_a_dry_run_counts_cells_and_touches_nothing(
    folder: Path, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    (tmp_path / "study.toml").write_text(STUDY)
    before = sorted(MODELS.rglob("*"))
    for name in (
        "geomsim.activations.transformers_loading.load_model",
        "geomsim.activations.dictionary.read_dictionary",
    ):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("weights were read"))
    assert run(["study", str(tmp_path / "study.toml"), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["details"]["cells"] == len(table)
    assert plan["details"]["would_be_downloaded"] == []
    assert plan["would_write"][0] == str(tmp_path / "results" / "prepared")
    assert plan["bytes"] > 0
    assert plan["details"]["memory_about"] > 0
    assert run(["study", str(tmp_path / "study.toml"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "between 1" in shown
    assert f"in {len(table)} cells" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
    assert sorted(MODELS.rglob("*")) == before


def test_python_gives_what_the_command_gives(folder: Path, table: pd.DataFrame, tmp_path: Path):
    shutil.copytree(folder / "out" / "prepared", tmp_path / "prepared")  # found again there
    found = run_study(folder / "study.toml", folder=tmp_path).table
    assert found["score"].to_list() == table["score"].to_list()
    assert found["p_value"].to_list() == table["p_value"].to_list()


def test_a_dry_run_refuses_what_cannot_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for old, new, message in (
        ('metrics = ["rsa"]', 'metrics = ["rsaa"]', "between 2: .*rsaa"),
        ("neurons = [2]", "neurons = [3]", "models.noise: neurons of block 3"),
        ("/left/saes/layer_1", "/left/saes/layer_7", "models.left: .*layer_7: no such file"),
        ('groups = ["control", "types"]', 'groups = ["control", "typs"]', "within 1: there is no theme 'typs'"),
        ("residual:2", "residual:3", "and the model has 3 blocks"),
    ):
        (tmp_path / "study.toml").write_text(STUDY.replace(old, new))
        assert run(["study", str(tmp_path / "study.toml"), "--dry-run"]) != 0
        said = capsys.readouterr().err
        assert re.search(message, said), said


def test_models_with_other_tokenizers_are_told_to_use_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "study.toml").write_text(STUDY.replace('units = "words"\nwords = "code"\n', ""))
    assert run(["study", str(tmp_path / "study.toml"), "--dry-run"]) == 0
    assert "between 2: left and third have different tokenizers, so only tokens" in capsys.readouterr().out


def test_pairs_that_nothing_makes_are_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A block that pairs nothing is told, and the others are compared."""
    (tmp_path / "study.toml").write_text(STUDY.replace("min_firings = 15", "min_firings = 100000", 1))
    out = tmp_path / "out"
    shutil.copytree(folder / "out" / "prepared", out / "prepared")
    assert run(["study", str(tmp_path / "study.toml"), "--out", str(out), "--no-figures", "--resume", "--json"]) == 0
    printed = capsys.readouterr()
    assert "not paired: role cross-model, rows features, left_model left, right_model right" in printed.err
    assert {record["right_model"] for record in json.loads(printed.out)} == {"third", "noise", "left"}
    assert len(json.loads((out / "run.json").read_text())["notes"]["not_paired"]) == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="killed runs are forked")
def test_a_study_killed_at_each_stage_leaves_what_one_without_interruption_does(tmp_path: Path):
    pytest.importorskip("transformers")
    first, _, others = STUDY.partition("[models.third]")
    text = f"{first}[[between]]{others.split('[[between]]')[1]}"
    (tmp_path / "study.toml").write_text(text)
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), str(tmp_path / "study.toml")], capture_output=True, text=True,
        timeout=600, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert sum(found["reached"]) >= 4
    assert found["different"] == []
    assert found["files"] > 10
