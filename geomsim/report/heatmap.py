"""Heatmaps of layer pairs, or of groups of one space, one metric each, for papers and for the page.

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
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.cells import (
    Record,
    cells_of,
    direction_of,
    number_in,
    places_of,
    reference_text,
    refuse_doubles,
    require_columns,
)
from geomsim.report.flags import text_width, wrapped
from geomsim.report.heatmap_key import HATCHES, blanks, is_empty, key_text
from geomsim.report.look import LIGHT, Look, direction_text, ink_on, number_text, ramp, significance_mark
from geomsim.report.panels import (
    COLUMN,
    figure_of,
    figure_of_panels,
    new_figure,
    quiet_frame,
    title_axes,
    width_of,
)
from geomsim.report.shades import Value, shades_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_LABEL = 90.0  # points: a longer name of a left layer is set in several lines
_ROOMY = 5  # columns: so many have room for chance below the score
_SMALLEST = 4.5  # points: numbers set smaller than this are left out, and the key says so


def layer_heatmap(
    table: pd.DataFrame,
    metric: str,
    value: Value = "score",
    ax: Axes | None = None,
    *,
    significance: str = "p_value",
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """Layer pairs of one metric: a row per left layer, a column per right layer, numbers and significance marks.

    Where the table compares groups of one space (labels left_group and right_group), rows and columns are these.

    Parameters
    ----------
    table
        at most one row per layer pair, or couple of groups, for this metric: filter by kind or subspace first.
    value
        "score" (with chance under it; a cell's colour starts at its own chance), "corrected" (0 chance, 1 identity) or
        "z" (in standard deviations of the null).
    significance
        the column that the marks come from: "p_value" for each cell judged alone, or one of corrected p-values, such as
        "holm". The key names it.
    key
        whether the meaning of marks, hatches and blanks is written below.

    Raises
    ------
    GeomsimError
        for missing columns, a metric that is not in the table, or two rows for one place.
    """
    cells = _cells(table, metric, value, significance)
    axes = ax if ax is not None else new_figure(*_panel_size(cells, below=0.55), look).add_subplot()
    rows, columns = (_ordered([cell[side] for cell in cells]) for side in places_of(cells))
    shades, ends = shades_of(cells, value)
    roomy = _draw_grid(axes, cells, shades, rows, columns, value, significance, look)
    larger_means = direction_of(cells)
    if all(number_in(cell, value) is None for cell in cells):
        reading = "no score" if value == "score" else f"no {value} value under this null"
    else:
        unit = (
            "z above the noise floor, "
            if ends is None
            else {"score": "", "corrected": "corrected, ", "z": "z, "}[value]
        )
        reading = unit + direction_text("closer" if value == "corrected" else larger_means)
    title_axes(axes, metric, reading + "; numbers: no room" * (not roomy), look)
    bottom = axes if ends is None else _draw_bar(axes, ends, look)
    if key:
        above = f"{bottom.get_xlabel()}\n" if bottom is axes else ""
        below = key_text([cells], significance, value, look).replace("; ", "\n")
        bottom.set_xlabel(above + below, size=7.5, color=look.quiet)
    return axes


def layer_heatmaps(
    table: pd.DataFrame,
    metrics: Sequence[str],
    title: str = "",
    value: Value = "score",
    *,
    significance: str = "p_value",
    columns: int = 2,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`layer_heatmap` per metric, `columns` to a row, with one key for the marks."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    every = [_cells(table, metric, value, significance) for metric in metrics]
    cells = [cell for group in every for cell in group]
    size = _panel_size(cells)

    def draw(metric: str, axes: Axes) -> None:
        layer_heatmap(table, metric, value, axes, significance=significance, key=False, look=look)

    return figure_of_panels(metrics, draw, size, title, key_text(every, significance, value, look), columns, look)


def _panel_size(cells: Sequence[Record], below: float = 0.0) -> tuple[float, float]:
    """Inches for a heatmap whose cells have room for their numbers, with so much for a key below it."""
    n_left, n_right = (len({cell[side] for cell in cells}) for side in places_of(cells))
    column, row = (0.62, 0.62) if n_right <= _ROOMY else (0.5, 0.45)
    return max(COLUMN, 0.5 + column * n_right), 1.55 + below + row * n_left


def _draw_grid(
    axes: Axes,
    cells: Sequence[Record],
    shades: Sequence[float | None],
    rows: Sequence[Any],
    columns: Sequence[Any],
    value: Value,
    significance: str,
    look: Look,
) -> bool:
    """Draw all cells, and say whether their numbers found room."""
    from matplotlib.patches import Rectangle

    colours = ramp(look)
    crowded = len(columns) > _ROOMY
    numbers = [number_text(number_in(cell, value)) for cell in cells]
    marks = [significance_mark(number_in(cell, significance)) for cell in cells]
    left_label, right_label = places_of(cells)
    widest = max(len(number + mark) for number, mark in zip(numbers, marks, strict=True))
    room = 1.1 * width_of(axes) / len(columns)
    size = min(7.0 if crowded else 10.5, 1.5 * room / widest)
    roomy = size >= _SMALLEST
    for cell, shade, shown, mark in zip(cells, shades, numbers, marks, strict=True):
        row, column = rows.index(cell[left_label]), columns.index(cell[right_label])
        number = number_in(cell, value)
        face = look.paper if shade is None or number is None else colours(shade)
        edge = look.line if face == look.paper else look.paper
        hatch = None if number is not None else HATCHES[is_empty(cell)]
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=edge, lw=1.5, hatch=hatch))
        ink = ink_on(face)
        below = reference_text(cell) if value == "score" and number is not None and not crowded else ""
        # Chance is left out as a whole where it finds no room, and then stands below the ramp alone.
        below = below if 1.6 * room / max(1, len(below)) >= _SMALLEST else ""
        text = (shown if roomy else "") + (mark if number is not None else "")
        axes.text(
            column, row - 0.1 * bool(below), text, ha="center", va="center", size=max(size, _SMALLEST), color=ink,
            bbox=None if number is not None else {"fc": look.paper, "ec": "none", "pad": 1.0},
        )  # fmt: skip
        if below:
            small = min(7.0, 1.6 * room / len(below))
            axes.text(column, row + 0.24, below, ha="center", va="center", size=small, color=ink)
    for left, right in blanks(cells):
        corner = (columns.index(right) - 0.5, rows.index(left) - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=look.paper, edgecolor=look.quiet, lw=0.5, ls=":", zorder=0.5))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    names = [str(label) for label in columns]
    if max(text_width(name, 9.0) for name in names) > 0.85 * room:
        axes.set_xticks(range(len(columns)), names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(range(len(columns)), names)
    axes.set_yticks(range(len(rows)), [wrapped(str(label), _ROW_LABEL, 9.0) for label in rows])
    axes.set_xlabel(right_label.replace("_", " "), size=8.5, color=look.quiet)
    axes.set_ylabel(left_label.replace("_", " "), size=8.5, color=look.quiet)
    axes.tick_params(length=0, labelsize=9, labelcolor=look.ink)
    quiet_frame(axes, look)
    return roomy


def _draw_bar(axes: Axes, ends: tuple[str, str], look: Look) -> Axes:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = figure_of(axes)
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


def _cells(table: pd.DataFrame, metric: str, value: Value, significance: str) -> list[Record]:
    cells = cells_of(table, metric)
    places = places_of(cells)
    require_columns(table, (*places, "score", value, "larger_means", "null", "null_mean", "null_sd", significance))
    refuse_doubles(cells, metric, places)
    return cells


def _ordered(labels: Sequence[Any]) -> list[Any]:
    """Numbers by size, other labels as they first occur."""
    distinct = list(dict.fromkeys(labels))
    return sorted(distinct) if all(isinstance(label, int | float) for label in distinct) else distinct
