"""What `geomsim mapper` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.cli.console import p_text, plain_table
from geomsim_topological.graphs.graph import MapperGraph

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim_topological.multiscale import MultiscaleAgreement

_NODES = 10
_FILES_ONLY = ("longest loops", "covering radius")
LOOPS = "loops: of the nerve, where three nodes with a row in common leave no loop between them."
CERTIFIED = (
    "certified loops: longer in the persistence diagram of {landmarks} landmarks than landmarks can be wrong by; that "
    "they are more than chance is another question."
)
ALL_CERTIFIED = "Where each row is a landmark ({landmarks} rows or fewer) every loop is certified, however short."


def sides_table(sides: Sequence[Mapping[str, Any]], landmarks: int | None) -> Table:
    """The graphs in numbers."""
    columns = [name for name in sides[0] if name not in _FILES_ONLY]
    table = plain_table("Mapper graphs", columns, [[_shown(s[name]) for name in columns] for s in sides], columns[1:])
    lines = [LOOPS]
    if landmarks is not None:
        lines.append(CERTIFIED.format(landmarks=landmarks))
        lines += [ALL_CERTIFIED.format(landmarks=landmarks)] if any(s["rows"] <= landmarks for s in sides) else []
    table.caption = "\n".join(lines)
    table.caption_justify = "left"
    return table


def score_text(found: Mapping[str, Any]) -> str:
    """The score, its chance, its p-value and the edges that stay."""
    edges = [
        f"{found[f'edges preserved {way}']:.0%} of {side} edges"
        for side, way in (("left", "left-to-right"), ("right", "right-to-left"))
        if found[f"edges preserved {way}"] is not None
    ]
    return (
        f"mapper-transport {found['value']:.3f}, by chance {found['chance']:.3f} (smaller is closer), "
        f"p {p_text(found['p_value'], found['draws'])}" + (f"; {' and '.join(edges)} preserved" if edges else "")
    )


def matches_table(matches: Sequence[Mapping[str, Any]]) -> Table:
    """Nodes that belong together."""
    words = [name for name in ("left words", "right words") if any(name in each for each in matches)]
    rows = [
        [
            each["left node"], each["right node"], str(each["shared rows"]), f"{each['Jaccard']:.2f}",
            *(_words(each.get(name, ())) for name in words),
        ]
        for each in matches
    ]  # fmt: skip
    columns = ["left node", "right node", "shared rows", "Jaccard", *words]
    return plain_table("The matched nodes that bring the graphs closest", columns, rows, ["shared rows", "Jaccard"])


def agreement_text(found: MultiscaleAgreement) -> str:
    """Whether the two agree at any setting."""
    best = found.settings[found.best]
    draws = found.chance.shape[1]
    return (
        f"agreement over {len(found.settings)} settings: best at {best.n} cubes, overlap {best.overlap:g}, p for all "
        f"settings at once {p_text(found.p_value, draws)} ({draws} shuffles)"
    )


def nodes_table(graph: MapperGraph, words: Mapping[str, Sequence[str]]) -> Table:
    """The largest nodes, with their words."""
    largest = np.argsort(-graph.sizes, kind="stable")[:_NODES]
    rows = [
        [graph.names[node], str(int(graph.sizes[node])), _words(words[graph.names[node]])] for node in largest.tolist()
    ]
    return plain_table("The largest nodes", ["node", "rows", "words"], rows, numeric=["rows"])


def _words(words: Sequence[str]) -> str:
    """White space as Python writes it, so that a line end is seen."""
    return "  ".join(repr(word)[1:-1] if word == word.strip() and word else repr(word) for word in words)


def _shown(value: Any) -> str:
    return "not counted" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
