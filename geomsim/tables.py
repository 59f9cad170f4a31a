"""Results on disk: Parquet with a JSON note in its schema, CSV and JSON; each file appears whole or not at all."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    import pandas as pd

_NOTE = b"geomsim"
_LONGEST_TEXT = 200  # of what stands in for a space or an array


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` in the end: readers see the old file or the whole new one.

    Its name is nobody else's, so that two processes that write the same file do not meet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def discard_parts(folder: Path, process: int) -> None:
    """Delete what a process, which was killed, had begun to write below a folder by :func:`whole_file`."""
    for part in folder.rglob(f"*.{process}.*.part"):
        part.unlink(missing_ok=True)


def write_parquet(frame: pd.DataFrame, path: Path, metadata: Mapping[str, Any] | None = None) -> Path:
    """Write a frame as Parquet, with `metadata` as JSON in the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if metadata:
        note = json.dumps(plain(metadata)).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _NOTE: note})
    with whole_file(path) as part:
        pq.write_table(table, part)
    return path


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame as CSV without its index."""
    with whole_file(path) as part:
        frame.to_csv(part, index=False)
    return path


def read_table(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A Parquet or CSV file as a frame, and the note that :func:`write_parquet` left in it (or {}).

    Raises GeomsimError where the file is missing, damaged or of another kind.
    """
    import pandas as pd

    if not path.exists():
        raise GeomsimError(f"{path}: no such file")
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path), {}
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(path)
            note = (table.schema.metadata or {}).get(_NOTE)
            return table.to_pandas(), json.loads(note) if note else {}
    except Exception as error:
        raise GeomsimError(f"{path}: not a readable {path.suffix} table ({error})") from error
    raise GeomsimError(f"{path}: tables are read from .parquet or .csv, not {path.suffix or 'a file without a suffix'}")


def plain(value: Any) -> Any:
    """The value as JSON can hold it: numpy numbers as numbers, what is not finite and everything else as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | int | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return (str(value) if isinstance(value, float | PurePath) else repr(value))[:_LONGEST_TEXT]


def write_arrays(arrays: Mapping[str, Any], path: Path) -> Path:
    """Write arrays by name as .npz."""
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)
    return path


def write_json(content: Any, path: Path) -> Path:
    """Write JSON for people: indented, UTF-8; what JSON cannot hold is written as text."""
    with whole_file(path) as part:
        text = json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
    return path
