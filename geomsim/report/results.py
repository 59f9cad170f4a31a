"""The results of a study as the report reads them: from a folder, or from the study itself."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import GeomsimError
from geomsim.tables import plain, read_table

if TYPE_CHECKING:
    from geomsim.study_outcome import Study

_RUN = "run.json"


@dataclass(frozen=True, eq=False)
class Results:
    """A tidy table with its draws, and the pairs of spaces that it is about."""

    records: Sequence[Mapping[str, Any]]
    draws: Mapping[int, NDArray[np.float64]]
    """By number of the record."""
    run: Mapping[str, Any]
    """The configuration, versions and notes, as run.json holds them."""
    pairs: Sequence[Mapping[str, Any]] = ()
    """Entries of the configuration: paths, relative to `base`, or the spaces themselves."""
    base: Path = field(default_factory=Path)
    folder: Path | None = None

    @classmethod
    def of(cls, study: Study, config: Mapping[str, Any] | None = None) -> Results:
        """Those of a study in memory; `config` is told in place of its own, as :meth:`geomsim.Study.save` has it."""
        draws = {
            row: cell.comparison.null
            for row, cell in enumerate(study.cells)
            if cell.comparison is not None and cell.comparison.null is not None
        }
        return cls(study.records(), draws, study.run_record(config), study.pairs, study.base)

    @classmethod
    def open(cls, folder: str | Path) -> Results:
        """Those that lie in a folder: run.json, results.parquet (or results.csv), draws.npz.

        Raises GeomsimError where there is no such folder, it holds no results, or a file is damaged; names the file.
        """
        folder = Path(folder)
        if not folder.is_dir():
            what = "is a file; name the folder that it lies in" if folder.exists() else "there is no such folder"
            raise GeomsimError(f"{folder}: {what}")
        if not (folder / _RUN).exists():
            raise GeomsimError(
                f"{folder} holds no results: {_RUN} is missing. `geomsim study`, `geomsim compare --out`, `geomsim "
                "mapper --out` and `geomsim demo` write such folders"
            )
        run = _run_of(folder / _RUN)
        records = _records_of(folder)
        config = run.get("config", {})
        return cls(
            records,
            _draws_of(folder / "draws.npz", len(records)),
            run,
            config.get("pairs", ()) if isinstance(config, Mapping) else (),
            folder / str(run.get("base", ".")),
            folder,
        )

    @property
    def labels(self) -> list[str]:
        """The columns that name the pair of spaces: those before the column `left`."""
        columns = list(self.records[0]) if self.records else []
        return columns[: columns.index("left")] if "left" in columns else []

    @property
    def pair_of(self) -> list[int | None]:
        """For each record the number of the pair of spaces that it is about, None where it is none of them.

        The run says it. For runs that do not, a record belongs to the pair with its labels and, where several have
        these, with its sides.
        """
        told = self.run.get("pair_of")
        if isinstance(told, list) and len(told) == len(self.records):
            return [one if isinstance(one, int) and 0 <= one < len(self.pairs) else None for one in told]
        described = [
            ({name: plain(item.get(name)) for name in self.labels}, [str(item.get(side)) for side in ("left", "right")])
            for item in self.pairs
        ]
        found: list[int | None] = []
        for record in self.records:
            labels = {name: plain(record.get(name)) for name in self.labels}
            same = [place for place, (own, _) in enumerate(described) if _same(own, labels)]
            sides = [str(record.get(side)) for side in ("left", "right")]
            exact = [place for place in same if described[place][1] == sides]
            found.append(next(iter(exact or same), None))
        return found

    @property
    def compared(self) -> dict[str, str]:
        """By path as the configuration names it, the digest of the points that were compared."""
        sides = [
            side
            for comparison in self.run.get("comparisons", ())
            for side in (comparison.get("provenance", {}).get(name, {}) for name in ("left", "right"))
        ]
        named = [(side.get("file", side.get("dictionary")), side.get("points")) for side in sides]
        return {str(path): str(digest) for path, digest in named if path and digest}

    @property
    def key(self) -> str:
        """What tells these results from those of another run."""
        text = json.dumps([plain(self.run), [plain(record) for record in self.records]], sort_keys=True, default=str)
        return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:16]


def _same(own: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether labels are equal as a table gives them back: whole numbers as floats, mixed columns as text."""
    return all(str(_whole(own[name])) == str(_whole(labels[name])) for name in own)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _run_of(path: Path) -> Mapping[str, Any]:
    try:
        run = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise GeomsimError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(run, Mapping):
        raise GeomsimError(f"{path}: must hold a JSON object, holds a {type(run).__name__}")
    return run


def _records_of(folder: Path) -> list[dict[str, Any]]:
    path = next((folder / name for name in ("results.parquet", "results.csv") if (folder / name).exists()), None)
    if path is None:
        return []
    frame, _ = read_table(path)
    if missing := [name for name in ("left", "right", "metric", "score") if name not in frame]:
        raise GeomsimError(f"{path}: the table of a study has columns {', '.join(missing)}, and this one has not")
    return [{str(name): _given(value) for name, value in record.items()} for record in frame.to_dict("records")]


def _given(value: Any) -> Any:
    """None for what is missing, however a file says so; Python's own numbers."""
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _draws_of(path: Path, n_records: int) -> dict[int, NDArray[np.float64]]:
    if not path.exists():
        return {}
    try:
        with np.load(path) as arrays:
            found = {int(name): np.asarray(arrays[name], dtype=np.float64) for name in arrays.files}
    except Exception as error:
        raise GeomsimError(f"{path}: not readable as draws ({error})") from None
    if outside := [row for row in found if not 0 <= row < n_records]:
        raise GeomsimError(f"{path}: has draws of row {outside[0]}, and the table has {n_records} rows")
    return found
