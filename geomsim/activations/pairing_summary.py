"""What a reader asks of a pairing first, as numbers for its provenance and as lines for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.matching_reasons import EXPLANATIONS
from geomsim.pairing import Pairing

# A longer list, of documents say, is for the file and not for people.
_SHOWN = 8
# What the report says in words of its own, from the pairs that are there.
_TOLD = frozenset({
    "pairs", "unique_partners", "unique", "multiplicity", "multiplicities", "mean_r", "quartiles_r", "unmatched",
    "left_latents", "right_latents", "false_matches", "without_candidate", "filters",
})  # fmt: skip
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


def summary(pairing: Pairing, standard_error: NDArray[np.float64], direction: str) -> dict[str, Any]:
    """Numbers for the provenance; `unique` is distinct latents of a side per pair, in (0, 1].

    ``unique_partners`` and ``multiplicity`` are those of the side that was chosen from.
    """
    chosen: Literal["left", "right"] = "right" if direction == "left-to-right" else "left"
    multiplicities = {side: pairing.multiplicity(side) for side in _SIDES}
    unique = {side: len(np.unique(getattr(pairing, side))) / len(pairing) for side in _SIDES}
    assert pairing.weight is not None
    return {
        "pairs": len(pairing),
        "unique_partners": unique[chosen],
        "multiplicity": multiplicities[chosen],
        "unique": unique,
        "multiplicities": multiplicities,
        "mean_r": float(pairing.weight.mean()),
        "quartiles_r": [float(quartile) for quartile in np.quantile(pairing.weight, (0.25, 0.5, 0.75))],
        "median_standard_error": _finite(float(np.median(standard_error))),
    }


def _finite(value: float) -> float | None:
    """None where one block of text leaves no errors, or none were asked for: JSON has no infinity."""
    return value if math.isfinite(value) else None


def report_rows(pairing: Pairing) -> list[tuple[str, str]]:
    """Names and values, a line each: the pairs, their multiplicities, who is not paired and why, how they were made.

    Counted from the pairs that are there, so that it holds for a part of a pairing too.
    """
    said = pairing.provenance
    rows = [("pairs", f"{len(pairing):,}")]
    for side in _SIDES:
        n_paired = len(np.unique(getattr(pairing, side)))
        of = f" of {said[f'{side}_latents']:,}" if f"{side}_latents" in said else ""
        rows.append((f"{side} latents paired", f"{n_paired:,}{of}, unique in {n_paired / len(pairing):.0%} of pairs"))
        counts = pairing.multiplicity(side)
        rows.append((f"{side} latents by partners", ", ".join(f"{name}: {n:,}" for name, n in counts.items())))
    if pairing.weight is not None:
        low, middle, high = np.quantile(pairing.weight, (0.25, 0.5, 0.75))
        rows.append(("r", f"mean {pairing.weight.mean():.3f}, quartiles {low:.3f}, {middle:.3f}, {high:.3f}"))
    if pairing.mass is not None:
        rows.append(("mass", f"{pairing.mass.sum():.1f} in all, {pairing.mass.mean():.3f} a pair"))
    for side, reasons in said.get("unmatched", {}).items():
        rows += [
            (f"{side} latents not paired", f"{count:,}: {EXPLANATIONS.get(reason, reason)}")
            for reason, count in reasons.items()
        ]
    if "false_matches" in said:
        rows += _false_matches(said["false_matches"])
    for step in said.get("filters", []):
        what = ", ".join(f"{key} {value}" for key, value in step.items() if key != "left_out")
        rows.append(("then filtered", f"{what}: {step.get('left_out')} pairs left out"))
    rows += [(str(key).replace("_", " "), _short(value)) for key, value in said.items() if key not in _TOLD]
    return rows


def pairing_report(pairing: Pairing) -> str:
    """The report as text for people; the provenance holds everything for programs.

    >>> print(pairing_report(Pairing([0, 1, 2], [5, 5, 7], [0.5, 0.75, 1.0])))
    pairs                     3
    left latents paired       3, unique in 100% of pairs
    left latents by partners  1: 3, 2-10: 0, 11-100: 0, more: 0
    right latents paired      2, unique in 67% of pairs
    right latents by partners 1: 1, 2-10: 1, 11-100: 0, more: 0
    r                         mean 0.750, quartiles 0.625, 0.750, 0.875
    """
    rows = report_rows(pairing)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}} {value}" for name, value in rows)


def _false_matches(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (
            "false matches",
            f"{said['rate']:.1%} by chance (standard error {said['standard_error']:.1%}): {said['decoy_pairs']:,} "
            f"pairs with {said['decoys']:,} decoys beside {said['pairs']:,} of real latents",
        )
    ]
    levels = [level for level in said["by_min_weight"] if level["pairs"]]
    text = ", ".join(f"{level['min_weight']:.1f}: {level['rate']:.1%} of {level['pairs']:,}" for level in levels)
    rows.append(("false matches from r of", text))
    if said.get("max_false_matches") is not None:
        rows.append(("largest rate asked for", f"{said['max_false_matches']:.1%}, so r from {said['threshold']:.3f}"))
    return rows


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_short(item)}" for key, item in value.items())
    if isinstance(value, list | tuple) and len(value) > _SHOWN:
        return f"{len(value)} in all"
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value))
    return f"{value:.3f}" if isinstance(value, float) else "none" if value is None else str(value)
