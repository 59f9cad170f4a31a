"""All pairs against the 100 most correlated: what selection does to the correlations, to the truth and to geometry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from experiment import Experiment, Found, comparison_columns, run
from numpy.typing import NDArray

import geomsim
from geomsim.activations import split_by_document
from geomsim_synthetic import TwoModels, pairing_recovery, two_models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 20, "n_features": 800, "width": 96, "mean_active": 24.0, "n_tokens": 4_000, "fresh_tokens": 16_000,
    "seen": 0.5, "geometry_noise": 0.5, "min_firings": 10, "best": 100, "draws": 199, "metrics": ["rsa", "knn-jaccard"],
}  # fmt: skip
QUICK = {**FULL, "seeds": 2, "fresh_tokens": 8_000, "draws": 99}
NETWORKS: dict[str, dict[str, Any]] = {
    "half shared": {"shared": 0.5},
    "all shared, arranged independently": {"shared": 1.0, "geometry": "independent"},
    "nothing shared": {"shared": 0.0},
}


def mean_r(left: geomsim.Codes, right: geomsim.Codes, pairing: geomsim.Pairing) -> float:
    """Mean Pearson correlation of the paired codes; a feature that never fires here correlates 0 with anything."""
    columns = []
    for codes, rows in ((left, pairing.left), (right, pairing.right)):
        values = codes.matrix[:, rows].toarray().astype(np.float64)
        values -= values.mean(axis=0)
        length = np.linalg.norm(values, axis=0)
        columns.append(values / np.where(length > 0, length, 1.0))
    return float((columns[0] * columns[1]).sum(axis=0).mean())


def draw_networks(seed: int, parameters: Mapping[str, Any], **options: Any) -> TwoModels:
    """Two networks; those that do not share an arrangement have no noise in it."""
    noise = parameters["geometry_noise"] if options.get("geometry") != "independent" else 0.0
    return two_models(
        parameters["n_features"], width=parameters["width"], mean_active=parameters["mean_active"],
        seen=parameters["seen"], seed=seed, geometry_noise=noise,
        n_tokens=parameters["n_tokens"] + parameters["fresh_tokens"], **options,
    )  # fmt: skip


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """Pairs are chosen on half of the first documents; the other half and many later ones had no part in that."""
    found = Found()
    for name, options in NETWORKS.items():
        two = draw_networks(seed, parameters, **options)
        left, right = two.left.true_codes(), two.right.true_codes()
        first, fresh = np.arange(parameters["n_tokens"]), np.arange(parameters["n_tokens"], left.n_tokens)
        halves = split_by_document(left.take(first), right.take(first), seed)
        gates = {"min_firings": parameters["min_firings"], "min_cofirings": 1}
        pairs = geomsim.pair(halves.choosing.left, halves.choosing.right, "mutual", **gates)
        assert pairs.weight is not None
        by_r: NDArray[np.int64] = np.argsort(-pairs.weight, kind="stable")
        count = parameters["best"]
        at_random = np.random.default_rng(seed).choice(len(pairs), count, replace=False)
        kinds = {
            "all pairs": pairs,
            f"{count} best": pairs.take(by_r[:count]),
            f"{count} at random": pairs.take(at_random),
        }
        if two.truth.pairs:
            kinds["true pairs"] = two.pairing
        for chosen, kept in kinds.items():
            found.add(
                "correlation", name, chosen, pairs=len(kept),
                own_tokens=mean_r(halves.choosing.left, halves.choosing.right, kept),
                other_tokens=mean_r(halves.held_out.left, halves.held_out.right, kept),
                fresh_tokens=mean_r(left.take(fresh), right.take(fresh), kept),
                precision=pairing_recovery(kept, two.pairing).precision if two.truth.pairs else 0.0,
            )  # fmt: skip
            for metric in parameters["metrics"]:
                comparison = geomsim.compare(
                    two.left.space(), two.right.space(), metric, pairing=kept, draws=parameters["draws"], seed=seed
                )
                found.add(
                    "geometry", metric, name, chosen, **comparison_columns(comparison), corrected=comparison.corrected
                )
    return found


def draw(results: Mapping[str, Any]) -> Figure:
    """Mean correlation on three kinds of tokens, for all pairs and the best."""
    from matplotlib.figure import Figure

    rows = results["tables"]["correlation"]["rows"]
    names = list(dict.fromkeys(row["case"][0] for row in rows))
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, len(names), sharey=True)
    tokens = {"own_tokens": "own tokens", "other_tokens": "other tokens", "fresh_tokens": "fresh tokens"}
    for axis, name in zip(axes, names, strict=True):
        here = [row for row in rows if row["case"][0] == name and row["case"][1] != "true pairs"]
        for place, (kind, label) in enumerate(tokens.items()):
            cells = [row["quantities"][kind] for row in here]
            at = np.arange(len(here)) + 0.27 * (place - 1)
            means = [each["mean"] for each in cells]
            error = [each["high"] - each["mean"] for each in cells]
            axis.bar(at, means, 0.25, yerr=error, capsize=2, label=label, color=("C3", "C0", "C7")[place])
        axis.set_xticks(range(len(here)), [row["case"][1] for row in here], fontsize=8)
        axis.set_title(name, fontsize=10)
    axes[0].set_ylabel("mean correlation of pairs")
    axes[-1].legend(fontsize=8)
    return figure


EXPERIMENT = Experiment(
    "4_all_pairs_and_the_best", measure, FULL, QUICK,
    {"correlation": ["networks", "pairs kept"], "geometry": ["metric", "networks", "pairs kept"]}, draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
