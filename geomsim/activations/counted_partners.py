"""The best partners of each latent, and sums of named pairs, from blocks that were counted before.

Right latents go through in groups of rows: what each block holds of them is added up, in the order of the blocks'
numbers, moved to the common origin, and offered to the best of both sides. Only one group is held per thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_partners import Best
from geomsim.activations.coactivation_sparse import even_shares, free_cores
from geomsim.activations.coactivation_sums import Floats, Integers, slices
from geomsim.activations.counted_block import CountedBlock
from geomsim.activations.pooled_side import PooledSide
from geomsim.parallel import in_threads


class PooledSums:
    """Both sides of all blocks, one after the other, and their cross sums on demand."""

    def __init__(
        self, blocks: Sequence[CountedBlock], left: PooledSide, right: PooledSide, group_of: Sequence[int]
    ) -> None:
        self.blocks, self.left, self.right, self.group_of = blocks, left, right, group_of

    def offer(
        self,
        eligible: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        best_left: Best,
        best_right: Best,
        min_cofirings: int,
        budget: int,
    ) -> int:
        """Offer every pair of eligible latents to the best of both; how many co-fire often enough."""
        from geomsim.activations import coactivation_kernels as kernels

        numbers, rights = (np.flatnonzero(mask).astype(np.uint32) for mask in eligible)
        if not len(numbers) or not len(rights):
            return 0
        enough = 0
        with free_cores() as threads:
            shares = even_shares(rights, self.right.firings, len(numbers), threads)
            at_once = budget // (threads * (13 * len(numbers) + 1024))

            def work(share: NDArray[np.uint32]) -> tuple[int, Floats, NDArray[np.int32], NDArray[np.int32]]:
                return self._offer_share(share, numbers, best_left, min_cofirings, at_once)

            for found, r, partners, cofirings in in_threads(work, shares, workers=len(shares)):
                enough += found
                kernels.merge_best(
                    best_right.r, best_right.partner, best_right.cofirings, numbers, r, partners, cofirings
                )
        return enough

    def products(self, of_left: Integers, of_right: Integers) -> Callable[[slice], Floats]:
        """Of a slice of the named pairs, sorted by right latent, the sums of products in each group of blocks."""
        from geomsim.activations import counting_kernels as kernels

        def look_up(chunk: slice) -> Floats:
            lefts, rights = of_left[chunk], of_right[chunk]
            products = np.zeros((self.left.n_blocks, len(lefts)))
            for number, (block, group) in enumerate(zip(self.blocks, self.group_of, strict=True)):
                found = np.zeros(len(lefts))
                for tile, part in block.tiles_with(rights):
                    rows = rights[part] - tile.first
                    kernels.look_up(
                        lefts[part], rows, self.left.n_latents, tile.starts, tile.latents, tile.sums, found[part]
                    )
                products[group] += found + self._moved(number, lefts, rights)
                block.release()
            return products

        return look_up

    def _offer_share(
        self, rights: NDArray[np.uint32], numbers: NDArray[np.uint32], best_left: Best, min_cofirings: int, at_once: int
    ) -> tuple[int, Floats, NDArray[np.int32], NDArray[np.int32]]:
        from geomsim.activations import coactivation_kernels as kernels
        from geomsim.activations import counting_kernels

        supports, top = self.left.measure == "jaccard", best_left.r.shape[1]
        variations = self.left.variation, self.right.variation
        spreads = variations if supports else [np.sqrt(np.maximum(variation, 0)) for variation in variations]
        best, worst = np.full((len(numbers), top), -np.inf), np.full(len(numbers), -np.inf)
        partners = np.full((len(numbers), top), -1, dtype=np.int32)
        cofirings = np.zeros((len(numbers), top), dtype=np.int32)
        # What is counted of latents that have no partner goes to a place behind the others, which nobody reads.
        places = np.full(self.left.n_latents, len(numbers), dtype=np.uint32)
        places[numbers] = np.arange(len(numbers))
        padded = (len(numbers) // kernels.STRIP + 1) * kernels.STRIP
        lefts, enough = numbers.astype(np.int64), 0
        for part in slices(len(rights), at_once):
            chosen = rights[part].astype(np.int64)
            sums, counts = np.zeros((len(chosen), padded)), np.zeros((len(chosen), padded), dtype=np.int32)
            marks = np.zeros((len(chosen), padded // kernels.STRIP), dtype=np.uint8)
            for number, block in enumerate(self.blocks):
                for tile, rows in block.tiles_with(chosen):
                    counting_kernels.add_tile(
                        chosen[rows] - tile.first, rows.start,
                        tile.starts, tile.latents, tile.sums, tile.cofirings, places, sums, counts, marks,
                    )  # fmt: skip
                self._move_rows(number, lefts, chosen, sums)
                block.release()
            enough += counting_kernels.offer_rows(
                rights[part], sums, counts, marks, self.right.total, spreads[1],
                numbers, self.left.total[numbers] / self.left.n_tokens, spreads[0][numbers], worst,
                supports, min_cofirings,
                best_left.r, best_left.partner, best_left.cofirings, best, partners, cofirings,
            )  # fmt: skip
        return enough, best, partners, cofirings

    def _move_rows(self, number: int, lefts: Integers, rights: Integers, sums: Floats) -> None:
        """What moving block `number` to the common origin adds to the rows of these right latents."""
        left_moved, right_moved = self.left.moved[number], self.right.moved[number]
        if left_moved is not None:
            places = np.flatnonzero(left_moved[lefts])
            sums[:, places] += np.outer(self.blocks[number].right.sums[rights], left_moved[lefts[places]])
        if right_moved is not None:
            for row in np.flatnonzero(right_moved[rights]):
                sums[row, : len(lefts)] += right_moved[rights[row]] * self._left_total(number, lefts)

    def _moved(self, number: int, lefts: Integers, rights: Integers) -> Floats:
        """The same for named pairs."""
        added = np.zeros(len(lefts))
        left_moved, right_moved = self.left.moved[number], self.right.moved[number]
        if left_moved is not None:
            added += self.blocks[number].right.sums[rights] * left_moved[lefts]
        if right_moved is not None:
            added += right_moved[rights] * self._left_total(number, lefts)
        return added

    def _left_total(self, number: int, lefts: Integers) -> Floats:
        """Sums of left latents over the tokens of a block, about the common origin."""
        block, moved = self.blocks[number], self.left.moved[number]
        return block.left.sums[lefts] + (0.0 if moved is None else block.n_tokens * moved[lefts])
