"""kNN Jaccard for many k and many numbers of pairs: the score, what chance gives, and how clearly the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment import ALPHA, Experiment, Found, run

import geomsim
from geomsim_synthetic import TwoModels, two_models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 20, "n_features": 800, "width": 64, "geometry_noise": 0.7, "k": [1, 2, 5, 10, 20, 50],
    "pairs": [50, 100, 200, 400, 800], "draws": 199,
}  # fmt: skip
QUICK = {**FULL, "seeds": 3, "n_features": 200, "k": [1, 5, 20, 50], "pairs": [50, 100, 200], "draws": 49}
_TABLES = ("score", "chance", "corrected", "z", "significant")


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """All features are shared; a random part of the true pairs is looked at."""
    found = Found()
    size = {"n_features": parameters["n_features"], "width": parameters["width"], "shared": 1.0, "n_tokens": 10}
    networks = {
        "alike": two_models(**size, seed=seed, geometry_noise=parameters["geometry_noise"]),
        "independent": two_models(**size, seed=seed, geometry="independent"),
    }
    for arranged, two in networks.items():
        suffix = "" if arranged == "alike" else ", independent"
        chosen = np.random.default_rng(seed).permutation(len(two.pairing))
        for k in parameters["k"]:
            for n_pairs in parameters["pairs"]:
                pairing = two.pairing.take(chosen[:n_pairs])
                for table, value in scores(two, pairing, k, parameters["draws"], seed).items():
                    found.add(table + suffix, str(k), **{f"{n_pairs} pairs": value})
    return found


def scores(two: TwoModels, pairing: geomsim.Pairing, k: int, draws: int, seed: int) -> dict[str, float | bool | None]:
    """Score, exact mean by chance, score corrected for it, z and p; None where every row neighbours every other."""
    if len(pairing) < k + 2:
        return dict.fromkeys(_TABLES)
    metric = geomsim.metric("knn-jaccard", k=k)
    spaces = two.left.space(), two.right.space()
    drawn = geomsim.compare(*spaces, metric, pairing=pairing, draws=draws, seed=seed)
    exact = geomsim.compare(*spaces, metric, pairing=pairing, null="exact")
    assert drawn.p_value is not None
    values = drawn.score, exact.null_mean, exact.corrected, drawn.z, drawn.p_value <= ALPHA
    return dict(zip(_TABLES, values, strict=True))


def draw(results: Mapping[str, Any]) -> Figure:
    """Scores and chance against k, and z as a map."""
    from matplotlib.figure import Figure

    tables = results["tables"]
    counts, ks = results["parameters"]["pairs"], results["parameters"]["k"]

    def values(table: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        cells = [[row["quantities"][f"{n} pairs"] for n in counts] for row in tables[table]["rows"]]
        return np.array([[np.nan if cell is None else cell["mean"] for cell in row] for row in cells])

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    lines, squares = figure.subplots(1, 2, width_ratios=(1.15, 1))
    score, chance, z = values("score"), values("chance"), values("z")
    for place, n_pairs in enumerate(counts):
        lines.plot(ks, score[:, place], "o-", color=f"C{place}", ms=4, label=f"{n_pairs} pairs")
        lines.plot(ks, chance[:, place], ":", color=f"C{place}")
    lines.set_xscale("log")
    lines.set_xticks(ks, [str(k) for k in ks])
    lines.minorticks_off()
    lines.set_xlabel("k")
    lines.set_ylabel("kNN Jaccard (dotted: mean by chance)")
    lines.legend(fontsize=8)
    squares.imshow(z, cmap="viridis", aspect="auto")
    for row, column in np.ndindex(*z.shape):
        shown = "-" if np.isnan(z[row, column]) else f"{z[row, column]:.0f}"
        dark = np.isnan(z[row, column]) or z[row, column] > 0.6 * np.nanmax(z)
        squares.text(column, row, shown, ha="center", va="center", color="black" if dark else "white", fontsize=9)
    squares.set_xticks(range(len(counts)), [str(n) for n in counts])
    squares.set_yticks(range(len(ks)), [str(k) for k in ks])
    squares.set_xlabel("pairs")
    squares.set_ylabel("k")
    squares.set_title("z: deviations above chance", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    "5_k_and_pairs", measure, FULL, QUICK,
    {table + suffix: ["k"] for table in _TABLES for suffix in ("", ", independent")}, draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
