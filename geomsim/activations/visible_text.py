"""Pieces of text made safe to look at: what cannot be seen, or would move what surrounds it, becomes a sign."""

from __future__ import annotations

import re
import unicodedata

# Controls, direction overrides and lone surrogates: invisible, able to reorder what surrounds them, or not text at all.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    r"""Text with every character that cannot be seen replaced by its code point; tabs and line ends stay.

    >>> visible("a\x00b")
    'a⟨U+0000⟩b'
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n"))


def visible_token(text: str) -> str:
    r"""A piece of context on one line: line ends and tabs become signs.

    >>> visible_token("def f():\n\treturn")
    'def f():↵⇥return'
    """
    return visible(text).replace("\n", "↵").replace("\t", "⇥")


def columns_of(text: str) -> int:
    """How many columns of a terminal the text fills: East Asian wide characters two, combining marks none.

    >>> columns_of("naïve"), columns_of("猫"), columns_of("e\N{COMBINING ACUTE ACCENT}")
    (5, 2, 1)
    """
    return sum(_column_count(character) for character in text)


def fitted(text: str, columns: int, *, end: bool = False) -> str:
    """The text filled up or cut to so many columns of a terminal: its beginning, or its `end` set to the right.

    >>> fitted("abc", 5), fitted("abc", 5, end=True), fitted("abcdef", 3), fitted("abcdef", 3, end=True)
    ('abc  ', '  abc', 'abc', 'def')
    """
    kept, used = [], 0
    for character in reversed(text) if end else text:
        used += _column_count(character)
        if used > columns:
            break
        kept.append(character)
    shown = "".join(reversed(kept) if end else kept)
    space = " " * (columns - columns_of(shown))
    return space + shown if end else shown + space


def _column_count(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
