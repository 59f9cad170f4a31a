"""The figures of `geomsim mapper`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geomsim.report.birth_death import birth_death
from geomsim.report.look import LIGHT
from geomsim.report.node_link import NodeLink, node_link, node_link_pair
from geomsim.report.panels import COLUMN, figure_of, new_figure
from geomsim.report.setting_field import setting_field
from geomsim_topological.graph_comparison import GraphComparison
from geomsim_topological.graph_layout import aligned_layout, as_wide, graph_layout
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.multiscale import MultiscaleAgreement
from geomsim_topological.settings_choice import Suggestion
from geomsim_topological.stability import Stability
from geomsim_topological.sweep import Setting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_LEAST_SHARE = 0.01


def one_graph(graph: MapperGraph, colours: Floats, colour_name: str, name: str, seed: int) -> Figure:
    """A graph, its nodes coloured by a number each."""
    part, nodes, called = _main_part(graph, name)
    drawn = _drawn(part, graph_layout(part, seed), colours[nodes], called)
    return figure_of(node_link(drawn, colour_name=colour_name))


def two_graphs(
    found: GraphComparison, colours: Floats, colour_name: str, names: Sequence[str], title: str, seed: int
) -> Figure:
    """Both graphs: the right one turned towards its partners, the left one's colours carried to it along the plan."""
    carried = np.asarray(found.carry(colours).values, dtype=np.float64)
    left, left_nodes, left_name = _main_part(found.left, names[0])
    right, right_nodes, right_name = _main_part(found.right, names[1])
    places = graph_layout(left, seed)
    turned = as_wide(aligned_layout(places, right, found.plan[left_nodes][:, right_nodes], seed), places)
    return node_link_pair(
        _drawn(left, places, colours[left_nodes], left_name),
        _drawn(right, turned, carried[right_nodes], right_name),
        colour_name=f"{colour_name} on the left, carried to the right by the plan",
        title=title,
    )


def _main_part(graph: MapperGraph, name: str) -> tuple[MapperGraph, NDArray[np.int64], str]:
    """The components with a hundredth of the rows or more, their nodes, and a name that says whether any is left out.

    Hundreds of specks would leave no room for what has a shape. Where all components are small, all are drawn.
    """
    member = graph.component_of
    rows = np.bincount(member, weights=graph.sizes, minlength=1)
    nodes = np.flatnonzero(rows[member] >= _LEAST_SHARE * graph.n_rows)
    if len(nodes) in (0, len(graph.names)):
        return graph, np.arange(len(graph.names)), name
    kept = {graph.names[node]: graph.nodes[graph.names[node]] for node in nodes.tolist()}
    part = MapperGraph.from_kmapper({"nodes": kept}, graph.n_rows)
    return part, nodes, f"{name}, large components"


def diagrams(found: Sequence[Diagram], names: Sequence[str], what: str) -> Figure:
    """Persistence diagrams beside each other, each with the line above which its bars are certain."""
    figure = new_figure(COLUMN * len(found), COLUMN + 1.1, LIGHT)
    for place, (each, name) in enumerate(zip(found, names, strict=True)):
        axes = figure.add_subplot(1, len(found), place + 1)
        birth_death(each.bars, each.covering_radius, axes, title=name, what=what)
    return figure


def stability_fields(sides: Sequence[Stability], names: Sequence[str], suggested: Suggestion) -> Figure:
    """Components and loops at every setting, shaded by how much of the sweep looks the same, and the suggested one."""
    cubes, overlaps, places = _grid(sides[0].settings)
    figure = new_figure(COLUMN * len(sides), 1.8 + 0.3 * len(cubes), LIGHT)
    for number, (side, name) in enumerate(zip(sides, names, strict=True)):
        components, loops = side.by_setting["components"], side.by_setting["loops"]
        setting_field(
            side.stable_share[places],
            cubes,
            overlaps,
            figure.add_subplot(1, len(sides), number + 1),
            title=name,
            reading="components, loops; darker: more settings alike",
            marked=(cubes.index(suggested.setting.n), overlaps.index(suggested.setting.overlap)),
            limits=(0.0, 1.0),
            texts=[[f"{components[each]}, {loops[each]}" for each in row] for row in places],
        )
    return figure


def agreement_field(found: MultiscaleAgreement, suggested: Suggestion) -> Figure:
    """How well two graphs agree at every setting, with p corrected for how many settings there are."""
    cubes, overlaps, places = _grid(found.settings)
    figure = new_figure(1.3 * COLUMN, 1.5 + 0.42 * len(cubes), LIGHT)
    agreement, p_values = found.agreement, found.p_values
    least = 1 / (1 + found.chance.shape[1])
    setting_field(
        agreement[places],
        cubes,
        overlaps,
        figure.add_subplot(),
        title="Agreement at every setting",
        reading=f"1 - score / chance; p for {len(found.settings)} settings at once",
        marked=(cubes.index(suggested.setting.n), overlaps.index(suggested.setting.overlap)),
        limits=(0.0, 1.0),
        texts=[
            [
                "none" if np.isnan(agreement[each]) else f"{agreement[each]:z.2f}\n{_p(p_values[each], least)}"
                for each in row
            ]
            for row in places
        ],
    )
    return figure


def _p(p_value: float, least: float) -> str:
    sign = "\N{LESS-THAN OR EQUAL TO} " if p_value <= least + 1e-12 else ""
    return f"p {sign}{p_value:.2g}".replace("0.", ".")


def _grid(settings: Sequence[Setting]) -> tuple[list[int], list[float], NDArray[np.int64]]:
    """Cubes, overlaps, and the number of the setting of each two."""
    cubes = sorted({each.n for each in settings})
    overlaps = sorted({each.overlap for each in settings})
    place = {(each.n, each.overlap): number for number, each in enumerate(settings)}
    return cubes, overlaps, np.array([[place[n, overlap] for overlap in overlaps] for n in cubes])


def _drawn(graph: MapperGraph, positions: Floats, colours: Floats, name: str) -> NodeLink:
    return NodeLink(
        positions,
        graph.sizes.astype(np.float64),
        graph.edges,
        graph.weights.astype(np.float64),
        np.asarray(colours, dtype=np.float64),
        name,
    )
