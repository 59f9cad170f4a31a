"""The compiled loops of the co-activation engine. Import it late: it imports numba.

Each loop lets go of the interpreter, so threads run them side by side on ranges of latents. Machine code is kept beside
this file (or in the user's cache), so only the first process on a machine compiles it. Sums are added up token by
token, in the order of the tokens: how the work is cut into tiles and threads changes no bit of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from geomsim.activations.prefetch import prefetch

Floats = NDArray[np.float64]
Values = NDArray[np.float32]
Places = NDArray[np.uint64]  # unsigned: compiled code need not look for negative indices
Numbers = NDArray[np.uint32]

# What a left latent does on a token, in one place of the memory.
ENTRY = np.dtype([("latent", np.uint32), ("value", np.float32)])
# Rows are fetched this many tokens ahead, where they begin is fetched twice as far ahead.
_AHEAD = np.uint64(8)
_ENTRIES_PER_LINE = np.uint64(8)

# Counts of this many latents are looked at together: most have no partner worth a closer look.
STRIP = 64
STRIP_BITS = np.uint32(6)
CHUNK = 256
_SCALE = 1e12
# More than rounding and a product in place of a quotient can change r by.
_MARGIN = 1e-11

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function as machine code, made at its first call and kept on disk where a folder can be written.

    It is made again when the file of the function changes, and not when a file changes from which it uses functions:
    whoever edits what `counting_kernels` imports must touch that file too.
    """
    # Loops that were taken apart run as if they were one: a call would hide from each what the other knows.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "forceinline": True}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


@compiled
def offer(
    best: Floats, partners: NDArray[Any], cofirings: NDArray[Any], row: int, r: float, partner: int, together: int
) -> None:
    """Put one pair among the best of one latent: largest r first, of a tie the lowest partner first."""
    place = best.shape[1]
    while place > 0 and (
        r > best[row, place - 1] or (r == best[row, place - 1] and partner < partners[row, place - 1])
    ):
        place -= 1
    for rank in range(best.shape[1] - 1, place, -1):
        best[row, rank] = best[row, rank - 1]
        partners[row, rank] = partners[row, rank - 1]
        cofirings[row, rank] = cofirings[row, rank - 1]
    if place < best.shape[1]:
        best[row, place] = r
        partners[row, place] = partner
        cofirings[row, place] = together


@compiled
def add_column(
    right: int,
    right_starts: Places,  # right codes by latent
    right_tokens: Numbers,
    right_values: Values,
    left_starts: Places,  # left codes by token
    left_entries: NDArray[Any],  # of ENTRY
    sums: Floats,  # by left latent, padded to whole strips
    counts: NDArray[np.int32],
    marks: NDArray[np.uint8],  # by strip: whether anything was added
) -> None:
    """Add the products of one right latent with all left ones, token by token, and on how many tokens both fire."""
    last_place = np.uint64(right_tokens.size - 1)
    for place in range(right_starts[right], right_starts[right + 1]):
        prefetch(left_starts, right_tokens[min(place + _AHEAD + _AHEAD, last_place)])
        soon = right_tokens[min(place + _AHEAD, last_place)]
        for entry in range(left_starts[soon], left_starts[soon + np.uint32(1)], _ENTRIES_PER_LINE):
            prefetch(left_entries, entry)
        token = right_tokens[place]
        value = np.float64(right_values[place])
        for entry in range(left_starts[token], left_starts[token + np.uint32(1)]):
            latent = left_entries[entry].latent
            sums[latent] += value * np.float64(left_entries[entry].value)
            counts[latent] += 1
            marks[latent >> STRIP_BITS] = 1


