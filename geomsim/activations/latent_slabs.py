"""The non-zeros of codes, sorted by latent, a run of latents at a time: for work on all latents at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes

Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def latent_slabs(codes: Codes, at_once: int) -> Iterator[Entries]:
    """Latent, row and value of the non-zeros: latents ascending over all slabs, rows ascending in each latent.

    A slab has at most `at_once` entries, or those of a single latent; silent latents are in none.
    """
    import scipy.sparse

    firings = codes.firings()
    if codes.is_sparse:
        columns = codes.matrix.tocsc()
        columns.sort_indices()
    first = 0
    while first < codes.n_latents:
        sums = np.cumsum(firings[first:])
        last = first + max(1, int(np.searchsorted(sums, at_once, side="right")))
        slab = columns[:, first:last] if codes.is_sparse else scipy.sparse.csc_array(codes.matrix[:, first:last])
        if slab.nnz:
            latents = np.repeat(np.arange(first, first + slab.shape[1]), np.diff(slab.indptr))
            yield latents, slab.indices.astype(np.int64), slab.data
        first = last
