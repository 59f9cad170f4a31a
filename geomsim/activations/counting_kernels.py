"""The compiled loops of counted sums: make them, add them up block by block, look pairs up. Import it late (numba)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_kernels import (
    STRIP,
    STRIP_BITS,
    Floats,
    Numbers,
    Places,
    Values,
    add_column,
    compiled,
    offer_row,
)


@compiled
def count_columns(
    first: int,  # right latents from here
    stop: int,  # to here
    right_starts: Places,  # right codes by latent
    right_tokens: Numbers,
    right_values: Values,
    left_starts: Places,  # left codes by token
    left_entries: NDArray[Any],  # of ENTRY
    width: int,  # how many left latents there are
    starts: NDArray[np.int64],  # (right latents + 1), filled: where each begins in what follows
    latents: Numbers,  # room for all that co-fire, filled
    sums: Floats,
    cofirings: NDArray[np.int32],
) -> int:
    """Sums of products and co-firings of some right latents with each left one they co-fire with; how many there are.

    The sums of one right latent with all left ones are held at once, and what is not empty is copied out in order.
    """
    padded = (width + STRIP - 1) // STRIP * STRIP
    held = np.zeros(padded, dtype=np.float64)
    counts = np.zeros(padded, dtype=np.int32)
    marks = np.zeros(padded // STRIP, dtype=np.uint8)
    written = 0
    starts[0] = 0
    for right in range(first, stop):
        add_column(right, right_starts, right_tokens, right_values, left_starts, left_entries, held, counts, marks)
        for strip in range(marks.size):
            if marks[strip]:
                marks[strip] = 0
                for eight in range(strip * STRIP, strip * STRIP + STRIP, 8):
                    # Of rare latents few in a strip co-fire: eight are looked at together.
                    some = np.int32(0)
                    for latent in range(eight, eight + 8):
                        some |= counts[latent]
                    if some:
                        for latent in range(eight, eight + 8):
                            if counts[latent] > 0:
                                latents[written] = latent
                                sums[written] = held[latent]
                                cofirings[written] = counts[latent]
                                written += 1
                                held[latent] = 0.0
                                counts[latent] = 0
        starts[right - first + 1] = written
    return written


@compiled
def add_tile(
    chosen: NDArray[np.int64],  # rows of the tile, to be added to the rows of the sums from `into` on
    into: int,
    starts: NDArray[np.int64],  # of the tile
    latents: Numbers,  # empty where the tile holds every left latent of each row
    tile_sums: Floats,
    tile_cofirings: NDArray[np.int32],
    places: Numbers,  # by left latent: where it stands in the sums
    sums: Floats,  # (rows, left latents)
    counts: NDArray[np.int32],
    marks: NDArray[np.uint8],  # (rows, strips): whether anything was added
) -> None:
    """Add what one block counted to the sums of some right latents."""
    every = latents.size == 0
    for number in range(chosen.size):
        row = into + number
        first = starts[chosen[number]]
        for place in range(first, starts[chosen[number] + 1]):
            latent = places[place - first] if every else places[latents[place]]
            sums[row, latent] += tile_sums[place]
            counts[row, latent] += tile_cofirings[place]
            marks[row, latent >> STRIP_BITS] = 1


@compiled
def offer_rows(
    chosen: Numbers,  # the right latents whose sums these are
    sums: Floats,  # (right latents, left latents of the tile padded to whole strips)
    counts: NDArray[np.int32],
    marks: NDArray[np.uint8],
    right_totals: Floats,  # by right latent
    right_spreads: Floats,
    left_numbers: Numbers,  # by place in a row: which left latent it is
    left_means: Floats,
    left_spreads: Floats,
    left_worst: Floats,  # kept up to date
    supports: bool,
    min_cofirings: int,
    right_best: Floats,
    right_partners: NDArray[np.int64],
    right_cofirings: NDArray[np.int64],
    left_best: Floats,  # of this thread alone
    left_partners: NDArray[np.int32],
    left_cofirings: NDArray[np.int32],
) -> int:
    """Score some right latents with all left ones from their sums; see :func:`coactivation_kernels.offer_row`."""
    listed = np.empty(STRIP + 1, dtype=np.uint32)
    left_inverse = 1 / left_spreads
    enough = 0
    for number in range(chosen.size):
        right = chosen[number]
        enough += offer_row(
            right, sums[number], counts[number], marks[number], right_totals[right], right_spreads[right],
            left_numbers, left_means, left_spreads, left_inverse, left_worst, listed, supports, min_cofirings,
            right_best, right_partners, right_cofirings, left_best, left_partners, left_cofirings,
        )  # fmt: skip
    return enough


@compiled
def look_up(
    of_left: NDArray[np.int64],  # pairs whose right latents are rows of the tile
    rows: NDArray[np.int64],
    width: int,  # how many left latents there are
    starts: NDArray[np.int64],  # of the tile
    latents: Numbers,  # in order in each row; empty where the tile holds every left latent of each row
    sums: Floats,
    found: Floats,  # by pair: what is found is added to it
) -> None:
    """Add the sums of products that a tile holds for some pairs; nothing for pairs that do not co-fire in it."""
    for pair in range(of_left.size):
        if latents.size == 0:
            if sums.size:
                found[pair] += sums[rows[pair] * width + of_left[pair]]
            continue
        low, high = starts[rows[pair]], starts[rows[pair] + 1]
        stop = high
        while low < high:
            middle = (low + high) // 2
            if latents[middle] < of_left[pair]:
                low = middle + 1
            else:
                high = middle
        if low < stop and latents[low] == of_left[pair]:
            found[pair] += sums[low]
