"""Digests of what a result depends on: values by content, classes by the code of their packages.

Nothing is cut short or read from a `repr`: what cannot be told apart for certain has no digest, and is not remembered.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np


class NoDigestError(Exception):
    """The value may differ in ways that cannot be seen: a function, an object of an unknown class."""


def digest_of(value: Any) -> str:
    """A digest of numbers, text, arrays, tensors, and dataclasses, sequences and mappings of these.

    Equal digests mean equal values; numbers of different types differ. Raises NoDigestError for anything else.

    >>> digest_of({"k": 3}) == digest_of({"k": 3}) != digest_of({"k": 3.0})
    True
    """
    hasher = hashlib.sha256()
    for part in _parts(value):
        hasher.update(len(part).to_bytes(8, "big"))  # so that ("ab", "c") and ("a", "bc") differ
        hasher.update(part)
    return hasher.hexdigest()


def code_digest(kind: type) -> str:
    """A digest of all code that instances of a class may run: every Python file of the packages of its bases.

    Raises NoDigestError for a class made inside a function, which may hold any value of its surroundings, and for one
    whose source is not kept.
    """
    packages: dict[str, str] = {}
    for base in kind.__mro__:
        top = base.__module__.partition(".")[0]
        if base is object or top in ("abc", "typing", "builtins"):
            continue
        if "<locals>" in base.__qualname__:
            raise NoDigestError(f"{base.__qualname__} was made inside a function")
        packages[top] = _package_digest(top)
    return digest_of(packages)


def _parts(value: Any) -> Iterable[bytes]:
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, bool | int | float | complex):
        yield repr(value).encode()  # the shortest text that gives the same number again
    elif isinstance(value, str | PurePath):
        yield str(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, np.generic):
        yield from _parts(value.item())
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            yield from _parts(value.tolist())
        else:
            yield f"{value.dtype.str} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(key)
            yield digest_of(item).encode()
    elif isinstance(value, list | tuple | range):
        for item in value:
            yield digest_of(item).encode()
    elif isinstance(value, set | frozenset):
        yield from sorted(digest_of(item).encode() for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _parts(type(value).__module__)
        for spec in fields(value):
            yield spec.name.encode()
            yield digest_of(getattr(value, spec.name)).encode()
    elif type(value).__module__ == "torch" and hasattr(value, "detach"):
        yield from _parts(value.detach().cpu().numpy())
    else:
        raise NoDigestError(f"{type(value).__qualname__} {value!r} has no content that could be compared")


@functools.cache
def _package_digest(name: str) -> str:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).suffix == ".py":
        raise NoDigestError(f"the source of {name} is not at hand")
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return digest_of([(str(source.relative_to(path.parent)), source.read_bytes()) for source in files])
