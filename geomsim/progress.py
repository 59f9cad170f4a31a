"""A progress bar for long work: silent at first, on standard error, plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

_PATIENCE = 3.0  # seconds before anything is shown
_LINE_EVERY = 20.0  # seconds between plain lines
# What the time left is told from. The first item pays for what is loaded and compiled once, so it does not count.
_ITEMS_TO_JUDGE, _SECONDS_TO_JUDGE = 3, 15.0


@contextmanager
def track(total: int | None, what: str, elsewhere: Callable[[], int] = lambda: 0) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with how much was done since the last call; None is a total that nobody knows.

    `elsewhere` says how much others have done of the total by now. Where both did the same, it counts twice, until the
    total is reached.
    """
    bar = _Bar(total, what, elsewhere)
    try:
        yield bar.advance
    finally:
        bar.close()


def tracked(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """The items, one after the other, each counted when the next is asked for.

    >>> list(tracked("abc", 3, "letters"))
    ['a', 'b', 'c']
    """
    with track(total, what) as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def silent() -> Iterator[None]:
    """No work inside shows its progress, in any thread."""
    _silences.append(None)
    try:
        yield
    finally:
        _silences.pop()


_silences: list[None] = []


class _Bar:
    def __init__(self, total: int | None, what: str, elsewhere: Callable[[], int]) -> None:
        self.total, self.what, self.own, self.elsewhere = total, what, 0, elsewhere
        self.started = self.spoke = time.monotonic()
        self._first: tuple[float, int] | None = None
        self.close: Callable[[], None] = lambda: None
        self._update: Callable[[int], None] | None = None

    def advance(self, step: int) -> None:
        self.own += step
        now = time.monotonic()
        done = self.own + self.elsewhere()
        if self.total is not None:
            done = min(done, self.total)
        if self._first is None:
            self._first = now, done
        if _silences or now - self.started < _PATIENCE:
            return
        if not sys.stderr.isatty():
            if now - self.spoke > _LINE_EVERY:
                self.spoke = now
                print(f"{self.what}: {self._state(now, done)}", file=sys.stderr)  # noqa: T201 - this is what a log reads
            return
        if self._update is None:
            self._open()
        if self._update:
            self._update(done)

    def _state(self, now: float, done: int) -> str:
        seconds = now - self.started
        if self.total is None:
            return f"{done} in {seconds:.0f} s"
        at, before = self._first or (now, done)
        since, items = now - at, done - before
        if items < _ITEMS_TO_JUDGE or since < _SECONDS_TO_JUDGE:
            return f"{done} of {self.total} in {seconds:.0f} s"
        return f"{done} of {self.total}, {since / items * (self.total - done):.0f} s left"

    def _open(self) -> None:
        live = _shared_display()
        task = live.add_task(self.what, total=self.total)
        self._update = lambda done: live.update(task, completed=done)

        def close() -> None:
            live.remove_task(task)
            if not live.tasks:
                live.stop()

        self.close = close


_displays: list[Progress] = []


def _shared_display() -> Progress:
    """One display for all bars, since a terminal shows one at a time: a study's bar holds those of its comparisons."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not _displays or not _displays[0].live.is_started:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        _displays[:] = [Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)]
        _displays[0].start()
    return _displays[0]
