"""Feature directions in clusters, or uniform on the sphere: what scores and their chance levels do.

The directions are drawn here, in plain numpy, so that one thing varies at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment import ALPHA, Experiment, Found, comparison_columns, run
from numpy.typing import NDArray

import geomsim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 40, "n_features": 200, "width": 48, "n_clusters": 10, "spread": 0.6, "noise": 0.5, "draws": 199,
    "metrics": ["knn-jaccard", "rsa", "cka", "procrustes"],
}  # fmt: skip
QUICK = {**FULL, "seeds": 3, "draws": 99}
Points = NDArray[np.float64]


def unit(points: Points) -> Points:
    """Rows of length 1."""
    rows: Points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return rows


def networks(
    random: np.random.Generator, n: int, width: int, n_clusters: int, spread: float, noise: float
) -> dict[tuple[str, str], tuple[Points, Points]]:
    """Left and right directions for each kind of arrangement and each thing that the two may have in common.

    A clustered direction is its cluster's unit centre plus a random vector of length `spread`. Noise is a random vector
    of length `noise`, added on the right. The right side is rotated.
    """

    def vectors(rows: int) -> Points:
        return unit(random.standard_normal((rows, width)))

    rotation = np.linalg.qr(random.standard_normal((width, width)))[0]
    cluster = np.arange(n) % n_clusters
    centres = vectors(n_clusters)
    left = {"uniform": vectors(n), "clustered": unit(centres[cluster] + spread * vectors(n))}
    sides = {}
    for kind, points in left.items():
        sides[kind, "every feature"] = points, unit(points + noise * vectors(n)) @ rotation
    sides["clustered", "the clusters alone"] = (
        left["clustered"],
        unit(centres[cluster] + spread * vectors(n)) @ rotation,
    )
    others = unit(vectors(n_clusters)[random.permutation(cluster)] + spread * vectors(n))
    sides["uniform", "nothing"] = left["uniform"], vectors(n)
    sides["clustered", "nothing"] = left["clustered"], others
    return sides


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """Each metric on each arrangement, against all reorderings and against those inside clusters."""
    found = Found()
    sides = networks(
        np.random.default_rng(seed), parameters["n_features"], parameters["width"], parameters["n_clusters"],
        parameters["spread"], parameters["noise"],
    )  # fmt: skip
    cluster = np.arange(parameters["n_features"]) % parameters["n_clusters"]
    draws = parameters["draws"]
    for metric in parameters["metrics"]:
        for (kind, common), (left, right) in sides.items():
            free = geomsim.compare(left, right, metric, draws=draws, seed=seed)
            found.add("scores", metric, kind, common, **comparison_columns(free), chance_sd=free.null_sd)
            if kind == "clustered":
                inside = geomsim.Space(left, groups=cluster), geomsim.Space(right, groups=cluster)
                within = geomsim.compare(*inside, metric, draws=draws, seed=seed, groups="within")
                assert free.p_value is not None
                assert within.p_value is not None
                found.add(
                    "within", metric, common, score=within.score, chance=free.null_mean,
                    significant=bool(free.p_value <= ALPHA), chance_within_clusters=within.null_mean,
                    significant_within=bool(within.p_value <= ALPHA),
                )  # fmt: skip
    return found


def draw(results: Mapping[str, Any]) -> Figure:
    """Score of each arrangement with the spread of chance, one panel per metric."""
    from matplotlib.figure import Figure

    tables = results["tables"]
    metrics = results["parameters"]["metrics"]
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, len(metrics), sharey=True)
    within = {tuple(row["case"]): row["quantities"] for row in tables["within"]["rows"]}
    for axis, metric in zip(axes, metrics, strict=True):
        rows = [row for row in tables["scores"]["rows"] if row["case"][0] == metric]
        for place, row in enumerate(rows):
            values = {name: each["mean"] for name, each in row["quantities"].items()}
            kind, common = row["case"][1:]
            axis.bar(place, values["score"], 0.7, color="C0" if kind == "uniform" else "C1")
            axis.errorbar(place, values["chance"], 2 * values["chance_sd"], fmt="_", color="black", ms=20, capsize=3)
            if kind == "clustered":
                chance = within[metric, common]["chance_within_clusters"]["mean"]
                axis.plot([place - 0.35, place + 0.35], [chance] * 2, color="C3", lw=2.5, ls=(0, (2, 1)))
        axis.set_xticks(
            range(len(rows)), [f"{row['case'][1]}: {row['case'][2]}" for row in rows], rotation=60, ha="right"
        )
        axis.tick_params(axis="x", labelsize=8)
        axis.set_title(metric, fontsize=10)
    axes[0].set_ylabel("score")
    figure.suptitle("black: chance, two deviations; red: chance when rows move inside their cluster only", fontsize=9)
    return figure


EXPERIMENT = Experiment(
    "3_clustered_and_uniform", measure, FULL, QUICK,
    {"scores": ["metric", "directions", "in common"], "within": ["metric", "in common"]}, draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
