"""Looking at a latent: where in the text it is active, how strongly, and on which tokens.

Every function here scans the column indices of the codes once, so its cost grows with their non-zeros and not with the
number of latents: about .1 s for 64 million of them. For the top tokens of all latents together see `latent_tokens`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.text import Document
from geomsim.activations.token_texts import texts_read, token_text
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidConfig


@dataclass(frozen=True)
class Context:
    """One place where a latent is active: ``before + token + after`` is a piece of the document.

    `start` is the token's first character in the document, `value` the activation there.
    """

    document: str
    value: float
    before: str
    token: str
    after: str
    start: int


@dataclass(frozen=True)
class TokenShare:
    """How much of a latent's activation falls on one token string; `share` is of the sum of all absolute values."""

    token: str
    firings: int
    mean: float
    largest: float
    share: float


@dataclass(frozen=True)
class StrengthInterval:
    """The tokens with an activation above `low` and up to `high`: how many, and a sample of them, strongest first."""

    low: float
    high: float
    firings: int
    contexts: tuple[Context, ...]


def firing_rate(codes: Codes, latent: int) -> float:
    """Share of tokens on which the latent is not zero, in [0, 1]."""
    return int(np.count_nonzero(codes.latent(latent))) / codes.n_tokens


def top_contexts(
    codes: Codes,
    latent: int,
    documents: Iterable[Document],
    n: int = 5,
    context: int = 40,
    *,
    one_per_document: bool = True,
) -> list[Context]:
    """The `n` tokens on which a latent is largest, with `context` characters on both sides; strongest first.

    Equal values keep the order of the text. With `one_per_document`, only the strongest token of each document.

    Raises InvalidCodes where the codes have no token table, there is no such latent, or the documents are not the
    ones that were read; InvalidConfig for a negative `n` or `context`.
    """
    places = Places(codes.latent(latent), *texts_read(codes, documents), context)
    return places.strongest(n, one_per_document=one_per_document)


def contexts_by_strength(
    codes: Codes,
    latent: int,
    documents: Iterable[Document],
    intervals: int = 5,
    each: int = 2,
    context: int = 40,
    *,
    seed: int = 0,
) -> list[StrengthInterval]:
    """Samples of a latent's tokens from top, middle and low activations: the strongest alone show it at its clearest.

    The range of activations, from 0 to the largest (from the least, where there are negative ones), is cut into
    `intervals` of equal width, and from each up to `each` tokens are drawn uniformly; strongest interval first. A
    latent that is never active has no intervals. After "Towards Monosemanticity" (Bricken et al. 2023).

    Raises as :func:`top_contexts` does, and InvalidConfig for fewer than one interval or token of each.
    """
    places = Places(codes.latent(latent), *texts_read(codes, documents), context)
    return places.by_strength(intervals, each, seed)


def top_tokens(codes: Codes, latent: int, documents: Iterable[Document], n: int = 5) -> list[TokenShare]:
    """The `n` token strings that take most of a latent's activation (sum of absolute values), the largest first.

    Equal sums keep the order in which the strings first occur. Raises as :func:`top_contexts` does.
    """
    return Places(codes.latent(latent), *texts_read(codes, documents)).tokens(n)


def value_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Where activations lie, 0 included: it is what all others are.

    >>> value_range(np.array([3.0, 1.0])), value_range(np.array([-2.0, 1.0])), value_range(np.array([]))
    ((0.0, 3.0), (-2.0, 1.0), (0.0, 0.0))
    """
    return float(values.min(initial=0.0)), float(values.max(initial=0.0))


@dataclass(frozen=True, eq=False)
class Places:
    """One latent's activations with the text they stand on; what the functions of this module share.

    Parameters
    ----------
    values
        (tokens,) the activation on every token.
    tokens, texts
        as :func:`geomsim.activations.token_texts.texts_read` gives them.
    width
        characters of context on both sides.
    """

    values: NDArray[np.float32]
    table: TokenTable
    texts: list[str]
    width: int = 40

    def __post_init__(self) -> None:
        _at_least("context", self.width, 0)

    def strongest(self, n: int, *, one_per_document: bool = True) -> list[Context]:
        """See :func:`top_contexts`."""
        _at_least("n", n, 0)
        active = np.flatnonzero(self.values)
        rows = active[np.argsort(-self.values[active], kind="stable")]
        if one_per_document:
            rows = rows[np.sort(np.unique(self.table.document[rows], return_index=True)[1])]
        return [self.context(row) for row in rows[:n]]

    def by_strength(self, intervals: int, each: int, seed: int) -> list[StrengthInterval]:
        """See :func:`contexts_by_strength`."""
        _at_least("intervals", intervals, 1)
        _at_least("each", each, 1)
        active = np.flatnonzero(self.values)
        if not len(active):
            return []
        strengths = self.values[active].astype(np.float64)
        edges = np.linspace(*value_range(self.values), intervals + 1)
        number = np.searchsorted(edges[1:-1], strengths, side="left")
        found = []
        for interval in reversed(range(intervals)):
            inside = active[number == interval]
            drawn = np.random.default_rng([seed, interval]).permutation(inside)[:each]
            drawn = drawn[np.lexsort((drawn, -self.values[drawn]))]
            contexts = tuple(map(self.context, drawn))
            found.append(StrengthInterval(float(edges[interval]), float(edges[interval + 1]), len(inside), contexts))
        return found

    def tokens(self, n: int) -> list[TokenShare]:
        """See :func:`top_tokens`."""
        _at_least("n", n, 0)
        by_string: dict[str, list[float]] = {}
        for row in np.flatnonzero(self.values):
            by_string.setdefault(token_text(self.table, self.texts, int(row)), []).append(float(self.values[row]))
        whole = float(np.abs(self.values.astype(np.float64)).sum())
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

    def context(self, row: int) -> Context:
        """The token of one row with what surrounds it."""
        number, start, end = (int(column[row]) for column in (self.table.document, self.table.start, self.table.end))
        text = self.texts[number]
        return Context(
            document=self.table.documents[number],
            value=float(self.values[row]),
            before=text[max(0, start - self.width) : start],
            token=text[start:end],
            after=text[end : end + self.width],
            start=start,
        )


def _at_least(what: str, value: int, least: int) -> None:
    if value < least:
        raise InvalidConfig(f"{what} is {value}; at least {least} is needed")
