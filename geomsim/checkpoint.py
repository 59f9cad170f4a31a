"""Finished cells of a study on disk, so that an interrupted study goes on where it stopped, with the same results.

Each cell is a file of its own that appears whole or not at all. Its name is a digest of everything the result depends
on: the points, the pairs, the metric with its parameters, null, draws, seed, groups, and the versions of the libraries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from geomsim.comparison import Comparison
from geomsim.contract import Explanation
from geomsim.errors import GeomsimError
from geomsim.intervals import Interval
from geomsim.space import Space
from geomsim.tables import plain


class Checkpoint:
    """The finished cells in a folder; without one nothing is kept."""

    def __init__(self, folder: Path | None, *, resume: bool) -> None:
        self._folder = folder
        self._resume = resume
        self._digests: WeakKeyDictionary[Space, str] = WeakKeyDictionary()
        if folder is not None and folder.is_dir() and not resume:
            for file in folder.glob("*.npz*"):
                file.unlink()

    def key(self, space: Space) -> str:
        """A digest of a space: points, ids, groups."""
        if space not in self._digests:
            points = np.ascontiguousarray(space.numpy())
            digest = hashlib.sha256(f"{points.dtype.str} {points.shape} {space.ids} {space.name}".encode())
            digest.update(points.data)
            if space.groups is not None:
                digest.update(np.ascontiguousarray(space.groups).data)
            self._digests[space] = digest.hexdigest()
        return self._digests[space]

    def find(self, inputs: Mapping[str, Any]) -> Comparison | str | None:
        """What was found from these inputs before: a comparison, the reason why there is none, or None if unknown.

        Raises GeomsimError for a damaged file, naming it.
        """
        if self._folder is None or not self._resume:
            return None
        path = self._path(inputs)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                record = json.loads(str(stored["record"]))
                draws = stored["draws"] if "draws" in stored.files else None
        except Exception as error:
            raise GeomsimError(
                f"{path}: a damaged checkpoint ({error}); delete it to compute this cell anew"
            ) from error
        if "error" in record:
            return str(record["error"])
        explanation, interval = record.pop("explanation"), record.pop("interval")
        return Comparison(
            **{**record, "warnings": tuple(record["warnings"])},
            null=draws,
            explanation=None if explanation is None else Explanation(**explanation),
            interval=None if interval is None else Interval(**{**interval, "notes": tuple(interval["notes"])}),
        )

    def keep(self, inputs: Mapping[str, Any], found: Comparison | str) -> None:
        """Write a finished cell."""
        if self._folder is None:
            return
        arrays: dict[str, Any] = {}
        if isinstance(found, str):
            record: dict[str, Any] = {"error": found}
        else:
            record = {spec.name: getattr(found, spec.name) for spec in fields(found) if spec.name != "null"}
            for name in ("explanation", "interval"):
                record[name] = None if record[name] is None else asdict(record[name])
            if found.null is not None:
                arrays["draws"] = found.null
        path = self._path(inputs)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            np.savez(file, record=np.array(json.dumps(plain(record))), **arrays)
        part.replace(path)

    def _path(self, inputs: Mapping[str, Any]) -> Path:
        assert self._folder is not None
        text = json.dumps(plain(inputs), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npz"
