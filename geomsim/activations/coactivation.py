r"""Which latents of two dictionaries are active together: every left latent against every right one, exactly.

Pearson's r over the n tokens needs five sums only,

.. math:: r = \frac{S_{xy} - S_x S_y / n}{\sqrt{(S_{xx} - S_x^2 / n)\,(S_{yy} - S_y^2 / n)}},

and a latent that is zero on a token adds nothing to any of them. So

1. the one-sided sums are taken once per latent,
2. :math:`S_{xy}` and the co-firings come as products ``left.T @ right``, tile by tile (sparse codes: of their
   non-zeros; dense codes: centred first, in blocks of rows), and each tile is reduced at once to the best partners
   of each latent in both directions,
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
# Mean square over variance beyond which uncentred sums lose too many digits (r is off by 3e-7 at 1e8 after 3,000 tokens
# and by the root of their number): codes with such a latent are no sparse codes, and are centred as dense ones are.
_CONDITION = 1e6
# Up to this share of candidates in a tile it is faster to sort them than to search the whole tile for the largest.
_FEW = 0.125
# A dense product over all pairs is faster than one pair after the other when fewer than this many are kept for each.
_PAIRS_PER_KEPT = 64


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
    (array([1, 0], dtype=int32), array([1.   , 0.973]))
    """
    for name, value, least in (("top", top, 1), ("min_firings", min_firings, 0), ("min_cofirings", min_cofirings, 0)):
        if value < least:
            raise InvalidCodes(f"{name} must be at least {least}, got {value}")
    if max_blocks < 2:
        raise InvalidCodes(f"a jackknife needs at least 2 blocks, got max_blocks={max_blocks}")
    budget = memory or batch_budget()
    left_aligned, right_aligned, left_out = align(left_codes, right_codes)
    blocks, block_kind = _blocks(left_aligned, right_aligned, max_blocks)
    left, right = _Side(left_aligned, blocks), _Side(right_aligned, blocks)
    if not (left.suits_sparse() and right.suits_sparse()):
        left.centre(budget)
        right.centre(budget)
    eligible = [~side.constant & (side.firings >= min_firings) for side in (left, right)]
    best_right, best_left = _Best(left.n_latents, top), _Best(right.n_latents, top)
    too_few = 0
    for rows, columns, products, together in _tiles(left, right, budget):
        candidate = eligible[1][rows, None] & eligible[0][None, columns]
        possible = int(np.count_nonzero(candidate))
        candidate &= together >= min_cofirings
        too_few += possible - int(np.count_nonzero(candidate))
        for best, (place, r) in zip(
            (best_left, best_right), _reduced(products, candidate, right, rows, left, columns, top), strict=True
        ):
            own, partner = place[0] + rows.start, place[1] + columns.start
            if best is best_right:
                own, partner = partner, own
            best.offer(own, partner, r, together[place])
    left_errors, right_errors = _standard_errors(left, right, best_right, best_left, budget)
    return Candidates(
        left_to_right=best_right.partners(left_errors),
        right_to_left=best_left.partners(right_errors),
        left_firings=left.firings,
        right_firings=right.firings,
        n_tokens=left.n_tokens,
        blocks=left.n_blocks,
        block_kind=block_kind,
        removed={
            "left": _reasons(left, eligible[0], best_right),
            "right": _reasons(right, eligible[1], best_left),
            "pairs": {"few_cofirings": too_few},
        },
        provenance={
            "left": left_codes.name,
            "right": right_codes.name,
            "text_hash": left_codes.text_hash or right_codes.text_hash,
            "top": top,
            "min_firings": min_firings,
            "min_cofirings": min_cofirings,
            "tokens_left_out": left_out,
        },
    )


