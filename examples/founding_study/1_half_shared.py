"""Half of the features shared, rows shuffled: does pairing by correlation find them, and what do scores say then?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment import Experiment, Found, comparison_columns, run

import geomsim
from geomsim_synthetic import TwoModels, pairing_recovery, two_models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 40, "n_features": 200, "shared": 0.5, "width": 64, "n_tokens": 10_000, "seen": [0.9, 0.7],
    "geometry_noise": 0.3, "min_weight": 0.4, "draws": 199,
    "metrics": ["rsa", "debiased-cka", "knn-jaccard", "procrustes", "svcca"],
}  # fmt: skip
QUICK = {**FULL, "seeds": 3, "n_features": 120, "width": 32, "n_tokens": 5_000, "draws": 99}


def pairings(two: TwoModels, min_weight: float) -> dict[str, geomsim.Pairing]:
    """The same rows paired in four ways."""
    left, right = two.left.true_codes(), two.right.true_codes()
    return {
        "by row number": geomsim.Pairing.identity(two.left.n_features),
        "by correlation": geomsim.pair(left, right, "mutual", min_firings=20, min_cofirings=1),
        f"by correlation, r >= {min_weight}": geomsim.pair(
            left, right, "mutual", min_weight=min_weight, min_firings=20, min_cofirings=1
        ),
        "true": two.pairing,
    }


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """Two pairs of networks: shared features lie alike, and shared features fire alike but lie anywhere."""
    found = Found()
    same = {name: parameters[name] for name in ("n_features", "shared", "width", "n_tokens")}
    seen = tuple(parameters["seen"])
    alike = two_models(**same, seed=seed, seen=seen, geometry_noise=parameters["geometry_noise"])
    apart = two_models(**same, seed=seed, seen=seen, geometry="independent")
    ways = pairings(alike, parameters["min_weight"])
    for by, pairing in ways.items():
        recovery = pairing_recovery(pairing, alike.pairing)
        found.add("pairing", by, pairs=len(pairing), precision=recovery.precision, recall=recovery.recall)
    for metric in parameters["metrics"]:
        for two, arranged, by in (
            (alike, "alike", "by row number"),
            (alike, "alike", "by correlation"),
            (alike, "alike", "true"),
            (apart, "independently", "true"),
        ):
            pairing = ways[by] if two is alike else two.pairing
            comparison = geomsim.compare(
                two.left.space(), two.right.space(), metric, pairing=pairing, draws=parameters["draws"], seed=seed
            )
            found.add("geometry", metric, by, arranged, **comparison_columns(comparison))
    return found


def draw(results: Mapping[str, Any]) -> Figure:
    """Score minus chance of each metric under each pairing."""
    from matplotlib.figure import Figure

    rows = results["tables"]["geometry"]["rows"]
    metrics = results["parameters"]["metrics"]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axis = figure.subplots()
    for place, case in enumerate(dict.fromkeys(tuple(row["case"][1:]) for row in rows)):
        here = {row["case"][0]: row["quantities"] for row in rows if tuple(row["case"][1:]) == case}
        at = np.arange(len(metrics)) + 0.2 * (place - 1.5)
        by, arranged = case
        label = f"{by}" if arranged == "alike" else f"{by}, but directions drawn {arranged}"
        axis.bar(at, [here[metric]["score"]["mean"] for metric in metrics], 0.18, label=label, color=f"C{place}")
        for x, metric in zip(at, metrics, strict=True):
            axis.plot([x - 0.09, x + 0.09], [here[metric]["chance"]["mean"]] * 2, color="black", lw=2)
    axis.set_xticks(range(len(metrics)), metrics)
    axis.set_ylabel("score (black line: mean by chance)")
    axis.set_ylim(top=1.45)
    axis.legend(fontsize=8, title="rows paired", title_fontsize=8, ncols=2, loc="upper left")
    return figure


EXPERIMENT = Experiment(
    "1_half_shared", measure, FULL, QUICK,
    {"pairing": ["rows paired"], "geometry": ["metric", "rows paired", "shared directions drawn"]}, draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
