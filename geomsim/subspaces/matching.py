"""Semantic subspaces: the latents, or the pairs of latents, whose top tokens belong to a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim.pairing import Pairing
from geomsim.subspaces.themes import Theme, bare_word

Rule = Literal["any", "most"]
Side = Literal["left", "right", "both", "either"]

_RULES = ("any", "most")
_SIDES = ("left", "right", "both", "either")


@dataclass(frozen=True, eq=False)
class Subspace:
    """The rows of a space, or the pairs of a pairing, that belong to a theme; there may be none.

    Parameters
    ----------
    name
        of the theme.
    rows
        ascending row numbers, or pair numbers where `side` is given.
    of
        how many rows or pairs there were to choose from.
    top, rule
        how many top tokens were looked at, and how many of them had to be keywords.
    side
        which latents of a pair had to match; None for the rows of one space.
    """

    name: str
    rows: NDArray[np.int64]
    of: int
    top: int
    rule: Rule
    side: Side | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_empty(self) -> bool:
        """Whether no row or pair matches."""
        return not len(self.rows)

    def describe(self) -> str:
        """One sentence for a report, an empty subspace said as such.

        >>> Subspace("time", np.array([3, 5]), of=512, top=5, rule="any", side="both").describe()
        'time: 2 of 512 pairs (any of the top 5 tokens of both latents is a keyword)'
        >>> Subspace("nature", np.array([], dtype=int), of=512, top=5, rule="most").describe()
        'nature: empty, none of 512 rows (most of the top 5 tokens are keywords)'
        """
        what = "rows" if self.side is None else "pairs"
        whose = {None: "", "both": " of both latents", "either": " of either latent"}.get(
            self.side, f" of the {self.side} latent"
        )
        verb = "is a keyword" if self.rule == "any" else "are keywords"
        many = "empty, none" if self.is_empty else str(len(self))
        return f"{self.name}: {many} of {self.of} {what} ({self.rule} of the top {self.top} tokens{whose} {verb})"


def match_theme(
    tokens: Sequence[Sequence[str]],
    theme: Theme,
    *,
    top: int = 5,
    rule: Rule = "any",
    case_sensitive: bool = False,
) -> NDArray[np.int64]:
    """The rows whose top tokens belong to a theme, ascending; an empty array where none do.

    A token belongs to the theme when it *is* a keyword, never when it contains one. Before that, white space and the
    signs that tokenizers write for it ('Ġ', 'Ċ', '▁') are taken from both ends.

    Parameters
    ----------
    tokens
        the tokens each row is most active on, strongest first.
    top
        how many of them are looked at; where a row has fewer, those there are. A row without tokens never matches.
    rule
        "any": at least one of them is a keyword; "most": more than half of them are.
    case_sensitive
        whether "May" and "may" differ.

    Raises InvalidConfig for another rule, or where `top` is below 1.

    >>> drinks = Theme("drinks", ("tea", "coffee"))
    >>> match_theme([[" tea", "cup"], ["team"], [], ["ĠCoffee", "tea", "milk"]], drinks)
    array([0, 3])
    >>> match_theme([[" tea", "cup"], ["team"], [], ["ĠCoffee", "tea", "milk"]], drinks, rule="most")
    array([3])
    """
    return _matching(_words(tokens, top, case_sensitive), theme, rule, case_sensitive)


def pairs_in_theme(
    left_tokens: Sequence[Sequence[str]],
    right_tokens: Sequence[Sequence[str]],
    pairing: Pairing,
    theme: Theme,
    *,
    top: int = 5,
    rule: Rule = "any",
    side: Side = "both",
    case_sensitive: bool = False,
) -> NDArray[np.int64]:
    """The pairs whose latents belong to a theme, as ascending numbers of pairs; see :func:`match_theme`.

    `side` says which latent must match: the left one, the right one, both of them, or at least one.
    Raises InvalidPairing where a pair names a latent without an entry in the tokens of its side.
    """
    found = pair_subspaces(
        left_tokens, right_tokens, pairing, {theme.name: theme}, top=top, rule=rule, side=side,
        case_sensitive=case_sensitive,
    )  # fmt: skip
    return found[0].rows


def row_subspaces(
    tokens: Sequence[Sequence[str]],
    themes: Mapping[str, Theme],
    *,
    top: int = 5,
    rule: Rule = "any",
    case_sensitive: bool = False,
) -> list[Subspace]:
    """The subspace of each theme in one space, in the order of the themes, empty ones included."""
    words = _words(tokens, top, case_sensitive)
    return [
        Subspace(theme.name, _matching(words, theme, rule, case_sensitive), len(words), top, rule)
        for theme in themes.values()
    ]


def pair_subspaces(
    left_tokens: Sequence[Sequence[str]],
    right_tokens: Sequence[Sequence[str]],
    pairing: Pairing,
    themes: Mapping[str, Theme],
    *,
    top: int = 5,
    rule: Rule = "any",
    side: Side = "both",
    case_sensitive: bool = False,
) -> list[Subspace]:
    """The subspace of each theme in a pairing, in the order of the themes, empty ones included.

    Options and errors are those of :func:`pairs_in_theme`.
    """
    if side not in _SIDES:
        raise InvalidConfig(f"side must be one of {', '.join(_SIDES)}, got {side!r}")
    words = {}
    for name, tokens, rows in (("left", left_tokens, pairing.left), ("right", right_tokens, pairing.right)):
        beyond = rows >= len(tokens)
        if beyond.any():
            first = int(beyond.argmax())
            raise InvalidPairing(
                f"pair {first} names {name} row {rows[first]}, but tokens are known of {len(tokens)} {name} rows; "
                f"{int(beyond.sum())} pairs have none. Are these the top tokens of the {name} codes?"
            )
        words[name] = _words(tokens, top, case_sensitive)
    found = []
    for theme in themes.values():
        left, right = (
            np.isin(rows, _matching(words[name], theme, rule, case_sensitive))
            for name, rows in (("left", pairing.left), ("right", pairing.right))
        )
        matches = {"left": left, "right": right, "both": left & right, "either": left | right}[side]
        found.append(Subspace(theme.name, np.flatnonzero(matches), len(pairing), top, rule, side))
    return found


def theme_labels(
    tokens: Sequence[Sequence[str]],
    themes: Mapping[str, Theme],
    *,
    top: int = 5,
    rule: Rule = "any",
    case_sensitive: bool = False,
) -> list[str | None]:
    """The one theme of each row, or None: labels for :func:`geomsim.subspaces.prototypes`.

    Of several themes the one with most of the top tokens is taken; of these, the one that matches the stronger token;
    of these, the first of the file.

    >>> themes = {"tea": Theme("tea", ("tea", "cup")), "milk": Theme("milk", ("milk",))}
    >>> theme_labels([["milk", "tea", "cup"], ["milk", "tea"], ["sugar"]], themes)
    ['tea', 'milk', None]
    """
    words = _words(tokens, top, case_sensitive)
    best: list[tuple[int, int]] = [(0, 0)] * len(words)  # tokens that match, and minus the place of the first
    labels: list[str | None] = [None] * len(words)
    for name, theme in themes.items():
        keywords = _keywords(theme, case_sensitive)
        for row in _matching(words, theme, rule, case_sensitive).tolist():
            places = [place for place, word in enumerate(words[row]) if word in keywords]
            if (len(places), -places[0]) > best[row]:
                best[row], labels[row] = (len(places), -places[0]), name
    return labels


def _matching(words: Sequence[Sequence[str]], theme: Theme, rule: Rule, case_sensitive: bool) -> NDArray[np.int64]:
    if rule not in _RULES:
        raise InvalidConfig(f"rule must be one of {', '.join(_RULES)}, got {rule!r}")
    keywords = _keywords(theme, case_sensitive)
    hits = [sum(word in keywords for word in row) for row in words]
    needed = [1 if rule == "any" else len(row) // 2 + 1 for row in words]
    return np.flatnonzero(np.array(hits, dtype=np.int64) >= np.array(needed, dtype=np.int64)).astype(np.int64)


def _keywords(theme: Theme, case_sensitive: bool) -> frozenset[str]:
    return frozenset(bare_word(word, case_sensitive) for word in theme.keywords)


def _words(tokens: Sequence[Sequence[str]], top: int, case_sensitive: bool) -> list[list[str]]:
    if top < 1:
        raise InvalidConfig(f"at least one token must be looked at, got top={top}")
    return [[bare_word(token, case_sensitive) for token in row[:top]] for row in tokens]
