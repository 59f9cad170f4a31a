"""Distance of persistence landscapes, integrated exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError
from geomsim_topological.homology.diagram import as_bars, power_of_two_above

Floats = NDArray[np.float64]
Corners = tuple[Floats, Floats]  # where a function bends, rising, and its values there


def landscape_distance(left: ArrayLike, right: ArrayLike) -> float:
    r"""The L2 distance of two persistence landscapes.

    .. math:: \Bigl( \sum_k \int (\lambda_k(t) - \mu_k(t))^2 \, dt \Bigr)^{1/2}

    The tent of a bar (b, d) is :math:`\max(0, \min(t - b, d - t))`; the landscape's k-th function
    :math:`\lambda_k(t)` is the k-th highest tent at t. `left` and `right` are finite bars, (bars, 2). Every function
    is made of straight lines, so the integral is exact; O(bars^2) corners on each side.

    Raises GeomsimError for bars that are not finite; leave out infinite ones that both sides share: they are the
    highest tent on either side and change no difference.

    Bubenik (2015), "Statistical topological data analysis using persistence landscapes".

    >>> round(landscape_distance([(0.0, 2.0)], []) ** 2, 6)
    0.666667
    """
    sides = [_checked(left), _checked(right)]
    unit = power_of_two_above(*sides)  # no power leaves the range of numbers
    first, second = (_levels(bars / unit) for bars in sides)
    flat: Corners = (np.zeros(1), np.zeros(1))
    total = 0.0
    for level in range(max(len(first), len(second))):
        here = first[level] if level < len(first) else flat
        there = second[level] if level < len(second) else flat
        at = np.union1d(here[0], there[0])
        apart = np.interp(at, *here) - np.interp(at, *there)
        before, after = apart[:-1], apart[1:]
        total += float((before * before + before * after + after * after) @ np.diff(at)) / 3.0
    return float(unit**1.5 * np.sqrt(total))


def _levels(bars: Floats) -> list[Corners]:
    """The corners of each function of the landscape, the highest function first.

    A tent begins or ends on the level below all tents that stand there; it peaks on the level below those that hold it.
    Where tent j, falling, meets tent i, rising, at height (d_j - b_i) / 2, the tents above are those with an earlier
    birth than b_i and a later death than d_j: the next level has a valley there, and the one below it a peak.
    """
    bars = bars[bars[:, 1] > bars[:, 0]]
    births, deaths = bars[:, 0], bars[:, 1]
    count = len(bars)
    if not count:
        return []
    # Equal births, and equal deaths, in some order: as if they differed by next to nothing.
    born, died = (np.argsort(np.argsort(ends, kind="stable")) for ends in (births, deaths))
    # above[i, j]: tents born before tent i that die after tent j.
    held = np.zeros((count + 1, count + 1), dtype=np.int32)
    held[born + 1, died] = 1
    held = held.cumsum(axis=0)[:, ::-1].cumsum(axis=1)[:, ::-1]
    above = held[born[:, None], died + 1]
    rising, falling = np.nonzero(
        (born[:, None] > born) & (died[:, None] > died) & (births[:, None] < deaths)  # each but nested or apart
    )
    meets, heights = (births[rising] + deaths[falling]) / 2.0, (deaths[falling] - births[rising]) / 2.0
    at_birth = born - np.searchsorted(np.sort(deaths), births, side="right")
    at_death = np.searchsorted(np.sort(births), deaths, side="left") - 1 - died
    level = np.concatenate([above[rising, falling], above[rising, falling] + 1, np.diagonal(above), at_birth, at_death])
    at = np.concatenate([meets, meets, (births + deaths) / 2.0, births, deaths])
    height = np.concatenate([heights, heights, (deaths - births) / 2.0, np.zeros(2 * count)])
    order = np.lexsort([at, level])
    cuts = np.flatnonzero(np.diff(level[order])) + 1
    return list(zip(np.split(at[order], cuts), np.split(height[order], cuts), strict=True))


def _checked(bars: ArrayLike) -> Floats:
    every = as_bars(bars)
    infinite = int(np.isinf(every[:, 1]).sum())
    if infinite:
        raise GeomsimError(
            f"{infinite} bars never die, and their tents have no finite integral: leave out those that both sides share"
        )
    return every
