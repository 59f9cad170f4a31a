"""The configuration of a study as the TOML file that `geomsim study` reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from geomsim.study_config import FILES
from geomsim.toml_values import toml_key, toml_value

# What stands in a record for points, pairings, metrics and nulls that were given as Python objects. A file may be
# called "points(1).npy".
_OBJECT = re.compile(r"<|\[\[|[A-Za-z_][\w.]*\((?!\d+\)[^/\\]*$)")


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

    Of a study that began at models, pairs that were prepared from them are left out: they are prepared again.
    """
    pairs = list(config.get("pairs") or [])
    pairs = pairs[: len(pairs) - int(config.get("prepared_pairs", 0))]
    for number, pair in enumerate(pairs, 1):
        for key in FILES:
            _check(pair.get(key), f"the {key.replace('_', ' ')} of pair {number}")
        _check_chosen(pair, f" of pair {number}")
    _check_chosen(config, "")
    sections = ("text", "subspaces", "models", "between", "within", "pairs", "prepared_pairs")
    lines = [*_lines({key: value for key, value in config.items() if key not in sections})]
    if config.get("subspaces") is False:
        lines.append("subspaces = false")
    for section in ("text", "subspaces"):
        if isinstance(config.get(section), Mapping):
            lines += ["", f"[{section}]", *_lines(config[section])]
    for name, model in (config.get("models") or {}).items():
        lines += ["", f"[models.{toml_key(name)}]", *_lines(model)]
    for section, tables in (("between", config.get("between")), ("within", config.get("within")), ("pairs", pairs)):
        for table in tables or []:
            _check_chosen(table, f" of [[{section}]]")
            lines += ["", f"[[{section}]]", *_lines(table)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _check_chosen(table: Mapping[str, Any], where: str) -> None:
    for what in ("metrics", "null"):
        given = table.get(what)
        for each in given if isinstance(given, list) else [given]:
            _check(each if isinstance(each, str) else None, what.removesuffix("s") + where)


def _check(value: Any, what: str) -> None:
    if isinstance(value, str) and _OBJECT.match(value):
        raise NotAFileError(what)
    if isinstance(value, list | Mapping):
        raise NotAFileError(what)


def _lines(table: Mapping[str, Any]) -> list[str]:
    # An empty pairing stands for none.
    kept = {key: value for key, value in table.items() if value is not None and (key, value) != ("pairing", "")}
    return [f"{toml_key(key)} = {toml_value(value)}" for key, value in kept.items()]
