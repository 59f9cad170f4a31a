from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.token_kinds import read_token_kinds, write_token_kinds
from geomsim.errors import InvalidConfig

SHIPPED = read_token_kinds()


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (" ", "white_space"),
        ("\t  ", "white_space"),
        ("\u00a0", "white_space"),
        ("", "white_space"),
        ("\u0120", "white_space"),
        ("\u2581\u2581", "white_space"),
        ("\n", "line_end"),
        ("\r\n", "line_end"),
        ("\n        ", "line_end"),
        ("  \n", "line_end"),
        ("\u010a\u0120\u0120", "line_end"),
        (".", "punctuation"),
        (" ,", "punctuation"),
        ("\u0120(", "punctuation"),
        ("):\n", "punctuation"),
        ("\u201c", "punctuation"),
        ("\u3002", "punctuation"),
        ("__", "punctuation"),
        ("== {", "punctuation"),
        ("+", "punctuation"),
        ("\u20ac", "punctuation"),
        ("\ufffd", "punctuation"),
        ("<|endoftext|>", "special"),
        (" <|endoftext|>", "special"),
        ("<|made_up|>", "special"),
        ("[CLS]", "special"),
        ("<0x0A>", "special"),
        ("the", ""),
        (" caf\u00e9", ""),
        ("\u4e2d", ""),
        ("isn't", ""),
        ("C++", ""),
        ("1984", ""),
        ("3.14", ""),
        ("<b>", ""),
        ("\u0120tea", ""),
    ],
)
def test_kinds_of_the_shipped_file(token, kind):
    assert SHIPPED.kind(token) == kind


@given(st.text(st.characters(categories=["L"], exclude_characters="\u0120\u010a"), min_size=1), st.text(" \n.,(_"))
def test_a_token_with_a_letter_may_be_a_concept(letters, around):
    assert SHIPPED.kind(around + letters + around) == ""


def test_a_file_of_ones_own(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(
        "[rules]\nline_end = true\ndigits = true\n"
        '[lists]\nstop_words = ["the", "of"]\n'
        "[patterns]\nrulers = ['[-=]{3,}']\n"
        '[concepts]\nkeep = ["==="]\n',
        encoding="utf-8",
    )
    kinds = read_token_kinds(file)
    assert [kinds.kind(token) for token in (" the", "The", "-----", "===", "12", " 3.5", "\n", " ", ".")] == [
        "stop_words", "", "rulers", "", "digits", "digits", "line_end", "", "",
    ]  # fmt: skip


def test_the_shipped_file_is_written_for_editing(tmp_path: Path):
    target = write_token_kinds(tmp_path / "deep" / "lists.toml")
    assert read_token_kinds(target) == SHIPPED
    assert "Copy this file" in target.read_text(encoding="utf-8")
    target.write_text("[rules]\n", encoding="utf-8")
    with pytest.raises(InvalidConfig, match=r"lists\.toml: there is a file already, and it may hold your lists"):
        write_token_kinds(target)
    assert read_token_kinds(target).kind(".") == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[rules", "not TOML"),
        (b"[rules]\nx = '\xff'", "not UTF-8 at byte 13"),
        (b"[rule]\n", r"unknown table \[rule\]; there are \[rules\], \[lists\]"),
        (b"rules = 1\n", r"'rules' is no table; write \[rules\]"),
        (b"[rules]\ncommas = true\n", r"\[rules\] has the unknown key 'commas'; there are line_end"),
        (b"[rules]\ndigits = 1\n", r"\[rules\] digits must be true or false, got 1"),
        (b"[lists]\nmine = 'the'\n", r"\[lists\] mine must be a list of strings in quotes, got 'the'"),
        (b"[lists]\nmine = ['a', 3]\n", r"\[lists\] mine: entry 1 is 3, not a string"),
        (b"[patterns]\nmine = ['(']\n", r"\[patterns\] mine: '\(' is no regular expression"),
        (b"[concepts]\nwords = []\n", r"\[concepts\] has the unknown key 'words'; it takes keep"),
    ],
)
def test_bad_files_are_named_with_their_key(tmp_path: Path, content: bytes, said: str):
    file = tmp_path / "lists.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidConfig, match=rf"lists\.toml: {said}"):
        read_token_kinds(file)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    with pytest.raises(InvalidConfig, match=r"gone\.toml: no such file; write_token_kinds"):
        read_token_kinds(tmp_path / "gone.toml")
    with pytest.raises(InvalidConfig, match="cannot be read"):
        read_token_kinds(tmp_path)
