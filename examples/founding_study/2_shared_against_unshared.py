"""kNN Jaccard and MMCS on features that both networks carry, against features that only one carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment import Experiment, Found, comparison_columns, run
from numpy.typing import NDArray

import geomsim
from geomsim_synthetic import TwoModels, two_models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 40, "n_features": 200, "shared": 0.5, "width": 64, "n_tokens": 10_000, "seen": 0.8,
    "geometry_noise": 0.3, "k": 10, "shares": [0.5, 0.2, 0.1], "draws": 199,
}  # fmt: skip
QUICK = {**FULL, "seeds": 3, "n_features": 160, "n_tokens": 5_000, "draws": 99}


def any_partner(two: TwoModels) -> geomsim.Pairing:
    """Features of the left alone, each with some feature of the right alone: row numbers are random already."""
    own_left = np.setdiff1d(np.arange(two.left.n_features), two.pairing.left)
    own_right = np.setdiff1d(np.arange(two.right.n_features), two.pairing.right)
    return geomsim.Pairing(own_left, own_right)


def pairs_of(two: TwoModels) -> dict[str, geomsim.Pairing]:
    """Shared features with their true partner; features of one side alone with any, or with the best correlate."""
    unshared = any_partner(two)
    best = geomsim.pair(
        two.left.true_codes(), two.right.true_codes(), "max", min_firings=20, min_cofirings=1,
        left_mask=np.isin(np.arange(two.left.n_features), unshared.left),
    )  # fmt: skip
    return {"shared, true partner": two.pairing, "unshared, any partner": unshared, "unshared, best correlate": best}


def rows_of(two: TwoModels, pairing: geomsim.Pairing) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The paired directions of both sides."""
    return two.left.directions[pairing.left], two.right.directions[pairing.right]


def rotation_between(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation that turns left rows into right ones with the least squared error (Schoenemann 1966)."""
    u, _, v = np.linalg.svd(left.T @ right)
    rotation: NDArray[np.float64] = u @ v
    return rotation


def mean_cosine(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Mean cosine of row i with row i."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(((left * right).sum(axis=1) / lengths).mean())


def auc(values: NDArray[np.float64], n_true: int) -> float:
    """How often one of the first `n_true` values lies above one of the others, ties one half."""
    difference = values[:n_true, None] - values[None, n_true:]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """Each group of pairs by itself, then single pairs of all groups in one ranking."""
    found = Found()
    names = ("n_features", "shared", "width", "n_tokens", "seen", "geometry_noise")
    size = {name: parameters[name] for name in names}
    two = two_models(**size, seed=seed)
    assert two.rotation is not None
    knn = geomsim.metric("knn-jaccard", k=parameters["k"])
    groups = pairs_of(two)
    rows = {group: rows_of(two, pairing) for group, pairing in groups.items()}
    for metric in (knn, geomsim.metric("procrustes")):
        for group, (points, others) in rows.items():
            scored = geomsim.compare(points, others, metric, draws=parameters["draws"], seed=seed)
            sizes = {"pairs": len(points), "right_rows": len(np.unique(groups[group].right))}
            found.add("paired rows", scored.metric, group, **sizes, **comparison_columns(scored))

    for group, (points, others) in rows.items():
        fitted = rotation_between(points, others)
        for space, turned in (
            ("true rotation undone", others @ two.rotation.T),
            ("rotation fitted to these very pairs", others @ fitted.T),
            ("no common space", others),
        ):
            best = geomsim.compare(points, turned, "mmcs", null="random-baseline", draws=parameters["draws"], seed=seed)
            found.add("mmcs", group, space, **comparison_columns(best), cosine_of_pairs=mean_cosine(points, turned))

    for share in parameters["shares"]:
        single_pairs(found, two_models(**{**size, "shared": share, "n_tokens": 10}, seed=seed), share, parameters["k"])
    return found


def single_pairs(found: Found, two: TwoModels, share: float, k: int) -> None:
    """How well one pair can be judged: true pairs and unshared features with any partner, in one ranking."""
    assert two.rotation is not None
    true, unshared = two.pairing, any_partner(two)
    everything = geomsim.Pairing(np.r_[true.left, unshared.left], np.r_[true.right, unshared.right])
    for neighbours in (k, 5 * k):
        metric = geomsim.metric("knn-jaccard", k=neighbours)
        comparison = geomsim.compare(two.left.directions, two.right.directions, metric, pairing=everything, null=None)
        assert comparison.explanation is not None
        jaccard = np.array(comparison.explanation.tables["rows"]["jaccard"])
        found.add("single pairs", f"{share:g}", f"shared neighbours, k = {neighbours}", auc=auc(jaccard, len(true)))
    left, right = rows_of(two, everything)
    cosine = (left * (right @ two.rotation.T)).sum(axis=1)
    found.add("single pairs", f"{share:g}", "cosine, true rotation undone", auc=auc(cosine, len(true)))


def draw(results: Mapping[str, Any]) -> Figure:
    """Scores beside chance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    colours = ("C2", "C1", "C3")
    rows = [row for row in results["tables"]["paired rows"]["rows"] if row["case"][0] == "knn-jaccard"]
    for place, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        left.bar(place, row["quantities"]["score"]["mean"], 0.8, color=colour)
        left.plot([place - 0.4, place + 0.4], [row["quantities"]["chance"]["mean"]] * 2, color="black", lw=2)
    left.set_xticks([])
    left.set_ylabel(f"kNN Jaccard, k = {results['parameters']['k']}")
    rows = results["tables"]["mmcs"]["rows"]
    spaces = list(dict.fromkeys(row["case"][1] for row in rows))
    for place, group in enumerate(dict.fromkeys(row["case"][0] for row in rows)):
        here = {row["case"][1]: row["quantities"] for row in rows if row["case"][0] == group}
        at = np.arange(len(spaces)) + 0.26 * (place - 1)
        right.bar(at, [here[each]["score"]["mean"] for each in spaces], 0.24, color=colours[place], label=group)
        for x, each in zip(at, spaces, strict=True):
            right.plot([x - 0.12, x + 0.12], [here[each]["chance"]["mean"]] * 2, color="black", lw=2)
    right.set_xticks(range(len(spaces)), [each.replace(" to ", "\nto ") for each in spaces], fontsize=9)
    right.set_ylabel("MMCS")
    right.set_ylim(top=1.3)
    right.legend(fontsize=8, ncols=3, loc="upper center", title="black line: mean by chance", title_fontsize=8)
    return figure


EXPERIMENT = Experiment(
    "2_shared_against_unshared", measure, FULL, QUICK,
    {"paired rows": ["metric", "pairs of"], "mmcs": ["pairs of", "right rows"],
     "single pairs": ["features shared", "ranked by"]},
    draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
