"""Heatmaps of layer pairs, one metric each, for papers and for the page.

Colour always means "more alike than chance": it is faintest at chance and strongest at the most alike, also where a
larger score means farther apart. Colour is never the only carrier: every cell shows its number, and chance beside it.

>>> import pandas as pd
>>> cell = {"metric": "rsa", "score": 0.4, "null_mean": 0.0, "null_sd": 0.05, "p_value": 0.001, "null": "shuffle"}
>>> labels = {"left_layer": 0, "right_layer": 1, "larger_means": "closer"}
>>> axes = layer_heatmap(pd.DataFrame([labels | cell]), "rsa")
>>> [text.get_text() for text in axes.texts]
['0.40***', 'chance 0.00', 'larger is closer']
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from geomsim.errors import GeomsimError
from geomsim.report.cells import (
    LAYERS,
    Record,
    cells_of,
    is_noise_floor,
    number_in,
    reference_text,
    refuse_doubles,
    require_columns,
)
from geomsim.report.look import LIGHT, MARKS_KEY, Look, direction_text, ink_on, number_text, ramp, significance_mark
from geomsim.report.panels import figure_of_panels, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = Literal["score", "corrected", "z"]

# The strongest colour stands for at least so many standard deviations: a panel of pure chance stays faint.
_LEAST_REACH = 5.0


def layer_heatmap(
    table: pd.DataFrame,
    metric: str,
    value: Value = "score",
    ax: Axes | None = None,
    *,
    p_column: str = "p_value",
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """Layer pairs of one metric: a row per left layer, a column per right layer, numbers and significance marks.

    Parameters
    ----------
    table
        at most one row per layer pair for this metric: filter by kind or subspace first.
    value
        "score" (with chance under it; a cell's colour starts at its own chance), "corrected" (0 chance, 1 identity) or
        "z" (in standard deviations of the null).
    p_column
        where the marks come from: "p_value" for each cell judged alone, or a column of corrected p-values.
    key
        whether the meaning of the marks is written below.

    Raises
    ------
    GeomsimError
        for missing columns, a metric that is not in the table, or two rows for one layer pair.
    """
    cells = _cells(table, metric, value, p_column)
    axes = ax if ax is not None else new_figure(*_panel_size(cells, below=0.55), look).add_subplot()
    rows, columns = (_ordered([cell[side] for cell in cells]) for side in ("left_layer", "right_layer"))
    shades, ends = _shades(cells, value)
    _draw_grid(axes, cells, shades, rows, columns, value, p_column, look)
    larger_means = next((cell["larger_means"] for cell in cells if isinstance(cell["larger_means"], str)), None)
    if all(number_in(cell, value) is None for cell in cells):
        reading = "no score" if value == "score" else f"no {value} value under this null"
    else:
        unit = (
            "z above the noise floor, "
            if ends is None
            else {"score": "", "corrected": "corrected, ", "z": "z, "}[value]
        )
        reading = unit + direction_text("closer" if value == "corrected" else larger_means)
    title_axes(axes, metric, reading, look)
    bottom = axes if ends is None else _draw_bar(axes, ends, look)
    if key:
        above = f"{bottom.get_xlabel()}\n" if bottom is axes else ""
        bottom.set_xlabel(above + _key_text(cells, p_column, look).replace("; ", "\n"), size=7.5, color=look.quiet)
    return axes


def layer_heatmaps(
    table: pd.DataFrame,
    metrics: Sequence[str],
    title: str = "",
    value: Value = "score",
    *,
    p_column: str = "p_value",
    columns: int = 3,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`layer_heatmap` per metric, `columns` to a row, with one key for the marks."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    cells = [cell for metric in metrics for cell in _cells(table, metric, value, p_column)]
    size = _panel_size(cells)

    def draw(metric: str, axes: Axes) -> None:
        layer_heatmap(table, metric, value, axes, p_column=p_column, key=False, look=look)

    return figure_of_panels(metrics, draw, size, title, _key_text(cells, p_column, look), columns, look)


def _panel_size(cells: Sequence[Record], below: float = 0.0) -> tuple[float, float]:
    """Inches for a heatmap whose cells have room for their numbers, with so much for a key below it."""
    n_left, n_right = (len({cell[side] for cell in cells}) for side in LAYERS)
    return max(3.4, 0.5 + 0.62 * n_right), 1.55 + below + (0.62 if n_right <= 5 else 0.5) * n_left


def _draw_grid(
    axes: Axes,
    cells: Sequence[Record],
    shades: Sequence[float | None],
    rows: Sequence[Any],
    columns: Sequence[Any],
    value: Value,
    p_column: str,
    look: Look,
) -> None:
    from matplotlib.patches import Rectangle

    colours = ramp(look)
    crowded = len(columns) > 5
    size = 7 if crowded else 10.5
    for cell, shade in zip(cells, shades, strict=True):
        row, column = rows.index(cell["left_layer"]), columns.index(cell["right_layer"])
        number = number_in(cell, value)
        face = look.paper if shade is None or number is None else colours(shade)
        edge = look.line if face == look.paper else look.paper
        hatch = "////" if number is None else None
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=edge, lw=1.5, hatch=hatch))
        ink = ink_on(face)
        below = reference_text(cell) if value == "score" and number is not None and not crowded else ""
        text = number_text(number) + ("" if number is None else significance_mark(number_in(cell, p_column)))
        axes.text(column, row - 0.1 * bool(below), text, ha="center", va="center", size=size, color=ink)
        if below:
            axes.text(column, row + 0.24, below, ha="center", va="center", size=7, color=ink)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [str(label) for label in columns])
    axes.set_yticks(range(len(rows)), [str(label) for label in rows])
    axes.set_xlabel("right layer", size=8.5, color=look.quiet)
    axes.set_ylabel("left layer", size=8.5, color=look.quiet)
    axes.tick_params(length=0, labelsize=9, labelcolor=look.ink)
    quiet_frame(axes, look)


def _draw_bar(axes: Axes, ends: tuple[str, str], look: Look) -> Axes:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = axes.get_figure(root=False)
    if figure is None:
        raise GeomsimError("the Axes belongs to no figure; make it with Figure().add_subplot()")
    shades = ScalarMappable(Normalize(0, 1), ramp(look, steps=16))
    bar = figure.colorbar(shades, ax=axes, orientation="horizontal", fraction=0.05, pad=0.02, aspect=34, shrink=0.9)
    bar.outline.set_visible(False)
    # Without edges of their own colour, neighbours in a vector file show the paper between them.
    if bar.solids is not None:
        bar.solids.set_edgecolor("face")
    bar.set_ticks([0.0, 1.0], labels=list(ends))
    first, last = bar.ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    bar.ax.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    return bar.ax


def _shades(cells: Sequence[Record], value: Value) -> tuple[list[float | None], tuple[str, str] | None]:
    """How alike a cell is, from 0 (chance or worse) to 1, or None for no colour; and the ramp's two ends in words."""
    numbers = [number_in(cell, value) for cell in cells]
    known = [cell for cell, number in zip(cells, numbers, strict=True) if number is not None]
    if not known:
        return [None] * len(cells), None
    sign = -1.0 if known[0]["larger_means"] == "farther" and value != "corrected" else 1.0
    floors = {is_noise_floor(cell) for cell in known}
    if len(floors) > 1:
        raise GeomsimError(f"{known[0]['metric']} was judged by a noise floor in some cells only; draw them apart")
    references = [number_in(cell, "null_mean") for cell in cells]
    best = max(sign * number for number in numbers if number is not None)
    if value == "corrected":
        return [_within(number, 0.0, 1.0) for number in numbers], ("0: chance", "1: identical")
    if floors == {True}:
        if value == "z":
            return [None] * len(cells), None
        return [
            None if number is None or not floor else (_ratio(floor, number) if sign < 0 else _ratio(number, floor))
            for number, floor in zip(numbers, references, strict=True)
        ], ("far above the floor" if sign < 0 else "far below the floor", _reference_range(known))
    if value == "z":
        best = max(best, _LEAST_REACH)
        return [_within(number, 0.0, sign * best) for number in numbers], ("0: chance", number_text(sign * best))
    if all(reference is None for reference in references):
        worst = min(sign * number for number in numbers if number is not None)
        ends = (f"{number_text(sign * worst)} (no null)", number_text(sign * best))
        return [_within(number, sign * worst, sign * best) for number in numbers], ends
    for cell, reference in zip(cells, references, strict=True):
        if reference is not None:
            best = max(best, sign * reference + _LEAST_REACH * (number_in(cell, "null_sd") or 0.0))
    return [
        None if reference is None else _within(number, reference, sign * best)
        for number, reference in zip(numbers, references, strict=True)
    ], (_reference_range(known), number_text(sign * best))


def _reference_range(cells: Sequence[Record]) -> str:
    """Chance or the floor in words, from the smallest to the largest; crowded cells have no room for their own."""
    known = [cell for cell in cells if number_in(cell, "null_mean") is not None]
    texts = [reference_text(cell) for cell in sorted(known, key=lambda cell: float(cell["null_mean"]))]
    first, last = texts[0], texts[-1]
    return first if first == last else f"{first} to {last.split()[-1]}"


def _within(number: float | None, start: float, end: float) -> float | None:
    """Where a number lies between start (0) and end (1), cut off at both; end may be below start."""
    if number is None:
        return None
    return min(1.0, max(0.0, (number - start) / (end - start))) if end != start else 0.0


def _ratio(small: float, large: float) -> float:
    return 1.0 if large <= small else max(0.0, small / large)


def _key_text(cells: Sequence[Record], p_column: str, look: Look) -> str:
    judged = "each cell judged alone" if p_column == "p_value" else f"from {p_column}"
    marks = f"{MARKS_KEY}; {judged}"
    if all(number_in(cell, p_column) is None for cell in cells):
        marks = "no p-values, hence no marks"
    return f"{marks}; {look.stronger} is closer"


def _cells(table: pd.DataFrame, metric: str, value: Value, p_column: str) -> list[Record]:
    require_columns(
        table, (*LAYERS, "metric", "score", value, "larger_means", "null", "null_mean", "null_sd", p_column)
    )
    cells = cells_of(table, metric)
    refuse_doubles(cells, metric, LAYERS)
    return cells


def _ordered(labels: Sequence[Any]) -> list[Any]:
    """Numbers by size, other labels as they first occur."""
    distinct = list(dict.fromkeys(labels))
    return sorted(distinct) if all(isinstance(label, int | float) for label in distinct) else distinct
