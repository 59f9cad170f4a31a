"""The scores that chance gives, with the observed score among them.

A shuffle, and every null that draws, is shown as a histogram of its draws; an exact null has none, and is shown as the
density of the law that its p-value comes from. The tail that p counts is coloured: on the right where a larger score is
closer, on the left where it is farther; the other one for a label swap, which asks whether both sides differ. A noise
floor has no p-value, hence no tail, and is named as what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import GeomsimError
from geomsim.report.cells import chance_text
from geomsim.report.flags import text_width
from geomsim.report.look import LIGHT, Look, direction_text, number_text, p_text
from geomsim.report.panels import COLUMN, figure_of_panels, key_below, new_figure, quiet_frame, title_axes, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geomsim.comparison import Comparison

_BINS = (10, 40)
_HEADROOM = 1.5  # of the highest bar: room for two lines of labels
_SIZE = 8.0
_TAIL = {False: "as close as the score, or closer", True: "as far apart as the score, or farther"}  # a label swap's


def null_histogram(
    comparison: Comparison, ax: Axes | None = None, *, title: str | None = None, key: bool = True, look: Look = LIGHT
) -> Axes:
    """Histogram of a comparison's null (density, for an exact one) with the score, the mean by chance and p in words.

    Parameters
    ----------
    comparison
        what :func:`geomsim.compare` gave, with any null but None. Its interval, where it has one, is drawn at the top.
    title
        in place of the metric's name.
    key
        whether the colours are explained below.

    Raises
    ------
    GeomsimError
        for a comparison that was made without a null.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(60, 4))
    >>> axes = null_histogram(geomsim.compare(points, points[:, ::-1], "procrustes", draws=99))
    >>> axes.texts[2].get_text()
    'p ≤ 0.01: none of 99 as close'
    """
    if comparison.null_mean is None:
        raise GeomsimError(
            f"{comparison.metric} was compared without a null, so there is no distribution to draw; "
            "compare with null='auto', or with a null by name"
        )
    axes = ax if ax is not None else new_figure(COLUMN, 2.55 if key else 2.2, look).add_subplot()
    mean, score = comparison.null_mean, comparison.score
    handles: list[Any] = []
    if comparison.null is not None:
        handles = _draw_bins(axes, comparison, comparison.null, look)
    elif (law := _law(comparison)) is not None:
        handles = _draw_law(axes, comparison, law, look)
    else:
        handles = _draw_moments(axes, comparison, look)
    _set_limits(axes, comparison)
    axes.axvline(mean, ymax=0.86, color=look.quiet, lw=1, ls=(0, (3, 2)), zorder=4)
    axes.axvline(score, color=look.bars[0], lw=1.8, zorder=5)
    if comparison.interval is not None:
        ends = [comparison.interval.low, comparison.interval.high]
        axes.plot(
            ends, [0.99, 0.99], "|-", transform=axes.get_xaxis_transform(), color=look.bars[0], lw=1.2, ms=5, zorder=5,
            clip_on=False, label=f"{100 * comparison.interval.confidence:g}% interval of the score",
        )  # fmt: skip
        handles.append(axes.lines[-1])
    _label_lines(axes, comparison, look)
    counted, solid = comparison.null is not None, bool(axes.collections)
    axes.set_ylabel("draws" if counted else "density" if solid else "", size=8, color=look.quiet)
    axes.set_xlabel(f"score; {direction_text(comparison.larger_means)}", size=8, color=look.quiet)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(length=2, width=0.6, color=look.line, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    axes.spines["bottom"].set(visible=True, color=look.line)
    if counted:
        axes.locator_params(axis="y", nbins=4, integer=True)
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= axes.get_ylim()[1] / _HEADROOM])
    else:
        axes.set_yticks([])
    title_axes(axes, comparison.metric if title is None else title, verdict(comparison), look)
    if key and handles:
        key_below(axes, handles, look)
    return axes


def null_histograms(
    comparisons: Sequence[Comparison],
    title: str = "",
    *,
    titles: Sequence[str] | None = None,
    columns: int = 2,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`null_histogram` per comparison, each on its own scale; `titles` stand in place of the metrics' names.

    Raises GeomsimError where there is no comparison, or not one title for each.
    """
    if not comparisons:
        raise GeomsimError("a figure of panels needs at least one comparison")
    names: Sequence[str | None] = [None] * len(comparisons) if titles is None else titles
    if len(names) != len(comparisons):
        raise GeomsimError(f"there are {len(comparisons)} comparisons and {len(names)} titles; one title for each")

    def draw(item: tuple[Comparison, str | None], axes: Axes) -> None:
        null_histogram(item[0], axes, title=item[1], key=False, look=look)

    grey = "grey: by chance" + ", or noise floor" * any(_is_floor(each) for each in comparisons)
    grey += ", or random subsets" * any(_kind(each) == "random-subset" for each in comparisons)
    grey += ", or random groups" * any(_kind(each) == "random-group" for each in comparisons)
    key = grey + _orange(comparisons)
    key += "; bar at the top: interval of the score" * any(each.interval is not None for each in comparisons)
    return figure_of_panels(list(zip(comparisons, names, strict=True)), draw, (COLUMN, 2.1), title, key, columns, look)


