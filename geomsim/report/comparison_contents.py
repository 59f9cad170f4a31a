"""One comparison as the contents of a report: its cell, its null, words, card, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geomsim.report.metric_cards import metric_cards
from geomsim.report.missing import MISSING
from geomsim.report.page.contents import Contents, Scores, SpacePair, SpaceRows
from geomsim.report.provenance import provenance
from geomsim.report.tidy_records import spaces_of
from geomsim.report.words import sentences, warnings_of
from geomsim.study_table import Cell, records_of

if TYPE_CHECKING:
    from geomsim.comparison import Comparison

_NO_POINTS = (
    "A comparison keeps its score and not the points. `geomsim.run_study` with the same two spaces and then "
    "`study.show()` shows them."
)
_HOW = "These numbers came of geomsim.compare in Python: call it again with the same two spaces and what stands below."


def contents_of_comparison(comparison: Comparison) -> Contents:
    """What a report of one comparison shows. Points are not part of it, so there are no maps and no graphs."""
    kind, names = comparison.null_kind, (comparison.left or "left", comparison.right or "right")
    cell = Cell(
        {}, *names, comparison.metric, comparison.parameters, comparison,
        null=None if kind is None else kind.partition(" (")[0], n=comparison.n_rows, family="the comparison",
    )  # fmt: skip
    record = records_of([cell])[0]
    left, right = spaces_of(record)
    sizes = [int(comparison.facts.get(f"{side} rows", comparison.n_rows)) for side in ("left", "right")]
    return Contents(
        title=f"{comparison.metric}: {left} and {right}",
        sentences=sentences([record], []),
        scores=Scores([record], (), [0], {} if comparison.null is None else {0: comparison.null}),
        spaces=[SpaceRows(left, sizes[0]), SpaceRows(right, sizes[1])],
        pairs=[SpacePair(f"{left} and {right}", 0, 1)],
        cards=metric_cards([comparison.metric]),
        warnings=warnings_of([record]),
        missing={**MISSING, **dict.fromkeys(("maps", "pairs", "graphs", "diagrams", "contexts"), _NO_POINTS)},
        provenance=_provenance(comparison),
    )


def _provenance(comparison: Comparison) -> dict[str, object]:
    facts = comparison.to_dict()
    asked = ("metric", "parameters", "null", "draws", "seed", "interval")
    told = provenance(
        {
            "comparison": {key: facts[key] for key in asked},
            "facts": facts["facts"],
            "versions": facts["provenance"].get("versions", {}),
            "comparisons": [facts],
        }
    )
    return {"How to get these numbers again": _HOW, **told}
