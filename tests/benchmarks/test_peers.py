"""geomsim and its peers give the same answers, and the page says what was left out; no time is tested."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def loaded():
    specification = importlib.util.spec_from_file_location("command_of_peers", BENCHMARKS / "peers.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["command_of_peers"] = module
    specification.loader.exec_module(module)
    return module


command = loaded()
TASKS = {task.name: (topic, task) for topic in command.TOPICS for task in command.tasks_of(topic)}
command_of_task = sys.modules["peers.task"]
SLOW = {"reading", "reading-cache"}  # importing transformer-lens takes ten seconds
# Where both find the least of something, and a smaller answer is the better.
LEAST = ("gromov-wasserstein", "gromov-wasserstein-ring", "layout-spring")


def answers(task):
    made = task.make(*task.quick)
    given = task.peer_given(made) if task.peer_given else made
    found = task.answer(made, task.ours(made)), task.answer(made, task.theirs(given))
    return [np.asarray(each, dtype=np.float64) for each in found]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in TASKS]
)
def test_both_sides_agree(name):
    task = TASKS[name][1]
    if why := task.missing():
        pytest.skip(why)
    ours, theirs = answers(task)
    assert ours.size
    assert np.isfinite(ours).all()
    if task.tolerance is None:
        assert ours.shape == theirs.shape
        assert "another number" in task.note or "other permutations" in task.note
    else:
        assert task.difference(ours, theirs) <= task.tolerance
        assert not task.difference(ours + 1.0, theirs) <= task.tolerance
    if name in LEAST:
        assert ours[0] <= theirs[0] + 1e-12


def test_names_are_different_and_each_topic_has_tasks():
    listed = [task.name for topic in command.TOPICS for task in command.tasks_of(topic)]
    assert len(listed) == len(set(listed)) >= 20
    files = {path.stem for path in (BENCHMARKS / "peers").glob("*.py")} - {"__init__", "task"}
    assert files == set(command.TOPICS)
    assert {task.size.format(*task.full) for _, task in TASKS.values()}


def made_task(**changes):
    return replace(
        TASKS["cka"][1],
        **{
            "name": "made", "full": (3,), "quick": (2,), "size": "{} numbers", "make": np.arange, "note": "",
            "ours": lambda made: made + 0.0, "theirs": lambda made: made + 0.0, "tolerance": 1e-3, "needs": ("numpy",),
            "peer": "numpy", **changes,
        },
    )  # fmt: skip


def row(**changes):
    return command.row_of("similarity", made_task(**changes), quick=True)


def fails(_made):
    raise ValueError("of no use")


def test_rows_say_what_happened():
    assert row().answers == "equal (at most 0.001)"
    assert row(theirs=lambda made: made + 1e-4).answers == "1e-04 (at most 0.001)"
    apart = row(theirs=lambda made: made + 0.5)
    assert apart.broken
    assert apart.answers == "**differ by 5.0e-01** (at most 0.001)"
    assert row(theirs=lambda made: made[:1]).broken
    assert row(theirs=lambda made: made * np.nan).broken
    other = row(theirs=lambda made: made + 0.5, tolerance=None)
    assert (other.broken, other.answers) == (False, "0, 1 and 0.5, 1.5")
    peer, ours = row(theirs=fails), row(ours=fails)
    assert (peer.broken, peer.answers) == (False, "the peer failed: ValueError: of no use")
    assert (ours.broken, ours.answers) == (True, "geomsim failed: ValueError: of no use")
    absent = row(needs=("no-such-peer",), modules=("no_such_peer",))
    assert (absent.broken, absent.answers) == (False, "skipped, not installed: no_such_peer")


def test_a_missing_row_edge_or_bar_is_a_difference():
    nodes = {"a": [0, 1], "b": [1, 2], "c": [2, 3]}
    task = TASKS["mapper-nerve"][1]
    found = [task.answer(nodes, links) for links in ({"a": ["b"], "b": ["c"]}, {"b": ["a", "c"]}, {"a": ["b", "c"]})]
    np.testing.assert_array_equal(found[0], [[0, 1], [1, 2]])
    np.testing.assert_array_equal(found[1], found[0])
    assert task.difference(found[0], found[2]) > task.tolerance
    assert task.difference(found[0], found[0][:1]) > task.tolerance
    bars = np.array([[0.1, 0.5], [0.2, 0.9]])
    assert TASKS["loops-gudhi"][1].difference(bars, bars[1:]) > 1


def test_times_of_draws_are_scaled_and_a_slower_geomsim_says_so(monkeypatch):
    task = made_task(draws=(999, 9))
    found = command.Row(task, "3 numbers", {"seconds": 2.0, "repeats": 3}, {"seconds": 1.0, "repeats": 3}, "equal")
    assert command.cells(found)[3:6] == ["1", "2", "0.5 (geomsim is slower)"]
    row = command.row_of("similarity", task, quick=True)
    plain = command.row_of("similarity", made_task(), quick=True)
    assert row.theirs["seconds"] > 2 * plain.theirs["seconds"]
    cut_off = replace(found, theirs={"seconds": 90.0, "at_least": True})
    assert command.cells(cut_off)[3:6] == ["> 90", "2", "> 45"]
    ours = {"seconds": 2.0, "repeats": 3}, np.arange(3.0), ""
    monkeypatch.setattr(
        command, "side_in_process", lambda *asked: ours if asked[2] == "geomsim" else (None, None, "> 90 s")
    )
    cut_off = command.row_of("similarity", task, quick=False)
    assert (cut_off.broken, cut_off.answers) == (False, "not known: the peer was cut off")
    assert command.cells(cut_off)[3:6] == ["> 9990", "2", "> 5e+03"]  # 90 s are for 9 of 999 draws
    memory = replace(found, ours={"seconds": 2.0, "peak": 1500.0, "before": 400.0})
    assert command.cells(memory)[8] == "1,500 (1,100)"


def test_page_has_a_line_for_each_row_and_names_what_was_skipped():
    rows = [row(), row(theirs=fails), row(needs=("no-such-peer",), modules=("no_such_peer",), peer="no-such-peer")]
    page = command.rendered(rows, quick=True)
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 2
    assert len({line.count("|") for line in table}) == 1
    assert "these times mean nothing" in page
    assert "no-such-peer, made (not installed: no_such_peer)" in page
    for name, module in command.WITHOUT_TASK.items():
        there = importlib.util.find_spec(module) is not None
        assert f"{name} ({'installed, but no task is written for it' if there else 'not installed'})" in page
    assert "threads of either side: 1" in page
    assert "mean nothing" not in command.rendered(rows, quick=False)


def test_each_side_has_a_process_of_its_own_and_a_limit():
    found, answer, why = command.side_in_process("loops", "witness", "geomsim", 120.0)
    assert why == ""
    assert found["repeats"] >= 3
    if command_of_task.memory():
        assert found["peak"] >= found["before"] > 0
    assert answer.shape[1] == 2
    assert command.side_in_process("loops", "witness", "geomsim", 1e-4) == (None, None, "> 0.0001 s")
    _, _, why = command.side_in_process("loops", "no-such-task", "peer", 120.0)
    assert "StopIteration" in why


def test_a_slow_call_is_not_made_again_and_a_fast_one_is(monkeypatch):
    monkeypatch.setattr(command_of_task, "MOST_SECONDS", 0.05)
    slow = made_task(quick=(0,), full=(1,), make=lambda size: size, ours=lambda size: time.sleep(0.06 * size))
    assert command_of_task.measured(replace(slow, answer=np.zeros), "geomsim", quick=False)[0]["repeats"] == 1
    found, _ = command_of_task.measured(made_task(), "geomsim", quick=False, limit=60.0)
    assert found["repeats"] == command_of_task.MOST_REPEATS


@pytest.mark.skipif(not command_of_task.memory(), reason="this system does not tell what a process holds")
def test_memory_is_that_of_the_calls():
    def held(inputs, calls):
        def work(made):
            size, kept = made
            np.ones(calls * size)
            return kept[:1]

        task = made_task(
            quick=(1,), full=(2**17,), ours=work,
            make=lambda size: (size, np.ones(4 * inputs * size)[: inputs * size].copy()),
        )  # fmt: skip
        found, _ = command_of_task.measured(task, "geomsim", quick=False)
        return found["peak"] - found["before"]

    # MiB, of numbers of 8 bytes; making the input takes five times what is kept of it. More than 32 MiB at a time,
    # which the C library never takes from what tests before this one gave back.
    assert held(inputs=64, calls=64) == pytest.approx(64, abs=4)
    assert held(inputs=1, calls=0) == pytest.approx(0, abs=4)


@pytest.mark.skipif(not command_of_task.memory(), reason="this system does not tell what a process holds")
def test_memory_is_not_that_of_the_process_that_started_it():
    held = np.ones(2**25)
    told = "import sys; sys.path.append(sys.argv[1]); from peers.task import memory; print(memory()['VmHWM'])"
    run = [sys.executable, "-c", told, str(BENCHMARKS)]
    child = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert held.nbytes / 2**20 > 2 * child


def test_only_some_tasks():
    assert [task.name for _, task in command.chosen(["reading"])] == ["reading", "reading-cache"]
    assert {task.peer for _, task in command.chosen(["gudhi"])} == {"gudhi"}
    with pytest.raises(SystemExit, match="no task nothing; there are mapper-graph"):
        command.chosen(["nothing"])


def test_command_prints_the_page(monkeypatch, capsys):
    monkeypatch.setattr(command.os, "environ", dict(command.os.environ))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--quick", "--only", "cka"])
    command.main()
    printed = capsys.readouterr()
    assert printed.out.startswith("# geomsim beside its peers")
    assert "linear CKA" in printed.out
    assert printed.err.startswith("cka: ")
