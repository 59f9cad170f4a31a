"""Why a latent is without a partner, for every latent that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.candidates import Candidates
from geomsim.activations.codes import Codes

GATES = ("silent", "constant", "few_firings", "few_cofirings")
Reasons = NDArray[np.object_]  # (latents,) of strings, "" where there is none

# Those of `pair`, in the words of its report; a mask brings its own.
EXPLANATIONS = {
    "silent": "never fires",
    "constant": "always the same value, so no correlation",
    "few_firings": "fires on fewer tokens than min_firings",
    "few_cofirings": "fires with no other latent on min_cofirings tokens",
    "partners_left_out": "its listed partners are all left out",
    "below_min_weight": "best partner below min_weight",
    "not_chosen": "chosen by nobody",
    "not_mutual": "not the best partner of its best partner",
    "partner_chosen_by_several": "its best partner was chosen by others too",
    "not_chosen_by_one": "chosen by nobody or by several",
    "candidates_taken": "all its candidates have stronger partners",
    "better_alone": "the total is larger without it",
    "small_shares": "its mass is spread too thin",
    "matched_a_decoy": "its partner is a decoy",
    "above_max_false_matches": "r below what keeps the false-match rate",
    "above_max_p": "chance p-value above max_p",
    "constant_held_out": "one of the pair is constant on the held-out tokens",
    "left_out_by_user": "left out by the user",
}


def without_candidate(candidates: Candidates, codes: Codes | None, side: str) -> Reasons:
    """Why latents of one side have no candidate: silent, constant, few_firings, few_cofirings, in this order.

    Whether a latent that fires on every token is constant is looked up in the codes; without them it follows from the
    counts of the candidates, unless some such latents are constant and others not, which are then all called so.
    """
    partners = candidates.left_to_right if side == "left" else candidates.right_to_left
    firings = candidates.left_firings if side == "left" else candidates.right_firings
    reasons = np.full(len(firings), "", dtype=object)
    lonely = ~partners.found
    reasons[lonely] = "few_cofirings"
    reasons[lonely & (firings < candidates.provenance.get("min_firings", 0))] = "few_firings"
    always = lonely & (firings == candidates.n_tokens)
    if codes is None:
        if candidates.removed[side].get("constant", 0):
            reasons[always] = "constant"
    elif candidates.provenance.get("measure", "pearson") == "pearson":
        for latent in np.flatnonzero(always).tolist():
            if np.ptp(codes.latent(latent)) == 0:
                reasons[latent] = "constant"
    reasons[firings == 0] = "silent"
    return reasons


def add(reasons: Reasons, latents: NDArray[Any], reason: str) -> None:
    """Give a reason to those of the latents (numbers or a mask) that have none yet."""
    chosen = np.zeros(len(reasons), dtype=bool)
    chosen[latents] = True
    reasons[chosen & (reasons == "")] = reason


def counted(reasons: Reasons) -> dict[str, int]:
    """How many latents have which reason, the most frequent first."""
    names, counts = np.unique(reasons[reasons != ""].astype(str), return_counts=True)
    return {str(names[place]): int(counts[place]) for place in np.argsort(-counts, kind="stable")}
