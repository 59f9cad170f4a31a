"""Who is paired with whom, and which pairs count: as published and corrected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geomsim import InvalidPairing, Pairing, pair
from geomsim_audit.material import Material
from geomsim_audit.procedure import Procedure
from geomsim_audit.published import first_seen

_OF_MAX = ("many-to-one", "first-seen", "strongest")


@dataclass(frozen=True, eq=False)
class Paired:
    """The pairs of a procedure, how many left latents claimed a partner, and how many partners several claimed."""

    pairing: Pairing
    claimants: int
    contested: int


def paired(material: Material, procedure: Procedure) -> Paired:
    """Pairs of latents; InvalidPairing where none is left.

    "first-seen" goes as it is done: whoever comes first keeps the partner whatever its r, and what is below `min_r` is
    dropped afterwards. The strongest claimant is the same either way.
    """
    candidates = material.candidates(procedure)
    mask = None if procedure.max_false is None else material.true_partners(procedure)
    if mask is not None and not mask.any():
        raise InvalidPairing(
            f"no left latent has a partner above chance with at most {procedure.max_false:.0%} false ones"
        )
    method = "max" if procedure.pairing in _OF_MAX else procedure.pairing
    pairing = pair(candidates, method=method, min_weight=procedure.min_r, left_mask=mask)
    claims = np.bincount(pairing.right)
    kept = pairing
    if procedure.pairing == "first-seen":
        every = pair(candidates, method=method, left_mask=mask)
        kept = every.take(first_seen(every.right))
        if procedure.min_r is not None:
            kept = kept.where(min_weight=procedure.min_r)
        if not len(kept):
            raise InvalidPairing(
                f"of each partner's first claimants none correlates with r of at least {procedure.min_r}"
            )
    elif procedure.pairing == "strongest":
        kept = pairing.limit(per_right=1)
    return Paired(kept, len(pairing), int((claims > 1).sum()))
