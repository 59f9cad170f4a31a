"""Tokens with characters, and words pooled from them slowly: what the tests of words share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.text import Document, documents_from_strings, text_hash
from geomsim.activations.tokens import TokenTable

SENTENCE = "H₂O naïve 🤖 isn't café  三漢字"
SENTENCE_WORDS = ["H₂O", "naïve", "🤖", "isn't", "café", "三漢字"]

#: For each document, (position, start, end) of each kept token.
Kept = Sequence[Sequence[tuple[int, int, int]]]


def token_codes(
    texts: Sequence[str], kept: Kept, matrix: Any = None, left_out: dict[str, int] | None = None
) -> tuple[Codes, list[Document]]:
    """Codes of these tokens; without a matrix, latent 0 of a token is its number among the kept ones, from 1."""
    documents = documents_from_strings(texts)
    rows = [(number, *token, 7) for number, tokens in enumerate(kept) for token in tokens]
    columns = np.array(rows, dtype=np.int32).reshape(-1, 5).T
    names = tuple(document.name for document in documents)
    table = TokenTable(*columns, documents=names, text_hash=text_hash(documents), left_out=left_out or {})
    values = np.arange(1.0, len(rows) + 1)[:, None] if matrix is None else matrix
    return Codes(values, table, name="made"), documents


def all_kept(*spans: Sequence[tuple[int, int]]) -> Kept:
    """Every token of each document, by its characters."""
    return [[(position, start, end) for position, (start, end) in enumerate(each)] for each in spans]


def words_of(codes: Codes, documents: Sequence[Document]) -> list[str]:
    """The text of each row."""
    tokens = codes.tokens
    assert tokens is not None
    return [
        documents[document].text[start:end]
        for document, start, end in zip(tokens.document, tokens.start, tokens.end, strict=True)
    ]


def slowly_pooled(
    codes: Codes, documents: Sequence[Document], pool: str, pattern: str
) -> dict[tuple[int, int], np.ndarray]:
    """(document, word) to its row, character by character and word by word; every token of the text is kept."""
    tokens, dense = codes.tokens, codes.dense().astype(np.float64)
    assert tokens is not None
    combine: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "last": lambda rows: rows[-1],
        "max": lambda rows: rows.max(axis=0),
        "mean": lambda rows: rows.mean(axis=0),
        "sum": lambda rows: rows.sum(axis=0),
    }
    found = {}
    for number, document in enumerate(documents):
        for word, match in enumerate(re.finditer(pattern, document.text)):
            characters = set(range(*match.span()))
            touching = [
                row
                for row in range(len(tokens))
                if tokens.document[row] == number and characters & set(range(tokens.start[row], tokens.end[row]))
            ]
            if touching:
                found[number, word] = combine[pool](dense[touching])
    return found
