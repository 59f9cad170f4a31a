"""What a word is: it depends on the characters alone."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim.activations.words import PATTERNS, expression, word_spans
from geomsim.errors import InvalidConfig, InvalidText


def words(text: str, pattern: str = r"\S+") -> list[str]:
    return [text[start:end] for start, end in word_spans(text, pattern)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("word", ["word"]),
        ("H₂O naïve 🤖 isn't café  三漢字", ["H₂O", "naïve", "🤖", "isn't", "café", "三漢字"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("cafe\u0301 au lait", ["cafe\u0301", "au", "lait"]),
        ("a 👩\u200d👩\u200d👧 b", ["a", "👩\u200d👩\u200d👧", "b"]),
        ("no\u00a0break\u3000wide", ["no", "break", "wide"]),
        ("end<|endoftext|>start", ["end<|endoftext|>start"]),
    ],
)
def test_words_between_white_space(text, expected):
    assert words(text) == words(text, "whitespace") == text.split() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("self._name[2:]", ["self", ".", "_name", "[", "2", ":]"]),
        ("x2 = 0x1f+3.11.7*1_000", ["x2", "=", "0x1f", "+", "3.11.7", "*", "1_000"]),
        ("range(1..2) 1.", ["range", "(", "1", "..", "2", ")", "1", "."]),
        ("isn't", ["isn", "'", "t"]),
        ("cafe\u0301_1(naïve)", ["cafe\u0301_1", "(", "naïve", ")"]),
        ("👩\u200d👩\u200d👧, 三漢字", ["👩\u200d👩\u200d👧", ",", "三漢字"]),
        ("{\x7f}\x1f|~`", ["{\x7f}", "|~`"]),
        ("a\r\n\t:=b", ["a", ":=", "b"]),
    ],
)
def test_words_of_code(text, expected):
    assert words(text, "code") == expected


def test_code_leaves_out_white_space_alone():
    """Every character of Unicode's first plane is in a word or is white space."""
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000)]))
    covered = np.zeros(len(text), dtype=bool)
    for start, end in word_spans(text, "code"):
        covered[start:end] = True
    assert [character for character, inside in zip(text, covered, strict=True) if inside == character.isspace()] == []


def test_any_regular_expression_is_a_pattern_and_matches_of_nothing_are_no_words():
    assert words("ab1c", r"[a-z]*") == ["ab", "c"]
    assert word_spans("x", r"\d").shape == (0, 2)
    assert word_spans("x").dtype == np.int64
    assert expression("whitespace") == r"\S+" == PATTERNS["whitespace"]
    with pytest.raises(InvalidConfig, match=r"pattern '\(' is no regular expression .*; name one of whitespace, code"):
        word_spans("x", "(")
    with pytest.raises(InvalidConfig, match="one of whitespace, code, got int"):
        word_spans("x", 3)
    with pytest.raises(InvalidText, match="cut from a string, got bytes"):
        word_spans(b"x")
