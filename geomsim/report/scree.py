"""The spectra of two spaces beside each other: how many directions carry their variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import DegenerateSpace, GeomsimError
from geomsim.report.look import LIGHT, Look
from geomsim.report.panels import COLUMN, key_below, new_figure, quiet_frame, title_axes
from geomsim.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

_MARKED = 40  # up to so many components, each is a dot
_STYLES: tuple[tuple[str, Any], ...] = (("o", "-"), ("s", (0, (4, 1.2))))


@dataclass(frozen=True)
class Spectrum:
    """Shares of the variance, largest first; as many as the rank; and how many of them are kept."""

    shares: NDArray[np.float64]
    kept: int
    width: int


def spectrum(space: Space | ArrayLike, kept: float = 0.99, *, centre: bool = True, name: str = "the space") -> Spectrum:
    """Share of the variance per component, s_i^2 / sum_j s_j^2 for singular values s of the centred points.

    `kept` is the share that the fewest first components together must reach, as in SVCCA. Components below the
    numerical rank, eps * max(rows, width) * s_1, are left out.

    Raises
    ------
    GeomsimError
        for a `kept` that is not above 0 and at most 1.
    DegenerateSpace
        where all points are equal (or, not centred, zero).

    >>> found = spectrum([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], kept=0.7)
    >>> found.shares.round(3), found.kept
    (array([0.8, 0.2]), 1)
    """
    if not 0 < kept <= 1:
        raise GeomsimError(f"kept is a share of the variance, above 0 and at most 1, got {kept!r}")
    points = (space if isinstance(space, Space) else Space(space)).numpy().astype(np.float64)
    scale = float(np.abs(points).max())
    if centre:
        points = points - points.mean(axis=0)
    values = np.linalg.svd(points, compute_uv=False)
    bound = np.finfo(np.float64).eps * max(points.shape)
    # Centring leaves rounding of the size of the points, however small what remains is.
    if not scale or values[0] <= bound * scale:
        raise DegenerateSpace(
            f"{name}: all points are {'equal' if centre else 'zero'}, so there is no variance to share"
        )
    values = values[values > bound * values[0]] / values[0]
    squares = values**2
    shares = squares / squares.sum()
    reached = np.cumsum(shares) >= kept - 1e-12
    return Spectrum(shares, int(np.argmax(reached)) + 1 if reached.any() else len(shares), points.shape[1])


def scree_plot(
    left: Space | ArrayLike,
    right: Space | ArrayLike,
    ax: Axes | None = None,
    *,
    kept: float = 0.99,
    centre: bool = True,
    cumulative: bool = False,
    log_components: bool = False,
    names: tuple[str, str] | None = None,
    title: str = "Spectra",
    look: Look = LIGHT,
) -> Axes:
    """Share of the variance by component, on a logarithmic scale, with the components kept at `kept` marked.

    Parameters
    ----------
    left, right
        spaces, or points of shape (rows, width).
    kept, centre
        see :func:`spectrum`. A vertical stroke marks the last component kept of each side.
    cumulative
        also a thin line of the variance of the first components together.
    log_components
        whether the components, too, stand on a logarithmic scale.
    names
        of both sides, in place of the spaces' own names.

    Raises
    ------
    GeomsimError
        for a `kept` that is no share, and for a space without variance.

    >>> random = np.random.default_rng(0)
    >>> axes = scree_plot(random.normal(size=(50, 3)), random.normal(size=(50, 5)))
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['left: 3 of 3 components keep 99%', 'right: 5 of 5 components keep 99%', 'last component kept']
    """
    spaces = [each if isinstance(each, Space) else Space(each) for each in (left, right)]
    called = names or tuple(space.name or side for space, side in zip(spaces, ("left", "right"), strict=True))
    found = [spectrum(space, kept, centre=centre, name=name) for space, name in zip(spaces, called, strict=True)]
    axes = ax if ax is not None else new_figure(COLUMN, 2.9, look).add_subplot()
    handles: list[Any] = []
    for place, (each, name) in enumerate(zip(found, called, strict=True)):
        colour, (marker, dashes) = look.bars[place], _STYLES[place]
        number = np.arange(1, len(each.shares) + 1)
        dots = marker if len(number) <= _MARKED else ""
        label = f"{name}: {each.kept} of {each.width} components keep {100 * kept:g}%"
        if len(number) < each.width:
            label += f" (rank {len(number)})"
        handles += axes.plot(
            number, each.shares, color=colour, ls=dashes, marker=dots, ms=3.2, lw=1.4, zorder=3, label=label
        )
        if cumulative:
            axes.plot(number, np.cumsum(each.shares), color=colour, ls=dashes, lw=0.7, zorder=2)
        axes.axvline(each.kept, color=colour, ls=":", lw=1, zorder=1)
        last = each.shares[each.kept - 1]
        axes.plot([each.kept], [last], marker, mfc=look.paper, mec=colour, mew=1.4, ms=6, zorder=4)
    axes.set_yscale("log")
    if max(len(each.shares) for each in found) == 1:
        axes.set_xlim(0.5, 1.5)
    if log_components:
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=6, integer=True)
    axes.set_xlabel("component", size=8, color=look.quiet)
    axes.set_ylabel("share of variance", size=8, color=look.quiet)
    axes.grid(axis="y", color=look.line, lw=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelsize=7.5, labelcolor=look.quiet)
    quiet_frame(axes, look)
    title_axes(axes, title, "centred" if centre else "not centred", look)
    key_below(axes, handles + _signs(cumulative, look), look)
    return axes


def _signs(cumulative: bool, look: Look) -> list[Any]:
    from matplotlib.lines import Line2D

    kept = Line2D([], [], ls=":", lw=1, color=look.quiet, marker="o", ms=6, mfc=look.paper, mew=1.4)
    kept.set_label("last component kept")
    return [kept, *([Line2D([], [], lw=0.7, color=look.quiet, label="cumulative share")] if cumulative else [])]
