"""What `geomsim mapper` found, as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Comparison, __version__
from geomsim.report.page.contents import Contents, Context, Graph, GraphPair
from geomsim_topological.graph_comparison import GraphComparison
from geomsim_topological.graph_layout import graph_layout
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.report_views.comparison_words import comparison_facts, comparison_headline, comparison_sentence
from geomsim_topological.report_views.diagram_contents import diagram_contents
from geomsim_topological.report_views.graph_contents import graph_contents, places_of_both, plan_contents
from geomsim_topological.report_views.row_texts import row_texts
from geomsim_topological.report_views.row_values import density_column, lens_columns
from geomsim_topological.verb.graphs import Made
from geomsim_topological.verb.side import Side

_LENSES = {"pca": "principal component", "umap": "UMAP coordinate"}
_CODES = (
    "The activation at a piece of text is the length (Euclidean norm) of the code of its token, all latents together."
)
_TWO = (
    "`geomsim mapper LEFT RIGHT` shows graphs alone. `geomsim compare LEFT RIGHT --out RESULTS` compares by metrics, "
    "and `geomsim report RESULTS` shows that"
)
_ELSEWHERE = ("side", "longest loops")
_MISSING = {
    "heatmap": f"No scores: {_TWO}, with a heatmap of scores.",
    "maps": f"No maps: {_TWO}, with a map of either space.",
    "pairs": f"No table of pairs: {_TWO}, with the pairs where a pairing is named.",
    "nulls": f"No distributions by chance: {_TWO}, beside the scores of shuffled rows.",
    "subspaces": "Only whole spaces were looked at; write a study with [subspaces] for parts of them.",
    "cards": f"No metric is shown here: {_TWO}, with a card of each metric.",
    "graphs": "No node: no row is in one. Use a larger --relative-eps, a smaller --min-samples or fewer --cubes.",
    "diagrams": "No persistence diagram: leave out --no-persistence.",
}


@dataclass(frozen=True, eq=False)
class Page:
    """Everything that the page shows."""

    names: Sequence[str]
    sides: Sequence[Side]
    made: Made
    found: Mapping[str, Any]
    """The answer of the verb, ready for JSON."""
    seed: int
    loops: Sequence[Diagram] = ()
    comparison: GraphComparison | None = None
    judged: Comparison | None = None
    what: str = "row"
    """The word for one row."""

    def contents(self) -> Contents:
        """As the report's writer takes it."""
        sides, notes = zip(*(self._values(number) for number in range(len(self.sides))), strict=True)
        graphs = [self._one(sides[0])] if self.comparison is None else [self._both(self.comparison, sides)]
        told = [note for each in notes for note in each] + list(self.found["notes"])
        told += [_CODES] if self.sides[0].contexts is not None else []
        return Contents(
            title=f"Mapper graph{'s' if len(self.names) > 1 else ''} of {' and '.join(self.names)}",
            sentences=[
                self._made(),
                *self._headline(),
                self._chosen(),
            ],
            graphs=[pair for pair in graphs if pair.left.members or (pair.right and pair.right.members)],
            diagrams=[
                diagram_contents(loops, name, side.space)
                for loops, name, side in zip(self.loops, self.names, self.sides, strict=False)
            ],
            warnings=[] if self.judged is None else self.judged.warnings,
            notes={"graphs": told},
            missing=_MISSING,
            provenance=self._provenance(),
        )

    def _headline(self) -> list[str]:
        if self.comparison is None:
            return []
        return [comparison_headline(self.comparison, self.judged, (self.names[0], self.names[1]), self.what)]

    def _values(self, number: int) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
        """Numbers of the rows of a side by which nodes are coloured, and notes."""
        lens = self.made.setting["lens"]
        cloud = self.sides[number].space.numpy()
        density, notes = density_column(cloud, self.names[number])
        columns = lens_columns(self.made.lenses[number], _LENSES.get(lens, f"{lens} (the lens)"))
        return {**columns, **density}, notes

    def _one(self, values: Mapping[str, NDArray[np.float64]]) -> GraphPair:
        graph, side = self.made.graphs[0], self.sides[0]
        return GraphPair(
            name=self.names[0],
            left=graph_contents(graph, graph_layout(graph, self.seed), self.names[0], side.labels, values),
            n_rows=graph.n_rows,
            what=self.what,
            sentence=self._made(),
            facts={**self.found["sides"][0], **self.made.setting},
            texts=self._texts(),
        )

    def _both(self, comparison: GraphComparison, values: Sequence[Mapping[str, NDArray[np.float64]]]) -> GraphPair:
        graphs: list[Graph] = [
            graph_contents(graph, places, name, side.labels, each)
            for graph, places, name, side, each in zip(
                self.made.graphs, places_of_both(comparison, self.seed), self.names, self.sides, values, strict=True
            )
        ]
        names = self.names[0], self.names[1]
        return GraphPair(
            name=" and ".join(names),
            left=graphs[0],
            right=graphs[1],
            plan=plan_contents(comparison),
            n_rows=comparison.left.n_rows,
            what=self.what,
            sentence=comparison_sentence(comparison, self.judged, names, self.what),
            facts={**comparison_facts(comparison, self.judged), **self.made.setting},
            texts=self._texts(),
        )

    def _texts(self) -> Sequence[Context | str | None] | None:
        """The text around each token, or the words of the rows."""
        first, last = self.sides[0], self.sides[-1]
        if first.contexts is not None:
            return first.contexts
        return row_texts(first.labels, None if last is first else last.labels)

    def _made(self) -> str:
        rows = self.made.graphs[0].n_rows
        parts = [
            f"{side['nodes']:,} nodes and {side['edges']:,} edges in {side['components']:,} "
            f"component{'' if side['components'] == 1 else 's'} for {side['side']}"
            for side in self.found["sides"]
        ]
        return f"Mapper made of {rows:,} {self.what}s {' and '.join(parts)}."

    def _chosen(self) -> str:
        setting = self.made.setting
        lens = _LENSES.get(setting["lens"], setting["lens"])
        scale = setting["relative eps"]
        eps = "the knee of the neighbour distances" if scale is None else f"{scale:g} of the root mean square radius"
        seen = f"{setting['dimensions']} {lens}s" if setting["dimensions"] > 1 else f"the {lens}"
        text = (
            f"Seen through {seen}, cut into {setting['cubes']} {setting['cover']} a dimension with an overlap of "
            f"{setting['overlap']:g}, and clustered at {eps}; another setting gives other graphs."
        )
        return text if self.made.suggestion is None else f"{text} Chosen by a sweep: {self.made.suggestion.text}"

    def _provenance(self) -> dict[str, Any]:
        return {
            "Setting": {**self.made.setting, "seed": self.seed},
            "Sides": {
                side["side"]: {name: value for name, value in side.items() if name not in _ELSEWHERE}
                for side in self.found["sides"]
            },
            "Versions": {"geomsim": __version__},
        }
