"""Where numbers come from, without a path of the machine that made them."""

from __future__ import annotations

import json
import shlex
import tomllib

import numpy as np
import pytest

from geomsim import run_study
from geomsim.report.provenance import AGAIN, CONFIGURATION, STUDY_FILE, provenance
from geomsim.study_toml import NotAFileError, study_toml


def run_of(**config):
    return {"config": config, "versions": {"geomsim": "1"}, "notes": {}, "comparisons": []}


def test_the_study_file_gives_the_same_numbers(tmp_path):
    random = np.random.default_rng(0)
    for side in ("left", "right"):
        np.save(tmp_path / f"{side}.npy", random.normal(size=(40, 3)))
    config = {
        "pairs": [{"left": str(tmp_path / "left.npy"), "right": str(tmp_path / "right.npy"), "kind": 'a "b"\t\x7f é'}],
        "metrics": [{"name": "rsa", "compare": "pearson"}, "procrustes"], "draws": 19, "seed": 3, "buckets": False,
    }  # fmt: skip
    study = run_study(config)
    study.save(tmp_path / "results")
    told = provenance(json.loads((tmp_path / "results" / "run.json").read_text()))
    (tmp_path / "study.toml").write_text(told[STUDY_FILE], encoding="utf-8")
    again = run_study(tmp_path / "study.toml")
    assert [record["score"] for record in again.records()] == [record["score"] for record in study.records()]
    assert [record["kind"] for record in again.records()] == [record["kind"] for record in study.records()]
    assert told == provenance(json.loads((tmp_path / "results" / "run.json").read_text()))


def test_no_absolute_path_is_told_wherever_it_stands():
    run = run_of(pairs=[{"left": "/home/me/work/a.npz", "right": "/home/me/work/b/a.npz"}], metrics=["rsa"])
    run["notes"] = {"/home/me/key": ["read /srv/data set/x.txt, then C:\\Users\\me\\y", "file:///tmp/z"]}
    run["comparisons"] = [{"left": "/home/me/work/a.npz", "provenance": {"left": {"file": "/home/me/work/a.npz"}}}]
    told = provenance(run)
    text = json.dumps(told, ensure_ascii=False)
    for secret in ("/home", "/srv", "Users", "file:", "/tmp", '"/'):
        assert secret not in text
    assert told[CONFIGURATION]["pairs"] == [{"left": "a.npz", "right": "b/a.npz"}]
    assert told["Inputs"] == {"a.npz": {"file": "a.npz"}}


def test_files_that_share_no_folder_keep_what_tells_them_apart():
    told = provenance(run_of(pairs=[{"left": "/home/me/left/a.npz", "right": "/data/right/a.npz"}]))
    assert told[CONFIGURATION]["pairs"] == [{"left": "left/a.npz", "right": "right/a.npz"}]


def test_what_is_no_path_stays():
    notes = {"read": "https://example.org/a/b and rows / 2, and/or ../up/x ~"}
    assert provenance({**run_of(pairs=[{"left": "a", "right": "b"}]), "notes": notes})["Notes"] == notes


def test_one_pair_of_files_is_one_command_that_can_be_pasted():
    pair = {"left": "left points.npz", "right": "r.npz", "pairing": ""}
    steps = provenance(run_of(pairs=[pair], metrics=["rsa", {"name": "cka", "kernel": "rbf"}], draws=99, seed=1))[AGAIN]
    command = next(step for step in steps if step.startswith("or: ")).removeprefix("or: ")
    assert shlex.split(command) == [
        "geomsim", "compare", "left points.npz", "r.npz", "--metric", "rsa", "--metric", 'cka(kernel="rbf")',
        "--draws", "99", "--seed", "1", "--out", "results",
    ]  # fmt: skip
    judged = run_of(pairs=[pair], metrics=[{"name": "rsa", "null": "exact", "draws": 9}])
    assert any("--metric 'rsa(null=\"exact\", draws=9)'" in step for step in provenance(judged)[AGAIN])


def test_points_that_lived_in_python_alone_are_not_called_a_file():
    points = np.random.default_rng(0).normal(size=(20, 3))
    study = run_study({"pairs": [{"left": points, "right": points}], "metrics": ["rsa"], "draws": 9, "seed": 4})
    told = provenance(study.run_record())
    assert STUDY_FILE not in told
    assert told[AGAIN] == [
        "This study was made in Python from things that no file holds (the left of pair 1): run the Python code that "
        "called geomsim once more, with seed 4 and 9 draws."
    ]


@pytest.mark.parametrize("config", [
    {"pairs": [{"left": "a", "right": "b"}], "metrics": ["Rsa(compare='pearson')"]},
    {"pairs": [{"left": "a", "right": "b"}], "null": ["Shuffle()"]},
    {"pairs": [{"left": "a", "right": "b", "left_tokens": [["a"]]}]},
])  # fmt: skip
def test_objects_are_refused(config):
    with pytest.raises(NotAFileError):
        study_toml(config)


def test_toml_reads_back():
    config = {
        "seed": 1, "null": ["shuffle", "exact"], "confidence": 0.95, "subspaces": {"only": ["time"], "top": 3},
        "metrics": [{"name": "rsa", "a b": True}],
        "pairs": [{"left": "a", "right": "b", "subsets": {"first": [0, 1]}, "layer name": 3}],
    }  # fmt: skip
    assert tomllib.loads(study_toml(config)) == config


def test_a_run_of_another_kind_and_none_at_all():
    assert provenance({}) == {}
    assert provenance({"versions": {"a": "1"}, "settings": {"file": "/home/x"}}) == {
        "Versions": {"a": "1"}, "Settings": {"file": "x"},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["points(1).npy", "a folder/points(12)", "runs(2)/points.npy"])
def test_files_with_the_number_of_a_copy_are_files(name):
    assert "study.toml" in provenance({"config": {"pairs": [{"left": name, "right": "b.npy"}]}})
