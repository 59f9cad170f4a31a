"""Matplotlib figures without pyplot: made, laid out in panels, titled, with a key below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from geomsim.errors import GeomsimError
from geomsim.report.flags import wrapped
from geomsim.report.look import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Item = TypeVar("Item")

COLUMN = 3.3  # inches: a column of a paper with two; two panels abreast fill its page


def new_figure(width: float, height: float, look: Look) -> Figure:
    """An empty figure of so many inches, with a canvas of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor=look.paper)
    FigureCanvasAgg(figure)
    return figure


def figure_of(axes: Axes) -> Figure:
    """The figure that the Axes stands in; GeomsimError where it stands in none."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise GeomsimError("the Axes belongs to no figure; make it with Figure().add_subplot()")
    return figure


def width_of(axes: Axes) -> float:
    """How wide the Axes is at present, in points."""
    figure = figure_of(axes)
    return float(axes.get_position().width * figure.get_figwidth() * 72)


def figure_of_panels(
    items: Sequence[Item],
    draw: Callable[[Item, Axes], object],
    size: tuple[float, float],
    title: str,
    key: str,
    columns: int,
    look: Look,
) -> Figure:
    """One panel per item, each of `size` inches, at most `columns` to a row; `draw` fills one, `key` is below all."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = min(columns, len(items), max(1, int(columns * 3.4 / size[0])))
    height = -(-len(items) // width)
    figure = new_figure(size[0] * width, size[1] * height + 0.35 + 0.4 * bool(title), look)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.04, hspace=0.06))
    for place, item in enumerate(items):
        draw(item, figure.add_subplot(height, width, place + 1))
    if title:
        room = size[0] * width * 72
        figure.suptitle(wrapped(title, room, 12), size=12, weight="bold", color=look.ink)
    if key:
        figure.supxlabel(key if width > 1 else key.replace("; ", "\n"), size=8, color=look.quiet)
    return figure


def title_axes(axes: Axes, metric: str, reading: str, look: Look) -> None:
    """The metric, and in a quiet second line how to read its numbers."""
    # A blank second line keeps room for the quiet one, which has another size and colour.
    name = wrapped(metric, 1.15 * width_of(axes), 10.5)
    axes.set_title(f"{name}\n ", size=10.5, weight="bold", color=look.ink, loc="left")
    axes.annotate(
        reading, (0, 1), (0, 6), "axes fraction", "offset points", size=8.5, color=look.quiet, ha="left", va="bottom"
    ).set_in_layout(False)


def key_below(axes: Axes, handles: Sequence[Any], look: Look, below: float = 30.0) -> None:
    """What the signs mean, one to a line, so many points below the Axes; each handle carries its label."""
    from matplotlib.transforms import ScaledTranslation

    room = 1.15 * width_of(axes) - 24

    beneath = ScaledTranslation(0, -below / 72, figure_of(axes).dpi_scale_trans)
    labels = [wrapped(str(each.get_label()), room, 6.8) for each in handles]
    axes.legend(
        list(handles), labels, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=axes.transAxes + beneath,
        frameon=False, fontsize=7.5, labelcolor=look.quiet, borderpad=0, borderaxespad=0, handlelength=1.8,
        labelspacing=0.3,
    )  # fmt: skip


def quiet_frame(axes: Axes, look: Look) -> None:
    """No box around the plot."""
    axes.set_facecolor(look.paper)
    for spine in axes.spines.values():
        spine.set_visible(False)
