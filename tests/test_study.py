from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from torch import Tensor

from geomsim import (
    DegenerateSpace,
    GeomsimError,
    GeomsimWarning,
    PairedMetric,
    Pairing,
    Space,
    compare,
    register,
    run_study,
)
from geomsim import catalog as catalog_module
from geomsim.activations import read_dictionary
from geomsim.cli.app import run
from geomsim.digests import digest_of
from geomsim.errors import InvalidConfig, InvalidModel, InvalidPairing, InvalidSpace, UnknownMetric


@dataclass(frozen=True)
class Gap(PairedMetric[Tensor]):
    """Mean absolute difference of the first columns, to a power."""

    power: float = 1.0
    larger_means = "farther"
    score_range = (0.0, math.inf)

    def prepare(self, points: Tensor) -> Tensor:
        if not points[:, 0].std() > 0:
            raise DegenerateSpace("the first column is constant")
        if len(points) < 12:
            warnings.warn("few rows", GeomsimWarning, stacklevel=2)
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return (left - right[order]).abs().mean() ** self.power


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "_registered", {})
    register("gap", Gap)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "points").mkdir()
    for name, rows in (("left", 20), ("right", 20), ("short", 10)):
        np.save(tmp_path / "points" / f"{name}.npy", random.normal(size=(rows, 3)))
    np.save(tmp_path / "points" / "flat.npy", np.ones((20, 3)))
    Pairing(range(10), range(10), np.linspace(0, 1, 10)).save(tmp_path / "points" / "pairs.parquet")
    (tmp_path / "study.toml").write_text(
        """
        seed = 4
        draws = 19
        metrics = ["gap", { name = "gap", power = 2.0 }]

        [[pairs]]
        left = "points/left.npy"
        right = "points/right.npy"
        left_layer = 0
        kind = "features"

        [[pairs]]
        left = "points/left.npy"
        right = "points/short.npy"
        pairing = "points/pairs.parquet"
        left_layer = 1
        kind = "neurons"
        """
    )
    return tmp_path


def points(name: str, folder: Path) -> np.ndarray:
    return np.load(folder / "points" / f"{name}.npy")


def test_a_toml_file_gives_what_compare_gives(folder: Path):
    study = run_study(folder / "study.toml")
    assert len(study.cells) == len(study.table) == 4
    assert not study.failed
    pairing = Pairing.open(folder / "points" / "pairs.parquet")
    expected = [
        compare(points("left", folder), points(right, folder), Gap(power), pairing=pairs, draws=19, seed=4)
        for right, pairs in (("right", None), ("short", pairing))
        for power in (1.0, 2.0)
    ]
    table = study.table
    for column, attribute in [
        ("n", "n_rows"),
        *((name, name) for name in ("score", "p_value", "z", "null_mean", "corrected")),
    ]:
        assert table[column].to_list() == pytest.approx([getattr(found, attribute) for found in expected]), column
    assert table["left_layer"].to_list() == [0, 0, 1, 1]
    assert table["kind"].to_list() == ["features", "features", "neurons", "neurons"]
    assert table["metric"].to_list() == ["gap"] * 4
    assert [json.loads(text) for text in table["parameters"]] == [{"power": 1.0}, {"power": 2.0}] * 2
    assert table["warnings"].to_list() == ["", "", "few rows", "few rows"]
    assert table["larger_means"].unique().tolist() == ["farther"]


def test_paths_are_relative_to_the_file_and_name_the_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    study = run_study(os.path.relpath(folder / "study.toml"))
    assert study.table["left"].unique().tolist() == ["points/left.npy"]
    assert study.table["right"].to_list() == ["points/right.npy"] * 2 + ["points/short.npy"] * 2
    text = (folder / "study.toml").read_text().replace("points/", f"{folder}/points/")
    (folder / "absolute.toml").write_text(text)
    assert run_study(folder / "absolute.toml").table["score"].to_list() == study.table["score"].to_list()


