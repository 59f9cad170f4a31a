"""Layouts kept with the results, so that each is computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geomsim.digests import digest_of
from geomsim.errors import GeomsimError
from geomsim.report.views.layouts import Layout, umap_layout
from geomsim.space import Space
from geomsim.tables import read_table, write_parquet

_NOTE = "layout"
_FORMAT = 2  # to be raised when layouts are made in another way


class Layouts:
    """The layouts of spaces, in a folder and in memory; without a folder, in memory alone.

    A layout is known by a digest of the points, the parameters and the seed, so that a space with other points has
    another one, and the same points under another name the same.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Layout] = {}
        self.notes: list[str] = []
        """Files that were made again since they could not be read, or that could not be written."""

    def of(self, space: Space, seed: int = 0) -> Layout:
        """The layout of a space, as :func:`umap_layout` makes it by default."""
        key = digest_of(("umap", _FORMAT, space.numpy(), seed))
        if key not in self._known:
            self._known[key] = self._read(key, space.n_rows) or self._made(key, space, seed)
        return self._known[key]

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"layout_{key[:24]}.parquet"

    def _read(self, key: str, n_rows: int) -> Layout | None:
        path = self._path(key)
        if path is None or not path.exists():
            return None
        try:
            frame, metadata = read_table(path)
            note = metadata[_NOTE]
            places = frame[["x", "y"]].to_numpy(np.float64)
            fits = note["key"] == key and len(places) == n_rows and np.isfinite(places).all()
            words = str(note["words"])
        except (GeomsimError, KeyError, TypeError, ValueError) as error:
            self.notes.append(f"{path.name} is damaged and was made again ({error})")
            return None
        if not fits:
            self.notes.append(f"{path.name} does not hold the layout of these points and was made again")
            return None
        return Layout(places, words)

    def _made(self, key: str, space: Space, seed: int) -> Layout:
        import pandas as pd

        layout = umap_layout(space, seed)
        path = self._path(key)
        if path is not None:
            frame = pd.DataFrame({"x": layout.places[:, 0], "y": layout.places[:, 1]})
            try:
                write_parquet(frame, path, metadata={_NOTE: {"key": key, "words": layout.words}})
            except OSError as error:
                self.notes.append(f"a layout could not be kept in {path.parent} ({error.strerror})")
        return layout
