"""What stands below a heatmap: the meaning of its marks, shades, hatches and blanks, of those that occur in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geomsim.report.cells import GROUPS, Record, number_in, places_of
from geomsim.report.look import MARKS_KEY, Look, judged_by
from geomsim.report.shades import Value

# By whether a cell without a number was empty (it had no rows to compare), or failed for a reason of its own.
HATCHES = {False: "////", True: "...."}


def is_empty(cell: Record) -> bool:
    """Whether there was nothing to compare, as in a subspace that no row belongs to."""
    return number_in(cell, "n") == 0


def blanks(cells: Sequence[Record]) -> list[tuple[Any, Any]]:
    """The places, left and right, that the grid has room for and the table has no row for."""
    left_label, right_label = places_of(cells)
    known = {(cell[left_label], cell[right_label]) for cell in cells}
    lefts, rights = (list(dict.fromkeys(pair[side] for pair in known)) for side in (0, 1))
    return [(left, right) for left in lefts for right in rights if (left, right) not in known]


def key_text(panels: Sequence[Sequence[Record]], significance: str, value: Value, look: Look) -> str:
    """The key of heatmaps that stand together, parts apart by "; ".

    `panels` holds the cells of each heatmap; a blank is a blank of one of them.
    """
    cells = [cell for panel in panels for cell in panel]
    parts = [MARKS_KEY, judged_by(significance)]
    if all(number_in(cell, significance) is None for cell in cells):
        parts = ["no p-values, hence no marks"]
    parts.append(f"{look.stronger} is closer")
    without = [cell for cell in cells if number_in(cell, value) is None]
    if any(not is_empty(cell) for cell in without):
        failed = sum(number_in(cell, "score") is None and not is_empty(cell) for cell in without)
        what = "score" if value == "score" else f"{value} value"
        parts.append(f"striped: no {what}" + (f", {failed} failed" if failed else ""))
    if empty := sum(is_empty(cell) for cell in without):
        parts.append(f"dotted: empty, {empty} without rows")
    if missing := sum(_not_compared(panel) for panel in panels):
        parts.append(f"blank: {missing} not compared")
    return "; ".join(parts)


def _not_compared(cells: Sequence[Record]) -> int:
    """How many blanks hide a question: not a group with itself, nor a couple that stands there the other way round."""
    left_label, right_label = labels = places_of(cells)
    known = {(cell[left_label], cell[right_label]) for cell in cells}
    return sum(labels != GROUPS or (left != right and (right, left) not in known) for left, right in blanks(cells))
