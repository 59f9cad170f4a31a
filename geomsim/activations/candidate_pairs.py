"""Candidates as pairs: the union of both sides' lists, and the lists without some latents."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.candidates import Candidates, Partners

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]


class CandidatePairs(NamedTuple):
    """Each pair of latents that stands in the list of either, once; sorted by left, then right latent.

    ``left``, ``right``, ``r`` and ``standard_error`` are (pairs,); `n_left` and `n_right` count the latents of each
    side, those without a pair included.
    """

    left: _Integers
    right: _Integers
    r: _Floats
    standard_error: _Floats
    n_left: int
    n_right: int

    def keep(self, kept: _Mask) -> CandidatePairs:
        """Only some of the pairs."""
        return CandidatePairs(
            self.left[kept], self.right[kept], self.r[kept], self.standard_error[kept], self.n_left, self.n_right
        )


def candidate_pairs(candidates: Candidates, best: int | None = None) -> CandidatePairs:
    """The union of both sides' lists, of which only the `best` partners of each latent where that is given.

    >>> from geomsim.activations.codes import Codes
    >>> from geomsim.activations.coactivation import correlate
    >>> codes = Codes.from_dense([[1.0, 1.0], [0.0, 2.0], [1.0, 0.0]])
    >>> pairs = candidate_pairs(correlate(codes, codes, top=1, min_firings=1, min_cofirings=1))
    >>> pairs.left, pairs.right, pairs.r
    (array([0, 1]), array([0, 1]), array([1., 1.]))
    """
    n_left, n_right = len(candidates.left_firings), len(candidates.right_firings)
    keys, r, errors = [], [], []
    for partners, own_times, other_times in (
        (candidates.left_to_right, n_right, 1),
        (candidates.right_to_left, 1, n_right),
    ):
        own, rank = np.nonzero(partners.partner[:, :best] >= 0)
        keys.append(own * own_times + partners.partner[own, rank].astype(np.int64) * other_times)
        r.append(partners.r[own, rank])
        errors.append(partners.standard_error[own, rank])
    key, first = np.unique(np.concatenate(keys), return_index=True)
    left, right = np.divmod(key, n_right)
    return CandidatePairs(left, right, np.concatenate(r)[first], np.concatenate(errors)[first], n_left, n_right)


def only_latents(candidates: Candidates, left: _Mask, right: _Mask) -> Candidates:
    """The candidates among some latents of both sides, under their new numbers; lists close up where one is gone.

    A list was cut at `top` before: a latent may have other partners than those that are left in it.
    """
    return replace(
        candidates,
        left_to_right=_only(candidates.left_to_right, left, right),
        right_to_left=_only(candidates.right_to_left, right, left),
        left_firings=candidates.left_firings[left],
        right_firings=candidates.right_firings[right],
    )


def _only(partners: Partners, own: _Mask, other: _Mask) -> Partners:
    number = np.full(len(other) + 1, -1, dtype=np.int32)  # the last is for "none", which is -1
    number[:-1][other] = np.arange(int(other.sum()), dtype=np.int32)
    renumbered = number[partners.partner[own]]
    gone = renumbered < 0
    order = np.argsort(gone, axis=1, kind="stable")
    columns = [
        np.take_along_axis(np.where(gone, nothing, values), order, axis=1)
        for values, nothing in (
            (renumbered, np.int32(-1)),
            (partners.r[own], np.nan),
            (partners.standard_error[own], np.nan),
            (partners.cofirings[own], np.int64(0)),
        )
    ]
    return Partners(columns[0], columns[1], columns[2], columns[3])
