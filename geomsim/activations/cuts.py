"""Where to cut documents so that models with different tokenizers read the same text in each window.

Windows of so many tokens end at other characters for each tokenizer, and a model sees only its window: the same word
would be read with other words before it. Cut at characters instead, at the begins of words, so that each piece fits the
context of every model.

Documents are tokenized whole, never piece by piece. A token goes with the piece in which its first character other than
white space lies, so one with a leading space goes with its word; a token across a cut goes with the piece before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.text import Document, differently_named, text_hash
from geomsim.activations.tokenization import Tokenization
from geomsim.activations.words import expression, word_spans
from geomsim.errors import InvalidConfig

_Integers = NDArray[np.int64]


class Reader(Protocol):
    """What is asked of a source: how it tokenizes, and how many tokens its windows take."""

    @property
    def tokenization(self) -> Tokenization:
        """From text to tokens and their characters."""

    @property
    def context(self) -> int:
        """Tokens per window, a beginning-of-text token among them."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where each document of a text is cut.

    Parameters
    ----------
    offsets
        for each document, by its name, the characters at which a new window begins, ascending, without 0.
    texts
        for each document, by its name, :func:`geomsim.activations.text.text_hash` of it.
    pattern
        what a word is.
    inside_words
        how many cuts fall inside a word, which is then longer than a context.
    across_tokens
        how many times a token lies across a cut.

    Raises
    ------
    InvalidConfig
        where offsets do not ascend, or begin below 1.
    """

    offsets: Mapping[str, _Integers]
    texts: Mapping[str, str]
    pattern: str = ""
    inside_words: int = 0
    across_tokens: int = 0

    def __post_init__(self) -> None:
        found = {name: np.asarray(offsets, dtype=np.int64).reshape(-1) for name, offsets in self.offsets.items()}
        for name, offsets in found.items():
            if (np.diff(offsets, prepend=0) < 1).any():
                raise InvalidConfig(f"cuts of document {name!r} must ascend from above 0, got {offsets.tolist()}")
        object.__setattr__(self, "offsets", found)

    def __len__(self) -> int:
        return sum(map(len, self.offsets.values()))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Pattern, counts, and a hash of texts and offsets: two readings with equal ones were cut alike."""
        digest = hashlib.sha256()
        for name, offsets in self.offsets.items():
            digest.update(self.texts[name].encode() + len(offsets).to_bytes(8, "big") + offsets.astype(">i8").tobytes())
        return {
            "pattern": self.pattern, "cuts": len(self), "inside_words": self.inside_words,
            "across_tokens": self.across_tokens, "sha256": digest.hexdigest(),
        }  # fmt: skip

    def windows(self, document: Document, spans: _Integers, room: int) -> list[int]:
        """The tokens at which the windows of a document begin, and behind them the number of its tokens.

        InvalidConfig where these are not cuts of this document, or a window has more than `room` tokens of the text
        (:meth:`geomsim.activations.tokenization.Tokenization.room`).
        """
        if document.name not in self.offsets or self.texts[document.name] != text_hash([document]):
            known = "another text under that name" if document.name in self.offsets else "no such document"
            raise InvalidConfig(
                f"the cuts of {len(self.offsets)} documents are not those of document {document.name!r}: they know "
                f"{known}; make them with common_cuts(documents, sources) for the documents that are read, cut into "
                "parts where reading cuts them"
            )
        begins = _begins(document.text, spans)
        bounds = np.unique([0, *np.searchsorted(begins, self.offsets[document.name]), len(begins)])
        longest = int(np.diff(bounds).max(initial=0))
        if longest > room:
            at = int(np.diff(bounds).argmax())
            raise InvalidConfig(
                f"document {document.name!r}: the window from character {begins[bounds[at]]} has {longest} tokens, "
                f"more than the {room} that fit the context; make the cuts with common_cuts(documents, sources), and "
                "name every source that reads with them"
            )
        return [int(bound) for bound in bounds]


