"""The views of the report in the order in which they stand on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geomsim.report.tidy_records import are_of_groups


@dataclass(frozen=True)
class Section:
    """One view: its name in the page, its heading, and how to read it."""

    id: str
    title: str
    reading: str


SECTIONS = (
    Section(
        "heatmap",
        "Layer by layer",
        "Each cell is one comparison. The stronger the colour, the more alike beyond chance; choose a cell to look at "
        "it in all views below.",
    ),
    Section(
        "references",
        "Beside the references",
        "How much a score moves when only the dictionaries are trained again, what one model gives with itself, and "
        "what a model of noise gives.",
    ),
    Section(
        "maps",
        "Both spaces, side by side",
        "Every point is a row of a space. Point at one, and its partner on the other side lights up.",
    ),
    Section("pairs", "The pairs", "Which row belongs to which, how strongly, and how many share a partner."),
    Section(
        "graphs",
        "Mapper graphs",
        "Every node is a group of neighbouring rows, as large as the rows it holds; nodes that share rows are joined.",
    ),
    Section(
        "nulls",
        "Beside chance",
        "The bars are the scores of comparisons without any correspondence, the line is the observed score.",
    ),
    Section(
        "diagrams",
        "Persistence diagrams",
        "Every point is a loop (or what its panel names): the scale at which it appears, and the one at which it is "
        "filled. Far above the diagonal means large.",
    ),
    Section("subspaces", "Parts", "Comparisons of themes and of pairs by how many rows share a partner."),
    Section("cards", "The metrics", "What each metric measures, and how it fares on synthetic truth."),
    Section("provenance", "Where it comes from", "Everything that the numbers depend on, to get them again."),
)

_OF_GROUPS = {
    "heatmap": Section(
        "heatmap",
        "Group by group",
        "Each cell compares two groups of rows of one space. The stronger the colour, the more alike beyond chance; "
        "choose a cell to look at it in all views below.",
    ),
    "maps": Section(
        "maps",
        "Both groups, side by side",
        "Every point is a row of a group. Where rows correspond, point at one, and its partner on the other side "
        "lights up.",
    ),
}


def sections_of(records: Sequence[Mapping[str, Any]]) -> tuple[Section, ...]:
    """The views in words that fit what was compared: layers of two models, or groups of rows of one space."""
    if not are_of_groups(records):
        return SECTIONS
    return tuple(_OF_GROUPS.get(section.id, section) for section in SECTIONS)
