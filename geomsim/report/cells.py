"""The cells of a study's table that a figure shows: found, checked, and read whether they hold None or NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.look import number_text

if TYPE_CHECKING:
    import pandas as pd

Record = Mapping[str, Any]

LAYERS = ("left_layer", "right_layer")
GROUPS = ("left_group", "right_group")


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """GeomsimError, naming the columns that are missing, where there are any."""
    if missing := [column for column in dict.fromkeys(columns) if column not in table]:
        raise GeomsimError(
            f"the table has no column {', '.join(missing)}; this figure takes the table of a study, whose labels are "
            f"left_layer and right_layer. It has {', '.join(map(str, table.columns)) or 'no columns'}"
        )


def places_of(cells: Sequence[Record]) -> tuple[str, str]:
    """The labels that tell the places of a grid apart: groups of one space where all cells have them, else layers.

    One couple of groups in several layers is a grid of layers.
    """
    couples = {tuple(cell.get(label) for label in GROUPS) for cell in cells}
    grouped = all(isinstance(name, str) for couple in couples for name in couple)
    layered = all(label in cell for cell in cells for label in LAYERS)
    return GROUPS if grouped and (len(couples) > 1 or not layered) else LAYERS


def cells_of(table: pd.DataFrame, metric: str) -> list[Record]:
    """The rows of one metric; GeomsimError, naming the metrics there are, where it has none."""
    require_columns(table, ("metric",))
    cells = table[table["metric"] == metric].to_dict("records")
    if not cells:
        raise _no_rows(metric, table["metric"])
    return [{str(key): item for key, item in cell.items()} for cell in cells]


def records_of(results: pd.DataFrame | Iterable[Record], metric: str, keys: Sequence[str]) -> list[Record]:
    """The records of one metric, from a table or from mappings.

    Raises GeomsimError for a record without one of the keys, and for a metric that no record has.
    """
    if hasattr(results, "columns"):
        require_columns(results, ("metric", *keys))  # type: ignore[arg-type]
        return cells_of(results, metric)  # type: ignore[arg-type]
    if isinstance(results, Mapping) or not isinstance(results, Iterable):
        raise GeomsimError(f"this figure takes a table or a list of mappings, not one {type(results).__name__}")
    records = list(results)
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise GeomsimError(
                f"record {number} is a {type(record).__name__}; this figure takes a table or mappings, for example "
                '{"kind": "features", **comparison.to_dict()}'
            )
        if missing := [key for key in ("metric", *keys) if key not in record]:
            raise GeomsimError(
                f"record {number} has no {', '.join(missing)}; it has {', '.join(map(str, record)) or 'nothing'}"
            )
    chosen = [record for record in records if record["metric"] == metric]
    if not chosen:
        raise _no_rows(metric, (record["metric"] for record in records))
    return chosen


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


def interval_in(cell: Record, columns: tuple[str, str]) -> tuple[float, float] | None:
    """Both ends of the cell's interval, or None where an end is missing."""
    low, high = (number_in(cell, column) for column in columns)
    return None if low is None or high is None else (low, high)


def direction_of(cells: Iterable[Record]) -> str | None:
    """What a larger score means, from the first cell that says so; a failed cell does not."""
    return next((cell["larger_means"] for cell in cells if isinstance(cell.get("larger_means"), str)), None)


def is_noise_floor(cell: Record) -> bool:
    """Whether the score was judged by a noise floor, and not by chance."""
    return cell.get("null") == "noise-floor"


def reference_text(cell: Record) -> str:
    """The number that a score is read against: its mean by chance, or the noise floor; empty where there is none."""
    mean = number_in(cell, "null_mean")
    if mean is None:
        return ""
    return f"floor {number_text(mean)}" if is_noise_floor(cell) else f"chance {chance_text(mean)}"


def chance_text(mean: float) -> str:
    """A mean by chance as text; around zero it is sampling noise, and its exponent would look like news."""
    return number_text(mean) if abs(mean) >= 0.001 else "0.00"


def _no_rows(metric: str, metrics: Iterable[Any]) -> GeomsimError:
    found = ", ".join(dict.fromkeys(map(str, metrics)))
    return GeomsimError(f"the table has no rows for {metric!r}; its metrics are {found or 'none'}")
