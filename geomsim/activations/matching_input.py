"""What goes into a matching: masks of latents, decoys among the codes, and the candidates of what is left."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.activations.alignment import align
from geomsim.activations.best_by_chance import Direction
from geomsim.activations.candidate_pairs import only_latents
from geomsim.activations.candidates import Candidates
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.decoys import plant_decoys
from geomsim.activations.filters import LatentMask
from geomsim.activations.matching_reasons import Reasons, add, without_candidate
from geomsim.errors import InvalidCodes, InvalidPairing

_Mask = NDArray[np.bool_]


class Found(NamedTuple):
    """Candidates of all that take part, decoys among them; which latents are decoys, and who has no candidate."""

    candidates: Candidates
    decoy: dict[str, _Mask]
    reasons: dict[str, Reasons]
    left_out: Any


def mask_of(given: LatentMask | ArrayLike | None, of: Any, side: str) -> LatentMask:
    """The mask of one side of codes or candidates; of all latents where none is given."""
    n_latents = of.n_latents if isinstance(of, Codes) else len(getattr(of, f"{side}_firings", ()))
    mask = LatentMask(np.ones(n_latents, dtype=bool)) if given is None else given
    if not isinstance(mask, LatentMask):
        mask = LatentMask(mask)
    if len(mask) != n_latents:
        raise InvalidPairing(f"the {side} mask is of {len(mask)} latents, and there are {n_latents} {side} latents")
    if given is not None and not mask.keep.any():
        raise InvalidPairing(f"the {side} mask leaves none of {n_latents} latents: {mask.removed}; loosen the filters")
    return mask


def taking_part(
    left: Codes | Candidates, right: Codes | None, masks: dict[str, LatentMask]
) -> tuple[Codes | Candidates, Codes | None]:
    """Codes without the columns that are masked; candidates as they are."""
    parts = []
    for codes, mask in ((left, masks["left"]), (right, masks["right"])):
        if isinstance(codes, Codes) and not mask.keep.all():
            columns = codes.matrix[:, np.flatnonzero(mask.keep)]
            codes = Codes(columns, codes.tokens, codes.groups, codes.name, codes.provenance)
        parts.append(codes)
    return parts[0], parts[1]  # type: ignore[return-value]


def correlated(
    left: Codes | Candidates,
    right: Codes | None,
    direction: Direction,
    share: float,
    seed: int,
    masks: dict[str, LatentMask],
    options: dict[str, Any],
) -> Found:
    """Candidates among the latents that take part, decoys planted on the chosen side where a share is given."""
    decoy = {side: np.zeros(int(mask.keep.sum()), dtype=bool) for side, mask in masks.items()}
    if isinstance(left, Candidates):
        if share:
            raise InvalidCodes("decoys are planted before partners are looked for: give pair the codes")
        candidates = _candidates(left, right, options)
        reasons = {side: without_candidate(candidates, None, side)[mask.keep] for side, mask in masks.items()}
        if any(not mask.keep.all() for mask in masks.values()):
            candidates = only_latents(candidates, masks["left"].keep, masks["right"].keep)
            for side, partners in (("left", candidates.left_to_right), ("right", candidates.right_to_left)):
                add(reasons[side], ~partners.found, "partners_left_out")
        return Found(candidates, decoy, reasons, candidates.provenance.get("tokens_left_out"))
    left_out = None
    if share and isinstance(left, Codes) and isinstance(right, Codes):
        n_latents = {"left": left.n_latents, "right": right.n_latents}
        left, right, left_out = _with_decoys(left, right, direction, share, seed)
        decoy = {
            side: np.arange(codes.n_latents) >= n_latents[side] for side, codes in (("left", left), ("right", right))
        }
    candidates = _candidates(left, right, options)
    reasons = {side: without_candidate(candidates, codes, side) for side, codes in (("left", left), ("right", right))}
    return Found(candidates, decoy, reasons, left_out or candidates.provenance.get("tokens_left_out"))


def _with_decoys(
    left: Codes, right: Codes, direction: Direction, share: float, seed: int
) -> tuple[Codes, Codes, dict[str, int]]:
    """Both codes on their common tokens, with decoys on the chosen side; and how many tokens were left out."""
    *aligned, left_out = align(left, right)
    groups = aligned[0].groups if aligned[0].groups is not None else aligned[1].groups
    # Without token tables: rows of text that is no longer the same must not be aligned again.
    left, right = (
        Codes(codes.matrix, groups=groups, name=codes.name, provenance={"text_hash": codes.text_hash})
        for codes in aligned
    )
    if direction == "left-to-right":
        return left, plant_decoys(right, share, seed), left_out
    return plant_decoys(left, share, seed), right, left_out


def _candidates(left: Codes | Candidates, right: Codes | None, options: dict[str, Any]) -> Candidates:
    if isinstance(left, Candidates):
        if right is not None or options:
            what = "right codes" if right is not None else f"the options {', '.join(options)}"
            raise InvalidCodes(
                f"candidates are already correlated: {what} cannot be used; give them to correlate instead"
            )
        return left
    if not isinstance(left, Codes) or not isinstance(right, Codes):
        raise InvalidCodes(
            "pair takes left and right Codes, or Candidates alone; got "
            f"{type(left).__name__} and {type(right).__name__} (arrays become codes by Codes.from_dense)"
        )
    return correlate(left, right, **options)
