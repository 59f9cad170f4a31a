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
from pathlib import Path

import numpy as np
import pytest

from geomsim import Codes, Pairing
from geomsim.activations import held_out
from geomsim.cli.app import run

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
    assert activations(LEFT, text, tmp_path / "codes", "-d", sae, "--source", source, "--replace") == 0


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


def test_ctrl_c_leaves_unfinished_codes_that_can_be_started_again(text: str, tmp_path: Path) -> None:
    out = tmp_path / "codes"
    # Shells start background jobs with SIGINT ignored; the handler is Python's own all the same.
    handler = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{handler}; from geomsim.cli.app import main; main()"
    command = [sys.executable, "-c", program, "activations", str(LEFT), "--site", "residual:0", "--out", str(out)]
    # The whole standard library takes far longer than the folder takes to appear.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*command, "--text", "python"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 120
    while not (out / "residual_0").exists() and time.monotonic() < deadline:
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=120)
    assert started.returncode == 130, said
    assert "interrupted" in said
    assert not (out / "residual_0" / "manifest.json").exists()
    assert activations(LEFT, text, out, "--site", "residual:0", "--replace") == 0
    assert Codes.open(out / "residual_0").n_tokens > 0
