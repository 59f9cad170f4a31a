"""The leaderboard as a picture: error rate, smallest share, dose-response and loops of every metric, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.leaderboard import share_names
from geomsim.report.look import LIGHT, Look
from geomsim.report.panels import new_figure, quiet_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _ROW, _MARGIN = 10.0, 0.24, 1.1  # inches
Record = Mapping[str, Any]


def leaderboard_figure(records: Sequence[Record], look: Look = LIGHT) -> Figure:
    """One line for each metric and four panels: false positives, smallest share found, tau, loops.

    `records` are those of :func:`geomsim.report.leaderboard.leaderboard`, in their order from the top. What a metric
    has no number for stays empty. Raises GeomsimError where there is no record.
    """
    if not records:
        raise GeomsimError("there are no cards to draw; make some with `geomsim validate`")
    figure = new_figure(_WIDTH, _MARGIN + _ROW * len(records), look)
    panels: tuple[tuple[str, Callable[[Axes, Sequence[Record], Look], None]], ...] = (
        ("false positives at .05", _false_positives),
        ("smallest share found", _shares),
        ("Kendall's tau with the share", _taus),
        ("AUC: a loop in both, or in one", _loops),
    )
    first = None
    for place, (title, draw) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1, sharey=first)
        _prepare(axes, title, records, look, is_first=first is None)
        draw(axes, records, look)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                loc="upper center", bbox_to_anchor=(0.5, -0.06), frameon=False, fontsize=7.5, ncols=3,
                labelcolor=look.quiet, handletextpad=0.2, columnspacing=1.0,
            )  # fmt: skip
        first = first or axes
    return figure


def _prepare(axes: Axes, title: str, records: Sequence[Record], look: Look, *, is_first: bool) -> None:
    quiet_frame(axes, look)
    axes.set_title(title, size=9, color=look.ink, loc="left")
    axes.set_ylim(len(records) - 0.5, -0.5)
    axes.set_yticks(range(len(records)), [record["metric"] for record in records], size=8, color=look.ink)
    axes.tick_params(axis="y", length=0, labelleft=is_first)
    axes.tick_params(axis="x", labelsize=8, colors=look.quiet, length=2)
    axes.grid(axis="y", color=look.line, linewidth=0.5)
    axes.set_axisbelow(True)
    unpaired = [row for row, record in enumerate(records) if record["rows"] != "paired"]
    if unpaired and unpaired[0]:
        axes.axhline(unpaired[0] - 0.5, color=look.quiet, linewidth=0.8)  # paired above, unpaired below


def _false_positives(axes: Axes, records: Sequence[Record], look: Look) -> None:
    axes.axvline(0.05, color=look.quiet, linewidth=0.8, linestyle=(0, (3, 2)))
    _intervals(axes, records, "false positives", look)
    axes.set_xlim(left=0.0)


def _taus(axes: Axes, records: Sequence[Record], look: Look) -> None:
    _intervals(axes, records, "tau", look)
    lowest = min((record["tau low"] for record in records if record.get("tau low") is not None), default=0.0)
    axes.set_xlim(min(0.0, lowest) - 0.02, 1.02)


def _intervals(axes: Axes, records: Sequence[Record], name: str, look: Look) -> None:
    for row, record in enumerate(records):
        if record.get(name) is not None:
            axes.plot([record[f"{name} low"], record[f"{name} high"]], [row, row], color=look.bars[0], linewidth=1.6)
            axes.plot(record[name], row, "o", color=look.bars[0], markersize=4)


def _shares(axes: Axes, records: Sequence[Record], look: Look) -> None:
    names = share_names(records[0])
    for place, name in enumerate(names):
        found = [(record[name], row) for row, record in enumerate(records) if isinstance(record.get(name), float)]
        label = f"{int(name.removeprefix('smallest share, ').removesuffix(' rows')):,} rows"
        # Larger behind smaller: equal shares stay visible as rings.
        size = 4.0 + 2.0 * (len(names) - 1 - place)
        axes.plot(
            [share for share, _ in found], [row for _, row in found], "o", color=look.bars[place % len(look.bars)],
            markersize=size, label=label, zorder=2 + place,
        )  # fmt: skip
    axes.set_xlim(0.0, 1.04)


def _loops(axes: Axes, records: Sequence[Record], look: Look) -> None:
    axes.axvline(0.5, color=look.quiet, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, (name, label) in enumerate(
        (("loop, rows paired", "rows in correspondence"), ("loop, rows unpaired", "without"))
    ):
        found = [(record[name], row) for row, record in enumerate(records) if record.get(name) is not None]
        if found:
            axes.plot(*zip(*found, strict=True), "os"[place], color=look.bars[place], markersize=5 - place, label=label)
    axes.set_xlim(-0.04, 1.04)
