"""Kinds of tokens that are no concept (punctuation, white space, line ends, special tokens): a file that users edit."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidConfig

_SHIPPED = "non_concepts.toml"
_RULES = ("line_end", "white_space", "punctuation", "digits")
_TABLES = ("rules", "lists", "patterns", "concepts")
# What byte-level BPE writes for a space and a line end, and SentencePiece for a space.
_MARKS = str.maketrans({"\u0120": " ", "\u010a": "\n", "\u2581": " "})


@dataclass(frozen=True)
class TokenKinds:
    """Which tokens are no concept, and why; read from a file by :func:`read_token_kinds`.

    Parameters
    ----------
    rules
        those that are switched on: ``line_end``, ``white_space``, ``punctuation``, ``digits``.
    lists
        kinds by name: strings that a token must be.
    patterns
        kinds by name: regular expressions that must fit all of a token.
    concepts
        tokens that are never left out.
    """

    rules: frozenset[str]
    lists: Mapping[str, frozenset[str]]
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]
    concepts: frozenset[str] = frozenset()

    def kind(self, token: str) -> str:
        """The kind of a token that is no concept, "" for one that may be.

        Spaces around a token do not count, unless it is nothing else.

        >>> kinds = read_token_kinds()
        >>> [kinds.kind(token) for token in (" tea", ");", "\\n    ", "\\u0120", " <|endoftext|>", "1984", "C++")]
        ['', 'punctuation', 'line_end', 'white_space', 'special', '', '']
        """
        text = token.translate(_MARKS)
        bare = text.strip()
        if bare in self.concepts or text in self.concepts:
            return ""
        for name, strings in self.lists.items():
            if text in strings or bare in strings:
                return name
        for name, patterns in self.patterns.items():
            if any(pattern.fullmatch(form) for pattern in patterns for form in (text, bare)):
                return name
        found = _by_rule(text, bare)
        return found if found in self.rules else ""


def read_token_kinds(path: str | Path | None = None) -> TokenKinds:
    """The kinds of a TOML file; without a path, those that geomsim ships. The shipped file says what may stand in it.

    Raises
    ------
    InvalidConfig
        where there is no such file, it is not TOML or not UTF-8, or a table or key is unknown or holds something
        else. Names file and key.
    """
    called = _SHIPPED if path is None else str(path)
    try:
        content = tomllib.loads(_text(path))
    except FileNotFoundError:
        raise InvalidConfig(f"{called}: no such file; write_token_kinds writes one to start from") from None
    except OSError as error:
        raise InvalidConfig(f"{called}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"{called}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig(f"{called}: not TOML: {error}") from None
    try:
        return _kinds(content)
    except InvalidConfig as error:
        raise error.within(called) from None


def write_token_kinds(path: str | Path) -> Path:
    """Write the shipped file, with its explanations, for editing.

    Raises InvalidConfig where there is a file already.
    """
    from geomsim.tables import whole_file

    target = Path(path)
    if target.exists():
        raise InvalidConfig(f"{target}: there is a file already, and it may hold your lists; name another")
    with whole_file(target) as part:
        part.write_text(_text(None), encoding="utf-8")
    return target


def _text(path: str | Path | None) -> str:
    source = files("geomsim.activations").joinpath(_SHIPPED) if path is None else Path(path)
    return source.read_text(encoding="utf-8")


def _kinds(content: Mapping[str, Any]) -> TokenKinds:
    for name, table in content.items():
        if name not in _TABLES:
            raise InvalidConfig(f"unknown table [{name}]; there are {', '.join(f'[{known}]' for known in _TABLES)}")
        if not isinstance(table, dict):
            raise InvalidConfig(f"{name!r} is no table; write [{name}] on a line of its own")
    rules = content.get("rules", {})
    for name, switch in rules.items():
        if name not in _RULES:
            raise InvalidConfig(f"[rules] has the unknown key {name!r}; there are {', '.join(_RULES)}")
        if not isinstance(switch, bool):
            raise InvalidConfig(f"[rules] {name} must be true or false, got {switch!r}")
    patterns = {}
    for name, expressions in content.get("patterns", {}).items():
        patterns[name] = tuple(_pattern(text, name) for text in _strings(expressions, f"[patterns] {name}"))
    lists = {name: frozenset(_strings(table, f"[lists] {name}")) for name, table in content.get("lists", {}).items()}
    concepts = content.get("concepts", {})
    if unknown := sorted(set(concepts) - {"keep"}):
        raise InvalidConfig(f"[concepts] has the unknown key {unknown[0]!r}; it takes keep")
    kept = frozenset(_strings(concepts.get("keep", []), "[concepts] keep"))
    return TokenKinds(frozenset(name for name, switch in rules.items() if switch), lists, patterns, kept)


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise InvalidConfig(f"{where} must be a list of strings in quotes, got {value!r}")
    for place, item in enumerate(value):
        if not isinstance(item, str):
            raise InvalidConfig(f"{where}: entry {place} is {item!r}, not a string in quotes")
    return value


def _pattern(text: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidConfig(f"[patterns] {name}: {text!r} is no regular expression ({error})") from None


def _by_rule(text: str, bare: str) -> str:
    if not bare:
        return "line_end" if "\n" in text or "\r" in text else "white_space"
    categories = {unicodedata.category(character)[0] for character in bare if not character.isspace()}
    if categories <= {"P", "S"}:
        return "punctuation"
    return "digits" if categories <= {"P", "S", "N"} else ""
