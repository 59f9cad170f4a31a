"""From candidates to a pairing: which latent of one dictionary corresponds to which of the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from geomsim.activations.best_by_chance import ChancePartners, Direction
from geomsim.activations.candidate_pairs import only_latents
from geomsim.activations.candidates import Candidates
from geomsim.activations.codes import Codes
from geomsim.activations.cross_fitting import split_by_document
from geomsim.activations.decoys import FalseMatches
from geomsim.activations.filters import LatentMask
from geomsim.activations.matching_chance import beside_chance, null_of
from geomsim.activations.matching_input import correlated, mask_of, taking_part
from geomsim.activations.matching_methods import MatchingMethod, matching_method
from geomsim.activations.matching_reasons import GATES, Reasons, counted
from geomsim.activations.matching_steps import (
    drop,
    measured_again,
    nothing_found,
    of_all,
    say_why_alone,
    without_decoys,
)
from geomsim.activations.pairing_summary import summary
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.pairing import Pairing


@dataclass(frozen=True, eq=False)
class Matching:
    """A pairing and what became of every latent.

    Attributes
    ----------
    pairing
        what :func:`pair` gives.
    left, right
        which latents are paired, and for each of the others the reason why not.
    false_matches
        the estimate from planted decoys, or None where none were planted.
    """

    pairing: Pairing
    left: LatentMask
    right: LatentMask
    false_matches: FalseMatches | None = None


def pair(
    left_codes: Codes | Candidates,
    right_codes: Codes | None = None,
    method: str | MatchingMethod = "mutual",
    direction: Direction = "left-to-right",
    min_weight: float | None = None,
    *,
    left_mask: LatentMask | ArrayLike | None = None,
    right_mask: LatentMask | ArrayLike | None = None,
    cross_fit: bool = False,
    chance: int | ChancePartners | None = None,
    max_p: float | None = None,
    decoys: bool | float = False,
    max_false_matches: float | None = None,
    seed: int = 0,
    **correlate_options: Any,
) -> Pairing:
    """Pair latents by the correlation of their activations; the weight of a pair is Pearson's r.

    Parameters
    ----------
    left_codes, right_codes
        codes over one text, or the Candidates that :func:`correlate` gave and nothing.
    method
        ``max``: each latent of the choosing side takes its best partner, many-to-one; ``mutual``: both are the best
        of the other; ``one-to-one``: of the ``max`` pairs, those whose partner nobody else chose; ``greedy``: largest r
        first, each latent once; ``hungarian``: the largest total r, each latent once or not at all; ``transport``:
        many-to-many, each pair with a mass. Or one of the classes of :mod:`matching_methods` with its parameters,
        ``Transport(epsilon=0.02)``.
    direction
        which side chooses; without influence on which pairs are ``mutual``, ``greedy``, ``hungarian``, ``transport``.
    min_weight
        smallest r that counts; a weaker choice is none, and takes nobody's partner away.
    left_mask, right_mask
        which latents take part (:mod:`filters`), by default all; or true and false for each. The others are gone
        before partners are looked for and take nobody's partner away; they are counted by reason. Of candidates, only
        those that are listed can be left when others are gone.
    cross_fit
        choose the pairs on one half of the documents and measure their weight on the other (:mod:`cross_fitting`):
        the weight of a pair is then free of having been chosen for it. Every threshold (`min_firings`,
        `min_cofirings`, `min_weight`, `max_p`, `max_false_matches`) applies to the choosing half, so to about half of
        the tokens. Of the chosen pairs only those are dropped in which a latent is constant on the held-out tokens,
        and counted; to drop pairs that co-fire too seldom there would be a choice again, so they are only counted.
    chance
        number of shifts of :func:`chance_partners`, or what it gave for these codes: the provenance then says how high
        the best r is by chance.
    max_p
        largest chance p-value of a pair; needs `chance`. Others are dropped and counted. The p-value is that of the
        choosing latent for ``max`` and ``one-to-one``, else the larger of both latents.
    decoys
        True, or how many for each latent: plant decoys among the latents of the chosen side (:mod:`decoys`), so that
        the provenance says how many pairs are false by chance. Pairs with a decoy are dropped and counted.
    max_false_matches
        the share of false pairs to allow: only pairs of r above a threshold stay, which the decoys give.
    seed
        of the halves, the shifts and the decoys.
    correlate_options
        ``top``, ``min_firings``, ``min_cofirings`` ... of :func:`correlate`.

    Returns
    -------
    Pairing
        sorted by the choosing latent; ``provenance`` says what was chosen, counted and left out
        (:func:`pairing_report` shows it). With `cross_fit` it names the documents of each half, and :func:`held_out`
        gives the part of codes that had no part in the choice. ``transport`` gives pairs a mass.

    Raises
    ------
    InvalidPairing
        on an unknown method or direction, a mask that does not fit, or when no pair is found.
    InvalidCodes
        when the codes are of different texts, two things to pair are not given, or `cross_fit` is asked of codes
        without documents or of candidates.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> pairing = pair(left, right, min_firings=1, min_cofirings=1)
    >>> pairing.left, pairing.right
    (array([0, 1]), array([1, 0]))
    """
    return match_latents(
        left_codes, right_codes, method, direction, min_weight, left_mask=left_mask, right_mask=right_mask,
        cross_fit=cross_fit, chance=chance, max_p=max_p, decoys=decoys, max_false_matches=max_false_matches, seed=seed,
        **correlate_options,
    ).pairing  # fmt: skip


def match_latents(
    left_codes: Codes | Candidates,
    right_codes: Codes | None = None,
    method: str | MatchingMethod = "mutual",
    direction: Direction = "left-to-right",
    min_weight: float | None = None,
    *,
    left_mask: LatentMask | ArrayLike | None = None,
    right_mask: LatentMask | ArrayLike | None = None,
    cross_fit: bool = False,
    chance: int | ChancePartners | None = None,
    max_p: float | None = None,
    decoys: bool | float = False,
    max_false_matches: float | None = None,
    seed: int = 0,
    **correlate_options: Any,
) -> Matching:
    """What :func:`pair` does, with a reason for each latent that is not paired and the estimate of false matches.

    Parameters and errors are those of :func:`pair`.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    >>> matching = match_latents(left, left, min_firings=1, min_cofirings=1)
    >>> matching.left.reasons.tolist()
    ['', 'silent']
    """
    chosen_method = matching_method(method)
    if direction not in get_args(Direction):
        raise InvalidPairing(f"unknown direction {direction!r}; it is {' or '.join(get_args(Direction))}")
    if max_p is not None and (chance is None or not 0 < max_p <= 1):
        raise InvalidPairing(f"max_p={max_p} must be above 0 and at most 1, and needs chance=, a number of shifts")
    if max_false_matches is not None and (not decoys or not 0 < max_false_matches < 1):
        raise InvalidPairing(f"max_false_matches={max_false_matches} must be between 0 and 1, and needs decoys=True")
    _refuse_other_measures(left_codes, correlate_options, cross_fit, chance)
    masks = {
        "left": mask_of(left_mask, left_codes, "left"),
        "right": mask_of(right_mask, left_codes if right_codes is None else right_codes, "right"),
    }
    if any(not mask.keep.all() for mask in masks.values()) and isinstance(chance, ChancePartners):
        raise InvalidPairing(
            "chance partners of all latents do not belong to masked ones; give a number of shifts, chance=5"
        )
    left, right = taking_part(left_codes, right_codes, masks)
    halves = None
    if cross_fit:
        if not isinstance(left, Codes) or not isinstance(right, Codes):
            raise InvalidCodes("cross_fit chooses on some documents and measures on others: it needs both sides' Codes")
        halves = split_by_document(left, right, seed)
        left, right = halves.choosing.left, halves.choosing.right
    found = correlated(left, right, direction, float(decoys), seed, masks, correlate_options)
    candidates, reasons = found.candidates, found.reasons

    matched = chosen_method.match(candidates, direction, min_weight)
    say_why_alone(reasons, candidates, matched, chosen_method, direction, min_weight)
    false_matches = None
    if decoys:
        matched, false_matches = without_decoys(found, matched, chosen_method, direction, max_false_matches)
        candidates = only_latents(candidates, ~found.decoy["left"], ~found.decoy["right"])
        reasons = {side: reasons[side][~found.decoy[side]] for side in reasons}
    choosing = candidates.left_to_right if direction == "left-to-right" else candidates.right_to_left
    allowed = choosing.found & (choosing.r[:, 0] >= (-np.inf if min_weight is None else min_weight))
    if not len(matched.left):
        raise InvalidPairing(nothing_found(candidates, reasons, chosen_method, int(allowed.sum()), min_weight))
    provenance: dict[str, Any] = {
        **{name: candidates.provenance.get(name, "") for name in ("left", "right", "text_hash")},
        "method": chosen_method.name,
        "direction": direction,
        "min_weight": min_weight,
        **_counts(candidates, masks, reasons),
        "tokens_left_out": halves.left_out if halves else found.left_out,
        "below_min_weight": int(choosing.found.sum()) - int(allowed.sum()),
        **matched.said,
    }
    if false_matches:
        provenance["false_matches"] = {
            **false_matches.said(),
            "max_false_matches": max_false_matches,
            "threshold": None if max_false_matches is None else false_matches.threshold(max_false_matches),
        }
    if chance is not None:
        work = {name: correlate_options.get(name) for name in ("memory", "device")}
        null = null_of(chance, left, right, candidates, seed, **work)
        provenance["chance"], keep = beside_chance(null, candidates, matched, chosen_method, direction, max_p)
        matched = drop(reasons, matched, keep, "above_max_p")
    if halves:
        matched, said = measured_again(halves, matched, reasons, candidates, seed)
        provenance |= said
    result = {side: of_all(masks[side], reasons[side], getattr(matched, side)) for side in ("left", "right")}
    provenance["unmatched"] = {side: counted(mask.reasons) for side, mask in result.items()}
    numbers = {side: np.flatnonzero(mask.keep)[getattr(matched, side)] for side, mask in masks.items()}
    pairing = Pairing(numbers["left"], numbers["right"], matched.r, mass=matched.mass)
    provenance |= summary(pairing, matched.standard_error, direction)
    pairing = Pairing(pairing.left, pairing.right, pairing.weight, mass=pairing.mass, provenance=provenance)
    return Matching(pairing, result["left"], result["right"], false_matches)


def _counts(candidates: Candidates, masks: Mapping[str, LatentMask], reasons: Mapping[str, Reasons]) -> dict[str, Any]:
    """What a reader asks about the candidates that pairs were made of."""
    return {
        "measure": candidates.provenance.get("measure", "pearson"),
        "min_firings": candidates.provenance.get("min_firings"),
        "min_cofirings": candidates.provenance.get("min_cofirings"),
        "n_tokens": candidates.n_tokens,
        **{f"{side}_latents": len(mask) for side, mask in masks.items()},
        "without_candidate": {
            side: {gate: int((of_side == gate).sum()) for gate in GATES} for side, of_side in reasons.items()
        },
        "pairs_with_few_cofirings": candidates.removed["pairs"]["few_cofirings"],
    }


def _refuse_other_measures(
    given: Codes | Candidates, options: dict[str, Any], cross_fit: bool, chance: int | ChancePartners | None
) -> None:
    measure = (given.provenance if isinstance(given, Candidates) else options).get("measure", "pearson")
    if measure != "pearson" and (cross_fit or chance is not None):
        raise InvalidPairing(
            f"cross_fit and chance measure Pearson's r, and these partners are chosen by {measure}; leave one out"
        )
