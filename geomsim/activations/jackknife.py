"""Standard errors of correlations: the delete-one-block jackknife over blocks of documents.

Tokens of one document go together, so that neighbours are not taken for independent.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from geomsim.activations.coactivation_sparse import block_products, free_cores
from geomsim.activations.coactivation_sums import (
    BYTES_PER_ENTRY,
    Floats,
    Integers,
    OneSided,
    Product,
    Side,
    product_on_cpu,
    rows_by_block,
    slices,
)
from geomsim.activations.codes import Codes
from geomsim.parallel import in_threads

# A dense product over all pairs is faster than one pair after the other when fewer than this many are kept for each.
_PAIRS_PER_KEPT = 64
# Pairs of latents that fire often take longer than others.
_CHUNKS_PER_THREAD = 4


def blocks_of_tokens(left: Codes, right: Codes, max_blocks: int) -> tuple[Integers, str]:
    """The block of each token: whole documents dealt out to even blocks, or runs of tokens where none are known.

    Also what the blocks are made of, "documents" or "tokens".
    """
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


def standard_errors(
    left: Side, right: Side, of_left: Integers, of_right: Integers, budget: int, product: Product = product_on_cpu
) -> Floats:
    """Jackknife errors of r of the named pairs of two sides in memory; `product` multiplies blocks of dense ones."""

    def prepare(of_left: Integers, of_right: Integers) -> Callable[[slice], Floats]:
        if left.centred:
            # All at once: dense products are taken of all tokens for many pairs, not of some pairs.
            products = _dense_block_products(left, right, of_left, of_right, budget, product)
            return lambda chunk: products[:, chunk]
        return lambda chunk: block_products(left, right, of_left[chunk], of_right[chunk])

    return errors_of_pairs(left, right, of_left, of_right, budget, prepare)


def errors_of_pairs(
    left: OneSided,
    right: OneSided,
    of_left: Integers,
    of_right: Integers,
    budget: int,
    prepare: Callable[[Integers, Integers], Callable[[slice], Floats]],
) -> Floats:
    """Jackknife errors of r of the named pairs; a pair that is named twice is computed once.

    `prepare` takes the left and right latents of distinct pairs, sorted by right latent, and gives a function that
    answers a slice of them with their sums of products in each block, (blocks, pairs), about the shift of both sides.
    """
    unique, inverse = np.unique(of_right * left.n_latents + of_left, return_inverse=True)
    of_right, of_left = np.divmod(unique, left.n_latents)
    errors = np.empty(len(unique))
    products = prepare(of_left, of_right)

    def work(chunk: slice) -> None:
        errors[chunk] = _jackknife(products(chunk), left, of_left[chunk], right, of_right[chunk])

    with free_cores() as threads:
        at_once = budget // (threads * BYTES_PER_ENTRY * 2 * left.n_blocks)
        for _ in in_threads(work, _even_chunks(len(unique), at_once, threads), workers=threads):
            pass
    return errors[inverse]


def _even_chunks(n_pairs: int, width: int, threads: int) -> Iterator[slice]:
    """Chunks of at most `width` pairs, but of two at least: numpy adds up a single column in another order."""
    n_chunks = max(-(-n_pairs // max(4, width)), min(_CHUNKS_PER_THREAD * threads, n_pairs // 4), 1)
    edges = n_pairs * np.arange(n_chunks + 1) // n_chunks
    for start, stop in pairwise(edges.tolist()):
        yield slice(start, stop)


def _jackknife(products: Floats, left: OneSided, of_left: Integers, right: OneSided, of_right: Integers) -> Floats:
    """Standard error of r from leaving out one block at a time (Efron & Tibshirani 1993, chapter 11).

    ``sqrt((B - 1) / B * sum((r_b - mean(r_b))**2))`` over the B values of r without block b.
    """
    n = left.n_tokens - left.block_sizes[:, None]
    cross = products.sum(axis=0) - products
    totals, variations = [], []
    for side, latents in ((left, of_left), (right, of_right)):
        sums, squares = side.sums[:, latents], side.squares[:, latents]
        rest, rest_squares = sums.sum(axis=0) - sums, squares.sum(axis=0) - squares
        # The only block there is leaves nothing, hence no division by 0 tokens.
        variation = rest_squares - rest**2 / np.maximum(n, 1)
        # What rounding leaves of a latent that is constant without this block is no variance.
        totals.append(rest)
        variations.append(np.where(variation > 1e-12 * rest_squares, variation, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = cross - totals[0] * totals[1] / n
        jaccard = left.measure == "jaccard"
        r = shared / (variations[0] + variations[1] - shared if jaccard else np.sqrt(variations[0] * variations[1]))
        error = np.sqrt((left.n_blocks - 1) / left.n_blocks * ((r - r.mean(axis=0)) ** 2).sum(axis=0))
    return np.where(np.isfinite(error), error, np.inf)


def _dense_block_products(
    left: Side, right: Side, of_left: Integers, of_right: Integers, budget: int, product: Product
) -> Floats:
    result = np.zeros((left.n_blocks, len(of_left)))
    rows_at_once = min(1024, budget // (64 * (left.n_latents + right.n_latents)))
    # One by one, a pair moves 16 bytes a token; a product moves none, so it may compute many more pairs than are kept.
    all_pairs = left.n_latents * right.n_latents
    product_is_fast = product is not product_on_cpu or len(of_left) * _PAIRS_PER_KEPT > all_pairs
    if product_is_fast and all_pairs * 8 < budget:
        for block, rows in rows_by_block(left.blocks, rows_at_once):
            products = product(right.block(rows, slice(None)), left.block(rows, slice(None)))
            result[block] += products[of_right, of_left]
        return result
    for block, rows in rows_by_block(left.blocks, rows_at_once):
        left_values, right_values = (np.ascontiguousarray(side.block(rows, slice(None)).T) for side in (left, right))
        for pairs in slices(len(of_left), max(1, (8 << 20) // (16 * len(rows)))):
            values = left_values[of_left[pairs]], right_values[of_right[pairs]]
            result[block, pairs] += np.einsum("pt,pt->p", *values)
    return result
