"""A study that begins at models whose files, place or company change between two runs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from geomsim import run_study
from geomsim.catalog import metric
from geomsim.cli.app import run
from geomsim.preparing.alone import alone_in
from geomsim.report.results import Results

MODELS = Path(__file__).parents[2] / "examples" / "code_models"
THEMES = '[themes.control]\nkeywords = ["if", "for", "return"]\n'

# Relative paths, one document, features alone: what is read in a second.
STUDY = """
draws = 9
metrics = ["procrustes"]

[text]
source = "text"
top_tokens = 5
contexts = 2

[models.left]
path = "models/left"
dictionaries = ["saes/left"]

[models.right]
path = "models/right"
dictionaries = { "residual:2" = "saes/right" }

[[between]]
left = "left"
right = "right"
min_firings = 15
min_cofirings = 5
methods = ["max"]
subspaces = { themes = "themes.toml" }
"""


def lay_out(folder: Path) -> Path:
    """A folder with a study and all that it names; its file."""
    folder.mkdir()
    (folder / "models").symlink_to(MODELS)
    for side, layer in (("left", 1), ("right", 2)):
        shutil.copytree(MODELS / side / "saes" / f"layer_{layer}", folder / "saes" / side)
    (folder / "text").mkdir()
    (folder / "text" / "one.py").write_text(Path(json.__file__).with_name("decoder.py").read_text())
    (folder / "themes.toml").write_text(THEMES)
    (folder / "study.toml").write_text(STUDY)
    return folder / "study.toml"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was run."""
    pytest.importorskip("transformers")
    file = lay_out(tmp_path_factory.mktemp("study") / "here")
    assert run(["study", str(file), "--no-figures", "-q"]) == 0
    return file.parent


@pytest.fixture
def again(first: Path, tmp_path: Path) -> Path:
    """A copy of it, with its results."""
    shutil.copytree(first, tmp_path / "again", symlinks=True)
    return tmp_path / "again"


def scores(folder: Path) -> list[float]:
    return pd.read_parquet(folder / "results.parquet")["score"].to_list()


def refused(what: str) -> Callable[..., Any]:
    return lambda *_, **__: pytest.fail(f"{what} again")


