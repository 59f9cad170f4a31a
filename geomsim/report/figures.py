"""Figures of a study's table, for papers and for the page.

Each function takes a table (the columns of `geomsim.Study.table`) and a matplotlib Axes, draws on it and returns it;
pyplot and the global rcParams are not touched. Colour always means "more alike than chance": it is faintest at chance
and strongest at the most alike, also where a larger score means farther apart. Colour is never the only carrier: every
cell shows its number, and chance beside it.

>>> import pandas as pd
>>> cell = {"metric": "rsa", "score": 0.4, "null_mean": 0.0, "null_sd": 0.05, "p_value": 0.001, "null": "shuffle"}
>>> labels = {"left_layer": 0, "right_layer": 1, "larger_means": "closer"}
>>> axes = layer_heatmap(pd.DataFrame([labels | cell]), "rsa")
>>> [text.get_text() for text in axes.texts]
['0.40***', 'chance 0.00', 'larger is closer']
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Value = Literal["score", "corrected", "z"]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """Colours of a figure: paper, ink, quiet ink, lines, the ramp from chance to most alike, one colour per bar.

    `stronger` is the word for the ramp's far end.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    chance: str
    ramp: tuple[str, ...]
    bars: tuple[str, ...]
    stronger: str = "darker"


# One hue whose lightness alone carries the order, so that it survives every kind of colour blindness and a grey print.
LIGHT = Look(
    paper="#ffffff", ink="#1b1e23", quiet="#565c66", line="#c9cdd3", chance="#b4b9c1",
    ramp=("#eef2f6", "#b3cee2", "#5d97c4", "#20639f", "#0a3561"), bars=("#1f6aa5", "#c7741c", "#1a8574", "#7d5ba6"),
)  # fmt: skip
DARK = Look(
    paper="#14171b", ink="#e8e8e5", quiet="#a9afb8", line="#3a4049", chance="#626974",
    ramp=("#242b34", "#28506f", "#3d83b3", "#86bce0", "#e2f1fb"), bars=("#5aa7e0", "#e39a4a", "#45b8a3", "#b193d8"),
    stronger="lighter",
)  # fmt: skip

# The strongest colour stands for at least so many standard deviations: a panel of pure chance stays faint.
_LEAST_REACH = 5.0
NO_NUMBER, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
_PLACE = ("left_layer", "right_layer")
MARKS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
MARKS_KEY = "* p ≤ .05   ** p ≤ .01   *** p ≤ .001"


def significance_mark(p_value: float | None) -> str:
    """`*` for p <= .05, `**` for p <= .01, `***` for p <= .001, nothing above or without a p-value.

    >>> [significance_mark(p) for p in (0.2, 0.05, 0.01, 0.001, None)]
    ['', '*', '**', '***', '']
    """
    if p_value is None or math.isnan(p_value):
        return ""
    return next((mark for bound, mark in MARKS if p_value <= bound), "")


def number_text(value: float | None) -> str:
    """A number as a person reads it in a table: two to three digits, a true minus sign, a dash for none.

    >>> number_text(0.6249), number_text(-12.34), number_text(0.0213), number_text(1500), number_text(None)
    ('0.62', '−12.3', '0.021', '1500', '–')
    """
    if value is None or math.isnan(value):
        return NO_NUMBER
    size = abs(value)
    if isinstance(value, Integral) or size == 0:
        text = f"{int(value):d}" if isinstance(value, Integral) else "0.00"
    elif size < 0.0995:
        text = f"{value:.3f}" if size >= 0.001 else f"{value:.1g}"
    else:
        text = f"{value:.{2 if size < 9.95 else 1 if size < 99.5 else 0}f}" if size < 1e6 else f"{value:.2g}"
    return text.replace("-", MINUS)


def direction_text(larger_means: str | None) -> str:
    """How to read a metric's number."""
    return {"closer": "larger is closer", "farther": "smaller is closer"}.get(larger_means or "", "no score")


