"""What each row stands for, as text: the top tokens of both sides."""

from __future__ import annotations

from collections.abc import Sequence

_TOKENS = 5

Tokens = Sequence[Sequence[str]]


def row_texts(left: Tokens | None, right: Tokens | None, top: int = _TOKENS) -> list[str | None] | None:
    """One text per row, None for a row without tokens; None where no side has any.

    >>> row_texts([["def", "class"], []], [["def"], []])
    ['left: def class / right: def', None]
    """
    given = [(side, tokens) for side, tokens in (("left", left), ("right", right)) if tokens is not None]
    if not given:
        return None
    texts = []
    for row in range(len(given[0][1])):
        parts = [f"{side}: {' '.join(map(seen, tokens[row][:top]))}" for side, tokens in given if tokens[row]]
        texts.append(" / ".join(parts) or None)
    return texts


def seen(token: str) -> str:
    """A token with white space as Python writes it, so that spaces and line ends are seen.

    >>> seen("def"), seen(" self"), seen(chr(10))
    ('def', "' self'", "'\\\\n'")
    """
    return token if token and token.isprintable() and not any(map(str.isspace, token)) else repr(token)