@compiled
def offer_row(
    right: int,  # the right latent whose sums these are
    sums: Floats,  # with each left latent of a tile, padded to whole strips; zeros when this returns
    counts: NDArray[np.int32],
    marks: NDArray[np.uint8],  # by strip: whether anything is in it
    total: float,  # of the right latent
    spread: float,
    left_numbers: Numbers,  # by latent of the tile: which latent it is
    left_means: Floats,  # by latent of the tile
    left_spreads: Floats,
    left_inverse: Floats,  # one over the spreads
    left_worst: Floats,  # the last of the best of each left latent, kept up to date
    listed: Numbers,  # room for STRIP + 1
    supports: bool,  # Jaccard's index of supports instead of a quotient of sums and spreads
    min_cofirings: int,
    right_best: Floats,  # (right latents, top); each right latent belongs to one thread
    right_partners: NDArray[np.int64],
    right_cofirings: NDArray[np.int64],
    left_best: Floats,  # (latents of the tile, top), of this thread alone
    left_partners: NDArray[np.int32],
    left_cofirings: NDArray[np.int32],
) -> int:
    """Score one right latent with a tile of left ones from its sums, offer each pair to both; how many co-fire enough.

    Pairs are scored exactly as :func:`coactivation_sums.correlation` does.
    """
    width = left_numbers.size
    last = right_best.shape[1] - 1
    inverse, right_worst = 1 / spread, right_best[right, last]
    enough = 0
    for strip in range(marks.size):
        if not marks[strip] and min_cofirings > 0:
            continue
        first = strip * STRIP
        most = np.int32(0)
        for latent in range(first, first + STRIP):
            most = max(most, counts[latent])
        if most >= min_cofirings:
            found = 0
            for latent in range(first, min(first + STRIP, width)):
                listed[found] = latent
                found += counts[latent] >= min_cofirings
            enough += found
            for number in range(found):
                latent = listed[number]
                shared = sums[latent] - total * left_means[latent]
                if supports:
                    r = shared / (spread + left_spreads[latent] - shared)
                else:
                    nearly = shared * inverse * left_inverse[latent] + _MARGIN
                    if nearly < right_worst and nearly < left_worst[latent]:
                        continue
                    r = shared / spread / left_spreads[latent]
                r = min(max(np.rint(r * _SCALE) / _SCALE, -1.0), 1.0)
                left, together = left_numbers[latent], counts[latent]
                offer(right_best, right_partners, right_cofirings, right, r, left, together)
                offer(left_best, left_partners, left_cofirings, latent, r, right, together)
                right_worst, left_worst[latent] = right_best[right, last], left_best[latent, last]
        if marks[strip]:
            marks[strip] = 0
            for latent in range(first, first + STRIP):
                sums[latent] = 0.0
                counts[latent] = 0
    return enough


