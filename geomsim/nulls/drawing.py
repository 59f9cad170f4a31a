"""Draws on all cores: one torch thread in each of ours, the same numbers whatever the threads or the device."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from geomsim.contract import Metric, PairedMetric, UnpairedMetric
from geomsim.orders import generator
from geomsim.parallel import cores, in_threads

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")

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


def on_cores(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result]:
    """``map(work, items)`` in `workers` threads, results in order; close it where it is not read to its end."""
    import torch

    threads = torch.get_num_threads()
    try:
        # One torch thread in each of ours: more would wait for each other, and long on a busy machine.
        yield from in_threads(work, items, workers, lambda: torch.set_num_threads(1))
    finally:
        torch.set_num_threads(threads)  # torch keeps the last number for threads still to come


def streams(seed: int) -> Iterator[np.random.Generator]:
    """Independent random numbers for one draw after the other, so that draws can be made at the same time.

    >>> one, other = streams(0), streams(0)
    >>> next(one).random() == next(other).random() != next(one).random()
    True
    """
    parent = generator(seed)
    for _ in count():
        yield parent.spawn(1)[0]


def score_in_order(metric: Metric[Any], left_state: Any, right_state: Any, points: Tensor) -> float:
    """The score of two prepared sides, row i of left against row i of right where rows belong together."""
    import torch

    if isinstance(metric, PairedMetric):
        return float(metric.score(left_state, right_state, torch.arange(len(points), device=points.device)))
    if isinstance(metric, UnpairedMetric):
        return float(metric.score(left_state, right_state))
    raise TypeError(f"{type(metric).__name__} is neither a PairedMetric nor an UnpairedMetric")
