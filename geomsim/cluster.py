"""A running `dask.distributed` cluster: connected, checked, given tasks, and told to drop them."""

from __future__ import annotations

import re
import time
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from geomsim.cluster_tasks import Answer, identity, loaded, perform
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.interrupts import kept_interrupts
from geomsim.parcels import Parcel

Item = TypeVar("Item")
Result = TypeVar("Result")

ANSWERS_WITHIN = 15.0
"""Seconds in which a scheduler must answer, and its first worker must come."""

_ALONE = 60.0  # seconds without any worker after which waiting for one has no use
_LOOK_EVERY = 1.0  # seconds between looks whether scheduler and workers are still there
_PER_THREAD = 2  # tasks at hand for each thread of the cluster
_FULL = 32  # times as many answers may wait for one before them, so that a slow task keeps no worker idle
_KEPT_BYTES = 1 << 30  # of what items use, and no task at hand reads
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|ucxx|inproc)://\S+")


@dataclass
class _Kept:
    """Something that items use: the future of its parcel on the cluster, and the thing itself, so that its id stays."""

    thing: Any
    future: Any
    nbytes: int


@dataclass
class _Run:
    """One call of :meth:`Cluster.run`: tasks at hand, and answers that wait for their turn."""

    arrived: SimpleQueue[int] = field(default_factory=SimpleQueue)
    futures: dict[int, Any] = field(default_factory=dict)
    items: dict[int, Any] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    failed: bool = False


