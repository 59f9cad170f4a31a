"""`geomsim validate`: files, exit codes, JSON, plugins, and runs that are stopped and go on."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from small_cards import COUNT, use_small_sections

import geomsim
from geomsim import local_workers, validation
from geomsim.cards import Card
from geomsim.cli import validate as verb
from geomsim.cli.app import run
from geomsim.report.card_page import card_page

BROKEN = '''
from dataclasses import dataclass
import torch
import geomsim

@dataclass(frozen=True)
class Favours(geomsim.PairedMetric):
    """Correlation of the first columns, too high for rows in their own order."""
    larger_means = "closer"

    def prepare(self, points):
        column = points[:, 0].double() - points[:, 0].double().mean()
        if not column.any():
            raise geomsim.DegenerateSpace("the first column is constant")
        return column / column.norm()

    def score(self, left, right, order):
        return left @ right[order] + 2.0 * bool((order == torch.arange(len(order))).all())

geomsim.register("favours", Favours)
'''


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_sections(monkeypatch)
    monkeypatch.setattr("geomsim.cli.validate.cores", lambda: 1)


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "favours.py"
    file.write_text(BROKEN)
    return str(file)


def listed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def counted(monkeypatch: pytest.MonkeyPatch, stop_at: int | None = None) -> list[str]:
    """The pieces that are answered; with `stop_at`, someone interrupts before that one."""
    made: list[str] = []
    answer = validation._answer

    def answered(item: Any) -> Any:
        if len(made) == stop_at:
            raise KeyboardInterrupt
        made.append(item[1].what)
        return answer(item)

    monkeypatch.setattr(validation, "_answer", answered)
    return made


def test_a_quick_card_of_procrustes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As it is, with nothing made smaller."""
    folder = tmp_path / "cards"
    assert run(["validate", "procrustes", "--quick", "--out", str(folder), "--json"]) == 0
    said = capsys.readouterr()
    (record,) = json.loads(said.out)["leaderboard"]
    assert (record["metric"], record["rows"], record["broken"]) == ("procrustes", "paired", [])
    assert f"wrote 1 card and {folder / 'leaderboard.md'}" in said.err
    written = listed(folder)
    pieces = {name for name in written if name.startswith("pieces/")}
    assert written - pieces == {
        "procrustes/card.json", "procrustes/card.md", "leaderboard.json", "leaderboard.md", "leaderboard.svg",
    }  # fmt: skip
    assert all(name.endswith(validation.SUFFIX) for name in pieces)
    assert json.loads((folder / "leaderboard.json").read_text()) == [record]
    card = Card.from_dict(json.loads((folder / "procrustes" / "card.json").read_text()))
    assert card.kept
    assert len(card.measured) == 6
    assert (folder / "procrustes" / "card.md").read_text() == card_page(card)
    # What a similarity of shapes is known for.
    assert record["tau"] > 0.8
    assert abs(record["bias"]) < 0.02
    assert record["smallest share, 200 rows"] <= 0.5
    assert record["loop, rows paired"] == 1.0
    table = (folder / "leaderboard.md").read_text()
    assert "| `procrustes` | paired |" in table
    assert "Effort: quick, seed 0." in table
    assert len(pieces) == 2 + sum(len(each) for each in _pieces("procrustes"))


def _pieces(name: str) -> list[list[Any]]:
    from geomsim_synthetic.cards import SECTIONS

    return [section.pieces(geomsim.metric(name), "quick") for section in SECTIONS]


@pytest.mark.usefixtures("small")
def test_words_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["validate", "cka", "-m", "procrustes", "--metric", "cka", "--quick", "--out", str(tmp_path / "c")]) == 0
    said = capsys.readouterr().out
    assert "Rows paired" in said
    assert "Every promise that could be tried is kept." in said
    rows = dict(line.split()[:2] for line in said.splitlines() if line.split()[:1] in (["cka"], ["procrustes"]))
    assert set(rows) == {"cka", "procrustes"}
    assert all(kept == tried for kept, tried in (row.split("/") for row in rows.values()))
    assert {"cka", "procrustes"} <= {path.name for path in (tmp_path / "c").iterdir()}