MODELS = Path(__file__).parent.parent / "examples" / "code_models"


def test_folders_of_dictionaries_are_sides_as_for_the_command_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for side in ("left", "right"):
        shutil.copytree(MODELS / side / "saes" / "layer_1", tmp_path / "saes" / side)
    directions = [read_dictionary(tmp_path / "saes" / side).directions[:60] for side in ("left", "right")]
    Pairing(range(60), range(60)).save(tmp_path / "pairs.parquet")
    (tmp_path / "study.toml").write_text(
        """
        metrics = ["gap"]
        draws = 19
        [[pairs]]
        left = "saes/left"
        right = "saes/right/sae_weights.safetensors"
        pairing = "pairs.parquet"
        """
    )
    monkeypatch.chdir(MODELS)  # paths are relative to the file
    study = run_study(tmp_path / "study.toml")
    expected = compare(*directions, Gap(), draws=19)
    assert study.table["score"].to_list() == [expected.score]
    assert study.table["p_value"].to_list() == [expected.p_value]
    assert study.table["left"].to_list() == ["saes/left"]
    comparison = study.cells[0].comparison
    assert comparison is not None
    points = read_dictionary(tmp_path / "saes" / "left").directions
    assert comparison.provenance["left"] == {"dictionary": "saes/left", "points": digest_of(points)[:16]}
    sides = [str(tmp_path / "saes" / side) for side in ("left", "right")]
    pairing = ["--pairing", str(tmp_path / "pairs.parquet"), "-m", "gap", "--draws", "19", "--json"]
    assert run(["compare", *sides, *pairing]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["score"], shown["p_value"]) == (expected.score, expected.p_value)


def test_a_dictionary_is_computed_once_wherever_the_command_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(MODELS / "left" / "saes" / "layer_1", tmp_path / "sae")
    (tmp_path / "study.toml").write_text(
        'metrics = ["procrustes"]\ndraws = 9\n[[pairs]]\nleft = "sae"\nright = "sae"\n'
    )
    first = run_study(tmp_path / "study.toml", folder=tmp_path / "cells").table
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("geomsim.study_cells.compare_sides", lambda *_, **__: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(run_study("study.toml", folder=tmp_path / "cells").table, first)


def test_folders_without_points_are_refused_by_name(tmp_path: Path):
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "manifest.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    for name, error, said in (
        ("codes", InvalidSpace, "codes holds codes, not points: `geomsim pair`"),
        ("empty", InvalidModel, "empty: no dictionary in a known format"),
    ):
        with pytest.raises(error, match=said):
            run_study({"pairs": [{"left": tmp_path / name, "right": np.eye(3)}], "metrics": ["gap"]})


def test_a_mapping_takes_spaces_pairings_and_instances(folder: Path):
    left, right = Space(points("left", folder), name="l"), points("right", folder)
    config = {
        "pairs": [{"left": left, "right": right, "pairing": Pairing.identity(20), "site": "resid"}],
        "metrics": ["gap", Gap(3.0), {"name": "gap", "power": 2}],
        "draws": 9,
    }
    table = run_study(config).table
    assert table["left"].to_list() == ["l"] * 3
    assert table["right"].to_list() == [""] * 3
    assert table["site"].to_list() == ["resid"] * 3
    base = table["score"][0]
    assert table["score"].to_list() == pytest.approx([base, base**3, base**2])


def test_null_none_can_be_said_in_toml(folder: Path):
    pairs = [{"left": points("left", folder), "right": points("right", folder)}]
    for null in ("none", None):
        table = run_study({"pairs": pairs, "metrics": ["gap"], "null": null}).table
        assert table["p_value"].isna().all()
        assert table["score"].notna().all()


