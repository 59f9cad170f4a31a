"""Which row sets found under several settings are one feature: mutual best Jaccard, gathered around medoids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geomsim import GeomsimError

Integers = NDArray[np.int64]

_EQUAL = 1e-9  # sums of Jaccard indices closer than this are equal: their terms come in no certain order


@dataclass(frozen=True, eq=False)
class MatchedFeatures:
    """Features of several settings; those alive in most settings first, then those with most rows."""

    rows: tuple[Integers, ...]
    """The rows that stand for each feature: those of its medoid, as one setting found them."""
    representative: Integers
    """(features,) the setting of the medoid."""
    jaccard: NDArray[np.float64]
    """(features, settings): of the rows there with the representative rows; 0 where the feature is not alive."""
    place: Integers
    """(features, settings): which of the row sets of the setting it is; -1 where the feature is not alive."""

    @property
    def alive(self) -> NDArray[np.bool_]:
        """(features, settings)."""
        return self.place >= 0

    @property
    def share_alive(self) -> NDArray[np.float64]:
        """(features,) share of the settings in which each is alive."""
        return np.asarray(self.alive.mean(axis=1), dtype=np.float64)


def jaccard_matrix(left: Sequence[Integers], right: Sequence[Integers], n_rows: int) -> sparse.csr_matrix:
    """|l and r| / |l or r| of row sets, (left, right), sparse; rows of a set are different, and below `n_rows`."""
    first, second = _as_matrix(left, n_rows), _as_matrix(right, n_rows)
    both = (first @ second.T).tocoo()
    sizes = [np.array([len(rows) for rows in sets], dtype=np.int64) for sets in (left, right)]
    either = sizes[0][both.row] + sizes[1][both.col] - both.data
    return sparse.csr_matrix((both.data / either, (both.row, both.col)), shape=both.shape)


def match_features(settings: Sequence[Sequence[Integers]], n_rows: int, threshold: float = 0.5) -> MatchedFeatures:
    """One feature of each group of row sets that answer to each other.

    Two row sets of two settings *answer* to each other where their Jaccard index is at least `threshold` and neither
    has a larger one with any other set of the other's setting; of equal ones, the set that comes first counts. Then,
    again and again, the set that most free sets answer to becomes a medoid: these are its feature, and free no more. Of
    several, that with the largest sum of Jaccard indices; then the earliest setting; then the set that comes first. So
    each set belongs to one feature, a feature has at most one set in each setting, and each of them is as close to the
    medoid as the threshold asks: features do not drift along a chain of settings.

    Parameters
    ----------
    settings
        for each setting its row sets, in an order that means something.
    n_rows
        number of rows.
    threshold
        above 0, at most 1.

    Raises GeomsimError for a threshold outside.

    >>> found = match_features([[np.array([0, 1, 2, 3])], [np.array([0, 1, 2]), np.array([4])]], n_rows=5)
    >>> found.share_alive.tolist(), [rows.tolist() for rows in found.rows]
    ([1.0, 0.5], [[0, 1, 2, 3], [4]])
    """
    if not 0 < threshold <= 1:
        raise GeomsimError(f"threshold is a Jaccard index above 0 and at most 1, got {threshold}")
    sets = [rows for each in settings for rows in each]
    owner = np.repeat(np.arange(len(settings)), [len(each) for each in settings])
    inside = np.concatenate([np.arange(len(each)) for each in settings] or [np.empty(0, dtype=np.int64)])
    answers = _answers(jaccard_matrix(sets, sets, n_rows), owner, threshold)
    groups = _around_medoids(answers, owner)
    groups.sort(key=lambda group: (-len(group[1]), -len(sets[group[0]]), owner[group[0]], inside[group[0]]))
    jaccard = np.zeros((len(groups), len(settings)))
    place = np.full((len(groups), len(settings)), -1, dtype=np.int64)
    for number, (medoid, members) in enumerate(groups):
        place[number, owner[members]] = inside[members]
        jaccard[number, owner[members]] = answers[[medoid], members]
        jaccard[number, owner[medoid]] = 1.0
    medoids = np.array([medoid for medoid, _ in groups], dtype=np.int64)
    return MatchedFeatures(tuple(sets[medoid] for medoid in medoids), owner[medoids], jaccard, place)


def _answers(jaccard: sparse.csr_matrix, owner: Integers, threshold: float) -> sparse.csr_matrix:
    """The Jaccard indices of sets of two settings that answer to each other, (sets, sets)."""
    found = jaccard.tocoo()
    apart = (owner[found.row] != owner[found.col]) & (found.data >= threshold)
    one, other, value = found.row[apart], found.col[apart], found.data[apart]
    order = np.lexsort([other, -value, owner[other], one])
    one, other, value = one[order], other[order], value[order]
    best = np.append(True, (np.diff(one) != 0) | (np.diff(owner[other]) != 0))[: len(one)]
    directed = sparse.csr_matrix((value[best], (one[best], other[best])), shape=jaccard.shape)
    return sparse.csr_matrix(directed.minimum(directed.T))


def _around_medoids(answers: sparse.csr_matrix, owner: Integers) -> list[tuple[int, Integers]]:
    """Medoids, each with the sets of its feature, itself included."""
    free = np.ones(len(owner), dtype=bool)
    count = np.diff(answers.indptr).astype(np.int64)
    total = np.asarray(answers.sum(axis=1)).ravel()
    groups = []
    while free.any():
        most = np.flatnonzero(free & (count == count[free].max()))
        # Sets stand in the order of their settings, and in a setting in the order that counts.
        medoid = int(most[np.flatnonzero(total[most] >= total[most].max() - _EQUAL)[0]])
        near = answers.indices[answers.indptr[medoid] : answers.indptr[medoid + 1]]
        members = np.append(near[free[near]], medoid).astype(np.int64)
        free[members] = False
        for gone in members:
            around = slice(answers.indptr[gone], answers.indptr[gone + 1])
            count[answers.indices[around]] -= 1
            total[answers.indices[around]] -= answers.data[around]
        groups.append((medoid, members))
    return groups


def _as_matrix(sets: Sequence[Integers], n_rows: int) -> sparse.csr_matrix:
    starts = np.cumsum([0, *(len(rows) for rows in sets)])
    rows = np.concatenate([*sets, np.empty(0, dtype=np.int64)])
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.int64), rows, starts), shape=(len(sets), n_rows))
