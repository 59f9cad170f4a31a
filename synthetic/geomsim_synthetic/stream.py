"""Tokens of both networks in blocks: memory stays the same however many there are, bits whatever the batch length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.block import BLOCK, SideBatch, draw_block
from geomsim_synthetic.checks import whole
from geomsim_synthetic.plan import plan
from geomsim_synthetic.setting import SIDES, Setting


@dataclass(frozen=True, eq=False)
class Batch:
    """Tokens that both networks saw.

    Attributes
    ----------
    start
        number of the first token in the stream.
    groups
        (tokens,) the document of each.
    symbols
        (tokens,) the word or punctuation mark of each, an index into `vocabulary.symbols`.
    left, right
        what the networks show.
    """

    start: int
    groups: NDArray[np.int64]
    symbols: NDArray[np.int64]
    left: SideBatch
    right: SideBatch

    def __len__(self) -> int:
        return len(self.groups)


def batches(setting: Setting, batch_length: int = 8192, *, layer: int = 0, activations: bool = True) -> Iterator[Batch]:
    """The tokens of both networks, in order, `batch_length` at a time (the last batch may be shorter).

    Tokens are drawn in blocks of fixed length, so their bits do not depend on `batch_length`, and the first tokens of
    a stream not on its length. Memory is that of one batch and one block.

    Parameters
    ----------
    setting
        what to draw.
    batch_length
        tokens in a batch.
    layer
        which layer the activations are of; the codes are those of all layers.
    activations
        whether to add up activations; without them only the sparse codes are made.

    Raises
    ------
    InvalidConfig
        on a batch length below 1 or a layer that the networks do not have.
    """
    whole("batch_length", batch_length, 1)
    if whole("layer", layer, 0) >= setting.layers:
        raise InvalidConfig(f"layer={layer}: these networks have layers 0 to {setting.layers - 1}; see layers")
    return _batches(setting, batch_length, layer, activations)


def _batches(setting: Setting, batch_length: int, layer: int, activations: bool) -> Iterator[Batch]:
    planned = plan(setting)
    ends = np.cumsum(setting.document_lengths)
    waiting: list[Batch] = []
    n_waiting = 0
    for number in range(-(-setting.n_tokens // BLOCK)):
        block = draw_block(planned, number, layer, activations)
        start = number * BLOCK
        stop = min(start + BLOCK, setting.n_tokens)
        groups = np.searchsorted(ends, np.arange(start, stop), side="right")
        waiting.append(_cut(Batch(start, groups, block.symbols, block.left, block.right), 0, stop - start))
        n_waiting += stop - start
        if n_waiting >= batch_length or stop == setting.n_tokens:
            joined = join(waiting)
            for first in range(0, n_waiting, batch_length):
                last = first + batch_length
                if last > n_waiting and stop < setting.n_tokens:
                    waiting, n_waiting = [_cut(joined, first, n_waiting)], n_waiting - first
                    break
                yield _cut(joined, first, min(last, n_waiting))
            else:
                waiting, n_waiting = [], 0


def join(parts: list[Batch]) -> Batch:
    """Batches that follow each other as one."""
    if len(parts) == 1:
        return parts[0]
    from scipy.sparse import vstack

    sides = []
    for side in SIDES:
        pieces: list[SideBatch] = [getattr(part, side) for part in parts]
        dense = [piece.activations for piece in pieces if piece.activations is not None]
        codes = vstack([piece.codes for piece in pieces], format="csr")
        sides.append(SideBatch(codes, np.concatenate(dense) if dense else None))
    groups, symbols = (np.concatenate([getattr(part, name) for part in parts]) for name in ("groups", "symbols"))
    return Batch(parts[0].start, groups, symbols, *sides)


def _cut(batch: Batch, first: int, last: int) -> Batch:
    if first == 0 and last == batch.left.codes.shape[0]:
        return batch
    sides = []
    for side in (batch.left, batch.right):
        dense = None if side.activations is None else side.activations[first:last]
        sides.append(SideBatch(side.codes[first:last], dense))
    # Groups are those of the tokens that exist; a block's own symbols go on beyond the end of the stream.
    return Batch(batch.start + first, batch.groups[first:last], batch.symbols[first:last], *sides)
