"""`geomsim latent` on codes of a shipped model, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geomsim import Codes
from geomsim.activations import documents_from_strings, read_dictionary, top_contexts, top_tokens
from geomsim.cli.app import run

MODELS = Path(__file__).parent.parent.parent / "examples" / "code_models"
LEFT = MODELS / "left"
TEXT = "def add(left, right):\n    return left + right\n\n\nclass Sum:\n    def __init__(self):\n        self.sum = 0\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    from geomsim.activations import TransformersSource, read_codes

    root = tmp_path_factory.mktemp("latent")
    (root / "text").mkdir()
    for number in range(3):
        (root / "text" / f"{number}.py").write_text(TEXT * (number + 1), encoding="utf-8")
    documents = documents_from_strings([TEXT * n for n in (1, 2, 3)], ["0.py", "1.py", "2.py"])
    dictionary = read_dictionary(LEFT / "saes" / "layer_1")
    codes = read_codes(TransformersSource(LEFT), documents, {"residual:1": dictionary})["residual:1"]
    codes.save(root / "codes")
    return root


def strongest(folder: Path) -> int:
    return int(Codes.open(folder / "codes").firings().argmax())


def test_it_shows_rate_bars_tokens_and_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["latent", str(folder / "codes"), str(strongest(folder)), "--text", str(folder / "text")]
    assert run([*arguments, "-d", str(LEFT / "saes" / "layer_1")]) == 0
    shown = capsys.readouterr().out
    for part in ("of left residual:1 (1,024 latents)", "active on ", "first of window", "█", "top tokens", "strongest",
                 "a sample by strength", "nearest decoder rows", "⟦"):  # fmt: skip
        assert part in shown


def test_json_holds_what_the_functions_give(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes, latent = Codes.open(folder / "codes"), strongest(folder)
    arguments = ["latent", str(folder / "codes"), str(latent), "--text", str(folder / "text"), "--bins", "7"]
    assert run([*arguments, "--json", "--tokens", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    documents = documents_from_strings([TEXT * n for n in (1, 2, 3)], ["0.py", "1.py", "2.py"])
    assert [each["token"] for each in found["tokens"]] == [
        share.token for share in top_tokens(codes, latent, documents, 2)
    ]
    assert [(each["document"], each["start"]) for each in found["contexts"]] == [
        (place.document, place.start) for place in top_contexts(codes, latent, documents)
    ]
    assert sum(found["histogram"]["counts"]) == int(codes.firings()[latent]) == found["histogram"]["firings"]
    assert len(found["histogram"]["counts"]) == 7
    assert codes.tokens is not None
    assert found["left_out"] == codes.tokens.left_out


@pytest.mark.parametrize(("suffix", "start"), [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_histogram_as_a_figure(
    suffix: str, start: bytes, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"bars.{suffix}"
    arguments = ["latent", str(folder / "codes"), str(strongest(folder)), "--scale", "log", "--figure", str(file)]
    assert run([*arguments, "--dry-run"]) == 0
    assert not file.exists()
    assert run(arguments) == 0
    assert file.read_bytes().startswith(start)
    assert "--text shows top tokens" in capsys.readouterr().out


def test_a_silent_latent_is_no_error_but_has_no_figure(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = int(np.flatnonzero(Codes.open(folder / "codes").firings() == 0)[0])
    arguments = ["latent", str(folder / "codes"), str(silent), "--text", str(folder / "text")]
    assert run(arguments) == 0
    assert "never active: 0 on all " in capsys.readouterr().out
    assert run([*arguments, "--figure", str(tmp_path / "none.pdf")]) == 1
    assert "never active on the " in capsys.readouterr().err


def test_what_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = str(folder / "codes")
    other = tmp_path / "other"
    other.mkdir()
    for number in range(3):
        (other / f"{number}.py").write_text(TEXT.replace("add", "sub") * (number + 1), encoding="utf-8")
    Codes.from_dense([[1.0], [2.0]]).save(tmp_path / "bare")
    text, bare = str(folder / "text"), str(tmp_path / "bare")
    sae = str(LEFT / "saes" / "layer_0")
    for arguments, said in [
        ([codes, "1024"], "there is no latent 1024: these codes have latents 0 to 1023"),
        ([codes, "-1"], "there is no latent -1"),
        ([bare, "0", "--text", text], "have no token table"),
        ([codes, "0", "--text", str(other)], "but not their text"),
        ([codes, "0", "--text", str(folder / "text" / "0.py")], "'1.py' was read but is not among the 1 documents"),
        ([codes, "0", "-d", sae], "were not made by Dictionary"),
        ([codes, "0", "--bins", "0"], "bins is 0; from 1 to 10,000"),
        ([codes, "0", "--text", text, "--each", "0"], "each is 0; at least 1"),
        ([str(tmp_path / "absent"), "0"], "absent: no such directory of codes"),
    ]:
        assert run(["latent", *arguments]) == 1, arguments
        assert said in capsys.readouterr().err
    assert run(["latent", codes, "many"]) == 2
    assert run(["latent", bare, "0"]) == 0


def test_codes_and_text_that_the_command_line_read_in_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.py").write_text(TEXT * 9, encoding="utf-8")
    (tmp_path / "text" / "b.py").write_text(TEXT, encoding="utf-8")
    reading = ["--text", str(tmp_path / "text"), "--pattern", "*.py"]
    arguments = ["activations", str(LEFT), "-d", str(LEFT / "saes" / "layer_1"), *reading, "--longest", "300"]
    assert run([*arguments, "--shard-characters", "400", "--out", str(tmp_path / "codes"), "-q"]) == 0
    folder = tmp_path / "codes" / "residual_1"
    assert len(list(folder.glob("*.safetensors"))) > 1
    capsys.readouterr()
    latent = str(int(Codes.open(folder).firings().argmax()))
    assert run(["latent", str(folder), latent, *reading, "--json", "--contexts", "50"]) == 0
    documents = {place["document"] for place in json.loads(capsys.readouterr().out)["contexts"]}
    assert {"a.py#1", "a.py#2", "b.py"} <= documents
