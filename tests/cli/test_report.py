"""Reports from the command line: of a study, of one comparison, of results that lie in a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from geomsim import Pairing, Space
from geomsim.cli.app import run
from geomsim.report import assembling
from geomsim.report.assembling import contents_of
from geomsim.report.page.contents import Contents
from geomsim.report.results import Results
from geomsim.report.views import beside, stored
from geomsim.report.views.stored_page import save_page

ROWS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs of spaces, one paired and one not, and their study with a report."""
    folder = tmp_path_factory.mktemp("study")
    random = np.random.default_rng(0)
    points = random.normal(size=(ROWS, 6))
    Space(points, name="left model").save(folder / "left.npz")
    Space(points[:, ::-1] + 0.1 * random.normal(size=points.shape), name="right model").save(folder / "right.npz")
    Pairing(np.arange(40), np.arange(40), np.linspace(0.2, 1, 40)).save(folder / "pairing.parquet")
    (folder / "study.toml").write_text(
        'draws = 19\nmetrics = ["rsa", "singular-values"]\n'
        '[[pairs]]\nleft = "left.npz"\nright = "right.npz"\npairing = "pairing.parquet"\nkind = "paired"\n'
        '[[pairs]]\nleft = "left.npz"\nright = "right.npz"\nkind = "whole"\n'
    )
    report = folder / "deep" / "report.html"
    assert run(["study", str(folder / "study.toml"), "--report", str(report), "-q"]) == 0
    return folder


