"""The text of a token table cut at its tokens, without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.tokens import TokenTable


@dataclass(frozen=True, eq=False)
class TextPieces:
    """Pieces of text in reading order, each from its token's first character to that of the next token.

    The last piece of a document ends with its token. Tokens that begin at the same character, as several bytes of one
    do, share a piece.

    Parameters
    ----------
    pieces
        the pieces of all documents, one behind the other.
    of_row
        (tokens,) the piece of each token.
    document
        (pieces,) the document of each piece, ascending.
    """

    pieces: list[str]
    of_row: NDArray[np.int64]
    document: NDArray[np.int32]

    @classmethod
    def of(cls, tokens: TokenTable, texts: list[str]) -> Self:
        """The pieces of a table sorted by document and start, and the texts of its documents in its order."""
        opens = (np.diff(tokens.document, prepend=-1) != 0) | (np.diff(tokens.start, prepend=-1) != 0)
        begins = np.flatnonzero(opens)
        document, start = tokens.document[begins], tokens.start[begins]
        goes_on = np.diff(document, append=-1) == 0
        end = np.where(goes_on, np.append(start[1:], 0), np.maximum.reduceat(tokens.end, begins))
        spans = zip(document.tolist(), start.tolist(), end.tolist(), strict=True)
        pieces = [texts[number][one:last] for number, one, last in spans]
        return cls(pieces, np.cumsum(opens) - 1, document)

    def windows(self, places: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each piece the first and behind the last of those at most `width` away in the same document."""
        first = np.searchsorted(self.document, self.document[places], side="left")
        last = np.searchsorted(self.document, self.document[places], side="right")
        return np.maximum(first, places - width), np.minimum(last, places + width + 1)
