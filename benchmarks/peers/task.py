"""A task that geomsim and a peer both do, and how one side of it is measured."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import re
import signal
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOST_REPEATS, FEWEST_REPEATS = 7, 3
ENOUGH_SECONDS = 6.0  # of repeats, after which no further one is begun where there are the fewest
MOST_SECONDS = 30.0  # after which none is begun at all
PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class Task:
    """Input made from `sizes`, and what either side makes of it: numbers that must agree."""

    name: str
    task: str
    peer: str
    full: tuple[int, ...]
    quick: tuple[int, ...]
    size: str
    """A format of the sizes, as "{:,} points"."""
    make: Callable[..., Any]
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    tolerance: float | None
    """How far numbers may differ; None where the peer gives another number, and `note` says why."""
    needs: tuple[str, ...]
    """Distributions of the peer, whose versions stand in the table."""
    modules: tuple[str, ...] = ()
    """What the peer imports, where that is not the name of the distribution."""
    note: str = ""
    draws: tuple[int, int] | None = None
    """Of a null: how often a call of either side scores, with the rows as they are among them. Seconds are for as many
    scores as geomsim makes; the peer's are scaled up to that, and the first draws, which both make, are compared."""
    peer_given: Callable[[Any], Any] | None = None
    """What of the input the peer gets ready made, outside of its time."""
    answer: Callable[[Any, Any], ArrayLike] = lambda made, found: found
    """The numbers of what a side found, given the input; outside of the time."""
    difference: Callable[[Floats, Floats], float] = field(default=lambda ours, theirs: largest_difference(ours, theirs))

    def missing(self) -> str:
        """Why the peer cannot be run; "" where it can."""
        absent = [name for name in self.modules or self.needs if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    @property
    def version(self) -> str:
        """Name and version of the peer."""
        versions = [f"{each} {importlib.metadata.version(each)}" for each in self.needs]
        return versions[0] if self.needs[:1] == (self.peer,) else f"{self.peer} ({', '.join(versions)})"


def largest_difference(ours: Floats, theirs: Floats) -> float:
    """The largest difference of two answers; infinite where they are of different shape or one is no number."""
    if ours.shape != theirs.shape:
        return float("inf")
    apart = np.abs(ours - theirs)
    return float("inf") if np.isnan(apart).any() else float(apart.max(initial=0.0))


def memory() -> dict[str, float]:
    """What this process holds, and held at most since `forget_peak`, in MiB; nothing where the system does not tell.

    Not `ru_maxrss`: a process inherits that of the one that started it, and nothing takes it back.
    """
    if not (PROCESS / "clear_refs").exists():
        return {}
    told = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", (PROCESS / "status").read_text(), re.MULTILINE))
    return {name: int(told[name]) / 2**10 for name in ("VmRSS", "VmHWM")}


def forget_peak() -> None:
    """From here on the peak of this process is a new one."""
    if (PROCESS / "clear_refs").exists():
        (PROCESS / "clear_refs").write_text("5")


def measured(task: Task, side: str, *, quick: bool, limit: float | None = None) -> tuple[dict[str, Any], Floats]:
    """Median seconds of a call, how many were made, and memory before and at the peak; and the answer.

    A first call on the small input, which is not timed, compiles and loads what there is to compile and load. A call
    that takes longer than `limit` seconds ends this process by SIGALRM.
    """
    work = task.ours if side == "geomsim" else task.theirs
    given = task.peer_given if side == "peer" and task.peer_given else _as_it_is
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rows, noise, equal distances: they are not what is asked here
        work(given(task.make(*task.quick)))
        made = task.make(*(task.quick if quick else task.full))
        own = given(made)
        gc.collect()
        forget_peak()
        before, seconds = memory(), list[float]()
        most, fewest = (1, 1) if quick else (MOST_REPEATS, FEWEST_REPEATS)
        while len(seconds) < most and sum(seconds) < (ENOUGH_SECONDS if len(seconds) >= fewest else MOST_SECONDS):
            if limit is not None:
                signal.setitimer(signal.ITIMER_REAL, limit)
            started = time.perf_counter()
            answer = work(own)
            seconds.append(time.perf_counter() - started)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        after = memory()
    found: dict[str, Any] = {"seconds": statistics.median(seconds), "repeats": len(seconds)}
    if before:
        found |= {"before": before["VmRSS"], "peak": after["VmHWM"]}
    return found, np.asarray(task.answer(made, answer), dtype=np.float64)


def _as_it_is(made: Any) -> Any:
    return made
