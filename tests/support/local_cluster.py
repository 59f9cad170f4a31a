"""A cluster of several processes on this machine, and what tests do to it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def local_cluster(workers: int, threads: int = 1) -> Iterator[Any]:
    """Worker processes without limits on memory, logs or a page to look at; a task may lose two of them."""
    import dask
    from distributed import LocalCluster

    # The scheduler reads it when it starts.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=workers, threads_per_worker=threads, processes=True, dashboard_address=":0", memory_limit=0,
            silence_logs=50,
        ) as cluster,
    ):  # fmt: skip
        yield cluster


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What the condition says, as soon as it says something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise TimeoutError(f"{condition} said nothing in {seconds:g} s")


@contextmanager
def killing_a_waiting_worker(folder: Path, ready: Callable[[], Any] = lambda: True) -> Iterator[list[int]]:
    """Kill a process in which a patient metric waits, as soon as `ready`, and then let all others go on.

    Yields a list that gets the process's number.
    """
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        wait_until(lambda: over.is_set() or ready())
        waiting = wait_until(lambda: over.is_set() or list(folder.glob("waiting-*")))
        if over.is_set():
            return
        killed.append(int(waiting[0].name.partition("-")[2]))
        os.kill(killed[0], signal.SIGKILL)
        (folder / "go").touch()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        (folder / "go").touch()
        thread.join()
