"""Documents from the rows of a table: Parquet, JSON lines, or any iterable of mappings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from geomsim.activations.text import not_utf8
from geomsim.activations.text_cuts import DocumentPieces
from geomsim.errors import InvalidText

PARQUET = ".parquet"
JSON_LINES = (".jsonl", ".jsonl.gz")
_ROWS_AT_ONCE = 256


def is_table(file: Path) -> bool:
    """Whether a file is one of rows, by its name."""
    return file.name.lower().endswith((PARQUET, *JSON_LINES))


def rows_of_file(file: Path, label: str, column: str, name_column: str | None) -> Iterator[DocumentPieces]:
    """One document per row, named by `name_column` or ``label:row``, rows counted from 0.

    Raises InvalidText, naming file and row (or line), for a missing column, a row without text, or a damaged file.
    """
    found = _parquet_rows if file.name.lower().endswith(PARQUET) else _json_rows
    for number, where, row in found(file, column, name_column):
        yield row_document(row, where, f"{label}:{number}", column, name_column)


def rows_of_dataset(rows: Iterable[Any], column: str, name_column: str | None) -> Iterator[DocumentPieces]:
    """One document per mapping, named by `name_column` or numbered from 0; InvalidText as :func:`rows_of_file`."""
    for number, row in enumerate(rows):
        where = f"row {number} of the data set"
        if not isinstance(row, Mapping):
            raise InvalidText(
                f"{where} is a {type(row).__name__}, not a mapping of columns"
                + ("; are these several splits? choose one, as in rows['train']" if isinstance(rows, Mapping) else "")
            )
        yield row_document(row, where, str(number), column, name_column)


def row_document(
    row: Mapping[str, Any], where: str, default_name: str, column: str, name_column: str | None
) -> DocumentPieces:
    """The document of one row."""
    for wanted in (column, name_column):
        if wanted is not None and wanted not in row:
            raise InvalidText(f"{where}: no column {wanted!r}; there are {', '.join(map(repr, row)) or 'none'}")
    text = row[column]
    if not isinstance(text, str):
        kind = "null" if text is None else f"a {type(text).__name__}"
        raise InvalidText(f"{where}: column {column!r} is {kind}, not text; name another column, or drop such rows")
    if name_column is None:
        return DocumentPieces(default_name, [text])
    name = row[name_column]
    if isinstance(name, bool) or not isinstance(name, str | int):
        kind = "null" if name is None else f"a {type(name).__name__}"
        raise InvalidText(f"{where}: column {name_column!r} is {kind}; a name is text or a whole number")
    return DocumentPieces(str(name), [text])


def _parquet_rows(file: Path, column: str, name_column: str | None) -> Iterator[tuple[int, str, dict[str, Any]]]:
    import pyarrow as pa

    number = 0
    stored = open_parquet(file)
    known = stored.schema_arrow.names
    wanted = [column] if name_column in (None, column) else [column, name_column]
    for name in wanted:
        if name not in known:
            raise InvalidText(f"{file}: no column {name!r}; there are {', '.join(map(repr, known)) or 'none'}")
    try:
        for batch in stored.iter_batches(_ROWS_AT_ONCE, columns=wanted):
            for values in zip(*batch.columns, strict=True):
                where = f"{file}: row {number}"
                row = {name: _python(value, where) for name, value in zip(batch.schema.names, values, strict=True)}
                yield number, where, row
                number += 1
    except (pa.ArrowException, OSError) as error:
        raise InvalidText(f"{file}: damaged after row {number - 1} ({_first_line(error)})") from error


def open_parquet(file: Path) -> Any:
    """The file, its columns yet unread; InvalidText where it is no Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without these two a whole row group is held, and those of hub data sets are hundreds of megabytes.
        return pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise InvalidText(f"{file}: not a readable Parquet file ({_first_line(error)})") from error


def _python(value: Any, where: str) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError as error:
        raise InvalidText(f"{where}: {not_utf8(error)}, counted in its text") from None


def _json_rows(file: Path, column: str, name_column: str | None) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    packed = file.name.lower().endswith(".gz")
    number = line_number = done = 0
    try:
        with gzip.open(file, "rb") if packed else file.open("rb") as stream:
            for line_number, line in enumerate(stream, start=1):
                where = f"{file}:{line_number}"
                row = _json_row(line, where, done, " of what is packed" if packed else "")
                done += len(line)
                if row is not None:
                    yield number, f"{where}: row {number}", row
                    number += 1
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidText(f"{file}: damaged gzip after line {line_number} ({error})") from error


def _json_row(line: bytes, where: str, first_byte: int, of_what: str) -> Mapping[str, Any] | None:
    """The row in a line; None for an empty line."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidText(f"{where}: {not_utf8(error, first_byte)}{of_what}; convert the file") from None
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidText(f"{where}: not JSON ({error}); each line of a .jsonl file is one JSON object") from None
    if not isinstance(row, Mapping):
        raise InvalidText(f"{where}: a JSON {type(row).__name__} where an object with a column of text is needed")
    return row


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
