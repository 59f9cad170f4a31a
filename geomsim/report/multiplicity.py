"""Score by how many rows share their partner: does similarity rise as pairs become one-to-one?

A bucket of the pairing holds fewer pairs than the whole, and fewer pairs score differently by themselves. So each
bucket is judged by random subsets of the same size, whose mean and central 95% are drawn as a band behind its score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.cells import Record, direction_of, interval_in, number_in, records_of, refuse_doubles
from geomsim.report.flags import wrapped
from geomsim.report.look import LIGHT, Look, direction_text, judged_by, number_text, p_text
from geomsim.report.panels import COLUMN, figure_of_panels, new_figure, quiet_frame, title_axes, width_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BUCKETS = ("1", "2-10", "11-100", "more")  # those of Pairing.multiplicity, in their order
_NORMAL_95 = 1.96
_HEADROOM = 0.42  # of the range of scores: two lines of numbers above the highest


def bucket_scores(
    results: pd.DataFrame | Iterable[Record],
    metric: str,
    ax: Axes | None = None,
    *,
    significance: str = "p_value",
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """The score of each bucket of a pairing's multiplicity, before the band of random subsets of the same size.

    Parameters
    ----------
    results
        a table or mappings with the keys bucket, n (pairs in it), score, null_mean, null_sd, `significance` and
        metric, one record per bucket; and maybe draws (p at its least is then written with "≤"), larger_means, and
        null_low and null_high, the central 95% of the draws. Without these the band is mean ± 1.96 sd. A bucket with
        n = 0 is shown as empty.
    significance
        the key of the p-value, raw or corrected.
    key
        whether band and numbers are explained below.

    Raises
    ------
    GeomsimError
        for a metric that no record has, missing keys, two records for one bucket, and an empty bucket with a score.

    >>> common = {"metric": "rsa", "null_mean": 0.3, "null_sd": 0.02}
    >>> records = [
    ...     {"bucket": "1", "n": 800, "score": 0.41, "p_value": 0.001, "draws": 999} | common,
    ...     {"bucket": "2-10", "n": 0, "score": None, "p_value": None} | common,
    ... ]
    >>> axes = bucket_scores(records, "rsa")
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['1\\nn = 800', '2-10\\nn = 0']
    >>> [text.get_text() for text in axes.texts]
    ['0.41', 'p ≤ 0.001', 'empty', '']
    """
    records = _ordered(records_of(results, metric, ("bucket", "n", "score", "null_mean", "null_sd", significance)))
    refuse_doubles(records, metric, ("bucket",))
    for record in records:
        if not number_in(record, "n") and number_in(record, "score") is not None:
            raise GeomsimError(
                f"{metric}: bucket {record['bucket']!r} has n = {record['n']} and the score {record['score']}; "
                "an empty bucket has no score"
            )
    axes = ax if ax is not None else new_figure(*_size(len(records), key), look).add_subplot()
    colour = look.bars[0]
    scores = [number_in(record, "score") for record in records]
    shown: list[float] = [score for score in scores if score is not None]
    for place, record in enumerate(records):
        if scores[place] is None:
            _draw_without_score(axes, place, record, look)
            continue
        mean, band = number_in(record, "null_mean"), _band(record)
        if band is not None:
            shown += band
            axes.bar(place, band[1] - band[0], 0.62, bottom=band[0], color=look.chance, alpha=0.55, lw=0, zorder=1)
        if mean is not None:
            shown.append(mean)
            axes.plot([place - 0.31, place + 0.31], [mean, mean], color=look.quiet, lw=1.2, zorder=2)
        head = {"ha": "center", "va": "top", "zorder": 5, "transform": axes.get_xaxis_transform()}
        axes.text(place, 0.99, number_text(scores[place]), size=9, color=look.ink, **head)  # type: ignore[arg-type]
        words = p_text(number_in(record, significance), number_in(record, "draws"))
        axes.text(place, 0.885, words, size=7.5, color=look.quiet, **head)  # type: ignore[arg-type]
    # A line only between neighbours that both have a score: across an empty bucket it would claim one.
    axes.plot(
        range(len(records)), [float("nan") if score is None else score for score in scores], "o-", color=colour, lw=1.2,
        ms=5.5, mec=look.paper, mew=0.8, zorder=4,
    )  # fmt: skip
    _dress(axes, records, shown, look)
    title_axes(axes, metric, _reading(records, significance), look)
    if key:
        axes.set_xlabel("\n".join([_PARTNERS, *_key(records)]), size=7.5, color=look.quiet)
    return axes


def bucket_score_panels(
    results: pd.DataFrame | Iterable[Record],
    metrics: Sequence[str],
    title: str = "",
    *,
    significance: str = "p_value",
    columns: int = 2,
    look: Look = LIGHT,
) -> Figure:
    """One :func:`bucket_scores` per metric, each on its own scale, with one key."""
    if not metrics:
        raise GeomsimError("a figure of panels needs at least one metric")
    # A generator would be empty for the second metric.
    rows = results if hasattr(results, "columns") else list(results)
    every = [record for metric in metrics for record in records_of(rows, metric, ("bucket", "null_mean", "null_sd"))]

    def draw(metric: str, axes: Axes) -> None:
        bucket_scores(rows, metric, axes, significance=significance, key=False, look=look)

    size = _size(max(len(records_of(rows, metric, ())) for metric in metrics), key=False)
    return figure_of_panels(metrics, draw, size, title, "; ".join([_PARTNERS, *_key(every)]), columns, look)


_PARTNERS = "pairs by how many share a row with them"


def _size(n_buckets: int, key: bool) -> tuple[float, float]:
    return max(COLUMN, 0.6 + 0.62 * n_buckets), 2.4 + 0.35 * key


def _ordered(records: Sequence[Record]) -> list[Record]:
    """Buckets in the order of the pairing's, any others behind as they come."""
    known = {bucket: place for place, bucket in enumerate(_BUCKETS)}
    return sorted(records, key=lambda record: known.get(str(record["bucket"]), len(known)))