def reference_text(cell: Record) -> str:
    """The number that a score is read against: its mean by chance, or the noise floor; empty where there is none."""
    mean = _number(cell, "null_mean")
    if mean is None:
        return ""
    if _is_floor(cell):
        return f"floor {number_text(mean)}"
    # The mean of a null around zero is sampling noise; its exponent would look like news.
    return f"chance {number_text(mean) if abs(mean) >= 0.001 else '0.00'}"


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
    axes = ax if ax is not None else _figure(*_panel_size(cells, below=0.55), look).add_subplot()
    rows, columns = (_ordered([cell[side] for cell in cells]) for side in ("left_layer", "right_layer"))
    shades, ends = _shades(cells, value)
    _draw_grid(axes, cells, shades, rows, columns, value, p_column, look)
    larger_means = next((cell["larger_means"] for cell in cells if isinstance(cell["larger_means"], str)), None)
    if all(_number(cell, value) is None for cell in cells):
        reading = "no score" if value == "score" else f"no {value} value under this null"
    else:
        unit = (
            "z above the noise floor, "
            if ends is None
            else {"score": "", "corrected": "corrected, ", "z": "z, "}[value]
        )
        reading = unit + direction_text("closer" if value == "corrected" else larger_means)
    _title(axes, metric, reading, look)
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

    return _panels(metrics, draw, size, title, _key_text(cells, p_column, look), columns, look)


def paired_bars(
    table: pd.DataFrame,
    metric: str,
    ax: Axes | None = None,
    *,
    by: str = "kind",
    kinds: Sequence[str] | None = None,
    look: Look = LIGHT,
) -> Axes:
    """Scores of several kinds of space (features, neurons, second seed) by one metric, each above its own chance.

    A coloured bar is the mean score over the layer pairs of that kind, and each dot is one layer pair. The grey bar
    below it is the mean by chance over the same pairs; its whisker is one standard deviation by chance, the root mean
    square of theirs. Cells without a score are left out and counted in the label of their kind.

    Raises
    ------
    GeomsimError
        for missing columns, a metric that is not in the table, a kind that the metric was not scored on, or two rows
        for one layer pair of a kind.
    """
    import numpy as np

    _require(table, ("metric", by, *_PLACE, "score", "larger_means", "null", "null_mean", "null_sd"))
    cells = _records(table, metric)
    _check_single(cells, metric, (by, *_PLACE))
    found = list(dict.fromkeys(str(cell[by]) for cell in cells))
    shown = list(kinds) if kinds is not None else found
    if missing := [kind for kind in shown if kind not in found]:
        raise GeomsimError(f"{metric} was not scored on {by} {', '.join(missing)}; the table has {', '.join(found)}")
    axes = ax if ax is not None else _figure(4.2, 0.9 + 0.62 * len(shown), look).add_subplot()
    labels = []
    for place, kind in enumerate(shown):
        group = [cell for cell in cells if str(cell[by]) == kind]
        scored = [cell for cell in group if _number(cell, "score") is not None]
        labels.append(kind if len(scored) == len(group) else f"{kind}\n({len(scored)} of {len(group)} scored)")
        if not scored:
            continue
        scores = [float(cell["score"]) for cell in scored]
        colour = look.bars[place % len(look.bars)]
        axes.barh(place - 0.14, float(np.mean(scores)), 0.36, color=colour, zorder=2)
        axes.plot(scores, [place - 0.14] * len(scores), "o", ms=3.6, mfc=look.paper, mec=look.ink, mew=0.7, zorder=4)
        chance = [mean for cell in scored if (mean := _number(cell, "null_mean")) is not None]
        spread = [sd for cell in scored if (sd := _number(cell, "null_sd")) is not None]
        if chance:
            whisker = float(np.sqrt(np.mean(np.square(spread)))) if spread else None
            axes.barh(
                place + 0.18, float(np.mean(chance)), 0.2, color=look.chance, zorder=2,
                xerr=whisker, error_kw={"ecolor": look.ink, "elinewidth": 1.0, "capsize": 2.0, "zorder": 3},
            )  # fmt: skip
    axes.set_yticks(range(len(shown)), labels, color=look.ink, size=9)
    axes.set_ylim(len(shown) - 0.45, -0.55)
    axes.axvline(0, color=look.line, lw=1, zorder=1)
    axes.grid(axis="x", color=look.line, lw=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, labelcolor=look.quiet)
    axes.tick_params(axis="y", labelsize=9, labelcolor=look.ink)
    axes.locator_params(axis="x", nbins=5)
    _quiet_frame(axes, look)
    larger_means = next((cell["larger_means"] for cell in cells if isinstance(cell["larger_means"], str)), None)
    _title(axes, metric, direction_text(larger_means), look)
    return axes


