"""The figures that a study's results call for, as vector files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.report.saving import save_figure
from geomsim.study import Study
from geomsim.study_table import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NULLS = 12  # on one sheet; a study may hold thousands


def save_study_figures(study: Study, folder: str | Path) -> list[Path]:
    """Write what there is something to show of, as PDF:

    heatmap.pdf: layer pairs by metric, marked by p after Holm's correction, where the labels left_layer and
    right_layer tell all comparisons of whole pairings apart. nulls.pdf: the null behind each of the first twelve
    scores. multiplicity_N.pdf: score by bucket, for the N-th pair of spaces that was cut into buckets.
    """
    return [save_figure(figure, Path(folder) / f"{name}.pdf") for name, figure in _figures(study)]


def _figures(study: Study) -> Iterator[tuple[str, Figure]]:
    from geomsim.report.heatmap import layer_heatmaps
    from geomsim.report.multiplicity import bucket_score_panels
    from geomsim.report.null_distribution import null_histograms

    records = study.records()
    rows = [row for row in records if row["subspace"] == row["bucket"] == "all"]
    layers = {(row.get("left_layer"), row.get("right_layer")) for row in rows}
    keys = [(row.get("left_layer"), row.get("right_layer"), row["metric"]) for row in rows]
    if len(layers) > 1 and not any(None in pair for pair in layers) and len(set(keys)) == len(keys):
        import pandas as pd

        names = list(dict.fromkeys(row["metric"] for row in rows if row["score"] is not None))
        yield "heatmap", layer_heatmaps(pd.DataFrame(rows), names, "Layer by layer", significance="holm")
    judged = [cell for cell in study.cells if cell.comparison is not None and cell.comparison.null is not None]
    if judged:
        shown = judged[:_MOST_NULLS]
        title = "" if len(judged) == len(shown) else f"The first {len(shown)} of {len(judged)} nulls"
        found = [cell.comparison for cell in shown if cell.comparison is not None]
        yield "nulls", null_histograms(found, title, titles=[_called(cell) for cell in shown], columns=3)
    by_pair: dict[str, list[dict[str, Any]]] = {}
    for row, cell in zip(records, study.cells, strict=True):
        if cell.bucket != "all" and cell.null == "random-subset":
            by_pair.setdefault(repr((cell.labels, cell.left, cell.right)), []).append({**row, **_central(cell)})
    for number, records in enumerate(by_pair.values(), 1):
        names = list(dict.fromkeys(row["metric"] for row in records if row["score"] is not None))
        if names:
            yield f"multiplicity_{number}", bucket_score_panels(records, names, "By multiplicity of the pairing")


def _central(cell: Cell) -> dict[str, float]:
    """The central 95% of the draws."""
    if cell.comparison is None or cell.comparison.null is None:
        return {}
    low, high = np.quantile(cell.comparison.null, (0.025, 0.975))
    return {"null_low": float(low), "null_high": float(high)}


def _called(cell: Cell) -> str:
    parts = [*map(str, cell.labels.values()), cell.metric, *(p for p in (cell.subspace, cell.bucket) if p != "all")]
    return ", ".join([*parts, *([cell.null] if cell.null not in (None, "shuffle") else [])])
