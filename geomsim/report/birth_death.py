"""A persistence diagram: births against deaths, and the line above which a bar is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from geomsim.errors import GeomsimError
from geomsim.report.look import LIGHT, Look, number_text
from geomsim.report.panels import COLUMN, key_below, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def birth_death(
    bars: ArrayLike,
    covering_radius: float = 0.0,
    ax: Axes | None = None,
    *,
    title: str = "Persistence diagram",
    what: str = "loops",
    limits: tuple[float, float] | None = None,
    look: Look = LIGHT,
) -> Axes:
    """Each bar as a dot at (birth, death); those above the dashed line, 4 covering radii over the diagonal, are real.

    Parameters
    ----------
    bars
        (bars, 2): birth and death, which may be infinite: such bars are triangles at the upper edge.
    covering_radius
        largest distance of a point to its nearest landmark; 0 where all points were used, and then the diagonal is the
        line.
    what
        what the bars stand for: components, loops, voids.
    limits
        of both axes, where several diagrams are to be compared.

    Raises GeomsimError for an array that is not (bars, 2).

    >>> axes = birth_death([[0.1, 1.7], [0.1, 0.2]], covering_radius=0.05)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['1 certain', '1 that landmarks may have made', 'certain above this line']
    """
    found = np.asarray(bars, dtype=np.float64)
    found = found.reshape(0, 2) if not found.size else found
    if found.ndim != 2 or found.shape[1] != 2:
        raise GeomsimError(f"bars are (bars, 2), a birth and a death each; got an array of shape {found.shape}")
    axes = ax if ax is not None else new_figure(COLUMN, COLUMN + 0.4, look).add_subplot()
    finite = found[np.isfinite(found).all(axis=1)]
    lowest = float(found[:, 0].min(initial=np.inf))
    highest = float(finite[:, 1].max(initial=float(found[:, 0].max(initial=1.0))))
    lowest = min(lowest, highest) if np.isfinite(lowest) else 0.0
    room = 0.06 * (highest - lowest or 1.0)
    low, high = limits or (lowest - room, highest + 2 * room)
    gap = 4.0 * covering_radius
    certain = found[:, 1] - found[:, 0] > gap
    axes.fill_between([low, high], [low, high], [low, low], color=look.ramp[0], lw=0, zorder=0)
    axes.plot([low, high], [low, high], color=look.line, lw=1, zorder=1)
    handles: list[Any] = []
    heights = np.minimum(found[:, 1], highest + room)
    for chosen, colour, label, filled in (
        (certain, look.bars[0], f"{int(certain.sum())} {'certain' if covering_radius else what}", True),
        (~certain, look.quiet, f"{int((~certain).sum())} that landmarks may have made", False),
    ):
        if chosen.any():
            for infinite, marker in ((False, "o"), (True, "^")):
                here = chosen & (np.isinf(found[:, 1]) == infinite)
                if here.any():
                    dots = axes.scatter(
                        found[here, 0], heights[here], s=22, marker=marker, zorder=3, linewidths=0.9,
                        edgecolors=colour, facecolors=colour if filled else "none",
                    )  # fmt: skip
                    dots.set_label(label if not infinite else f"{label} that never die")
                    handles.append(dots)
    if covering_radius and len(found) and gap < high - low:  # else the line lies above the figure
        handles += axes.plot(
            [low, high], [low + gap, high + gap], color=look.bars[1], lw=1.1, ls=(0, (4, 2)), zorder=2,
            label="certain above this line",
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel("birth", size=8, color=look.quiet)
    axes.set_ylabel("death", size=8, color=look.quiet)
    axes.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    reading = f"{what}; 4 covering radii = {number_text(gap)}" if covering_radius else f"{what}; every point was used"
    title_axes(axes, title, reading if len(found) else f"no {what}", look)
    if handles:
        key_below(axes, handles, look)
    return axes
