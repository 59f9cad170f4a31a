"""Safetensors files with one possible order of bytes, and a hash inside that covers all of them.

The file is 8 bytes with the length of the header (little-endian), the header, and the arrays without gaps. The header
is JSON with sorted keys and no blanks, filled up with blanks to a multiple of 8 bytes; arrays come by falling size of
their numbers, then by name, so that each is aligned. Its ``__metadata__`` has the sha256 of the file as it would be
without that entry. The same arrays and metadata give the same bytes, which the library's own writer does not promise.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidCodes

DIGEST = "sha256"
_NUMPY_TYPES = {"F16": "<f2", "F32": "<f4", "I32": "<i4", "I64": "<i8"}
_NAMES = {np.dtype(dtype): name for name, dtype in _NUMPY_TYPES.items()}
_METADATA = "__metadata__"
_BLOCK = 1 << 20


class StoredHeader(NamedTuple):
    """What the header says: entries by array, metadata, and the byte where the arrays begin."""

    entries: dict[str, Any]
    metadata: dict[str, str]
    begin: int


def packed(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """The file of these arrays, in pieces to be written one after another."""
    entries: dict[str, Any] = {}
    data: list[bytes | memoryview] = []
    end = 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = arrays[name]
        kind = _NAMES[array.dtype]
        begin, end = end, end + array.nbytes
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
        flat = np.ascontiguousarray(array, dtype=_NUMPY_TYPES[kind]).reshape(-1)
        data.append(flat.view(np.uint8).data)
    digest = hashlib.sha256(_header(entries, metadata))
    for piece in data:
        digest.update(piece)
    return [_header(entries, {**metadata, DIGEST: digest.hexdigest()}), *data]


def read_header(file: Path) -> StoredHeader:
    """The header of a file; InvalidCodes, naming the file, where it is none."""
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, size)))
        metadata = header.pop(_METADATA, {})
        for name, entry in header.items():
            dtype, shape = np.dtype(_NUMPY_TYPES[entry["dtype"]]), tuple(entry["shape"])
            first, last = entry["data_offsets"]
            if last - first != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"array {name!r} has {last - first} bytes, which do not make {shape}")
            if 8 + length + last > size:
                raise ValueError(f"array {name!r} ends at byte {8 + length + last} of {size}")
        return StoredHeader(header, dict(metadata), 8 + length)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCodes(f"{file}: damaged: not a readable safetensors file ({error})") from error


def map_arrays(file: Path, header: StoredHeader) -> dict[str, NDArray[Any]]:
    """The arrays, mapped from the file. (The library itself copies into memory for numpy.)"""
    arrays = {}
    for name, entry in header.entries.items():
        dtype, shape = np.dtype(_NUMPY_TYPES[entry["dtype"]]), tuple(entry["shape"])
        first, last = entry["data_offsets"]
        # One map per array: scipy copies an array that is a small view of a large one.
        mapped = np.memmap(file, dtype, "r", header.begin + first, shape) if last > first else np.empty(shape, dtype)
        arrays[name] = np.asarray(mapped)
    return arrays


def checked_file_hash(file: Path) -> str:
    """The sha256 of a whole file, after a check of the one inside; InvalidCodes where that is wrong or missing."""
    header = read_header(file)
    bare = {key: value for key, value in header.metadata.items() if key != DIGEST}
    inner, outer = hashlib.sha256(_header(header.entries, bare)), hashlib.sha256()
    with file.open("rb") as stream:
        first = stream.read(header.begin)
        outer.update(first)
        while piece := stream.read(_BLOCK):
            inner.update(piece)
            outer.update(piece)
    whole = first == _header(header.entries, header.metadata)
    if not whole or inner.hexdigest() != header.metadata.get(DIGEST):
        raise InvalidCodes(
            f"{file}: damaged: its contents are not those that its header tells the sha256 of; delete the file, "
            "then it is written again"
        )
    return outer.hexdigest()


def _header(entries: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    text = json.dumps({_METADATA: dict(metadata), **entries}, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
