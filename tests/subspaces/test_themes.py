from __future__ import annotations

from importlib.resources import files

import pytest

from geomsim.errors import InvalidConfig
from geomsim.subspaces import Theme, read_themes
from geomsim.subspaces.themes import bare_word

NINE = ["time", "calendar", "months", "people", "nature", "emotions", "countries", "biology", "code"]


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_themes_are_rich_and_described():
    themes = read_themes()
    assert list(themes) == NINE
    assert all(theme.name == name and theme.description for name, theme in themes.items())
    assert all(len(theme.keywords) >= 60 for name, theme in themes.items() if name != "months")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("time", "hour yesterday century timeout"),
        ("calendar", "Monday Sunday winter date"),
        ("months", "January February March April May June July August September October November December"),
        ("people", "mother teacher king user"),
        ("nature", "river tree snow bird"),
        ("emotions", "happy anger fear love"),
        ("countries", "France Japan Brazil Nigeria Chinese"),
        ("biology", "cell gene protein virus"),
        ("code", "def return self import class None True int str list dict ValueError kwargs"),
    ],
)
def test_the_shipped_themes_hold_what_their_names_say(name, words):
    assert set(words.split()) <= set(read_themes()[name].keywords)


def test_common_words_of_english_are_no_sign_of_code():
    common = {"and", "as", "for", "from", "if", "in", "is", "not", "or", "with", "while", "this", "all", "any"}
    assert not common & {bare_word(word) for word in read_themes()["code"].keywords}


def test_shipped_themes_share_no_word():
    # A row of two themes would count in both; a user's file may do so, ours keeps them apart.
    seen: dict[str, str] = {}
    for name, theme in read_themes().items():
        for word in {bare_word(keyword) for keyword in theme.keywords}:
            assert seen.setdefault(word, name) == name, word


def test_a_copy_of_the_shipped_file_reads_the_same(tmp_path):
    shipped = files("geomsim.subspaces").joinpath("themes.toml").read_text(encoding="utf-8")
    assert read_themes(written(tmp_path, shipped)) == read_themes()


def test_a_file_of_ones_own(tmp_path):
    path = written(tmp_path, '[themes.drinks]\nkeywords = ["tea", "Café"]\n[themes.food]\nkeywords = ["rice"]\n')
    assert read_themes(str(path)) == {"drinks": Theme("drinks", ("tea", "Café")), "food": Theme("food", ("rice",))}


def test_a_theme_for_each_keyword():
    assert [(name, theme.keywords) for name, theme in Theme("drinks", ("tea", "milk")).by_keyword().items()] == [
        ("tea", ("tea",)),
        ("milk", ("milk",)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("themes = [", r"mine\.toml: not TOML: "),
        ("", r"mine\.toml: holds no themes"),
        ("themes = 3", r"mine\.toml: holds no themes"),
        ('[time]\nkeywords = ["hour"]', r"mine\.toml: unknown key 'time'; a theme is a table \[themes\.time\]"),
        ('[themes]\ntime = ["hour"]', r"mine\.toml: theme 'time' is not a table"),
        ('[themes.time]\ndescription = "x"', r"mine\.toml: theme 'time' has no keywords; write"),
        ("[themes.time]\nkeywords = []", r"mine\.toml: theme 'time' has no keywords: its list is empty"),
        ('[themes.time]\nkeyword = ["hour"]', r"theme 'time' has the unknown key 'keyword'"),
        ('[themes.time]\nkeywords = "hour"', r"theme 'time': keywords must be a list of words, got 'hour'"),
        ('[themes.time]\nkeywords = ["hour", 3]', r"theme 'time': keyword 1 is 3, not a word"),
        ('[themes.time]\nkeywords = ["hour", " "]', r"theme 'time': keyword 1 is empty"),
        ('[themes.time]\nkeywords = ["▁"]', r"theme 'time': keyword 0 is empty"),
        ('[themes.time]\nkeywords = ["leap year"]', r"theme 'time': keyword 'leap year' contains white space"),
        ('[themes.time]\nkeywords = [" hour"]', r"theme 'time': keyword ' hour' contains white space"),
        ('[themes.time]\nkeywords = ["hour", "day", "hour"]', r"theme 'time': keyword 'hour' occurs twice"),
        ('[themes.time]\nkeywords = ["hour"]\ndescription = 3', r"theme 'time': the description must be text"),
    ],
)
def test_a_bad_file_is_named_with_its_theme_and_fault(tmp_path, text, message):
    with pytest.raises(InvalidConfig, match=message):
        read_themes(written(tmp_path, text))


def test_a_file_that_is_missing_or_no_text(tmp_path):
    with pytest.raises(InvalidConfig, match=r"none\.toml: no such file"):
        read_themes(tmp_path / "none.toml")
    with pytest.raises(InvalidConfig, match="cannot be read"):
        read_themes(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes(b'[themes.drinks]\nkeywords = ["caf\xe9"]')
    with pytest.raises(InvalidConfig, match=r"latin\.toml: not UTF-8 at byte 32"):
        read_themes(path)


@pytest.mark.parametrize("token", ["Tea", " Tea", "ĠTea", "▁Tea", "\n Tea\t", "ĊĠĠTeaĊ", "▁ ▁Tea"])
def test_signs_for_white_space_fall_off_both_ends(token):
    assert bare_word(token) == "tea"
    assert bare_word(token, case_sensitive=True) == "Tea"
