"""Draws that make a side anew, on all cores: the same numbers whatever the threads or the device."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import DegenerateSpace, GeomsimWarning
from geomsim.nulls.contract import Trial
from geomsim.orders import generator
from geomsim.parallel import cores, on_cores

if TYPE_CHECKING:
    from torch import Tensor

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


def redrawn_scores(trial: Trial, scored: Callable[[np.random.Generator], float], what: str) -> NDArray[np.float64]:
    """What `scored` gives for each of the trial's draws, (draws,), each from random numbers of its own.

    Warnings about the draws are not given. Raises DegenerateSpace where the metric is undefined on one; `what` says
    what a draw puts in the place of the sides.
    """
    found = []
    pieces = islice(streams(trial.seed), trial.draws)
    workers = workers_for_redrawn(trial.left, trial.right)
    with warnings.catch_warnings(), closing(on_cores(scored, pieces, workers)) as drawn:
        warnings.simplefilter("ignore", GeomsimWarning)
        try:
            for score in drawn:
                found.append(score)
                trial.advance(1)
        except DegenerateSpace as error:
            raise error.within(what) from None
    return np.array(found)
