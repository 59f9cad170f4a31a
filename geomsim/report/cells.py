"""The cells of a study's table that a figure shows: found, checked, and read whether they hold None or NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.look import number_text

if TYPE_CHECKING:
    import pandas as pd

Record = Mapping[str, Any]

LAYERS = ("left_layer", "right_layer")


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """GeomsimError, naming the columns that are missing, where there are any."""
    if missing := [column for column in dict.fromkeys(columns) if column not in table]:
        raise GeomsimError(
            f"the table has no column {', '.join(missing)}; this figure takes the table of a study, whose labels are "
            f"left_layer and right_layer. It has {', '.join(map(str, table.columns)) or 'no columns'}"
        )


def cells_of(table: pd.DataFrame, metric: str) -> list[Record]:
    """The rows of one metric; GeomsimError, naming the metrics there are, where it has none."""
    require_columns(table, ("metric",))
    cells = table[table["metric"] == metric].to_dict("records")
    if not cells:
        found = ", ".join(dict.fromkeys(map(str, table["metric"])))
        raise GeomsimError(f"the table has no rows for {metric!r}; its metrics are {found or 'none'}")
    return [{str(key): item for key, item in cell.items()} for cell in cells]


def refuse_doubles(cells: Sequence[Record], metric: str, labels: Sequence[str]) -> None:
    """GeomsimError where two cells have the same labels, of which a figure can show only one."""
    places = [tuple(cell[label] for label in labels) for cell in cells]
    if double := next((place for place in places if places.count(place) > 1), None):
        where = ", ".join(f"{label} {item}" for label, item in zip(labels, double, strict=True))
        raise GeomsimError(
            f"{metric} has {places.count(double)} rows for {where}, and this figure shows one: filter the table first, "
            'for example table[table["kind"] == "features"], or one set of parameters'
        )


def number_in(cell: Record, column: str) -> float | None:
    """The cell's number, or None where the table holds None or NaN (a CSV read back has NaN)."""
    number = cell.get(column)
    return None if number is None or math.isnan(number) else float(number)


def is_noise_floor(cell: Record) -> bool:
    """Whether the score was judged by a noise floor, and not by chance."""
    return cell.get("null") == "noise-floor"


def reference_text(cell: Record) -> str:
    """The number that a score is read against: its mean by chance, or the noise floor; empty where there is none."""
    mean = number_in(cell, "null_mean")
    if mean is None:
        return ""
    if is_noise_floor(cell):
        return f"floor {number_text(mean)}"
    # The mean of a null around zero is sampling noise; its exponent would look like news.
    return f"chance {number_text(mean) if abs(mean) >= 0.001 else '0.00'}"
