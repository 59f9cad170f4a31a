"""Power: how small a shared part is found, and how much noise it bears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from geomsim import Metric, PairedMetric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.cards.outcomes import Outcomes, no_crash, without_score
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section
from geomsim_synthetic.cards.worlds import world

#: Of 24 features, so that each is a whole number of them.
_SHARES = tuple(count / 24 for count in (1, 2, 3, 4, 6, 8, 12, 16, 20, 24))
_WANTED = 0.8
_DRAWS = 19  # the fewest of which the smallest p-value is .05
_NULL_WORLDS = 40
_FEWEST_KNOWN = 19  # the largest of fewer is passed by chance more often than once in 20
_ROWS = {"quick": (200,), "full": (200, 1000, 5000)}
_WORLDS = {"quick": 5, "full": 10}
#: Without any noise, tokens on which nothing fires are rows of zeros, which have no direction.
_LITTLE_NOISE = 0.05
_NOISES = {"quick": (0.5,), "full": (_LITTLE_NOISE, 0.25, 0.5, 1.0, 2.0)}
_CURVE = {"quick": (6 / 24, 12 / 24), "full": (0.0, 3 / 24, 6 / 24, 12 / 24, 18 / 24, 1.0)}
_CURVE_WORLDS = {"quick": 5, "full": 20}
_CURVE_ROWS = 200
_QUICK_NULL_WORLDS = 20


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    smallest = [
        Piece(f"smallest share at {rows} rows", {"rows": rows, "worlds": _WORLDS[effort]}) for rows in _ROWS[effort]
    ]
    curve = [
        Piece(
            f"power at noise {noise:g}",
            {"noise": noise, "shares": list(_CURVE[effort]), "worlds": _CURVE_WORLDS[effort]},
        )
        for noise in _NOISES[effort]
    ]
    if effort == "full":
        return smallest + curve
    return [
        replace(piece, settings={**piece.settings, "null_worlds": _QUICK_NULL_WORLDS}) for piece in smallest + curve
    ]


class _Detector:
    """Says of one world after the other whether the metric finds something shared in it, at level .05.

    Paired metrics by their p-value against reordered rows. Unpaired ones by the score itself: closer than in 95 of 100
    worlds of the same kind that share nothing.
    """

    def __init__(self, metric: Metric[Any], rows: int, noise: float, seed: int, null_worlds: int | None = None) -> None:
        self.outcomes, self.n_scored = Outcomes(), 0
        self._metric, self._rows, self._noise, self._seed = metric, rows, noise, seed
        self._sign = 1.0 if metric.larger_means == "closer" else -1.0
        self._threshold: float | None = None
        if not isinstance(metric, PairedMetric):
            scores = [self._score(0.0, -1 - number) for number in range(null_worlds or _NULL_WORLDS)]
            known = [score for score in scores if score is not None]
            if len(known) >= _FEWEST_KNOWN:
                self._threshold = float(np.quantile(known, 0.95, method="higher"))

    def found(self, shared: float, number: int) -> bool:
        """Whether the metric finds something in this world; a refusal finds nothing, and is counted."""
        if isinstance(self._metric, PairedMetric):
            data = world(self._metric, shared, self._rows, self._noise, self._seed, number)
            compared = self.outcomes.compare(data.left, data.right, self._metric, draws=_DRAWS, seed=number)
            self.n_scored += compared is not None
            return compared is not None and compared.p_value is not None and compared.p_value <= 0.05 + 1e-12
        score = self._score(shared, number)
        return score is not None and self._threshold is not None and score > self._threshold

    def _score(self, shared: float, number: int) -> float | None:
        data = world(self._metric, shared, self._rows, self._noise, self._seed, number)
        compared = self.outcomes.compare(data.left, data.right, self._metric, null=None)
        self.n_scored += compared is not None
        return None if compared is None else self._sign * compared.score


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    worlds = settings["worlds"]
    if "shares" in settings:
        detector = _Detector(metric, _CURVE_ROWS, settings["noise"], seed, settings.get("null_worlds"))
        power = [
            sum(detector.found(shared, number) for number in range(worlds)) / worlds for shared in settings["shares"]
        ]
        return {"power": power, **detector.outcomes.to_dict()}
    detector = _Detector(metric, settings["rows"], _LITTLE_NOISE, seed, settings.get("null_worlds"))
    return {**_smallest_share(detector, worlds), "scored": detector.n_scored, **detector.outcomes.to_dict()}


def _smallest_share(detector: _Detector, worlds: int) -> dict[str, Any]:
    """The smallest share found in 80 of 100 worlds, by halving; power is taken to grow with the share."""
    tried: dict[str, str] = {}

    def is_found(shared: float) -> bool:
        needed, hits = ceil(_WANTED * worlds), 0
        for number in range(worlds):
            hits += detector.found(shared, number)
            # Settled before all worlds are looked at.
            if hits >= needed or number + 1 - hits > worlds - needed:
                break
        tried[f"{shared:.3f}"] = f"{hits} of {number + 1}"
        return hits >= needed

    low, high = 0, len(_SHARES)  # the answer is among _SHARES[low:high], or there is none
    while low < high:
        middle = (low + high) // 2
        if is_found(_SHARES[middle]):
            high = middle
        else:
            low = middle + 1
    return {"smallest": _SHARES[high] if high < len(_SHARES) else None, "tried": tried}


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    smallest = {str(settings["rows"]): result for settings, result in results if "rows" in settings}
    curves = [
        {"noise": settings["noise"], "shares": settings["shares"], "power": result["power"]}
        for settings, result in results
        if "shares" in settings
    ]
    words = [
        f"{rows} rows: "
        + (f"{found['smallest']:.2f}" if found["smallest"] is not None else "none" if found["scored"] else "no scores")
        for rows, found in smallest.items()
    ]
    refused = without_score(result for _, result in results)
    values = {
        "rows": _CURVE_ROWS, "draws": _DRAWS, "curves": curves, "smallest": smallest, "without score": refused,
        "test": "p <= .05 against reordered rows" if isinstance(metric, PairedMetric)
        else f"closer than 95% of {results[0][0].get('null_worlds', _NULL_WORLDS)} worlds that share nothing",
    }  # fmt: skip
    # Nothing found is an answer; where nothing could be scored there is none.
    headline = {
        f"smallest share, {rows} rows": found["smallest"] if found["scored"] else "no scores"
        for rows, found in smallest.items()
    }
    summary = f"smallest share found in 8 of 10 worlds: {'; '.join(words)}"
    if refused:
        usual = max(refused, key=lambda why: refused[why])
        summary += f" ({sum(refused.values())} comparisons without a score: {usual})"
    return Measurement("power", summary, values, headline), no_crash("power", [result for _, result in results])


SECTION = Section("power", _pieces, _measure, _judge)
