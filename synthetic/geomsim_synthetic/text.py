"""The stream as text that each network cuts into tokens its own way: which tokens make up which word is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import fraction
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.tokenisation import Tokenisation

if TYPE_CHECKING:
    from geomsim import Codes
    from geomsim.activations import TokenTable


@dataclass(frozen=True, eq=False, repr=False)
class TokenisedSide:
    """The tokens that one network makes of the text.

    Attributes
    ----------
    document, position, start, end, token_id
        (tokens,) as in a token table: which document, which token of it, which characters, which piece.
    word
        (tokens,) the word that each token is a piece of, an index into the words of the text.
    is_last
        (tokens,) bool: whether it is the last piece of its word.
    network
        whose tokens these are.
    """

    document: NDArray[np.int64]
    position: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    token_id: NDArray[np.int64]
    word: NDArray[np.int64]
    is_last: NDArray[np.bool_]
    network: SimulatedNetwork
    _text: Mapping[str, str] = field(default_factory=dict)

    def token_table(self) -> TokenTable:
        """The tokens as geomsim's front end writes them."""
        from geomsim.activations import Document, TokenTable, text_hash

        documents = [Document(name, text) for name, text in self._text.items()]
        return TokenTable(
            document=self.document.astype(np.int32),
            position=self.position.astype(np.int32),
            start=self.start.astype(np.int32),
            end=self.end.astype(np.int32),
            token_id=self.token_id.astype(np.int32),
            documents=tuple(self._text),
            text_hash=text_hash(documents),
        )

    def codes(self, unfinished: float = 0.0) -> Codes:
        """The codes of every token, with its token table.

        The last token of a word has seen the whole word and shows its codes; tokens before it show `unfinished` times
        these, so pooling by the last token or the largest value gives the codes of the words exactly.
        """
        from geomsim import Codes

        share = np.where(self.is_last, 1.0, fraction("unfinished", unfinished)).astype(np.float32)
        matrix: Any = self.network.codes[self.word]
        matrix.data *= np.repeat(share, np.diff(matrix.indptr))
        return Codes(
            matrix, tokens=self.token_table(), name=self.network.name, provenance={"source": "synthetic truth"}
        )  # fmt: skip

    def to_dict(self) -> dict[str, list[int]]:
        """Where each token stands and the word that it is a piece of, for JSON."""
        columns = ("document", "position", "start", "end", "token_id", "word")
        return {name: getattr(self, name).tolist() for name in columns}

    def __len__(self) -> int:
        return len(self.word)

    def __repr__(self) -> str:
        return f"TokenisedSide({self.network.name!r}, {len(self)} tokens of {int(self.is_last.sum())} words)"


@dataclass(frozen=True, eq=False, repr=False)
class SyntheticText:
    """A text of which every word is known, and both networks' tokens.

    Attributes
    ----------
    documents
        name and text of each document.
    document, start, end
        (words,) where each word stands: ``text[start:end]`` of its document. Words and punctuation marks are parted by
        single spaces. Word i is row i of the codes of both networks.
    left, right
        the tokens of each network.
    """

    documents: Mapping[str, str]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    left: TokenisedSide
    right: TokenisedSide

    def word(self, number: int) -> str:
        """The characters of a word."""
        text = tuple(self.documents.values())[self.document[number]]
        return str(text[self.start[number] : self.end[number]])

    def to_dict(self) -> dict[str, Any]:
        """The text, where each word stands, and which tokens of both networks make it up, for JSON."""
        return {
            "documents": dict(self.documents),
            "words": {name: getattr(self, name).tolist() for name in ("document", "start", "end")},
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
        }

    def __len__(self) -> int:
        return len(self.document)

    def __repr__(self) -> str:
        return (
            f"SyntheticText({len(self)} words in {len(self.documents)} documents, {len(self.left)} left and "
            f"{len(self.right)} right tokens)"
        )


def text_of(
    symbols: Sequence[str],
    drawn: NDArray[np.int64],
    groups: NDArray[np.int64],
    networks: Mapping[str, SimulatedNetwork],
    tokenisations: Mapping[str, Tokenisation],
) -> SyntheticText:
    """The text of a stream: `drawn` numbers the symbol and `groups` the document of every word."""
    for side, tokenisation in tokenisations.items():
        if not isinstance(tokenisation, Tokenisation):
            raise InvalidConfig(f"{side}={tokenisation!r} must be a Tokenisation, such as Tokenisation(piece=4)")
    lengths = np.array([len(symbol) for symbol in symbols])[drawn]
    ends = np.cumsum(lengths + 1) - 1
    first = np.searchsorted(groups, np.arange(groups[-1] + 1))
    offset = (ends - lengths)[first][groups]
    start, end = ends - lengths - offset, ends - offset
    words = np.array(symbols, dtype=object)[drawn]
    documents = {
        f"document-{number}": " ".join(part) for number, part in enumerate(np.split(words, first[1:]))
    }  # fmt: skip
    sides = {
        side: _tokenised(symbols, drawn, groups, start, networks[side], tokenisations[side], documents)
        for side in ("left", "right")
    }
    return SyntheticText(documents, groups, start, end, sides["left"], sides["right"])


def _tokenised(
    symbols: Sequence[str],
    drawn: NDArray[np.int64],
    groups: NDArray[np.int64],
    word_start: NDArray[np.int64],
    network: SimulatedNetwork,
    tokenisation: Tokenisation,
    documents: Mapping[str, str],
) -> TokenisedSide:
    pieces = tokenisation.pieces(symbols)
    count = pieces.n_pieces[drawn]
    word = np.repeat(np.arange(len(drawn)), count)
    within = np.arange(len(word)) - np.repeat(np.cumsum(count) - count, count)
    piece = pieces.first[drawn][word] + within
    start = word_start[word] + pieces.start[piece]
    if tokenisation.owns_space:
        start = start - ((within == 0) & (word_start[word] > 0))
    document = groups[word]
    return TokenisedSide(
        document=document,
        position=np.arange(len(word)) - np.searchsorted(document, document),
        start=start,
        end=word_start[word] + pieces.end[piece],
        token_id=pieces.token_id[piece],
        word=word,
        is_last=within == count[word] - 1,
        network=network,
        _text=documents,
    )
