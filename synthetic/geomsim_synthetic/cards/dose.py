"""Dose and response: more shared scores closer, and a score that estimates something approaches it."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from geomsim import Metric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.cards.outcomes import Outcomes, no_crash, without_score
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section
from geomsim_synthetic.cards.worlds import world
from geomsim_synthetic.population import PopulationValues

_SHARES = {"quick": tuple(k / 4 for k in range(5)), "full": tuple(k / 8 for k in range(9))}
_WORLDS = {"quick": 4, "full": 12}
_ROWS = 300
_BIAS_ROWS = {"quick": (2000,), "full": (200, 1000, 5000)}
_BIAS_WORLDS = {"quick": 3, "full": 10}
_BIAS_SHARE = 0.5
_NOISE = 0.1
#: A score of 2,000 rows that is farther from what it estimates than this estimates something else: metrics that do
#: estimate it are off by less than .01.
_CLOSE = 0.03
_ROUNDING = 1e-12


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    pieces = [
        Piece(f"dose and response, world {number}", {"number": number, "shares": list(_SHARES[effort])})
        for number in range(_WORLDS[effort])
    ]
    if metric.estimates is not None:
        pieces += [
            Piece(f"bias at {rows} rows", {"rows": rows, "worlds": _BIAS_WORLDS[effort]}) for rows in _BIAS_ROWS[effort]
        ]
    return pieces


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    outcomes = Outcomes()
    if "shares" in settings:
        scores = []
        for shared in settings["shares"]:
            data = world(metric, shared, _ROWS, _NOISE, seed, settings["number"])
            found = outcomes.compare(data.left, data.right, metric, null=None)
            scores.append(None if found is None else found.score)
        return {"scores": scores, **outcomes.to_dict()}
    pairs = []
    for number in range(settings["worlds"]):
        data = world(metric, _BIAS_SHARE, settings["rows"], _NOISE, seed, number)
        found = outcomes.compare(data.left, data.right, metric, null=None)
        if found is not None and data.population is not None:
            pairs.append([found.score, _value(data.population, str(metric.estimates))])
    return {"pairs": pairs, **outcomes.to_dict()}


def _value(population: PopulationValues, name: str) -> float:
    if name == "mean canonical correlation":
        return float(np.mean(population.canonical_correlations))
    return float(getattr(population, name))


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    from scipy import stats

    sign = 1.0 if metric.larger_means == "closer" else -1.0
    curves = [(settings["shares"], result["scores"]) for settings, result in results if "shares" in settings]
    taus = []
    for shares, scores in curves:
        known = [(share, sign * score) for share, score in zip(shares, scores, strict=True) if score is not None]
        if len(known) > 2:
            closeness = np.array([score for _, score in known])
            # A score that never changes, but for rounding, has no order: it responds to nothing.
            is_flat = np.ptp(closeness) <= _ROUNDING * max(1.0, np.abs(closeness).max())
            taus.append(0.0 if is_flat else float(stats.kendalltau(*zip(*known, strict=True)).statistic))
    values: dict[str, Any] = {
        "rows": _ROWS, "noise": _NOISE, "shares": curves[0][0], "scores": [scores for _, scores in curves],
        "taus": taus, "without score": without_score(result for _, result in results),
    }  # fmt: skip
    crashes = no_crash("dose and response", [result for _, result in results])
    if not taus:
        return Measurement("dose and response", "no scores", values), crashes
    mean, half = _mean_and_half_width(taus)
    low, high = max(-1.0, mean - half), min(1.0, mean + half)
    means = [np.mean([score for score in column if score is not None] or [np.nan]) for column in zip(
        *(scores for _, scores in curves), strict=True
    )]  # fmt: skip
    summary = (
        f"Kendall tau of closeness with the shared fraction {mean:.2f} ({low:.2f} to {high:.2f}); "
        f"score {means[0]:.3f} where nothing is shared, {means[-1]:.3f} where all is"
    )
    promises = [Promise("more shared scores closer", high > 0.0, summary)]
    headline: dict[str, Any] = {"tau": mean, "tau low": low, "tau high": high}
    biases = {settings["rows"]: _bias(result["pairs"]) for settings, result in results if result.get("pairs")}
    if biases:
        values["bias"] = {str(rows): found for rows, found in biases.items()}
        most = max(biases)
        found = biases[most]
        evidence = (
            f"at {most} rows the score is {found['score']:.3f} and the {metric.estimates} of endless rows is "
            f"{found['truth']:.3f}: bias {found['bias']:+.3f}, off by {found['off by']:.3f} in a world "
            "(root mean square)"
        )
        # Not the bias: scores of something else scatter around the truth, and a few of them may do so evenly.
        is_close = found["off by"] <= _CLOSE
        promises.append(Promise("approaches the value that it estimates", is_close, evidence))
        summary += f"; {evidence}"
        headline["bias"] = found["bias"]
    return Measurement("dose and response", summary, values, headline), [*promises, *crashes]


def _bias(pairs: list[list[float]]) -> dict[str, float]:
    scores, truths = (np.array(column) for column in zip(*pairs, strict=True))
    return {
        "score": float(scores.mean()), "truth": float(truths.mean()), "bias": float((scores - truths).mean()),
        "off by": float(np.sqrt(((scores - truths) ** 2).mean())),
    }  # fmt: skip


def _mean_and_half_width(values: list[float]) -> tuple[float, float]:
    """Mean, and half of its 95% interval by Student's t."""
    from scipy import stats

    if len(values) < 2:
        return float(np.mean(values)), float("inf")
    error = float(np.std(values, ddof=1)) / sqrt(len(values))
    return float(np.mean(values)), float(stats.t.ppf(0.975, len(values) - 1)) * error


SECTION = Section("dose and response", _pieces, _measure, _judge)
