"""What a pairing says about chance: p-values of its pairs from the largest r by chance, whatever method made them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_by_chance import ChancePartners, Direction, chance_partners
from geomsim.activations.candidates import Candidates, Partners
from geomsim.activations.codes import Codes
from geomsim.activations.matching_methods import Matched, MatchingMethod, Max, Mutual, OneToOne
from geomsim.corrections import benjamini_hochberg
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.pairing import Pairing

_Floats = NDArray[np.float64]
# The level of the shares and the threshold in the provenance.
_ALPHA = 0.05


def null_of(
    chance: int | ChancePartners,
    left: Codes | Candidates,
    right: Codes | None,
    candidates: Candidates,
    seed: int,
    **work: Any,
) -> ChancePartners:
    """The chance partners of these codes under the thresholds of the candidates, unless they are given.

    `work` says with which memory and on which device.
    """
    if isinstance(chance, ChancePartners):
        return chance
    if not isinstance(left, Codes) or not isinstance(right, Codes):
        raise InvalidCodes(
            f"chance={chance} shifts need codes, and candidates are already correlated: give pair the codes, or "
            "chance=chance_partners(left_codes, right_codes, ...)"
        )
    gates = {name: candidates.provenance[name] for name in ("min_firings", "min_cofirings")}
    return chance_partners(left, right, chance, seed, **gates, **work)


def beside_chance(
    null: ChancePartners,
    candidates: Candidates,
    matched: Matched,
    method: MatchingMethod,
    direction: Direction,
    max_p: float | None,
) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """What a reader asks about chance, and which pairs stay."""
    p, q = _p_and_q(null, candidates, matched, method, direction)
    maxima = null.maxima(direction)
    by_chance = np.isfinite(maxima)
    partners = candidates.left_to_right if direction == "left-to-right" else candidates.right_to_left
    threshold = null.threshold(_ALPHA, direction)
    keep = p <= (1 if max_p is None else max_p)
    if not keep.any():
        raise InvalidPairing(f"no pair has a chance p-value of at most {max_p}; the smallest of {len(p)} is {p.min()}")
    said = {
        "shifts": null.shifts,
        "seed": null.provenance.get("seed"),
        "mean_best_r": float(partners.r[partners.found, 0].mean()),
        "mean_best_r_by_chance": float(maxima[by_chance].mean()) if by_chance.any() else None,
        "tested": len(maxima),
        "with_a_partner": int(partners.found.sum()),
        "share_with_a_partner_by_chance": float(by_chance.mean()),
        "alpha": _ALPHA,
        "threshold": threshold if np.isfinite(threshold) else None,
        "least_p": null.least_p(direction),
        "share_of_pairs_p": float((p <= _ALPHA).mean()),
        "share_of_pairs_q": float((q <= _ALPHA).mean()),
        "max_p": max_p,
        "above_max_p": int((~keep).sum()),
    }
    return said, keep


def _p_and_q(
    null: ChancePartners, candidates: Candidates, matched: Matched, method: MatchingMethod, direction: Direction
) -> tuple[_Floats, _Floats]:
    if isinstance(method, Max | Mutual | OneToOne):
        pairing = Pairing(matched.left, matched.right, provenance={"method": method.name, "direction": direction})
        return null.pair_p_values(pairing, candidates), null.pair_q_values(pairing, candidates)
    # Either latent might have found as good a partner by chance, as for mutual pairs.
    p = np.maximum(
        _p_of_pairs(null, candidates, matched, "left-to-right"), _p_of_pairs(null, candidates, matched, "right-to-left")
    )
    return p, benjamini_hochberg(p, max(len(p), min(int(null.left_tested.sum()), int(null.right_tested.sum()))))


def _p_of_pairs(null: ChancePartners, candidates: Candidates, matched: Matched, direction: Direction) -> _Floats:
    """P-value of the r of each pair against the largest r by chance of its latent on the choosing side.

    Also for pairs that are not the best of their latent, whose p is then rather too large than too small.
    """
    left_to_right = direction == "left-to-right"
    choosing, chosen = (matched.left, matched.right)[:: 1 if left_to_right else -1]
    n_latents = len(candidates.left_firings if left_to_right else candidates.right_firings)
    # One pair of each latent at a time: the n-th pair of every latent that has as many.
    order = np.argsort(choosing, kind="stable")
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(choosing[order], choosing[order])
    p = np.empty(len(order))
    for now in range(int(turn.max()) + 1):
        pairs = turn == now
        best = Partners(
            np.full((n_latents, 1), -1, dtype=np.int32),
            np.full((n_latents, 1), np.nan),
            np.full((n_latents, 1), np.nan),
            np.zeros((n_latents, 1), dtype=np.int64),
        )
        best.partner[choosing[pairs], 0], best.r[choosing[pairs], 0] = chosen[pairs], matched.r[pairs]
        only_these = (
            replace(candidates, left_to_right=best) if left_to_right else replace(candidates, right_to_left=best)
        )
        p[pairs] = null.p_values(only_these, direction)[choosing[pairs]]
    return p