def _is_port_sound(address: str) -> bool:
    """Whether a port is a port, where one is named; Dask knows its usual one."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


class Cluster:
    """The connection to a cluster; a context manager.

    Raises InvalidConfig for what is no address, GeomsimError where no scheduler or no worker answers, and where a
    worker has other versions than this process.
    """

    def __init__(self, address: str) -> None:
        from distributed import Client

        if not _ADDRESS.fullmatch(address) or not _is_port_sound(address):
            raise InvalidConfig(
                f"the scheduler {address!r} is no address of one; `dask scheduler` says its own when it starts, "
                "for example tcp://10.0.0.5:8786"
            )
        self.address = address
        connect: Any = Client  # which says nothing of its types
        try:
            self._client = connect(address, timeout=ANSWERS_WITHIN, set_as_default=False, name="geomsim")
        except (OSError, ValueError, TypeError) as error:
            raise GeomsimError(
                f"no scheduler answers at {address} within {ANSWERS_WITHIN:g} s ({error}). Start one with "
                "`dask scheduler`, take the address that it says, and see that this machine may reach its port"
            ) from None
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._alone_since: float | None = None
        try:
            self._wait_for_a_worker()
            self._check_versions()
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kept.clear()
        self._client.close()

    def group_size(self, count: int) -> int:
        """How many of `count` small pieces to put into a task: enough for each thread, and a few tasks per worker."""
        threads = list(self._threads().values()) or [1]
        few_tasks = -(-count // (3 * len(threads)))
        all_threads = min(max(threads), -(-count // len(threads)))
        return max(1, few_tasks, all_threads)

    def run(
        self,
        work: Callable[..., Result],
        items: Iterable[Item],
        *,
        uses: Callable[[Item], tuple[Any, ...]],
        what: str,
        named: Callable[[Item], str],
        finished: Callable[[Item, Result], object],
    ) -> Generator[Result]:
        """See :func:`geomsim.scheduler.run_tasks`."""
        run = _Run()
        shared = self._sent(Parcel(work), f"{what} work")
        remaining = iter(enumerate(items))
        reported: set[tuple[Any, ...]] = set()
        turn, more = 0, True
        at_hand, seen = self._at_hand(), time.monotonic()
        with kept_interrupts() as ask, self._dropping_what_is_left(run):
            while True:
                while more and not run.failed and len(run.futures) < at_hand and len(run.items) < _FULL * at_hand:
                    following = next(remaining, None)
                    more = following is not None
                    if following is not None:
                        self._submit(run, *following, uses=uses(following[1]), shared=shared, what=what)
                if turn in run.answers:
                    item, answer = run.items.pop(turn), run.answers.pop(turn)
                    _warn_again(answer, reported)
                    if answer.error is not None:
                        raise _within(answer.error, named(item))
                    turn += 1
                    yield answer.value
                    continue
                if not run.futures:
                    return
                index = self._next(run, what, ask)
                answer = self._answer(run.futures[index], named(run.items[index]) or f"{what} {index + 1}", what)
                del run.futures[index]
                run.answers[index] = answer
                run.failed = run.failed or answer.error is not None
                if answer.error is None:
                    finished(run.items[index], answer.value)
                if time.monotonic() - seen > _LOOK_EVERY:
                    at_hand, seen = self._at_hand(), time.monotonic()

    @contextmanager
    def _dropping_what_is_left(self, run: _Run) -> Iterator[None]:
        try:
            yield
        finally:
            if run.futures:
                self._drop(list(run.futures.values()))

    def _submit(self, run: _Run, index: int, item: Any, *, uses: Sequence[Any], shared: Any, what: str) -> None:
        read = [None if thing is None else self._used(thing, what) for thing in uses]
        future = self._submitted(perform, identity(), shared, Parcel(item), read, name=what)
        run.items[index], run.futures[index] = item, future
        future.add_done_callback(lambda done: run.arrived.put(index))
        self._forget_unused()

    def _submitted(self, function: Callable[..., Any], *arguments: Any, name: str) -> Any:
        # Not scattered: what is scattered is lost with the worker that holds it, and so are all tasks that read it.
        # As an argument it is kept by the scheduler, and taken there again.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            return self._client.submit(function, *arguments, key=f"{name}-{uuid.uuid4().hex}", pure=False)

    def _sent(self, parcel: Parcel[Any], name: str) -> Any:
        return self._submitted(loaded, parcel, name=name)

    def _used(self, thing: Any, what: str) -> Any:
        kept = self._kept.get(id(thing))
        if kept is None:
            parcel = Parcel(thing)
            kept = self._kept[id(thing)] = _Kept(thing, self._sent(parcel, f"{what} data"), parcel.nbytes)
        self._kept.move_to_end(id(thing))
        return kept.future

    def _forget_unused(self) -> None:
        """Let go of what was used longest ago; tasks at hand hold what they read themselves."""
        size = sum(kept.nbytes for kept in self._kept.values())
        while size > _KEPT_BYTES and len(self._kept) > 1:
            size -= self._kept.popitem(last=False)[1].nbytes

    def _next(self, run: _Run, what: str, ask: Callable[[], None]) -> int:
        """The number of the next task that ends. Raises GeomsimError where none ever will."""
        while True:
            ask()
            try:
                return run.arrived.get(timeout=_LOOK_EVERY)
            except Empty:
                self._look_for_workers(what)

    def _answer(self, future: Any, called: str, what: str) -> Answer:
        from distributed import KilledWorker

        patience = _LOOK_EVERY
        while True:
            try:
                answer: Answer = future.result(timeout=patience)
                return answer
            except TimeoutError as error:
                if future.status == "error":
                    return Answer(error=error)
                # The worker died with the answer, which is computed again; or the answer is large, and is given more
                # time with each look.
                self._look_for_workers(what)
                patience *= 2
            except KilledWorker as killed:
                return Answer(
                    error=GeomsimError(
                        f"{called}: {killed.allowed_failures + 1} workers died while they worked on it, the last one "
                        f"at {killed.last_worker.address}. Mostly they run out of memory: their logs say so. Give each "
                        "more memory (fewer workers per machine, `dask worker --memory-limit`), or run this without a "
                        "scheduler"
                    )
                )
            except Exception as error:
                if future.status in ("cancelled", "lost"):
                    raise self._gone() from None
                return Answer(error=error)

    def _look_for_workers(self, what: str) -> None:
        """Raises GeomsimError where there has been no worker for long."""
        now = time.monotonic()
        if self._threads():
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > _ALONE:
            raise GeomsimError(
                f"the scheduler at {self.address} has had no worker for {_ALONE:g} s, and tasks ({what}) wait. Start "
                f"workers with `dask worker {self.address}`, and this again"
            )

    def _threads(self) -> Mapping[str, int]:
        """Threads by worker."""
        try:
            found: Mapping[str, int] = self._client.nthreads()
        except (OSError, TimeoutError):
            raise self._gone() from None
        return found

    def _at_hand(self) -> int:
        return max(4, _PER_THREAD * sum(self._threads().values()))

    def _gone(self) -> GeomsimError:
        return GeomsimError(
            f"the scheduler at {self.address} went away or dropped the tasks. What was finished before is kept where "
            "results are kept; start the scheduler and its workers again, and go on from there"
        )

    def _drop(self, futures: Sequence[Any]) -> None:
        with suppress(OSError, TimeoutError):  # a scheduler that is gone has dropped them
            self._client.cancel(futures)

    def _wait_for_a_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=ANSWERS_WITHIN)
        except TimeoutError:
            raise GeomsimError(
                f"the scheduler at {self.address} has no worker, and none came within {ANSWERS_WITHIN:g} s. Start some "
                f"with `dask worker {self.address}` where geomsim is installed"
            ) from None

    def _check_versions(self) -> None:
        expected = identity()
        for worker, found in self._client.run(identity, on_error="return").items():
            if isinstance(found, OSError):
                continue  # it died just now; each task looks again
            if isinstance(found, Exception):
                raise GeomsimError(
                    f"the worker {worker} cannot run geomsim: {type(found).__name__}: {found}. Install the same "
                    "version there"
                )
            expected.check(found, f"the worker {worker}")


def _within(error: BaseException, name: str) -> BaseException:
    return error.within(name) if name and isinstance(error, GeomsimError) else error


def _warn_again(answer: Answer, reported: set[tuple[Any, ...]]) -> None:
    """Warnings of the worker, given here as if the work had been done here; each once."""
    for warning in answer.warnings:
        if warning not in reported:
            reported.add(warning)
            text, category, file, line = warning
            warnings.warn_explicit(text, category, file, line)
