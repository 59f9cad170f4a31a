"""Scores of several kinds of space on one line: features, neurons, a second seed, and where chance lies.

>>> common = {"metric": "rsa", "larger_means": "closer", "null": "shuffle", "null_mean": 0.1, "null_sd": 0.02}
>>> records = [{"kind": "features", "score": 0.6} | common, {"kind": "neurons", "score": 0.4} | common]
>>> axes = score_line(records, "rsa")
>>> sorted(text.get_text() for text in axes.texts if text.get_text())
['chance 0.10', 'closer →', 'features 0.60', 'neurons 0.40']
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.cells import (
    Record,
    chance_text,
    direction_of,
    interval_in,
    is_noise_floor,
    number_in,
    records_of,
    refuse_doubles,
)
from geomsim.report.flags import Flag, place_flags, wrapped
from geomsim.report.look import LIGHT, Look, number_text
from geomsim.report.panels import COLUMN, figure_of, new_figure, quiet_frame, title_axes, width_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = 8.0
_STEP = 5.0  # points from one interval to the next
_BASE = 6.0  # points from the line to the lowest interval, and from the highest to the lowest flag
_NAME = 130.0  # points: a longer label is set in several lines
_NAMES = 28  # letters: so many names in full beside one mark of chance
_ARROW = {"closer": "closer →", "farther": "← closer"}


@dataclass(frozen=True)
class _Line:
    """What stands on the line of one metric: labels by place, and room for them in points."""

    metric: str
    larger_means: str | None
    scores: Sequence[tuple[Record, str]]
    chances: Sequence[tuple[float, str]]
    flags: Sequence[Flag]
    limits: tuple[float, float]
    intervals: Sequence[tuple[float, float] | None]
    unscored: Sequence[str]

    @property
    def base(self) -> float:
        """Points from the line to the lowest flag; the intervals are below."""
        return _BASE + _STEP * sum(ends is not None for ends in self.intervals) + _BASE * any(self.intervals)

    @property
    def height(self) -> float:
        """Points from the line to the upper edge of the highest flag."""
        return self.base + max((flag.top for flag in self.flags), default=20.0)


def score_line(
    results: pd.DataFrame | Iterable[Record],
    metric: str,
    ax: Axes | None = None,
    *,
    by: str | Sequence[str] = "kind",
    interval: tuple[str, str] = ("low", "high"),
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """The scores of one metric on one line, each with its label; chance is marked, and an arrow points to "closer".

    A dot is a score, a bar above the line its interval, where the record has one. A grey stroke is the mean by chance
    (or the noise floor) and the grey along the line one standard deviation around it; equal means share a stroke.

    Parameters
    ----------
    results
        a study's table, or mappings with the keys metric, score and those of `by`, and maybe larger_means, null,
        null_mean, null_sd, and the interval's: for example ``{"kind": "features", **comparison.to_dict()}``.
    ax
        labels are placed for the width that it has when it is given.
    by
        the key, or the keys, that label a score; no two scores may have the same label.
    interval
        the keys of the interval's ends.

    Raises
    ------
    GeomsimError
        for a metric that no record has, missing keys, and two records with one label.
    """
    axes = ax if ax is not None else new_figure(COLUMN, 1.5, look).add_subplot()
    width = width_of(axes) if ax is not None else 72 * COLUMN - 20
    line = _line(results, metric, by, interval, width)
    if ax is None:
        figure_of(axes).set_figheight((line.height + 50 + 14 * key + 10 * bool(line.unscored)) / 72)
    _draw(axes, line, look)
    if key:
        axes.set_xlabel(_key([line]), size=7.5, color=look.quiet)
    return axes


def score_lines(
    results: pd.DataFrame | Iterable[Record],
    metrics: Sequence[str],
    title: str = "",
    *,
    by: str | Sequence[str] = "kind",
    interval: tuple[str, str] = ("low", "high"),
    width: float = COLUMN,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`score_line` per metric below each other, `width` inches wide, each on its own scale."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    # A generator would be empty for the second metric.
    rows = results if hasattr(results, "columns") else list(results)
    lines = [_line(rows, metric, by, interval, 72 * width - 20) for metric in metrics]
    around = sum(44 + 10 * bool(line.unscored) for line in lines) / 72  # titles and ticks
    figure = new_figure(
        width, sum(line.height for line in lines) / 72 + around + 0.3 + 0.35 * bool(title), look
    )  # fmt: skip
    grid = figure.add_gridspec(len(lines), 1, height_ratios=[line.height for line in lines])
    for place, line in enumerate(lines):
        axes = figure.add_subplot(grid[place])
        _draw(axes, line, look)
        if line.unscored:
            axes.set_xlabel(_unscored([line]), size=7.5, color=look.quiet)
    if title:
        figure.suptitle(wrapped(title, 72 * width, 12), size=12, weight="bold", color=look.ink)
    figure.supxlabel(wrapped(_key(lines, unscored=False), 72 * width, 7), size=7.5, color=look.quiet)
    return figure


def _line(
    results: pd.DataFrame | Iterable[Record],
    metric: str,
    by: str | Sequence[str],
    interval: tuple[str, str],
    width: float,
) -> _Line:
    labels = (by,) if isinstance(by, str) else tuple(by)
    records = records_of(results, metric, (*labels, "score"))
    refuse_doubles(records, metric, labels)
    named = [(record, ", ".join(str(record[label]) for label in labels)) for record in records]
    scores = [(record, name) for record, name in named if number_in(record, "score") is not None]
    ends = [interval_in(record, interval) for record, _ in scores]
    values = [float(record["score"]) for record, _ in scores]
    around = [
        mean + side * (number_in(record, "null_sd") or 0.0)
        for record, _ in scores for side in (-1, 1) if (mean := number_in(record, "null_mean")) is not None
    ]  # fmt: skip
    held = [*values, *around, *(end for pair in ends if pair for end in pair)]
    chances = _chances(scores, 0.02 * (max(held) - min(held))) if held else []
    texts = [f"{name} {number_text(value)}" for (_, name), value in zip(scores, values, strict=True)]
    texts = [wrapped(text, _NAME, _SIZE) for text in [*texts, *(text for _, text in chances)]]
    limits: tuple[float, float] = (0.0, 1.0)
    flags: list[Flag] = []
    if held:
        limits, flags = place_flags(
            [*values, *(at for at, _ in chances)], texts, width, _SIZE, (min(held), max(held))
        )  # fmt: skip
    unscored = [name for record, name in named if number_in(record, "score") is None]
    return _Line(metric, direction_of(records), scores, chances, flags, limits, ends, unscored)


def _chances(scores: Sequence[tuple[Record, str]], near: float) -> list[tuple[float, str]]:
    """Where chance lies, one entry for all means that lie within `near` of their neighbour."""
    known = [
        (mean, is_noise_floor(record), name)
        for record, name in scores if (mean := number_in(record, "null_mean")) is not None
    ]  # fmt: skip
    groups: list[list[tuple[float, bool, str]]] = []
    for entry in sorted(known, key=lambda entry: (entry[1], entry[0])):
        if groups and groups[-1][-1][1] == entry[1] and entry[0] - groups[-1][-1][0] <= near:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    found = []
    for group in groups:
        means = [mean for mean, _, _ in group]
        first, last = chance_text(means[0]), chance_text(means[-1])
        alone = len(group) == sum(floor == group[0][1] for _, floor, _ in known)
        names = ", ".join(name for _, _, name in group)
        whose = "" if alone else f" of {names}" if len(names) <= _NAMES else f" of {len(group)} of {len(scores)}:"
        what = "noise floor" if group[0][1] else "chance"
        found.append((sum(means) / len(means), f"{what}{whose} {first if first == last else f'{first} to {last}'}"))
    return found


def _draw(axes: Axes, line: _Line, look: Look) -> None:
    from matplotlib.transforms import offset_copy

    figure = figure_of(axes)

    def raised(points: float) -> Any:
        return offset_copy(axes.transData, figure, y=points, units="points")

    axes.set_xlim(*line.limits)
    axes.set_ylim(0, 1)
    axes.axhline(0, color=look.quiet, lw=1, zorder=2, clip_on=False)
    on_line: dict[str, Any] = {"clip_on": False}
    for record, _ in line.scores:
        mean, sd = number_in(record, "null_mean"), number_in(record, "null_sd")
        if mean is not None and sd:
            around = [mean - sd, mean + sd]
            axes.plot(around, [0, 0], color=look.chance, lw=5, solid_capstyle="butt", zorder=1, **on_line)
        if mean is not None:
            axes.plot([mean], [0], "|", color=look.quiet, ms=9, mew=1.6, zorder=3, **on_line)
    level = 0
    for place, (record, _) in enumerate(line.scores):
        colour = look.bars[place % len(look.bars)]
        if (ends := line.intervals[place]) is not None:
            above = raised(_BASE + 2 + _STEP * level)
            axes.plot(ends, [0, 0], "|-", color=colour, lw=1.2, ms=4, transform=above, zorder=3, **on_line)
            level += 1
        score = [float(record["score"])]
        axes.plot(score, [0], "o", ms=6, mfc=colour, mec=look.paper, mew=0.8, zorder=5, **on_line)
    for place, flag in enumerate(line.flags):
        is_score = place < len(line.scores)
        colour = look.bars[place % len(look.bars)] if is_score else look.quiet
        side, offset = ("left", 2.0) if flag.side == "right" else ("right", -2.0)
        axes.annotate(
            "", (flag.at, 0), (0, line.base + flag.top), "data", "offset points", zorder=2, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.7, "shrinkA": 0, "shrinkB": 0},
        ).set_in_layout(False)  # fmt: skip
        axes.annotate(
            flag.text, (flag.at, 0), (offset, line.base + flag.bottom), "data", "offset points", size=_SIZE,
            color=look.ink if is_score else look.quiet, ha=side, va="bottom", linespacing=1.1, annotation_clip=False,
        ).set_in_layout(False)  # fmt: skip
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(length=3, width=0.8, color=look.quiet, labelsize=7.5, labelcolor=look.quiet)
    if not line.scores:
        axes.set_xticks([])
    quiet_frame(axes, look)
    arrow = _ARROW.get(line.larger_means or "", "")
    title_axes(axes, line.metric, "" if line.scores and arrow.startswith("closer") else arrow or "no score", look)
    if arrow.startswith("closer"):
        axes.annotate(
            arrow, (1, 1), (0, 6), "axes fraction", "offset points", size=8.5, color=look.quiet, ha="right", va="bottom"
        ).set_in_layout(False)


def _key(lines: Sequence[_Line], unscored: bool = True) -> str:
    scored = [record for line in lines for record, _ in line.scores]
    floors = [is_noise_floor(record) for record in scored if number_in(record, "null_mean") is not None]
    grey = "chance or noise floor" if len(set(floors)) > 1 else "noise floor" if any(floors) else "chance"
    spread = any(number_in(record, "null_sd") for record in scored)
    parts = ["dot: score"]
    parts += ["bar: its interval"] if any(ends for line in lines for ends in line.intervals) else []
    parts += [f"grey: {grey}{' ± 1 sd' * spread}"] if floors else []
    missing = _unscored(lines) if unscored else ""
    return "; ".join(parts) + (f"\n{missing}" if missing else "")


def _unscored(lines: Sequence[_Line]) -> str:
    names = [name for line in lines for name in line.unscored]
    return f"no score: {', '.join(names)}" if names else ""
