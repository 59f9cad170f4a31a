"""The text around each token of codes, with how strongly each piece of it is coded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geomsim import Codes
from geomsim.activations import Document
from geomsim.activations.text_pieces import TextPieces
from geomsim.activations.token_texts import texts_read
from geomsim.report.page.contents import Context

_AROUND = 8


def token_contexts(codes: Codes, documents: Sequence[Document]) -> list[Context]:
    """For each token the pieces of text around it, eight on both sides, with the length of the code on each.

    The length of a code is its Euclidean norm; of tokens that share a piece the longest counts.
    """
    tokens, texts = texts_read(codes, documents)
    pieces = TextPieces.of(tokens, texts)
    lengths = _norms(codes)
    strength = np.zeros(len(pieces.pieces))
    np.maximum.at(strength, pieces.of_row, lengths)
    first, last = pieces.windows(pieces.of_row, _AROUND)
    shown = strength.tolist()
    rows = zip(
        pieces.of_row.tolist(), first.tolist(), last.tolist(), lengths.tolist(), tokens.document.tolist(), strict=True
    )
    return [
        Context(
            value=length,
            document=tokens.documents[document],
            pieces=tuple(pieces.pieces[start:stop]),
            activations=tuple(shown[start:stop]),
            focus=piece - start,
        )
        for piece, start, stop, length, document in rows
    ]


def _norms(codes: Codes) -> NDArray[np.float64]:
    matrix = codes.matrix
    squares = matrix.multiply(matrix) if codes.is_sparse else np.square(matrix, dtype=np.float64)
    return np.sqrt(np.asarray(squares.sum(axis=1), dtype=np.float64).ravel())
