"""Which kept tokens hold characters of which word, and whether the last of them completes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

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
    wide_head, wide
        whether its first and its last character are beyond ASCII, so that UTF-8 has several bytes for them.
    lengths
        characters of each document, (documents,).
    """

    document: _Integers
    number: _Integers
    start: _Integers
    end: _Integers
    wide_head: _Booleans
    wide: _Booleans
    lengths: _Integers

    @classmethod
    def of(cls, documents: Iterable[Document], pattern: str) -> WordTable:
        """The words of these documents, of which one at a time is held."""
        spans: list[_Integers] = []
        wide_head: list[bool] = []
        wide: list[bool] = []
        lengths = []
        for document in documents:
            found = word_spans(document.text, pattern)
            spans.append(found)
            wide_head += [not document.text[start].isascii() for start in found[:, 0].tolist()]
            wide += [not document.text[end - 1].isascii() for end in found[:, 1].tolist()]
            lengths.append(len(document.text))
        counts = [len(found) for found in spans]
        start, end = np.concatenate(spans).T if spans else np.zeros((2, 0), dtype=np.int64)
        number = np.concatenate([np.arange(count) for count in counts]) if spans else start
        of = np.repeat(np.arange(len(spans)), counts)
        ends = np.array(wide_head, dtype=np.bool_), np.array(wide, dtype=np.bool_)
        return cls(of, number, start, end, *ends, np.array(lengths, dtype=np.int64))

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
        whether the token with which the word is complete was left out. One that ends with the word's last character
        completes it, unless that character's bytes go on in the token behind it; only characters beyond ASCII have
        several bytes. They do where tokens were left out before the next one, and no character was.
    perhaps_unfinished
        whether that cannot be told, the other words being known to be one or the other: the token that ends with a last
        character beyond ASCII is followed by tokens left out that have characters of their own, or it is the last of
        its document, and whether tokens of the document were left out behind it is not known.
    in_part
        whether the word is unfinished, or another token of it is missing.
    perhaps_in_part
        whether neither that nor the contrary is known, at the end as above, or at the beginning, where tokens were left
        out before a first character beyond ASCII.
    of_no_word, over_several
        how many tokens hold no character of a word, and how many hold some of more than one.
    """

    word: _Integers
    row: _Integers
    begin: _Integers
    end: _Integers
    unfinished: _Booleans
    perhaps_unfinished: _Booleans
    in_part: _Booleans
    perhaps_in_part: _Booleans
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
    beside = _left_out_beside(tokens, order)
    split = (ahead == 0) & words.wide[word]
    unfinished = (ahead < 0) | (split & beside.surely_goes_on[last])
    perhaps_unfinished = split & ~unfinished & beside.behind[last]
    gaps = tokens.position[last].astype(np.int64) - tokens.position[head] + 1 != count
    in_part = unfinished | gaps | (tokens.start[head] > words.start[word])
    split_head = (tokens.start[head] == words.start[word]) & words.wide_head[word] & beside.before[head]
    perhaps_in_part = ~in_part & (perhaps_unfinished | split_head)
    of_no_word, over_several = int((touched == 0).sum()), int((touched > 1).sum())
    return WordTokens(
        word, row, begin, begin + count, unfinished, perhaps_unfinished, in_part, perhaps_in_part, of_no_word,
        over_several,
    )  # fmt: skip


class _Beside(NamedTuple):
    """For each row: whether a token before it was left out; one behind it, or perhaps one; one of the same characters.

    A token left out behind a row has no characters of its own where the next row goes on at the same character.
    """

    before: _Booleans
    behind: _Booleans
    surely_goes_on: _Booleans


def _left_out_beside(tokens: TokenTable, order: _Integers) -> _Beside:
    """What is known of the neighbours of each row, of its own document alone; `order` is that of reading."""
    document, position = tokens.document[order], tokens.position[order].astype(np.int64)
    ends = np.append(document[1:] != document[:-1], True)[: len(order)]
    skipped = np.diff(position, prepend=-1) - 1
    begins = np.flatnonzero(np.roll(ends, 1))
    skipped[begins] = position[begins]
    goes_on = np.roll(tokens.start[order], -1) == tokens.end[order]
    gap = ~ends & (np.roll(skipped, -1) > 0)
    before, behind, surely_goes_on = (np.empty(len(tokens), dtype=np.bool_) for _ in range(3))
    before[order] = skipped > 0
    behind[order] = gap | (ends & (_left_out_behind(tokens, skipped) != 0))
    surely_goes_on[order] = gap & goes_on
    return _Beside(before, behind, surely_goes_on)


def _left_out_behind(tokens: TokenTable, skipped: _Integers) -> int:
    """At most so many tokens were left out behind the last rows of all documents; 0 says that all end with theirs.

    Of the tokens left out, those before and between rows are known, and each document without a row has at least one,
    unless it has no tokens. Of rows that were taken from a table the count is wrong, and seldom 0.
    """
    left_out = sum(count for reason, count in tokens.left_out.items() if reason != EMPTY)
    without_a_row = len(tokens.documents) - len(np.unique(tokens.document)) - tokens.left_out.get(EMPTY, 0)
    return int(left_out - skipped.sum() - max(0, without_a_row))
