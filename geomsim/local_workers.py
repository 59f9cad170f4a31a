"""Worker processes on this machine, for work in pieces that hold on to the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def local_workers(count: int) -> Iterator[str]:
    """Start `count` processes with one thread each, as a Dask cluster that lives as long as this block; its address."""
    from distributed import LocalCluster

    make: Any = LocalCluster  # which says nothing of its types
    with make(
        n_workers=count, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0, silence_logs=50
    ) as cluster:
        yield str(cluster.scheduler_address)
