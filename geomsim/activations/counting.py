"""Count the sums that correlations are made of, block by block of text, to be added up later.

Sums over all tokens are sums over blocks of tokens. A block is counted once, wherever and whenever; correlations of any
union of blocks follow from what was counted (:class:`geomsim.activations.counted_sums.CountedSums`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.activations.alignment import align
from geomsim.activations.coactivation_sparse import free_cores
from geomsim.activations.coactivation_sums import MEASURES, Floats, Integers, Measure, dense_tile
from geomsim.activations.codes import Codes
from geomsim.activations.counted_block import BlockSide, CountedBlock, Tile
from geomsim.activations.counted_side import CountedSide
from geomsim.activations.counted_sums import CountedSums, Identity
from geomsim.errors import InvalidCodes
from geomsim.parallel import in_threads

# Numbers of the format, not of the machine: the same codes give the same files everywhere.
_ENTRIES_PER_TILE = 1 << 21
_DENSE_VALUES_AT_ONCE = 1 << 22
# An entry takes 16 bytes with its latent and 12 without.
_DENSE_FROM = 0.75


def count(
    left_codes: Codes, right_codes: Codes, *, measure: Measure = "pearson", block: int | ArrayLike = 0
) -> CountedSums:
    """Sums of every left latent with every right one over their common tokens, to be merged with those of other text.

    Parameters
    ----------
    left_codes, right_codes
        codes over the same text: whole documents. Tokens that only one of them has are left out and counted.
    measure
        as in :func:`correlate`; what is counted serves this measure alone.
    block
        the number of this block of text, or one number for each left token where it holds several. Blocks are the
        blocks of the jackknife, and what tells one part of the text from another: every part needs a number of its own.

    Raises
    ------
    InvalidCodes
        when the codes are of different texts, the measure is unknown, block numbers are missing or negative, or a
        document is in two blocks.

    Notes
    -----
    Each sum over the n tokens of a block is off by at most ``n u sum |x y|``, u = 2**-53, with x and y about their
    origin (:class:`CountedSide`), and adding up B blocks by at most B u of the same. So r is off by at most about
    ``4 (n + B) u k`` with k the larger mean square over variance of the two latents: 1 for dense codes, at most one
    over the share of silent tokens for sparse ones. For n = 65,536 and k = 1 that is 3e-11; as rounding errors cancel,
    1e-13 is what is seen. Blocks about different means are moved to the common one before they are added (Chan, Golub
    & LeVeque 1983).

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> sums = count(left, right, block=[0, 0, 1, 1])
    >>> found = sums.candidates(top=1, min_firings=1, min_cofirings=1, standard_errors=False)
    >>> found.left_to_right.r.ravel().round(3)
    array([1.   , 0.973])
    """
    if measure not in MEASURES:
        raise InvalidCodes(f"unknown measure {measure!r}; there are {', '.join(MEASURES)}")
    labels = _labels(block, left_codes)
    left, right, left_out = align(left_codes, right_codes)
    if left_codes.tokens is not None and right_codes.tokens is not None:
        labels = labels[_kept_rows(left_codes, right_codes)]
    blocks: list[CountedBlock] = []
    for number in np.unique(labels).tolist():
        rows = np.flatnonzero(labels == number)
        everything = len(rows) == left.n_tokens
        parts = (left, right) if everything else (left.take(rows), right.take(rows))
        counted, tiles = count_block(*parts, number, measure)
        blocks.append(replace(counted, tiles=tuple(tiles), left_out={} if blocks else left_out))
    return CountedSums(Identity.of(left_codes, right_codes, measure), blocks)


def count_block(
    left_codes: Codes, right_codes: Codes, number: int, measure: Measure
) -> tuple[CountedBlock, Iterable[Tile]]:
    """All tokens of two aligned codes as one block without tiles, and its tiles, which are counted as they are read."""
    left, right = in_threads(lambda codes: CountedSide(codes, measure), (left_codes, right_codes), workers=2)
    groups = left_codes.groups if left_codes.groups is not None else right_codes.groups
    block = CountedBlock(
        number=number,
        n_tokens=left.n_tokens,
        left=left.sums,
        right=right.sums,
        tiles=(),
        documents=np.empty(0, dtype=np.int64) if groups is None else np.unique(groups),
        text_hash=left_codes.text_hash or right_codes.text_hash,
    )
    return block, count_tiles(left, right)


def empty_block(left_codes: Codes, right_codes: Codes, number: int) -> CountedBlock:
    """A block without tokens, which changes no sum."""
    sides = []
    for width in (left_codes.n_latents, right_codes.n_latents):
        zeros = np.zeros(width)
        sides.append(BlockSide(zeros, zeros, zeros, zeros.astype(np.int64), np.full(width, np.nan, dtype=np.float32)))
    nothing = np.zeros(right_codes.n_latents + 1, dtype=np.int64)
    tile = Tile(0, nothing, np.empty(0, np.uint32), np.empty(0), np.empty(0, np.int32))
    return CountedBlock(number, 0, sides[0], sides[1], (tile,))


def count_tiles(left: CountedSide, right: CountedSide) -> Iterator[Tile]:
    """The cross sums of two sides, tile by tile; a tile per core is held."""
    if not (left.is_sparse and right.is_sparse):
        for first, stop in pairwise(_even_edges(np.full(right.n_latents, left.n_latents))):
            yield _count_dense(left, right, first, stop)
        return
    from geomsim.activations import coactivation_kernels as kernels

    room = np.minimum(left.n_latents, _products(left, right))
    rows = left.matrix
    entries = np.empty(rows.nnz, dtype=kernels.ENTRY)
    entries["latent"], entries["value"] = rows.indices, rows.data
    by_token = rows.indptr.astype(np.uint64), entries

    def work(edges: tuple[int, int]) -> Tile:
        return _count_sparse(left.n_latents, by_token, right, *edges, int(room[slice(*edges)].sum()))

    with free_cores() as threads:
        yield from in_threads(work, pairwise(_even_edges(room)), workers=threads)


def _count_sparse(
    width: int, left: tuple[NDArray[np.uint64], NDArray[Any]], right: CountedSide, first: int, stop: int, room: int
) -> Tile:
    """Right latents from `first` to `stop`, of the non-zeros of both sides; `room` holds all pairs that may co-fire."""
    from geomsim.activations import counting_kernels as kernels

    starts = np.empty(stop - first + 1, dtype=np.int64)
    latents, sums, cofirings = np.empty(room, dtype=np.uint32), np.empty(room), np.empty(room, dtype=np.int32)
    written = kernels.count_columns(first, stop, *right.columns, *left, width, starts, latents, sums, cofirings)
    latents, sums, cofirings = latents[:written], sums[:written], cofirings[:written]
    if written <= _DENSE_FROM * (stop - first) * width:
        return Tile(first, starts, latents.copy(), sums.copy(), cofirings.copy())
    places = np.repeat(np.arange(stop - first), np.diff(starts)) * width + latents
    dense = np.zeros((stop - first) * width), np.zeros((stop - first) * width, dtype=np.int32)
    dense[0][places], dense[1][places] = sums, cofirings
    return _dense_tile(first, stop, width, *dense)


def _count_dense(left: CountedSide, right: CountedSide, first: int, stop: int) -> Tile:
    at_once = _DENSE_VALUES_AT_ONCE // (left.n_latents + stop - first)
    everything = slice(0, left.n_latents)
    products, together = dense_tile(left, right, slice(first, stop), everything, at_once)
    return _dense_tile(first, stop, left.n_latents, products.ravel(), together.ravel().astype(np.int32))


def _dense_tile(first: int, stop: int, width: int, sums: Floats, cofirings: NDArray[np.int32]) -> Tile:
    return Tile(first, np.arange(stop - first + 1) * width, np.empty(0, dtype=np.uint32), sums, cofirings)


def _products(left: CountedSide, right: CountedSide) -> Integers:
    """How many products of non-zeros each right latent has with left ones."""
    per_token = np.diff(left.matrix.indptr)[right.columns.tokens]
    summed = np.concatenate([[0], np.cumsum(per_token, dtype=np.int64)])
    return np.asarray(np.diff(summed[right.columns.starts.astype(np.int64)]))


def _even_edges(room: NDArray[np.int64]) -> list[int]:
    """Cuts between right latents such that a tile has at most as many entries as fit, or one latent."""
    edges, held = [0], 0
    for latent, needed in enumerate(room.tolist()):
        if held and held + needed > _ENTRIES_PER_TILE:
            edges.append(latent)
            held = 0
        held += needed
    return [*edges, len(room)]


def _kept_rows(left_codes: Codes, right_codes: Codes) -> Integers:
    """Which rows of the left codes their alignment keeps: their numbers as groups come through it."""
    numbers = np.arange(left_codes.n_tokens)
    numbered = Codes(left_codes.matrix, left_codes.tokens, numbers, provenance=left_codes.provenance)
    groups = align(numbered, right_codes).left.groups
    return numbers if groups is None else groups


def _labels(block: int | ArrayLike, codes: Codes) -> Integers:
    """The block number of each token."""
    labels = np.asarray(block)
    if labels.dtype.kind not in "iu" or labels.shape not in ((), (codes.n_tokens,)) or labels.min() < 0:
        what = f"{labels.dtype} of shape {labels.shape}" if labels.ndim else repr(block)
        raise InvalidCodes(
            f"block must be a whole number from 0 on, or one for each of the {codes.n_tokens} left tokens, got {what}"
        )
    return np.broadcast_to(labels, codes.n_tokens).astype(np.int64)