class _Side:
    """One side's activations and their sums in each block of tokens, of values minus `shift` (0 while sparse)."""

    def __init__(self, codes: Codes, blocks: _Integers) -> None:
        self.matrix, self.is_sparse = codes.matrix, codes.is_sparse
        self.n_tokens, self.n_latents = codes.n_tokens, codes.n_latents
        self.blocks, self.n_blocks = blocks, int(blocks.max()) + 1
        self.firings = codes.firings()
        smallest, largest = self.matrix.min(axis=0), self.matrix.max(axis=0)
        if self.is_sparse:
            smallest, largest = smallest.toarray(), largest.toarray()
        self.constant: NDArray[np.bool_] = np.asarray(smallest == largest).ravel()
        self.shift = np.zeros(self.n_latents)
        self.centred = False

    def suits_sparse(self) -> bool:
        """Take the sums of the non-zeros, and say whether they keep enough digits; False for dense codes."""
        if not self.is_sparse:
            return False
        values = self.matrix.data.astype(np.float64)
        place = np.repeat(self.blocks, np.diff(self.matrix.indptr)) * self.n_latents + self.matrix.indices
        shape = (self.n_blocks, self.n_latents)
        flat = [np.bincount(place, w, minlength=shape[0] * shape[1]).astype(np.float64) for w in (values, values**2)]
        self._keep_sums(flat[0].reshape(shape), flat[1].reshape(shape))
        return bool((self.squares.sum(axis=0) <= _CONDITION * self.variation)[~self.constant].all())

    def centre(self, budget: int) -> None:
        """Take the mean out of every latent, so that sums of products do not cancel; for dense tiles."""
        self.shift = self._dense_sums(budget)[0].sum(axis=0) / self.n_tokens
        # What rounding left of the mean is in these sums, and is taken off with them.
        self._keep_sums(*self._dense_sums(budget))
        self.centred = True

    def block(self, rows: Any, columns: slice) -> _Floats:
        """Shifted activations of some tokens and latents, dense float64."""
        part = self.matrix[rows][:, columns]
        return np.asarray(part.toarray() if self.is_sparse else part, dtype=np.float64) - self.shift[columns]

    def nonzero(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """1 where a latent is not zero, else 0."""
        part = self.matrix[rows][:, columns]
        return np.asarray((part.toarray() if self.is_sparse else part) != 0, dtype=np.float32)

    def _dense_sums(self, budget: int) -> tuple[_Floats, _Floats]:
        sums, squares = np.zeros((self.n_blocks, self.n_latents)), np.zeros((self.n_blocks, self.n_latents))
        for block, rows in _rows_by_block(self.blocks, budget // (32 * self.n_latents)):
            values = self.block(rows, slice(None))
            sums[block] += values.sum(axis=0)
            squares[block] += np.einsum("ij,ij->j", values, values)
        return sums, squares

    def _keep_sums(self, sums: _Floats, squares: _Floats) -> None:
        self.sums, self.squares = sums, squares
        self.total = sums.sum(axis=0)
        self.variation = squares.sum(axis=0) - self.total**2 / self.n_tokens


def _tiles(left: _Side, right: _Side, budget: int) -> Iterator[tuple[slice, slice, _Floats, NDArray[Any]]]:
    """Right latents (rows of the tile), left latents (columns), sums of products and co-firings, tile by tile."""
    if left.centred:  # both are, or neither
        yield from _dense_tiles(left, right, budget)
        return
    products = _Products(left, right, slice(None), np.float64)
    together = _Products(left, right, slice(None), np.int32)
    for rows in _slices(right.n_latents, budget // (_BYTES_PER_ENTRY * left.n_latents)):
        yield rows, slice(0, left.n_latents), products.tile(rows).toarray(), together.tile(rows).toarray()


class _Products:
    """Sums of products of sparse sides over some tokens; of int32, co-firings.

    A tile has right latents as rows: scipy then walks the non-zeros of this tile only, so narrow tiles cost nothing.
    """

    def __init__(self, left: _Side, right: _Side, rows: Any, dtype: type[np.float64] | type[np.int32]) -> None:
        self.left, self.right = (self._of(side.matrix[rows], dtype) for side in (left, right))
        self.right = self.right.T.tocsr()

    @staticmethod
    def _of(matrix: Any, dtype: type[np.float64] | type[np.int32]) -> Any:
        import scipy.sparse

        values = np.ones(matrix.nnz, dtype=dtype) if dtype is np.int32 else matrix.data.astype(dtype)
        return scipy.sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)

    def tile(self, columns: slice) -> Any:
        """(right latents of the tile, left latents), CSR."""
        return self.right[columns] @ self.left


def _dense_tiles(left: _Side, right: _Side, budget: int) -> Iterator[tuple[slice, slice, _Floats, NDArray[Any]]]:
    width = max(1, int((budget / 2 / _BYTES_PER_ENTRY) ** 0.5))
    always = left.firings == left.n_tokens, right.firings == right.n_tokens
    for rows in _slices(right.n_latents, width):
        for columns in _slices(left.n_latents, width):
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            products, together = np.zeros(shape), np.zeros(shape, dtype=np.int64)
            known = bool(always[0][columns].all() or always[1][rows].all())
            if known:  # one side is never zero, so the other's firings are the co-firings
                together += np.minimum(right.firings[rows, None], left.firings[None, columns])
            for tokens in _slices(left.n_tokens, budget // (32 * sum(shape))):
                products += right.block(tokens, rows).T @ left.block(tokens, columns)
                if not known:
                    # Counts up to 2**24 are exact in float32, and no block of tokens is longer.
                    together += (right.nonzero(tokens, rows).T @ left.nonzero(tokens, columns)).astype(np.int64)
            yield rows, columns, products, together


def _correlation(products: _Floats, right: _Side, of_right: _Integers, left: _Side, of_left: _Integers) -> _Floats:
    """R of the named latents, which broadcast against the sums of products; NaN or infinite where one is constant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r = products - right.total[of_right] * (left.total[of_left] / left.n_tokens)
        r /= np.sqrt(np.maximum(right.variation[of_right], 0))
        r /= np.sqrt(np.maximum(left.variation[of_left], 0))
    return np.asarray(np.clip(np.round(r, _DECIMALS, out=r), -1, 1, out=r))


def _reduced(
    products: _Floats, candidate: NDArray[np.bool_], right: _Side, rows: slice, left: _Side, columns: slice, top: int
) -> list[tuple[tuple[_Integers, _Integers], _Floats]]:
    """Places and r of the candidates of a tile that may be among the best, for right latents, then for left ones."""
    of_right, of_left = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
    if np.count_nonzero(candidate) <= candidate.size * _FEW:
        few: Any = np.nonzero(candidate)
        return [(few, _correlation(products[few], right, of_right[few[0]], left, of_left[few[1]]))] * 2
    tile = _correlation(products, right, of_right[:, None], left, of_left[None, :])
    tile[~candidate] = -np.inf
    of_each_left = _best_of_each_row(tile.T, top)
    places = _best_of_each_row(tile, top), (of_each_left[1], of_each_left[0])
    return [(place, tile[place]) for place in places]


def _best_of_each_row(tile: _Floats, top: int) -> tuple[_Integers, _Integers]:
    """Rows and columns of the `top` largest of each row, and of what ties with the last; never of -inf."""
    good = tile > -np.inf
    if tile.shape[1] > top:
        good &= tile >= np.partition(tile, tile.shape[1] - top, axis=1)[:, tile.shape[1] - top, None]
    rows, columns = np.nonzero(good)
    return rows, columns


class _Best:
    """The best partners so far of each latent of one side, whatever the order in which tiles come."""

    def __init__(self, n_latents: int, top: int) -> None:
        self.partner = np.full((n_latents, top), -1, dtype=np.int64)
        self.r = np.full((n_latents, top), -np.inf)
        self.cofirings = np.zeros((n_latents, top), dtype=np.int64)

    def offer(self, own: _Integers, partner: _Integers, r: _Floats, cofirings: NDArray[Any]) -> None:
        """Merge some pairs into the best."""
        top = self.r.shape[1]
        good = r >= self.r[own, -1]
        touched = np.unique(own[good])
        old_own, old_rank = np.nonzero(self.partner[touched] >= 0)
        old = touched[old_own], old_rank
        all_own = np.concatenate([old[0], own[good]])
        all_partner = np.concatenate([self.partner[old], partner[good]])
        all_r = np.concatenate([self.r[old], r[good]])
        all_cofirings = np.concatenate([self.cofirings[old], cofirings[good]])
        order = np.lexsort((all_partner, -all_r, all_own))
        sorted_own = all_own[order]
        rank = np.arange(len(order)) - np.searchsorted(sorted_own, sorted_own)
        kept = rank < top
        place, order = (sorted_own[kept], rank[kept]), order[kept]
        self.partner[place], self.r[place] = all_partner[order], all_r[order]
        self.cofirings[place] = all_cofirings[order]

    def pairs(self) -> tuple[_Integers, _Integers]:
        """Own latent and partner of every candidate."""
        own, rank = np.nonzero(self.partner >= 0)
        return own, self.partner[own, rank]

    def partners(self, errors: _Floats) -> Partners:
        """The result, with one standard error per candidate in the order of :meth:`pairs`."""
        empty = self.partner < 0
        standard_error = np.full(self.r.shape, np.nan)
        standard_error[~empty] = errors
        return Partners(self.partner.astype(np.int32), np.where(empty, np.nan, self.r), standard_error, self.cofirings)


def _standard_errors(
    left: _Side, right: _Side, best_right: _Best, best_left: _Best, budget: int
) -> tuple[_Floats, _Floats]:
    """Jackknife errors of the candidates of both directions, each pair computed once."""
    keys = [
        right_latent * left.n_latents + left_latent
        for left_latent, right_latent in (best_right.pairs(), best_left.pairs()[::-1])
    ]
    unique, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    of_right, of_left = np.divmod(unique, left.n_latents)
    if left.centred:
        products = _dense_block_products(left, right, of_left, of_right, budget)
    else:
        products = _sparse_block_products(left, right, of_left, of_right, budget)
    errors = np.empty(len(unique))
    for chunk in _slices(len(unique), budget // (_BYTES_PER_ENTRY * 2 * left.n_blocks)):
        errors[chunk] = _jackknife(products[:, chunk], left, of_left[chunk], right, of_right[chunk])
    return errors[inverse[: len(keys[0])]], errors[inverse[len(keys[0]) :]]


def _jackknife(products: _Floats, left: _Side, of_left: _Integers, right: _Side, of_right: _Integers) -> _Floats:
    """Standard error of r from leaving out one block at a time (Efron & Tibshirani 1993, chapter 11).

    ``sqrt((B - 1) / B * sum((r_b - mean(r_b))**2))`` over the B values of r without block b.
    """
    n = left.n_tokens - np.bincount(left.blocks, minlength=left.n_blocks)[:, None]
    cross = products.sum(axis=0) - products
    totals, variations = [], []
    for side, latents in ((left, of_left), (right, of_right)):
        sums, squares = side.sums[:, latents], side.squares[:, latents]
        rest, rest_squares = sums.sum(axis=0) - sums, squares.sum(axis=0) - squares
        variation = rest_squares - rest**2 / n
        # What rounding leaves of a latent that is constant without this block is no variance.
        totals.append(rest)
        variations.append(np.where(variation > 1e-12 * rest_squares, variation, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (cross - totals[0] * totals[1] / n) / np.sqrt(variations[0] * variations[1])
        error = np.sqrt((left.n_blocks - 1) / left.n_blocks * ((r - r.mean(axis=0)) ** 2).sum(axis=0))
    return np.where(np.isfinite(error), error, np.inf)


def _sparse_block_products(left: _Side, right: _Side, of_left: _Integers, of_right: _Integers, budget: int) -> _Floats:
    """Sums of products of the named pairs (sorted by right latent) in each block, (blocks, pairs)."""
    result = np.zeros((left.n_blocks, len(of_left)))
    for block in range(left.n_blocks):
        products = _Products(left, right, np.flatnonzero(left.blocks == block), np.float64)
        for columns in _slices(right.n_latents, budget // (_BYTES_PER_ENTRY * left.n_latents)):
            first, last = np.searchsorted(of_right, (columns.start, columns.stop))
            tile = products.tile(columns)
            place = of_right[first:last] - columns.start, of_left[first:last]
            if first < last:
                # A nearly empty tile is searched, a full one is read as an array.
                crowded = tile.nnz * 16 > tile.shape[0] * tile.shape[1]
                picked: Any = tile.toarray()[place] if crowded else tile[place]
                # What indexing gives, sparse or dense, changed between scipy versions.
                result[block, first:last] = np.ravel(picked if isinstance(picked, np.ndarray) else picked.toarray())
    return result


def _dense_block_products(left: _Side, right: _Side, of_left: _Integers, of_right: _Integers, budget: int) -> _Floats:
    result = np.zeros((left.n_blocks, len(of_left)))
    rows_at_once = min(1024, budget // (64 * (left.n_latents + right.n_latents)))
    # One by one, a pair moves 16 bytes a token; a product moves none, so it may compute many more pairs than are kept.
    all_pairs = left.n_latents * right.n_latents
    if len(of_left) * _PAIRS_PER_KEPT > all_pairs and all_pairs * 8 < budget:
        for block, rows in _rows_by_block(left.blocks, rows_at_once):
            products = right.block(rows, slice(None)).T @ left.block(rows, slice(None))
            result[block] += products[of_right, of_left]
        return result
    for block, rows in _rows_by_block(left.blocks, rows_at_once):
        left_values, right_values = (np.ascontiguousarray(side.block(rows, slice(None)).T) for side in (left, right))
        for pairs in _slices(len(of_left), max(1, (8 << 20) // (16 * len(rows)))):
            values = left_values[of_left[pairs]], right_values[of_right[pairs]]
            result[block, pairs] += np.einsum("pt,pt->p", *values)
    return result


def _blocks(left: Codes, right: Codes, max_blocks: int) -> tuple[_Integers, str]:
    """The block of each token: whole documents dealt out to even blocks, or runs of tokens where none are known."""
    groups = left.groups if left.groups is not None else right.groups
    if groups is not None:
        _, document, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        if len(sizes) > 1:
            heap = [(0, block) for block in range(min(max_blocks, len(sizes)))]
            block_of = np.empty(len(sizes), dtype=np.int64)
            for number in np.argsort(-sizes, kind="stable"):
                tokens, block = heap[0]
                block_of[number] = block
                heapq.heapreplace(heap, (tokens + int(sizes[number]), block))
            return block_of[document], "documents"
    n_blocks = min(max_blocks, left.n_tokens)
    return np.arange(left.n_tokens, dtype=np.int64) * n_blocks // left.n_tokens, "tokens"


def _reasons(side: _Side, eligible: NDArray[np.bool_], best: _Best) -> dict[str, int]:
    """Why latents have no partner; each is counted once, under the first reason that holds."""
    silent = side.firings == 0
    constant = side.constant & ~silent
    lonely = best.partner[:, 0] < 0
    counts = {
        "silent": silent,
        "constant": constant,
        "few_firings": ~eligible & ~side.constant,
        "few_cofirings": eligible & lonely,
    }
    return {reason: int(mask.sum()) for reason, mask in counts.items()}


def _slices(n: int, width: int) -> Iterator[slice]:
    width = max(1, width)
    for start in range(0, n, width):
        yield slice(start, min(n, start + width))


def _rows_by_block(blocks: _Integers, width: int) -> Iterator[tuple[int, _Integers]]:
    """Block by block, at most `width` rows at once."""
    for block in range(int(blocks.max()) + 1):
        rows = np.flatnonzero(blocks == block)
        for part in _slices(len(rows), width):
            yield block, rows[part]