def common_cuts(documents: Iterable[Document], sources: Sequence[Reader], pattern: str = r"\S+") -> Cuts:
    r"""Cuts at the begins of words such that each piece fits the context of every source; as few as reading on allows.

    Each piece is as long as fits: it ends at the last begin of a word that all sources reach and no token lies across;
    where there is none, at one that a token lies across (counted). A single word longer than a context is cut inside,
    at a token's begin on every side where there is one (counted).

    Parameters
    ----------
    documents
        the text, of which one document at a time is held. A :class:`geomsim.activations.text_streams.DocumentStream`
        gives long ones in the parts in which they are read.
    sources
        the readers of it: anything with ``tokenization`` and ``context``. A beginning-of-text token has its place.
    pattern
        what a word is; see :func:`geomsim.activations.words.word_spans`.

    Raises
    ------
    InvalidConfig
        where there is no source, or one character has more tokens than a context.
    InvalidText
        where two documents bear one name.
    """
    if not sources:
        raise InvalidConfig("no sources: name every one that is to read with these cuts")
    pattern = expression(pattern)
    found: dict[str, _Found] = {}
    texts: dict[str, str] = {}
    for document in differently_named(documents):
        found[document.name] = _cut(document, sources, pattern)
        texts[document.name] = text_hash([document])
    offsets = {name: np.array(cut.offsets, dtype=np.int64) for name, cut in found.items()}
    inside = sum(cut.inside_words for cut in found.values())
    across = sum(cut.across_tokens for cut in found.values())
    return Cuts(offsets, texts, pattern, inside, across)


@dataclass
class _Found:
    offsets: list[int]
    inside_words: int = 0
    across_tokens: int = 0


@dataclass(frozen=True, eq=False)
class _Tokens:
    """The tokens of a document in one tokenizer: where each begins, and the furthest end up to each."""

    begins: _Integers
    ends: _Integers
    room: int

    @classmethod
    def of(cls, document: Document, source: Reader) -> _Tokens:
        _, spans = source.tokenization.tokens_of(document)
        room = source.tokenization.room(source.context)
        return cls(_begins(document.text, spans), np.maximum.accumulate(spans[:, 1]), room)

    def across(self, offsets: _Integers) -> NDArray[np.bool_]:
        """Whether a token lies across each of these characters."""
        before = np.searchsorted(self.begins, offsets)
        return np.append(0, self.ends)[before] > offsets

    def furthest(self, begin: int) -> int | None:
        """The last cut that leaves the piece from `begin` at `room` tokens; None where the document ends before."""
        behind = int(np.searchsorted(self.begins, begin)) + self.room
        return int(self.begins[behind]) if behind < len(self.begins) else None


def _cut(document: Document, sources: Sequence[Reader], pattern: str) -> _Found:
    tokens = [_Tokens.of(document, source) for source in sources]
    words = word_spans(document.text, pattern)

    def clean(offsets: _Integers) -> _Integers:
        return np.asarray(offsets[~np.any([each.across(offsets) for each in tokens], axis=0)])

    every_token = np.unique(np.concatenate([each.begins for each in tokens]))
    choices = (clean(words[:, 0]), words[:, 0], clean(every_token))
    found = _Found([])
    begin = 0
    while limits := [limit for each in tokens if (limit := each.furthest(begin)) is not None]:
        furthest = min(limits)
        if furthest <= begin:
            raise InvalidConfig(
                f"document {document.name!r}: character {begin}, {document.text[begin]!r}, has more tokens than the "
                f"{min(each.room for each in tokens)} that fit the context; longer windows are needed"
            )
        begin = next((at for offsets in choices if (at := _last(offsets, begin, furthest))), furthest)
        found.offsets.append(begin)
        cut = np.array([begin])
        found.across_tokens += sum(int(each.across(cut)[0]) for each in tokens)
        word = int(np.searchsorted(words[:, 1], begin, side="right"))
        found.inside_words += int(word < len(words) and words[word, 0] < begin)
    return found


def _last(offsets: _Integers, above: int, highest: int) -> int | None:
    """The largest of ascending offsets in (above, highest]."""
    at = int(np.searchsorted(offsets, highest, side="right")) - 1
    return int(offsets[at]) if at >= 0 and offsets[at] > above else None


def _begins(text: str, spans: _Integers) -> _Integers:
    """The first character of each token that is not white space, or its first where all are; never descending."""
    visible = word_spans(text)
    start, end = spans.T
    at = np.searchsorted(visible[:, 1], start, side="right")
    inked = np.maximum(start, np.append(visible[:, 0], len(text))[at])
    return np.maximum.accumulate(np.where(inked < end, inked, start))
