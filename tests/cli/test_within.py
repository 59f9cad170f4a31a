"""`geomsim within`: groups by rows, ids, themes and files; tables, files, exit codes."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cyclopts
import numpy as np
import pandas as pd
import pytest

from geomsim import Codes, Space
from geomsim.activations import TokenTable, TopTokens, save_top_tokens
from geomsim.cli import app as command_line
from geomsim.cli.app import run
from geomsim.cli.within import within
from geomsim.groups import compare_groups

POINTS = np.random.default_rng(0).normal(size=(40, 5))
RUN = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return Space(POINTS, [f"w{row}" for row in range(40)], name="words").save(tmp_path / "words.npz")


@pytest.fixture
def called(space: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RUN:
    """Runs the verb; exit code, what it printed as JSON, and standard error."""
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 1)
    if "within" not in command_line.app:
        fresh = cyclopts.App(name="geomsim", default_parameter=command_line.app.default_parameter)
        fresh.command(within, name="within")
        monkeypatch.setattr(command_line, "app", fresh)

    def ran(*words: str, draws: str = "9", at: Path = space) -> tuple[int, Any, str]:
        code = run(["within", str(at), "--draws", draws, "--json", *words])
        streams = capsys.readouterr()
        return code, json.loads(streams.out) if streams.out else None, streams.err

    return ran


FIRST, SECOND = "first=0,1,2,3,4,5,6", "second=w20,w21,w22,w23,w24,w25,w26"


def test_rows_and_ids(called: RUN):
    words = ["-g", FIRST, "-g", SECOND, "--correspondence", "by-order", "-m", "rsa", "-m", "singular-values"]
    code, found, _ = called(*words, "--seed", "3")
    assert code == 0
    assert [record["metric"] for record in found] == ["rsa", "singular-values"]
    expected = compare_groups(POINTS, range(7), range(20, 27), "rsa", correspondence="by order", draws=9, seed=3)
    assert found[0]["score"] == expected.score
    assert found[0]["p_value"] == expected.p_value
    assert (found[0]["left_group"], found[0]["right_group"], found[0]["null"]) == ("first", "second", "random-group")


def test_the_table_is_for_people(called: RUN, space: Path, capsys: pytest.CaptureFixture[str]):
    words = ["within", str(space), "-g", FIRST, "-g", SECOND, "-g", "short=1,2,3", "--correspondence", "by-order"]
    assert run([*words, "-m", "rsa", "--draws", "9"]) == 3
    shown = capsys.readouterr().out
    assert "first" in shown
    assert "holm" in shown
    assert "they do not correspond by order" in shown


def test_the_table_names_the_nulls_of_one_metric(called: RUN, space: Path, capsys: pytest.CaptureFixture[str]):
    words = ["within", str(space), "-g", FIRST, "-g", SECOND, "-m", "singular-values", "--draws", "9"]
    assert run([*words, "--null", "random-group", "--null", "noise-floor"]) == 0
    both = capsys.readouterr().out
    assert "random-group" in both
    assert "noise-floor" in both
    assert "Chance is the noise floor" not in both
    assert run([*words, "--null", "noise-floor"]) == 0
    alone = capsys.readouterr().out
    assert "noise-floor" not in alone
    assert "Chance is the noise floor for singular-values" in alone


def test_numbers_that_are_ids_too(called: RUN, tmp_path: Path):
    digits = Space(POINTS, [str(39 - row) for row in range(40)]).save(tmp_path / "digits.npz")
    words = ["-m", "singular-values", "-g", "b=rows:20,21,22"]
    code, found, _ = called("-g", "a=0,1,2", *words, at=digits)
    assert (code, found["error"]["type"]) == (1, "InvalidConfig")
    assert "0,1,2 may be row numbers or ids of this space; write rows:0,1,2 or ids:0,1,2" in found["error"]["message"]
    half = Space(POINTS, [f"w{row}" if row else "7" for row in range(40)]).save(tmp_path / "half.npz")
    code, found, _ = called("-g", "a=3,7", *words, at=half)  # row 7, or the row that is called 7?
    assert code == 1
    assert "3,7 may be row numbers or ids" in found["error"]["message"]
    for given, rows in (("rows:0,1,2", [0, 1, 2]), ("ids:0,1,2", [39, 38, 37])):
        code, found, _ = called("-g", f"a={given}", *words, at=digits)
        assert code == 0
        assert found[0]["score"] == compare_groups(POINTS, rows, [20, 21, 22], "singular-values", draws=9).score


def test_a_file_of_groups_with_pool_and_pairs(called: RUN, tmp_path: Path):
    file = tmp_path / "groups.json"
    groups = {"a": [0, 1, 2, 3, 4], "b": ["w9", "w8", "w7", "w6", "w5"], "c": [10, 11, 12]}
    pairs = [{"left": "a", "right": "b", "pairs": [[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]]}]
    file.write_text(json.dumps({"groups": groups, "pool": list(range(20)), "correspondence": pairs}))
    code, found, _ = called("--groups", str(file), "-m", "procrustes")
    assert code == 3
    assert [record["error"] for record in found[1:]] == [
        "no correspondence is given for 'a' and 'c'", "no correspondence is given for 'b' and 'c'",
    ]  # fmt: skip
    expected = compare_groups(
        POINTS, range(5), range(5, 10), "procrustes", correspondence="by order", draws=9, pool=range(20)
    )
    assert (found[0]["score"], found[0]["p_value"]) == (expected.score, expected.p_value)
    code, found, _ = called(
        "--groups", str(file), "-g", "a", "-g", "c", "-m", "singular-values", "--pool", "rows:0,1,2,3,4,10,11,12"
    )
    assert (code, len(found)) == (0, 1)


def test_themes_of_top_tokens(called: RUN, tmp_path: Path):
    rows = [(row, 1, "tea" if row < 8 else "milk" if row < 20 else "sand") for row in range(40)]
    tokens = save_top_tokens(
        TopTokens(pd.DataFrame(rows, columns=["latent", "rank", "token"]), 40), tmp_path / "t.parquet"
    )
    themes = tmp_path / "themes.toml"
    themes.write_text(
        '[themes.tea]\nkeywords = ["tea"]\n[themes.milk]\nkeywords = ["milk"]\n[themes.sea]\nkeywords = ["sea"]'
    )
    of_themes = ["--tokens", str(tokens), "--themes", str(themes), "-m", "singular-values"]
    code, found, _ = called(*of_themes)
    assert code == 0
    assert [(record["left_group"], record["right_group"], record["n"]) for record in found] == [
        ("tea", "milk", 8), ("tea", "sea", 0), ("milk", "sea", 0),
    ]  # fmt: skip
    assert found[1]["error"] == "empty: no row is in 'sea'"
    code, found, _ = called(*of_themes, "-g", "milk", "-g", FIRST)
    assert [(record["left_group"], record["right_group"]) for record in found] == [("milk", "first")]
    short = save_top_tokens(
        TopTokens(pd.DataFrame(rows[:9], columns=["latent", "rank", "token"]), 9), tmp_path / "s.parquet"
    )
    code, found, _ = called("--tokens", str(short), "-m", "singular-values")
    assert "has the top tokens of 9 rows, and the space has 40" in found["error"]["message"]


def test_random_groups_of_latents_are_made_of_those_that_are_ever_active(called: RUN, tmp_path: Path):
    rows = [(row, 1, "tea" if row < 8 else "milk") for row in range(16)]
    tokens = save_top_tokens(
        TopTokens(pd.DataFrame(rows, columns=["latent", "rank", "token"]), 40), tmp_path / "t.parquet"
    )
    themes = tmp_path / "themes.toml"
    themes.write_text('[themes.tea]\nkeywords = ["tea"]\n[themes.milk]\nkeywords = ["milk"]')
    words = ["--tokens", str(tokens), "--themes", str(themes), "-m", "singular-values"]

    def pool_of(*more: str) -> Any:
        assert called(*words, *more, "--out", str(tmp_path / "out"))[0] == 0
        run = json.loads((tmp_path / "out" / "run.json").read_text())
        assert run["comparisons"][0]["facts"]["rows in the pool"] == len(run["config"]["pool"] or POINTS)
        return run["config"]["pool"]

    assert pool_of() == list(range(16))
    assert pool_of("-g", "tea", "-g", "silent=30,31,32") == [*range(16), 30, 31, 32]
    assert pool_of("--pool", f"rows:{','.join(map(str, range(40)))}") == list(range(40))
    groups = tmp_path / "groups.json"
    groups.write_text(json.dumps({"groups": {"a": [0, 1, 2], "b": [3, 4, 5]}, "pool": list(range(9))}))
    assert pool_of("--groups", str(groups)) == list(range(9))


def test_means_of_tokens_of_codes(called: RUN, tmp_path: Path):
    text = "abcdefgh" * 5
    (tmp_path / "text.txt").write_text(text)
    start = np.arange(len(text))
    values = np.random.default_rng(1).random((len(text), 4)).astype(np.float32)
    name = "text.txt"
    table = TokenTable(np.zeros(len(text), int), start, start, start + 1, start, documents=(name,))
    Codes(values, table).save(tmp_path / "codes")
    words = ["--text", str(tmp_path / "text.txt"), "-g", "one=a,b,c", "-g", "two=d,e,f", "-m", "singular-values"]
    code, found, err = called(*words, "--least", "5", at=tmp_path / "codes")
    assert code == 0, err
    means = np.stack([values[place::8].mean(0) for place in range(8)])
    expected = compare_groups(means, [0, 1, 2], [3, 4, 5], "singular-values", null=None).score
    assert found[0]["score"] == pytest.approx(expected, rel=1e-5)


def test_nulls_kept_sides_and_files(called: RUN, tmp_path: Path):
    words = ["-g", FIRST, "-g", SECOND, "-m", "singular-values", "--null", "random-group", "--null", "noise-floor"]
    out, page = tmp_path / "out", tmp_path / "report.html"
    code, found, err = called(*words, "--kept", "left", "--out", str(out), "--report", str(page))
    assert code == 0
    assert [record["null"] for record in found] == ["random-group (left kept)", "noise-floor"]
    assert {path.name for path in out.iterdir()} >= {"results.parquet", "results.csv", "draws.npz", "run.json"}
    assert pd.read_parquet(out / "results.parquet")["left_group"].tolist() == ["first", "first"]
    assert "<html" in page.read_text()
    assert f"wrote {page}" in err


def test_a_metric_has_parameters(called: RUN):
    words = ["-g", FIRST, "-g", SECOND, "--correspondence", "by-order", "-m", 'rsa(compare="pearson")', "-m", "rsa"]
    code, found, _ = called(*words)
    assert code == 0
    assert [json.loads(record["parameters"])["compare"] for record in found] == ["pearson", "spearman"]
    assert found[0]["score"] != found[1]["score"]


def test_what_holds_for_all_nulls_is_said_once(space: Path, capsys: pytest.CaptureFixture[str], called: RUN):
    words = ["within", str(space), "-g", FIRST, "-g", "short=1,20,21", "--correspondence", "by-order", "-m", "rsa"]
    assert run([*words, "--null", "random-group", "--null", "shuffle", "--draws", "9"]) == 1
    assert capsys.readouterr().out.count("  first and short, rsa: group 'first' has 7 rows and 'short' has 3") == 1


def test_a_dry_run_touches_nothing(called: RUN, tmp_path: Path, space: Path):
    before = sorted(tmp_path.iterdir())
    words = ["-g", FIRST, "-g", SECOND, "-g", "third=3,4", "-m", "rsa", "--out", str(tmp_path / "out"), "--dry-run"]
    code, planned, _ = called(*words)
    assert code == 0
    assert planned["would_read"] == [str(space)]
    assert str(tmp_path / "out" / "results.csv") in planned["would_write"]
    assert planned["details"] == {"groups": ["first", "second", "third"], "couples": 3, "metrics": ["rsa"]}
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-m", "mmcs"], "no groups: give --group NAME=ROWS, --groups FILE, or --tokens for themes"),
        (["-m", "mmcs", "-g", "months"], "no group is called 'months'; give --groups FILE, or --tokens for themes"),
        (["-m", "mmcs", "-g", FIRST], "two groups are compared, got 'first'"),
        (["-m", "rsa", "-g", FIRST, "-g", SECOND], "rsa compares rows that belong together: give --corr"),
        (["-m", "mmcs", "--themes", "t.toml", "-g", FIRST], "--themes needs --tokens"),
        (["-m", "mmcs", "--groups", "none.toml"], "none.toml: no such file"),
        (["-m", "mmcs(k=", "-g", FIRST, "-g", SECOND], "metric 'mmcs(k=' does not end with a closing bracket"),
        (
            ["-m", "mmcs", "-g", "a=rows:w1,w2", "-g", SECOND],
            "names rows that are no numbers; write rows:0,5,9, or ids:w1",
        ),
        (
            ["-m", "mmcs", "-g", FIRST, "-g", SECOND, "--null", "noise-floor", "--kept", "left"],
            "--kept left is a choice of the null random-group; add --null random-group",
        ),
        (["-m", "mmcs", "-g", "a=0,99", "-g", SECOND], "group 'a': row 99 does not exist: the space has"),
        (
            ["-m", "mmcs", "-g", FIRST, "-g", SECOND, "--pool", "0,1"],
            "the pool has 2 rows and lacks 5 of group 'first'",
        ),
    ],
)
def test_what_is_wrong_is_said(called: RUN, words: list[str], message: str):
    code, found, _ = called(*words)
    assert code == 1
    assert message in found["error"]["message"]


def test_every_option_is_described():
    described = inspect.getdoc(within) or ""
    for name in set(inspect.signature(within).parameters) - {"of_themes", "part", "scheduler", "common"}:
        assert f"\n{name}\n" in described, name


def test_the_record_of_a_run_holds_its_command(
    called: RUN, tmp_path: Path, space: Path, capsys: pytest.CaptureFixture[str]
):
    from geomsim.report.provenance import AGAIN, provenance

    asked = ["-g", FIRST, "-g", SECOND, "-m", "mmcs", "-m", "knn-jaccard(k=2)", "--correspondence", "by-order"]
    more = ["--kept", "right", "--pool", "rows:" + ",".join(map(str, range(30))), "--seed", "7"]
    code, first, _ = called(*asked, *more, "--out", str(tmp_path / "out"))
    assert code == 0
    told = json.loads((tmp_path / "out" / "run.json").read_text())
    words = shlex.split(told["config"]["command"])
    assert words[:3] == ["geomsim", "within", str(space)]
    assert "--out" not in words
    assert run([*words[1:], "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [{**record, "seconds": 0} for record in again] == [{**record, "seconds": 0} for record in first]
    steps = provenance(told)[AGAIN]
    assert steps[1].startswith("geomsim within words.npz --metric mmcs")
    assert not any("Python" in step for step in steps)


def test_the_command_of_themes_has_their_options(called: RUN, tmp_path: Path, space: Path):
    frame = pd.DataFrame({"latent": range(40), "rank": 1, "token": ["rain", "seven"] * 20, "share": 0.5, "firings": 3})
    table = save_top_tokens(TopTokens(frame, 40, {"codes": "c"}), tmp_path / "tokens.parquet")
    themes = tmp_path / "themes.toml"
    themes.write_text('[themes.sky]\nkeywords = ["rain"]\n[themes.number]\nkeywords = ["seven"]\n')
    words = ["--tokens", str(table), "--themes", str(themes), "--top", "3", "--shared", "-m", "mmcs"]
    assert called(*words, "--out", str(tmp_path / "out"))[0] == 0
    command = json.loads((tmp_path / "out" / "run.json").read_text())["config"]["command"]
    expected = f"geomsim within {space} --metric mmcs --draws 9 --tokens {table} --themes {themes} --top 3 --shared"
    assert shlex.split(command) == [*shlex.split(expected), "--seed", "0"]
