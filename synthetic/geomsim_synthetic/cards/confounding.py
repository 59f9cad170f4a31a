"""Confounding: where nothing is shared, a score must not rise with rows, width or sparsity once chance is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from geomsim import Metric, PairedMetric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.cards.outcomes import Outcomes, no_crash, without_score
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section, generator

_AXES: dict[str, dict[Effort, tuple[float, ...]]] = {
    "rows": {"quick": (50, 100, 200, 400), "full": (50, 100, 200, 400, 800, 1600)},
    "width": {"quick": (4, 8, 16, 32), "full": (4, 8, 16, 32, 64, 128)},
    "sparsity": {"quick": (0.0, 0.5, 0.9), "full": (0.0, 0.25, 0.5, 0.75, 0.9)},
}
_UNIT = {"rows": "a doubling of the rows", "width": "a doubling of the width", "sparsity": ".1 more zeros"}
_WORLDS = {"quick": 4, "full": 12}
_DRAWS = {"quick": 19, "full": 39}
_ROWS, _WIDTH = 100, 8  # where the other axis is changed
_SPARSE_WIDTH = 20  # of which each sparsity leaves a whole number of entries in a row
#: Where chance is taken out rightly, the mean of 44 scores is farther from 0 than this many standard errors once in
#: 20,000 cards (Student's t).
_TOO_FAR = 4.5
_ROUNDING = 1e-12


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    return [
        Piece(
            f"confounding by {axis} {value:g}",
            {"axis": axis, "value": value, "worlds": _WORLDS[effort], "draws": _DRAWS[effort]},
        )
        for axis, values in _AXES.items()
        for value in values[effort]
    ]


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    axis, value, outcomes = settings["axis"], settings["value"], Outcomes()
    corrected = replace(metric, chance_corrected=True) if isinstance(metric, PairedMetric) else None
    raw_scores, corrected_scores = [], []
    for number in range(settings["worlds"]):
        left, right = (_side(generator(seed, axis, value, number, side), axis, value) for side in ("left", "right"))
        if corrected is not None:
            found = outcomes.compare(left, right, corrected, draws=settings["draws"], seed=number)
            if found is not None and found.raw_score is not None:
                raw_scores.append(found.raw_score)
                corrected_scores.append(found.score)
                continue
        found = outcomes.compare(left, right, metric, null=None)
        if found is not None:
            raw_scores.append(found.score)
    return {"raw": raw_scores, "corrected": corrected_scores, **outcomes.to_dict()}


def _side(random: np.random.Generator, axis: str, value: float) -> Any:
    """A cloud that knows nothing of the other side."""
    rows = int(value) if axis == "rows" else _ROWS
    if axis != "sparsity":
        return random.normal(size=(rows, int(value) if axis == "width" else _WIDTH))
    # Equally many entries of each row stay, two at least: each row has a direction and a spread.
    order = random.random((rows, _SPARSE_WIDTH)).argsort(axis=1)
    return (order < round((1.0 - value) * _SPARSE_WIDTH)) * random.exponential(size=order.shape)


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    axes: dict[str, Any] = {}
    words, headline = [], {}
    for axis in _AXES:
        of_axis = [(settings["value"], result) for settings, result in results if settings["axis"] == axis]
        found: dict[str, Any] = {
            "values": [value for value, _ in of_axis], "per": _UNIT[axis],
            "raw means": [_mean(result["raw"]) for _, result in of_axis],
            "corrected means": [_mean(result["corrected"]) for _, result in of_axis],
        }  # fmt: skip
        for kind in ("raw", "corrected"):
            pairs = [(value, score) for value, result in of_axis for score in result[kind]]
            slope = _slope(axis, pairs)
            found[f"{kind} slope"] = slope
            if slope is not None and kind == "corrected":
                words.append(f"{axis} {slope['slope']:+.4f} ({slope['low']:+.4f} to {slope['high']:+.4f})")
                headline[f"slope in {axis}, corrected"] = slope["slope"]
            if slope is not None and kind == "raw":
                headline[f"slope in {axis}, raw"] = slope["slope"]
        axes[axis] = found
    all_corrected = [score for _, result in results for score in result["corrected"]]
    promises = no_crash("confounding", [result for _, result in results])
    if len(all_corrected) > 2:
        mean, error = float(np.mean(all_corrected)), float(np.std(all_corrected, ddof=1) / sqrt(len(all_corrected)))
        evidence = f"mean corrected score of {len(all_corrected)} unrelated pairs {mean:+.4f} +- {error:.4f}"
        promises.insert(
            0, Promise("0 where nothing is shared, once corrected", abs(mean) <= _TOO_FAR * error + _ROUNDING, evidence)
        )
        summary = f"{evidence}; slope of the corrected score without sharing: {'; '.join(words)}"
    else:
        raw = "; ".join(
            f"{axis} {found['raw slope']['slope']:+.4f}"
            for axis, found in axes.items()
            if found["raw slope"] is not None
        )
        why = "unpaired: no correction" if not isinstance(metric, PairedMetric) else "no chance-corrected score"
        summary = f"{why}; slope of the raw score without sharing: {raw or 'not known'}"
    values = {"axes": axes, "without score": without_score(result for _, result in results)}
    return Measurement("confounding", summary, values, headline), promises


def _mean(scores: list[float]) -> float | None:
    return float(np.mean(scores)) if scores else None


def _slope(axis: str, pairs: list[tuple[float, float]]) -> dict[str, float] | None:
    """Slope of the score for one unit of the axis, with its 95% interval by Student's t; None for too few scores."""
    from scipy import stats

    if len({value for value, _ in pairs}) < 2 or len(pairs) < 4:
        return None
    places = [10.0 * value if axis == "sparsity" else np.log2(value) for value, _ in pairs]
    fit = stats.linregress(places, [score for _, score in pairs])
    half = float(stats.t.ppf(0.975, len(pairs) - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return {"slope": slope, "low": slope - half, "high": slope + half}


SECTION = Section("confounding", _pieces, _measure, _judge)
