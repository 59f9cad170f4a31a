"""Results as Markdown: tables, and the README from its template.

``python rendering.py`` writes README.md anew from README.template.md and results/*.json. In the template
``{{table NAME TABLE}}`` stands for a table, ``{{table NAME TABLE: COLUMN, COLUMN}}`` for some of its columns, and
``{{NAME TABLE | CASE | QUANTITY}}`` for one mean, as the table shows it.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_TITLES = {"significant": "p <= .05", "significant_within": "p <= .05 within clusters"}
_DECIMALS = {"chance_sd": 4}
_PLACE = re.compile(r"\{\{(.+?)\}\}")


def markdown(table: Mapping[str, Any], columns: Sequence[str] = ()) -> str:
    """A table of results; cells are mean and interval, or how many seeds of all. `columns`: titles, by default all."""
    titles = {title(name): name for row in table["rows"] for name in row["quantities"]}
    unknown = [each for each in columns if each not in titles]
    if unknown:
        raise KeyError(f"no column {', '.join(unknown)}; there are {', '.join(titles)}")
    shown = list(columns) or list(titles)
    header = [*table["case_columns"], *shown]
    rows = [
        [*row["case"], *(cell(titles[each], row["quantities"].get(titles[each])) for each in shown)]
        for row in table["rows"]
    ]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def title(name: str) -> str:
    """What a column is called."""
    return _TITLES.get(name, name.replace("_", " "))


def cell(name: str, quantity: Mapping[str, Any] | None) -> str:
    """Mean and interval, "18 of 20" for what was counted, or a dash where nothing is defined."""
    if quantity is None:
        return "-"
    values = quantity["values"]
    if isinstance(values[0], bool):
        return f"{sum(values)} of {len(values)}"
    if len(set(values)) == 1 and values[0] == int(values[0]):
        return f"{values[0]:.0f}"
    mean, low, high = (number(name, quantity[each], quantity["mean"]) for each in ("mean", "low", "high"))
    return mean if low == high else f"{mean} [{low}, {high}]"


def number(name: str, value: float, beside: float | None = None) -> str:
    """A number with three or so digits; with as many decimals as the mean `beside` which it stands."""
    size = abs(value if beside is None else beside)
    text = f"{value:.{_DECIMALS.get(name, 2 if size < 10 else 1 if size < 100 else 0)}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def results(name: str, folder: Path = _FOLDER) -> dict[str, Any]:
    """What an experiment wrote."""
    stored: dict[str, Any] = json.loads((folder / "results" / f"{name}.json").read_text())
    return stored


def quantity(stored: Mapping[str, Any], table: str, case: Sequence[str], name: str) -> dict[str, Any]:
    """One cell of one table, with mean, interval and values; KeyError with what there is."""
    rows = {tuple(row["case"]): row["quantities"] for row in stored["tables"][table]["rows"]}
    if tuple(case) not in rows:
        raise KeyError(f"{tuple(case)} is no row of {table}; there are {', '.join(map(str, rows))}")
    found: dict[str, Any] = rows[tuple(case)][name]
    return found


def readme(folder: Path = _FOLDER) -> str:
    """The README's text, from the template and the results."""

    def filled(place: re.Match[str]) -> str:
        words = place[1].strip()
        if words.startswith("table "):
            names, _, columns = words.removeprefix("table ").partition(":")
            name, table = names.split(maxsplit=1)
            return markdown(
                results(name, folder)["tables"][table], [each.strip() for each in columns.split(",") if each]
            )
        path, *case, column = (part.strip() for part in words.split("|"))
        name, table = path.split(maxsplit=1)
        found = quantity(results(name, folder), table, case, column)
        return cell(column, found) if isinstance(found["values"][0], bool) else number(column, found["mean"])

    text = _PLACE.sub(filled, (folder / "README.template.md").read_text())
    return "\n\n".join(_wrapped(paragraph) for paragraph in text.split("\n\n"))


def _wrapped(paragraph: str) -> str:
    """Prose in lines of at most 120 characters; tables, code, pictures and headings as they are."""
    if paragraph.startswith(("|", "`", "!", "#")):
        return paragraph
    filled = textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)
    return filled + "\n" * paragraph.endswith("\n")


if __name__ == "__main__":
    (_FOLDER / "README.md").write_text(readme())
