"""Matplotlib figures without pyplot: made, laid out in panels, titled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from geomsim.report.look import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, look: Look) -> Figure:
    """An empty figure of so many inches, with a canvas of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor=look.paper)
    FigureCanvasAgg(figure)
    return figure


def figure_of_panels(
    metrics: Sequence[str],
    draw: Callable[[str, Axes], None],
    size: tuple[float, float],
    title: str,
    key: str,
    columns: int,
    look: Look,
) -> Figure:
    """One panel per metric, each of `size` inches, at most `columns` to a row; `draw` fills one, `key` is below all."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = min(columns, len(metrics), max(1, int(columns * 3.4 / size[0])))
    height = -(-len(metrics) // width)
    figure = new_figure(size[0] * width, size[1] * height + 0.35 + 0.4 * bool(title), look)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.04, hspace=0.06))
    for place, metric in enumerate(metrics):
        draw(metric, figure.add_subplot(height, width, place + 1))
    if title:
        figure.suptitle(title, size=12, weight="bold", color=look.ink)
    figure.supxlabel(key if width > 1 else key.replace("; ", "\n"), size=8, color=look.quiet)
    return figure


def title_axes(axes: Axes, metric: str, reading: str, look: Look) -> None:
    """The metric, and in a quiet second line how to read its numbers."""
    # A blank second line keeps room for the quiet one, which has another size and colour.
    axes.set_title(f"{metric}\n ", size=10.5, weight="bold", color=look.ink, loc="left")
    axes.annotate(
        reading, (0, 1), (0, 6), "axes fraction", "offset points", size=8.5, color=look.quiet, ha="left", va="bottom"
    ).set_in_layout(False)


def quiet_frame(axes: Axes, look: Look) -> None:
    """No box around the plot."""
    axes.set_facecolor(look.paper)
    for spine in axes.spines.values():
        spine.set_visible(False)
