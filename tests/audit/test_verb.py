"""The verb on the example models, with little text and few draws."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from geomsim import GeomsimError, InvalidConfig
from geomsim.cli.console import DONE, Common
from geomsim_audit.reading import read_materials
from geomsim_audit.recipe import read_recipe
from geomsim_audit.verb import FILES, audit

MODELS = Path(__file__).parents[2] / "examples" / "code_models"
RECIPE = f"""
title = "Small"
shifts = 19
[text]
path = "text"
[left]
model = "{MODELS.as_posix()}/left"
dictionary = "{MODELS.as_posix()}/left/saes/layer_{{layer}}"
[right]
model = "{MODELS.as_posix()}/left-second-seed"
dictionary = "{MODELS.as_posix()}/left-second-seed/saes/layer_{{layer}}"
[published]
layer = "input"
pairing = "first-seen"
min_r = 0.1
metric = "svcca-of-one-component"
draws = 19
[corrected]
draws = 99
[[claims]]
name = "first"
sentence = "Alike."
layers = [0, 1]
theme = "code"
corrected = {{ metric = "debiased-cka", min_firings = 10, min_cofirings = 3 }}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    pytest.importorskip("transformers")
    (tmp_path / "text").mkdir()
    for name in ("heapq.py", "textwrap.py"):
        shutil.copy(Path(shutil.__file__).parent / name, tmp_path / "text" / name)
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_the_verb_writes_page_markdown_and_numbers(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = recipe.parent / "out"
    assert audit(recipe, out=out, common=Common(json=True, quiet=True)) == DONE
    told = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    written = json.loads((out / "results.json").read_text())
    assert written == {key: value for key, value in told.items() if key != "files"}
    claim = written["claims"][0]
    assert claim["rungs"]["as published"]["pairs"] > 0
    # An embedding fed to the dictionary of block 0 is no stream that it knows.
    explained = {each["dictionary"]: each for each in written["readings"]}["left layer 0"]
    assert explained["explained by the output"] > 0.7
    assert explained["explained by the input"] < 0
    assert str(recipe.parent) not in (out / "audit.html").read_text()


def test_a_dry_run_touches_nothing(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(recipe.parent.rglob("*"))
    assert audit(recipe, out=recipe.parent / "out", common=Common(dry_run=True, json=True)) == DONE
    told = json.loads(capsys.readouterr().out)
    assert sorted(recipe.parent.rglob("*")) == before
    assert [Path(path).name for path in told["would_write"]] == list(FILES)
    assert told["details"]["rungs"]["first"][0] == "as published"
    assert str(MODELS / "left-second-seed" / "saes" / "layer_1") in told["would_read"]


def test_a_dictionary_of_another_layer_is_refused(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("left/saes/layer_{layer}", "left/saes/layer_1"))
    with pytest.raises(
        InvalidConfig, match=r"layer 0: the dictionary .* was trained at 'residual:1', not at 'residual:0'"
    ):
        read_materials(read_recipe(recipe))


def test_a_missing_dictionary_is_known_before_any_text_is_read(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("left-second-seed/saes/layer_{layer}", "left-second-seed/saes/nowhere_{layer}"))
    said: list[str] = []
    with pytest.raises(GeomsimError, match="nowhere_1: no such dictionary"):
        read_materials(read_recipe(recipe), note=said.append)
    assert len(said) == 1
    assert said[0].startswith("text: 2 documents")


def test_text_lies_beside_the_recipe(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = recipe.parent / "elsewhere"
    (elsewhere / "texts").mkdir(parents=True)
    (elsewhere / "texts" / "other.txt").write_text("another text")
    monkeypatch.chdir(elsewhere)
    recipe.write_text(RECIPE.replace('path = "text"', 'path = "texts"'))
    with pytest.raises(GeomsimError, match="texts: no such file or directory"):
        read_materials(read_recipe(recipe))


def test_results_go_to_a_folder(recipe: Path) -> None:
    with pytest.raises(InvalidConfig, match="is a file; results go to a folder"):
        audit(recipe, out=recipe)
