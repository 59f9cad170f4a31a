"""`--dry-run` of every verb: one shape for programs, words for people, nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geomsim import Codes, Pairing
from geomsim.cli.app import run

LEFT = Path(__file__).parents[2] / "examples" / "code_models" / "left"
SHAPE = ["would_read", "would_write", "seconds", "bytes", "details"]
SAE = str(LEFT / "saes" / "layer_1")
STUDY_FILES = ["results.parquet", "results.csv", "draws.npz", "run.json"]


RECIPE = f"""
title = "One claim"
[text]
path = "text.txt"
[left]
model = "{LEFT}"
dictionary = "{LEFT}/saes/layer_{{layer}}"
[right]
model = "{LEFT}"
dictionary = "{LEFT}/saes/layer_{{layer}}"
[published]
layer = "input"
pairing = "first-seen"
metric = "svcca-of-one-component"
draws = 100
p = "b/m"
[[claims]]
name = "last layers"
sentence = "They are arranged alike."
layers = [1, 1]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with something for each verb to read, which is where the commands are called."""
    points = np.random.default_rng(0).random((40, 6))
    for side in ("left", "right"):
        np.save(tmp_path / f"{side}.npy", points)
        Codes.from_dense(points).save(tmp_path / side)
    Pairing(range(40), range(40)).save(tmp_path / "pairs.parquet")
    (tmp_path / "text.txt").write_text("one two three")
    (tmp_path / "study.toml").write_text(
        '[[pairs]]\nleft = "left.npy"\nright = "right.npy"\npairing = "pairs.parquet"\n'
    )
    (tmp_path / "recipe.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


PLANS: dict[str, tuple[list[str], list[str], list[str], str]] = {
    "pair": (["left", "right", "--reasons", "why.parquet"], ["left", "right"], ["pairing.parquet", "why.parquet"],
             "left: 40 tokens, 6 latents; right: 40 tokens, 6 latents; would write pairing.parquet and why.parquet"),
    "count": (["left", "right", "--out", "sums"], ["left", "right"], ["sums"], "would count 1 shard and write sums"),
    "rerandomise": ([str(LEFT), "--out", "made"], [str(LEFT)], ["made"], "would draw the weights of"),
    "words": (["left", "--text", "text.txt", "--out", "words"], ["left", "text.txt"], ["words"],
              "would pool 40 tokens of 6 latents into words"),
    "latent": (["left", "0", "--figure", "bars.pdf"], ["left"], ["bars.pdf"], "would read 40 tokens and"),
    "compare": (["left.npy", "right.npy", "-m", "procrustes", "--pairing", "pairs.parquet", "--out", "found"],
                ["left.npy", "right.npy", "pairs.parquet"], [f"found/{name}" for name in STUDY_FILES], "procrustes"),
    "study": (["study.toml"], ["study.toml", "left.npy", "right.npy", "pairs.parquet"],
              [*(f"results/{name}" for name in STUDY_FILES), "results/figures"], "would write to results"),
    "activations": ([str(LEFT), "--site", "residual:0", "--text", "text.txt", "--out", "codes"],
                    [str(LEFT), "text.txt"], ["codes/residual_0"], "about 13 characters or 4 tokens"),
    "demo": (["--synthetic", "--out", "demo"], [], ["demo"], "would run on synthetic models and write below demo/"),
    "within": (["left.npy", "-m", "gromov-wasserstein", "-g", "one=0,1,2", "-g", "two=3,4", "--out", "found"],
               ["left.npy"], [f"found/{name}" for name in STUDY_FILES], "gromov-wasserstein"),
    "splitting": (["left", "right", "--smaller-dictionary", SAE], ["left", "right", SAE],
                  [f"splitting/{name}" for name in
                   ("latents.parquet", "links.parquet", "families.parquet", "splitting.json", "splitting.svg")],
                  "smaller: 40 tokens, 6 latents; larger: 40 tokens, 6 latents; would write latents.parquet"),
    "causal": ([str(LEFT), str(LEFT), "--left-dictionary", SAE, "--right-dictionary", SAE, "--text", "text.txt",
                "--pairing", "pairs.parquet", "--pairs", "10", "--out", "used"],
               [str(LEFT), str(LEFT), SAE, SAE, "pairs.parquet", "text.txt"],
               [f"used/{name}" for name in ("causal.parquet", "scores.npz", "causal.json", "causal.pdf", "effects")],
               "would intervene on 10 pairs in at most 32 windows each"),
    "audit": (["recipe.toml", "--out", "page"], ["recipe.toml", "text.txt", *[str(LEFT), SAE] * 2],
              [f"page/{name}" for name in ("audit.html", "audit.md", "results.json")], "would compute "),
    "inspect": (["left", "left.npy"], ["left", "left.npy"], [], "would read left, left.npy"),
    "doctor": ([], [], [], "not run"),
}  # fmt: skip


@pytest.mark.parametrize("verb", PLANS)
def test_all_verbs_say_in_one_shape_what_they_would_do(
    verb: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, reads, writes, words = PLANS[verb]
    before = sorted(here.rglob("*"))
    assert run([verb, *arguments, "--dry-run", "--json"]) == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(plan) == SHAPE
    assert (plan["would_read"], plan["would_write"]) == (reads, writes)
    for estimate in ("seconds", "bytes"):
        assert plan[estimate] is None or plan[estimate] >= 0
    assert isinstance(plan["details"], dict)
    assert run([verb, *arguments, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert words in shown
    assert "{" not in shown
    assert sorted(here.rglob("*")) == before


def test_lists_that_would_be_written_and_sums_that_would_be_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pair", "--write-non-concept-lists", "lists.toml", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (list(plan), plan["would_write"]) == (SHAPE, ["lists.toml"])
    assert run(["count", "left", "right", "--out", "sums", "-q"]) == 0
    capsys.readouterr()
    assert run(["pair", "sums", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["would_read"], plan["would_write"], plan["details"]) == (["sums"], ["pairing.parquet"], {})
