"""Which sets of a cover are likely to lie in which sets of a wider one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_PROBES = 8


def nested_chains(levels: Sequence[Sequence[Numbers]]) -> list[list[int]]:
    """Chains of sets that seem to contain each other, from the narrowest cover to the widest.

    Sets are numbered through all levels, and each is in one chain. Covers list their sets in one order, so the sets of
    a level are looked for among those of the next without stepping back. Only a few rows of each are compared, so
    whoever relies on a chain has to check it.

    >>> nested_chains([[np.array([4])], [np.array([1]), np.array([3, 4])]])
    [[0, 2], [1]]
    """
    chains: list[list[int]] = []
    current: list[list[int]] = []  # of each set of the level before, its chain
    before: Sequence[Numbers] = ()
    first = 0
    for sets in levels:
        following: list[list[int]] = []
        met = 0
        # With as many sets as before, each lies in the one of the same number.
        same = len(sets) == len(before)
        for number, rows in enumerate(sets):
            if met < len(before) and (same or _seems_within(before[met], rows)):
                following.append(current[met])
                met += 1
            else:
                chains.append([])
                following.append(chains[-1])
            following[-1].append(first + number)
        current, before, first = following, sets, first + len(sets)
    return chains


def _seems_within(inner: Numbers, outer: Numbers) -> bool:
    if len(inner) > len(outer):
        return False
    probes = inner[np.linspace(0, len(inner) - 1, _PROBES).astype(np.int64)]
    found = np.minimum(np.searchsorted(outer, probes), len(outer) - 1)
    return bool((outer[found] == probes).all())
