"""A number at every setting of a sweep, as a field of cells: how stable a graph is, how alike two are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from geomsim.errors import GeomsimError
from geomsim.report.look import LIGHT, NO_NUMBER, Look, ink_on, number_text, ramp
from geomsim.report.panels import COLUMN, key_below, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def setting_field(
    values: ArrayLike,
    rows: Sequence[Any],
    columns: Sequence[Any],
    ax: Axes | None = None,
    *,
    row_name: str = "cubes",
    column_name: str = "overlap",
    title: str = "",
    reading: str = "",
    marked: tuple[int, int] | None = None,
    mark_name: str = "suggested setting",
    limits: tuple[float, float] | None = None,
    texts: Sequence[Sequence[str]] | None = None,
    darker_is_smaller: bool = False,
    look: Look = LIGHT,
) -> Axes:
    """Cells of a grid of settings, shaded by a number and with it written in.

    Parameters
    ----------
    values
        (rows, columns); NaN where there is no number: such cells stay blank.
    rows, columns
        the settings along both sides, such as cubes and overlaps.
    marked
        row and column of a cell with a frame, such as the suggested setting.
    limits
        numbers of the faintest and the strongest shade; the least and the largest value without.
    texts
        written into the cells in place of the numbers.
    darker_is_smaller
        for distances: the smallest number bears the strongest shade.

    Raises GeomsimError where the values do not fit the settings.

    >>> axes = setting_field([[0.1, 0.9]], rows=[5], columns=[0.2, 0.5], marked=(0, 1))
    >>> [text.get_text() for text in axes.texts if text.get_text()]
    ['0.10', '0.90']
    """
    field = np.asarray(values, dtype=np.float64)
    if field.shape != (len(rows), len(columns)):
        raise GeomsimError(
            f"{len(rows)} rows and {len(columns)} columns of settings need values of that shape, got {field.shape}"
        )
    height = 1.1 + 0.3 * len(rows)
    axes = ax if ax is not None else new_figure(COLUMN, height, look).add_subplot()
    known = field[np.isfinite(field)]
    low, high = limits or ((float(known.min()), float(known.max())) if len(known) else (0.0, 1.0))
    shades = np.clip((field - low) / (high - low or 1.0), 0.0, 1.0)
    colours = ramp(look)(np.nan_to_num(1.0 - shades if darker_is_smaller else shades))
    colours[~np.isfinite(field)] = [0, 0, 0, 0]
    axes.imshow(colours, aspect="auto", interpolation="nearest")
    for row, column in np.ndindex(*field.shape):
        number = float(field[row, column])
        text = texts[row][column] if texts is not None else number_text(number) if np.isfinite(number) else NO_NUMBER
        ink = ink_on(colours[row, column]) if np.isfinite(number) else look.quiet
        axes.text(column, row, text, ha="center", va="center", size=7.5, color=ink)
    axes.set_xticks(range(len(columns)), labels=[f"{each:g}" for each in columns])
    axes.set_yticks(range(len(rows)), labels=[f"{each:g}" for each in rows])
    axes.set_xlabel(column_name, size=8, color=look.quiet)
    axes.set_ylabel(row_name, size=8, color=look.quiet)
    axes.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    title_axes(axes, title, reading, look)
    if marked is not None:
        from matplotlib.patches import Rectangle

        frame = Rectangle(
            (marked[1] - 0.5, marked[0] - 0.5),
            1,
            1,
            fill=False,
            ec=look.bars[1],
            lw=2,
            zorder=3,
            label=mark_name,
            clip_on=False,
        )
        axes.add_patch(frame)
        key_below(axes, [frame], look)
    return axes
