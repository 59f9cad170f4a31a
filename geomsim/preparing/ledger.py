"""Which pieces of what is prepared are whole, and what each was made of.

A piece is a file or folder below the prepared folder. It is found again where the digest of everything that it depends
on is the one it was made under; else it is made anew. The entry of a piece goes before the piece is touched and comes
back when it is whole, so that a run that was killed anywhere leaves no entry for half a piece.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geomsim.errors import GeomsimError
from geomsim.tables import write_json

FILE = "pieces.json"


class Ledger:
    """The pieces in a folder.

    With `resume` off none is found that an earlier run made. Its entries stay until the piece is made anew, so that a
    run that was started so by mistake, and stopped, has lost nothing but what it touched.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.folder = folder
        self._resume = resume
        self._made: set[str] = set()
        self._whole: dict[str, str] = {}
        self._begun: dict[str, str] = {}
        self._nothing: dict[str, str] = {}
        # What a run that was killed left of files and folders that it was writing; whole ones have other names.
        for part in list(folder.rglob("*.part")):
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
        file = folder / FILE
        if file.exists():
            try:
                stored = json.loads(file.read_bytes())
                self._whole, self._begun, self._nothing = (dict(stored[key]) for key in ("whole", "begun", "nothing"))
            except (ValueError, KeyError, TypeError) as error:
                if resume:
                    raise GeomsimError(f"{file}: damaged ({error}); delete it to prepare everything anew") from error

    def __len__(self) -> int:
        """How many pieces are whole, whoever made them."""
        return len(self._whole)

    def path(self, name: str) -> Path:
        """Where a piece lies."""
        return self.folder / name

    def has(self, name: str, digest: str) -> bool:
        """Whether the piece is there, made of this; also where it is known that nothing comes of it."""
        known = self._whole.get(name) == digest and (self._resume or name in self._made)
        return known and (name in self._nothing or self.path(name).exists())

    def nothing(self, name: str) -> str | None:
        """Why nothing came of a piece that was made, None where something did."""
        return self._nothing.get(name)

    def was_begun(self, name: str, digest: str, how: str = "") -> bool:
        """Whether a run that was stopped had begun to make it of this, in this way."""
        return self._resume and self._begun.get(name) == _begun(digest, how)

    @contextmanager
    def making(self, digests: dict[str, str], how: str = "") -> Iterator[dict[str, str]]:
        """Make these pieces, by name; what yields may be told, by name, why nothing comes of one.

        `how` is what half a piece depends on and a whole one does not: the device, whose last digits differ.
        """
        for name, digest in digests.items():
            self._whole.pop(name, None)
            self._nothing.pop(name, None)
            self._begun[name] = _begun(digest, how)
        self._write()
        nothing: dict[str, str] = {}
        yield nothing
        for name, digest in digests.items():
            del self._begun[name]
            self._whole[name] = digest
            self._made.add(name)
        self._nothing |= nothing
        self._write()

    def _write(self) -> None:
        stored = {"whole": self._whole, "begun": self._begun, "nothing": self._nothing}
        write_json(stored, self.folder / FILE)


def _begun(digest: str, how: str) -> str:
    return f"{digest} {how}".rstrip()
