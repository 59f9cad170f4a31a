"""Maps kept with the results: spaces with their layouts, tokens and contexts, and the links of each pair, as Parquet.

A report is then made from the results alone, without the files that were compared. ``maps.json`` is written last; maps
without it are not finished, and count as absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.errors import GeomsimError
from geomsim.report.page.contents import Column, Context, Links, SpacePair, SpaceRows
from geomsim.tables import plain, read_table, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

_INDEX = "maps.json"
_COLUMN = "column: "
_CONTEXT = ("row", "value", "document", "pieces", "activations", "focus")


@dataclass(frozen=True, eq=False)
class Maps:
    """Spaces and pairs as the page shows them, and by view what a reader must know."""

    spaces: Sequence[SpaceRows] = ()
    pairs: Sequence[SpacePair] = ()
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def forget_maps(folder: Path) -> None:
    """From now on the maps in a folder count as absent, whatever of them is there."""
    (folder / _INDEX).unlink(missing_ok=True)


def save_maps(maps: Maps, folder: Path, key: str) -> Path:
    """Write all of it below `folder`; `key` says which results it belongs to."""
    forget_maps(folder)
    for number, space in enumerate(maps.spaces):
        _save_space(space, folder, number)
    for number, pair in enumerate(maps.pairs):
        _save_pair(pair, folder / f"pair_{number}.parquet")
    index = {"key": key, "spaces": len(maps.spaces), "pairs": len(maps.pairs), "notes": dict(maps.notes)}
    return write_json(index, folder / _INDEX)


def read_maps(folder: Path, key: str | None = None) -> Maps | None:
    """What was written; None where nothing finished is there, or with a `key`, where it is of other results.

    Raises GeomsimError, naming the file, where one is damaged.
    """
    path = folder / _INDEX
    if not path.exists():
        return None
    try:
        index = json.loads(path.read_text("utf-8"))
        counts = int(index["spaces"]), int(index["pairs"])
        own, notes = str(index["key"]), {view: list(map(str, told)) for view, told in index["notes"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GeomsimError(f"{path}: damaged ({error}); delete {folder} and make the report again") from None
    if key is not None and own != key:
        return None
    return Maps(
        [_read_space(folder, number) for number in range(counts[0])],
        [_read_pair(folder / f"pair_{number}.parquet") for number in range(counts[1])],
        notes,
    )


def _save_space(space: SpaceRows, folder: Path, number: int) -> None:
    import pandas as pd

    frame = pd.DataFrame(index=range(space.n_rows))
    if space.ids is not None:
        frame["id"] = list(space.ids)
    if space.places is not None:
        frame["x"], frame["y"] = space.places.T
    if space.tokens is not None:
        frame["tokens"] = [list(each) for each in space.tokens]
    note = {
        "name": space.name, "n_rows": space.n_rows, "what": space.what, "layout": space.layout,
        "contexts": space.contexts is not None, "columns": _put_columns(frame, space.columns),
    }  # fmt: skip
    write_parquet(frame, folder / f"space_{number}.parquet", metadata=note)
    if space.contexts is not None:
        rows = [
            (row, each.value, each.document, list(each.pieces), list(each.activations), each.focus)
            for row, found in space.contexts.items()
            for each in found
        ]
        write_parquet(pd.DataFrame(rows, columns=list(_CONTEXT)), folder / f"contexts_{number}.parquet")


def _read_space(folder: Path, number: int) -> SpaceRows:
    frame, note = read_table(folder / f"space_{number}.parquet")
    contexts: dict[int, list[Context]] | None = None
    if note["contexts"]:
        contexts = {}
        table = read_table(folder / f"contexts_{number}.parquet")[0]
        columns = [table[name].tolist() for name in _CONTEXT]
        for row, value, document, pieces, activations, focus in zip(*columns, strict=True):
            found = Context(value, document, tuple(pieces), tuple(map(float, activations)), focus)
            contexts.setdefault(row, []).append(found)
    return SpaceRows(
        name=note["name"],
        n_rows=note["n_rows"],
        what=note["what"],
        places=frame[["x", "y"]].to_numpy(np.float64) if "x" in frame else None,
        layout=note["layout"],
        ids=frame["id"].tolist() if "id" in frame else None,
        tokens=[list(map(str, each)) for each in frame["tokens"]] if "tokens" in frame else None,
        contexts=contexts,
        columns=_columns_of(frame, note["columns"]),
    )


def _save_pair(pair: SpacePair, path: Path) -> None:
    import pandas as pd

    note: dict[str, Any] = {
        "name": pair.name, "left": pair.left, "right": pair.right, "labels": plain(pair.labels), "align": pair.align,
        "alignment": pair.alignment, "links": None,
    }  # fmt: skip
    frame = pd.DataFrame()
    if pair.links is not None:
        frame["left"], frame["right"] = pair.links.left, pair.links.right
        if pair.links.weight is not None:
            frame["weight"] = pair.links.weight
        note["links"] = {"weight_name": pair.links.weight_name, "columns": _put_columns(frame, pair.links.columns)}
    write_parquet(frame, path, metadata=note)


def _read_pair(path: Path) -> SpacePair:
    frame, note = read_table(path)
    links = None
    if note["links"] is not None:
        links = Links(
            frame["left"].to_numpy(np.int64),
            frame["right"].to_numpy(np.int64),
            frame["weight"].to_numpy(np.float64) if "weight" in frame else None,
            note["links"]["weight_name"],
            _columns_of(frame, note["links"]["columns"]),
        )
    a, b, c, d, e, f = note["align"] or (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    align = None if note["align"] is None else (a, b, c, d, e, f)
    return SpacePair(note["name"], note["left"], note["right"], note["labels"], links, align, note["alignment"])


def _put_columns(frame: pd.DataFrame, columns: Sequence[Column]) -> list[dict[str, Any]]:
    for column in columns:
        frame[_COLUMN + column.name] = column.values
    return [{"name": column.name, "categories": column.categories} for column in columns]


def _columns_of(frame: pd.DataFrame, described: Sequence[Mapping[str, Any]]) -> list[Column]:
    return [
        Column(
            each["name"],
            frame[_COLUMN + each["name"]].to_numpy(),
            None if each["categories"] is None else tuple(each["categories"]),
        )
        for each in described
    ]
