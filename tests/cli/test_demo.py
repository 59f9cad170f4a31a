"""The demo, whole: on the shipped models and on synthetic truth."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geomsim import Pairing, run_study
from geomsim.cli.app import run
from geomsim.cli.demo_models import _in_the_report
from geomsim.cli.demo_outcome import significant
from geomsim.report.assembling import contents_of
from geomsim.report.page.writing import page_html
from geomsim.report.results import Results

MODELS = Path(__file__).parent.parent.parent / "examples" / "code_models"
PAIRED = ["debiased-cka", "knn-jaccard", "mapper-transport", "procrustes", "rsa", "svcca"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("demo")
    assert run(["demo", "--models", str(MODELS), "--out", str(folder), "--draws", "99", "-q"]) == 0
    return folder


def test_features_of_two_real_models_are_more_alike_than_chance_and_than_neurons(real: Path) -> None:
    table = pd.read_parquet(real / "results.parquet")
    assert table["error"].isna().all()
    parts = table[table["subspace"] != "all"]
    assert set(parts["null"]) == {"shuffle", "noise-floor", "random-subset"}
    assert set(parts["kind"] + parts["left_layer"].map(str) + parts["right_layer"].map(str)) == {"features12"}
    table = table[table["subspace"] == "all"]
    assert len(table) == (6 + 6 + 6 + 4) * 7
    judged = table[table["metric"].isin(PAIRED)]
    features = judged[judged["kind"] == "features"]
    assert (features["p_value"] == 0.01).all()
    means = judged.groupby(["metric", "kind"])["corrected"].mean()
    # Against neurons only what has as many pairs, equally correlated, is comparable; mapper-transport then disagrees.
    sizes = table.groupby(["kind", "left_layer", "right_layer"])["n"].first()
    assert sizes["matched"].to_list() == sizes["neurons"].to_list()
    for metric in ("knn-jaccard", "procrustes", "rsa"):
        assert means[metric, "matched"] > means[metric, "neurons"]
    # The values of the README, to within what another Python's standard library may change.
    assert means["rsa", "features"] == pytest.approx(0.197, abs=0.04)
    assert means["procrustes", "features"] == pytest.approx(0.230, abs=0.04)


def test_everything_is_written(real: Path) -> None:
    for name in ("results.csv", "run.json", "heatmap.pdf", "report.html", "study.toml", "reproduce.py"):
        assert (real / name).stat().st_size > 0
    assert not list(real.rglob("*.part"))
    pairing = Pairing.open(real / "pairings" / "features_1_2.parquet")
    assert len(pairing) > 300
    assert pairing.provenance["method"] == "mutual"


def test_the_report_holds_everything_and_stays_small(real: Path) -> None:
    page = (real / "report.html").read_bytes()
    assert len(page) < 3_000_000
    contents = contents_of(Results.open(real), kind="features")
    assert [len(part) for part in (contents.sentences, contents.scores.records, contents.pairs)] == [3, 168, 22]
    assert contents.scores.records[contents.scores.first]["kind"] == "features"
    assert all(space.places is not None for space in contents.spaces)
    latents = [space for space in contents.spaces if space.what == "latent"]
    assert len(latents) == 2 + 3 + 2
    # Some latents are silent on the held-out text.
    assert all(space.tokens and len(space.contexts) > 1000 for space in latents)
    assert len(contents.graphs) == 4
    assert len(contents.diagrams) == 8
    assert all(contents.pairs[graphs.pair].links is not None for graphs in contents.graphs)
    assert len(contents.cards) == 7
    made_again = page_html(replace(contents, title="geomsim demo: two models of Python code"))
    assert made_again.encode() == page, "the same results and seed give the same bytes"


def test_the_study_file_gives_the_same_numbers_again(real: Path, tmp_path: Path) -> None:
    settings = tomllib.loads((real / "study.toml").read_text(encoding="utf-8"))
    again = {**settings, "pairs": settings["pairs"][:1]}
    for side in ("left", "right", "pairing", *(f"{a}_{b}" for a in ("left", "right") for b in ("tokens", "contexts"))):
        again["pairs"][0][side] = str(real / again["pairs"][0][side])
    table = run_study(again).table
    first = pd.read_parquet(real / "results.parquet").iloc[: len(table)]
    assert table["score"].to_list() == pytest.approx(first["score"].to_list(), abs=1e-12)
    assert table["p_value"].dropna().to_list() == first["p_value"].dropna().to_list()


def test_without_models_it_finds_what_was_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--synthetic", "--out", str(tmp_path), "--draws", "99", "--json"]) == 0
    streams = capsys.readouterr()
    assert "synthetic truth" in streams.err
    for setting in json.loads(streams.out)["recovery"]:
        assert setting["precision"] > 0.95
        assert setting["recall"] > 0.95
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
    table = pd.read_parquet(tmp_path / "results.parquet")
    judged = table[table["metric"].isin(PAIRED)]
    control = judged["planted"] == "own geometry"
    assert (judged[~control]["p_value"] == 0.01).all()
    assert (judged[control]["p_value"] > 0.01).all()


def test_the_words_say_which_comparisons_they_count() -> None:
    """The report counts comparisons of themes too, and p is corrected over them."""

    def record(kind: str, part: str, null: str = "shuffle", p: float | None = 0.001) -> dict[str, object]:
        return {"kind": kind, "subspace": part, "null": null, "p_value": p, "bh": None if p is None else 2 * p}

    whole = [
        record("features", "all"), record("features", "all", p=0.02), record("neurons", "all", p=0.2),
        record("features", "all", "noise-floor", None),
    ]  # fmt: skip
    every = [*whole, record("features", "code"), record("features", "code", "random-subset")]
    assert significant(whole, every) == (
        "1 of 3 comparisons have p <= .01 against shuffled pairs, each on its own; taken together 2 of them stand at a "
        "false discovery rate of 5% (Benjamini-Hochberg, over 4 with those of themes)."
    )
    assert _in_the_report(whole, every) == (
        "The report holds 6 comparisons: these 3, 1 that shuffles do not judge, 2 of themes (parts of the pairs). Its "
        "first words are of the 3 that shuffles judged, of SAE features of left and right, themes included."
    )
    assert significant(whole, whole).endswith("of 5% (Benjamini-Hochberg).")
    assert _in_the_report(whole, whole) == (
        "The report holds 4 comparisons: these 3, 1 that shuffles do not judge. Its first words are of the 2 that "
        "shuffles judged, of SAE features of left and right."
    )
