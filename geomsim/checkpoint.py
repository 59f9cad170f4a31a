"""Finished cells of a study on disk, so that an interrupted study goes on where it stopped, with the same results.

Each cell is a file of its own that appears whole or not at all. Its name is a digest of everything the result depends
on: points, pairs, provenance, the metric with its parameters, null, draws, seed, groups, code and versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from geomsim.comparison import Comparison
from geomsim.contract import Explanation
from geomsim.digests import NoDigestError, digest_of
from geomsim.errors import GeomsimError
from geomsim.intervals import Interval
from geomsim.pairing import Pairing
from geomsim.space import Space
from geomsim.tables import plain, write_arrays

SUFFIX = ".cell.npz"


class Checkpoint:
    """The finished cells in a folder; without one nothing is kept, and with `resume` off nothing is found there.

    What was kept there after `since` (nanoseconds, as its files bear them) is found anyway: another process may work on
    the same study.
    """

    def __init__(self, folder: Path | None, *, resume: bool, since: int | None = None) -> None:
        self.folder = folder
        self._resume = resume
        self._since = since
        self._digests: WeakKeyDictionary[Space | Pairing, str] = WeakKeyDictionary()

    def key(self, source: Space | Pairing | None) -> str | None:
        """A digest of a space or a pairing with all that is written down of it; computed once."""
        if source is None:
            return None
        if source not in self._digests:
            if isinstance(source, Space):
                content: Any = (source.numpy(), source.ids, source.groups, source.name, plain(source.provenance))
            else:
                content = (source.left, source.right, source.weight, plain(source.provenance))
            self._digests[source] = digest_of(content)
        return self._digests[source]

    def find(self, inputs: Mapping[str, Any]) -> Comparison | str | None:
        """What was found from these inputs before: a comparison, the reason why there is none, or None if unknown.

        Raises GeomsimError for a damaged file, naming it.
        """
        path = self._path(inputs)
        if path is None or not (self._resume or self._since is not None) or not path.exists():
            return None
        if not self._resume and path.stat().st_mtime_ns <= (self._since or 0):
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                record = json.loads(str(stored["record"]))
                draws = stored["draws"] if "draws" in stored.files else None
        except Exception as error:
            why = f"{path}: a damaged checkpoint ({error}); delete it to compute this cell anew"
            raise GeomsimError(why) from error
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
        path = self._path(inputs)
        if path is None:
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
        write_arrays({"record": np.array(json.dumps(plain(record))), **arrays}, path)

    def _path(self, inputs: Mapping[str, Any]) -> Path | None:
        """Where the cell lies; None without a folder, and for inputs that cannot be told apart for certain."""
        if self.folder is None:
            return None
        try:
            return self.folder / f"{digest_of(inputs)[:24]}{SUFFIX}"
        except NoDigestError:
            return None
