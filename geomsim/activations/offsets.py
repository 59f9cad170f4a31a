"""Which characters a token covers, found by decoding: for tokenizers that do not say so themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from geomsim.errors import InvalidText

# What decoders write for bytes that make no character.
_BROKEN = "\ufffd"
_SHOWN = 20  # characters of the text in a message
_SPACE = re.compile(r"\s*")
_BROKEN_RUN = re.compile(f"{_BROKEN}{{2,}}")


def spans_by_decoding(ids: Sequence[int], text: str, decode: Callable[[Sequence[int]], str]) -> list[tuple[int, int]]:
    """The characters (start, end) of each token of a text.

    Tokens are decoded a few at a time, with those before them (some decoders drop a space at the beginning), and what
    they add is looked for where the text stands.

    * A token that begins or ends inside a character has that character in its span. Tokens that share one character
      share its span, as fast tokenizers have it too.
    * A space before a word, if both the text and the decoded token show it, belongs to the token. Other white space
      that only the text shows belongs to no token.
    * Where the text itself has several replacement characters (U+FFFD) side by side, decoding does not tell them apart
      from bytes that make no character: tokens that hold one of them get the span of all.

    Parameters
    ----------
    ids, text
        the tokens of this text, without added ones.
    decode
        from tokens to text, without cleaning up spaces and with special tokens spelled out.

    Raises
    ------
    InvalidText
        where decoding gives other characters than the text (a tokenizer that lower-cases, say): which token, where.

    >>> pieces = ["to", " be"]
    >>> spans_by_decoding([0, 1, 1], "to be be", lambda ids: "".join(pieces[i] for i in ids))
    [(0, 2), (2, 5), (5, 8)]
    """
    spans: list[tuple[int, int]] = []
    place = reached = 0  # the end of what is decoded in full, and of the whole characters behind it
    before, first = 0, 0  # ids[before:first] are decoded for context; ids[first:] may end inside a character
    found = _Placed(0, 0, open=False)

    def added(begin: int, end: int) -> str:
        context, decoded = decode(ids[before:begin]), decode(ids[before:end])
        # A token more may change what stood there: decoders clean up, or give up whole bytes beside broken ones.
        return decoded[len(context) :] if decoded.startswith(context) else decode(ids[begin:end])

    for number in range(len(ids)):
        new = added(first, number + 1)
        if found.complete and _begins_behind(decode(ids[number : number + 1]), added(first, number), new):
            context, before = before, first
            if _placed(added(number, number + 1), text, reached + 1):
                place, first = reached + 1, number
                new = added(first, number + 1)
            else:
                before = context
        placed = _placed(new, text, place)
        if placed is None:
            raise InvalidText(
                f"token {number} (id {ids[number]}) cannot be placed at character {place}: the text goes on with "
                f"{text[place : place + _SHOWN]!r} and the tokenizer decodes {new!r}; this one changes the text, so a "
                "fast version of it is needed (tokenizer.json), which gives offsets"
            )
        found = placed
        start = found.begin if number == first else max(reached, found.begin)
        reached = found.whole
        spans.append((start, max(start, found.whole + found.open)))
        if not found.open:
            # White space that is not decoded came before the character that these tokens share.
            for i in range(first, number):
                spans[i] = max(spans[i][0], found.begin), max(spans[i][1], found.begin + 1)
            place, before, first = reached, first, number + 1
    end = spans[-1][1] if ids and found.complete else reached
    if text[end:].strip():
        raise InvalidText(
            f"after the last of {len(ids)} tokens the text goes on at character {end} with "
            f"{text[end : end + _SHOWN]!r}; this tokenizer drops characters, so a fast version of it is needed "
            "(tokenizer.json), which gives offsets"
        )
    for run in _BROKEN_RUN.finditer(text):
        for i, (begin, end) in enumerate(spans):
            if begin < run.end() and end > run.start():
                spans[i] = min(begin, run.start()), max(end, run.end())
    return spans


class _Placed(NamedTuple):
    """Where decoded characters stand: text[begin:whole], and whether the character behind is begun (`open`).

    A replacement character that stands in the text itself may be whole or the beginning of one; `complete` says that
    it would be the former if no token followed.
    """

    begin: int
    whole: int
    open: bool
    complete: bool = False


def _begins_behind(alone: str, before: str, after: str) -> bool:
    """Whether a token seems to begin behind a replacement character of the text, and not inside it.

    `alone` is the token decoded by itself, `before` and `after` what stands there without and with it.
    """
    broken = len(alone) - len(alone.lstrip(_BROKEN))
    return broken == 0 or (broken == 1 and after == before + _BROKEN)


def _placed(new: str, text: str, place: int) -> _Placed | None:
    blank = _SPACE.match(text, place)
    assert blank is not None  # it matches no character too
    for begin, wanted in ((place, new), (blank.end(), new.lstrip())):
        body = wanted.rstrip(_BROKEN)
        if not text.startswith(body, begin) or (new and not wanted):
            continue
        whole, broken = begin + len(body), len(wanted) - len(body)
        own = whole
        while broken and text.startswith(_BROKEN, whole):
            whole, broken = whole + 1, broken - 1
        if wanted and not broken and whole == own:
            return _Placed(begin, whole, open=False)
        if wanted and not broken:
            return _Placed(begin, whole - 1, open=True, complete=True)
        # A byte that makes no character is part of one of several bytes.
        if whole < len(text) and (not wanted or not text[whole].isascii()):
            return _Placed(begin, whole, open=True)
        if whole > own:
            return _Placed(begin, whole - 1, open=True)
    return None
