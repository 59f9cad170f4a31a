"""Topology: does the metric see a loop that both sides have, and not one that only one side has?"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import Metric, PairedMetric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.arrangement import random_isometry, same_covariance
from geomsim_synthetic.cards.outcomes import Outcomes, no_crash, without_score
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section, generator
from geomsim_synthetic.shapes import shape

Array = NDArray[np.float64]
_CELLS, _WIDTH, _NOISE = 60, 12, 0.04
_WORLDS = {"quick": 10, "full": 40}
_AT_ONCE = 10
#: An AUC from which a metric is said to see the difference.
_SEES = 0.9


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    ways = ("in correspondence", "without correspondence") if isinstance(metric, PairedMetric) else ("unpaired",)
    return [
        Piece(f"loops, {way}", {"way": way, "first": first, "worlds": _AT_ONCE})
        for way in ways
        for first in range(0, _WORLDS[effort], _AT_ONCE)
    ]


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    outcomes = Outcomes()
    scores: dict[str, list[float]] = {"both": [], "one": []}
    for number in range(settings["first"], settings["first"] + settings["worlds"]):
        for world in scores:
            left, right = loops(world == "both", settings["way"] == "in correspondence", seed, number)
            found = outcomes.compare(left, right, metric, null=None)
            if found is not None:
                scores[world].append(found.score)
    return {**scores, **outcomes.to_dict()}


def loops(both: bool, in_correspondence: bool, seed: int, number: int) -> tuple[Array, Array]:
    """A noisy circle on the left; on the right a circle too, or the same points without it.

    Without the circle the right rows are those of the circle after a random rotation among the rows that keeps their
    mean: mean and covariance are the same to the last digit, before noise. In correspondence, row i of both sides is
    the same place on the circle; else the right rows are in an order of their own.
    """
    random = generator(seed, "loops", number)
    circle = shape("circle", _CELLS).coordinates
    elsewhere, order = same_covariance(circle, random), random.permutation(_CELLS)
    sides = []
    for points in (circle, circle if both else elsewhere):
        turned = points @ random_isometry(random, points.shape[1], _WIDTH)
        sides.append(turned + _NOISE * random.normal(size=turned.shape))
    return sides[0], sides[1] if in_correspondence else sides[1][order]


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    sign = 1.0 if metric.larger_means == "closer" else -1.0
    ways: dict[str, Any] = {}
    for way in dict.fromkeys(settings["way"] for settings, _ in results):
        both, one = (
            [sign * score for settings, result in results if settings["way"] == way for score in result[world]]
            for world in ("both", "one")
        )
        if both and one:
            ways[way] = {
                **_auc(both, one), "score, loop in both": sign * float(np.mean(both)),
                "score, loop in one": sign * float(np.mean(one)), "worlds": len(both),
            }  # fmt: skip
    crashes = no_crash("loops", [result for _, result in results])
    values = {"ways": ways, "rows": _CELLS, "without score": without_score(result for _, result in results)}
    if not ways:
        return Measurement("loops", "no scores", values), crashes
    words = [
        f"{way} {'sees' if found['auc'] >= _SEES else 'does not see'} it "
        f"(AUC {found['auc']:.2f}, {found['low']:.2f} to {found['high']:.2f})"
        for way, found in ways.items()
    ]
    blind = next((found for way, found in ways.items() if way != "in correspondence"), None)
    headline = {"loop, rows unpaired": None if blind is None else blind["auc"]}
    if "in correspondence" in ways:
        headline["loop, rows paired"] = ways["in correspondence"]["auc"]
    return Measurement("loops", f"loop in both against loop in one: {'; '.join(words)}", values, headline), crashes


def _auc(high: list[float], low: list[float]) -> dict[str, float]:
    """Chance that a score of `high` is above one of `low`, ties half, with a 95% interval.

    The interval is Wilson's (1927) for as many independent pairs of worlds as there are: wider than it need be, and not
    empty where all scores of one kind lie above all of the other.
    """
    above = np.asarray(high)[:, None] - np.asarray(low)
    # Rounding is no difference: scores that are equal by construction tie.
    above[np.abs(above) <= 1e-12 * max(1.0, float(np.abs(high).max()))] = 0.0
    auc = float((above > 0).mean() + 0.5 * (above == 0).mean())
    n, z = min(len(high), len(low)), 1.96
    middle = (auc + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(auc * (1.0 - auc) / n + z**2 / (4 * n**2))
    # Of an AUC of 0 or 1 the interval ends there; rounding must not leave it out.
    return {"auc": auc, "low": max(0.0, min(auc, middle - half)), "high": min(1.0, max(auc, middle + half))}


SECTION = Section("loops", _pieces, _measure, _judge)
