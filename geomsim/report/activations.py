"""How strongly one latent is active: a histogram of its activations, with the tokens on which it is silent in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError
from geomsim.report.look import LIGHT, Look, number_text
from geomsim.report.panels import COLUMN, key_below, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from geomsim.activations.latent_histogram import ActivationHistogram


_HEADROOM = 1.22  # of the highest bar: room for the line of quantiles


def activation_bars(
    histogram: ActivationHistogram,
    ax: Axes | None = None,
    *,
    title: str = "Activation",
    log_counts: bool = False,
    key: bool = True,
    look: Look = LIGHT,
) -> Axes:
    """Tokens by activation, with the median and the central 90% of the activations that are not 0.

    Parameters
    ----------
    histogram
        what :func:`geomsim.activations.latent_histogram.activation_histogram` gave. Where its bins are of equal
        ratio, the axis of activations is logarithmic too.
    log_counts
        whether tokens, too, stand on a logarithmic scale.
    key
        whether the signs are explained below.

    Raises
    ------
    GeomsimError
        for a latent that is never active.

    >>> import geomsim
    >>> from geomsim.activations.latent_histogram import activation_histogram
    >>> codes = geomsim.Codes.from_dense([[1.0], [0.0], [4.0], [2.0]])
    >>> axes = activation_bars(activation_histogram(codes, 0, bins=4))
    >>> [float(bar.get_height()) for bar in axes.patches]
    [0.0, 1.0, 1.0, 1.0]
    """
    if not histogram.firings:
        raise GeomsimError(
            f"the latent is never active on the {histogram.n_tokens:,} tokens that were read, so there is no "
            "activation to draw"
        )
    axes = ax if ax is not None else new_figure(COLUMN, 2.75 if key else 2.3, look).add_subplot()
    colour = look.bars[0]
    edges, counts = histogram.edges, histogram.counts
    axes.bar(edges[:-1], counts, edges[1:] - edges[:-1], align="edge", color=colour, ec=look.paper, lw=0.5, zorder=2)
    if histogram.scale == "log":
        axes.set_xscale("log")
        ticks = _ticks(float(edges[0]), float(edges[-1]))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
    axes.set_xlim(edges[0], edges[-1])
    if log_counts:
        axes.set_yscale("log")
        axes.set_ylim(0.7, 3 * float(counts.max()))
    else:
        axes.set_ylim(0, _HEADROOM * float(counts.max()))
        axes.locator_params(axis="y", nbins=4, integer=True)
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 1.02 * float(counts.max())])
    quantiles = histogram.quantiles
    top = axes.get_xaxis_transform()
    style: dict[str, Any] = {"transform": top, "color": look.bars[1], "zorder": 4, "clip_on": False}
    handles = axes.plot(
        [quantiles[0.05], quantiles[0.95]], [0.95, 0.95], "|-", lw=1.2, ms=5, **style,
        label=f"central 90%: {number_text(quantiles[0.05])} to {number_text(quantiles[0.95])}",
    )  # fmt: skip
    handles += axes.plot([quantiles[0.5]], [0.95], "o", ms=4.5, **style, label=f"median: {number_text(quantiles[0.5])}")
    axes.set_xlabel("activation" + ", logarithmic" * (histogram.scale == "log"), size=8, color=look.quiet)
    axes.set_ylabel("tokens" + ", logarithmic" * log_counts, size=8, color=look.quiet)
    axes.grid(axis="y", color=look.line, lw=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    axes.spines["bottom"].set(visible=True, color=look.line)
    reading = f"active on {histogram.firings:,} of {histogram.n_tokens:,} tokens ({histogram.firing_rate:.2%})"
    title_axes(axes, title, reading, look)
    if key:
        key_below(axes, handles, look)
    return axes


def _ticks(low: float, high: float) -> list[float]:
    """Up to six round numbers of a logarithmic axis: powers of ten, with 2 and 5 between where there is room."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if 2 <= len(ticks) <= 6:
            return ticks
    return ticks[:: math.ceil(len(ticks) / 6)] if len(ticks) > 1 else [low, high]
