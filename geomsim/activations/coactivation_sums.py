"""The sums that correlations are made of: one-sided per latent and block of tokens, and products of pairs tile by tile.

A side is kept as it is while it is sparse and its sums keep enough digits; else both sides are centred, and products
are taken of dense blocks of rows. All sums are float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Of two blocks of tokens: ``one.T @ other``, here or on a device.
Product = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]

Measure = Literal["pearson", "cosine", "jaccard"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

# Bytes held at once per entry of a tile: sums and counts, r, masks and the copies of sorting.
BYTES_PER_ENTRY = 64

_DECIMALS = 12
# Mean square over variance beyond which uncentred sums lose too many digits (r is off by 3e-7 at 1e8 after 3,000 tokens
# and by the root of their number): codes with such a latent are no sparse codes, and are centred as dense ones are.
_CONDITION = 1e6


class Columns(NamedTuple):
    """Sparse codes by latent: where each begins, on which tokens it fires (in order), and with what values."""

    starts: NDArray[np.uint64]
    tokens: NDArray[np.uint32]
    values: NDArray[np.float32]


class OneSided(Protocol):
    """The sums of one side that correlations are made of, about :attr:`Side.shift`; each block's apart."""

    measure: Measure
    n_tokens: int
    n_latents: int
    n_blocks: int
    block_sizes: Integers
    firings: Integers
    constant: NDArray[np.bool_]
    sums: Floats
    squares: Floats
    total: Floats
    variation: Floats


