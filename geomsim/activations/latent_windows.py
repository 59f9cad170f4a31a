"""Each latent's largest entries in a slab of codes, and what the latent does on the text around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.latent_slabs import Entries
from geomsim.activations.text_pieces import TextPieces


def strongest_entries(
    slab: Entries, document: NDArray[np.int32], n: int, *, one_per_document: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in the slab of each latent's `n` largest entries, by latent and rank, and the ranks, from 1."""
    latents, rows, values = slab
    kept = np.arange(len(rows))
    if one_per_document:
        of = document[rows]
        starts = np.flatnonzero(np.diff(of, prepend=-1) | np.diff(latents, prepend=-1))
        run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
        largest = np.flatnonzero(values == np.maximum.reduceat(values, starts)[run])
        kept = largest[np.diff(run[largest], prepend=-1) > 0]  # the first of equals
    kept = kept[np.lexsort((-values[kept], latents[kept]))]
    rank = np.arange(len(kept)) - np.searchsorted(latents[kept], latents[kept], side="left")
    return kept[rank < n], rank[rank < n] + 1


def activations_around(
    slab: Entries,
    text: TextPieces,
    chosen: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> list[NDArray[np.float32]]:
    """The activation of each chosen entry's latent on the pieces `first` to `last`."""
    latents, rows, values = slab
    n_pieces = len(text.pieces)
    keys = latents * n_pieces + text.of_row[rows]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    high, low = np.maximum.reduceat(values, starts), np.minimum.reduceat(values, starts)
    of_piece, keys = np.where(high >= -low, high, low), keys[starts]

    sizes = last - first
    ends = np.cumsum(sizes)
    wanted = np.arange(int(ends[-1])) + np.repeat(first - (ends - sizes), sizes)
    wanted += np.repeat(latents[chosen], sizes) * n_pieces
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    found = np.where(keys[at] == wanted, of_piece[at], np.float32(0))
    found[ends - sizes + text.of_row[rows[chosen]] - first] = values[chosen]
    return np.split(found, ends[:-1])
