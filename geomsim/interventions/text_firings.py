"""Where the latents of a dictionary fire in a text, window by window: the first of two readings of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.encoding import nothing_kept
from geomsim.activations.hooks import read_taps
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidModel
from geomsim.interventions.predictor import Predictor
from geomsim.progress import track

if TYPE_CHECKING:
    from torch import Tensor

_Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TextFirings:
    """A text as a model read it, and the codes of one dictionary on its kept tokens.

    Parameters
    ----------
    site
        where the dictionary reads.
    windows
        token numbers of each window, (positions,) int64.
    window, position
        (rows,) the window of each kept token, and its place in it; rows are in reading order.
    codes
        (rows, latents) CSR, for directions of length 1.
    scale
        (rows,) by what a code times its direction is multiplied in the stream; 1 unless the dictionary normalises its
        input.
    tokens
        the token table of the rows.
    """

    site: str
    windows: Sequence[_Integers]
    window: _Integers
    position: _Integers
    codes: Any
    scale: NDArray[np.float32]
    tokens: TokenTable

    def __len__(self) -> int:
        return len(self.window)

    @cached_property
    def by_latent(self) -> Any:
        """The codes as CSC, each times the scale of its row."""
        import scipy.sparse

        scaled = scipy.sparse.csr_array(self.codes, copy=True)
        scaled.data = scaled.data * np.repeat(self.scale, np.diff(scaled.indptr))
        return scaled.tocsc()

    @cached_property
    def firings(self) -> _Integers:
        """(latents,) tokens on which each latent fires."""
        counts: _Integers = np.diff(self.by_latent.indptr).astype(np.int64)
        return counts

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """(latents,) mean activation where active, in the stream's units; 0 for a silent latent."""
        sums = np.asarray(self.by_latent.sum(axis=0), dtype=np.float64).ravel()
        return np.divide(sums, self.firings, out=np.zeros_like(sums), where=self.firings > 0)

    def rows_of(self, latents: _Integers) -> _Integers:
        """Rows on which any of these latents fires, ascending."""
        matrix = self.by_latent
        parts = [matrix.indices[matrix.indptr[latent] : matrix.indptr[latent + 1]] for latent in latents.tolist()]
        return np.unique(np.concatenate([*parts, np.zeros(0, dtype=matrix.indices.dtype)])).astype(np.int64)

    def entries_of(self, latents: _Integers, rows: _Integers) -> tuple[_Integers, _Integers, NDArray[np.float32]]:
        """What these latents contribute on ascending `rows`: places among them, latents, code times scale."""
        matrix = self.by_latent
        places, owners, values = [], [], []
        for latent in latents.tolist():
            inside = slice(matrix.indptr[latent], matrix.indptr[latent + 1])
            found = matrix.indices[inside]
            at = np.searchsorted(rows, found)
            there = (at < len(rows)) & (rows[np.minimum(at, len(rows) - 1)] == found) if len(rows) else at < 0
            places.append(at[there])
            owners.append(np.full(int(there.sum()), latent))
            values.append(matrix.data[inside][there])
        none = np.zeros(0, dtype=np.int64)
        return (
            np.concatenate([none, *places]).astype(np.int64),
            np.concatenate([none, *owners]).astype(np.int64),
            np.concatenate([none, *values]).astype(np.float32),
        )


def read_firings(
    predictor: Predictor,
    dictionary: Dictionary,
    documents: Sequence[Document],
    site: str | None = None,
    *,
    batch_tokens: int = 4096,
) -> TextFirings:
    """Read a text and encode it at a dictionary's site; tokens are left out as everywhere in geomsim.

    Raises
    ------
    InvalidModel
        where the dictionary does not fit the model, or an activation is not finite.
    InvalidText
        where no token is kept.
    """
    import scipy.sparse

    site = predictor.checked_site(dictionary, site)
    taps = {site: predictor.tap(site)}
    windows: list[_Integers] = []
    window, position, codes, scales, tables = [], [], [], [], []
    with track(len(documents), f"reading {predictor.name}, documents") as advance:
        told = 0
        for batch in predictor.window_batches(documents, batch_tokens):
            first = len(windows)
            windows += [ids[mask] for ids, mask in zip(batch.ids, batch.mask, strict=True)]
            tables.append(batch.tokens)
            if not len(batch.rows):
                continue
            window.append(first + batch.window)
            position.append(batch.rows % batch.ids.shape[1])
            points = read_taps(predictor.module, taps, batch, predictor.predict)[site]
            if dictionary.encoder.device != points.device:
                dictionary = dictionary.to(points.device)
            codes.append(dictionary.encode(points))
            scales.append(row_scale(dictionary, points))
            done = int(batch.tokens.document[-1]) + 1
            advance(done - told)
            told = done
    if not codes:
        raise nothing_kept(len(documents), tables[0].left_out if tables else {})
    return TextFirings(
        site, windows, np.concatenate(window), np.concatenate(position),
        scipy.sparse.csr_array(scipy.sparse.vstack(codes)), np.concatenate(scales), TokenTable.concatenate(tables),
    )  # fmt: skip


def row_scale(dictionary: Dictionary, points: Tensor) -> NDArray[np.float32]:
    """By what each row's codes are multiplied in the stream, (rows,): how far a code of 1 moves the decoded row.

    Raises InvalidModel for a dictionary all of whose directions are zero.
    """
    import scipy.sparse
    import torch

    if dictionary.normalisation == "none":
        return np.ones(len(points), dtype=np.float32)
    norms = dictionary.decoder_norms
    latent = int(norms.argmax())
    if not float(norms[latent]):
        raise InvalidModel(f"the dictionary {dictionary.name!r} writes nothing: all its decoder rows are zero")
    shape, rows = (len(points), dictionary.latents), np.arange(len(points))
    nothing = scipy.sparse.csr_array(shape, dtype=np.float32)
    one = scipy.sparse.csr_array((np.ones(len(points), np.float32), (rows, np.full(len(points), latent))), shape=shape)
    moved = dictionary.decode(one, points) - dictionary.decode(nothing, points)
    return np.asarray(torch.linalg.vector_norm(moved, dim=1).cpu().numpy())


def same_rows(left: TextFirings, right: TextFirings) -> bool:
    """Whether both models read the same tokens in the same windows, row by row."""
    return left.tokens.same_tokens(right.tokens) and np.array_equal(left.window, right.window)
