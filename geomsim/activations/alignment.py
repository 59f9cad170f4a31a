"""Two codes over the same tokens, or the same words, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.words import made_of_words
from geomsim.errors import InvalidCodes

if TYPE_CHECKING:
    from geomsim.activations.codes import Codes
    from geomsim.activations.text import Document
    from geomsim.activations.tokens import TokenTable


class Alignment(NamedTuple):
    """Two codes over the same tokens in the same order, and how many tokens of each side had no counterpart."""

    left: Codes
    right: Codes
    left_out: dict[str, int]


def align(left: Codes, right: Codes, documents: Sequence[Document] | None = None) -> Alignment:
    """Both codes restricted to the tokens they share: same document, same first and last character.

    Tokens of one character that share a span (the bytes of an emoji) count as one, of which the last is kept,
    unless both token tables agree entry by entry. Without token tables, rows are taken to be the same tokens.
    Of codes of words (:func:`geomsim.activations.pooling.pool_words`) the words that both sides kept remain.

    Parameters
    ----------
    left, right
        codes of one text, both of tokens or both of words.
    documents
        the text, so that a message about words that differ can show them.

    Raises
    ------
    InvalidCodes
        when the two read different texts, share no token, have groups that differ, or (without token tables)
        have unequal numbers of tokens; when one side's rows are words and the other's are tokens, words were made by
        different patterns or pools, or one word has other characters on the other side (the first such word is named).
    """
    if left.text_hash and right.text_hash and left.text_hash != right.text_hash:
        raise InvalidCodes(
            f"left and right codes read different texts (hash {left.text_hash[:12]} and {right.text_hash[:12]}); "
            "correlations need both models on the same text: read the activations of both again on one text"
        )
    words = _both_of_words(left, right)
    if left.tokens is None or right.tokens is None:
        if left.n_tokens != right.n_tokens:
            raise InvalidCodes(
                f"left codes have {left.n_tokens} tokens and right codes {right.n_tokens}, and not both have a token "
                "table to tell which belong together; give both a token table or the same tokens in the same order"
            )
        _refuse_different_groups(left, right)
        return Alignment(left, right, {"left": 0, "right": 0})
    if left.tokens.same_tokens(right.tokens):
        return Alignment(left, right, {"left": 0, "right": 0})
    if left.tokens.documents != right.tokens.documents:
        raise InvalidCodes(
            f"left codes know {len(left.tokens.documents)} documents and right codes {len(right.tokens.documents)}, "
            "not the same names in the same order; read the activations of both models on one list of documents"
        )
    columns = ("document", "position") if words else ("document", "start", "end")
    left_keys, left_rows = _keys(left.tokens, columns)
    right_keys, right_rows = _keys(right.tokens, columns)
    _, left_at, right_at = np.intersect1d(left_keys, right_keys, assume_unique=True, return_indices=True)
    if not len(left_at):
        kind = "word" if words else "token"
        raise InvalidCodes(
            f"left codes ({left.n_tokens} {kind}s) and right codes ({right.n_tokens} {kind}s) share no {kind}: no "
            f"document has a {kind} with the same characters on both sides"
            + ("" if words else ". Two tokenizers? Pool the tokens of each word first (pool_words, `geomsim words`)")
        )
    # Row order of the left side: documents stay together for the jackknife and for reading.
    order = np.argsort(left_rows[left_at], kind="stable")
    rows = left_rows[left_at][order], right_rows[right_at][order]
    if words:
        _refuse_different_words(left.tokens.take(rows[0]), right.tokens.take(rows[1]), documents)
    left_out = {"left": left.n_tokens - len(order), "right": right.n_tokens - len(order)}
    return Alignment(left.take(rows[0]), right.take(rows[1]), left_out)


def _both_of_words(left: Codes, right: Codes) -> bool:
    """Whether the rows are words on both sides; InvalidCodes where on one only, or where they are other words."""
    made = {"left": made_of_words(left), "right": made_of_words(right)}
    tokens = [side for side, found in made.items() if found is None]
    if len(tokens) == 1 and left.tokens is not None and right.tokens is not None:
        words = "right" if tokens == ["left"] else "left"
        raise InvalidCodes(
            f"the rows of the {words} codes are words and those of the {tokens[0]} codes are tokens; pool the "
            f"{tokens[0]} side into words too (pool_words, `geomsim words`), or give the tokens of both"
        )
    if tokens:
        return False
    patterns, pools = ([str(found.get(what)) for found in made.values() if found] for what in ("pattern", "pool"))
    if patterns[0] != patterns[1]:
        raise InvalidCodes(
            f"left and right codes are of different words: the pattern of the left is {patterns[0]!r}, that of the "
            f"right {patterns[1]!r}; pool both sides with one pattern"
        )
    if pools[0] != pools[1]:
        raise InvalidCodes(
            f"the words of the left codes were pooled by {pools[0]!r} and those of the right by {pools[1]!r}, which "
            "are different quantities; pool both alike (pool_words(..., pool=), `geomsim words --pool`)"
        )
    return True


def _keys(tokens: TokenTable, columns: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct values of these columns, and the last row that has each."""
    stacked = np.stack([getattr(tokens, name) for name in columns], axis=1).astype(np.int64)
    keys = np.ascontiguousarray(stacked).view([(name, np.int64) for name in columns]).ravel()
    unique, first_from_behind = np.unique(keys[::-1], return_index=True)
    return unique, (len(keys) - 1 - first_from_behind).astype(np.int64)


def _refuse_different_words(left: TokenTable, right: TokenTable, documents: Sequence[Document] | None) -> None:
    differs = (left.start != right.start) | (left.end != right.end)
    if not differs.any():
        return
    row = int(np.argmax(differs))
    document = int(left.document[row])

    def shown(side: TokenTable) -> str:
        start, end = int(side.start[row]), int(side.end[row])
        word = "" if documents is None else f"{documents[document].text[start:end]!r}, "
        return f"{word}characters {start} to {end}"

    raise InvalidCodes(
        f"left and right codes are not of the same words: word {left.position[row]} of document "
        f"{left.documents[document]!r} is {shown(left)}, on the left and {shown(right)}, on the right "
        f"({int(differs.sum())} of {len(differs)} words differ); pool both sides again, from one text"
    )


def _refuse_different_groups(left: Codes, right: Codes) -> None:
    if left.groups is None or right.groups is None:
        return
    numbered = []
    for groups in (left.groups, right.groups):
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        numbered.append(first[inverse])  # each group named by its first token, whatever it was called
    differs = numbered[0] != numbered[1]
    if differs.any():
        raise InvalidCodes(
            f"left and right codes group their tokens differently, the first difference is at token "
            f"{int(np.argmax(differs))}; are these the same tokens in the same order?"
        )