def paired_bar_panels(
    table: pd.DataFrame,
    metrics: Sequence[str],
    title: str = "",
    *,
    by: str = "kind",
    kinds: Sequence[str] | None = None,
    columns: int = 3,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`paired_bars` per metric, each on its own scale, with one line that says what bars and dots are."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    n_kinds = len(kinds) if kinds is not None else len(set(table[by])) if by in table else 1
    floor = any(_is_floor(cell) for metric in metrics for cell in _records(table, metric))
    key = f"coloured: mean score, a dot for each layer pair.\ngrey: by chance{', or noise floor' * floor}, ± 1 sd."

    def draw(metric: str, axes: Axes) -> None:
        paired_bars(table, metric, axes, by=by, kinds=kinds, look=look)

    wide = key.replace("\n", "  ") if columns > 1 else key
    return _panels(metrics, draw, (3.4, 0.85 + 0.45 * n_kinds), title, wide, columns, look)


def svg(figure: Figure) -> bytes:
    """The figure as SVG; the same figure gives the same bytes."""
    return _rendered(figure, "svg")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write the figure as .svg, .pdf (text stays text) or .png; the same figure gives the same bytes."""
    path = Path(path)
    if path.suffix not in (".svg", ".pdf", ".png"):
        raise GeomsimError(
            f"{path}: figures are written as .svg, .pdf or .png, not {path.suffix or 'without a suffix'}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(_rendered(figure, path.suffix[1:]))
    part.replace(path)
    return path


def _rendered(figure: Figure, kind: str) -> bytes:
    import matplotlib as mpl

    silent: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": None},
    }
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "geomsim", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(content, format=kind, metadata=silent[kind], facecolor=figure.get_facecolor(), dpi=200)
    return content.getvalue()


def _figure(width: float, height: float, look: Look) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor=look.paper)
    FigureCanvasAgg(figure)
    return figure


def _panels(
    metrics: Sequence[str],
    draw: Callable[[str, Axes], None],
    size: tuple[float, float],
    title: str,
    key: str,
    columns: int,
    look: Look,
) -> Figure:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = min(columns, len(metrics), max(1, int(columns * 3.4 / size[0])))
    height = -(-len(metrics) // width)
    figure = _figure(size[0] * width, size[1] * height + 0.35 + 0.4 * bool(title), look)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.04, hspace=0.06))
    for place, metric in enumerate(metrics):
        draw(metric, figure.add_subplot(height, width, place + 1))
    if title:
        figure.suptitle(title, size=12, weight="bold", color=look.ink)
    figure.supxlabel(key if width > 1 else key.replace("; ", "\n"), size=8, color=look.quiet)
    return figure


def _panel_size(cells: Sequence[Record], below: float = 0.0) -> tuple[float, float]:
    """Inches for a heatmap whose cells have room for their numbers, with so much for a key below it."""
    n_left, n_right = (len({cell[side] for cell in cells}) for side in _PLACE)
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

    colours = _ramp(look)
    crowded = len(columns) > 5
    size = 7 if crowded else 10.5
    for cell, shade in zip(cells, shades, strict=True):
        row, column = rows.index(cell["left_layer"]), columns.index(cell["right_layer"])
        number = _number(cell, value)
        face = look.paper if shade is None or number is None else colours(shade)
        edge = look.line if face == look.paper else look.paper
        hatch = "////" if number is None else None
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=edge, lw=1.5, hatch=hatch))
        ink = ink_on(face)
        below = reference_text(cell) if value == "score" and number is not None and not crowded else ""
        text = number_text(number) + ("" if number is None else significance_mark(_number(cell, p_column)))
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
    _quiet_frame(axes, look)


def _draw_bar(axes: Axes, ends: tuple[str, str], look: Look) -> Axes:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = axes.get_figure(root=False)
    if figure is None:
        raise GeomsimError("the Axes belongs to no figure; make it with Figure().add_subplot()")
    shades = ScalarMappable(Normalize(0, 1), _ramp(look, steps=16))
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
    numbers = [_number(cell, value) for cell in cells]
    known = [cell for cell, number in zip(cells, numbers, strict=True) if number is not None]
    if not known:
        return [None] * len(cells), None
    sign = -1.0 if known[0]["larger_means"] == "farther" and value != "corrected" else 1.0
    floors = {_is_floor(cell) for cell in known}
    if len(floors) > 1:
        raise GeomsimError(f"{known[0]['metric']} was judged by a noise floor in some cells only; draw them apart")
    references = [_number(cell, "null_mean") for cell in cells]
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
            best = max(best, sign * reference + _LEAST_REACH * (_number(cell, "null_sd") or 0.0))
    return [
        None if reference is None else _within(number, reference, sign * best)
        for number, reference in zip(numbers, references, strict=True)
    ], (_reference_range(known), number_text(sign * best))


def _reference_range(cells: Sequence[Record]) -> str:
    """Chance or the floor in words, from the smallest to the largest; crowded cells have no room for their own."""
    known = [cell for cell in cells if _number(cell, "null_mean") is not None]
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


def ink_on(colour: Any) -> str:
    """Black or white, whichever is easier to read on this colour; WCAG contrast is then at least 4.5."""
    return "#000000" if contrast(colour, "#000000") >= contrast(colour, "#ffffff") else "#ffffff"


def contrast(first: Any, second: Any) -> float:
    """WCAG 2 contrast ratio of two colours, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"), 6)
    21.0
    """
    from matplotlib.colors import to_rgb

    def luminance(colour: Any) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _ramp(look: Look, steps: int = 256) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("geomsim", list(look.ramp), N=steps)


def _title(axes: Axes, metric: str, reading: str, look: Look) -> None:
    # A blank second line keeps room for the quiet one, which has another size and colour.
    axes.set_title(f"{metric}\n ", size=10.5, weight="bold", color=look.ink, loc="left")
    axes.annotate(
        reading, (0, 1), (0, 6), "axes fraction", "offset points", size=8.5, color=look.quiet, ha="left", va="bottom"
    ).set_in_layout(False)


def _quiet_frame(axes: Axes, look: Look) -> None:
    axes.set_facecolor(look.paper)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _key_text(cells: Sequence[Record], p_column: str, look: Look) -> str:
    judged = "each cell judged alone" if p_column == "p_value" else f"from {p_column}"
    marks = f"{MARKS_KEY}; {judged}"
    if all(_number(cell, p_column) is None for cell in cells):
        marks = "no p-values, hence no marks"
    return f"{marks}; {look.stronger} is closer"


def _cells(table: pd.DataFrame, metric: str, value: Value, p_column: str) -> list[Record]:
    _require(table, (*_PLACE, "metric", "score", value, "larger_means", "null", "null_mean", "null_sd", p_column))
    cells = _records(table, metric)
    _check_single(cells, metric, _PLACE)
    return cells


def _check_single(cells: Sequence[Record], metric: str, labels: Sequence[str]) -> None:
    places = [tuple(cell[label] for label in labels) for cell in cells]
    if double := next((place for place in places if places.count(place) > 1), None):
        where = ", ".join(f"{label} {item}" for label, item in zip(labels, double, strict=True))
        raise GeomsimError(
            f"{metric} has {places.count(double)} rows for {where}, and this figure shows one: filter the table first, "
            'for example table[table["kind"] == "features"], or one set of parameters'
        )


def _records(table: pd.DataFrame, metric: str) -> list[Record]:
    _require(table, ("metric",))
    cells = table[table["metric"] == metric].to_dict("records")
    if not cells:
        found = ", ".join(dict.fromkeys(map(str, table["metric"])))
        raise GeomsimError(f"the table has no rows for {metric!r}; its metrics are {found or 'none'}")
    return [{str(key): item for key, item in cell.items()} for cell in cells]


def _require(table: pd.DataFrame, columns: Sequence[str]) -> None:
    if missing := [column for column in dict.fromkeys(columns) if column not in table]:
        raise GeomsimError(
            f"the table has no column {', '.join(missing)}; this figure takes the table of a study, whose labels are "
            f"left_layer and right_layer. It has {', '.join(map(str, table.columns)) or 'no columns'}"
        )


def _number(cell: Record, column: str) -> float | None:
    """The cell's number, or None where the table holds None or NaN (a CSV read back has NaN)."""
    number = cell.get(column)
    return None if number is None or math.isnan(number) else float(number)


def _is_floor(cell: Record) -> bool:
    return cell.get("null") == "noise-floor"


def _ordered(labels: Sequence[Any]) -> list[Any]:
    """Numbers by size, other labels as they first occur."""
    distinct = list(dict.fromkeys(labels))
    return sorted(distinct) if all(isinstance(label, int | float) for label in distinct) else distinct