def test_what_is_found_again_does_not_depend_on_where_the_folder_lies(again: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("activations.reading.write_codes", "preparing.reading.write_tables", "study_cells.compare_sides"):
        monkeypatch.setattr(f"geomsim.{name}", refused(name))
    before = scores(again / "results")
    shutil.copystat(MODELS, again)
    assert run(["study", str(again / "study.toml"), "--resume", "--no-figures", "-q"]) == 0
    assert scores(again / "results") == before


def test_a_dictionary_that_changed_is_read_again_and_nothing_else(again: Path, monkeypatch: pytest.MonkeyPatch):
    file = again / "saes" / "left" / "sae_weights.safetensors"
    weights = load_file(file)
    weights["W_enc"][:, ::2] *= 0.5
    weights["W_dec"][7] = weights["W_dec"][8]
    save_file(weights, file)
    read: list[str] = []
    from geomsim.activations import reading

    original = reading.write_codes

    def counted(source: Any, *arguments: Any, **options: Any) -> Any:
        read.append(source.name)
        return original(source, *arguments, **options)

    monkeypatch.setattr(reading, "write_codes", counted)
    before = scores(again / "results")
    arguments = ["study", str(again / "study.toml"), "--no-figures", "-q"]
    assert run([*arguments, "--resume"]) == 0
    assert read == ["left"]
    assert run([*arguments, "--out", str(again / "anew")]) == 0
    assert read == ["left", "left", "right"]
    resumed, anew = (pd.read_parquet(again / name / "results.parquet") for name in ("results", "anew"))
    columns = [name for name in anew.columns if name != "seconds"]
    pd.testing.assert_frame_equal(resumed[columns], anew[columns])
    assert scores(again / "results") != before


def test_more_top_tokens_need_no_model(again: Path, monkeypatch: pytest.MonkeyPatch):
    (again / "study.toml").write_text(STUDY.replace("top_tokens = 5", "top_tokens = 7"))
    monkeypatch.setattr("geomsim.activations.reading.write_codes", refused("a model was read"))
    assert run(["study", str(again / "study.toml"), "--resume", "--no-figures", "-q"]) == 0
    table = pd.read_parquet(next((again / "results" / "prepared" / "tokens").glob("left*.parquet")))
    assert table.groupby("latent").size().max() == 7


def test_a_second_run_in_the_same_folder_is_refused_before_it_touches_anything(
    again: Path, capsys: pytest.CaptureFixture[str]
):
    def state() -> list[tuple[str, int]]:
        files = [path for path in (again / "results").rglob("*") if path.name != "in_use"]
        return sorted((str(path), path.stat().st_mtime_ns) for path in files if path.is_file())

    before = state()
    with alone_in(again / "results" / "prepared"):
        for more in ([], ["--resume"]):
            assert run(["study", str(again / "study.toml"), "--no-figures", *more]) == 1
            said = capsys.readouterr().err
            assert f"results/prepared is in use by another run (process {os.getpid()} on" in said
    assert state() == before


def test_without_resume_it_is_said_what_is_lost(again: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["study", str(again / "study.toml"), "--no-figures"]) == 0
    said = capsys.readouterr().err
    assert "pieces that were prepared in" in said
    assert "stop this run and add --resume" in said


def test_results_behind_a_link_name_the_files_that_they_are_of(again: Path, tmp_path: Path):
    """As on clusters: results go to another disk, and ".." leads elsewhere there."""
    (tmp_path / "disk" / "deep" / "deeper").mkdir(parents=True)
    (again / "link").symlink_to(tmp_path / "disk" / "deep" / "deeper")
    shutil.copytree(again / "results" / "prepared", again / "link" / "out" / "prepared")
    out = again / "link" / "out"
    assert run(["study", str(again / "study.toml"), "--out", str(out), "--resume", "--no-figures", "-q"]) == 0
    assert scores(out) == scores(again / "results")
    results = Results.open(out)
    config = results.run["config"]
    assert (results.base / results.pairs[0]["pairing"]).is_file()
    assert (results.base / results.pairs[0]["subspaces"]["themes"]).samefile(again / "themes.toml")
    for place, named in (
        (again / "models" / "left", config["models"]["left"]["path"]),
        (again / "saes" / "left", config["models"]["left"]["dictionaries"][0]),
        (again / "saes" / "right", config["models"]["right"]["dictionaries"]["residual:2"]),
        (again / "text", config["text"]["source"]),
        (again / "themes.toml", config["between"][0]["subspaces"]["themes"]),
    ):
        assert not Path(named).is_absolute()
        assert (results.base / named).samefile(place)


def test_metrics_that_are_objects_are_compared_and_no_file_of_them_is_written(again: Path):
    import tomllib

    config: dict[str, Any] = tomllib.loads(STUDY)
    for table in config["models"].values():
        table["path"] = again / table["path"]
    config["models"]["left"]["dictionaries"] = [again / "saes" / "left"]
    config["models"]["right"]["dictionaries"] = {"residual:2": again / "saes" / "right"}
    config["text"]["source"] = again / "text"
    config["between"][0]["subspaces"] = {"themes": again / "themes.toml"}
    config["metrics"] = [metric("procrustes"), metric("rsa")]
    os.remove(again / "results" / "prepared" / "study.toml")
    study = run_study(config, folder=again / "results")
    found = study.table.query("metric == 'procrustes'")["score"].to_numpy()
    np.testing.assert_array_equal(found, scores(again / "results"))
    assert not (again / "results" / "prepared" / "study.toml").exists()
    study.save(again / "saved")
