"""Graphs drawn as dots and lines: one, or two side by side whose places and colours may be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import GeomsimError
from geomsim.report.look import LIGHT, Look, number_text, ramp
from geomsim.report.panels import COLUMN, figure_of, new_figure, quiet_frame, title_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_LARGEST_DOT, _SMALLEST_DOT = 130.0, 7.0  # points squared
_THICKEST, _THINNEST = 2.4, 0.5  # points


@dataclass(frozen=True, eq=False)
class NodeLink:
    """What is drawn of a graph.

    Raises GeomsimError where the arrays do not belong to one graph.
    """

    positions: NDArray[np.float64]
    """(nodes, 2)."""
    sizes: NDArray[np.float64]
    """(nodes,): rows in each node; the area of its dot."""
    edges: NDArray[np.int64]
    """(edges, 2): numbers of nodes."""
    weights: NDArray[np.float64] | None = None
    """(edges,): rows that both nodes hold; the width of the line."""
    colours: NDArray[np.float64] | None = None
    """(nodes,): a number each, such as the mean of the lens; NaN where there is none, drawn hollow."""
    name: str = "graph"

    def __post_init__(self) -> None:
        """Check the shapes."""
        n_nodes = len(self.positions)
        for what, found, wanted in (
            ("positions", np.shape(self.positions), (n_nodes, 2)),
            ("sizes", np.shape(self.sizes), (n_nodes,)),
            ("edges", np.shape(self.edges), (len(self.edges), 2)),
            ("weights", None if self.weights is None else np.shape(self.weights), (len(self.edges),)),
            ("colours", None if self.colours is None else np.shape(self.colours), (n_nodes,)),
        ):
            if found is not None and found != wanted:
                raise GeomsimError(f"{what} of a graph of {n_nodes} nodes must be of shape {wanted}, got {found}")


def node_link(
    graph: NodeLink,
    ax: Axes | None = None,
    *,
    colour_name: str = "",
    title: str = "",
    reading: str = "",
    look: Look = LIGHT,
    norm: Normalize | None = None,
) -> Axes:
    """A graph as dots, whose area is the number of rows, and lines, whose width is the number of shared rows.

    Parameters
    ----------
    graph
        what to draw; a graph may have no nodes.
    ax
        where; a new figure as wide as a column of a paper without it.
    colour_name
        what the colours stand for: it heads the colour bar. Nothing is drawn of a bar without colours.
    title, reading
        the first and the quiet second line above.
    look
        colours of paper, ink and ramp.
    norm
        how colours are scaled, where several graphs share a scale.

    >>> square = NodeLink(np.array([[0, 0], [1, 0], [1, 1]]) * 1.0, np.ones(3), np.array([[0, 1], [1, 2]]))
    >>> len(node_link(square).collections)
    2
    """
    axes = ax if ax is not None else new_figure(COLUMN, COLUMN, look).add_subplot()
    quiet_frame(axes, look)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal")
    axes.margins(0.08)
    title_axes(axes, title or graph.name, reading or _reading(graph), look)
    if not len(graph.positions):
        axes.text(0.5, 0.5, "no nodes", transform=axes.transAxes, ha="center", color=look.quiet)
        return axes
    _lines(graph, axes, look)
    dots = _dots(graph, axes, look, norm or scale_of(graph))
    if graph.colours is not None and colour_name and norm is None:
        _colour_bar(dots, [axes], colour_name, look)
    return axes


def node_link_pair(
    left: NodeLink, right: NodeLink, *, colour_name: str = "", title: str = "", look: Look = LIGHT
) -> Figure:
    """Two graphs side by side, one scale of colours and of places for both.

    Lay the right one out near its partners and carry the left one's colours to it first, so that equal colours in equal
    places mean nodes that belong together. Nodes without a colour are hollow.
    """
    figure = new_figure(2 * COLUMN, COLUMN + 0.3, look)
    norm = scale_of(left, right)
    panels = [figure.add_subplot(1, 2, place + 1) for place in range(2)]
    for graph, axes in zip((left, right), panels, strict=True):
        node_link(graph, axes, look=look, norm=norm)
    both = np.concatenate([left.positions, right.positions])
    if len(both):
        low, high = both.min(axis=0), both.max(axis=0)
        room = 0.08 * max(float((high - low).max()), 1e-9)
        for axes in panels:
            axes.set_xlim(low[0] - room, high[0] + room)
            axes.set_ylim(low[1] - room, high[1] + room)
    coloured = [axes for axes in panels if len(axes.collections) > 1]
    if colour_name and coloured and left.colours is not None:
        _colour_bar(coloured[0].collections[1], panels, colour_name, look)
    if title:
        figure.suptitle(title, size=12, weight="bold", color=look.ink)
    return figure


def scale_of(*graphs: NodeLink) -> Normalize:
    """The least and the largest colour of all graphs."""
    from matplotlib.colors import Normalize

    known = np.concatenate([each.colours for each in graphs if each.colours is not None] or [np.zeros(1)])
    known = known[np.isfinite(known)]
    return Normalize(*((float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)))


def _reading(graph: NodeLink) -> str:
    return f"{len(graph.positions)} nodes, {len(graph.edges)} edges"


def _lines(graph: NodeLink, axes: Axes, look: Look) -> None:
    from matplotlib.collections import LineCollection

    weights = np.ones(len(graph.edges)) if graph.weights is None else np.asarray(graph.weights, dtype=np.float64)
    widths = _THINNEST + (_THICKEST - _THINNEST) * np.sqrt(weights / max(weights.max(initial=1.0), 1e-300))
    axes.add_collection(
        LineCollection(list(graph.positions[graph.edges]), linewidths=widths, colors=look.chance, zorder=1)
    )


def _dots(graph: NodeLink, axes: Axes, look: Look, norm: Normalize) -> Any:
    shares = graph.sizes / max(float(graph.sizes.max()), 1e-300)
    area = _SMALLEST_DOT + (_LARGEST_DOT - _SMALLEST_DOT) * shares
    # Dots of a large graph would hide each other.
    area *= min(1.0, 60 / len(area)) ** 0.5
    colours: ArrayLike = np.full(len(area), np.nan) if graph.colours is None else graph.colours
    plain = graph.colours is None
    shades = ramp(look)(norm(np.asarray(colours, dtype=np.float64)))
    shades[~np.isfinite(np.asarray(colours, dtype=np.float64))] = [1, 1, 1, 0]
    dots = axes.scatter(
        graph.positions[:, 0], graph.positions[:, 1], s=area, c=[look.bars[0]] * len(area) if plain else shades,
        edgecolors=look.ink, linewidths=0.6, zorder=2,
    )  # fmt: skip
    dots.set_cmap(ramp(look))
    dots.set_norm(norm)
    return dots


def _colour_bar(dots: Any, panels: list[Axes], name: str, look: Look) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure_of(panels[0]).colorbar(
        ScalarMappable(dots.norm, dots.get_cmap()), ax=panels, location="bottom", fraction=0.05, pad=0.02, aspect=30
    )
    bar.outline.set_visible(False)
    bar.set_label(name, size=8, color=look.quiet)
    low, high = dots.norm.vmin, dots.norm.vmax
    bar.set_ticks([low, high], labels=[number_text(low), number_text(high)])
    bar.ax.tick_params(length=0, labelsize=7.5, labelcolor=look.quiet)
