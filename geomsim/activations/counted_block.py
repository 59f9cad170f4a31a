"""What one block of text adds to the sums that correlations are made of: one-sided sums and tiles of cross sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import Floats, Integers


class BlockSide(NamedTuple):
    r"""The sums of one side over the tokens of one block, each (latents,).

    ``sums`` and ``squares`` are of values minus ``origin``: the block's mean for dense codes, so that nothing cancels;
    for sparse codes 0, except for latents that fire on every token of the block (see :mod:`counting`). ``constant`` is
    the value of a latent that never changes within the block, NaN for others.
    """

    origin: Floats
    sums: Floats
    squares: Floats
    firings: Integers
    constant: NDArray[np.float32]


class Tile(NamedTuple):
    """Cross sums of some neighbouring right latents, the first of which is ``first``.

    Right latent ``first + row`` has entries ``starts[row]`` to ``starts[row + 1]``: with left latent ``latents[entry]``
    it has the sum of products ``sums[entry]`` and ``cofirings[entry]`` tokens on which both fire. Pairs that never
    co-fire have no entry. Where ``latents`` is empty and the rest is not, every row holds all left latents in order.
    """

    first: int
    starts: NDArray[np.int64]
    latents: NDArray[np.uint32]
    sums: Floats
    cofirings: NDArray[np.int32]

    @property
    def stop(self) -> int:
        """One after the last right latent."""
        return self.first + len(self.starts) - 1


@dataclass(frozen=True, eq=False)
class CountedBlock:
    """One block of text: its number, both sides' sums, and the cross sums of all right latents in tiles, in order.

    `documents` are the numbers of its documents in the text of hash `text_hash` (empty where they are not known),
    `left_out` counts the tokens that only one side had. Where they are known, `source` is a hash of the codes that were
    counted and `documents_hash` one of the names and texts of the documents, by which text that was counted twice is
    told. `release` gives memory back that a mapped file takes while it is read.
    """

    number: int
    n_tokens: int
    left: BlockSide
    right: BlockSide
    tiles: Sequence[Tile]
    documents: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    text_hash: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    source: str = ""
    documents_hash: str = ""
    release: Callable[[], None] = lambda: None

    def tiles_with(self, rights: NDArray[np.int64]) -> Iterator[tuple[Tile, slice]]:
        """The tiles that hold some of these right latents (in order), and which of them each holds."""
        edges = np.searchsorted(rights, [tile.first for tile in self.tiles] + [self.tiles[-1].stop])
        for tile, start, stop in zip(self.tiles, edges[:-1], edges[1:], strict=True):
            if stop > start:
                yield tile, slice(int(start), int(stop))
