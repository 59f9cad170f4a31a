r"""How alike random pairs are used, and what that says of a pair and of all pairs together.

Scores of left set i with right set j make a matrix s. Some sets score high with all others, so a score is judged beside
what its own two sets usually give (the adjustment for *hubs* of nearest-neighbour search): the expected score and the
residual of i with j are

.. math:: c_{ij} = \bar s_{i \cdot} + \bar s_{\cdot j} - \bar s, \qquad t_{ij} = s_{ij} - c_{ij}

**Each pair.** Random pairs are the left set of one pair with the right set of another, both of the bin of the pair that
is judged (bins of pairs of like number of firings, or like size), that do not belong together. The p-value is
:math:`(b + 1) / (m + 1)` with b of m random pairs whose residual is at least that of the pair. It is that of a pair
among those of its bin, and so right for all pairs together: sets whose effects lie along the few directions in which
all effects differ most have random scores that spread more, and reach a small p by chance more often than other sets.

**All pairs.** The mean score among that of partners reshuffled inside the bins, likewise; the sums over rows and
columns of s do not change, so hubs play no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig
from geomsim.nulls.significance import p_value
from geomsim.orders import generator

_Floats = NDArray[np.float64]
_Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RandomPairs:
    """What random pairs give.

    Parameters
    ----------
    expected, sd, p_values, n_draws
        (pairs,) for each pair: the score expected of its two sets, the standard deviation of the residuals of random
        pairs of its bin, its p-value, how many random pairs there were.
    bins
        (pairs,) the bin of each pair.
    low, high
        the central 95% of the scores of random pairs.
    mean, mean_by_chance, p_of_mean, draws
        the mean score of all pairs, that of reshuffled ones, its p-value and how many reshufflings there were.
    """

    expected: _Floats
    sd: _Floats
    p_values: _Floats
    n_draws: _Integers
    bins: _Integers
    low: float
    high: float
    mean: float
    mean_by_chance: float
    p_of_mean: float
    draws: int


def random_pairs(
    scores: _Floats, bins: _Integers, related: NDArray[np.bool_], *, draws: int = 4999, seed: int = 0
) -> RandomPairs:
    """Judge the diagonal of a matrix of scores among the rest of it.

    Parameters
    ----------
    scores
        (pairs, pairs).
    bins
        (pairs,), as :func:`bins_of` makes them.
    related
        (pairs, pairs): which are no random pairs.
    draws
        at most so many random pairs for each pair, drawn without replacement; all of its bin where there are fewer.

    Raises
    ------
    InvalidConfig
        where `draws` is below 1, or a bin has no random pair.
    """
    if draws < 1:
        raise InvalidConfig(f"draws is {draws}; at least 1 is needed")
    random = generator(seed)
    expected = scores.mean(axis=1)[:, None] + scores.mean(axis=0)[None, :] - scores.mean()
    residual = scores - expected
    n = len(scores)
    sd, p, n_draws = np.zeros(n), np.ones(n), np.zeros(n, dtype=np.int64)
    for number in np.unique(bins).tolist():
        members = np.flatnonzero(bins == number)
        apart = ~related[np.ix_(members, members)]
        pool = residual[np.ix_(members, members)][apart]
        if not len(pool):
            raise InvalidConfig(
                f"there is no random pair for {len(members)} of the {n} pairs: all of their sets have something in "
                "common; take more pairs"
            )
        if len(pool) > draws:
            pool = random.choice(pool, draws, replace=False)
        sd[members], n_draws[members] = pool.std(ddof=1) if len(pool) > 1 else 0.0, len(pool)
        for pair in members.tolist():
            p[pair] = p_value(float(residual[pair, pair]), pool, "closer")
    others = scores[~related]
    low, high = np.quantile(others, (0.025, 0.975)).tolist()
    means = _reshuffled(scores, bins, draws, random)
    mean = float(np.diag(scores).mean())
    return RandomPairs(
        np.diag(expected).copy(), sd, p, n_draws, bins, low, high, mean, float(means.mean()),
        p_value(mean, means, "closer"), draws,
    )  # fmt: skip


def bins_of(sizes: _Floats, related: NDArray[np.bool_], enough: int, least: int = 30) -> _Integers:
    """Bins of pairs of like size, as many as leave each `least` pairs and `enough` random pairs; one if need be.

    >>> bins_of(np.array([5.0, 1.0, 4.0, 2.0]), np.eye(4, dtype=bool), enough=2, least=2)
    array([1, 0, 1, 0])
    """
    n = len(sizes)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(sizes, kind="stable")] = np.arange(n)
    for count in range(max(1, n // least), 1, -1):
        bins = rank * count // n
        members = [np.flatnonzero(bins == number) for number in range(count)]
        if min(int((~related[np.ix_(each, each)]).sum()) for each in members) >= enough:
            return bins
    return np.zeros(n, dtype=np.int64)


def paired_p(first: _Floats, second: _Floats, draws: int, seed: int) -> float:
    """Is the mean of `first` above that of `second`? A test by random signs of the differences; one-sided."""
    difference = first - second
    signs = generator(seed).choice((-1.0, 1.0), size=(draws, len(difference)))
    return p_value(float(difference.mean()), signs @ difference / len(difference), "closer")


def rank_correlation(first: _Floats, second: _Floats, draws: int, seed: int) -> tuple[float, float] | None:
    """Spearman's rho of two lists and its p-value by reshuffling one, two-sided; None where one is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(each) - (len(each) + 1) / 2 for each in (first, second)]
    norm = float(np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1])))
    if not norm:
        return None
    random = generator(seed)
    found = float(ranks[0] @ ranks[1]) / norm
    shuffled = np.array([ranks[0] @ random.permutation(ranks[1]) / norm for _ in range(draws)])
    return found, p_value(abs(found), np.abs(shuffled), "closer")


def _reshuffled(scores: _Floats, bins: _Integers, draws: int, random: np.random.Generator) -> _Floats:
    """(draws,) mean scores with partners changed inside the bins."""
    order = np.arange(len(scores))
    groups = [np.flatnonzero(bins == number) for number in np.unique(bins)]
    means = np.empty(draws)
    for draw in range(draws):
        for members in groups:
            order[members] = random.permutation(members)
        means[draw] = scores[np.arange(len(scores)), order].mean()
    return means
