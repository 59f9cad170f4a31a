"""How the cells of a study become one tidy table, with p-values corrected for how many they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.comparison import Comparison
from geomsim.corrections import benjamini_hochberg, holm, step_down_max_t
from geomsim.nulls import Shuffle
from geomsim.study_parts import ALL
from geomsim.study_references import family_of, mark_references

if TYPE_CHECKING:
    import pandas as pd

_FOUND = (
    "score", "raw_score", "corrected", "low", "high", "interval", "larger_means", "null", "null_mean", "null_sd", "z",
    "p_value",
)  # fmt: skip
_ADJUSTED = ("holm", "bh", "maxt", "family")
_COST = ("draws", "seed", "seconds")
COLUMNS = (
    "left", "right", "subspace", "bucket", "metric", "parameters", "n",
    *_FOUND, *_ADJUSTED, *_COST, "warnings", "error",
)  # fmt: skip
_WHOLE = ("n", "draws", "seed")
_REAL = (
    "score",
    "raw_score",
    "corrected",
    "low",
    "high",
    "null_mean",
    "null_sd",
    "z",
    "p_value",
    "holm",
    "bh",
    "maxt",
    "seconds",
)
TEXT = tuple(name for name in COLUMNS if name not in (*_WHOLE, *_REAL))


@dataclass(frozen=True)
class Cell:
    """One comparison of a study: its labels, both sides by path or name, and what came out or why nothing did.

    Cells of one `family` share their rows and the orders of their shuffles.
    """

    labels: Mapping[str, Any]
    left: str
    right: str
    metric: str
    parameters: Mapping[str, Any]
    comparison: Comparison | None
    error: str | None = None
    subspace: str = ALL
    bucket: str = ALL
    null: str | None = None
    n: int | None = None
    family: str = ""
    pair: int | None = None
    """The number of the pair of spaces in the configuration, from 0."""


def records_of(cells: Sequence[Cell], models: Mapping[str, Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """One mapping per cell, None where there is nothing; all have the labels of all.

    Of a study that begins at `models` each also says whether it is a ``reference``.
    """
    labels = dict.fromkeys(label for cell in cells for label in cell.labels)
    rows = [{**labels, **_row(cell)} for cell in cells]
    if models:
        mark_references(rows, models)
    _adjust(rows, cells)
    return rows


def frame_of(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The records as a frame, with one type per column whatever is missing."""
    import pandas as pd

    frame = pd.DataFrame(records, dtype=object).infer_objects()
    # From the records, where whole numbers beside missing ones are still whole.
    for name in (*_WHOLE, *_REAL):
        values = [record[name] for record in records]
        frame[name] = pd.Series(values, dtype="Int64" if name in _WHOLE else "float64")
    for label in frame.columns.difference(list(COLUMNS)):
        # Parquet holds one type per column, and a layer may be 3 here and "embedding" there.
        if frame[label].dropna().map(type).nunique() > 1:
            frame[label] = frame[label].map(str, na_action="ignore")
    return frame


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {**cell.labels, **dict.fromkeys(COLUMNS)}
    row |= {"left": cell.left, "right": cell.right, "subspace": cell.subspace, "bucket": cell.bucket}
    row |= {"metric": cell.metric, "parameters": json.dumps(cell.parameters), "n": cell.n}
    row |= {"null": cell.null, "warnings": "", "error": cell.error}
    if cell.comparison is not None:
        full = cell.comparison.to_dict()
        row |= {key: full[key] for key in (*_FOUND, *_COST)}
        row |= {"warnings": "; ".join(full["warnings"])}
    return row


def _adjust(rows: Sequence[dict[str, Any]], cells: Sequence[Cell]) -> None:
    """Fill in the corrected p-values of all rows that have a p."""

    def tested(i: int) -> tuple[str, str, bool] | None:
        return None if rows[i]["p_value"] is None else family_of(rows[i])

    for places in _grouped(range(len(rows)), tested):
        p = [rows[i]["p_value"] for i in places]
        for i, by_holm, by_bh in zip(places, holm(p), benjamini_hochberg(p), strict=True):
            rows[i] |= {"holm": float(by_holm), "bh": float(by_bh)}

    def shared(i: int) -> tuple[str, ...] | None:
        cell = cells[i]
        found = cell.comparison
        if found is None or found.null is None or cell.null != Shuffle.name:
            return None
        # Groups restrict the orders of each part in its own way; only free orders of parts hang together.
        part = "" if found.null_kind == Shuffle.name else f"{cell.subspace} {cell.bucket}"
        return cell.family, *map(str, family_of(rows[i])), part, str(len(found.null))

    for places in _grouped(range(len(rows)), shared):
        found = [cells[i].comparison for i in places]
        signs = [1.0 if c is not None and c.larger_means == "closer" else -1.0 for c in found]
        observed = [sign * c.score for sign, c in zip(signs, found, strict=True) if c is not None]
        draws = [sign * c.null for sign, c in zip(signs, found, strict=True) if c is not None and c.null is not None]
        for i, p in zip(places, step_down_max_t(observed, np.stack(draws)), strict=True):
            # A test on few possible orders is never surer than one over their number, alone or among others.
            rows[i] |= {"maxt": max(float(p), float(rows[i]["p_value"])), "family": cells[i].family}


def _grouped(places: Sequence[int], key: Callable[[int], Any]) -> list[list[int]]:
    groups: dict[Any, list[int]] = {}
    for place in places:
        if (name := key(place)) is not None:
            groups.setdefault(name, []).append(place)
    return list(groups.values())