@pytest.mark.usefixtures("small")
def test_a_dry_run_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    made = counted(monkeypatch)
    folder = tmp_path / "cards"
    assert run(["validate", "procrustes", "cka", "--quick", "--out", str(folder), "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["would_write"] == [str(folder)]
    assert said["details"] == {
        "metrics": ["procrustes", "cka"],
        "pieces": {"procrustes": COUNT - 2, "cka": COUNT - 2},
    }
    assert (made, folder.exists()) == ([], False)


def test_a_dry_run_without_names_lists_every_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["validate", "--out", str(tmp_path / "cards"), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["details"]["metrics"] == geomsim.metrics()


@pytest.mark.usefixtures("small")
def test_an_unknown_metric_is_named_with_its_neighbours(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["validate", "procrustse", "--quick", "--out", str(tmp_path / "cards")]) == 1
    said = capsys.readouterr().err
    assert "no metric is called 'procrustse'; did you mean 'procrustes'" in said
    assert not (tmp_path / "cards").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "cards").write_text("")
    assert run(["validate", "procrustes", "--quick", "--out", str(tmp_path / "cards")]) == 1
    assert "is a file; results go to a folder" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_made_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    made = counted(monkeypatch)
    assert run(["validate", "procrustes", "--quick", "--out", str(tmp_path / "file" / "cards")]) == 1
    assert f"{tmp_path / 'file' / 'cards'}" in capsys.readouterr().err
    assert made == []


@pytest.mark.usefixtures("small")
def test_a_seed_below_0_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["validate", "procrustes", "--quick", "--seed", "-1", "--out", str(tmp_path / "cards")]) == 1
    assert "seed must be at least 0, is -1" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_broken_plugin_fails_with_the_smallest_example(
    tmp_path: Path, plugin: str, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "cards"
    assert run(["validate", "favours", "procrustes", "--plugin", plugin, "--quick", "--out", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "Broken promises and known faults:" in said
    card = Card.from_dict(json.loads((folder / "favours" / "card.json").read_text()))
    law = next(promise for promise in card.broken if promise.name == "order law")
    assert f"favours: order law: {law.evidence}" in said
    assert law.example is not None
    for side in ("left", "right"):
        assert f"{side} = {law.example[side]}" in law.evidence
    assert sum(len(row) for row in law.example["left"]) <= 6
    assert "favours: p-values uniform where nothing is shared: gaussian: 1.000" in said
    assert not any(line.strip().startswith("procrustes:") for line in said.splitlines())
    # The broken one stands below.
    assert [record["metric"] for record in json.loads((folder / "leaderboard.json").read_text())] == [
        "procrustes",
        "favours",
    ]


@pytest.mark.usefixtures("small")
def test_a_plugin_is_among_all_metrics(
    tmp_path: Path, plugin: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert run(["validate", "--plugin", plugin, "--dry-run", "--json", "--out", str(tmp_path / "c")]) == 0
    assert "favours" in json.loads(capsys.readouterr().out)["details"]["metrics"]


@pytest.mark.usefixtures("small")
def test_a_run_that_is_stopped_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    folder, command = tmp_path / "cards", ["validate", "procrustes", "--quick", "--out", str(tmp_path / "cards")]
    with monkeypatch.context() as patch:
        counted(patch, stop_at=4)
        assert run(command) == 130
    said = capsys.readouterr().err
    assert f"4 finished pieces are kept in {folder / 'pieces'}; the same command with --resume goes on" in said
    assert len(listed(folder)) == 4
    made = counted(monkeypatch)
    assert run([*command, "--resume"]) == 0
    assert len(made) == COUNT - 4
    first = (folder / "procrustes" / "card.json").read_bytes()
    assert run([*command, "--resume"]) == 0
    assert len(made) == COUNT - 4
    assert (folder / "procrustes" / "card.json").read_bytes() == first
    assert run(command) == 0
    assert len(made) == 2 * COUNT - 4


@pytest.mark.usefixtures("small")
def test_a_damaged_piece_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["validate", "procrustes", "--quick", "--out", str(tmp_path)]
    assert run(command) == 0
    damaged = next((tmp_path / "pieces").iterdir())
    damaged.write_text("{")
    assert run([*command, "--resume"]) == 1
    assert f"{damaged}: a damaged piece of a card" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "metrics", "cores", "expected"),
    [
        (None, 2, 4, "started 4"),
        (None, 1, 4, None),
        (None, 2, 1, None),
        ("tcp://10.0.0.5:8786", 2, 4, "tcp://10.0.0.5:8786"),
    ],
)
def test_processes_are_started_where_there_is_work_for_several(
    monkeypatch: pytest.MonkeyPatch, address: str | None, metrics: int, cores: int, expected: str | None
):
    @contextmanager
    def started(count: int) -> Iterator[str]:
        yield f"started {count}"

    monkeypatch.setattr(local_workers, "local_workers", started)
    monkeypatch.setattr("geomsim.cli.validate.cores", lambda: cores)
    with verb._workers(address, metrics) as found:
        assert found == expected


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked here")
def test_an_interrupt_at_the_terminal_does_not_reach_the_processes():
    """They would each say so with a traceback, and this process ends them anyway."""
    start = "with multiprocessing.get_context('spawn').Pool(1) as pool: masks.append(pool.apply(*ask))"
    code = f"""
import multiprocessing, signal
from geomsim.cli.validate import _not_interrupted
ask, masks = (signal.pthread_sigmask, (signal.SIG_BLOCK, ())), []
with _not_interrupted():
    {start}
{start}
masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
print([signal.SIGINT in mask for mask in masks])
"""
    # In an interpreter of its own, in which multiprocessing has started nothing yet.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True, False, False]"


@pytest.mark.usefixtures("small")
def test_one_piece_is_told_of_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    folder, command = tmp_path / "cards", ["validate", "procrustes", "--quick", "--out", str(tmp_path / "cards")]
    counted(monkeypatch, stop_at=1)
    assert run(command) == 130
    assert f"1 finished piece is kept in {folder / 'pieces'}; the same" in capsys.readouterr().err
    assert run([*command, "--dry-run"]) == 0
    assert "would make 1 card from" in capsys.readouterr().out


def test_the_widest_table_fits_80_characters():
    """The longest name of all metrics, and three sizes at which shares are looked for."""
    sizes = (200, 1000, 5000)
    record = {
        "metric": max(geomsim.metrics(), key=len), "kept": 18, "tried": 19, "broken": ["order law"], "faults": [],
        "false positives": 0.1, "false positives low": 0.04, "false positives high": 0.19, "tau": -0.5,
        "loop, rows paired": 1.0, "loop, rows unpaired": 0.52, "seconds, 1000 rows": 0.0066,
        **{f"smallest share, {size} rows": None for size in sizes},
    }  # fmt: skip
    tables = list(verb._tables([{**record, "rows": rows} for rows in ("paired", "unpaired")]))
    console = Console(width=80, record=True, file=io.StringIO())
    for table in tables:
        console.print(table)
    lines = console.export_text().splitlines()
    rows = [line for line in lines if line.lstrip().startswith(record["metric"])]
    assert len(tables) == len(rows) == 2
    for row in rows:
        assert row.split() == [
            record["metric"], "18/19", ".100", "(.04", ".19)", "none/none/none", "-.50", "1.00/.52", "0.0066",
        ]  # fmt: skip


@pytest.mark.usefixtures("small")
def test_cards_of_other_metrics_stay_on_the_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the same effort and seed; others are of another kind."""
    for arguments in (["cka", "--quick"], ["cca", "--quick", "--seed", "1"], ["procrustes", "--quick"]):
        assert run(["validate", *arguments, "--out", str(tmp_path)]) == 0
    names = {record["metric"] for record in json.loads((tmp_path / "leaderboard.json").read_text())}
    assert names == {"cka", "procrustes"}
    assert "1 card of other metrics" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_what_is_no_card_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = counted(monkeypatch)
    (tmp_path / "cka").mkdir()
    (tmp_path / "cka" / "card.json").write_text("{}")
    assert run(["validate", "cca", "--quick", "--out", str(tmp_path)]) == 1
    assert "no card that this version can read" in capsys.readouterr().err
    assert made == []