def _band(record: Record) -> tuple[float, float] | None:
    """The central 95% of the random subsets: from the draws where the record has them, else by the normal law."""
    if (drawn := interval_in(record, ("null_low", "null_high"))) is not None:
        return drawn
    mean, sd = number_in(record, "null_mean"), number_in(record, "null_sd")
    return None if mean is None or sd is None else (mean - _NORMAL_95 * sd, mean + _NORMAL_95 * sd)


def _draw_without_score(axes: Axes, place: int, record: Record, look: Look) -> None:
    empty = not number_in(record, "n")
    across = axes.get_xaxis_transform()
    if not empty:
        axes.bar(place, 0.75, 0.62, transform=across, color=look.paper, ec=look.line, hatch="////", lw=0, zorder=1)
    text = "empty" if empty else "no score"
    axes.text(
        place, 0.4, text, size=7.5, color=look.quiet, ha="center", va="center", transform=across,
        bbox={"fc": look.paper, "ec": "none", "pad": 2},
    )  # fmt: skip


def _dress(axes: Axes, records: Sequence[Record], shown: Sequence[float], look: Look) -> None:
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    reach = (high - low) or 0.2 * abs(high) or 1.0
    axes.set_ylim(low - 0.08 * reach, high + _HEADROOM * reach)
    axes.set_xlim(-0.5, len(records) - 0.5)
    room = width_of(axes) / len(records)
    labels = [
        f"{wrapped(str(record['bucket']), room, 7.5)}\nn = {int(number_in(record, 'n') or 0):,}" for record in records
    ]
    axes.set_xticks(range(len(records)), labels, color=look.ink)
    axes.locator_params(axis="y", nbins=5)
    axes.set_yticks([tick for tick in axes.get_yticks() if low - 0.08 * reach <= tick <= high + 0.1 * reach])
    if not shown:
        axes.set_yticks([])
    axes.grid(axis="y", color=look.line, lw=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
    axes.tick_params(axis="x", labelsize=8, labelcolor=look.ink)
    quiet_frame(axes, look)


def _reading(records: Sequence[Record], significance: str) -> str:
    if all(number_in(record, "score") is None for record in records):
        return "no score"
    larger_means: Any = direction_of(records)
    parts = [direction_text(larger_means)] if larger_means else []
    parts += [judged_by(significance).replace("marks", "p")] if significance != "p_value" else []
    return "; ".join(parts)


def _key(records: Sequence[Record]) -> list[str]:
    scored = [record for record in records if number_in(record, "score") is not None]
    drawn = [record for record in scored if interval_in(record, ("null_low", "null_high")) is not None]
    banded = [record for record in scored if _band(record) is not None]
    if not banded:
        return ["dot: score; no random subsets to judge by"]
    how = "central 95%" if drawn else "± 1.96 sd"
    return [f"dot: score; grey: as many pairs at random ({how})"]
