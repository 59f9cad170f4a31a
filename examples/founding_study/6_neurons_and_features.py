"""Neurons of two networks cannot be aligned one by one; features can, and so can trained dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from experiment import Experiment, Found, comparison_columns, run
from numpy.typing import NDArray

import geomsim
from geomsim_synthetic import (
    TrainedDictionary,
    TwoModels,
    best_matches,
    from_setting,
    mmcs,
    pairing_recovery,
    preset,
    share_recovered,
    train_dictionary,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = {
    "seeds": 10, "n_features": 160, "width": 64, "n_tokens": 20_000, "n_latents": 256, "steps": 1_000, "batch": 256,
    "active": 4, "min_weight": 0.4, "min_cosine": 0.9, "min_firings": 50, "neighbours": 5, "profile_tokens": 2_000,
    "draws": 199,
}  # fmt: skip
QUICK = {
    **FULL, "seeds": 2, "n_features": 64, "width": 28, "n_tokens": 6_000, "n_latents": 100, "steps": 400, "batch": 128,
    "draws": 99,
}  # fmt: skip
SHARED = {"half": 0.5, "all": 1.0}
Points = NDArray[np.float64]


class Units(NamedTuple):
    """What is paired on both sides: activity, the feature that each stands for most, and where it writes, if anywhere.

    A neuron stands for the feature that drives it most, a latent for the feature whose direction is nearest.
    """

    codes: tuple[geomsim.Codes, geomsim.Codes]
    feature: tuple[NDArray[np.int64], NDArray[np.int64]]
    directions: tuple[Points, Points] | None


def neurons(two: TwoModels) -> Units:
    """The activations themselves."""
    sides = two.left, two.right
    codes = [geomsim.Codes.from_dense(side.activations, groups=two.groups) for side in sides]
    feature = [side.source_feature[side.source_directions.argmax(axis=0)] for side in sides]
    return Units((codes[0], codes[1]), (feature[0], feature[1]), None)


def latents(two: TwoModels, trained: tuple[TrainedDictionary, TrainedDictionary]) -> Units:
    """What trained dictionaries read in the activations."""
    sides = two.left, two.right
    codes = [each.codes(side) for each, side in zip(trained, sides, strict=True)]
    directions = [each.dictionary.decoder.double().numpy() for each in trained]
    feature = [
        side.source_feature[best_matches(rows, side.source_directions)[1]]
        for rows, side in zip(directions, sides, strict=True)
    ]
    return Units((codes[0], codes[1]), (feature[0], feature[1]), (directions[0], directions[1]))


def features(two: TwoModels) -> Units:
    """The upper line: what a perfect dictionary would read."""
    return Units(
        (two.left.true_codes(), two.right.true_codes()), (two.left.feature, two.right.feature),
        (two.left.directions, two.right.directions),
    )  # fmt: skip


def trained_on(two: TwoModels, side: str, parameters: Mapping[str, Any], seed: int) -> TrainedDictionary:
    """A dictionary trained on the activations of one side."""
    return train_dictionary(
        getattr(two, side).activations, parameters["n_latents"], k=parameters["active"], steps=parameters["steps"],
        batch=parameters["batch"], seed=seed,
    )  # fmt: skip


def measure(seed: int, parameters: Mapping[str, Any]) -> Found:
    """Pair neurons, latents and true features of the same networks in the same way."""
    import torch

    torch.set_num_threads(1)
    found = Found()
    for words, shared in SHARED.items():
        two = from_setting(
            preset("easy"), shared=shared, seed=seed,
            **{name: parameters[name] for name in ("n_features", "width", "n_tokens")},
        )  # fmt: skip
        trained = trained_on(two, "left", parameters, 2 * seed), trained_on(two, "right", parameters, 2 * seed + 1)
        kinds = {"neurons": neurons(two), "SAE latents": latents(two, trained), "true features": features(two)}
        for kind, units in kinds.items():
            align(found, (kind, words), units, two, parameters, seed)
        tokens = geomsim.compare(
            two.left.activations, two.right.activations, "cka", groups=two.groups, draws=parameters["draws"], seed=seed
        )
        assert two.truth.activations is not None
        found.add("tokens", words, **comparison_columns(tokens), endless_stream=two.truth.activations.cka)
        if words == "half":
            again = trained_on(two, "left", parameters, 2 * seed + 1_000_001)
            training(found, two, trained, again, parameters, seed)
    return found


def align(
    found: Found, case: tuple[str, str], units: Units, two: TwoModels, parameters: Mapping[str, Any], seed: int
) -> None:
    """Pairs chosen on half of the documents, everything else on the other half."""
    options = {"cross_fit": True, "seed": seed, "min_firings": parameters["min_firings"], "min_cofirings": 1}
    best = geomsim.pair(*units.codes, "max", **options)
    pairing = geomsim.pair(*units.codes, "mutual", **options)
    assert best.weight is not None
    assert pairing.weight is not None
    same = units.feature[0][pairing.left] == units.feature[1][pairing.right]
    strong = pairing.weight >= parameters["min_weight"]
    columns: dict[str, float | bool | None] = {
        "rows": float(units.codes[0].n_latents),
        "best_r": float(best.weight.mean()),
        "mutual_pairs": float(len(pairing)),
        "mean_r": float(pairing.weight.mean()),
        "pairs_of_high_r": float(strong.sum()),
        "same_feature": float(same.mean()),
    }
    if case[0] == "true features":
        columns["recall"] = pairing_recovery(pairing, two.pairing).recall
    else:
        shared = set(two.truth.shared_features)
        hit = set(units.feature[0][pairing.left][same].tolist()) & shared
        columns["recall"] = len(hit) / len(shared)
    found.add("alignment", *case, **columns)

    held = np.flatnonzero(np.isin(two.groups, pairing.provenance["held_out_documents"]))[: parameters["profile_tokens"]]
    profiles = [np.asarray(dense(codes.take(held)), dtype=np.float64).T for codes in units.codes]
    kept = pairing.take(np.flatnonzero(varies(profiles[0])[pairing.left] & varies(profiles[1])[pairing.right]))
    looks = {"activity on held-out tokens": (profiles, kept)}
    if units.directions is not None:
        looks["decoder rows"] = (list(units.directions), pairing)
    metrics = {"rsa": geomsim.metric("rsa"), "knn-jaccard": geomsim.metric("knn-jaccard", k=parameters["neighbours"])}
    for look, (points, pairs) in looks.items():
        for name, metric in metrics.items():
            comparison = geomsim.compare(
                points[0], points[1], metric, pairing=pairs, draws=parameters["draws"], seed=seed
            )
            found.add("geometry", name, look, *case, pairs=float(len(pairs)), **comparison_columns(comparison))


def training(
    found: Found, two: TwoModels, trained: tuple[TrainedDictionary, TrainedDictionary], again: TrainedDictionary,
    parameters: Mapping[str, Any], seed: int,
) -> None:  # fmt: skip
    """How well the dictionaries found the truth, and how alike two trainings on one network are (one common space)."""
    living = []
    for each, side in ((trained[0], two.left), (trained[1], two.right), (again, two.left)):
        rows = each.dictionary.decoder.double().numpy()
        living.append(rows[each.codes(side).firings() > 0])
    for name, rows, side in (("left", living[0], two.left), ("right", living[1], two.right)):
        found.add(
            "training", f"true features of the {name} network in its dictionary", latents=float(len(side.directions)),
            mmcs=mmcs(side.directions, rows),
            recovered=share_recovered(rows, side.directions),
        )  # fmt: skip
    cosine, _ = best_matches(living[0], two.left.source_directions)
    is_feature = cosine >= parameters["min_cosine"]
    for name, searched, rows in (
        ("left dictionary in a second training on the same network", living[0], living[2]),
        ("those of its latents that are a true feature", living[0][is_feature], living[2]),
        ("its other latents", living[0][~is_feature], living[2]),
        ("left dictionary in the right one (no common space)", living[0], living[1]),
    ):
        comparison = geomsim.compare(searched, rows, "mmcs", null="random-baseline", draws=99, seed=seed)
        found.add("training", name, latents=float(len(searched)), mmcs=comparison.score, chance=comparison.null_mean)
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((parameters["width"],) * 2))[0]
    found.add(
        "training", "neurons of a network in another basis, turned at random", latents=float(len(basis)),
        mmcs=mmcs(np.eye(len(basis)), basis),
    )  # fmt: skip


def dense(codes: geomsim.Codes) -> Any:
    """The codes as a plain array."""
    return codes.matrix.toarray() if hasattr(codes.matrix, "toarray") else codes.matrix


def varies(profiles: Points) -> NDArray[np.bool_]:
    """Which rows are not constant."""
    found: NDArray[np.bool_] = np.ptp(profiles, axis=1) > 0
    return found


def draw(results: Mapping[str, Any]) -> Figure:
    """Correlation of pairs and share that stand for one feature; RSA of their activity."""
    from matplotlib.figure import Figure

    rows = {tuple(row["case"]): row["quantities"] for row in results["tables"]["alignment"]["rows"]}
    geometry = {tuple(row["case"]): row["quantities"] for row in results["tables"]["geometry"]["rows"]}
    kinds = list(dict.fromkeys(kind for kind, _ in rows))
    figure = Figure(figsize=(9, 3.3), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    panels = {
        "correlation of mutual pairs": {case: each["mean_r"] for case, each in rows.items()},
        "pairs that stand for one feature": {case: each["same_feature"] for case, each in rows.items()},
        "RSA of activity": {case[2:]: each["score"] for case, each in geometry.items()
                            if case[:2] == ("rsa", "activity on held-out tokens")},
    }  # fmt: skip
    for axis, (title, cells) in zip(axes, panels.items(), strict=True):
        for place, shared in enumerate(SHARED):
            here = [cells[kind, shared] for kind in kinds]
            at = np.arange(len(kinds)) + 0.4 * (place - 0.5)
            error = [each["high"] - each["mean"] for each in here]
            axis.bar(
                at, [each["mean"] for each in here], 0.38, yerr=error, capsize=2, label=f"{shared} of the features"
            )
        axis.set_xticks(range(len(kinds)), [kind.replace(" ", "\n") for kind in kinds], fontsize=9)
        axis.set_title(title, fontsize=10)
    axes[0].legend(fontsize=8, title="shared", title_fontsize=8, loc="upper left")
    axes[0].set_ylim(-0.05, 1.4)
    return figure


EXPERIMENT = Experiment(
    "6_neurons_and_features", measure, FULL, QUICK,
    {"alignment": ["units", "features shared"], "geometry": ["metric", "points", "units", "features shared"],
     "tokens": ["features shared"], "training": ["rows looked for"]},
    draw,
)  # fmt: skip

if __name__ == "__main__":
    run(EXPERIMENT)
