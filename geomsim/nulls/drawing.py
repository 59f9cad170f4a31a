"""Draws on all cores, or on the cluster in use: the same numbers whatever the threads, the workers or the device."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import DegenerateSpace, GeomsimWarning, InvalidConfig
from geomsim.nulls.contract import Trial
from geomsim.orders import generator
from geomsim.parallel import cores, on_cores, one_thread
from geomsim.scheduler import cluster_in_use, run_tasks

if TYPE_CHECKING:
    from torch import Tensor

Piece = TypeVar("Piece")
Found = TypeVar("Found")

_COPIES = 6  # a draw's points in float64, the factors they are made of, and what `prepare` needs beside them


def workers_for(points: Tensor) -> int:
    """How many pieces to work on at once: one per core for points on the CPU, one by one on a GPU."""
    return cores() if points.device.type == "cpu" else 1


def workers_for_redrawn(*sides: Tensor) -> int:
    """Like :func:`workers_for`, where each draw makes points of the size of these anew; all of them fit the memory."""
    import psutil

    each = _COPIES * 8 * sum(side.numel() for side in sides)
    fitting = int(psutil.virtual_memory().available) // 2 // max(each, 1)
    return max(1, min(workers_for(sides[0]), fitting))


def streams(seed: int) -> Iterator[np.random.Generator]:
    """Independent random numbers for one draw after the other, so that draws can be made at the same time.

    >>> one, other = streams(0), streams(0)
    >>> next(one).random() == next(other).random() != next(one).random()
    True
    """
    parent = generator(seed)
    for _ in count():
        yield parent.spawn(1)[0]


def drawn(
    scored: Callable[[Piece], Found], pieces: Iterable[Piece], count: int, points: Tensor, workers: Callable[[], int]
) -> Generator[Found]:
    """``map(scored, pieces)``, results in order; close it where it is not read to its end.

    The pieces, about `count` of them, go to threads of this process, of which `workers` says how many: they take
    milliseconds, for which Dask would be slow. Where a cluster is in use they go there, several in each task, and
    `workers` is asked on the worker. `scored` must not change anything, and for a cluster it must be fit for a pickle.

    Raises InvalidConfig for a cluster and `points` that are not in main memory.
    """
    cluster = cluster_in_use()
    if cluster is None:
        yield from on_cores(scored, pieces, workers())
        return
    if points.device.type != "cpu":
        raise InvalidConfig(
            f"the points are on {points.device}, where this process works; the workers of a cluster have devices of "
            "their own. Leave out either the device or the scheduler"
        )
    remaining = iter(pieces)
    groups = iter(partial(_taken, remaining, cluster.group_size(count)), [])
    with closing(run_tasks(_Together(scored, workers), groups, what="draws")) as answers:
        for found in answers:
            yield from found


def _taken(pieces: Iterator[Piece], count: int) -> list[Piece]:
    return list(islice(pieces, count))


@dataclass(frozen=True)
class _Together(Generic[Piece, Found]):
    """Several pieces as the work of one task."""

    scored: Callable[[Piece], Found]
    workers: Callable[[], int]

    def __call__(self, pieces: Sequence[Piece]) -> list[Found]:
        with one_thread(), closing(on_cores(self.scored, pieces, min(self.workers(), len(pieces)))) as found:
            return list(found)


def redrawn_scores(trial: Trial, scored: Callable[[np.random.Generator], float], what: str) -> NDArray[np.float64]:
    """What `scored` gives for each of the trial's draws, (draws,), each from random numbers of its own.

    Warnings about the draws are not given. Raises DegenerateSpace where the metric is undefined on one; `what` says
    what a draw puts in the place of the sides.
    """
    found = []
    pieces = islice(streams(trial.seed), trial.draws)
    workers = partial(workers_for_redrawn, trial.left, trial.right)
    with (
        warnings.catch_warnings(),
        closing(drawn(scored, pieces, trial.draws, trial.left, workers)) as scores,
    ):
        warnings.simplefilter("ignore", GeomsimWarning)
        try:
            for score in scores:
                found.append(score)
                trial.advance(1)
        except DegenerateSpace as error:
            raise error.within(what) from None
    return np.array(found)
