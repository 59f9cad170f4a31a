"""Groups of rows in a TOML or JSON file, with what random groups are made of and which rows correspond.

::

    pool = ["0", "1", "2", "a", "b", "c", "x"]     # optional: rows that random groups are made of
    correspondence = "by order"                    # optional; or [[correspondence]] tables as below

    [groups]
    digits = ["0", "1", "2"]                       # ids of rows
    letters = ["a", "b", "c"]
    first = [0, 1, 2, 3]                           # row numbers

    [[correspondence]]
    left = "digits"
    right = "letters"
    pairs = [["0", "a"], ["1", "b"]]
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geomsim.errors import InvalidConfig

_KEYS = frozenset({"groups", "pool", "correspondence"})
_PAIR_KEYS = frozenset({"left", "right", "pairs"})

CoupledRows = Mapping[tuple[str, str], Any]


@dataclass(frozen=True)
class GroupFile:
    """What a file of groups says: rows or ids by name, the pool, and which rows correspond."""

    groups: Mapping[str, list[Any]]
    pool: list[Any] | None = None
    correspondence: Literal["by order"] | CoupledRows | None = None


def read_groups(path: str | Path) -> GroupFile:
    """The groups of a file; that their rows exist is for the space to say.

    Raises InvalidConfig, naming the file, where it is missing, neither TOML nor JSON by its suffix or content, holds no
    groups, an unknown key, a group that is no list, or a correspondence of groups that are not there or given twice.
    """
    path = Path(path)
    try:
        return _read(_content(path))
    except InvalidConfig as error:
        raise error.within(str(path)) from None


def _content(path: Path) -> Mapping[str, Any]:
    loaders = {".toml": tomllib.loads, ".json": json.loads}
    if path.suffix not in loaders:
        raise InvalidConfig(f"groups are read from .toml or .json, not {path.suffix or 'a file without a suffix'}")
    try:
        content = loaders[path.suffix](path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidConfig("no such file") from None
    except OSError as error:
        raise InvalidConfig(f"cannot be read: {error.strerror}") from None
    except ValueError as error:  # of both formats, and of bytes that are no UTF-8
        raise InvalidConfig(f"not readable as {path.suffix[1:].upper()}: {error}") from None
    if not isinstance(content, Mapping):
        raise InvalidConfig("holds no groups; write a table of names and lists of rows under the key groups")
    return content


def _read(content: Mapping[str, Any]) -> GroupFile:
    _known(content, _KEYS, "a file of groups")
    groups = content.get("groups")
    if not isinstance(groups, Mapping) or not groups:
        raise InvalidConfig("holds no groups; write a table [groups] with name = [rows]")
    for name, rows in (*groups.items(), ("pool", content.get("pool", []))):
        if not isinstance(rows, list):
            raise InvalidConfig(f"{name} is a list of row numbers or ids, got {rows!r}")
    return GroupFile(groups, content.get("pool"), _correspondence(content.get("correspondence"), groups))


def _correspondence(given: Any, groups: Mapping[str, Any]) -> Literal["by order"] | CoupledRows | None:
    if given is None or given == "by order":
        return given  # type: ignore[no-any-return]
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise InvalidConfig(f"correspondence is 'by order' or tables [[correspondence]], got {given!r}")
    found = {}
    for number, each in enumerate(given):
        where = f"correspondence {number + 1}"
        _known(each, _PAIR_KEYS, where)
        if missing := sorted(_PAIR_KEYS - set(each)):
            raise InvalidConfig(f"{where} lacks {' and '.join(missing)}")
        for side in ("left", "right"):
            if not isinstance(each[side], str) or each[side] not in groups:
                raise InvalidConfig(f"{where}: no group is called {each[side]!r}; there are {', '.join(groups)}")
        left, right = each["left"], each["right"]
        if (left, right) in found or (right, left) in found:
            raise InvalidConfig(f"{where}: pairs of {left!r} and {right!r} are given before; write them in one table")
        found[left, right] = each["pairs"]
    return found


def _known(content: Mapping[str, Any], keys: frozenset[str], what: str) -> None:
    unknown = sorted(set(content) - keys)
    if unknown:
        raise InvalidConfig(f"{what} knows no {', '.join(unknown)}; it takes {', '.join(sorted(keys))}")