def test_groups_reach_compare(folder: Path):
    left = Space(points("left", folder), groups=np.arange(20) // 4)
    pairs = [{"left": left, "right": points("right", folder)}]
    kinds = [
        run_study({"pairs": pairs, "metrics": ["gap"], "draws": 9, "groups": g}).table["null"][0]
        for g in ("within", "ignored")
    ]
    assert kinds == ["shuffle (within strata)", "shuffle"]


def test_a_failed_cell_stays_in_the_table_with_its_reason(folder: Path):
    left, flat = points("left", folder), points("flat", folder)
    study = run_study(
        {
            "pairs": [{"left": left, "right": flat, "layer": 3}, {"left": left, "right": left, "layer": 4}],
            "metrics": ["gap"],
            "draws": 9,
        }
    )
    assert [cell.labels["layer"] for cell in study.failed] == [3]
    table = study.table
    assert len(table) == 2
    assert table["error"][0] == "right space: the first column is constant"
    assert pd.isna(table["score"][0])
    assert table["metric"][0] == "gap"
    assert pd.isna(table["error"][1])
    assert table["score"][1] == 0.0


def test_a_null_that_does_not_apply_fails_the_cell_and_not_the_study(folder: Path):
    pairs = [{"left": points("left", folder), "right": points("right", folder)}]
    study = run_study({"pairs": pairs, "metrics": ["gap", "svcca"], "null": "noise-floor"})
    assert len(study.failed) == 2
    assert "Gap is paired" in str(study.table["error"][0])


def test_save_and_read_again(folder: Path):
    study = run_study(folder / "study.toml")
    written = study.save(folder / "out" / "deep")
    assert [path.name for path in written] == ["results.parquet", "results.csv", "draws.npz", "run.json"]
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(path.name for path in written)
    table = study.table
    for again in (pd.read_parquet(written[0]), pd.read_csv(written[1])):
        assert again.columns.to_list() == table.columns.to_list()
        np.testing.assert_array_equal(again["score"], table["score"])
        np.testing.assert_array_equal(again["p_value"], table["p_value"])
    run = json.loads(written[-1].read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert run["config"]["draws"] == 19
    assert [entry["score"] for entry in run["comparisons"]] == table["score"].to_list()
    assert [entry["left_layer"] for entry in run["comparisons"]] == [0, 0, 1, 1]
    assert run["comparisons"][0]["left"] == "points/left.npy"
    assert "numpy" in run["versions"]


def test_run_json_names_a_failed_cell_and_what_python_objects_were_compared(folder: Path):
    config = {
        "pairs": [{"left": points("left", folder), "right": Space(points("flat", folder), name="flat")}],
        "metrics": [Gap(2.0)],
    }
    run = json.loads(run_study(config).save(folder)[-1].read_text())
    failed = run["comparisons"][0]
    assert (failed["metric"], failed["parameters"], failed["right"]) == ("gap", {"power": 2.0}, "flat")
    assert "constant" in failed["error"]
    assert "Space('flat', 20 rows x 3, float64)" in run["config"]["pairs"][0]["right"]
    assert len(run["config"]["pairs"][0]["left"]) <= 200
    replaced = json.loads(run_study(config).save(folder, config={"asked": "for"})[-1].read_text())
    assert replaced["config"] == {"asked": "for"}


def test_labels_of_mixed_kinds_can_be_saved(folder: Path):
    left = points("left", folder)
    pairs = [{"left": left, "right": left, "layer": 0}, {"left": left, "right": left, "layer": "embedding"}]
    table = pd.read_parquet(run_study({"pairs": pairs, "metrics": ["gap"], "draws": 9}).save(folder)[0])
    assert table["layer"].to_list() == ["0", "embedding"]


def test_all_installed_metrics_are_the_default(monkeypatch: pytest.MonkeyPatch, folder: Path):
    monkeypatch.setattr("geomsim.study_questions.metric_names", lambda: ["gap"])
    pairs = [{"left": points("left", folder), "right": points("right", folder)}]
    assert run_study({"pairs": pairs, "draws": 9}).table["metric"].to_list() == ["gap"]


# --- bad configurations ----------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {"left": [[1.0], [2.0]], "right": [[1.0], [3.0]]}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"pairs": [GOOD], "drawz": 9, "sede": 1},
            "a study knows no drawz, sede; it takes between, buckets, confidence, draws, groups, "
            "interval, metrics, models, null, pairs",
        ),
        ({}, r"a study needs at least one pair of spaces: \[\[pairs\]\]"),
        ({"pairs": []}, "at least one pair"),
        ({"pairs": GOOD}, "pairs must be a list with at least one entry"),
        ({"pairs": ["left.npy"]}, "pair 1 must be a table with left = ... and right = ..., got 'left.npy'"),
        ({"pairs": [GOOD, {"left": 1}]}, "pair 2 names no right space"),
        ({"pairs": [{"layer": 1}]}, "pair 1 names no left and no right space"),
        ({"pairs": [{**GOOD, "score": 1}]}, "pair 1 has a label 'score', which is a column of the results already"),
        ({"pairs": [GOOD], "metrics": "gap"}, "metrics must be a list with at least one entry, got 'gap'"),
        ({"pairs": [GOOD], "metrics": []}, "metrics must be a list with at least one entry"),
        ({"pairs": [GOOD], "metrics": [{"power": 2}]}, "a metric with parameters is a table with a name"),
        ({"pairs": [{**GOOD, "layer": 2}], "metrics": ["gap"], "draws": 0}, r"pair 1 \(layer 2\), gap: draws must be"),
        ({"pairs": [GOOD], "metrics": ["gap"], "null": "shufle"}, "^gap: no null is called 'shufle'"),
        ({"pairs": [GOOD], "metrics": ["gap"], "seed": "x"}, "seed must be a whole number"),
        ({"pairs": [GOOD], "metrics": ["gap"], "groups": "documents"}, "groups is 'blocks', 'within', 'ignored'"),
    ],
)
def test_bad_configurations_are_refused(config: dict[str, Any], message: str):
    with pytest.raises(InvalidConfig, match=message):
        run_study(config)


