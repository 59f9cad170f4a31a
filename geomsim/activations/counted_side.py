"""One side of a block of text, made ready to be counted: its values about an origin, and their sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import Columns, Floats, Measure, slices
from geomsim.activations.codes import Codes
from geomsim.activations.counted_block import BlockSide

# Values of dense codes that are made float64 at once. A number of the format: where a sum is cut changes its last bits,
# and these may not depend on the machine.
_VALUES_AT_ONCE = 1 << 22


class CountedSide:
    """Activations of one block minus an origin per latent, so chosen that sums of products do not cancel.

    ``sums`` is what is kept of them. `columns` are sparse codes by latent. For ``jaccard`` every value that is not 0
    is 1.

    Notes
    -----
    Sparse codes must keep their zeros, so their origin is 0. That costs few digits where a latent is silent on a share
    q of the tokens: its mean square is then at most 1 / q times its variance (Cauchy-Schwarz). A latent that fires on
    every token has no zeros to keep, and gets its mean (as float32) as origin, if every value minus it is exact in
    float32; by Sterbenz' lemma it is where no value is below half of the mean or above twice.
    """

    def __init__(self, codes: Codes, measure: Measure) -> None:
        self.matrix, self.is_sparse = codes.matrix, codes.is_sparse
        self.n_tokens, self.n_latents = codes.n_tokens, codes.n_latents
        self.firings = codes.firings()
        self._fires = self.matrix
        origin = np.zeros(self.n_latents)
        if measure == "jaccard":
            self._to_supports()
        if self.is_sparse:
            columns, origin, sums, squares, varies = self._sparse_sums(measure)
            self.columns: Columns = columns
        else:
            if measure == "pearson":
                origin = self._dense_sums(origin)[0] / self.n_tokens
            self._origin = origin
            sums, squares = self._dense_sums(origin)
            varies = self.matrix.min(axis=0) != self.matrix.max(axis=0)
        first = np.asarray(codes.matrix[[0]].toarray() if self.is_sparse else codes.matrix[[0]])[0]
        constant = np.where(varies, np.nan, first).astype(np.float32)
        self.sums = BlockSide(origin, sums, squares, self.firings, constant)

    def block(self, rows: Any, columns: slice) -> Floats:
        """Activations of some tokens and latents minus the origin, dense float64."""
        part = self.matrix[rows][:, columns]
        if self.is_sparse:
            return np.asarray(part.toarray(), dtype=np.float64)
        return np.asarray(part, dtype=np.float64) - self._origin[columns]

    def nonzero(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """1 where a latent is not zero, else 0."""
        part = self._fires[rows][:, columns]
        return np.asarray((part.toarray() if self.is_sparse else part) != 0, dtype=np.float32)

    def _to_supports(self) -> None:
        if self.is_sparse:
            self.matrix = self.matrix.copy()
            self.matrix.data = np.ones_like(self.matrix.data)
        else:
            self.matrix = (self.matrix != 0).astype(np.float32)

    def _sparse_sums(self, measure: Measure) -> tuple[Columns, Floats, Floats, Floats, NDArray[np.bool_]]:
        """The codes by latent, origins, sums, sums of squares, and which latents vary."""
        from geomsim.activations import coactivation_kernels as kernels

        by_latent = self.matrix.tocsc()
        starts = by_latent.indptr.astype(np.uint64)
        values = np.array(by_latent.data, dtype=np.float32)
        origin = np.zeros(self.n_latents)
        if measure == "pearson":
            for latent in np.flatnonzero(self.firings == self.n_tokens):
                part = slice(int(starts[latent]), int(starts[latent + 1]))
                middle = np.float32(values[part].mean(dtype=np.float64))
                moved = values[part] - middle
                if (moved == values[part].astype(np.float64) - np.float64(middle)).all():
                    values[part], origin[latent] = moved, middle
        if origin.any():
            self.matrix = self.matrix.copy()
            self.matrix.data = self.matrix.data - origin.astype(np.float32)[self.matrix.indices]
        columns = Columns(starts, by_latent.indices.astype(np.uint32), values)
        sums, squares = np.zeros((1, self.n_latents)), np.zeros((1, self.n_latents))
        unchanging = np.empty(self.n_latents, dtype=np.bool_)
        one_block = np.zeros(self.n_tokens, dtype=np.uint32)
        kernels.sums_of_columns(*columns, one_block, sums, squares, unchanging)
        return columns, origin, sums[0], squares[0], ~unchanging

    def _dense_sums(self, origin: Floats) -> tuple[Floats, Floats]:
        sums, squares = np.zeros(self.n_latents), np.zeros(self.n_latents)
        for rows in slices(self.n_tokens, _VALUES_AT_ONCE // self.n_latents):
            values = np.asarray(self.matrix[rows], dtype=np.float64) - origin
            sums += values.sum(axis=0)
            squares += np.einsum("ij,ij->j", values, values)
        return sums, squares
