"""Themes: sets of words that name a semantic subspace, read from a TOML file that users edit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidConfig

_SHIPPED = "themes.toml"
_KEYS = frozenset({"keywords", "description"})
# What tokenizers write for a space, a line end and a tab: byte-level BPE, and SentencePiece.
_MARKS = "\u0120\u010a\u0109\u010d\u2581"


@dataclass(frozen=True)
class Theme:
    """A set of single words; a latent belongs to it when these are among the tokens it is most active on.

    Raises InvalidConfig, naming the theme, where there are no keywords or one is no word, is empty, contains white
    space or occurs twice.

    >>> Theme("drinks", ("tea", "coffee"))
    Theme(name='drinks', keywords=('tea', 'coffee'), description='')
    """

    name: str
    keywords: tuple[str, ...]
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keywords", _checked(self.keywords, self.name))

    def by_keyword(self) -> dict[str, Theme]:
        """One theme for each keyword, named after it: the concepts that prototypes compare one by one."""
        return {word: Theme(word, (word,), f"{word!r} of the theme {self.name!r}") for word in self.keywords}


def read_themes(path: str | Path | None = None) -> dict[str, Theme]:
    """The themes of a TOML file by name, in its order; without a path, those that geomsim ships.

    The file holds one table a theme::

        [themes.drinks]
        keywords = ["tea", "coffee"]
        description = "what one drinks"     # optional

    The shipped themes are those of the founding study (Lan et al. 2024, arXiv 2410.06981): time, calendar, months,
    people, nature, emotions, countries, biology, and one for code.

    Raises
    ------
    InvalidConfig
        where there is no such file, it is not TOML or not UTF-8, it holds no themes or something else, or a theme has
        no keywords, an unknown key, or a keyword that is no word or occurs twice. Names file and theme.

    >>> list(read_themes())
    ['time', 'calendar', 'months', 'people', 'nature', 'emotions', 'countries', 'biology', 'code']
    """
    called = _SHIPPED if path is None else str(path)
    tables = _tables(path, called)
    themes = {}
    for name, table in tables.items():
        try:
            themes[name] = _theme(name, table)
        except InvalidConfig as error:
            raise error.within(called) from None
    return themes


def bare_word(token: str, case_sensitive: bool = False) -> str:
    """The token or keyword without white space, and the signs that tokenizers write for it, at both ends.

    >>> bare_word("ĠTea"), bare_word(" Tea\\n", case_sensitive=True)
    ('tea', 'Tea')
    """
    word = token
    while (shorter := word.strip().strip(_MARKS)) != word:
        word = shorter
    return word if case_sensitive else word.casefold()


def _tables(path: str | Path | None, called: str) -> Mapping[str, Any]:
    try:
        source = files("geomsim.subspaces").joinpath(_SHIPPED) if path is None else Path(path)
        content = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidConfig(f"{called}: no such file; themes are read from a TOML file") from None
    except OSError as error:
        raise InvalidConfig(f"{called}: cannot be read ({error.strerror}); themes are read from a TOML file") from None
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"{called}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig(f"{called}: not TOML: {error}") from None
    tables = content.get("themes")
    unknown = sorted(set(content) - {"themes"})
    if unknown:
        raise InvalidConfig(f"{called}: unknown key {unknown[0]!r}; a theme is a table [themes.{unknown[0]}]")
    if not isinstance(tables, dict) or not tables:
        raise InvalidConfig(f"{called}: holds no themes; write a table [themes.NAME] with keywords = [...]")
    return tables


def _theme(name: str, table: Any) -> Theme:
    if not isinstance(table, dict):
        raise InvalidConfig(f"theme {name!r} is not a table; write [themes.{name}] with keywords = [...]")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise InvalidConfig(f"theme {name!r} has the unknown key {unknown[0]!r}; it takes keywords and description")
    description = table.get("description", "")
    if not isinstance(description, str):
        raise InvalidConfig(f"theme {name!r}: the description must be text, got {description!r}")
    if "keywords" not in table:
        raise InvalidConfig(f"theme {name!r} has no keywords; write keywords = [...] below [themes.{name}]")
    return Theme(name, table["keywords"], description)


def _checked(keywords: Any, name: str) -> tuple[str, ...]:
    if isinstance(keywords, str) or not isinstance(keywords, list | tuple | set | frozenset):
        raise InvalidConfig(f"theme {name!r}: keywords must be a list of words, got {keywords!r}")
    words = sorted(keywords) if isinstance(keywords, set | frozenset) else list(keywords)
    if not words:
        raise InvalidConfig(f"theme {name!r} has no keywords: its list is empty")
    seen = set()
    for place, word in enumerate(words):
        if not isinstance(word, str):
            raise InvalidConfig(f"theme {name!r}: keyword {place} is {word!r}, not a word in quotes")
        if not bare_word(word):
            raise InvalidConfig(f"theme {name!r}: keyword {place} is empty")
        if word.split() != [word]:
            raise InvalidConfig(
                f"theme {name!r}: keyword {word!r} contains white space; keywords are compared with single tokens, "
                "so give single words"
            )
        if word in seen:
            raise InvalidConfig(f"theme {name!r}: keyword {word!r} occurs twice")
        seen.add(word)
    return tuple(words)
