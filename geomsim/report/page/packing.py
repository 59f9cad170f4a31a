"""Arrays and texts as compressed blobs that the page opens when it needs them.

A blob is a sequence of arrays behind each other, or JSON, compressed by gzip without a time, so that the same contents
give the same bytes. What the page reads names its data by references:

* ``{"$": [blob, offset in bytes, length, type]}``, an array;
* ``{"$json": blob}``, JSON that belongs in that place;
* ``{"$lazy": blob}``, JSON that is opened only when somebody looks.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Reference = dict[str, Any]

_TYPES = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "i32": np.int32, "f32": np.float32, "f64": np.float64}
_ALIGNMENT = 8  # bytes: where a typed array may begin, whatever its type


def without_surrogates(text: str) -> str:
    """The text with marks for what cannot be read in place of lone surrogates, which have no UTF-8.

    >>> without_surrogates("a" + chr(0xD83D)).isascii(), without_surrogates("a")
    (False, 'a')
    """
    return text.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace")


class Packer:
    """Takes arrays and JSON, gives references, and at the end the blobs as base64."""

    def __init__(self) -> None:
        self._blobs: list[bytes] = []
        self._open: list[bytes] | None = None
        self._length = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Arrays that are added inside share one blob: those that the page always needs at once."""
        self._open, self._length = [], 0
        yield
        self._blobs.append(b"".join(self._open))
        self._open = None

    def array(self, values: ArrayLike, kind: str) -> Reference:
        """An array; `kind` is u8, u16, u32, i32, f32 or f64. Floats may be NaN."""
        if self._open is None:
            with self.together():
                return self.array(values, kind)
        found = np.ascontiguousarray(values, dtype=np.dtype(_TYPES[kind]).newbyteorder("<")).ravel()
        reference = {"$": [len(self._blobs), self._length, len(found), kind]}
        data = found.tobytes()
        self._open.append(data + bytes(-len(data) % _ALIGNMENT))
        self._length += len(self._open[-1])
        return reference

    def whole_numbers(self, values: ArrayLike) -> Reference:
        """An array of numbers from 0, in the smallest type that holds them."""
        found = np.asarray(values)
        largest = int(found.max()) if found.size else 0
        return self.array(found, "u8" if largest < 1 << 8 else "u16" if largest < 1 << 16 else "u32")

    def lists(self, lists: Sequence[ArrayLike]) -> dict[str, Reference]:
        """Lists of numbers from 0: where each begins (with the end of the last), and all behind each other."""
        lengths = [len(np.asarray(each)) for each in lists]
        items = np.concatenate([np.asarray(each, dtype=np.int64) for each in lists]) if lists else np.empty(0)
        return {"starts": self.array(np.cumsum([0, *lengths]), "u32"), "items": self.whole_numbers(items)}

    def texts(self, lists: Sequence[Sequence[str]]) -> dict[str, Reference]:
        """Lists of texts, each text stored once."""
        vocabulary = {text: None for each in lists for text in each}
        number = {text: place for place, text in enumerate(vocabulary)}
        return {
            "vocabulary": self.json(list(vocabulary)),
            **self.lists([[number[text] for text in each] for each in lists]),
        }

    def json(self, content: Any) -> Reference:
        """JSON that the page reads with what refers to it."""
        return {"$json": self._add_json(content)}

    def lazy_json(self, content: Any) -> Reference:
        """JSON that the page opens only when it is looked at."""
        return {"$lazy": self._add_json(content)}

    def encoded(self) -> list[str]:
        """All blobs, compressed, as base64."""
        return [base64.b64encode(gzip.compress(blob, mtime=0)).decode("ascii") for blob in self._blobs]

    def _add_json(self, content: Any) -> int:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = without_surrogates(text).encode("utf-8")
        if self._open is None:
            self._blobs.append(data)
            return len(self._blobs) - 1
        # The blob that is open keeps its number: what is added meanwhile would take it.
        raise RuntimeError("JSON is added before or after arrays that are kept together")
