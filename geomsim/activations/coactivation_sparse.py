"""Sparse sides: who goes best with whom, and sums of named pairs, from the non-zeros alone.

1. Only latents that fire often enough on both sides are looked at.
2. Left latents are cut into tiles; threads share out the right latents. A thread holds the sums of one right latent
   with the whole tile at a time (they stay in the cache) and keeps the best it has met.
3. When a tile is done, the best of all threads are merged. Nothing of size latents x latents is ever held.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_partners import Best
from geomsim.activations.coactivation_sums import Columns, Floats, Integers, Side, slices
from geomsim.parallel import cores, in_threads

# Sums of more left latents than this fall out of the cache of a core.
_WIDEST_TILE = 32768
# Clearing and looking through the sums of a tile costs as much as adding this share of its width.
_SHARE_OF_WIDTH = 1 / 8

_lock = threading.Lock()
_busy = 0


@contextmanager
def free_cores() -> Iterator[int]:
    """How many threads to use: all cores that nobody else has taken here, at least one.

    Whoever correlates several pairs of codes in threads of their own would else have cores times cores of them.
    """
    global _busy
    with _lock:
        taken = max(1, cores() - _busy)
        _busy += taken
    try:
        yield taken
    finally:
        with _lock:
            _busy -= taken


def offer_sparse(
    left: Side,
    right: Side,
    eligible: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    best_left: Best,
    best_right: Best,
    min_cofirings: int,
    budget: int,
) -> int:
    """Offer every pair of eligible left and right latents to the best of both; how many co-fire often enough.

    `best_left` holds the partners of right latents, `best_right` those of left ones. `budget` bounds the tiles.
    """
    from geomsim.activations import coactivation_kernels as kernels

    left_numbers, right_numbers = (np.flatnonzero(mask).astype(np.uint32) for mask in eligible)
    if not len(left_numbers) or not len(right_numbers):
        return 0
    top = best_left.r.shape[1]
    left_means, supports = left.total / left.n_tokens, left.measure == "jaccard"
    left_spreads, right_spreads = (side.variation if supports else np.sqrt(side.variation) for side in (left, right))
    enough = 0
    with free_cores() as threads:
        width = min(_WIDEST_TILE, max(kernels.STRIP, budget // (threads * (12 + 16 * top))))
        for tile in slices(len(left_numbers), width):
            numbers = left_numbers[tile]
            rows = left.matrix if len(numbers) == left.n_latents else left.matrix[:, numbers]
            starts = rows.indptr.astype(np.uint64)
            entries = np.empty(rows.nnz, dtype=kernels.ENTRY)
            entries["latent"], entries["value"] = rows.indices, rows.data

            def count(
                chosen: NDArray[np.uint32],
                numbers: NDArray[np.uint32] = numbers,
                starts: NDArray[np.uint64] = starts,
                entries: NDArray[Any] = entries,
            ) -> tuple[int, Floats, NDArray[np.int32], NDArray[np.int32]]:
                best = np.full((len(numbers), top), -np.inf)
                partners = np.full((len(numbers), top), -1, dtype=np.int32)
                cofirings = np.zeros((len(numbers), top), dtype=np.int32)
                found = kernels.best_of_columns(
                    chosen, *right.columns, right.total, right_spreads,
                    starts, entries, numbers, left_means[numbers], left_spreads[numbers],
                    supports, min_cofirings,
                    best_left.r, best_left.partner, best_left.cofirings, best, partners, cofirings,
                )  # fmt: skip
                return found, best, partners, cofirings

            products = right.firings * (len(entries) / left.n_tokens)
            shares = even_shares(right_numbers, products, len(numbers), threads)
            for found, r, partners, cofirings in in_threads(count, shares, workers=len(shares)):
                enough += found
                kernels.merge_best(
                    best_right.r, best_right.partner, best_right.cofirings, numbers, r, partners, cofirings
                )
    return enough


def even_shares(
    numbers: NDArray[np.uint32], weights: NDArray[Any], width: int, threads: int
) -> list[NDArray[np.uint32]]:
    """Latents in runs of about equal work, one per thread; the work of one is its weight and a share of `width`."""
    work = np.cumsum(weights[numbers] + width * _SHARE_OF_WIDTH)
    cuts = np.searchsorted(work, work[-1] * np.arange(1, threads) / threads)
    return [share for share in np.split(numbers, cuts) if len(share)]


def block_products(left: Side, right: Side, of_left: Integers, of_right: Integers) -> Floats:
    """Sums of products of the named pairs (sorted by right latent) in each block, (blocks, pairs)."""
    from geomsim.activations import coactivation_kernels as kernels

    products = np.zeros((left.n_blocks, len(of_left)))
    kernels.products_of_pairs(of_left, of_right, *left.columns, *right.columns, left.blocks.astype(np.uint32), products)
    return products


def pair_products(left: Columns, right: Columns, n_tokens: int, of_left: Integers, of_right: Integers) -> Floats:
    """Sums of products of the named pairs, in any order, over all tokens, (pairs,); added up token by token."""
    from geomsim.activations import coactivation_kernels as kernels

    order = np.argsort(of_right, kind="stable")
    blocks, products = np.zeros(n_tokens, dtype=np.uint32), np.empty(len(order))

    def work(chosen: Integers) -> None:
        found = np.zeros((1, len(chosen)))
        kernels.products_of_pairs(of_left[chosen], of_right[chosen], *left, *right, blocks, found)
        products[chosen] = found[0]

    with free_cores() as threads:
        # Pairs of latents that fire often take longer than others.
        chunks = np.array_split(order, min(4 * threads, max(1, len(order))))
        for _ in in_threads(work, chunks, workers=threads):
            pass
    return products
