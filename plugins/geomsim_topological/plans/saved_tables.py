"""Tables as pandas frames and as files: Parquet, CSV and JSON, each of which appears whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from scipy import sparse

from geomsim import GeomsimError
from geomsim_topological.plans.plan_tables import Table

if TYPE_CHECKING:
    import pandas as pd


def frame_of(table: Table) -> pd.DataFrame:
    """The table as a pandas frame."""
    import pandas as pd

    return pd.DataFrame(table)


def save_tables(
    folder: str | Path, name: str, plan: sparse.csr_matrix, tables: Mapping[str, Table], note: Mapping[str, Any]
) -> Path:
    """Write a plan as ``plan.npz`` (scipy.sparse), each table as Parquet and CSV, and `note` as ``NAME.json``.

    Spaces in the names of tables become underscores. The note is written last: where it stands, all is there. Raises
    GeomsimError where the folder is a file.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise GeomsimError(f"{target} is a file: name a folder to write to")
    target.mkdir(parents=True, exist_ok=True)
    _write(target / "plan.npz", lambda file: sparse.save_npz(file, plan))
    for title, table in tables.items():
        stem, frame = title.replace(" ", "_"), frame_of(table)
        _write(target / f"{stem}.parquet", partial(frame.to_parquet, index=False))
        _write(target / f"{stem}.csv", partial(frame.to_csv, index=False))
    text = json.dumps(note, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    _write(target / f"{name}.json", lambda file: file.write(text.encode()))
    return target


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
