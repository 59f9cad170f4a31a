"""Independent pieces of work as Dask tasks: on this machine, or on a running `dask.distributed` cluster.

Pieces are whole cells of a study, shards of text, groups of draws: what takes seconds. The answers are the same
wherever a piece runs, so a cluster changes when they come and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from geomsim.errors import GeomsimError
from geomsim.parallel import in_threads

if TYPE_CHECKING:
    from geomsim.cluster import Cluster

Item = TypeVar("Item")
Result = TypeVar("Result")

_in_use: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


@contextmanager
def using(scheduler: str | None) -> Iterator[None]:
    """Send the tasks of this block to the cluster at this address, such as ``tcp://10.0.0.5:8786``.

    None changes nothing. One connection serves the whole block. What runs on a worker runs its own tasks there.

    Raises
    ------
    InvalidConfig
        for what is no address.
    GeomsimError
        where nobody answers, no worker comes, or a worker has another version of geomsim or of what its numbers
        depend on.
    """
    with _connected(scheduler) as cluster:
        before = _in_use.set(cluster)
        try:
            yield
        finally:
            _in_use.reset(before)


@contextmanager
def _connected(scheduler: str | None) -> Iterator[Cluster | None]:
    """The cluster at this address, by the connection in use if it is that one; None as an address is the one in use."""
    current = _in_use.get()
    if scheduler is None or (current is not None and current.address == scheduler):
        yield current
        return
    from geomsim.cluster import Cluster

    with Cluster(scheduler) as cluster:
        yield cluster


def cluster_in_use() -> Cluster | None:
    """The cluster to which tasks go here, if there is one."""
    return _in_use.get()


def run_tasks(
    work: Callable[..., Result],
    items: Iterable[Item],
    *,
    uses: Callable[[Item], tuple[Any, ...]] = lambda item: (),
    scheduler: str | None = None,
    what: str = "piece",
    named: Callable[[Item], str] = lambda item: "",
    finished: Callable[[Item, Result], object] = lambda item, result: None,
    at_once: int = 1,
) -> Generator[Result]:
    """``work(item, *uses(item))`` for each item, as a Dask task each; results in the order of the items.

    Parameters
    ----------
    work
        a function of a module, a ``functools.partial`` of one, or any callable that can be pickled. A worker that dies
        loses its task to another one, so a task may run twice: it must do the same each time. It is sent once.
    items
        small, and read only as far ahead as there is work for.
    uses
        large things that several items read; each is sent once, however many items use it.
    scheduler
        the address of a cluster; without it that of :func:`using`, or else this machine.
    what, named
        what a piece is called, on Dask's dashboard and in messages, and the name of one of them, which is put in front
        of its errors.
    finished
        called with each item and its result as soon as this is there, which may be before its turn.
    at_once
        on this machine, how many to work on at the same time. One is right where a piece uses all cores itself.

    Raises the first error in the order of the items. Close the generator where it is not read to its end: tasks that
    have not begun are then dropped.

    >>> list(run_tasks(abs, [-1, -2, -3]))
    [1, 2, 3]
    """
    with _connected(scheduler) as cluster:
        if cluster is None:
            yield from _run_here(work, items, uses=uses, what=what, named=named, finished=finished, at_once=at_once)
        else:
            yield from cluster.run(work, items, uses=uses, what=what, named=named, finished=finished)


def _run_here(
    work: Callable[..., Result],
    items: Iterable[Item],
    *,
    uses: Callable[[Item], tuple[Any, ...]],
    what: str,
    named: Callable[[Item], str],
    finished: Callable[[Item, Result], object],
    at_once: int,
) -> Generator[Result]:
    """Tasks of Dask in this process. Each is a graph of its own: Dask gives out a graph only when all of it is done."""
    from dask.local import get_sync

    def one(item: Item) -> tuple[Item, Result]:
        try:
            result: Result = get_sync({what: (partial(work, item, *uses(item)),)}, what)
        except GeomsimError as error:
            name = named(item)
            raise (error.within(name) if name else error) from None
        return item, result

    for item, result in in_threads(one, items, at_once):
        finished(item, result)
        yield result
