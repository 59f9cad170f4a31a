"""How a simulated tokenizer cuts words into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.checks import whole


class Pieces(NamedTuple):
    """The pieces of every symbol, one symbol behind the other.

    Attributes
    ----------
    n_pieces, first
        (symbols,) how many pieces each has, and where its first stands among all pieces.
    start, end
        (pieces,) characters of the symbol.
    token_id
        (pieces,) number of the piece's text.
    """

    n_pieces: NDArray[np.int64]
    first: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    token_id: NDArray[np.int64]


@dataclass(frozen=True)
class Tokenisation:
    """Words cut into pieces of equal length.

    Parameters
    ----------
    piece
        characters in a piece, the last one may be shorter.
    owns_space
        whether the space before a word belongs to its first token, as with byte-level BPE.
    splits_accents
        whether an accented letter becomes two tokens that share its one character, as bytes of UTF-8 do.

    >>> Tokenisation(3).cut("metro"), Tokenisation(3, splits_accents=True).cut("ché")
    ([(0, 3), (3, 5)], [(0, 2), (2, 3), (2, 3)])
    """

    piece: int = 4
    owns_space: bool = False
    splits_accents: bool = False

    def __post_init__(self) -> None:
        whole("piece", self.piece, 1)

    def cut(self, word: str) -> list[tuple[int, int]]:
        """First and last character (exclusive) of each piece of a word."""
        spans: list[tuple[int, int]] = []
        start = 0
        while start < len(word):
            end = min(start + self.piece, len(word))
            if self.splits_accents:
                accent = next((at for at in range(start, end) if ord(word[at]) > 127), None)
                if accent == start:
                    spans += [(start, start + 1)] * 2
                    start += 1
                    continue
                end = end if accent is None else accent
            spans.append((start, end))
            start = end
        return spans

    def pieces(self, symbols: Sequence[str]) -> Pieces:
        """The pieces of every symbol."""
        cut = [self.cut(symbol) for symbol in symbols]
        numbers: dict[str, int] = {}
        rows = []
        for symbol, spans in zip(symbols, cut, strict=True):
            for place, (start, end) in enumerate(spans):
                # Two tokens of one letter are its two bytes, which have numbers of their own.
                text = f"{symbol[start:end]}/byte" if spans[place - 1 : place] == [(start, end)] else symbol[start:end]
                rows.append((start, end, numbers.setdefault(text, len(numbers))))
        count = np.array([len(spans) for spans in cut])
        start, end, token_id = np.array(rows).T
        return Pieces(count, np.cumsum(count) - count, start, end, token_id)


#: What `TwoModels.text` uses unless told otherwise: the two cut almost no long word alike.
LEFT = Tokenisation(3, splits_accents=True)
RIGHT = Tokenisation(5, owns_space=True)