def verdict(comparison: Comparison) -> str:
    """What the null says of the score, in words short enough for a line of a figure."""
    if _is_floor(comparison):
        multiple = comparison.facts.get("multiple of the floor")
        times = "" if multiple is None else f"{number_text(multiple)} times "
        return f"{times}the noise floor; no p-value"
    if comparison.p_value is None:
        return "no p-value" if comparison.null is not None else "mean by chance only; no p-value"
    words = p_text(comparison.p_value, comparison.draws)
    if comparison.null is None:
        law = str(comparison.facts.get("law", "exact moments"))
        return f"{words} ({law.split(' (')[0]} law, no draws)"
    closer, total = _tail(comparison, comparison.null).sum(), len(comparison.null)
    if comparison.p_value > (closer + 1) / (total + 1) + 1e-12:
        return f"{words}: few different draws exist"
    return f"{words}: {closer or 'none'} of {total} as {'far apart' if _is_swap(comparison) else 'close'}"


def _kind(comparison: Comparison) -> str:
    """The null's name without its settings: "random-group" of "random-group (left kept)"."""
    return str(comparison.null_kind).partition(" (")[0]


def _is_floor(comparison: Comparison) -> bool:
    return comparison.null_kind == "noise-floor"


def _is_swap(comparison: Comparison) -> bool:
    return comparison.null_kind == "label-swap"


def _orange(comparisons: Sequence[Comparison]) -> str:
    """What orange means where any of them shows some."""
    judged = [each for each in comparisons if each.p_value is not None]
    seen = [each for each in judged if each.null is None or _tail(each, each.null).any()]
    kinds = {_is_swap(each) for each in seen}
    if len(kinds) > 1:
        return "; orange: the scores that p counts"
    return f"; orange: {_TAIL[kinds.pop()].replace(',', '')}" if kinds else ""


