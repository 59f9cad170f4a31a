"""Words: the pieces of a text that models with different tokenizers can be compared on.

Two tokenizers cut one text differently, but both read the same characters. Words are cut from the characters alone,
so they are the same whatever model reads them; :mod:`geomsim.activations.pooling` maps tokens onto them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig, InvalidText

if TYPE_CHECKING:
    from geomsim.activations.codes import Codes

# ASCII that is neither letter, digit nor underscore. Everything beyond ASCII counts as a letter: Python's \w knows no
# combining accent and no joiner of emoji, and would cut both off.
_SIGNS = r"\x00-/:-@\[-^`{-\x7f"

#: Patterns by name. "whitespace": what stands between white space. "code": names, numbers (``0x1f``, ``3.11``) and
#: runs of other ASCII signs, so ``self._name[2:]`` is six words; what is not ASCII counts as a letter of a name.
PATTERNS = {
    "whitespace": r"\S+",
    "code": rf"[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)*|[^\s{_SIGNS}]+|(?:(?!\s)[{_SIGNS}])+",
}

#: The key of a Codes' provenance that says that its rows are words, and how they were made.
WORDS = "words"


def word_spans(text: str, pattern: str = r"\S+") -> NDArray[np.int64]:
    """The words of a text as character spans (start, end), (n, 2) int64, ascending and apart from each other.

    Parameters
    ----------
    text
        any text; one without a word gives (0, 2).
    pattern
        a regular expression that matches a word, or a name in :data:`PATTERNS`. Matches of no characters are no words.

    Raises
    ------
    InvalidConfig
        where the pattern is no regular expression.

    >>> word_spans("isn't it").tolist()
    [[0, 5], [6, 8]]
    >>> text = "self._name[2:]"
    >>> [text[start:end] for start, end in word_spans(text, "code")]
    ['self', '.', '_name', '[', '2', ':]']
    """
    if not isinstance(text, str):
        raise InvalidText(f"words are cut from a string, got {type(text).__name__}")
    matches = re.finditer(expression(pattern), text)
    spans = [match.span() for match in matches if match.end() > match.start()]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def expression(pattern: str) -> str:
    """The regular expression that a pattern or its name stands for; InvalidConfig where it is none."""
    if not isinstance(pattern, str):
        raise InvalidConfig(
            f"a pattern of words is a regular expression or one of {', '.join(PATTERNS)}, got {type(pattern).__name__}"
        )
    found = PATTERNS.get(pattern, pattern)
    try:
        re.compile(found)
    except re.error as error:
        raise InvalidConfig(
            f"pattern {pattern!r} is no regular expression ({error}); name one of {', '.join(PATTERNS)}, "
            r"or write one that matches a word, such as '\S+'"
        ) from None
    return found


def made_of_words(codes: Codes) -> dict[str, Any] | None:
    """How the words of these codes were made (``pattern``, ``pool``, counts), or None where its rows are tokens."""
    made = codes.provenance.get(WORDS)
    return None if made is None else dict(made)
