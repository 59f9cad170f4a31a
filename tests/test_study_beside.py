"""Cells by a second process are those that would be computed here."""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from geomsim import Space
from geomsim.checkpoint import SUFFIX, Checkpoint
from geomsim.parallel import cores
from geomsim.preparing import PreparedStudy
from geomsim.study import read_config, run_prepared
from geomsim.study_beside import cells_beside

TWO_CORES = pytest.mark.skipif(cores() < 2, reason="a second process needs a second core")


@pytest.fixture
def prepared(tmp_path):
    for number in range(3):
        Space(np.random.default_rng(number).normal(size=(30, 4))).save(tmp_path / f"{number}.npz")
    pairs = [f'[[pairs]]\nleft = "{i}.npz"\nright = "{j}.npz"\n' for i in range(3) for j in range(3) if i != j]
    (tmp_path / "study.toml").write_text('metrics = ["rsa", "procrustes"]\ndraws = 9\n' + "".join(pairs))
    return PreparedStudy(tmp_path, read_config(tmp_path / "study.toml"))


def finished(folder):
    return {file.name: file.stat().st_mtime_ns for file in folder.glob(f"*{SUFFIX}")}


def until(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


@TWO_CORES
@pytest.mark.parametrize("resume", [False, True])
def test_what_the_other_process_made_is_not_computed_again(prepared, tmp_path, monkeypatch, resume):
    alone = run_prepared(prepared, seed=5)
    folder = tmp_path / "cells"
    with cells_beside(prepared, folder, seed=5, resume=resume) as beside:
        assert cores() == len(os.sched_getaffinity(0)) - len(os.sched_getaffinity(0)) // 2
        until(lambda: len(finished(folder)) == 12)
        monkeypatch.setattr("geomsim.study_cells.compare_sides", lambda *_, **__: 1 / 0)
        both = run_prepared(prepared, seed=5, folder=folder, resume=resume, since=beside.since, elsewhere=beside.steps)
        until(lambda: beside.steps() == 12)
        assert beside.failed() == ""
    pd.testing.assert_frame_equal(
        both.table.drop(columns="seconds"), alone.table.drop(columns="seconds"), check_exact=True
    )
    assert {file.suffixes[-2] for file in folder.iterdir()} == {".cell"}
    assert cores() == len(os.sched_getaffinity(0))


@TWO_CORES
def test_without_resume_nothing_is_found_that_was_there_before(prepared, tmp_path):
    folder = tmp_path / "cells"
    run_prepared(prepared, folder=folder)
    before = finished(folder)
    with cells_beside(prepared, folder, seed=None, resume=False) as beside:
        until(lambda: all(kept > beside.since for kept in finished(folder).values()))
        assert beside.failed() == ""
    assert before.keys() == finished(folder).keys()
    with cells_beside(prepared, folder, seed=None, resume=False) as beside:
        assert all(kept <= beside.since for kept in finished(folder).values())
        run_prepared(prepared, folder=folder, resume=False, since=beside.since)
    assert all(kept > beside.since for kept in finished(folder).values())


@TWO_CORES
def test_why_the_other_process_ended_is_said_and_its_cells_are_computed_here(prepared, tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('no such luck')\n")
    broken = [tmp_path / "broken.py"]
    with cells_beside(prepared, tmp_path / "cells", seed=None, resume=False, plugins=broken) as beside:
        until(beside.failed)
        assert "no such luck" in beside.failed()
        assert beside.steps() == 0
        assert len(run_prepared(prepared, folder=tmp_path / "cells", resume=False, since=beside.since).cells) == 12


@TWO_CORES
def test_leaving_by_an_error_ends_the_process_and_keeps_its_cells(prepared, tmp_path):
    folder = tmp_path / "cells"

    def interrupted():
        with cells_beside(prepared, folder, seed=None, resume=False):
            until(lambda: finished(folder))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    kept = finished(folder)
    time.sleep(0.5)
    assert finished(folder) == kept
    assert run_prepared(prepared, folder=folder, resume=True).table["score"].notna().all()


@TWO_CORES
def test_what_the_process_had_begun_to_write_goes_with_it(prepared, tmp_path):
    folder = tmp_path / "cells"
    with cells_beside(prepared, folder, seed=None, resume=False) as beside:
        until(lambda: finished(folder))
        theirs = folder / f"a{SUFFIX}.{beside.process.pid}.0123.part"
        others = folder / f"a{SUFFIX}.{os.getpid()}.0123.part"
        theirs.touch()
        others.touch()
    assert not theirs.exists()
    assert others.exists()
    assert finished(folder)


@TWO_CORES
def test_it_ends_when_whoever_began_it_is_killed(prepared, tmp_path):
    code = (
        "import sys, os, signal, time; from pathlib import Path\n"
        "from geomsim.preparing import PreparedStudy; from geomsim.study import read_config\n"
        "from geomsim.study_beside import cells_beside\n"
        f"base = Path({str(tmp_path)!r})\n"
        "study = PreparedStudy(base, {**read_config(base / 'study.toml'), 'draws': 20_000})\n"
        "with cells_beside(study, base / 'cells', seed=None, resume=False):\n"
        "    while not list((base / 'cells').glob('*.cell.npz')): time.sleep(.01)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == -9
    # The cell that it is at is finished, maybe.
    found = [len(finished(tmp_path / "cells"))]
    until(lambda: found.append(len(finished(tmp_path / "cells"))) or time.sleep(3) or found[-1] == found[-2])
    assert found[-1] < 12


def test_a_checkpoint_without_resume_finds_what_came_after_a_time(tmp_path):
    Checkpoint(tmp_path, resume=True).keep({"a": 1}, "empty")
    (kept,) = finished(tmp_path).values()
    assert Checkpoint(tmp_path, resume=True).find({"a": 1}) == "empty"
    assert Checkpoint(tmp_path, resume=False).find({"a": 1}) is None
    assert Checkpoint(tmp_path, resume=False, since=kept).find({"a": 1}) is None
    assert Checkpoint(tmp_path, resume=False, since=kept - 1).find({"a": 1}) == "empty"
    assert Checkpoint(tmp_path, resume=True, since=kept).find({"a": 1}) == "empty"
