"""One side's sums over all counted blocks, about one common origin, as if they had been taken at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import Floats, Integers, Measure
from geomsim.activations.counted_block import BlockSide


class PooledSide:
    r"""The sums of one side in each group of blocks, about ``shift``, in the shape of :class:`Side`.

    Blocks about other origins are moved first. With :math:`\delta` the origin of a block minus the shift, n its tokens
    and S, Q its sum and sum of squares,

    .. math:: S' = S + n \delta, \qquad Q' = Q + 2 \delta S + n \delta^2.

    The shift is the mean over all tokens for latents that any block counted about another origin than 0, else 0. Where
    S is 0, origin the block's mean, this is the update of Chan, Golub & LeVeque (1983).

    `moved` has :math:`\delta` of each block, None where it is 0 throughout.
    """

    def __init__(
        self, blocks: Sequence[BlockSide], sizes: Sequence[int], group_of: Sequence[int], measure: Measure
    ) -> None:
        self.measure = measure
        self.n_tokens, self.n_latents = sum(sizes), len(blocks[0].sums)
        self.n_blocks = max(group_of) + 1
        self.block_sizes: Integers = np.bincount(group_of, weights=sizes, minlength=self.n_blocks).astype(np.int64)
        self.firings: Integers = np.sum([block.firings for block in blocks], axis=0)
        self.shift = _shift(blocks, sizes)
        self.moved: list[Floats | None] = []
        self.sums: Floats = np.zeros((self.n_blocks, self.n_latents))
        self.squares: Floats = np.zeros((self.n_blocks, self.n_latents))
        for block, size, group in zip(blocks, sizes, group_of, strict=True):
            delta = block.origin - self.shift
            self.moved.append(delta if delta.any() else None)
            self.sums[group] += block.sums + size * delta
            self.squares[group] += block.squares + delta * (2 * block.sums + size * delta)
        if measure == "pearson":
            self.constant = _constant(block.constant for block in blocks)
        else:
            self.sums, self.constant = np.zeros_like(self.sums), self.firings == 0
        self.total: Floats = self.sums.sum(axis=0)
        self.variation: Floats = self.squares.sum(axis=0) - self.total**2 / self.n_tokens
        self.constant |= self.variation <= 0  # what varies by less than rounding does not vary

    def condition(self) -> Floats:
        """Mean square about the shift over variance of each latent, by which rounding errors are multiplied; >= 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.squares.sum(axis=0) / np.maximum(self.variation, 0)
        return np.where(self.constant, 1.0, np.fmax(ratio, 1.0))


def groups_of_blocks(n_blocks: int, most: int) -> list[int]:
    """Which group each block belongs to where there are more blocks than `most`: neighbours go together, evenly.

    >>> groups_of_blocks(5, 2)
    [0, 0, 0, 1, 1]
    """
    return [number * min(most, n_blocks) // n_blocks for number in range(n_blocks)]


def _shift(blocks: Sequence[BlockSide], sizes: Sequence[int]) -> Floats:
    about_zero = np.logical_and.reduce([block.origin == 0 for block in blocks])
    mean = np.zeros(len(about_zero))
    if not about_zero.all():
        for block, size in zip(blocks, sizes, strict=True):
            mean += (size * block.origin + block.sums) / sum(sizes)
    return np.where(about_zero, 0.0, mean)


def _constant(blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Latents that have one value throughout: the same in all blocks."""
    values = iter(blocks)
    first = next(values)
    same = ~np.isnan(first)
    for value in values:
        same = same & (value == first)  # NaN, a latent that varies, is equal to nothing
    return same
