"""The token table: which token of which document each row of the activations belongs to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import InvalidCodes

COLUMNS = ("document", "position", "start", "end", "token_id")
_NOTE = "note"


@dataclass(frozen=True, eq=False)
class TokenTable:
    """One row per token that was kept, in reading order; every column holds (rows,) int32.

    Parameters
    ----------
    document
        number of the document, counted from 0, an index into `documents`.
    position
        number of the token in its document, counted from 0 and over all tokens, kept or not.
    start, end
        the token's characters in its document, ``text[start:end]``.
    token_id
        the tokenizer's number.
    documents
        names of all documents that were read.
    text_hash
        :func:`geomsim.activations.text.text_hash` of them.
    left_out
        how many tokens were left out, by reason.

    Raises
    ------
    InvalidCodes
        when columns differ in length or a row names a document that does not exist.
    """

    document: NDArray[np.int32]
    position: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    token_id: NDArray[np.int32]
    documents: tuple[str, ...] = ()
    text_hash: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = np.asarray(getattr(self, name), dtype=np.int32)
            if column.ndim != 1 or len(column) != len(self.document):
                raise InvalidCodes(
                    f"token table: column {name!r} has shape {column.shape} where ({len(self.document)},) is needed"
                )
            object.__setattr__(self, name, column)
        object.__setattr__(self, "documents", tuple(self.documents))
        object.__setattr__(self, "left_out", dict(self.left_out))
        outside = (self.document < 0) | (self.document >= len(self.documents))
        if outside.any():
            row = int(outside.argmax())
            raise InvalidCodes(
                f"token table: row {row} names document {self.document[row]}, but there are {len(self.documents)}"
            )

    def __len__(self) -> int:
        return len(self.document)

    def __repr__(self) -> str:
        return f"TokenTable({len(self)} tokens of {len(self.documents)} documents, left out: {dict(self.left_out)})"

    @property
    def groups(self) -> NDArray[np.int32]:
        """The document of each row: tokens of one text are not independent of each other."""
        return self.document

    def take(self, rows: ArrayLike) -> TokenTable:
        """The table of these rows (numbers or a mask); the counts of what was left out stay those of the reading."""
        index = np.asarray(rows)
        return replace(self, **{name: getattr(self, name)[index] for name in COLUMNS})

    def counted(self, left_out: Mapping[str, int]) -> TokenTable:
        """The same rows with other counts of what was left out; zeros are not written down."""
        return replace(self, left_out={reason: int(count) for reason, count in left_out.items() if count})

    def same_tokens(self, other: TokenTable) -> bool:
        """Whether both tables list the same tokens of the same text, row by row."""
        return (
            self.text_hash == other.text_hash
            and self.documents == other.documents
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in COLUMNS)
        )

    @staticmethod
    def concatenate(tables: Sequence[TokenTable]) -> TokenTable:
        """Parts of one reading behind each other; the counts of what was left out add up.

        Raises InvalidCodes when there are no parts or they are of different texts.
        """
        if not tables:
            raise InvalidCodes("no token tables to put behind each other")
        first = tables[0]
        left_out: Counter[str] = Counter()
        for number, table in enumerate(tables):
            if table.text_hash != first.text_hash or table.documents != first.documents:
                raise InvalidCodes(
                    f"token tables 0 and {number} are of different texts "
                    f"(hashes {first.text_hash[:12]!r} and {table.text_hash[:12]!r}); join only parts of one reading"
                )
            left_out.update(table.left_out)
        columns: dict[str, Any] = {name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS}
        return replace(first, **columns, left_out=left_out)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The columns by name, and everything else as UTF-8 JSON in an array of bytes named ``note``."""
        note = {"documents": self.documents, "text_hash": self.text_hash, "left_out": dict(self.left_out)}
        data = np.frombuffer(json.dumps(note).encode(), dtype=np.uint8)
        return {**{name: getattr(self, name) for name in COLUMNS}, _NOTE: data}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TokenTable:
        """What :meth:`to_arrays` gave; arrays of other names are ignored. InvalidCodes where one is missing."""
        missing = [name for name in (*COLUMNS, _NOTE) if name not in arrays]
        if missing:
            raise InvalidCodes(
                f"token table: {', '.join(missing)} missing; found {', '.join(sorted(arrays)) or 'nothing'}"
            )
        try:
            note = json.loads(np.asarray(arrays[_NOTE], dtype=np.uint8).tobytes())
        except ValueError as error:
            raise InvalidCodes(f"token table: its note is damaged ({error})") from error
        document, position, start, end, token_id = (np.asarray(arrays[name]) for name in COLUMNS)
        return cls(document, position, start, end, token_id, **note)
