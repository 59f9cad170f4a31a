"""`geomsim activations`, `pair` and the errors on their way, on the shipped example models."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from geomsim import Codes, Pairing
from geomsim.activations import held_out, read_top_tokens
from geomsim.activations.codes_reader import read_manifest
from geomsim.activations.latent_contexts import read_contexts
from geomsim.cli.app import run
from geomsim.preparing import latent_tables

MODELS = Path(__file__).parent.parent.parent / "examples" / "code_models"
LEFT, RIGHT = MODELS / "left", MODELS / "right"


@pytest.fixture
def text(tmp_path: Path) -> str:
    pytest.importorskip("transformers")
    file = tmp_path / "text.py"
    file.write_text("def add(left, right):\n    return left + right\n\n\n" * 200, encoding="utf-8")
    return str(file)


def activations(model: Path, text: str, out: Path, *more: str) -> int:
    return run(["activations", str(model), "--text", text, "--out", str(out), "-q", *more])


@pytest.mark.parametrize("source", ["transformers", "transformer-lens"])
def test_a_model_with_its_dictionary_becomes_codes(
    source: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if source == "transformer-lens":
        pytest.importorskip("transformer_lens")
    sae = str(LEFT / "saes" / "layer_1")
    assert activations(LEFT, text, tmp_path / "codes", "-d", sae, "--source", source, "--json") == 0
    found = json.loads(capsys.readouterr().out)["residual:1"]
    codes = Codes.open(found["path"])
    assert (codes.n_tokens, codes.n_latents) == (found["n_tokens"], 1024)
    assert activations(LEFT, text, tmp_path / "codes", "-d", sae, "--source", source) == 1
    assert "already holds finished codes" in capsys.readouterr().err
    again = ["--text", text, "--out", str(tmp_path / "codes"), "-d", sae, "--source", source, "--replace"]
    assert run(["activations", str(LEFT), *again]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Next: read the other model on the same text, then geomsim pair {found['path']} OTHER"
    )


@pytest.mark.parametrize("source", ["transformers", "transformer-lens"])
def test_windows_begin_with_the_beginning_of_text_token_on_request(
    source: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if source == "transformer-lens":
        pytest.importorskip("transformer_lens")
    site = ["--site", "residual:0", "--source", source]
    for name, options in (("usual", []), ("not", ["--no-bos"]), ("with", ["--bos"])):
        assert activations(LEFT, text, tmp_path / name, *site, *options) == 0
    usual, without, having = (tmp_path / name / "residual_0" for name in ("usual", "not", "with"))
    for file in sorted(path.name for path in usual.iterdir()):
        assert (usual / file).read_bytes() == (without / file).read_bytes()
    counts = [read_manifest(folder) for folder in (usual, having)]
    assert "bos" not in counts[0]["provenance"]["source"]
    assert counts[1]["provenance"]["source"]["bos"] == 0
    first = counts[0]["left_out"].pop("first of window")
    assert counts[0]["left_out"] == counts[1]["left_out"]
    assert counts[1]["n_tokens"] == counts[0]["n_tokens"] + first
    (having / "manifest.json").unlink()
    capsys.readouterr()
    assert activations(LEFT, text, tmp_path / "with", *site, "--resume") == 1
    assert "source.bos: it was 0 and is None now" in capsys.readouterr().err
    assert activations(LEFT, text, tmp_path / "with", *site, "--resume", "--bos") == 0


def test_a_token_that_the_tokenizer_does_not_have(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(LEFT, model, ignore=shutil.ignore_patterns("saes"))
    config = json.loads((model / "tokenizer_config.json").read_text())
    del config["bos_token"]
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    assert activations(model, text, tmp_path / "codes", "--site", "residual:0", "--bos") == 1
    said = capsys.readouterr().err
    assert re.search(r"--bos: the tokenizer of .*model has no beginning-of-text token; leave bos out", said)
    assert not (tmp_path / "codes").exists()


@pytest.mark.parametrize(
    ("layer", "said"),
    [(1, r"layer_1: .*of width 128, but those of the model at 'residual:1' have width 96"), (2, "layer_2: .*2 blocks")],
)
def test_a_dictionary_of_another_model_is_named_and_leaves_nothing(
    layer: int, said: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert activations(LEFT, text, tmp_path / "codes", "-d", str(RIGHT / "saes" / f"layer_{layer}")) == 1
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "codes").exists()


def test_a_model_directory_without_a_tokenizer(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(LEFT, bare, ignore=shutil.ignore_patterns("tokenizer*", "saes"))
    assert activations(bare, text, tmp_path / "codes", "--site", "residual:0") == 1
    assert "bare: no tokenizer" in capsys.readouterr().err
    assert not (tmp_path / "codes").exists()


def test_codes_of_two_texts_are_not_paired_and_codes_are_no_points(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.py"
    other.write_text("import os\n" * 300, encoding="utf-8")
    for name, source in (("one", text), ("two", str(other))):
        assert activations(LEFT, source, tmp_path / name, "--site", "residual:0") == 0
    capsys.readouterr()
    folders = [str(tmp_path / name / "residual_0") for name in ("one", "two")]
    assert run(["pair", *folders, "--out", str(tmp_path / "pairs.parquet")]) == 1
    assert "read different texts" in capsys.readouterr().err
    assert run(["compare", *folders, "-m", "rsa"]) == 1
    assert "holds codes, not points" in capsys.readouterr().err


def test_pairs_are_measured_on_other_documents_and_set_beside_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    hidden = random.random((1500, 20)) * (random.random((1500, 20)) < 0.1)
    folders = [str(tmp_path / side) for side in ("left", "right")]
    for folder, order in zip(folders, (slice(None), slice(None, None, -1)), strict=True):
        Codes.from_dense(hidden[:, order], groups=np.arange(1500) // 50).save(folder)
    arguments = ["pair", *folders, "--out", str(tmp_path / "pairs.parquet"), "--cross-fit", "--chance", "3"]
    arguments += ["--min-firings", "20", "--min-cofirings", "5", "--max-p", ".05"]
    assert run([*arguments, "--seed", "4"]) == 0
    shown = capsys.readouterr().out
    assert "held out documents" in shown
    assert "in all" in shown
    assert run([*arguments, "--seed", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    pairing = Pairing.open(found["path"])
    assert found["pairs"] == len(pairing) == 20
    assert pairing.provenance["chance"]["shifts"] == 3
    assert found["held_out_documents"] == pairing.provenance["held_out_documents"]
    assert found["cross_fit"]["choosing_tokens"] == 750
    assert held_out(Codes.open(folders[0]), pairing).n_tokens == 750
    assert run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["held_out_documents"] != found["held_out_documents"]
    assert run(["pair", *folders, "--out", str(tmp_path / "none.parquet"), "--chance", "-1"]) == 1
    assert "shifts must be at least 1, got -1" in capsys.readouterr().err
    assert run(["pair", *folders, "--out", str(tmp_path / "plain.parquet"), "--chance", "0", "--json"]) == 0
    assert "chance" not in Pairing.open(tmp_path / "plain.parquet").provenance


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_stopped_leaves_whole_shards_that_resume_goes_on_from(
    sent: signal.Signals, code: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    text = tmp_path / "text"
    text.mkdir()
    for number in range(30):
        (text / f"{number:02}.py").write_text(f"def add_{number}(left, right):\n    return left + right\n\n" * 60)
    # Shells start background jobs with SIGINT ignored; the handler is Python's own all the same.
    handler = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{handler}; from geomsim.cli.app import main; main()"
    out, options = tmp_path / "codes", ["--site", "residual:0", "--shard-characters", "3000"]
    command = [sys.executable, "-c", program, "activations", str(LEFT), "--text", str(text), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 120
    while not (out / "residual_0" / "shard-00001.safetensors").exists() and time.monotonic() < deadline:
        assert started.poll() is None
        time.sleep(0.005)
    started.send_signal(sent)
    _, said = started.communicate(timeout=120)
    assert started.returncode == code, said
    assert re.search(r"\d+ shards in .*residual_0: whole, but not all; the same command with --resume goes on", said)
    assert word in said
    assert not (out / "residual_0" / "manifest.json").exists()
    assert not list((out / "residual_0").glob("*.part"))
    assert activations(LEFT, str(text), out, *options) == 1
    assert "go on with --resume or start again with --replace" in capsys.readouterr().err
    assert activations(LEFT, str(text), out, *options, "--resume") == 0
    assert activations(LEFT, str(text), tmp_path / "whole", *options) == 0
    files = sorted(path.name for path in (out / "residual_0").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "whole" / "residual_0").iterdir())
    for name in files:
        assert (out / "residual_0" / name).read_bytes() == (tmp_path / "whole" / "residual_0" / name).read_bytes()


def test_rows_of_tables_and_data_sets_are_the_same_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datasets = pytest.importorskip("datasets")
    pytest.importorskip("transformers")
    rows = [{"code": f"def f{number}(x):\n    return x\n" * 20, "path": f"{number}.py"} for number in range(4)]
    made = datasets.Dataset.from_list(rows)
    made.to_parquet(tmp_path / "rows.parquet")
    made.to_json(tmp_path / "rows.jsonl")
    datasets.DatasetDict({"test": made}).save_to_disk(tmp_path / "saved")
    hashes = set()
    for name, text, more in (
        ("parquet", str(tmp_path / "rows.parquet"), []),
        ("lines", str(tmp_path / "rows.jsonl"), []),
        ("saved", f"dataset:{tmp_path / 'saved'}", ["--split", "test"]),
    ):
        options = ["-d", str(LEFT / "saes" / "layer_1"), "--column", "code", "--name-column", "path", *more, "--json"]
        assert activations(LEFT, text, tmp_path / name, *options, "--documents", "3") == 0
        found = json.loads(capsys.readouterr().out)["residual:1"]
        assert (found["documents"], found["documents_cut"], found["shards"]) == (3, 0, 1)
        codes = Codes.open(found["path"])
        assert codes.tokens is not None
        assert codes.tokens.documents == ("0.py", "1.py", "2.py")
        hashes.add(codes.text_hash)
    assert len(hashes) == 1
    assert activations(LEFT, str(tmp_path / "rows.parquet"), tmp_path / "none", "--site", "residual:0") == 1
    assert "no column 'text'; there are 'code', 'path'" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_top_tokens_of_more_than_fits_are_of_the_first_shards(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sae = ["-d", str(LEFT / "saes" / "layer_1"), "--longest", "1000", "--shard-characters", "2000"]
    assert activations(LEFT, text, tmp_path / "all", *sae) == 0
    every = read_top_tokens(tmp_path / "all" / "residual_1_top_tokens.parquet")
    assert "tokens" not in every.provenance
    shards = read_manifest(tmp_path / "all" / "residual_1")["shards"]
    monkeypatch.setattr(latent_tables, "TABLES_NONZEROS", shards[0]["nnz"] + shards[1]["nnz"])
    assert run(["activations", str(LEFT), "--text", text, "--out", str(tmp_path / "some"), *sae]) == 0
    said = capsys.readouterr().err
    read = shards[0]["rows"] + shards[1]["rows"]
    some = read_top_tokens(tmp_path / "some" / "residual_1_top_tokens.parquet")
    assert some.provenance["tokens"] == read < some.provenance["tokens_in_all"]
    assert f"top tokens and contexts are of the first {read:,} of" in said
    places = read_contexts(tmp_path / "some" / "residual_1_contexts.parquet")
    assert places.provenance["tokens"] == read
    first = shards[0]["n_documents"] + shards[1]["n_documents"]
    assert set(places.frame["document"]) <= {f"text.py#{number}" for number in range(1, first + 1)}
    assert "1 of the documents had more than 1,000 characters and were cut" in said
    assert 0 < some.frame["firings"].sum() < every.frame["firings"].sum()
    codes = Codes.open(tmp_path / "all" / "residual_1")
    assert codes.provenance["documents_cut"] == 1
    assert codes.tokens is not None
    assert codes.tokens.documents[:2] == ("text.py#1", "text.py#2")


def test_contexts_are_written_beside_the_codes(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sae = ["-d", str(LEFT / "saes" / "layer_1"), "--longest", "1000"]
    out = tmp_path / "codes"
    out.mkdir()
    (out / "residual_1_contexts.parquet.77.abcd.part").write_text("of a run that was killed")
    assert activations(LEFT, text, out, *sae, "--site", "residual:0", "--contexts", "2") == 0
    # Dense sites have no table.
    assert sorted(path.name for path in out.glob("*.p*")) == [
        "residual_1_contexts.parquet", "residual_1_top_tokens.parquet"
    ]  # fmt: skip
    table, whole = read_contexts(out / "residual_1_contexts.parquet"), Path(text).read_text(encoding="utf-8")
    assert (table.n_latents, table.provenance["n"], table.frame["rank"].max()) == (1024, 2, 2)
    assert all("".join(pieces) in whole for pieces in table.frame["pieces"])
    assert activations(LEFT, text, tmp_path / "none", *sae, "--contexts", "0") == 0
    assert not (tmp_path / "none" / "residual_1_contexts.parquet").exists()


def test_a_dry_run_reads_sizes_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "codes"
    sae = str(LEFT / "saes" / "layer_1")
    (tmp_path / "a.txt").write_bytes(b"x" * 350 + b"\xff")
    (tmp_path / "a.jsonl.gz").write_bytes(b"not gzip")
    for text, tokens in (
        (str(tmp_path / "a.txt"), 100),
        (str(tmp_path / "a.jsonl.gz"), None),
        ("dataset:nobody/nothing", None),
    ):
        assert activations(LEFT, text, out, "-d", sae, "--dry-run", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        size = None if tokens is None else 100 * 16 * 8
        assert found["details"]["tokens_about"] == tokens
        assert found["details"]["sites"] == {"residual:1": {"folder": str(out / "residual_1"), "bytes": size}}
        assert found["bytes"] == size
        assert found["would_read"] == [str(LEFT), text, sae]
    assert activations(LEFT, "dataset:nobody/nothing", out, "-d", sae, "--dry-run") == 0
    assert "an unknown number of tokens" in capsys.readouterr().out
    assert not out.exists()


def test_windows_that_fit_another_model_end_where_its_windows_end(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, cuts = (LEFT, MODELS / "third"), []
    for model, other in (models, models[::-1]):
        out = tmp_path / model.name
        assert activations(model, text, out, "--site", "residual:0", "--fits", str(other)) == 0
        run_of = json.loads((out / "residual_0" / "run.json").read_bytes())
        cuts.append(run_of["source"]["cuts"])
    assert cuts[0] == cuts[1]
    assert cuts[0]["cuts"] > 20
    assert activations(LEFT, text, tmp_path / "other", "--site", "residual:0", "--fits", "nowhere/at/all") == 1
    assert "nowhere/at/all: no such model directory" in capsys.readouterr().err


def test_a_dictionary_may_be_told_its_place(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.numpy import load_file

    weights = load_file(LEFT / "saes" / "layer_1" / "sae_weights.safetensors")
    latents = weights["W_enc"].shape[1]
    arrays = {name: weights[name].astype(np.float32) for name in ("W_enc", "W_dec", "b_enc", "b_dec")}
    # The form of Gemma Scope, whose files do not say where they were trained.
    np.savez(tmp_path / "params.npz", **arrays, threshold=np.full(latents, 0.5, dtype=np.float32))
    file = str(tmp_path / "params.npz")
    assert activations(LEFT, text, tmp_path / "none", "-d", file) == 1
    assert f"--dictionary residual:0={file}" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    assert activations(LEFT, text, tmp_path / "codes", "-d", f"residual:1={file}") == 0
    assert Codes.open(tmp_path / "codes" / "residual_1").n_latents == latents
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert activations(LEFT, text, tmp_path / "other", "-d", f"residual:0={LEFT / 'saes' / 'layer_1'}") == 0
    said = capsys.readouterr().err
    assert re.search(
        r"^warning: .*layer_1 says that it was trained at residual:1; it is read at residual:0", said, re.M
    )
    assert "GeomsimWarning" not in said
    capsys.readouterr()
    assert run(["inspect", file, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]
    assert (found["kind"], found["latents"]) == ("sparse autoencoder", latents)


def test_a_hub_id_that_cannot_be_fetched_is_named(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert activations(LEFT, text, tmp_path / "codes", "-d", "nobody/nothing/layer_3") == 1
    assert "nobody/nothing/layer_3: no such directory here, and as a hub id it could not be fetched" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--top-tokens", "-1"], "--top-tokens -1: give a number of tokens per latent"),
        (["--contexts", "-1"], "--contexts -1: give a number of places per latent"),
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used"),
        (["--device", "gpu"], "device 'gpu' cannot be used"),
        (["--text", ""], "--text '' names no text"),
        (["--text", "dataset:"], "--text 'dataset:' names no text"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "codes")
    text = [] if "--text" in more else ["--text", str(LEFT / "config.json")]
    assert run(["activations", str(LEFT), "--out", out, "--site", "residual:0", *text, *more]) == 1
    assert said in capsys.readouterr().err
    assert not Path(out).exists()
