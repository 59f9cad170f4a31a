"""Bars of the kinds of space beside each other (features, neurons, second seed), each above its own chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geomsim.errors import GeomsimError
from geomsim.report.cells import (
    LAYERS,
    Record,
    cells_of,
    direction_of,
    interval_in,
    is_noise_floor,
    number_in,
    refuse_doubles,
    require_columns,
)
from geomsim.report.flags import wrapped
from geomsim.report.look import LIGHT, Look, direction_text
from geomsim.report.panels import COLUMN, figure_of_panels, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL = 90.0  # points: a longer name of a kind is set in several lines


def paired_bars(
    table: pd.DataFrame,
    metric: str,
    ax: Axes | None = None,
    *,
    by: str = "kind",
    kinds: Sequence[str] | None = None,
    interval: tuple[str, str] = ("low", "high"),
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """Scores of several kinds of space (features, neurons, second seed) by one metric, each above its own chance.

    A coloured bar is the mean score over the layer pairs of that kind, and each dot is one layer pair. The grey bar
    below it is the mean by chance over the same pairs; its whisker is one standard deviation by chance, the root mean
    square of theirs. Cells without a score are left out and counted in the label of their kind. Where the table has
    columns of intervals, named by `interval`, each dot has its own. `key` says whether all this is explained below.

    Raises
    ------
    GeomsimError
        for missing columns, a metric that is not in the table, a kind that the metric was not scored on, or two rows
        for one layer pair of a kind.
    """
    import numpy as np

    require_columns(table, ("metric", by, *LAYERS, "score", "larger_means", "null", "null_mean", "null_sd"))
    cells = cells_of(table, metric)
    refuse_doubles(cells, metric, (by, *LAYERS))
    found = list(dict.fromkeys(str(cell[by]) for cell in cells))
    shown = list(kinds) if kinds is not None else found
    if missing := [kind for kind in shown if kind not in found]:
        raise GeomsimError(f"{metric} was not scored on {by} {', '.join(missing)}; the table has {', '.join(found)}")
    axes = ax if ax is not None else new_figure(COLUMN, 0.95 + 0.5 * key + 0.5 * len(shown), look).add_subplot()
    labels = []
    for place, kind in enumerate(shown):
        group = [cell for cell in cells if str(cell[by]) == kind]
        scored = [cell for cell in group if number_in(cell, "score") is not None]
        name = wrapped(kind, _LABEL, 9.0)
        labels.append(name if len(scored) == len(group) else f"{name}\n({len(scored)} of {len(group)} scored)")
        if not scored:
            continue
        scores = [float(cell["score"]) for cell in scored]
        colour = look.bars[place % len(look.bars)]
        axes.barh(place - 0.14, float(np.mean(scores)), 0.36, color=colour, zorder=2)
        ends = [interval_in(cell, interval) for cell in scored]
        # Dots on one height hide each other's intervals; without any, the height would mean nothing.
        heights = np.linspace(-0.13, 0.13, len(scores)) if any(ends) and len(scores) > 1 else np.zeros(len(scores))
        for height, pair in zip(heights, ends, strict=True):
            if pair is not None:
                axes.plot(pair, [place - 0.14 + height] * 2, color=look.ink, lw=1.0, zorder=3)
        axes.plot(scores, place - 0.14 + heights, "o", ms=3.6, mfc=look.paper, mec=look.ink, mew=0.7, zorder=4)
        chance = [mean for cell in scored if (mean := number_in(cell, "null_mean")) is not None]
        spread = [sd for cell in scored if (sd := number_in(cell, "null_sd")) is not None]
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
    quiet_frame(axes, look)
    title_axes(axes, metric, direction_text(direction_of(cells)), look)
    if key:
        axes.set_xlabel(_key(cells, interval).replace("; ", "\n"), size=7.5, color=look.quiet)
    return axes


def paired_bar_panels(
    table: pd.DataFrame,
    metrics: Sequence[str],
    title: str = "",
    *,
    by: str = "kind",
    kinds: Sequence[str] | None = None,
    interval: tuple[str, str] = ("low", "high"),
    columns: int = 2,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`paired_bars` per metric, each on its own scale, with one line that says what bars and dots are."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    n_kinds = len(kinds) if kinds is not None else len(set(table[by])) if by in table else 1
    key = _key([cell for metric in metrics for cell in cells_of(table, metric)], interval)

    def draw(metric: str, axes: Axes) -> None:
        paired_bars(table, metric, axes, by=by, kinds=kinds, interval=interval, key=False, look=look)

    return figure_of_panels(metrics, draw, (3.4, 0.85 + 0.45 * n_kinds), title, key, columns, look)


def _key(cells: Sequence[Record], interval: tuple[str, str]) -> str:
    """What bars, dots and lines mean, of those that occur."""
    scored = [cell for cell in cells if number_in(cell, "score") is not None]
    parts = ["coloured: mean score", "dot: a layer pair"]
    parts += ["line: its interval"] if any(interval_in(cell, interval) for cell in scored) else []
    judged = [cell for cell in scored if number_in(cell, "null_mean") is not None]
    if judged:
        floors = [is_noise_floor(cell) for cell in judged]
        grey = "noise floor" if all(floors) else "by chance, or noise floor" if any(floors) else "by chance"
        # Where chance is 0 its bar has no length, and the whisker stands alone.
        spread = ", whisker ± 1 sd" * any(number_in(cell, "null_sd") for cell in judged)
        parts.append(f"grey: {grey}{spread}")
    return "; ".join(parts)
