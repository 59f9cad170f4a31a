"""Plain data, which compares, hashes and goes to JSON: tuples and numbers for arrays, lists and numpy scalars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from geomsim import InvalidConfig


def as_plain(value: object) -> object:
    """Arrays and lists as nested tuples, numpy scalars as numbers of Python; anything else as it is.

    >>> as_plain([np.int64(3), np.array([0.5, 1.0])])
    (3, (0.5, 1.0))
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return tuple(as_plain(entry) for entry in value)
    return value


def keep_plain(instance: Any) -> None:
    """Make all fields of a frozen dataclass plain, while it is made."""
    for each in fields(instance):
        object.__setattr__(instance, each.name, as_plain(getattr(instance, each.name)))


def require(what: str, stored: Any, names: Iterable[str]) -> None:
    """Raise InvalidConfig where stored data has not all that is needed to make `what` again."""
    if not isinstance(stored, Mapping):
        raise InvalidConfig(f"a stored {what} is a table of names and values, got {type(stored).__name__}")
    missing = [name for name in names if name not in stored]
    if missing:
        raise InvalidConfig(f"this is no stored {what}: {', '.join(missing)} missing; give what its to_dict returned")
