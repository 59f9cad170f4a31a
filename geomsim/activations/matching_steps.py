"""The steps after pairs are made: decoys leave, weights are measured again, and every latent gets its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_by_chance import Direction
from geomsim.activations.candidates import Candidates
from geomsim.activations.cross_fitting import HELD_OUT_DOCUMENTS, Halves, correlations_of_pairs
from geomsim.activations.decoys import FalseMatches
from geomsim.activations.filters import LatentMask
from geomsim.activations.matching_input import Found
from geomsim.activations.matching_methods import Matched, MatchingMethod
from geomsim.activations.matching_reasons import GATES, Reasons, add
from geomsim.errors import InvalidPairing

_NEVER_TESTED = ("silent", "constant", "few_firings")


def say_why_alone(
    reasons: dict[str, Reasons],
    candidates: Candidates,
    matched: Matched,
    method: MatchingMethod,
    direction: Direction,
    min_weight: float | None,
) -> None:
    """Give a reason to each latent that the method left without a partner."""
    choosing = "left" if direction == "left-to-right" else "right"
    for side, partners in (("left", candidates.left_to_right), ("right", candidates.right_to_left)):
        alone = np.ones(len(reasons[side]), dtype=bool)
        alone[getattr(matched, side)] = False
        if min_weight is not None:
            add(reasons[side], alone & partners.found & ~(partners.r[:, 0] >= min_weight), "below_min_weight")
        add(reasons[side], alone, method.alone[0 if side == choosing else 1])


def drop(reasons: dict[str, Reasons], matched: Matched, kept: NDArray[np.bool_], reason: str) -> Matched:
    """Only some of the pairs; latents of the others get the reason, unless they have another pair."""
    for side in ("left", "right"):
        latents = getattr(matched, side)
        add(reasons[side], np.setdiff1d(latents[~kept], latents[kept]), reason)
    return matched.keep(kept)


def without_decoys(
    found: Found, matched: Matched, method: MatchingMethod, direction: Direction, max_false_matches: float | None
) -> tuple[Matched, FalseMatches]:
    """The pairs of real latents, those above the threshold where a rate is asked for, and what the decoys say."""
    chosen = "right" if direction == "left-to-right" else "left"
    decoy = found.decoy[chosen]
    tested = ~np.isin(found.reasons[chosen].astype(str), _NEVER_TESTED)
    with_decoy = decoy[getattr(matched, chosen)]
    false_matches = FalseMatches(
        matched.r[~with_decoy],
        matched.r[with_decoy],
        n_real=int((tested & ~decoy).sum()),
        n_decoys=int((tested & decoy).sum()),
        exclusive=method.exclusive,
    )
    matched = drop(found.reasons, matched, ~with_decoy, "matched_a_decoy")
    if max_false_matches is not None:
        threshold = false_matches.threshold(max_false_matches)
        kept = matched.r >= threshold
        if not kept.any():
            raise InvalidPairing(
                f"no threshold keeps the rate of false matches at {max_false_matches}: {len(matched.r)} pairs of real "
                f"latents beside {int(with_decoy.sum())} with decoys, an estimated rate of {false_matches.rate():.2f} "
                "over all; read more text, or allow a larger rate"
            )
        matched = drop(found.reasons, matched, kept, "above_max_false_matches")
    return matched, false_matches


def measured_again(
    halves: Halves, matched: Matched, reasons: dict[str, Reasons], candidates: Candidates, seed: int
) -> tuple[Matched, dict[str, Any]]:
    """The chosen pairs with their r on the held-out half, and what the provenance says about it."""
    part = halves.held_out
    found = correlations_of_pairs(part.left, part.right, matched.left, matched.right)
    kept = found.defined
    if not kept.any():
        raise InvalidPairing(
            f"none of the {len(kept)} pairs can be measured: in each a latent is constant on the "
            f"{part.left.n_tokens} held-out tokens; read more text"
        )
    firings = np.minimum(part.left.firings()[matched.left], part.right.firings()[matched.right])
    few_firings = kept & (firings < candidates.provenance["min_firings"])
    few_cofirings = kept & (found.cofirings < candidates.provenance["min_cofirings"])
    said = {
        "cross_fit": {
            "seed": seed,
            "choosing_tokens": halves.choosing.left.n_tokens,
            "held_out_tokens": part.left.n_tokens,
            "chosen_pairs": len(kept),
            "dropped_constant": int((~kept).sum()),
            "kept_with_few_firings": int(few_firings.sum()),
            "kept_with_few_cofirings": int(few_cofirings.sum()),
            "mean_r_choosing": float(matched.r[kept].mean()),
            "mean_r_held_out": float(found.r[kept].mean()),
        },
        "choosing_documents": halves.choosing.documents,
        HELD_OUT_DOCUMENTS: part.documents,
    }
    measured = matched._replace(r=found.r, standard_error=found.standard_error)
    return drop(reasons, measured, kept, "constant_held_out"), said


def of_all(mask: LatentMask, reasons: Reasons, paired: NDArray[np.int64]) -> LatentMask:
    """Which latents of one side are paired, and why the others are not, under the numbers before masking."""
    said = mask.reasons.copy()
    said[mask.keep] = reasons
    keep = np.zeros(len(mask), dtype=bool)
    keep[np.flatnonzero(mask.keep)[paired]] = True
    return LatentMask(keep, said)


def nothing_found(
    candidates: Candidates,
    reasons: dict[str, Reasons],
    method: MatchingMethod,
    choices: int,
    min_weight: float | None,
) -> str:
    """The message where there is no pair at all."""
    parts = []
    for side in ("left", "right"):
        counts = [f"{gate} {count}" for gate in GATES if (count := int((reasons[side] == gate).sum()))]
        parts.append(f"{len(reasons[side])} {side} latents ({', '.join(counts) or 'none removed'})")
    floor = "" if min_weight is None else f" with r of at least {min_weight}"
    found = f"no pair was found by {method.name!r}: {choices} latents have a partner{floor}, of {' and '.join(parts)}"
    if candidates.provenance.get("measure") == "decoder-cosine":
        return f"{found}; lower min_weight"
    return (
        f"{found}, over {candidates.n_tokens} tokens; read more text, or lower min_firings, min_cofirings or min_weight"
    )
