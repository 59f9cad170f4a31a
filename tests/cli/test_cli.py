"""The command line: what goes to which stream, exit codes, errors, and each verb on something small and real."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geomsim import Codes, Pairing, Space, metrics, progress
from geomsim.cli import app as command_line
from geomsim.cli.app import run

PLUGIN = '''
from dataclasses import dataclass

import torch

import geomsim


@dataclass(frozen=True)
class SpreadAgreement(geomsim.PairedMetric):
    """Correlation of the rows' distances to their mean."""

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation"})

    def prepare(self, points):
        points = points.double()
        distances = (points - points.mean(0)).norm(dim=1)
        if float(distances.std()) <= 1e-12 * float(points.abs().max()):
            raise geomsim.DegenerateSpace("all rows are equally far from their mean")
        return distances

    def score(self, left, right, order):
        return torch.corrcoef(torch.stack([left, right[order]]))[0, 1]


geomsim.register("spread-agreement", SpreadAgreement)
'''


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    random = np.random.default_rng(0)
    points = random.normal(size=(60, 5))
    np.save(tmp_path / "left.npy", points)
    Space(points + 0.3 * random.normal(size=(60, 5)), name="noisy").save(tmp_path / "right.npz")
    return str(tmp_path / "left.npy"), str(tmp_path / "right.npz")


def out(capsys: pytest.CaptureFixture[str]) -> Any:
    """Standard output as JSON: nothing else may be on it."""
    return json.loads(capsys.readouterr().out)


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom geomsim.cli.app import run\nassert run(['--help']) == 0\n"
        "heavy = {'torch', 'scipy', 'pandas', 'sklearn', 'matplotlib', 'transformers', 'sae_lens'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in ("demo", "activations", "pair", "compare", "metrics", "inspect", "doctor", "plugin", "study"):
        assert verb in done.stdout


def test_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("geomsim")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count(".")) == (0, 2)


def test_compare_writes_json_alone_to_standard_output(two: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *two, "-m", "procrustes", "--draws", "19", "--json", "--seed", "3"]) == 0
    (found,) = out(capsys)
    assert found["metric"] == "procrustes"
    assert found["p_value"] == 0.05
    assert (found["draws"], found["seed"], found["n_rows"]) == (19, 3, 60)


def test_compare_shows_a_table_with_p(two: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *two, "-m", "procrustes", "-m", "svcca", "--draws", "19"]) == 0
    text = capsys.readouterr().out
    assert "procrustes" in text
    assert "svcca" in text
    assert "<= 0.05" in text


def test_compare_takes_parameters_of_metrics(two: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["-m", "knn-jaccard(k=5)", "-m", 'rsa(compare="pearson")', "-m", "rsa", "--draws", "9"]
    assert run(["compare", *two, *asked]) == 0
    text = capsys.readouterr().out
    assert "knn-jaccard " in text  # the only one of its name
    assert 'rsa(compare="pearson")' in text
    assert 'rsa(compare="spearman")' in text
    assert run(["compare", *two, "-m", "rsa(compare=pearson)"]) == 1
    assert "words in quotes" in capsys.readouterr().err


def test_compare_writes_results_that_agree(two: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "results"
    assert run(["compare", *two, "-m", "procrustes", "--draws", "19", "--out", str(folder), "-q"]) == 0
    table = pd.read_parquet(folder / "results.parquet")
    again = pd.read_csv(folder / "results.csv")
    assert table.loc[0, "score"] == pytest.approx(again.loc[0, "score"])
    record = json.loads((folder / "run.json").read_text())
    assert record["config"]["pairs"][0]["left"] == two[0]
    assert record["comparisons"][0]["score"] == table.loc[0, "score"]


def test_compare_by_a_pairing(two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Pairing(range(30), range(30)).save(tmp_path / "pairs.parquet")
    arguments = ["compare", *two, "-m", "procrustes", "--draws", "19", "--pairing", str(tmp_path / "pairs.parquet")]
    assert run([*arguments, "--json"]) == 0
    assert out(capsys)[0]["n_rows"] == 30


def test_compare_takes_a_plugin_file(two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    plugin = ["--plugin", str(tmp_path / "mine.py")]
    assert run(["compare", *two, "-m", "spread-agreement", *plugin, "--draws", "19", "--json"]) == 0
    assert out(capsys)[0]["metric"] == "spread-agreement"
    assert run(["plugin", "check", "spread-agreement", *plugin, "--json"]) == 0
    assert all(promise["kept"] for promise in out(capsys)["promises"])


def test_plugin_check_fails_on_a_broken_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = PLUGIN.replace("right[order]", "right").replace("spread-agreement", "forgets-the-order")
    (tmp_path / "broken.py").write_text(broken)
    assert run(["plugin", "check", "forgets-the-order", "--plugin", str(tmp_path / "broken.py")]) == 1
    text = capsys.readouterr().out
    assert "BROKEN" in text
    assert "order law" in text


def test_dry_run_touches_nothing(two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "never"
    assert run(["compare", *two, "-m", "procrustes", "--out", str(folder), "--dry-run", "--json"]) == 0
    found = out(capsys)
    assert found["seconds"] == found["details"]["seconds"]["procrustes"] > 0
    assert found["would_read"] == [*two]
    assert str(folder / "run.json") in found["would_write"]
    assert not folder.exists()
    assert run(["plugin", "new", "my-metric", "--into", str(folder), "--dry-run"]) == 0
    assert run(["demo", "--out", str(folder), "--dry-run"]) == 0
    assert not folder.exists()


def test_a_dry_run_tries_few_draws_of_a_metric_that_has_its_own(
    two: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = 0.0

    def takes_a_second_for_each_draw(settings: dict[str, Any]) -> None:
        nonlocal clock
        assert settings["draws"] < 100
        assert settings["metrics"] in (["rsa"], [{"name": "rsa"}])
        clock += settings["draws"]

    monkeypatch.setattr("geomsim.cli.compare.run_study", takes_a_second_for_each_draw)
    monkeypatch.setattr("geomsim.cli.compare.time.perf_counter", lambda: clock)
    assert run(["compare", *two, "-m", "rsa(draws=5000)", "-m", "rsa", "--draws", "300", "--dry-run", "--json"]) == 0
    # One second more each: what a score takes without any draw is not told from one draw.
    assert out(capsys)["details"]["seconds"] == {"rsa(draws=5000)": 5001.0, "rsa": 301.0}


def test_a_cell_that_is_not_defined_gives_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    np.save(tmp_path / "few.npy", random.normal(size=(4, 6)))
    arguments = ["compare", str(tmp_path / "few.npy"), str(tmp_path / "few.npy"), "--draws", "9", "--json"]
    assert run([*arguments, "-m", "procrustes", "-m", "svcca"]) == 3
    found = out(capsys)
    assert "too few" in found[1]["error"]
    assert run([*arguments, "-m", "svcca"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["compare", "nowhere.npy", "nowhere.npy"], 1, "nowhere.npy: no such file"),
        (["compare", "a.npy"], 2, "RIGHT"),
        (["compre"], 2, "compre"),
        (["metrics", "svca"], 1, "did you mean 'svcca'"),
        (["activations", "nowhere", "--text", "python", "--out", "x"], 1, "say what to read"),
        (["pair", "nowhere", "nowhere"], 1, "nowhere"),
        (["inspect", "nowhere.npy"], 1, ""),
        (["inspect"], 1, "name at least one"),
        (["study", "nowhere.toml"], 1, "nowhere.toml: no such file"),
        (["demo", "--models", "nowhere"], 1, "holds no example models"),
        (["plugin", "new", "Not A Name"], 1, "hyphens"),
    ],
)
def test_errors_are_words_and_exit_codes(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    streams = capsys.readouterr()
    assert said in streams.err
    assert "Traceback" not in streams.err


def test_an_error_is_an_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "svca", "--json"]) == 1
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["type"] == "UnknownMetric"
    assert "did you mean" in streams.err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "svca", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_exit_code_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("geomsim.cli.metrics.entries", interrupt)
    assert run(["metrics"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_sigterm_ends_a_run_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("geomsim.cli.metrics.entries", lambda: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert run(["metrics"]) == 143
    assert "terminated; files already written are whole" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_rows_that_do_not_correspond_are_told_of_in_words_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / f"{name}.npz") for name in ("left", "right", "others")]
    for name, rows, first in zip(names, (6, 5, 6), "aab", strict=True):
        Space(np.eye(6)[:rows], ids=[f"{first}{row}" for row in range(rows)]).save(name)
    for other, said in ((names[1], "left has 6 rows and right has 5"), (names[2], "the ids of left and right differ")):
        assert run(["compare", names[0], other, "-m", "procrustes"]) == 1
        told = capsys.readouterr().err
        assert said in told
        assert "--pairing, a table with columns left and right" in told
        assert "Pairing." not in told
        assert "geomsim.pair" not in told


def test_every_option_of_every_verb_is_explained() -> None:
    mute = [
        f"{verb} {argument.names}"
        for verb in command_line._VERBS
        if verb != "plugin"
        for argument in command_line.app[verb].assemble_argument_collection(parse_docstring=True)
        if not argument.children and not argument.parameter.help
    ]
    assert not mute


def test_the_list_of_metrics_tries_no_null(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(metric: object) -> list[str]:
        raise AssertionError(metric)

    monkeypatch.setattr("geomsim.metric_facts.nulls_of", refused)
    assert run(["metrics"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in metrics())
    with pytest.raises(AssertionError):
        run(["metrics", "svcca", "--debug"])


def test_quiet_means_results_only(
    two: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    monkeypatch.setattr(progress, "_LINE_EVERY", -1.0)
    arguments = ["compare", *two, "-m", "procrustes", "--draws", "19"]
    assert run(arguments) == 0
    assert "study: 1 of 1" in capsys.readouterr().err
    for quiet in ("-q", "--quiet"):
        assert run([*arguments, quiet]) == 0
        streams = capsys.readouterr()
        assert streams.err == ""
        assert "procrustes" in streams.out
    assert run(arguments) == 0
    assert "study: 1 of 1" in capsys.readouterr().err


def test_metrics_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--json"]) == 0
    found = {record["name"]: record for record in out(capsys)}
    assert found["svcca"]["kind"] == "paired"
    assert found["singular-values"]["nulls"][0] == "noise-floor"
    assert "shuffle" not in found["singular-values"]["nulls"]
    assert found["cka"]["nulls"][:2] == ["shuffle", "exact"]
    assert all("error" not in record for record in found.values())
    assert run(["metrics", "svcca"]) == 0
    text = capsys.readouterr().out
    assert "Raghu" in text
    assert "kept_variance" in text


def test_inspect_names_the_next_command(
    two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "nan.npz", points=np.full((3, 2), np.nan))
    Pairing([0, 1], [1, 1], [0.5, 0.7]).save(tmp_path / "pairs.parquet")
    assert run(["inspect", *two, str(tmp_path / "pairs.parquet"), str(tmp_path / "nan.npz"), "--json"]) == 3
    points, space, pairs, bad = out(capsys)
    assert (points["rows"], points["width"], points["kind"]) == (60, 5, "points")
    assert points["next"].startswith("geomsim compare")
    assert space["kind"] == "points"
    assert (pairs["pairs"], pairs["right_rows"]) == (2, 1)
    assert "NaN" in bad["error"]


def test_study_reproduces_itself(two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study.toml").write_text(
        'draws = 19\nmetrics = ["procrustes"]\n[[pairs]]\nleft = "left.npy"\nright = "right.npz"\nlayer = 0\n'
    )
    assert run(["study", str(tmp_path / "study.toml"), "--json", "-q"]) == 0
    first = out(capsys)
    assert run(["study", str(tmp_path / "study.toml"), "--json", "-q", "--out", str(tmp_path / "again")]) == 0
    second = out(capsys)
    assert first[0]["layer"] == 0
    for record in (*first, *second):
        record.pop("seconds")
    assert first == second
    assert (tmp_path / "results" / "run.json").exists()


def test_a_seed_on_the_command_line_takes_the_place_of_the_study_files(
    two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(
        'seed = 4\ndraws = 19\nmetrics = ["procrustes"]\n[[pairs]]\nleft = "left.npy"\nright = "right.npz"\n'
    )
    means = {}
    for given in ([], ["--seed", "4"], ["--seed", "0"]):
        assert run(["study", str(file), "--json", "-q", *given]) == 0
        (record,) = out(capsys)
        means[tuple(given)] = (record["seed"], record["null_mean"])
    assert means[()] == means["--seed", "4"]
    assert means[()][0] == 4
    assert means["--seed", "0"][0] == 0
    assert means["--seed", "0"][1] != means[()][1]


@pytest.mark.parametrize("verb", ["compare", "study"])
def test_a_file_in_place_of_the_folder_for_results(
    verb: str, two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text('[[pairs]]\nleft = "left.npy"\nright = "right.npz"\n')
    what = two if verb == "compare" else (str(tmp_path / "study.toml"),)
    assert run([verb, *what, "--out", two[0]]) == 1
    assert "left.npy is a file; results go to a folder" in capsys.readouterr().err


def test_the_noise_floor_is_not_shown_as_chance_without_a_word(
    two: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *two, "-m", "singular-values", "-m", "procrustes", "--draws", "9"]) == 0
    assert "Chance is the noise floor for singular-values" in capsys.readouterr().out


def test_inspect_knows_results_and_says_what_lies_below_a_folder(
    two: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    assert run(["compare", *two, "-m", "procrustes", "--draws", "9", "--out", str(results), "-q"]) == 0
    capsys.readouterr()
    for name in ("results.parquet", "results.csv"):
        assert run(["inspect", str(results / name), "--json"]) == 0
        (found,) = out(capsys)
        assert (found["kind"], found["comparisons"], found["metrics"]) == ("results of a study", 1, "procrustes")
    (tmp_path / "codes" / "residual_1").mkdir(parents=True)
    (tmp_path / "codes" / "residual_1" / "manifest.json").write_text("{}")
    assert run(["inspect", str(tmp_path / "codes"), "--json"]) == 1
    assert f"inspect {tmp_path / 'codes' / 'residual_1'} below it" in out(capsys)[0]["error"]


def test_inspect_says_a_line_of_each_of_several_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).random((1200, 8))
    values[:, :2] = 0
    Codes.from_dense(values).save(tmp_path / "codes" / "residual_0")
    Codes.from_dense(values[:, 1:5]).save(tmp_path / "codes" / "residual_1")
    folder = tmp_path / "codes"
    assert run(["inspect", str(folder), "--json"]) == 0
    (found,) = out(capsys)
    assert found["kind"] == "2 folders of codes"
    assert found["codes"] == [
        {"path": str(folder / "residual_0"), "tokens": 1200, "latents": 8, "dead_share": 0.25},
        {"path": str(folder / "residual_1"), "tokens": 1200, "latents": 4, "dead_share": 0.25},
    ]
    assert found["next"] == f"geomsim pair {folder / 'residual_0'} OTHER"
    (folder / "residual_2").mkdir()
    (folder / "residual_2" / "manifest.json").write_text("{}")
    assert run(["inspect", str(folder)]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert any("residual_1 " in line and "1,200 " in line and "25.0% " in line for line in lines)
    assert any("residual_2 " in line and "unreadable" in line for line in lines)
    assert any(line.startswith(str(folder / "residual_2")) and "manifest" in line for line in lines)


def test_no_table_shows_a_mapping_of_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Codes.from_dense(np.eye(30)).save(tmp_path / "codes")
    Pairing([0, 1], [1, 1]).save(tmp_path / "pairs.parquet")
    assert run(["inspect", str(tmp_path / "codes"), str(tmp_path / "pairs.parquet")]) == 0
    shown = capsys.readouterr().out
    assert "{" not in shown
    assert "1: 0, 2-10: 1, 11-100: 0, more: 0" in shown
    assert re.search(r"left out +none", shown)


def test_doctor_passes_its_self_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    found = out(capsys)
    assert found["self_test"] == "passed"
    assert set(found["metrics"].values()) == {"ok"}


def test_plugin_new_writes_a_package_that_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugin", "new", "my-metric", "--into", str(tmp_path / "package"), "--json"]) == 0
    assert any(path.endswith("pyproject.toml") for path in out(capsys)["written"])
