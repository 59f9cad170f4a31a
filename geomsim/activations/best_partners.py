"""The best partners of each latent, kept while tiles of correlations come in, in whatever order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import (
    Floats,
    Integers,
    Product,
    Side,
    correlation,
    dense_tiles,
    product_on_cpu,
)

# Up to this share of candidates in a tile it is faster to sort them than to search the whole tile for the largest.
_FEW = 0.125


class Best:
    """The best partners so far of each latent of one side: the largest r, and of a tie the lowest number."""

    def __init__(self, n_latents: int, top: int) -> None:
        self.partner = np.full((n_latents, top), -1, dtype=np.int64)
        self.r = np.full((n_latents, top), -np.inf)
        self.cofirings = np.zeros((n_latents, top), dtype=np.int64)

    def offer(self, own: Integers, partner: Integers, r: Floats, cofirings: NDArray[Any]) -> None:
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

    def pairs(self) -> tuple[Integers, Integers]:
        """Own latent and partner of every candidate."""
        own, rank = np.nonzero(self.partner >= 0)
        return own, self.partner[own, rank]


def offer_dense(
    left: Side,
    right: Side,
    eligible: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    best_left: Best,
    best_right: Best,
    min_cofirings: int,
    budget: int,
    product: Product = product_on_cpu,
) -> int:
    """Offer every pair of eligible left and right latents, tile by tile, to the best; how many co-fire often enough.

    `best_left` holds the partners of right latents, `best_right` those of left ones. Both sides are centred.
    `product` multiplies blocks of tokens in float64.
    """
    top, enough = best_left.r.shape[1], 0
    for rows, columns, products, together in dense_tiles(left, right, budget, product):
        candidate = eligible[1][rows, None] & eligible[0][None, columns] & (together >= min_cofirings)
        enough += int(np.count_nonzero(candidate))
        of_right, of_left = _best_of_tile(products, candidate, right, rows, left, columns, top)
        for best, (place, r) in ((best_left, of_right), (best_right, of_left)):
            own, partner = place[0] + rows.start, place[1] + columns.start
            if best is best_right:
                own, partner = partner, own
            best.offer(own, partner, r, together[place])
    return enough


def _best_of_tile(
    products: Floats, candidate: NDArray[np.bool_], right: Side, rows: slice, left: Side, columns: slice, top: int
) -> list[tuple[tuple[Integers, Integers], Floats]]:
    """Places and r of the candidates of a tile that may be among the best, for right latents, then for left ones."""
    of_right, of_left = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
    if np.count_nonzero(candidate) <= candidate.size * _FEW:
        few: Any = np.nonzero(candidate)
        return [(few, correlation(products[few], right, of_right[few[0]], left, of_left[few[1]]))] * 2
    tile = correlation(products, right, of_right[:, None], left, of_left[None, :])
    tile[~candidate] = -np.inf
    of_each_left = _best_of_each_row(tile.T, top)
    places = _best_of_each_row(tile, top), (of_each_left[1], of_each_left[0])
    return [(place, tile[place]) for place in places]


def _best_of_each_row(tile: Floats, top: int) -> tuple[Integers, Integers]:
    """Rows and columns of the `top` largest of each row, and of what ties with the last; never of -inf."""
    good = tile > -np.inf
    if tile.shape[1] > top:
        good &= tile >= np.partition(tile, tile.shape[1] - top, axis=1)[:, tile.shape[1] - top, None]
    rows, columns = np.nonzero(good)
    return rows, columns
