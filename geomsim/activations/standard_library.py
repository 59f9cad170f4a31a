"""Real text that every Python installation carries: the source code of its standard library.

The example models are trained on one part of it and everything that geomsim measures on them
is measured on the other, so the split must be the same on every machine and in every Python
version. It depends on nothing but the file's path below the library: the same file falls on
the same side everywhere.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from pathlib import Path
from typing import Literal

from geomsim.activations.text import Document
from geomsim.errors import GeomsimError

# Tests are missing from some distributions; the other folders are tables and data, not prose of code.
_TESTS = {"test", "tests", "idle_test"}
_NOT_PROSE = {"site-packages", "dist-packages", "__pycache__", "encodings", "pydoc_data", "lib2to3", "_bundled"}
_LEFT_OUT = frozenset(_TESTS | _NOT_PROSE)
_HELD_OUT_SHARE = 0.1


def is_held_out(relative_path: str) -> bool:
    """Whether a file, named by its posix path below the library, is kept from training.

    >>> is_held_out("argparse.py"), is_held_out("json/decoder.py")
    (False, False)
    """
    first = int.from_bytes(hashlib.sha256(relative_path.encode()).digest()[:4], "big")
    return first / 2**32 < _HELD_OUT_SHARE


def standard_library_documents(split: Literal["train", "held-out", "all"] = "held-out") -> list[Document]:
    """The library's Python files as documents, in the order of their paths.

    Raises
    ------
    GeomsimError
        if this Python carries no readable sources (some embedded builds ship only bytecode).
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    documents = []
    for path in _sources(root):
        name = path.relative_to(root).as_posix()
        if split != "all" and is_held_out(name) != (split == "held-out"):
            continue
        text = _utf8_text(path)
        if text is None or not text.strip():
            continue  # a latin-1 source or an empty __init__: no text to read
        documents.append(Document(name=name, text=text))
    if not documents:
        raise GeomsimError(
            f"no Python sources below {root}: this Python carries no standard-library text; "
            "name a folder of text instead"
        )
    return documents


def _sources(root: Path) -> list[Path]:
    """The library's Python files, sorted; folders that are left out, installed packages above all, are not entered."""
    found: list[Path] = []
    for folder, inside, files in os.walk(root):
        inside[:] = [name for name in inside if name not in _LEFT_OUT]
        found += [Path(folder, name) for name in files if name.endswith(".py")]
    return sorted(found)


def _utf8_text(path: Path) -> str | None:
    try:
        # Universal newlines: the models were trained on text with "\n" alone.
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
