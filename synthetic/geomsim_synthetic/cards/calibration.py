"""Calibration: p-values are uniform where nothing is shared, whatever the data look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from geomsim import Metric, PairedMetric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.cards.outcomes import Outcomes, no_crash, without_score
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section, generator
from geomsim_synthetic.cards.uniformity import false_positives, kolmogorov_smirnov, ranks
from geomsim_synthetic.cards.unrelated import PAIRED, UNPAIRED
from geomsim_synthetic.cards.widths import refuses_unequal_widths

_DATASETS = {"quick": 30, "full": 500}
_DRAWS = {"quick": 19, "full": 99}
_AT_ONCE = 100  # data sets to a piece
#: A card is wrong less than once in 1,000 where the metric is right: this is shared among its families of data.
_LEVEL = 0.001


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    families = PAIRED if isinstance(metric, PairedMetric) else UNPAIRED
    total = _DATASETS[effort]
    return [
        Piece(
            f"calibration, {family}",
            {"family": family, "first": first, "datasets": min(_AT_ONCE, total - first), "draws": _DRAWS[effort]},
        )
        for family in families
        for first in range(0, total, _AT_ONCE)
    ]


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    family, outcomes = settings["family"], Outcomes()
    paired = isinstance(metric, PairedMetric)
    make = (PAIRED if paired else UNPAIRED)[family]
    equal_widths = refuses_unequal_widths(metric)
    p = []
    for number in range(settings["first"], settings["first"] + settings["datasets"]):
        data = make(generator(seed, "calibration", family, number), equal_widths)
        found = outcomes.compare(
            data.left, data.right, metric, null="auto" if paired else family, draws=settings["draws"], seed=number,
            **data.options,
        )  # fmt: skip
        if found is not None and found.p_value is not None:
            p.append(found.p_value)
        elif len(outcomes.refused) and not p and number - settings["first"] >= 9:
            break  # a null that does not apply, or a metric that refuses such data, does so every time
    return {"p": p, **outcomes.to_dict()}


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    families: dict[str, dict[str, Any]] = {}
    asked = list(dict.fromkeys(settings["family"] for settings, _ in results))
    for family in asked:
        of_family = [(settings, result) for settings, result in results if settings["family"] == family]
        p = np.array([value for _, result in of_family for value in result["p"]])
        refused = without_score(result for _, result in of_family)
        if not len(p):
            families[family] = {"datasets": 0, "refused": refused}
            continue
        steps = of_family[0][0]["draws"] + 1
        numerators = ranks(p, steps)
        rate = false_positives(p)
        excess, too_small = kolmogorov_smirnov(numerators, steps)
        families[family] = {
            "datasets": len(p), "rate": rate.share, "low": rate.low, "high": rate.high, "rate_chance": rate.chance,
            "ks": excess, "ks_chance": too_small,
            "ks_chance_too_large": kolmogorov_smirnov(steps + 1 - numerators, steps)[1], "refused": refused,
        }  # fmt: skip
    tried = {family: found for family, found in families.items() if found["datasets"]}
    if not tried:
        reasons = {reason for found in families.values() for reason in found["refused"]}
        summary = f"no p-value: {sorted(reasons)[0] if reasons else 'no null gives one'}"
        return Measurement("calibration", summary, {"families": families}), no_crash(
            "calibration", [result for _, result in results]
        )
    all_p = np.array([value for _, result in results for value in result["p"]])
    rate = false_positives(all_p)
    level = _LEVEL / (2 * len(tried))
    wrong = [
        f"{family}: {found['rate']:.3f} of p-values are <= .05 "
        f"({found['datasets']} data sets, largest excess {found['ks']:.3f})"
        for family, found in tried.items()
        if min(found["ks_chance"], found["rate_chance"]) < level
    ]
    worst = max(tried.items(), key=lambda item: item[1]["rate"])
    summary = (
        f"p <= .05 in {rate.share:.3f} ({rate.low:.3f} to {rate.high:.3f}) of {len(all_p)} data sets that share "
        f"nothing; most in {worst[0]}: {worst[1]['rate']:.3f}"
    )
    refusing = [family for family, found in families.items() if not found["datasets"]]
    if refusing:
        summary += f"; refuses {', '.join(refusing)}"
    promise = Promise("p-values uniform where nothing is shared", not wrong, "; ".join(wrong) or summary)
    return (
        Measurement(
            "calibration", summary, {"families": families},
            {"false positives": rate.share, "false positives low": rate.low, "false positives high": rate.high},
        ),
        [promise, *no_crash("calibration", [result for _, result in results])],
    )  # fmt: skip


SECTION = Section("calibration", _pieces, _measure, _judge)
