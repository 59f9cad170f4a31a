from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from geomsim import progress
from geomsim.progress import silent, track


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in a test's body: between fixtures and test pytest puts its own standard error in place."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def work(clock: Clock, steps: int, seconds_each: float, what: str = "draws") -> None:
    with track(steps, what) as advance:
        for _ in range(steps):
            clock.now += seconds_each
            advance(1)


def test_short_work_shows_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]):
    work(clock, 100, 0.02)
    assert capsys.readouterr() == ("", "")


def test_short_work_shows_nothing_on_a_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    terminal = on_a_terminal(monkeypatch)
    work(clock, 100, 0.02)
    assert terminal.getvalue() == ""


def test_long_work_writes_plain_lines_with_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]):
    work(clock, 100, 1.0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "draws: 21 of 100, 79 s left",
        "draws: 42 of 100, 58 s left",
        "draws: 63 of 100, 37 s left",
        "draws: 84 of 100, 16 s left",
    ]


def test_silence_shows_neither_lines_nor_a_bar(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with silent():
        with silent():
            work(clock, 100, 1.0)
        work(clock, 100, 1.0)
    assert capsys.readouterr().err == ""
    terminal = on_a_terminal(monkeypatch)
    with silent():
        work(clock, 10, 1.0)
    assert terminal.getvalue() == ""
    work(clock, 10, 1.0)
    assert "draws" in terminal.getvalue()


def test_where_the_total_is_unknown_lines_count(clock: Clock, capsys: pytest.CaptureFixture[str]):
    with track(None, "documents") as advance:
        for _ in range(50):
            clock.now += 1.0
            advance(2)
    assert capsys.readouterr().err.splitlines() == ["documents: 42 in 21 s", "documents: 84 in 42 s"]


def test_where_the_total_is_unknown_a_bar_counts(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    terminal = on_a_terminal(monkeypatch)
    with track(None, "documents") as advance:
        clock.now += 5.0
        advance(7)
        progress._displays[0].refresh()
    assert "7/?" in terminal.getvalue()


def test_a_terminal_gets_a_bar_on_standard_error(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    terminal = on_a_terminal(monkeypatch)
    work(clock, 10, 1.0, "scores")
    assert "scores" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_bars_inside_a_bar_share_one_display(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    on_a_terminal(monkeypatch)
    with track(2, "study") as outer:
        clock.now += 5
        outer(1)
        first = progress._displays[0]
        assert [task.description for task in first.tasks] == ["study"]
        with track(4, "shuffle") as inner:
            inner(1)  # no bar yet: this work is young
            assert [task.description for task in first.tasks] == ["study"]
            clock.now += 5
            inner(2)
            assert progress._displays[0] is first
            assert [(task.description, task.completed) for task in first.tasks] == [("study", 1), ("shuffle", 3)]
        assert [task.description for task in first.tasks] == ["study"]
        assert first.live.is_started
    assert not first.live.is_started
    work(clock, 10, 1.0, "later")
    assert progress._displays[0] is not first
    assert not progress._displays[0].live.is_started


def test_an_interruption_takes_the_bar_away_and_passes_through(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    on_a_terminal(monkeypatch)

    def interrupted() -> None:
        with track(10, "scores") as advance:
            clock.now += 5
            advance(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not progress._displays[0].live.is_started


def test_the_time_left_is_not_told_from_an_item_that_pays_for_compiling(
    clock: Clock, capsys: pytest.CaptureFixture[str]
):
    with track(25, "maps") as advance:
        clock.now += 223.0
        advance(1)
        for _ in range(24):
            clock.now += 12.0
            advance(1)
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == [
        "maps: 1 of 25 in 223 s", "maps: 3 of 25 in 247 s", "maps: 5 of 25, 240 s left", "maps: 7 of 25, 216 s left",
    ]  # fmt: skip


def test_items_that_end_together_tell_the_time_left_when_the_next_ones_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
):
    with track(100, "draws") as advance:
        for now in (19.0, 19.1, 19.2, 19.3, 20.5, 45.0):
            clock.now = now
            advance(1)
    assert capsys.readouterr().err.splitlines() == ["draws: 5 of 100 in 20 s", "draws: 6 of 100, 489 s left"]


def test_what_others_do_counts_until_the_total_is_reached(clock: Clock, capsys: pytest.CaptureFixture[str]):
    with track(100, "cells", lambda: int(clock.now) // 2) as advance:
        for _ in range(80):
            clock.now += 1
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    # 42 here and 21 there in 42 seconds; the first second apart, 62 in 41: 37 more take 24.5.
    assert lines == ["cells: 31 of 100, 46 s left", "cells: 63 of 100, 24 s left", "cells: 94 of 100, 4 s left"]


def test_what_others_do_moves_the_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    on_a_terminal(monkeypatch)
    others = iter([0, 0, 5, 90])
    with track(10, "cells", lambda: next(others)) as advance:
        for expected in (None, 2, 8, 10):
            clock.now += 2
            advance(1)
            if expected is not None:
                assert progress._displays[0].tasks[0].completed == expected
