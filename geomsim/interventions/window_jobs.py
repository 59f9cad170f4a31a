"""Which windows each set of latents is measured in, and how windows and sets become batches that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geomsim.interventions.text_firings import TextFirings
from geomsim.orders import generator

if TYPE_CHECKING:
    from torch import Tensor

_Integers = NDArray[np.int64]
_MOST_WINDOWS = 128  # of one pass: beyond that nothing gets faster on a CPU


@dataclass(frozen=True, eq=False)
class Jobs:
    """Set-in-window jobs of one chunk of windows: each is one row of a batch that goes through the model."""

    of_set: _Integers
    window: _Integers
    rows: Sequence[_Integers]


def chosen_windows(firings: TextFirings, rows: Sequence[_Integers], most: int | None, seed: int) -> list[_Integers]:
    """For each set the windows in which it is measured, ascending."""
    order = generator(seed).permutation(len(firings.windows))
    found = []
    for each in rows:
        there = np.unique(firings.window[each])
        found.append(np.sort(there[np.argsort(order[there], kind="stable")[:most]]))
    return found


def window_chunks(
    firings: TextFirings, chosen: Sequence[_Integers], vocabulary: int, budget: int, *, pads: bool, done: int = 0
) -> Iterator[_Integers]:
    """The windows that any set needs, a few at a time, as few as hold the clean predictions of each place.

    The first `done` of them are left out; their order does not depend on the budget.
    """
    needed = np.unique(np.concatenate(chosen))
    lengths = np.array([len(firings.windows[number]) for number in needed.tolist()], dtype=np.int64)
    if not pads:  # no batch mixes lengths
        order = np.argsort(lengths, kind="stable")
        needed, lengths = needed[order], lengths[order]
    needed, lengths = needed[done:], lengths[done:]
    begin = 0
    for end in range(1, len(needed) + 1):
        full = end == len(needed)
        if not full:
            size = (end + 1 - begin) * int(lengths[begin : end + 1].max())
            full = size * vocabulary * 4 * 2 > budget or end - begin >= _MOST_WINDOWS
            full |= not pads and lengths[end] != lengths[begin]
        if full:
            yield needed[begin:end]
            begin = end


def jobs_of(firings: TextFirings, chunk: _Integers, rows: Sequence[_Integers], chosen: Sequence[_Integers]) -> Jobs:
    """The jobs of a chunk of windows: each set in each of the windows chosen for it, at its rows there."""
    of_set, window, found = [], [], []
    for number, (acting, windows) in enumerate(zip(rows, chosen, strict=True)):
        here = np.intersect1d(windows, chunk)
        if not len(here):
            continue
        at = firings.window[acting]  # ascending, as rows are
        for each, first, last in zip(
            here.tolist(), np.searchsorted(at, here), np.searchsorted(at, here, side="right"), strict=True
        ):
            of_set.append(number)
            window.append(each)
            found.append(acting[first:last])
    return Jobs(np.array(of_set, dtype=np.int64), np.array(window, dtype=np.int64), found)


def stacked(firings: TextFirings, windows: _Integers) -> tuple[Tensor, Tensor]:
    """Ids and mask of some windows, (windows, positions), short ones padded by their own first token and masked."""
    import torch

    given = [firings.windows[number] for number in windows.tolist()]
    length = max(map(len, given))
    ids = np.stack([np.concatenate([each, np.repeat(each[:1], length - len(each))]) for each in given])
    mask = np.arange(length) < np.array([len(each) for each in given])[:, None]
    return torch.from_numpy(ids), torch.from_numpy(mask).long()


def batches_of(sizes: NDArray[np.int64], budget: int) -> Iterator[_Integers]:
    """Jobs that follow each other, as many as fit."""
    begin, held = 0, 0
    for job, size in enumerate(sizes.tolist()):
        if job > begin and (held + size > budget or job - begin >= _MOST_WINDOWS):
            yield np.arange(begin, job)
            begin, held = job, 0
        held += size
    yield np.arange(begin, len(sizes))
