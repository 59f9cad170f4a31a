"""What became of the latents of dictionaries of different sizes: classes as stacked bars, and into how many parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.activations.splitting_classes import JUDGED
from geomsim.errors import GeomsimError
from geomsim.report.flags import text_width, wrapped
from geomsim.report.look import LIGHT, Look, ink_on
from geomsim.report.panels import COLUMN, figure_of, key_below, new_figure, quiet_frame, title_axes, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NUMBER = 7.0  # points: the size of the numbers in the bars
_KEY_BELOW = 22.0  # points between the Axes and the key
_LABEL = 120.0  # points: a longer name of a bar is set in several lines


def splitting_bars(
    counts: Mapping[str, Mapping[str, int]], ax: Axes | None = None, *, key: bool = True, look: Look = LIGHT
) -> Axes:
    """One bar for each dictionary, cut into what became of its latents in the other; numbers are latents.

    Parameters
    ----------
    counts
        name of each bar, from top to bottom, to the number of latents in each class, as :attr:`Splitting.counts` has
        them. Bars show shares, so that sizes can be compared; latents that were not judged (dead, few firings, always
        active) are no part of them and are counted behind the bar.
    key
        whether the colours are explained below.

    Raises
    ------
    GeomsimError
        for no bars, or one without any judged latent.

    >>> axes = splitting_bars({"512": {"one-to-one": 300, "split": 150, "overlapping": 50, "dead": 12}})
    >>> [text.get_text() for text in axes.texts if text.get_text()]
    ['300', '150', '50', '+ 12 not judged', 'share of the judged latents']
    """
    if not counts:
        raise GeomsimError("a figure of classes needs at least one dictionary")
    axes = ax if ax is not None else new_figure(1.6 * COLUMN, 0.9 + 0.5 * key + 0.36 * len(counts), look).add_subplot()
    colours = _colours(look)
    shown = [name for name in JUDGED if any(of.get(name) for of in counts.values())]
    labels = [wrapped(name, _LABEL, 8.5) for name in counts]
    axes.set_yticks(range(len(counts)), labels, color=look.ink, size=8.5)
    axes.set_ylim(len(counts) - 0.45, -0.55)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    axes.tick_params(axis="y", labelsize=8.5, labelcolor=look.ink)
    quiet_frame(axes, look)
    room = width_of(axes)
    for place, (name, of) in enumerate(counts.items()):
        judged = sum(of.get(each, 0) for each in JUDGED)
        if not judged:
            raise GeomsimError(f"{name}: no latent was judged, so there are no shares to draw")
        left = 0.0
        for each in shown:
            share = of.get(each, 0) / judged
            axes.barh(place, share, 0.68, left=left, color=colours[each], ec=look.paper, lw=0.6, zorder=2)
            number = f"{of.get(each, 0):,}"
            if share and text_width(number, _NUMBER) + 4 < share * room:
                axes.text(
                    left + share / 2, place, number, size=_NUMBER, color=ink_on(colours[each]), ha="center",
                    va="center", zorder=3,
                )  # fmt: skip
            left += share
        if others := sum(of.values()) - judged:
            axes.annotate(
                f"+ {others:,} not judged", (1, place), (3, 0), textcoords="offset points", size=7, color=look.quiet,
                va="center",
            )  # fmt: skip
    title_axes(axes, "What became of the latents", "share of the judged latents", look)
    if key:
        _class_key(axes, shown, look)
    return axes


def split_sizes(
    parts: Mapping[str, Iterable[int]], ax: Axes | None = None, *, key: bool = True, look: Look = LIGHT
) -> Axes:
    """Into how many parts latents are split: for each comparison, the number of splits with 2, 3, ... parts.

    `parts` maps the name of each comparison to the number of parts of each of its splits; those of more than 6 are
    counted together.

    Raises
    ------
    GeomsimError
        for no comparison, or a split of fewer than two parts.

    >>> axes = split_sizes({"512 to 4,096": [2, 2, 3, 9]})
    >>> [label.get_text() for label in axes.get_xticklabels()], [text.get_text() for text in axes.texts[:4]]
    (['2', '3', '4', '5', '6', 'more'], ['2', '1', '1', 'splits by their parts'])
    """
    lists = {name: list(sizes) for name, sizes in parts.items()}
    if not lists:
        raise GeomsimError("a figure of splits needs at least one comparison")
    if few := [name for name, sizes in lists.items() if any(size < 2 for size in sizes)]:
        raise GeomsimError(f"{few[0]}: a split has two parts at least")
    axes = ax if ax is not None else new_figure(COLUMN, 2.2 + 0.17 * len(lists) * key, look).add_subplot()
    steps = ("2", "3", "4", "5", "6", "more")
    width = 0.8 / len(lists)
    handles: list[Any] = []
    highest = 1
    for place, (name, sizes) in enumerate(lists.items()):
        counted = np.bincount(np.minimum(np.asarray(sizes, dtype=np.int64), 7) - 2, minlength=6)
        highest = max(highest, int(counted.max()))
        at = np.arange(6) + (place - (len(lists) - 1) / 2) * width
        colour = look.bars[place % len(look.bars)]
        handles.append(axes.bar(at, counted, 0.92 * width, color=colour, zorder=2, label=f"{name}: {len(sizes):,}"))
        for x, count in zip(at, counted.tolist(), strict=True):
            if count:
                axes.annotate(
                    f"{count:,}", (x, count), (0, 1.5), textcoords="offset points", size=6.8, color=look.ink,
                    ha="center",
                )  # fmt: skip
    axes.set_xticks(range(6), steps, color=look.ink)
    axes.set_ylim(0, 1.15 * highest)
    axes.locator_params(axis="y", nbins=4, integer=True)
    axes.grid(axis="y", color=look.line, lw=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    title_axes(axes, "Into how many parts", "splits by their parts", look)
    if key:
        key_below(axes, handles, look, below=22.0)
    return axes


def _colours(look: Look) -> dict[str, str]:
    """Families in the colours of bars, who lies inside whom in shades of one, the rest in greys."""
    found = dict(zip(JUDGED, look.bars, strict=False))
    inside = {"nested": look.ramp[1], "containing": look.ramp[2]}
    return {**found, **inside, "overlapping": look.chance, "vanished": look.line, "new": look.line}


def _class_key(axes: Axes, shown: Sequence[str], look: Look) -> None:
    """The colours in rows of four below the Axes; who vanished and who is new have one colour and stand together."""
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    labels: dict[str, str] = {}
    for name in shown:
        colour = _colours(look)[name]
        labels[colour] = f"{labels[colour]} or {name}" if colour in labels else name
    beneath = ScaledTranslation(0, -_KEY_BELOW / 72, figure_of(axes).dpi_scale_trans)
    axes.legend(
        handles=[Patch(fc=colour, label=label) for colour, label in labels.items()], loc="upper center", ncols=4,
        bbox_to_anchor=(0.5, 0), bbox_transform=axes.transAxes + beneath, frameon=False, fontsize=7.5,
        labelcolor=look.quiet, handlelength=1.2, columnspacing=1.2, borderaxespad=0,
    )  # fmt: skip


def splitting_figure(
    counts: Mapping[str, Mapping[str, int]], parts: Mapping[str, Iterable[int]], *, look: Look = LIGHT
) -> Figure:
    """:func:`splitting_bars`, and below them :func:`split_sizes` where there are any splits."""
    height = 1.4 + 0.36 * len(counts)
    below = 2.2 + 0.17 * len(parts) if parts else 0.0
    figure = new_figure(1.6 * COLUMN, height + below, look)
    rows = figure.add_gridspec(2, 1, height_ratios=(height, below)) if parts else figure.add_gridspec(1, 1)
    splitting_bars(counts, figure.add_subplot(rows[0]), look=look)
    if parts:
        split_sizes(parts, figure.add_subplot(rows[1]), look=look)
    return figure
