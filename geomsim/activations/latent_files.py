"""Tables with a few ranked entries for each latent (its top tokens, its strongest places) as Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from geomsim.errors import InvalidCodes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class LatentTable:
    """A table of ranked entries for the latents of one dictionary.

    Parameters
    ----------
    frame
        columns latent (from 0), rank (from 1) and those of the entries; sorted by latent and rank. A latent that is
        never active has no rows.
    n_latents
        number of latents, silent ones included.
    provenance
        name and text of the codes; shown in results, never computed with.
    """

    frame: pd.DataFrame
    n_latents: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    entries: ClassVar[str]
    """What the rows are called."""

    @property
    def silent(self) -> int:
        """Number of latents without an entry."""
        return self.n_latents - int(self.frame["latent"].nunique())

    def __len__(self) -> int:
        return self.n_latents

    def __repr__(self) -> str:
        found = f"{len(self.frame)} {self.entries} of {self.n_latents} latents, {self.silent} of them silent"
        return f"{type(self).__name__}({found})"


@dataclass(frozen=True)
class LatentFile:
    """What such tables are called in messages, and under which name a file's note says how many latents there are."""

    what: str
    """Of the table: "top tokens"."""
    entry: str
    """Of one line: "token"."""
    lost: str
    """What other formats lose."""
    note: str

    def save(self, frame: pd.DataFrame, n_latents: int, provenance: Mapping[str, Any], path: str | Path) -> Path:
        """Write the table, number of latents and provenance in the schema's metadata. InvalidCodes for no .parquet."""
        from geomsim.tables import write_parquet

        target = Path(path)
        if target.suffix != ".parquet":
            raise InvalidCodes(f"{target}: {self.what} are saved as .parquet; {self.lost}")
        note = {"n_latents": n_latents, "provenance": dict(provenance)}
        return write_parquet(frame, target, metadata={self.note: note})

    def open(self, path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The table as it stands in the file, and the note. InvalidCodes for no .parquet."""
        from geomsim.tables import read_table

        if path.suffix != ".parquet":
            raise InvalidCodes(f"{path}: {self.what} are read from .parquet; {self.lost}")
        frame, metadata = read_table(path)
        return frame, metadata.get(self.note, {})

    def check_whole(self, path: Path, frame: pd.DataFrame, columns: Sequence[str]) -> None:
        """InvalidCodes where a column holds anything but whole numbers from 0."""
        for name in columns:
            if frame[name].dtype.kind not in "iu" or (len(frame) and int(frame[name].min()) < 0):
                raise InvalidCodes(f"{path}: column {name!r} must hold whole numbers from 0, it is {frame[name].dtype}")

    def ranked(
        self, path: Path, frame: pd.DataFrame, note: Mapping[str, Any]
    ) -> tuple[pd.DataFrame, int, dict[str, Any]]:
        """The table by latent and rank, how many latents there are (as many as its largest number says where no note
        does), and the provenance. InvalidCodes for a latent outside, and for two entries of one rank."""
        largest = int(frame["latent"].max()) if len(frame) else -1
        n_latents = int(note.get("n_latents", largest + 1))
        if largest >= n_latents:
            raise InvalidCodes(f"{path}: latent {largest} lies outside, the file says it is of {n_latents} latents")
        frame = frame.sort_values(["latent", "rank"], kind="stable", ignore_index=True)
        twice = frame.duplicated(["latent", "rank"])
        if twice.any():
            row = frame[twice].iloc[0]
            raise InvalidCodes(f"{path}: latent {row['latent']} has more than one {self.entry} of rank {row['rank']}")
        return frame, n_latents, dict(note.get("provenance", {}))
