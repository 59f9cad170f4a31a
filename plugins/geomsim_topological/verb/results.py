"""The files of `geomsim mapper`; each appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geomsim.report.page.contents import Contents
from geomsim.report.saving import save_figure
from geomsim.report.views.stored_page import save_page
from geomsim.tables import whole_file
from geomsim_topological.graph_comparison import GraphComparison
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.multiscale import MultiscaleAgreement
from geomsim_topological.verb.graphs import Made
from geomsim_topological.verb.pictures import agreement_field, diagrams, one_graph, stability_fields, two_graphs

_SIDES = ("left", "right")


def files(sides: int, persistence: bool, sweep: bool) -> list[str]:
    """What is written, in order; `comparison` is a folder of tables, `views` one of what a report shows."""
    graphs = [f"{side}{suffix}" for side in _SIDES[:sides] for suffix in (".json", ".kmapper.json")]
    both = sides == len(_SIDES)
    return [
        *graphs,
        *(["comparison"] if both else []),
        "graphs.pdf",
        *(["loops.pdf"] if persistence else []),
        *(["stability.pdf"] if sweep else []),
        *(["agreement.pdf", "agreement.csv"] if sweep and both else []),
        "views",
        "run.json",
    ]


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that was found."""

    names: Sequence[str]
    made: Made
    found: Mapping[str, Any]
    seed: int
    contents: Contents
    """The page of all this."""
    loops: Sequence[Diagram] = ()
    comparison: GraphComparison | None = None
    agreement: MultiscaleAgreement | None = None

    def save(self, out: Path) -> Iterator[Path]:
        """Write everything; each path when it is written, `run.json` last."""
        for side, graph in zip(_SIDES, self.made.graphs, strict=False):
            with whole_file(out / f"{side}.json") as part:
                graph.to_json(part)
            yield out / f"{side}.json"
            yield _json(out / f"{side}.kmapper.json", graph.to_kmapper())
        if self.comparison is not None:
            yield self.comparison.save(out / "comparison")
        yield save_figure(self._graphs(), out / "graphs.pdf")
        if self.loops:
            yield save_figure(diagrams(self.loops, self.names, "loops"), out / "loops.pdf")
        suggestion = self.made.suggestion
        if suggestion is not None:
            yield save_figure(stability_fields(self.made.stabilities, self.names, suggestion), out / "stability.pdf")
        if suggestion is not None and self.agreement is not None:
            yield save_figure(agreement_field(self.agreement, suggestion), out / "agreement.pdf")
            with whole_file(out / "agreement.csv") as part:
                self.agreement.to_frame().to_csv(part, index=False)
            yield out / "agreement.csv"
        save_page(self.contents, out / "views")
        yield out / "views"
        yield _json(out / "run.json", {**self.found, "seed": self.seed})

    def _graphs(self) -> Any:
        graph, lens = self.made.graphs[0], self.made.lenses[0]
        colours = np.asarray(graph.incidence.T @ lens[:, 0]) / np.maximum(graph.sizes, 1)
        name = {"pca": "first component", "umap": "first UMAP coordinate"}.get(self.made.setting["lens"])
        colour_name = f"mean {name or self.made.setting['lens']}"
        if self.comparison is None:
            return one_graph(graph, colours, colour_name, self.names[0], self.seed)
        facts = self.found["comparison"]
        title = f"mapper-transport {facts['value']:.3f}, by chance {facts['chance']:.3f}"
        return two_graphs(self.comparison, colours, colour_name, self.names, title, self.seed)


def _json(path: Path, content: Mapping[str, Any]) -> Path:
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False, default=str) + "\n", encoding="utf-8")
    return path
