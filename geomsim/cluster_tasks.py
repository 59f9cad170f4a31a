"""What runs on a worker of a cluster: one task at a time in a process, with all threads that the worker has."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geomsim.digests import code_digest
from geomsim.errors import GeomsimError
from geomsim.parallel import at_most
from geomsim.parcels import Parcel

_NUMERIC = ("numpy", "scipy", "torch")
# Warnings are those of a process, not of a thread, and so is the number of BLAS threads.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Answer:
    """What came of a task: its value or its error, and the warnings that were given."""

    value: Any = None
    error: BaseException | None = None
    warnings: tuple[tuple[str, type[Warning], str, int], ...] = ()


@dataclass(frozen=True)
class Identity:
    """The code and the versions on which numbers depend; plugins by distribution."""

    versions: Mapping[str, str]
    code: str

    def check(self, other: Identity, called: str) -> None:
        """Raises GeomsimError where a process that has `other` could come to other numbers."""
        for name, version in self.versions.items():
            found = other.versions.get(name)
            if found != version:
                raise GeomsimError(
                    f"{called} has {name} {found or '(none)'}, and this process {version}: its numbers could be "
                    f"others. Install {name} {version} there, or {found or 'the same version'} here"
                )
        if other.code != self.code:
            raise GeomsimError(
                f"{called} has other code of geomsim {self.versions['geomsim']} than this process. Install the same on "
                "both, and start workers again after every change"
            )


@functools.cache
def identity() -> Identity:
    """Of this process: geomsim and what it counts with, and every distribution that offers something to it."""
    points = importlib.metadata.entry_points(group="geomsim.metrics")
    offering = {point.dist.name for point in points if point.dist}
    names = sorted({"geomsim", *_NUMERIC, *offering})
    # Builds for CPU and for CUDA differ in what follows the plus.
    versions = {name: importlib.metadata.version(name).partition("+")[0] for name in names}
    return Identity({**versions, "Python": ".".join(platform.python_version_tuple()[:2])}, code_digest(GeomsimError))


def loaded(parcel: Parcel[Any]) -> Parcel[Any]:
    """A task of its own for what several tasks read, so that the scheduler can make it again on another worker."""
    return parcel


def perform(expected: Identity, work: Parcel[Any], item: Parcel[Any], uses: Sequence[Parcel[Any] | None]) -> Answer:
    """One task. Errors that geomsim raises on purpose are answers too; all others are raised, with their traceback."""
    from distributed import get_worker

    worker = get_worker()
    with _one_at_a_time, at_most(worker.state.nthreads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value, error = None, None
        try:
            expected.check(identity(), f"the worker {worker.address}")
            value = work.value(item.value, *(None if used is None else used.value for used in uses))
        except GeomsimError as raised:
            error = raised
    return Answer(value, error, tuple((str(w.message), w.category, w.filename, w.lineno) for w in caught))
