"""The report's view `mapper`: Mapper graphs of two spaces over the same rows, and the plan between them."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from geomsim import Comparison, GeomsimError, GeomsimWarning, InapplicableNull
from geomsim.report.page.contents import GraphPair
from geomsim.report.views.request import ViewRequest, Views
from geomsim_topological.graph_comparison import GraphComparison, compare_graphs
from geomsim_topological.report_views.comparison_words import comparison_facts, comparison_sentence
from geomsim_topological.report_views.graph_contents import graph_contents, places_of_both, plan_contents
from geomsim_topological.report_views.row_texts import row_texts
from geomsim_topological.report_views.row_values import density_column, lens_columns
from geomsim_topological.report_views.view_setting import drawn_sides

LEAST_ROWS = 20
_DRAWS = 999
_MANY_ROWS, _DRAWS_OF_MANY_ROWS = 5_000, 199
# Pairs of nodes: a plan between graphs of 500 nodes each takes a hundredth of a second, of 1,500 a fifth of one.
_MANY_PAIRS, _DRAWS_OF_MANY_PAIRS = 250_000, 99
_ADVICE = "`geomsim mapper` makes graphs at other settings: try another --lens, --cubes or --relative-eps"
_OWN_SETTING = "These graphs have a setting of their own: their cost is not the score of the metric mapper-transport."


def mapper_view(request: ViewRequest) -> Views:
    """Mapper graphs of both sides, the plan between their nodes and its p-value; a note where there are none.

    The setting is that of :func:`geomsim_topological.report_views.view_setting.drawn_sides`. The p-value comes from 999
    shuffles of the rows, 199 above 5,000 rows, 99 above 250,000 pairs of nodes; rows of one group (a document) move
    together. Nodes are coloured by the lens, the density and their size, and named by the tokens that stand out.
    """
    n_rows = request.left.n_rows
    if n_rows < LEAST_ROWS:
        return Views(
            notes=[
                f"{request.name}: no Mapper graphs, as {n_rows} rows are too few (at least {LEAST_ROWS}): pair more "
                "rows"
            ]
        )
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            graphs = [_graphs(request, notes)]
        except GeomsimError as error:
            graphs = []
            notes.append(f"{request.name}: no Mapper graphs: {error}. {_ADVICE}")
    for each in heard:
        if issubclass(each.category, GeomsimWarning):
            notes.append(f"{request.name}: {each.message}")
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return Views(graphs=graphs, notes=list(dict.fromkeys(notes)))


def _graphs(request: ViewRequest, notes: list[str]) -> GraphPair:
    clouds = request.left.numpy(), request.right.numpy()
    drawn = drawn_sides(*clouds)
    if not drawn.stable:
        notes.append(
            f"{request.name}: the Mapper graphs have another shape at each of the settings that were tried, so read "
            f"components and loops with care. {_ADVICE}"
        )
    found = compare_graphs(*drawn.graphs)
    judged = _judged(found, request, notes)
    names = request.left.name or "left", request.right.name or "right"
    if names[0] == names[1]:
        names = f"{names[0]} (left)", f"{names[1]} (right)"
    what = "row" if request.pair is None else "pair"
    sides = []
    for graph, places, name, tokens, lens, cloud in zip(
        drawn.graphs, places_of_both(found, request.seed), names, (request.left_tokens, request.right_tokens),
        drawn.lenses, clouds, strict=True,
    ):  # fmt: skip
        density, why_not = density_column(cloud, f"{request.name}: {name}")
        notes += why_not
        sides.append(
            graph_contents(graph, places, name, tokens, {**lens_columns(lens, "principal component"), **density})
        )
    return GraphPair(
        name=request.name,
        left=sides[0],
        right=sides[1],
        plan=plan_contents(found),
        pair=request.pair,
        n_rows=request.left.n_rows,
        what=what,
        sentence=f"{comparison_sentence(found, judged, names, what)} {_OWN_SETTING}",
        facts={**comparison_facts(found, judged), "setting": drawn.setting},
        texts=row_texts(request.left_tokens, request.right_tokens),
    )


def _judged(found: GraphComparison, request: ViewRequest, notes: list[str]) -> Comparison | None:
    draws = _DRAWS if request.left.n_rows <= _MANY_ROWS else _DRAWS_OF_MANY_ROWS
    if np.prod(found.plan.shape) > _MANY_PAIRS:
        draws = _DRAWS_OF_MANY_PAIRS
    try:
        judged = found.significance(draws, request.seed, _groups(request))
    except InapplicableNull as error:
        notes.append(f"{request.name}: the Mapper graphs have no p-value: {error}")
        return None
    notes += [f"{request.name}: {warning}" for warning in judged.warnings]
    return judged


def _groups(request: ViewRequest) -> NDArray[np.int64] | None:
    """One label per row; where both sides have their own, rows of one group are those that are so on both."""
    given = [side.groups for side in (request.left, request.right) if side.groups is not None]
    if not given:
        return None
    return np.asarray(np.unique(np.column_stack(given), axis=0, return_inverse=True)[1], dtype=np.int64).ravel()