def test_layouts_are_made_beside_the_cells_of_a_study(made: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    assert len(list((made / "results" / "views").glob("layout_*.parquet"))) == 2
    for name in ("study.toml", "left.npz", "right.npz", "pairing.parquet"):
        shutil.copy(made / name, tmp_path)
    # Nothing is left to be laid out here.
    monkeypatch.setattr(stored, "umap_layout", lambda *_: 1 / 0)
    command = ["study", str(tmp_path / "study.toml"), "--report", str(tmp_path / "report.html")]
    assert run(command) == 0
    assert "layouts are made now" not in capsys.readouterr().err
    assert_same_maps(tmp_path / "results", made / "results")


def test_layouts_that_fail_beside_are_made_afterwards(made: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    for name in ("study.toml", "left.npz", "right.npz", "pairing.parquet"):
        shutil.copy(made / name, tmp_path)
    monkeypatch.setattr(beside.sys, "executable", shutil.which("false"))
    assert run(["study", str(tmp_path / "study.toml"), "--report", str(tmp_path / "report.html")]) == 0
    assert "layouts are made now, since they could not be made meanwhile: it ended with 1" in capsys.readouterr().err
    assert_same_maps(tmp_path / "results", made / "results")


def assert_same_maps(one: Path, other: Path) -> None:
    maps = [[space.places for space in contents_of(Results.open(folder)).spaces] for folder in (one, other)]
    assert len(maps[0]) == 2
    np.testing.assert_array_equal(*maps)


def test_a_study_writes_its_report_and_report_makes_the_same_again(made: Path, capsys) -> None:
    assert run(["report", str(made / "results"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == str(made / "results" / "report.html")
    page = (made / "results" / "report.html").read_bytes()
    assert told["bytes"] == len(page)
    assert page == (made / "deep" / "report.html").read_bytes()
    assert str(made).encode() not in page, "no path of this machine"


def test_all_of_the_study_is_in_it(made: Path) -> None:
    contents = contents_of(Results.open(made / "results"))
    assert [pair.name for pair in contents.pairs] == ["paired", "whole"]
    assert [len(pair.links.left) for pair in contents.pairs] == [40, ROWS]
    assert [space.name for space in contents.spaces] == ["left model", "right model"]
    assert all(space.places.shape == (ROWS, 2) for space in contents.spaces)
    assert contents.scores.pair_of == [0, 0, 1, 1]
    assert {graphs.pair for graphs in contents.graphs} == {0, 1}
    assert len(contents.diagrams) == 4
    assert [card.metric for card in contents.cards] == ["rsa", "singular-values"]
    assert all(contents.missing[view] for view in ("maps", "graphs", "nulls", "diagrams", "subspaces"))


def test_once_made_it_needs_the_compared_files_no_more(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "results", tmp_path / "results")
    run(["report", str(made / "results"), "-q"])
    assert run(["report", str(tmp_path / "results"), "-q"]) == 0
    assert (tmp_path / "results" / "report.html").read_bytes() == (made / "results" / "report.html").read_bytes()


def test_files_that_are_gone_leave_a_report_that_says_so(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "results", tmp_path / "results", ignore=shutil.ignore_patterns("views"))
    contents = contents_of(Results.open(tmp_path / "results"))
    assert all(space.places is None for space in contents.spaces)
    assert "pair 1 (paired): left.npz is not there any more" in " ".join(contents.notes["maps"])
    assert not contents.graphs
    assert len(contents.scores.records) == 4


def test_graphs_of_fewer_pairs_are_said_to_be_fewer(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert run(["report", str(made / "results"), "--out", str(target), "--graphs", "1", "-q"]) == 0
    contents = contents_of(Results.open(made / "results"), graphs=1)
    assert len(contents.graphs) == 1
    assert "1 of 2 pairs" in contents.notes["graphs"][0]
    assert contents_of(Results.open(made / "results"), graphs=0).graphs == []


def test_the_kind_that_is_asked_about_comes_first(made: Path) -> None:
    for kind in ("paired", "whole"):
        contents = contents_of(Results.open(made / "results"), kind=kind)
        assert contents.scores.records[contents.scores.first]["kind"] == kind
        assert kind in contents.sentences[1]


def test_a_comparison_has_a_report_with_and_without_a_folder(made: Path, tmp_path: Path) -> None:
    sides = [str(made / "left.npz"), str(made / "right.npz"), "--pairing", str(made / "pairing.parquet")]
    asked = ["compare", *sides, "-m", "rsa", "--draws", "19", "-q"]
    assert run([*asked, "--report", str(tmp_path / "one.html")]) == 0
    assert run([*asked, "--out", str(tmp_path / "results"), "--report", str(tmp_path / "two.html")]) == 0
    assert (tmp_path / "one.html").stat().st_size > 300_000
    assert len(contents_of(Results.open(tmp_path / "results")).pairs[0].links.left) == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nowhere"], "there is no such folder"),
        (["report", "{made}"], "run.json is missing"),
        (["report", "{made}/results", "--out", "{made}"], "is a folder; the report is one file"),
        (["report", "{made}/results", "--out", "page.pdf"], "the report is an HTML file"),
        (["report", "{made}/results", "--graphs", "-1"], "0 for none"),
        (["study", "{made}/study.toml", "--report", "page.txt"], "the report is an HTML file"),
        (["compare", "{made}/left.npz", "{made}/right.npz", "--report", "{made}"], "is a folder"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(made: Path, capsys, arguments: list[str], message: str) -> None:
    assert run([argument.format(made=made) for argument in arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_dry_run_touches_nothing(made: Path, tmp_path: Path, capsys) -> None:
    target = tmp_path / "page.html"
    assert run(["report", str(made / "results"), "--out", str(target), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["details"] == {"comparisons": 4, "pairs": 2}
    assert not target.exists()


def test_anew_deletes_what_geomsim_made_and_nothing_else(made: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "index.py").write_text("mine")
    assert run(["report", str(tmp_path), "--anew"]) != 0
    assert (tmp_path / "views" / "index.py").exists()
    shutil.copytree(made, tmp_path / "study")
    views = tmp_path / "study" / "results" / "views"
    (views / "notes.txt").write_text("mine")
    before = {path.name: path.stat().st_mtime_ns for path in views.iterdir()}
    assert run(["report", str(views.parent), "--anew", "-q"]) == 0
    after = {path.name: path.stat().st_mtime_ns for path in views.iterdir()}
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] == after[name]} == {"notes.txt"}


def test_graphs_that_are_kept_nowhere_else_are_not_deleted(tmp_path: Path, capsys) -> None:
    save_page(Contents("graphs", ["one"]), tmp_path / "views")
    (tmp_path / "run.json").write_text("{}")
    assert run(["report", str(tmp_path), "--anew"]) != 0
    assert "kept nowhere else" in capsys.readouterr().err
    assert run(["report", str(tmp_path), "-q"]) == 0


def test_a_report_that_was_cut_short_leaves_no_old_maps(made: Path, tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(made, tmp_path / "study")
    results = Results.open(tmp_path / "study" / "results")
    both = len(contents_of(results).graphs)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(assembling, "save_maps", interrupted)
        with pytest.raises(KeyboardInterrupt):
            contents_of(results, graphs=1)
    assert len(contents_of(results).graphs) == both == 2


def test_no_absolute_path_is_in_it(made: Path, tmp_path: Path) -> None:
    for name in ("left.npz", "right.npz", "pairing.parquet"):
        shutil.copy(made / name, tmp_path / name)
    Space(np.random.default_rng(1).normal(size=(ROWS, 4))).save(tmp_path / "nameless.npz")
    pairs = [("left.npz", "right.npz", "a"), ("nameless.npz", "left.npz", "b"), ("left.npz", "left.npz", "b")]
    (tmp_path / "study.toml").write_text(
        'draws = 9\nmetrics = ["rsa"]\n'
        + "".join(
            f'[[pairs]]\nleft = "{tmp_path / left}"\nright = "{tmp_path / right}"\nkind = "{kind}"\n'
            for left, right, kind in pairs
        )
    )
    assert run(["study", str(tmp_path / "study.toml"), "--no-figures", "-q"]) == 0
    for gone in ("", "right.npz"):
        (tmp_path / gone).unlink() if gone else None
        assembling.forget_views(Results.open(tmp_path / "results"))
        contents = contents_of(Results.open(tmp_path / "results"))
        found = repr((contents.title, contents.sentences, contents.scores, contents.notes, contents.provenance))
        names = [each.name for some in (contents.spaces, contents.pairs, contents.graphs) for each in some]
        assert str(tmp_path) not in found + repr(names)
        assert [record["left"] for record in contents.scores.records] == ["left.npz", "nameless.npz", "left.npz"]
        assert any("right.npz is not there any more" in note for note in contents.notes["maps"]) == bool(gone)


def test_a_comparison_without_a_folder_says_how_to_get_it_again(made: Path, tmp_path: Path, monkeypatch) -> None:
    told = []
    monkeypatch.setattr("geomsim.report.page.writing.write_page", lambda path, contents: told.append(contents) or path)
    sides = [str(made / "left.npz"), str(made / "right.npz")]
    report = str(tmp_path / "report.html")
    assert run(["compare", *sides, "--metric", "rsa", "--draws", "9", "--report", report, "-q"]) == 0
    steps = told[0].provenance["How to get these numbers again"]
    assert any("geomsim compare left.npz right.npz --metric rsa --draws 9" in step for step in steps)


def test_a_file_that_changed_since_is_said_to_have(made: Path, tmp_path: Path) -> None:
    for name in ("left.npz", "right.npz", "pairing.parquet", "study.toml"):
        shutil.copy(made / name, tmp_path / name)
    assert run(["study", str(tmp_path / "study.toml"), "-q"]) == 0
    kept = Space(tmp_path / "left.npz")
    Space(kept.numpy() + 1.0, name=kept.name).save(tmp_path / "left.npz")
    notes = contents_of(Results.open(tmp_path / "results"), graphs=0).notes["maps"]
    assert [note for note in notes if "changed since" in note] == [
        "pair 1 (paired), left: left.npz has changed since it was compared; the map shows it as it is now, the scores "
        "are of what it was. Run the study again"
    ]


def test_points_that_stand_in_the_file_itself_are_compared_with_a_report(made: Path, tmp_path: Path, capsys) -> None:
    left, right = np.random.default_rng(0).normal(size=(2, 20, 3)).round(3).tolist()
    file = tmp_path / "study.toml"
    file.write_text(f'metrics = ["rsa"]\ndraws = 9\n[[pairs]]\nleft = {left}\nright = {right}\n')
    assert run(["study", str(file), "--report", str(tmp_path / "report.html")]) == 0
    assert "rsa" in (tmp_path / "report.html").read_text()
    capsys.readouterr()
    file.write_text(f'metrics = ["rsa"]\n[[pairs]]\nleft = 5\nright = "{made / "right.npz"}"\n')
    assert run(["study", str(file), "--report", str(tmp_path / "report.html")]) == 1
    assert "must be (rows, width), got shape ()" in capsys.readouterr().err
