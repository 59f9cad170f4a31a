"""Independent pieces of work on all cores: BLAS and LAPACK let go of the interpreter, so threads are enough.

These are threads and no Dask tasks: pieces of milliseconds (a batch of draws) are too small for those. What takes
seconds, or goes to other machines, goes through :mod:`geomsim.scheduler`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_allowed: ContextVar[int | None] = ContextVar("allowed", default=None)


def cores() -> int:
    """How many cores this process may use; inside :func:`at_most`, no more than it says."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = _allowed.get()
    return found if allowed is None else min(found, allowed)


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Let :func:`cores` say no more than this, in this thread: others of this machine work on the other cores.

    >>> with at_most(1):
    ...     cores()
    1
    """
    before = _allowed.set(max(1, threads))
    try:
        yield
    finally:
        _allowed.reset(before)


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
    """``map(work, items)`` in `workers` threads, results in order; close it where it is not read to its end.

    Each has one thread of torch and BLAS: more would wait for each other, and long on a busy machine. A single worker
    is the calling thread, with as many as it has.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    import torch

    with one_thread():
        yield from in_threads(work, items, workers, lambda: torch.set_num_threads(1))


class _Limited:
    """How many are inside :func:`one_thread`, and what there was before the first one came."""

    lock = threading.Lock()
    inside = 0
    torch_threads = 1
    blas: ClassVar[Any] = None


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch, of OpenBLAS and of MKL in this thread and in those that it starts.

    A sum over many threads is cut elsewhere than one over few, and rounds otherwise: with one thread the last digit is
    the same on all machines of a kind. May be entered again, and in several threads at once; the numbers are those of
    the whole process, so they are put back when the last one leaves; those of OpenBLAS by the thread that changed them
    first, as threadpoolctl has it.
    """
    import torch
    from threadpoolctl import threadpool_limits

    with _Limited.lock:
        if not _Limited.inside:
            _Limited.torch_threads = torch.get_num_threads()
            _Limited.blas = threadpool_limits(1, user_api="blas")
        _Limited.inside += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _Limited.lock:
            _Limited.inside -= 1
            if not _Limited.inside:
                _Limited.blas.restore_original_limits()
                # torch keeps the last number for threads still to come.
                torch.set_num_threads(_Limited.torch_threads)