def test_metrics_that_do_not_exist_or_take_other_parameters():
    with pytest.raises(UnknownMetric, match="no metric is called 'gapp'; did you mean 'gap'"):
        run_study({"pairs": [GOOD], "metrics": ["gapp"]})
    with pytest.raises(GeomsimError, match="metric 'gap' takes the parameters power, chance_corrected; got pover"):
        run_study({"pairs": [GOOD], "metrics": [{"name": "gap", "pover": 2}]})
    with pytest.raises(GeomsimError, match="a metric is a name, an instance or a class of Metric, got int"):
        run_study({"pairs": [GOOD], "metrics": [3]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pairs = [", r"study\.toml: not readable as TOML"),
        ("draw = 1", r"study\.toml: a study knows no draw;"),
        ("", "at least one pair"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(InvalidConfig, match=message):
        run_study(tmp_path / "study.toml")


def test_a_missing_file_or_folder_is_named(tmp_path: Path):
    with pytest.raises(InvalidConfig, match=r"none\.toml: no such file"):
        run_study(tmp_path / "none.toml")
    with pytest.raises(InvalidConfig, match="cannot be read"):
        run_study(tmp_path)


def test_spaces_and_pairings_that_cannot_be_read_name_the_pair(folder: Path):
    text = (folder / "study.toml").read_text()
    (folder / "a.toml").write_text(text.replace("points/right.npy", "points/gone.npy"))
    with pytest.raises(InvalidSpace, match=r"pair 1 \(left_layer 0, kind features\): .*gone\.npy: no such file"):
        run_study(folder / "a.toml")
    (folder / "b.toml").write_text(text.replace("pairing = ", "# "))
    with pytest.raises(
        InvalidPairing, match=r"pair 2 \(left_layer 1, kind neurons\), gap: left has 20 rows and right has 10"
    ):
        run_study(folder / "b.toml")
