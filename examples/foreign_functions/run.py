"""The card of each foreign function beside that of geomsim's own metric.

python run.py              # the cards on the terminal, in about a minute
python run.py cards        # and as pages in a folder
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from fault_points import crossed_clusters, noisy_copies, shared_directions
from published import cka_with_epsilon, neighbour_jaccard_with_self, svcca_of_one_component

import geomsim
from geomsim.report.card_page import card_page
from geomsim.testing import function_metric, metric_card

SIMILARITY = {"unchanged_by": ("rotation", "scaling", "translation"), "score_range": (0.0, 1.0)}

# What the papers say of each measure, and the metric of geomsim that it should agree with.
SUBJECTS = {
    "svcca": function_metric(svcca_of_one_component, estimates="mean canonical correlation", **SIMILARITY),
    "cka": function_metric(cka_with_epsilon, estimates="cka", **SIMILARITY),
    "knn-jaccard": function_metric(neighbour_jaccard_with_self, **SIMILARITY),
}


def scores() -> dict[str, tuple[float, float]]:
    """The foreign score and geomsim's, on data where the truth is known."""
    left, right = noisy_copies()
    # Like the function, which knows neither cosines nor centring.
    own = {"svcca": "svcca", "cka": "cka", "knn-jaccard": geomsim.metric("knn-jaccard", distance="euclidean")}
    data = {
        "ten shared directions": ("svcca", *shared_directions()),
        "noisy copies": ("cka", left, right),
        "noisy copies, both times 0.01": ("cka", 0.01 * left, 0.01 * right),
        "crossed clusters": ("knn-jaccard", *crossed_clusters()),
    }
    return {
        what: (
            geomsim.compare(*sides, SUBJECTS[name], null=None).score,
            geomsim.compare(*sides, own[name], null=None).score,
        )
        for what, (name, *sides) in data.items()
    }


def main(measure: Literal["quick"] | None = "quick", pages: Path | None = None) -> None:
    print(f"{'data':32}{'function':>10}{'geomsim':>10}")
    for what, (foreign, own) in scores().items():
        print(f"{what:32}{foreign:10.3f}{own:10.3f}")
    for name, foreign in SUBJECTS.items():
        for metric in (foreign, geomsim.metric(name)):
            card = metric_card(metric, measure=measure)
            print(f"\n{card.metric}: {len(card.promises) - len(card.broken)} of {len(card.promises)} promises kept")
            for promise in card.broken:
                print(f"  breaks {promise.name}: {promise.evidence}")
            for fault, evidence in card.faults.items():
                print(f"  fault: {fault}: {evidence}")
            for found in card.measured:
                print(f"  {found.name}: {found.summary}")
            if pages is not None and metric is foreign:
                pages.mkdir(parents=True, exist_ok=True)
                (pages / f"{card.metric}.md").write_text(card_page(card), encoding="utf-8")


if __name__ == "__main__":
    main(pages=Path(sys.argv[1]) if sys.argv[1:] else None)
