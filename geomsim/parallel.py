"""Independent pieces of work on all cores: BLAS and LAPACK let go of the interpreter, so threads are enough."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    prepare_thread: Callable[[], object] = lambda: None,
) -> Iterator[Result]:
    """``map(work, items)`` with one thread per core: results in order, and no more pieces at hand than are worked on.

    `prepare_thread` runs once in each thread. The first exception ends it; pieces not yet begun are dropped.

    >>> list(in_threads(abs, [-1, -2, -3]))
    [1, 2, 3]
    """
    workers = cores() if workers is None else workers
    if workers <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(workers, initializer=prepare_thread)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def on_cores(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result]:
    """``map(work, items)`` in `workers` threads, results in order; close it where it is not read to its end."""
    import torch

    threads = torch.get_num_threads()
    try:
        # One torch thread in each of ours: more would wait for each other, and long on a busy machine.
        yield from in_threads(work, items, workers, lambda: torch.set_num_threads(1))
    finally:
        torch.set_num_threads(threads)  # torch keeps the last number for threads still to come
