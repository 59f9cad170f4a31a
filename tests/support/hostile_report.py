"""A report whose every text tries to be something else: markup, script, other directions of writing, sheer length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from report_contents import KINDS, small_report

from geomsim.report.page.contents import (
    Column,
    Contents,
    Context,
    Graph,
    GraphPair,
    MetricCard,
    SpaceRows,
)

NASTY = (
    "</script><script>document.title='broken in'</script>",
    "<img src=x onerror=\"alert('broken in')\">",
    "\"><svg onload=alert(1)>'`${alert(2)}",
    "\u202egnp.exe\u202d and \u2066back",
    "nul\x00 bell\x07 escape\x1b",
    "lone \ud83d surrogate \udc00",
    "long " + "x" * 10_000,
    "many " + "word " * 2_000,
    "",
    "   ",
    "<!-- --> ]]> {{ title }} {% raw %}",
    "__proto__",
    "constructor",
    "line\nend\ttab\u2028separator",
)
"""Texts that try to be something else."""

REFERENCES = {"$": [0, 0, 1, "u8"], "$json": 10_000, "$lazy": 0}
"""Names by which the page refers to its data, as names in the data."""


def nasty(number: int) -> str:
    """One of the hostile texts, in turn."""
    return NASTY[number % len(NASTY)]


def hostile_report() -> Contents:
    """The small report with hostile texts wherever a report takes text."""
    small = small_report()
    spaces = [_hostile_space(space, number) for number, space in enumerate(small.spaces)]
    pairs = [
        replace(pair, name=nasty(number), alignment=nasty(number + 1), labels={nasty(number): nasty(number + 2)},
                links=replace(pair.links, weight_name=nasty(number), columns=_hostile_columns(pair.links.columns)))
        for number, pair in enumerate(small.pairs) if pair.links
    ]  # fmt: skip
    records = [
        {**record, "kind": nasty(0 if record["kind"] == KINDS[0] else 1), "metric": nasty(place % 3),
         "left": nasty(2), "right": nasty(3), "warnings": nasty(place), "parameters": "not { json",
         "error": nasty(place), "interval": nasty(place),
         "subspace": record["subspace"] if record["subspace"] == "all" else nasty(place)}
        for place, record in enumerate(small.scores.records)
    ]  # fmt: skip
    card = MetricCard(NASTY[0], NASTY[1], text="\n".join(NASTY), facts={text: text for text in NASTY},
                      measured=[(text, text) for text in NASTY], broken=NASTY,
                      remarks=[(text, text) for text in NASTY])  # fmt: skip
    return replace(
        small,
        title="</title><script>alert(1)</script>\u202e\x00\ud83d" + "t" * 300,
        sentences=[NASTY[0], NASTY[3], NASTY[6]],
        scores=replace(small.scores, records=records),
        spaces=spaces,
        pairs=pairs,
        graphs=[_hostile_graphs(graphs, number) for number, graphs in enumerate(small.graphs)],
        diagrams=[replace(each, name=nasty(n), sentence=nasty(n + 1)) for n, each in enumerate(small.diagrams)],
        cards=[card],
        warnings=NASTY,
        notes=dict.fromkeys(("heatmap", "maps", "pairs", "graphs", "nulls", "diagrams", "subspaces"), NASTY),
        provenance={text: {text: [text, {text: text}], **REFERENCES} for text in NASTY},
    )


def _hostile_columns(columns: Sequence[Column]) -> list[Column]:
    return [
        replace(column, name=nasty(number),
                categories=None if column.categories is None
                else tuple(nasty(number + place) for place in range(len(column.categories))))
        for number, column in enumerate(columns)
    ]  # fmt: skip


def _hostile_context(number: int) -> Context:
    pieces = tuple(nasty(number + place) for place in range(4))
    return Context(1.0, nasty(number), pieces, (0.0, 1.0, 0.5, 2.0), 1)


def _hostile_space(space: SpaceRows, number: int) -> SpaceRows:
    n = space.n_rows
    return replace(
        space,
        name=nasty(number),
        what=nasty(number) if number == 2 else space.what,
        layout=nasty(number + 1),
        ids=[nasty(row + number) for row in range(n)],
        tokens=[[nasty(row), nasty(row + 1), nasty(row + 2)] for row in range(n)],
        contexts={row: [_hostile_context(row)] for row in range(0, n, 2)},
        columns=_hostile_columns(space.columns),
    )


def _hostile_graphs(graphs: GraphPair, number: int) -> GraphPair:
    def hostile(graph: Graph | None) -> Graph | None:
        if graph is None:
            return None
        n = len(graph.members)
        return replace(
            graph, name=nasty(number), names=[nasty(node) for node in range(n)],
            labels=[[nasty(node), nasty(node + 1)] for node in range(n)], columns=_hostile_columns(graph.columns),
        )  # fmt: skip

    left = hostile(graphs.left)
    assert left is not None
    texts = [_hostile_context(row) if row % 2 else nasty(row) for row in range(graphs.n_rows)]
    facts = {nasty(number): nasty(number + 1), **REFERENCES}
    name = nasty(number)
    return replace(graphs, name=name, left=left, right=hostile(graphs.right), sentence=name, facts=facts, texts=texts)
