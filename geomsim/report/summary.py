"""One static HTML page that says what a study found: words, pictures, tables, pairs to read, warnings, provenance.

The page asks nothing of anybody: no script, no request (pictures are data URIs, and its content-security policy allows
nothing else), so it opens from a disk and can be mailed. Whatever text it is given is shown as text. It holds no time
and no path of its own: the same input gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.visible_text import visible, visible_token
from geomsim.errors import GeomsimError
from geomsim.report.cells import reference_text
from geomsim.report.look import (
    DARK,
    LIGHT,
    MARKS_KEY,
    MINUS,
    NO_NUMBER,
    Look,
    direction_text,
    number_text,
    significance_mark,
)
from geomsim.report.saving import svg

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Context = tuple[str, str, str]  # text before, the token itself, text after


@dataclass(frozen=True)
class Noted:
    """A table cell with a quiet second line, such as a score and chance below it; `mark` hangs behind the number."""

    text: str
    note: str = ""
    mark: str = ""


Item = str | int | float | Noted | None


@dataclass(frozen=True)
class Table:
    """A table: its first column names the rows; a column of numbers is set flush right.

    `notes` stand below it, one line each.
    """

    caption: str
    columns: Sequence[str | Noted]
    rows: Sequence[Sequence[Item]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """A figure as SVG, with what it shows in words (`alt`) for those who cannot see it.

    The variants for dark and for narrow screens are optional; :meth:`drawn` makes all four.
    """

    alt: str
    svg: bytes
    caption: str
    dark: bytes | None = None
    narrow: bytes | None = None
    narrow_dark: bytes | None = None

    @classmethod
    def drawn(cls, draw: Callable[[Look, int], Figure], *, alt: str, caption: str, columns: int = 3) -> Picture:
        """Call `draw` with a look and a number of columns for each kind of screen.

        For example ``Picture.drawn(lambda look, columns: layer_heatmaps(table, metrics, look=look, columns=columns),
        alt=..., caption=...)``.
        """
        wide, dark, narrow, narrow_dark = (
            svg(draw(look, number)) for number in (columns, 1) for look in (LIGHT, DARK)
        )  # fmt: skip
        return cls(alt, wide, caption, dark, narrow, narrow_dark)


@dataclass(frozen=True)
class ReadablePair:
    """Two rows that belong together, their correlation, and the tokens on which each is strongest, in context."""

    left: str
    right: str
    r: float
    left_contexts: Sequence[Context]
    right_contexts: Sequence[Context]


def write_summary(
    path: str | Path,
    *,
    title: str,
    sentences: Sequence[str],
    tables: Sequence[Table] = (),
    figures: Sequence[Picture] = (),
    pairs: Sequence[ReadablePair] = (),
    provenance: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write the page and return its path; the file appears whole or not at all.

    Parameters
    ----------
    sentences
        what was found, in words; the first three make the first screen.
    notes
        warnings that a reader must know; equal ones are shown once, with how often they occur.
    provenance
        by heading, what the numbers depend on: mappings of plain values become lists, everything else JSON.

    Raises
    ------
    GeomsimError
        for a table whose rows do not fit its columns, a picture without words or not SVG, or provenance that JSON
        cannot hold.
    """
    path = Path(path)
    page = _environment().from_string(files("geomsim.report").joinpath("summary.html.jinja").read_text("utf-8"))
    html = page.render(
        title=title,
        sentences=list(sentences),
        tables=[_checked(table) for table in tables],
        figures=[_embedded(picture) for picture in figures],
        pairs=list(pairs),
        provenance=[_facts(heading, content) for heading, content in (provenance or {}).items()],
        notes=list(Counter(notes).items()),
        paper={"light": LIGHT.paper, "dark": DARK.paper},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(html.encode("utf-8"))
    part.replace(path)
    return path


def score_tables(table: pd.DataFrame, by: str = "kind") -> list[Table]:
    """A study's table for reading: one table per kind, a row per layer pair, a column per metric, chance below a score.

    Cells without a score show a dash, and the reason stands below the table.

    Raises
    ------
    GeomsimError
        where a kind has two rows for one layer pair and metric.
    """
    needed = (
        by,
        "left_layer",
        "right_layer",
        "metric",
        "score",
        "p_value",
        "larger_means",
        "null",
        "null_mean",
        "n",
        "error",
    )
    if missing := [column for column in needed if column not in table]:
        raise GeomsimError(f"the table has no column {', '.join(missing)}; score_tables takes the table of a study")
    metrics = list(dict.fromkeys(table["metric"]))
    directions: dict[str, str | None] = {
        str(metric): next((word for word in group["larger_means"] if isinstance(word, str)), None)
        for metric, group in table.groupby("metric", sort=False)
    }
    return [
        _score_table(str(kind), group.to_dict("records"), metrics, directions)
        for kind, group in table.groupby(by, sort=False)
    ]


def _score_table(
    kind: str, cells: Sequence[Mapping[Any, Any]], metrics: Sequence[str], directions: Mapping[str, str | None]
) -> Table:
    rows: dict[tuple[Any, Any], dict[str, Mapping[Any, Any]]] = {}
    for cell in cells:
        row = rows.setdefault((cell["left_layer"], cell["right_layer"]), {})
        if cell["metric"] in row:
            raise GeomsimError(
                f"{kind} has two rows for {cell['metric']} at left layer {cell['left_layer']}, right layer "
                f"{cell['right_layer']}: tabulate one set of parameters at a time"
            )
        row[cell["metric"]] = cell
    failures = [
        f"Left layer {cell['left_layer']}, right layer {cell['right_layer']}, {cell['metric']}: {cell['error']}"
        for cell in cells
        if isinstance(cell["error"], str)
    ]
    body: list[list[Item]] = []
    for (left, right), row in rows.items():
        sizes = sorted({int(cell["n"]) for cell in row.values() if not _is_missing(cell["n"])})
        rows_text = NO_NUMBER if not sizes else f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        body.append([f"{left} and {right}", rows_text, *(_score_item(row.get(metric)) for metric in metrics)])
    headings = [Noted(metric, direction_text(directions[metric])) for metric in metrics]
    key = f"{MARKS_KEY}, each cell judged alone."
    return Table(kind.capitalize(), ["Layers, left and right", "Rows", *headings], body, [key, *failures])


def _score_item(cell: Mapping[Any, Any] | None) -> Item:
    if cell is None or _is_missing(cell["score"]):
        return None
    mark = significance_mark(None if _is_missing(cell["p_value"]) else float(cell["p_value"]))
    return Noted(number_text(float(cell["score"])), reference_text(cell), mark)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _checked(table: Table) -> dict[str, Any]:
    for number, row in enumerate(table.rows):
        if len(row) != len(table.columns):
            raise GeomsimError(
                f"table {table.caption!r}: row {number} has {len(row)} cells for {len(table.columns)} columns"
            )
    columns = [
        _Column(_item(heading), [_item(row[place]) for row in table.rows], first=place == 0)
        for place, heading in enumerate(table.columns)
    ]
    return {"caption": table.caption, "columns": columns, "n_rows": len(table.rows), "notes": table.notes}


@dataclass(frozen=True)
class _Column:
    heading: Noted
    items: Sequence[Noted]
    first: bool

    @property
    def classes(self) -> str:
        """Numbers stand flush right, and where some carry marks all leave room for them, so that digits align."""
        if self.first or not self.items or not all(_NUMBER.fullmatch(item.text.strip()) for item in self.items):
            return ""
        return "number marked" if any(item.mark for item in self.items) else "number"


_SIGN = f"[-+{MINUS}]?"
_NUMBER = re.compile(rf"(?:p )?[<=≤]? ?{_SIGN}\d[\d.,]*(?:e{_SIGN}\d+)?%?|{NO_NUMBER}|")


def _item(item: Item) -> Noted:
    if isinstance(item, Noted):
        return item
    return Noted(item if isinstance(item, str) else number_text(item), "")


def _embedded(picture: Picture) -> dict[str, Any]:
    if not picture.alt.strip():
        raise GeomsimError(f"the picture {picture.caption!r} has no words for those who cannot see it: give it alt=...")
    kinds = {
        "(prefers-color-scheme: dark) and (max-width: 44rem)": picture.narrow_dark,
        "(max-width: 44rem)": picture.narrow,
        "(prefers-color-scheme: dark)": picture.dark,
    }
    # A dark screen without a narrow dark variant must not fall through to the light narrow one.
    if picture.dark is not None and picture.narrow_dark is None:
        kinds.pop("(max-width: 44rem)")
    sources = [(media, _data_uri(content, picture)) for media, content in kinds.items() if content is not None]
    return {
        "alt": picture.alt,
        "caption": picture.caption,
        "sources": sources,
        "image": _data_uri(picture.svg, picture),
    }


def _data_uri(content: bytes, picture: Picture) -> str:
    text = content.decode("utf-8")
    root = re.search(r"<svg\b", text)
    if root is None:
        raise GeomsimError(f"the picture {picture.caption!r} is not SVG: it has no <svg> element")
    # Prolog, document type and comments say nothing to a browser.
    bare = re.sub(r"\s*\n\s*", " ", re.sub(r"<!--.*?-->", "", text[root.start() :], flags=re.DOTALL))
    return "data:image/svg+xml;base64," + base64.b64encode(bare.encode("utf-8")).decode("ascii")


def _facts(heading: str, content: Any) -> dict[str, Any]:
    plain = isinstance(content, Mapping) and all(
        isinstance(v, str | int | float | bool | None) for v in content.values()
    )
    if plain:
        return {"heading": heading, "items": [(str(key), str(value)) for key, value in content.items()], "json": None}
    try:
        return {"heading": heading, "items": None, "json": json.dumps(content, indent=1, ensure_ascii=False)}
    except TypeError as error:
        raise GeomsimError(f"provenance {heading!r} cannot be written as JSON: {error}") from None


def _digest(text: str) -> str:
    """The source expression by which a content-security policy allows one inline style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _environment() -> Any:
    from jinja2 import Environment, StrictUndefined

    def shown(value: Any) -> Any:
        return visible(value) if type(value) is str else value

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=shown
    )
    environment.filters |= {"token": visible_token, "number": number_text, "digest": _digest}
    return environment