class Side:
    """One side's activations and their sums in each block of tokens, of values minus `shift` (0 while sparse).

    `columns` holds sparse codes by latent as well; dense codes have none. A measure that takes no mean off counts every
    sum of values as 0: its ``variation`` is then the sum of squares. For ``jaccard`` the values must be 0 and 1.
    ``constant`` are the latents for which the measure is not defined: for Pearson's r those that never change, else
    those that never fire.
    """

    def __init__(self, codes: Codes, blocks: Integers, measure: Measure = "pearson") -> None:
        self.matrix, self.is_sparse, self.measure = codes.matrix, codes.is_sparse, measure
        self.n_tokens, self.n_latents = codes.n_tokens, codes.n_latents
        self.blocks, self.n_blocks = blocks, int(blocks.max()) + 1
        self.block_sizes: Integers = np.bincount(blocks, minlength=self.n_blocks)
        self.shift = np.zeros(self.n_latents)
        self.centred = False
        if self.is_sparse:
            self._sum_columns()
        else:
            self.firings = codes.firings()
            self.constant: NDArray[np.bool_] = self.matrix.min(axis=0) == self.matrix.max(axis=0)
        if measure != "pearson":
            self.constant = self.firings == 0

    def suits_sparse(self) -> bool:
        """Whether the sums of the non-zeros keep enough digits; False for dense codes."""
        if not self.is_sparse:
            return False
        return bool((self.squares.sum(axis=0) <= _CONDITION * self.variation)[~self.constant].all())

    def centre(self, budget: int) -> None:
        """Take the mean out of every latent, so that sums of products do not cancel; for dense tiles."""
        if self.measure == "pearson":
            self.shift = self._dense_sums(budget)[0].sum(axis=0) / self.n_tokens
        # What rounding left of the mean is in these sums, and is taken off with them.
        self._keep_sums(*self._dense_sums(budget))
        self.centred = True

    def block(self, rows: Any, columns: slice) -> Floats:
        """Shifted activations of some tokens and latents, dense float64."""
        part = self.matrix[rows][:, columns]
        return np.asarray(part.toarray() if self.is_sparse else part, dtype=np.float64) - self.shift[columns]

    def nonzero(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """1 where a latent is not zero, else 0."""
        part = self.matrix[rows][:, columns]
        return np.asarray((part.toarray() if self.is_sparse else part) != 0, dtype=np.float32)

    def _sum_columns(self) -> None:
        from geomsim.activations import coactivation_kernels as kernels

        by_latent = self.matrix.tocsc()
        self.columns = Columns(
            by_latent.indptr.astype(np.uint64), by_latent.indices.astype(np.uint32), by_latent.data.astype(np.float32)
        )
        self.firings = np.diff(by_latent.indptr).astype(np.int64)
        self.constant = np.empty(self.n_latents, dtype=np.bool_)
        sums, squares = np.zeros((self.n_blocks, self.n_latents)), np.zeros((self.n_blocks, self.n_latents))
        kernels.sums_of_columns(*self.columns, self.blocks.astype(np.uint32), sums, squares, self.constant)
        self._keep_sums(sums, squares)

    def _dense_sums(self, budget: int) -> tuple[Floats, Floats]:
        sums, squares = np.zeros((self.n_blocks, self.n_latents)), np.zeros((self.n_blocks, self.n_latents))
        for block, rows in rows_by_block(self.blocks, budget // (32 * self.n_latents)):
            values = self.block(rows, slice(None))
            sums[block] += values.sum(axis=0)
            squares[block] += np.einsum("ij,ij->j", values, values)
        return sums, squares

    def _keep_sums(self, sums: Floats, squares: Floats) -> None:
        self.sums, self.squares = sums if self.measure == "pearson" else np.zeros_like(sums), squares
        self.total = self.sums.sum(axis=0)
        self.variation = squares.sum(axis=0) - self.total**2 / self.n_tokens


def product_on_cpu(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """``one.T @ other``."""
    return np.asarray(one.T @ other)


class DenseSide(Protocol):
    """What dense products need to know of one side."""

    n_tokens: int
    firings: Integers

    def block(self, rows: Any, columns: slice) -> Floats:
        """Shifted activations of some tokens and latents, dense float64."""

    def nonzero(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """1 where a latent is not zero, else 0."""


def dense_tiles(
    left: Side, right: Side, budget: int, product: Product = product_on_cpu
) -> Iterator[tuple[slice, slice, Floats, Integers]]:
    """Right latents (rows of the tile), left latents (columns), sums of products and co-firings of centred sides."""
    width = max(1, int((budget / 2 / BYTES_PER_ENTRY) ** 0.5))
    for rows in slices(right.n_latents, width):
        for columns in slices(left.n_latents, width):
            at_once = budget // (32 * (rows.stop - rows.start + columns.stop - columns.start))
            yield rows, columns, *dense_tile(left, right, rows, columns, at_once, product)


def dense_tile(
    left: DenseSide, right: DenseSide, rows: slice, columns: slice, at_once: int, product: Product = product_on_cpu
) -> tuple[Floats, Integers]:
    """Sums of products and co-firings of some right latents (rows) with some left ones, `at_once` tokens at a time."""
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    products, together = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    known = any((side.firings[part] == side.n_tokens).all() for side, part in ((left, columns), (right, rows)))
    if known:  # one side is never zero, so the other's firings are the co-firings
        together += np.minimum(right.firings[rows, None], left.firings[None, columns])
    # Counts up to 2**24 are exact in float32.
    for tokens in slices(left.n_tokens, min(at_once, 1 << 24)):
        products += product(right.block(tokens, rows), left.block(tokens, columns))
        if not known:
            together += product(right.nonzero(tokens, rows), left.nonzero(tokens, columns)).astype(np.int64)
    return products, together


def correlation(products: Floats, right: OneSided, of_right: Integers, left: OneSided, of_left: Integers) -> Floats:
    """R of the named latents, which broadcast against the sums of products; NaN or infinite where one is constant.

    Or another measure, where the sides are made for it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        r = products - right.total[of_right] * (left.total[of_left] / left.n_tokens)
        if left.measure == "jaccard":
            r /= right.variation[of_right] + left.variation[of_left] - r
        else:
            r /= np.sqrt(np.maximum(right.variation[of_right], 0))
            r /= np.sqrt(np.maximum(left.variation[of_left], 0))
    return np.asarray(np.clip(np.round(r, _DECIMALS, out=r), -1, 1, out=r))


def slices(n: int, width: int) -> Iterator[slice]:
    """0 to n in slices of `width`, of at least 1; the last may be shorter."""
    width = max(1, width)
    for start in range(0, n, width):
        yield slice(start, min(n, start + width))


def rows_by_block(blocks: Integers, width: int) -> Iterator[tuple[int, Integers]]:
    """Block by block, at most `width` rows at once."""
    for block in range(int(blocks.max()) + 1):
        rows = np.flatnonzero(blocks == block)
        for part in slices(len(rows), width):
            yield block, rows[part]
