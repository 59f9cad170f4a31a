"""From codes of tokens to codes of words: what two models with different tokenizers can be correlated on.

1. Words are cut from the text (:func:`geomsim.activations.words.word_spans`).
2. A token belongs to every word of which it holds a character. White space it holds beside is of no account, so a
   token with a leading space belongs to the word behind the space. A token over several words belongs to each.
3. The tokens of each word are pooled.

With ``pool="last"`` a word takes the row of the last token that holds a character of it: the first to have seen the
whole word. A character that is split over several tokens, which then share its span, is seen with the last of them.
That token may be one over several words, and has then seen the beginning of the next one too.

Tokens that reading left out (first of a window, special, huge norm) are not there to be pooled. A part of a word is not
the word, so under ``last`` a word whose last token was left out is left out as well; ``max``, ``mean`` and ``sum`` pool
what is kept. Both are counted. Where the bytes of a word's last character may go on in a token that was left out, and
nobody knows, the word is kept and counted apart. Which words have a row is decided by the tokens of their document
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.pooled_rows import maxima, sums
from geomsim.activations.text import Document, TextHash
from geomsim.activations.text_cuts import DocumentParts
from geomsim.activations.text_streams import DocumentStream
from geomsim.activations.tokens import TokenTable
from geomsim.activations.windows import EMPTY
from geomsim.activations.word_tokens import WordTable, tokens_of_words
from geomsim.activations.words import WORDS, expression, made_of_words
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidText

Pool = Literal["last", "max", "mean", "sum"]

_Integers = NDArray[np.int64]


def pool_words(codes: Codes, documents: Iterable[Document], pool: Pool = "last", pattern: str = r"\S+") -> Codes:
    r"""The codes of each word of a text, (words, latents): for word w with tokens T(w)

        last: c_t of the last t in T(w)   max: max c_t   mean: sum c_t / \|T(w)\|   sum: sum c_t

    Parameters
    ----------
    codes
        codes of tokens, with their token table.
    documents
        the text that was read, of which one document at a time is held; documents that reading cut are cut again.
    pool
        how a word's tokens become its row; latent by latent.
    pattern
        what a word is: a regular expression, or a name in :data:`geomsim.activations.words.PATTERNS`.

    Returns
    -------
    Codes
        sparse where `codes` are. The token table has one row per word: ``position`` is the number of the word in its
        document, ``start`` and ``end`` its characters, ``token_id`` is -1; ``left_out`` counts the words without a
        row and the tokens of no word. ``provenance["words"]`` has the pattern, the pool and all counts, among them
        ``tokens_over_several_words``, ``words_pooled_from_a_part`` (surely), ``words_perhaps_pooled_from_a_part`` (at
        most so many more) and, of the last two, ``words_perhaps_unfinished``: the row is perhaps not that of the word's
        last token.

    Raises
    ------
    InvalidCodes
        without a token table, when the rows are words already, or when no word is left.
    InvalidText
        when the documents are not those that were read.
    InvalidConfig
        on an unknown pool or a pattern that is no regular expression.

    >>> from geomsim.activations.text import documents_from_strings
    >>> tokens = TokenTable([0, 0, 0], [0, 1, 2], [0, 2, 4], [2, 4, 8], [7, 8, 9], documents=("0",))
    >>> codes = Codes(np.array([[1.0], [3.0], [2.0]]), tokens)  # of the tokens "to", "ld", " you"
    >>> words = pool_words(codes, documents_from_strings(["told you"]))
    >>> words.dense().ravel().tolist(), words.tokens.start.tolist(), words.tokens.end.tolist()
    ([3.0, 2.0], [0, 5], [4, 8])
    >>> pool_words(codes, documents_from_strings(["told you"]), "mean").dense().ravel().tolist()
    [2.0, 2.0]
    """
    if pool not in get_args(Pool):
        raise InvalidConfig(f"pool {pool!r}: choose {', '.join(get_args(Pool))}")
    pattern = expression(pattern)
    tokens, words = _tokens_and_words(codes, documents, pattern)
    found = tokens_of_words(tokens, words)
    kept = ~found.unfinished if pool == "last" else np.ones(len(found.word), dtype=np.bool_)
    why = _why(tokens)
    left_out = {
        f"word without a kept token{why}": len(words) - len(found.word),
        f"word without its last token{why}": int((~kept).sum()),
        "token of no word": found.of_no_word,
    }
    if not kept.any():
        counts = ", ".join(f"{count} x {reason}" for reason, count in left_out.items() if count)
        raise InvalidCodes(f"{codes!r}: of {len(words)} words that match {pattern!r} none is left ({counts or 'none'})")
    word, begin, end = found.word[kept], found.begin[kept], found.end[kept]
    last = found.row[end - 1]
    columns = (words.document[word], words.number[word], words.start[word], words.end[word], np.full(len(word), -1))
    document, number, start, stop, no_token = (column.astype(np.int32) for column in columns)
    table = TokenTable(document, number, start, stop, no_token, tokens.documents, tokens.text_hash)
    made = {
        "pattern": pattern, "pool": pool, "words": len(words), "tokens": len(tokens),
        "tokens_of_no_word": found.of_no_word, "tokens_over_several_words": found.over_several,
        "words_pooled_from_a_part": int(found.in_part[kept].sum()),
        "words_perhaps_pooled_from_a_part": int(found.perhaps_in_part[kept].sum()),
        "words_perhaps_unfinished": int(found.perhaps_unfinished[kept].sum()), "tokens_left_out": dict(tokens.left_out),
    }  # fmt: skip
    return Codes(
        codes.matrix[last] if pool == "last" else _pooled(codes.matrix, pool, found.row, begin, end),
        table.counted(left_out),
        None if codes.groups is None else codes.groups[last],
        f"{codes.name or 'codes'}, {pool} of words",
        {**codes.provenance, WORDS: made},
    )


def _pooled(matrix: Any, pool: str, row: _Integers, begin: _Integers, end: _Integers) -> Any:
    if pool == "max":
        return maxima(matrix, row, begin, end)
    return sums(matrix, row, begin, end, mean=pool == "mean")


def _why(tokens: TokenTable) -> str:
    """For which reasons tokens were left out of this reading; which of several it was for one word is not known."""
    reasons = [reason for reason, count in tokens.left_out.items() if count and reason != EMPTY]
    return f" ({' or '.join(reasons)})" if reasons else ""


def _tokens_and_words(codes: Codes, documents: Iterable[Document], pattern: str) -> tuple[TokenTable, WordTable]:
    """What is to be matched, after a check that it is of one text."""
    tokens = codes.tokens
    if tokens is None:
        raise InvalidCodes(
            f"{codes!r} have no token table, so nobody knows which characters a row read; words can only be pooled "
            "from codes that were read from text"
        )
    if made_of_words(codes) is not None:
        raise InvalidCodes(f"{codes!r} are of words already; pool the codes of the tokens they were made of")
    names: list[str] = []
    gradual = TextHash()

    longest = dict(codes.provenance.get("options") or {}).get("longest")

    def noted() -> Iterator[Document]:
        given = documents.pieces() if isinstance(documents, DocumentStream) else documents
        for _, document in DocumentParts(given, longest):
            names.append(document.name)
            gradual.add(document)
            yield document

    words = WordTable.of(noted(), pattern)
    read = gradual.hexdigest()
    if tuple(names) != tokens.documents or (tokens.text_hash and read != tokens.text_hash):
        raise InvalidText(
            f"{codes!r} are of another text: they read {len(tokens.documents)} documents (hash "
            f"{tokens.text_hash[:12] or 'unknown'}), these are {len(names)} (hash {read[:12]}); give the documents "
            "that were read, in their order, and cut into parts where reading cut them"
        )
    length = words.lengths[tokens.document]
    wrong = (tokens.start < 0) | (tokens.start > tokens.end) | (tokens.end > length)
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidCodes(
            f"{codes!r}: token {tokens.position[row]} of document {names[tokens.document[row]]!r} has characters "
            f"{tokens.start[row]} to {tokens.end[row]}, but the text has {length[row]}"
        )
    return tokens, words
