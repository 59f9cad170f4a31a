"""Looking at a latent: where in the text it is active, and on which tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes


@dataclass(frozen=True)
class Context:
    """One place where a latent is active: ``before + token + after`` is a piece of the document."""

    document: str
    value: float
    before: str
    token: str
    after: str


@dataclass(frozen=True)
class TokenShare:
    """How much of a latent's activation falls on one token string; `share` is of the sum of all absolute values."""

    token: str
    firings: int
    mean: float
    largest: float
    share: float


def firing_rate(codes: Codes, latent: int) -> float:
    """Share of tokens on which the latent is not zero, in [0, 1]."""
    return int(np.count_nonzero(codes.latent(latent))) / codes.n_tokens


def top_contexts(
    codes: Codes,
    latent: int,
    documents: Sequence[Document],
    n: int = 5,
    context: int = 40,
    *,
    one_per_document: bool = True,
) -> list[Context]:
    """The `n` tokens on which a latent is largest, with `context` characters on both sides; strongest first.

    Equal values keep the order of the text. With `one_per_document`, only the strongest token of each document.

    Raises InvalidCodes where the codes have no token table, there is no such latent, or the documents are not the
    ones that were read.
    """
    tokens, texts = _readable(codes, documents)
    found: list[Context] = []
    seen: set[int] = set()
    for row in _strongest_first(codes.latent(latent)):
        if len(found) == n:
            break
        document = int(tokens.document[row])
        if one_per_document and document in seen:
            continue
        seen.add(document)
        text = _text(texts, tokens, document)
        start, end = int(tokens.start[row]), int(tokens.end[row])
        record = Context(
            document=tokens.documents[document],
            value=float(codes.matrix[row, latent]),
            before=text[max(0, start - context) : start],
            token=_span(text, tokens, int(row)),
            after=text[end : end + context],
        )
        found.append(record)
    return found


def top_tokens(codes: Codes, latent: int, documents: Sequence[Document], n: int = 5) -> list[TokenShare]:
    """The `n` token strings that take most of a latent's activation (sum of absolute values), the largest first.

    Equal sums keep the order in which the strings first occur. Raises as :func:`top_contexts` does.
    """
    tokens, texts = _readable(codes, documents)
    values = codes.latent(latent)
    by_string: dict[str, list[float]] = {}
    for row in np.flatnonzero(values):
        text = _text(texts, tokens, int(tokens.document[row]))
        by_string.setdefault(_span(text, tokens, int(row)), []).append(float(values[row]))
    whole = float(np.abs(values.astype(np.float64)).sum())
    shares = [
        TokenShare(
            token=string,
            firings=len(found),
            mean=float(np.mean(found)),
            largest=max(found),
            share=float(np.abs(found).sum()) / whole,
        )
        for string, found in by_string.items()
    ]
    return sorted(shares, key=lambda share: -share.share)[:n]


def _strongest_first(values: NDArray[np.float32]) -> NDArray[np.int64]:
    active = np.flatnonzero(values)
    return active[np.argsort(-values[active], kind="stable")]


def _readable(codes: Codes, documents: Sequence[Document]) -> tuple[TokenTable, dict[str, str]]:
    if codes.tokens is None:
        raise InvalidCodes(f"{codes!r} have no token table: nobody knows which text their rows belong to")
    return codes.tokens, {document.name: document.text for document in documents}


def _text(texts: dict[str, str], tokens: TokenTable, document: int) -> str:
    name = tokens.documents[document]
    if name not in texts:
        raise InvalidCodes(
            f"document {name!r} was read but is not among the {len(texts)} documents given; give those that were read"
        )
    return texts[name]


def _span(text: str, tokens: TokenTable, row: int) -> str:
    start, end = int(tokens.start[row]), int(tokens.end[row])
    if end > len(text):
        name = tokens.documents[int(tokens.document[row])]
        raise InvalidCodes(
            f"token {row} spans characters {start} to {end} of {name!r}, which has {len(text)}; "
            "this is not the text that was read"
        )
    return text[start:end]
