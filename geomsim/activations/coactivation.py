r"""Which latents of two dictionaries are active together: every left latent against every right one, exactly.

Pearson's r over the n tokens needs five sums only,

.. math:: r = \frac{S_{xy} - S_x S_y / n}{\sqrt{(S_{xx} - S_x^2 / n)\,(S_{yy} - S_y^2 / n)}},

and a latent that is zero on a token adds nothing to any of them. So

1. the one-sided sums are taken once per latent,
2. :math:`S_{xy}` and the co-firings come as products ``left.T @ right``, tile by tile (sparse codes: of their non-zeros;
   dense codes: centred first, in blocks of rows), and each tile is reduced at once to the best partners of each
   latent in both directions,
3. for the kept candidates alone, the sums of each block of documents give the delete-one-block jackknife.

All sums are float64; r is rounded to 12 decimals so that equal latents tie, and of a tie the lowest number wins.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes, align
from geomsim.errors import InvalidCodes
from geomsim.memory import batch_budget

if TYPE_CHECKING:
    import pandas as pd

_Floats = NDArray[np.float64]
_Integers = NDArray[np.int64]

_DECIMALS = 12
# Bytes held at once per entry of a tile: sums and counts (sparse, then dense), r, masks and the copies of sorting.
_BYTES_PER_ENTRY = 64
# Mean square over variance beyond which uncentred sums lose too many digits: such "sparse" codes are centred as dense.
_CONDITION = 1e8


@dataclass(frozen=True, eq=False)
class Partners:
    """The best partners of each latent of one side, best first; each array is (n_latents, top).

    ``partner`` is -1, ``r`` and ``standard_error`` are NaN and ``cofirings`` is 0 where there are fewer than `top`.
    ``standard_error`` is infinite where leaving one block of documents out leaves a latent constant: r rests on it.
    """

    partner: NDArray[np.int32]
    r: _Floats
    standard_error: _Floats
    cofirings: _Integers

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which latents have any partner, (n_latents,)."""
        return np.asarray(self.partner[:, 0] >= 0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """For every latent of both sides, its best few partners on the other side.

    ``left_to_right.partner[i]`` are right latents, ``right_to_left.partner[j]`` left ones. `removed` counts, for each
    side, the latents without any partner by reason (``silent``: never fires; ``constant``: no variance, so no r;
    ``few_firings``; ``few_cofirings``: with every other latent), and under ``pairs`` the pairs that had firings enough
    but too few co-firings. `blocks` is the number of blocks of the jackknife, `block_kind` what they are made of.
    """

    left_to_right: Partners
    right_to_left: Partners
    left_firings: _Integers
    right_firings: _Integers
    n_tokens: int
    blocks: int
    block_kind: str
    removed: Mapping[str, Mapping[str, int]]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def top(self) -> int:
        """How many partners are kept per latent."""
        return int(self.left_to_right.partner.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate: direction, latent, rank (from 1), partner, r, standard_error, firings, cofirings."""
        import pandas as pd

        frames = []
        for direction, partners, own, other in (
            ("left-to-right", self.left_to_right, self.left_firings, self.right_firings),
            ("right-to-left", self.right_to_left, self.right_firings, self.left_firings),
        ):
            latent, rank = np.nonzero(partners.partner >= 0)
            partner = partners.partner[latent, rank].astype(np.int64)
            columns = {
                "direction": direction,
                "latent": latent,
                "rank": rank + 1,
                "partner": partner,
                "r": partners.r[latent, rank],
                "standard_error": partners.standard_error[latent, rank],
                "cofirings": partners.cofirings[latent, rank],
                "latent_firings": own[latent],
                "partner_firings": other[partner],
            }
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        found = int(self.left_to_right.found.sum()), int(self.right_to_left.found.sum())
        sides = f"{found[0]} of {len(self.left_firings)} left and {found[1]} of {len(self.right_firings)} right latents"
        return f"Candidates(top {self.top} of {sides}, {self.n_tokens} tokens)"


def correlate(
    left_codes: Codes,
    right_codes: Codes,
    top: int = 16,
    min_firings: int = 100,
    min_cofirings: int = 20,
    *,
    max_blocks: int = 20,
    memory: int | None = None,
) -> Candidates:
    """Pearson's r of every left latent with every right one over their common tokens, reduced to the best `top` each.

    Parameters
    ----------
    left_codes, right_codes
        codes over the same text; tokens that only one of them has are left out and counted in ``provenance``.
    top
        partners to keep per latent, in each direction.
    min_firings
        non-zeros that both latents of a pair need.
    min_cofirings
        tokens on which both latents of a pair are non-zero.
    max_blocks
        most blocks of the jackknife: of whole documents where there are groups, else of neighbouring tokens.
    memory
        bytes that one tile may take; changes the speed, not the result.

    Raises
    ------
    InvalidCodes
        when the codes are of different texts, or an option is out of range.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> candidates = correlate(left, right, top=1, min_firings=1, min_cofirings=1)
    >>> candidates.left_to_right.partner.ravel(), candidates.left_to_right.r.ravel().round(3)
    (array([1, 0], dtype=int32), array([1.   , 0.983]))
    """
    for name, value, least in (("top", top, 1), ("min_firings", min_firings, 0), ("min_cofirings", min_cofirings, 0)):
        if value < least:
            raise InvalidCodes(f"{name} must be at least {least}, got {value}")
    if max_blocks < 2:
        raise InvalidCodes(f"a jackknife needs at least 2 blocks, got max_blocks={max_blocks}")
    budget = memory or batch_budget()
    left_aligned, right_aligned, left_out = align(left_codes, right_codes)
    left, right = _Side(left_aligned, budget), _Side(right_aligned, budget)
    if left.needs_dense or right.needs_dense:
        for side in (left, right):
            side.centre(budget)
    best_right = _Best(left.n_latents, top)
    best_left = _Best(right.n_latents, top)
    left_eligible = ~left.constant & (left.firings >= min_firings)
    right_eligible = ~right.constant & (right.firings >= min_firings)
    refused_pairs = 0
    for rows, columns, covariation, together in _tiles(left, right, budget):
        allowed = together >= min_cofirings
        allowed &= left_eligible[rows, None] & right_eligible[None, columns]
        refused_pairs += int(left_eligible[rows].sum()) * int(right_eligible[columns].sum()) - int(allowed.sum())
        r = _correlation(covariation, left.total(rows)[:, None], right.total(columns)[None, :], left.n_tokens, allowed)
        best_right.offer(r, together, rows.start, columns.start)
        best_left.offer(r.T, together.T, columns.start, rows.start)
    blocks, kind = _blocks(left_aligned, right_aligned, max_blocks)
    errors = _jackknife(left, right, best_right, best_left, blocks, budget)
    removed = {
        "left": _reasons(left, min_firings, best_right),
        "right": _reasons(right, min_firings, best_left),
        "pairs": {"few_cofirings": refused_pairs},
    }
    provenance = {
        "left": left_codes.name,
        "right": right_codes.name,
        "text_hash": left_codes.text_hash or right_codes.text_hash,
        "top": top,
        "min_firings": min_firings,
        "min_cofirings": min_cofirings,
        "tokens_left_out": left_out,
    }
    return Candidates(
        best_right.partners(errors[0]),
        best_left.partners(errors[1]),
        left.firings,
        right.firings,
        left.n_tokens,
        int(blocks.max()) + 1 if len(blocks) else 0,
        kind,
        removed,
        provenance,
    )


class _Side:
    """One side's activations with its one-sided sums, of values minus `shift` (0 while the side is sparse)."""

    def __init__(self, codes: Codes, budget: int) -> None:
        self.matrix = codes.matrix
        self.is_sparse = codes.is_sparse
        self.n_tokens, self.n_latents = codes.n_tokens, codes.n_latents
        self.firings = codes.firings()
        self.shift = np.zeros(self.n_latents)
        if self.is_sparse:
            smallest, largest = (np.asarray(m.toarray()).ravel() for m in (self.matrix.min(axis=0), self.matrix.max(axis=0)))
        else:
            smallest, largest = self.matrix.min(axis=0), self.matrix.max(axis=0)
        self.constant = smallest == largest
        self.sum, self.squares = self.sums(np.zeros(self.n_tokens, dtype=np.int64), 1, budget)
        self.needs_dense = not self.is_sparse or self._ill_conditioned()

    def _ill_conditioned(self) -> bool:
        variation = self.squares[0] - self.sum[0] ** 2 / self.n_tokens
        return bool((self.squares[0] > _CONDITION * variation)[~self.constant].any())

    def centre(self, budget: int) -> None:
        """Take the mean out of every latent, so that sums of products do not cancel; for dense tiles only."""
        # The first token first: a second mean of what is left is exact to the last digits even far from zero.
        self.shift = self.block(slice(0, 1), slice(None))[0]
        labels = np.zeros(self.n_tokens, dtype=np.int64)
        self.shift = self.shift + self.sums(labels, 1, budget, dense=True)[0][0] / self.n_tokens
        self.sum, self.squares = self.sums(labels, 1, budget, dense=True)

    def block(self, rows: slice, columns: slice) -> _Floats:
        """Shifted activations of some tokens and latents as a dense float64 array."""
        part = self.matrix[rows, columns]
        part = part.toarray() if self.is_sparse else part
        return np.asarray(part.astype(np.float64) - self.shift[columns])

    def nonzero(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """1 where a latent is not zero, else 0."""
        part = self.matrix[rows, columns]
        part = part.toarray() if self.is_sparse else part
        return np.asarray((part != 0).astype(np.float32))

    def total(self, columns: slice) -> Any:
        """(2, latents): sum and centred sum of squares; as one array so that tiles can broadcast it."""
        return _Sums(self.sum[0][columns], self.squares[0][columns])

    def sums(
        self, labels: _Integers, n_blocks: int, budget: int, dense: bool = False
    ) -> tuple[_Floats, _Floats]:
        """Sum and sum of squares of each latent in each block of tokens, both (n_blocks, n_latents)."""
        if self.is_sparse and not dense:
            values = self.matrix.data.astype(np.float64)
            row_of = np.repeat(labels, np.diff(self.matrix.indptr))
            place = row_of * self.n_latents + self.matrix.indices
            shape = (n_blocks, self.n_latents)
            sums = (np.bincount(place, weights=w, minlength=shape[0] * shape[1]) for w in (values, values**2))
            total, squares = (s.reshape(shape) for s in sums)
            return total, squares
        total, squares = np.zeros((n_blocks, self.n_latents)), np.zeros((n_blocks, self.n_latents))
        for rows in _slices(self.n_tokens, budget // (4 * 8 * self.n_latents)):
            values = self.block(rows, slice(None))
            for block in np.unique(labels[rows]):
                part = values[labels[rows] == block]
                total[block] += part.sum(axis=0)
                squares[block] += np.einsum("ij,ij->j", part, part)
        return total, squares