@compiled
def best_of_columns(
    chosen: Numbers,  # right latents to go through
    right_starts: Places,  # right codes by latent
    right_tokens: Numbers,
    right_values: Values,
    right_totals: Floats,  # by right latent
    right_spreads: Floats,  # root of the sum of squared deviations; of supports, their size
    left_starts: Places,  # left codes by token, of the latents of one tile
    left_entries: NDArray[Any],  # of ENTRY
    left_numbers: Numbers,  # by latent of the tile: which latent it is
    left_means: Floats,  # by latent of the tile
    left_spreads: Floats,
    supports: bool,  # Jaccard's index of supports instead of a quotient of sums and spreads
    min_cofirings: int,
    right_best: Floats,  # (right latents, top); each right latent belongs to one thread
    right_partners: NDArray[np.int64],
    right_cofirings: NDArray[np.int64],
    left_best: Floats,  # (latents of the tile, top), of this thread alone
    left_partners: NDArray[np.int32],
    left_cofirings: NDArray[np.int32],
) -> int:
    """Correlate some right latents with those of a left tile, offer each pair to both; how many co-fire enough.

    The sums of one right latent with the whole tile are held at once: for each of its tokens, what the left side has
    there is added. Pairs are then scored in place.
    """
    width = left_numbers.size
    padded = (width + STRIP - 1) // STRIP * STRIP
    sums = np.zeros(padded, dtype=np.float64)
    counts = np.zeros(padded, dtype=np.int32)
    marks = np.zeros(padded // STRIP, dtype=np.uint8)
    listed = np.empty(STRIP + 1, dtype=np.uint32)
    # What most pairs fall short of stands close together.
    left_inverse, left_worst = 1 / left_spreads, np.full(width, -np.inf)
    enough = 0
    for right in chosen:
        add_column(right, right_starts, right_tokens, right_values, left_starts, left_entries, sums, counts, marks)
        enough += offer_row(
            right, sums, counts, marks, right_totals[right], right_spreads[right],
            left_numbers, left_means, left_spreads, left_inverse, left_worst, listed, supports, min_cofirings,
            right_best, right_partners, right_cofirings, left_best, left_partners, left_cofirings,
        )  # fmt: skip
    return enough


@compiled
def merge_best(
    best: Floats,  # (latents, top)
    partners: NDArray[np.int64],
    cofirings: NDArray[np.int64],
    numbers: Numbers,
    more_best: Floats,  # (len(numbers), top)
    more_partners: NDArray[np.int32],
    more_cofirings: NDArray[np.int32],
) -> None:
    """Offer the best that one thread found to the best of all: row i belongs to latent ``numbers[i]``."""
    for row in range(numbers.size):
        for rank in range(more_best.shape[1]):
            if more_partners[row, rank] < 0:
                break
            partner, together = more_partners[row, rank], more_cofirings[row, rank]
            offer(best, partners, cofirings, numbers[row], more_best[row, rank], partner, together)


@compiled
def sums_of_columns(
    starts: Places,  # codes by latent
    tokens: Numbers,
    values: Values,
    blocks: NDArray[np.uint32],  # by token
    sums: Floats,  # (blocks, latents), zeros
    squares: Floats,
    constant: NDArray[np.bool_],  # by latent
) -> None:
    """Sums and sums of squares of each latent in each block of tokens, and which latents never change."""
    for latent in range(starts.size - 1):
        first, stop = starts[latent], starts[latent + 1]
        smallest, largest = np.float32(np.inf), np.float32(-np.inf)
        for place in range(first, stop):
            value = np.float64(values[place])
            block = blocks[tokens[place]]
            sums[block, latent] += value
            squares[block, latent] += value * value
            smallest, largest = min(smallest, values[place]), max(largest, values[place])
        # A token on which the latent is silent is a zero among non-zeros.
        constant[latent] = first == stop or (smallest == largest and stop - first == np.uint64(blocks.size))


@compiled
def products_of_pairs(
    of_left: NDArray[np.int64],
    of_right: NDArray[np.int64],  # equal ones together
    left_starts: Places,  # both sides by latent
    left_tokens: Numbers,
    left_values: Values,
    right_starts: Places,
    right_tokens: Numbers,
    right_values: Values,
    blocks: NDArray[np.uint32],  # by token
    products: Floats,  # (blocks, pairs), zeros
) -> None:
    """Sums of products of named pairs in each block: a right latent is spread out, its partners are looked up in it."""
    spread = np.zeros(blocks.size, dtype=np.float32)
    fires = np.zeros(blocks.size // 8 + 1, dtype=np.uint8)  # a bit per token, so that it stays in the cache
    both = np.empty(CHUNK, dtype=np.uint64)
    held = np.zeros(products.shape[0], dtype=np.float64)
    for pair in range(of_left.size):
        left, right = of_left[pair], of_right[pair]
        if pair == 0 or right != of_right[pair - 1]:
            if pair:
                before = of_right[pair - 1]
                for place in range(right_starts[before], right_starts[before + 1]):
                    fires[right_tokens[place] >> np.uint32(3)] = 0
            for place in range(right_starts[right], right_starts[right + 1]):
                token = right_tokens[place]
                spread[token] = right_values[place]
                fires[token >> np.uint32(3)] |= np.uint8(1) << np.uint8(token & np.uint32(7))
        if pair + 1 < of_left.size:
            following = left_starts[of_left[pair + 1]]
            prefetch(left_tokens, following)
            prefetch(left_values, following)
        first, stop = left_starts[left], left_starts[left + 1]
        while first < stop:
            # Who fires together is listed before it is looked up: a branch per token would be guessed wrong too often.
            found = 0
            chunk = min(first + np.uint64(CHUNK), stop)
            for place in range(first, chunk):
                token = left_tokens[place]
                both[found] = place
                found += (fires[token >> np.uint32(3)] >> np.uint8(token & np.uint32(7))) & np.uint8(1)
            for number in range(found):
                token = left_tokens[both[number]]
                held[blocks[token]] += np.float64(left_values[both[number]]) * np.float64(spread[token])
            first = chunk
        for block in range(held.size):
            products[block, pair] = held[block]
            held[block] = 0.0
