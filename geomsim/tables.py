"""Results on disk: Parquet with a JSON note in its schema, CSV and JSON; each file appears whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    import pandas as pd

_NOTE = b"geomsim"
_LONGEST_TEXT = 200  # of what stands in for a space or an array


def write_parquet(frame: pd.DataFrame, path: Path, metadata: Mapping[str, Any] | None = None) -> Path:
    """Write a frame as Parquet, with `metadata` as JSON in the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if metadata:
        note = json.dumps(plain(metadata)).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _NOTE: note})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(table, part)
    part.replace(path)
    return path


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame as CSV without its index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    frame.to_csv(part, index=False)
    part.replace(path)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)
    return path


def write_json(content: Any, path: Path) -> Path:
    """Write JSON for people: indented, UTF-8; what JSON cannot hold is written as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path
