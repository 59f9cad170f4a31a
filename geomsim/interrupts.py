"""Ctrl-C that is not lost, and a request to terminate that ends work as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what `kill`, `timeout` and batch systems send. Whoever heeds Ctrl-C heeds it too."""


@contextmanager
def heeding_termination() -> Iterator[None]:
    """SIGTERM inside the block raises Terminated, where it would have killed the process on the spot.

    Outside the main thread, where no signal arrives, and where somebody else heeds or ignores the signal, nothing
    changes. A process that is forked inside dies of the signal, as it would have without.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is not signal.SIG_DFL:
        yield
        return
    here = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        if os.getpid() != here:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Yields a function that raises what Ctrl-C or SIGTERM raised inside the block where nobody heard of it.

    Python raises KeyboardInterrupt, or Terminated in :func:`heeding_termination`, in whatever runs at that moment, and
    drops what is raised in finalisers and callbacks of weak references. Dask's futures have such finalisers, so a long
    wait asks again now and then. Outside the main thread, where no signal arrives, and for a signal that is ignored or
    kills on the spot, the function does nothing.
    """
    heeded: dict[int, Callable[[int, FrameType | None], object]] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if callable(before):
                heeded[number] = before
    came: list[type[KeyboardInterrupt]] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(Terminated if number == signal.SIGTERM else KeyboardInterrupt)
        heeded[number](number, frame)

    def ask() -> None:
        if came:
            raise came[0]

    for heard in heeded:
        signal.signal(heard, note)
    try:
        yield ask
    finally:
        for heard, handler in heeded.items():
            signal.signal(heard, handler)
