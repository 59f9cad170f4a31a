"""Which kept tokens hold characters of which word, and whether the last of them completes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.activations.windows import EMPTY
from geomsim.activations.words import word_spans

_Integers = NDArray[np.int64]
_Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WordTable:
    """All words of a text, one document behind the other.

    Parameters
    ----------
    document, number
        document of each word, and its number in it, (words,) int64.
    start, end
        its characters in the document.
    wide
        whether its last character is beyond ASCII, so that UTF-8 has several bytes for it.
    lengths
        characters of each document, (documents,).
    """

    document: _Integers
    number: _Integers
    start: _Integers
    end: _Integers
    wide: _Booleans
    lengths: _Integers

    @classmethod
    def of(cls, documents: Iterable[Document], pattern: str) -> WordTable:
        """The words of these documents, of which one at a time is held."""
        spans: list[_Integers] = []
        wide: list[bool] = []
        lengths = []
        for document in documents:
            found = word_spans(document.text, pattern)
            spans.append(found)
            wide += [not document.text[end - 1].isascii() for end in found[:, 1].tolist()]
            lengths.append(len(document.text))
        counts = [len(found) for found in spans]
        start, end = np.concatenate(spans).T if spans else np.zeros((2, 0), dtype=np.int64)
        number = np.concatenate([np.arange(count) for count in counts]) if spans else start
        of = np.repeat(np.arange(len(spans)), counts)
        return cls(of, number, start, end, np.array(wide, dtype=np.bool_), np.array(lengths, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.document)


@dataclass(frozen=True, eq=False)
class WordTokens:
    """The rows that hold characters of ``word[i]`` are ``row[begin[i]:end[i]]``, in reading order.

    Parameters
    ----------
    word
        the words that have a row, ascending, as rows of the word table.
    row, begin, end
        rows of the token table, and where those of each word stand among them.
    unfinished
        whether the token with which the word is complete was left out, or may have been. A token that ends with the
        word's last character completes it, unless that character's bytes may go on in a token that was left out;
        only characters beyond ASCII have several bytes.
    in_part
        whether the word is unfinished or another token of it is missing, as far as positions and characters tell.
    of_no_word, over_several
        how many tokens hold no character of a word, and how many hold some of more than one.
    """

    word: _Integers
    row: _Integers
    begin: _Integers
    end: _Integers
    unfinished: _Booleans
    in_part: _Booleans
    of_no_word: int
    over_several: int


def tokens_of_words(tokens: TokenTable, words: WordTable) -> WordTokens:
    """Match characters: a token belongs to every word of which it holds one."""
    offset = np.cumsum(words.lengths) - words.lengths  # where each document begins in the whole text
    order = np.lexsort((tokens.position, tokens.document))
    start, end = (column[order] + offset[tokens.document[order]] for column in (tokens.start, tokens.end))
    first = np.searchsorted(words.end + offset[words.document], start, side="right")
    behind = np.searchsorted(words.start + offset[words.document], end, side="left")
    touched = np.where(end > start, np.maximum(behind - first, 0), 0)
    row = np.repeat(order, touched)
    # The words of one token have consecutive numbers, from its first.
    word = np.repeat(first, touched) + np.arange(len(row)) - np.repeat(np.cumsum(touched) - touched, touched)
    by_word = np.argsort(word, kind="stable")
    word, row = word[by_word], row[by_word]
    word, begin, count = np.unique(word, return_index=True, return_counts=True)
    head, last = row[begin], row[begin + count - 1]
    ahead = tokens.end[last].astype(np.int64) - words.end[word]
    unfinished = (ahead < 0) | ((ahead == 0) & words.wide[word] & _next_left_out(tokens, order)[last])
    gaps = tokens.position[last].astype(np.int64) - tokens.position[head] + 1 != count
    in_part = unfinished | gaps | (tokens.start[head] > words.start[word])
    of_no_word, over_several = int((touched == 0).sum()), int((touched > 1).sum())
    return WordTokens(word, row, begin, begin + count, unfinished, in_part, of_no_word, over_several)


def _next_left_out(tokens: TokenTable, order: _Integers) -> _Booleans:
    """Whether the token behind each row is not in the table though there may be one; `order` is that of reading."""
    document, position = tokens.document[order], tokens.position[order].astype(np.int64)
    ends = np.append(document[1:] != document[:-1], True)
    skipped = np.diff(position, prepend=-1) - 1
    begins = np.flatnonzero(np.roll(ends, 1))
    skipped[begins] = position[begins]
    # If the gaps before and between rows are all that reading left out, each document ends with its last row.
    read_to_the_end = skipped.sum() == sum(count for reason, count in tokens.left_out.items() if reason != EMPTY)
    left_out = np.empty(len(tokens), dtype=np.bool_)
    left_out[order] = np.where(ends, not read_to_the_end, np.roll(skipped, -1) > 0)
    return left_out
