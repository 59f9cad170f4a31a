"""A mistyped path is not asked for at the hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from geomsim.cli.app import run
from geomsim.cli.mistyped import refuse_mistyped
from geomsim.errors import InvalidModel

LEFT = Path(__file__).parents[2] / "examples" / "code_models" / "left"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where commands are called: models/left/saes/layer_1. A hub that is asked fails the test."""
    shutil.copytree(LEFT / "saes" / "layer_1", tmp_path / "models" / "left" / "saes" / "layer_1")
    (tmp_path / "models" / "right").mkdir()
    (tmp_path / "text.txt").write_text("one two three")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    return tmp_path


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (
            ["modles/left", "--site", "residual:0"],
            "modles/left: no such directory; the nearest that exists is models/left",
        ),
        (["models/lfet", "--site", "residual:0"], "the nearest that exists is models/left"),
        (["models/pythia-70m", "--site", "residual:0"], "is models, which holds left, right. If models/pythia-70m is"),
        (["modles", "--site", "residual:0"], "the nearest that exists is models. If modles is"),
        ([str(LEFT), "-d", "models/left/saes/layer1"], "the nearest that exists is models/left/saes/layer_1"),
        (
            [str(LEFT), "-d", "residual:1=modles/left/saes/layer_9"],
            "the nearest that exists is models/left/saes/layer_1",
        ),
        ([str(LEFT), "--fits", "modles/right", "--site", "residual:0"], "the nearest that exists is models/right"),
    ],
)
def test_a_path_with_a_slip_is_refused_at_once(
    arguments: list[str],
    nearest: str,
    offline: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    for dry in ([], ["--dry-run"]):
        assert run(["activations", *arguments, "--text", "text.txt", "--out", "codes", *dry]) == 1
        said = capsys.readouterr().err
        assert nearest in said
        assert "hf download" in said
    assert not Path("codes").exists()


def test_absolute_paths_are_named_without_the_hub(here: Path) -> None:
    with pytest.raises(InvalidModel, match=rf"is {here}/models/left$"):
        refuse_mistyped(f"{here}/modles/left")


def test_names_of_the_hub_are_not_refused(here: Path) -> None:
    for name in ("gpt2", "EleutherAI/pythia-70m", "google/gemma-scope-2b-pt-res/layer_20", "models/left", "models"):
        refuse_mistyped(name)
    with pytest.raises(InvalidModel):
        refuse_mistyped("model/left")
    (here / "cache" / "models--model--left" / "snapshots").mkdir(parents=True)
    refuse_mistyped("model/left")
    refuse_mistyped("model/left/saes")