def _tail(comparison: Comparison, draws: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which draws p counts: as many as it says are at least as close (label swap: as far apart), the closest ones."""
    from geomsim.nulls import p_value

    upwards = (comparison.larger_means == "closer") != _is_swap(comparison)
    n = round(p_value(comparison.score, draws, "closer" if upwards else "farther") * (len(draws) + 1)) - 1
    counted = np.zeros(len(draws), dtype=bool)
    counted[np.argsort(-draws if upwards else draws, kind="stable")[:n]] = True
    return counted


def _draw_bins(axes: Axes, comparison: Comparison, draws: NDArray[np.float64], look: Look) -> list[Any]:
    edges = _edges(draws, comparison.score)
    judged = comparison.p_value is not None
    tail = _tail(comparison, draws) if judged else np.zeros(len(draws), dtype=bool)
    rest, closer = (np.histogram(draws[which], edges)[0] for which in (~tail, tail))
    # An edge of the bar's own colour keeps a null visible that is narrow beside its distance to the score.
    style: dict[str, Any] = {"align": "edge", "lw": 0.5, "zorder": 2}
    if _is_floor(comparison):
        what = f"noise floor: {len(draws)} random halvings{_sd_text(comparison)}"
    else:
        what = f"by chance: {len(draws)} draws, {comparison.null_kind}{_sd_text(comparison)}"
    left, width = edges[:-1], np.diff(edges)
    handles = []
    for counts, below, colour, label in (
        (rest, 0 * rest, look.chance, what),
        (closer, rest, look.bars[1], _TAIL[_is_swap(comparison)]),
    ):
        if (some := counts > 0).any():
            handles.append(
                axes.bar(left[some], counts[some], width[some], bottom=below[some], color=colour, ec=colour,
                         label=label, **style)
            )  # fmt: skip
    axes.set_ylim(0, _HEADROOM * float((rest + closer).max()))
    return handles


def _sd_text(comparison: Comparison) -> str:
    return "" if comparison.null_sd is None else f", sd {number_text(comparison.null_sd)}"


def _edges(draws: NDArray[np.float64], score: float) -> NDArray[np.float64]:
    """Equal bins by the rule of Freedman and Diaconis (1981), within bounds; the score is the edge of one."""
    low, high = float(draws.min()), float(draws.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        half = 0.02 * max(abs(score - low), abs(low)) or 0.5
        return np.array([low - half, low + half])
    quartiles = np.subtract(*np.percentile(draws, [75, 25]))
    ideal = (high - low) / (2 * quartiles / len(draws) ** (1 / 3)) if quartiles > 0 else _BINS[1]
    width = (high - low) / min(_BINS[1], max(_BINS[0], round(ideal)))
    first = low if not low <= score <= high else score - width * math.ceil((score - low) / width)
    # Rounding must not leave the smallest draw outside, where no bar would count it.
    first = first if first <= low else first - width
    count = math.floor((high - first) / width) + 1
    count += first + width * count < high
    return np.asarray(first + width * np.arange(count + 1), dtype=np.float64)


def _law(comparison: Comparison) -> Any | None:
    """The law behind an exact p-value, or None where there is none or its third moment was not kept."""
    from scipy import stats

    law, mean, sd = str(comparison.facts.get("law", "")), comparison.null_mean, comparison.null_sd
    if mean is None or not sd:
        return None
    if law.startswith("normal"):
        return stats.norm(mean, sd)
    skewness = comparison.facts.get("skewness")
    if law.startswith("Pearson") and skewness is not None:
        return stats.pearson3(skewness, mean, sd)
    return None


def _draw_law(axes: Axes, comparison: Comparison, law: Any, look: Look) -> list[Any]:
    low, high = float(law.ppf(1e-4)), float(law.ppf(1 - 1e-4))
    grid = np.union1d(np.linspace(low, high, 400), [min(high, max(low, comparison.score))])
    density = np.where(np.isfinite(law.pdf(grid)), law.pdf(grid), np.nan)
    closer = grid >= comparison.score if comparison.larger_means == "closer" else grid <= comparison.score
    what = f"by chance: {comparison.facts['law']}{_sd_text(comparison)}"
    grey = axes.fill_between(grid, density, color=look.chance, lw=0.5, zorder=2, label=what)
    handles: list[Any] = [grey]
    if closer.sum() > 1:
        handles.append(
            axes.fill_between(
                grid, density, where=closer.tolist(), color=look.bars[1], lw=0.5, zorder=3, label=_TAIL[False]
            )
        )
    axes.set_ylim(0, _HEADROOM * float(np.nanmax(density)))
    return handles


def _draw_moments(axes: Axes, comparison: Comparison, look: Look) -> list[Any]:
    """The spread by chance where its law cannot be drawn, and nothing where only the mean is known."""
    axes.set_ylim(0, _HEADROOM)
    mean, sd = comparison.null_mean, comparison.null_sd
    if mean is None or not sd:
        return []
    label = f"by chance: ± 1 sd, {number_text(sd)}; the law is not drawn, for want of its skewness"
    return axes.plot([mean - sd, mean + sd], [0.5, 0.5], "|-", color=look.quiet, lw=3, ms=9, zorder=3, label=label)


def _set_limits(axes: Axes, comparison: Comparison) -> None:
    """From the leftmost to the rightmost of null, score and interval, with a margin."""
    shown = [comparison.score, float(comparison.null_mean or 0.0)]
    if comparison.null is not None:
        shown += [float(comparison.null.min()), float(comparison.null.max())]
    elif comparison.null_sd:
        shown += [shown[1] - 4 * comparison.null_sd, shown[1] + 4 * comparison.null_sd]
    if comparison.interval is not None:
        shown += [comparison.interval.low, comparison.interval.high]
    low, high = min(shown), max(shown)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
    axes.set_xlim(low - margin, high + margin)


def _label_lines(axes: Axes, comparison: Comparison, look: Look) -> None:
    """The score's label above the mean's; each hangs to the side where it crosses no line and has room."""
    mean, score = float(comparison.null_mean or 0.0), comparison.score
    low, high = axes.get_xlim()
    place = {at: (at - low) / (high - low) for at in (mean, score)}
    what = f"floor {number_text(mean)}" if _is_floor(comparison) else f"chance {chance_text(mean)}"
    # As alike as the pool, which is no chance level.
    if _kind(comparison) in ("random-subset", "random-group"):
        what = f"{_kind(comparison).removeprefix('random-')}s {chance_text(mean)}"
    away = "right" if score >= mean else "left"
    room = place[mean] if away == "right" else 1 - place[mean]
    towards = {"right": "left", "left": "right"}[away]
    fits = (text_width(what, _SIZE) + 6) / width_of(axes) <= room
    for at, text, row, side, ink in (
        (score, f"score {number_text(score)}", 0.96, "right" if place[score] > 0.5 else "left", look.ink),
        (mean, what, 0.845, away if fits else towards, look.quiet),
    ):
        offset = -3 if side == "right" else 3
        axes.annotate(
            text, (at, row), (offset, 0), ("data", "axes fraction"), "offset points", size=_SIZE, color=ink, ha=side,
            va="top", zorder=6,
        )  # fmt: skip
