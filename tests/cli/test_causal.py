"""`geomsim causal` on the shipped models: files, JSON, plan, resuming, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geomsim import Pairing
from geomsim.activations import Document
from geomsim.activations.standard_library import standard_library_documents
from geomsim.cli.causal import causal
from geomsim.cli.console import Common
from geomsim.errors import GeomsimError
from geomsim.interventions import CausalCheck

MODELS = Path(__file__).parents[2] / "examples" / "code_models"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short text, and 8 pairs of frequent latents: the left model is compared with itself, half of it in disorder."""
    pytest.importorskip("transformers")
    import torch

    from geomsim.activations import TransformersSource, read_codes, read_dictionary

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("causal")
    documents = [Document(each.name, each.text[:2500]) for each in standard_library_documents("held-out")[1:3]]
    (folder / "text").mkdir()
    for number, document in enumerate(documents):
        (folder / "text" / f"{number}.py").write_text(document.text, encoding="utf-8")
    dictionary = read_dictionary(MODELS / "left" / "saes" / "layer_1")
    codes = read_codes(TransformersSource(MODELS / "left"), documents, {"residual:1": dictionary})["residual:1"]
    frequent = np.sort(np.argsort(-codes.firings())[:12])
    partners = frequent.copy()
    partners[6:] = np.roll(partners[6:], 1)
    Pairing(frequent, partners, weight=np.linspace(0.9, 0.5, 12)).save(folder / "pairs.parquet")
    return folder


def arguments(here: Path, **options: Any) -> dict[str, Any]:
    dictionary = str(MODELS / "left" / "saes" / "layer_1")
    given: dict[str, Any] = {
        "left_dictionary": dictionary, "right_dictionary": dictionary, "text": str(here / "text"),
        "out": here / "out", "pairing": here / "pairs.parquet", "windows": 6, "draws": 199,
    }  # fmt: skip
    return {**given, **options}


def run(here: Path, **options: Any) -> int:
    left = str(MODELS / "left")
    return causal(left, left, **arguments(here, **options))


def listed(told: str) -> list[dict[str, float]]:
    """The pairs of each list with their scores."""
    found: list[dict[str, float]] = []
    for line in told.splitlines():
        if line.startswith("Look alike and are used"):
            found.append({})
        elif match := re.match(r"(\d+ / \d+) +(\S+) +(\S+)", line.strip()):
            found[-1][match[1]] = float(match[3])
    return found


def test_it_tells_which_pairs_are_used_alike(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(here) == 0
    shown = capsys.readouterr()
    assert "12 pairs of latents of left and left" in shown.out
    assert "Look alike and are used alike" in shown.out
    assert "wrote" in shown.err
    alike, not_alike = listed(shown.out)
    assert (len(alike), len(not_alike)) == (3, 3)
    assert not set(alike) & set(not_alike)
    assert list(alike.values()) == sorted(alike.values(), reverse=True)
    assert list(not_alike.values()) == sorted(not_alike.values())
    assert shown.out.count("chance: mean score of random pairs; control: this pair's, with random directions") == 2
    found = CausalCheck.open(here / "out")
    same = found.frame["left"] == found.frame["right"]
    np.testing.assert_allclose(found.frame["score"][same], 1.0, atol=1e-6)
    assert found.frame["score"][~same].max() < 0.9
    assert (here / "out" / "causal.pdf").read_bytes().startswith(b"%PDF")
    stamps = [file.stat().st_mtime_ns for file in sorted((here / "out" / "effects").iterdir())]
    assert run(here, common=Common(json=True, quiet=True), weights="probability") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pairs"], told["tokens"], told["scoring"]["weights"]) == (12, 2047, "probability")
    # Other scores of the same effects: nothing is run again.
    assert stamps == [file.stat().st_mtime_ns for file in sorted((here / "out" / "effects").iterdir())]


def test_windows_begin_with_a_token_that_is_asked_for(here: Path, tmp_path: Path) -> None:
    assert run(here, out=tmp_path / "out", bos=True, common=Common(quiet=True)) == 0
    found = CausalCheck.open(tmp_path / "out")
    usual = CausalCheck.open(here / "out")
    assert [found.facts[side]["bos"] for side in ("left", "right")] == [0, 0]
    assert "bos" not in usual.facts["left"]
    # No token of the text is left out for its place.
    assert "first of window" in usual.facts["left"]["left_out"]
    assert not found.facts["left"]["left_out"]


def test_a_plan_touches_nothing(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(here, out=tmp_path / "out", pairs=10, common=Common(dry_run=True, json=True)) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["details"] == {"pairs": 10, "windows_per_model": 120}
    assert str(here / "pairs.parquet") in planned["would_read"]
    assert not (tmp_path / "out").exists()


def test_what_it_refuses(here: Path) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"pairing": None}, "--pairing"),
        ({"multiple": 2.0}, "--mode add"),
        ({"windows": 0}, "at least 1"),
        ({"nodes": here, "pairs": 5}, "leave out one"),
        ({"nodes": here}, "no graph could be read"),
        ({"out": here / "pairs.parquet"}, "is a file"),
    ]
    for options, why in refused:
        with pytest.raises(GeomsimError, match=why):
            run(here, **options)
    with pytest.raises(GeomsimError, match="nowhere: no such dictionary"):
        run(here, left_dictionary="./nowhere")
