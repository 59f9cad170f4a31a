"""The configuration of a study as the TOML file that `geomsim study` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from geomsim.study_config import PAIR_KEYS

# What stands in a record for points, pairings, metrics and nulls that were given as Python objects. A file may be
# called "points(1).npy".
_OBJECT = re.compile(r"<|\[\[|[A-Za-z_][\w.]*\((?!\d+\)[^/\\]*$)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class NotAFileError(ValueError):
    """The configuration holds something that no file can name; the message says which."""


def study_toml(config: Mapping[str, Any]) -> str:
    r"""The configuration as TOML; what was not set (None) is left out.

    Raises NotAFileError for points, a metric or a null that was an object in Python.

    >>> print(study_toml({"seed": 0, "null": None, "pairs": [{"left": "a.npz", "right": "b.npz"}]}))
    seed = 0
    <BLANKLINE>
    [[pairs]]
    left = "a.npz"
    right = "b.npz"
    <BLANKLINE>
    """
    for number, pair in enumerate(config.get("pairs") or [], 1):
        for side in sorted(PAIR_KEYS - {"subsets"}):
            _check(pair.get(side), f"the {side.replace('_', ' ')} of pair {number}")
    for what in ("metrics", "null"):
        given = config.get(what)
        for each in given if isinstance(given, list) else [given]:
            _check(each if isinstance(each, str) else None, what.removesuffix("s"))
    lines = [*_lines({key: value for key, value in config.items() if key not in ("pairs", "subspaces")})]
    if config.get("subspaces") is not None:
        lines += ["", "[subspaces]", *_lines(config["subspaces"])]
    for pair in config.get("pairs") or []:
        lines += ["", "[[pairs]]", *_lines(pair)]
    return "\n".join(lines) + "\n"


def _check(value: Any, what: str) -> None:
    if isinstance(value, str) and _OBJECT.match(value):
        raise NotAFileError(what)
    if isinstance(value, list | Mapping):
        raise NotAFileError(what)


def _lines(table: Mapping[str, Any]) -> list[str]:
    # An empty pairing stands for none.
    kept = {key: value for key, value in table.items() if value is not None and (key, value) != ("pairing", "")}
    return [f"{_key(key)} = {_value(value)}" for key, value in kept.items()]


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        items = [f"{_key(str(key))} = {_value(item)}" for key, item in value.items() if item is not None]
        return "{ " + ", ".join(items) + " }" if items else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value if item is not None) + "]"
    # JSON's strings, numbers, true and false are TOML's, too, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
