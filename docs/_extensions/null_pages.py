"""A page for each null model, ours and those of plugins: what it says of itself, and what it answers when asked."""

from __future__ import annotations

import importlib.metadata
import inspect
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from page_parts import as_markdown, rst, table, toctree

import geomsim
from geomsim.nulls.names import GROUP, NULLS

FOLDER = "_generated/nulls"
Points = NDArray[np.float64]
_ASKED = ("cka", "procrustes", "singular-values", "mapper-gromov")
_ROWS, _DRAWS = 120, 9
_PART = 30  # rows of a group, and of a subset
_QUESTIONS = {
    "random-group": (
        'compare_groups(left, range({part}), range({part}, {both}), metric, correspondence="by order"',
        "on two groups of {part} of {rows} rows of one cloud",
    ),
    "random-subset": (
        "compare(left, right, metric, subset=range({part})",
        "on the first {part} of {rows} pairs of rows of two clouds of one width",
    ),
}
_ANY_QUESTION = ("compare(left, right, metric", "on {rows} rows of two clouds of one width")


def nulls() -> dict[str, type[geomsim.Null]]:
    """All nulls by name, those of plugins behind ours."""
    found = {name: type(null) for name, null in NULLS.items()}
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name)
    return found | {point.name: point.load() for point in points}


def write_pages(write: Callable[[str, str], None]) -> list[str]:
    """Write all pages and the page that lists them; their names."""
    found = nulls()
    for name, kind in found.items():
        write(f"{FOLDER}/{name}.md", page(name, kind))
    rows = [[f"[`{name}`]({name}.md)", as_markdown(first_sentence(kind))] for name, kind in found.items()]
    write(
        f"{FOLDER}/index.md",
        "\n\n".join([
            "# Nulls",
            "What a score would be by chance, and so how surprising the observed one is. Each null asks a question of "
            "its own; [what p means here](/explanation/what_p_means.md) sets them side by side. One that can say "
            "nothing about a metric refuses, and its message names those that can.",
            table(["null", "a draw of it"], rows),
            "`null=\"auto\"` is `shuffle` for metrics of paired rows and `noise-floor` for the others. A null of your "
            "own is a frozen dataclass that derives from `geomsim.Null`; with an entry point in the group "
            "`geomsim.nulls` its name works everywhere.",
            toctree(list(found), ":hidden:"),
        ])
        + "\n",
    )  # fmt: skip
    return list(found)


def page(name: str, kind: type[geomsim.Null]) -> str:
    """One null: its documentation, and its answers to one metric of each kind."""
    sizes = {"rows": _ROWS, "part": _PART, "both": 2 * _PART}
    call, on = (text.format(**sizes) for text in _QUESTIONS.get(name, _ANY_QUESTION))
    asked = [[f"[`{metric}`](/_generated/metrics/{metric}.md)", answer(name, metric)] for metric in _ASKED]
    parts = [
        f"# {name}",
        rst(f".. autoclass:: {kind.__module__}.{kind.__qualname__}\n   :no-members:"),
        "What a small p says here, and what it does not: [what p means here](/explanation/what_p_means.md"
        "#a-small-p-null-by-null).",
        "## What it answers",
        f"Asked by `geomsim.{call}, null=\"{name}\", draws={_DRAWS})` while this page was made, {on}:",
        table(["metric", "answer"], asked),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def answer(null: str, metric: str) -> str:
    """What the null gives for a metric, or the words with which it refuses."""
    random = np.random.default_rng(0)
    left = random.normal(size=(_ROWS, 6))
    right = left + 0.5 * random.normal(size=left.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", geomsim.GeomsimWarning)
        try:
            found = _asked(left, right, metric, null)
        except geomsim.GeomsimError as error:
            return f"refuses: {error}"
    if found.p_value is None:
        return f"{'the mean alone' if found.null is None else 'mean and spread of its draws'}, and no p-value"
    draws = "without draws" if found.null is None else f"from {len(found.null)} draws"
    return f"mean, spread and p-value, {draws}"


def _asked(left: Points, right: Points, metric: str, null: str) -> geomsim.Comparison:
    """The question of the null's page, in the words of `_QUESTIONS`."""
    if null == "random-group":
        groups = range(_PART), range(_PART, 2 * _PART)
        return geomsim.compare_groups(left, *groups, metric, correspondence="by order", null=null, draws=_DRAWS)
    subset = range(_PART) if null == "random-subset" else None
    return geomsim.compare(left, right, metric, subset=subset, null=null, draws=_DRAWS)


def first_sentence(kind: type[geomsim.Null]) -> str:
    """What a null says of itself first."""
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
