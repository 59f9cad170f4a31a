from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.visible_text import columns_of, fitted, visible, visible_token


def test_controls_and_overrides_are_shown_and_letters_stay():
    assert visible("a\x1b[31m\x00\u202eb\ud800") == "a⟨U+001B⟩[31m⟨U+0000⟩⟨U+202E⟩b⟨U+D800⟩"
    assert visible_token("naïve\r\n\t猫🙂") == "naïve↵⇥猫🙂"


@given(st.text())
def test_a_token_stays_on_its_line(text):
    shown = visible_token(text)
    assert shown.isprintable() or not set(shown) & {"\n", "\r", "\t", "\x1b", "\x00", "\x7f"}


@given(st.text(alphabet=st.sampled_from("ab 猫字\N{COMBINING ACUTE ACCENT}é"), max_size=12), st.integers(0, 9))
def test_fitted_text_fills_its_columns_exactly(text, columns):
    for end in (False, True):
        assert columns_of(fitted(text, columns, end=end)) == columns
        shown = fitted(text, columns, end=end).strip(" ")
        assert (text.strip(" ").endswith if end else text.strip(" ").startswith)(shown) or " " in text


@pytest.mark.parametrize(
    ("text", "columns"), [("猫", 2), ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", 2), ("ｱ", 1), ("e\u0301", 1), ("", 0)]
)
def test_columns_of_a_terminal(text, columns):
    assert columns_of(text) == columns
