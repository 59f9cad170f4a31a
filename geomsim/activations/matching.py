"""From candidates to a pairing: which latent of one dictionary corresponds to which of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_by_chance import ChancePartners, Direction, chance_partners
from geomsim.activations.coactivation import Candidates, correlate
from geomsim.activations.codes import Codes
from geomsim.activations.cross_fitting import HELD_OUT_DOCUMENTS, Halves, correlations_of_pairs, split_by_document
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.pairing import Pairing

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]
# The level of the shares and the threshold in the provenance.
_ALPHA = 0.05


def pair(
    left_codes: Codes | Candidates,
    right_codes: Codes | None = None,
    method: str = "mutual",
    direction: Direction = "left-to-right",
    min_weight: float | None = None,
    *,
    cross_fit: bool = False,
    chance: int | ChancePartners | None = None,
    max_p: float | None = None,
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
        of the other; ``one-to-one``: of the ``max`` pairs, those whose partner nobody else chose.
    direction
        which side chooses; without influence on which pairs are ``mutual``.
    min_weight
        smallest r that counts; a weaker choice is none, and takes nobody's partner away in ``one-to-one``.
    cross_fit
        choose the pairs on one half of the documents and measure their weight on the other (:mod:`cross_fitting`):
        the weight of a pair is then free of having been chosen for it. Every threshold (`min_firings`,
        `min_cofirings`, `min_weight`, `max_p`) applies to the choosing half, so to about half of the tokens. Of the
        chosen pairs only those are dropped in which a latent is constant on the held-out tokens, and counted;
        to drop pairs that co-fire too seldom there would be a choice again, so they are only counted.
    chance
        number of shifts of :func:`chance_partners`, or what it gave for these codes: the provenance then says how high
        the best r is by chance.
    max_p
        largest chance p-value of a pair; needs `chance`. Others are dropped and counted.
    seed
        of the halves and of the shifts.
    correlate_options
        ``top``, ``min_firings``, ``min_cofirings`` ... of :func:`correlate`.

    Returns
    -------
    Pairing
        sorted by the choosing latent; ``provenance`` says what was chosen, counted and left out. With `cross_fit` it
        names the documents of each half, and :func:`held_out` gives the part of codes that had no part in the choice.

    Raises
    ------
    InvalidPairing
        on an unknown method or direction, or when no pair is found.
    InvalidCodes
        when the codes are of different texts, two things to pair are not given, or `cross_fit` is asked of codes
        without documents or of candidates.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> pairing = pair(left, right, min_firings=1, min_cofirings=1)
    >>> pairing.left, pairing.right
    (array([0, 1]), array([1, 0]))
    """
    if method not in _METHODS:
        raise InvalidPairing(f"unknown matching method {method!r}; there are {', '.join(_METHODS)}")
    if direction not in get_args(Direction):
        raise InvalidPairing(f"unknown direction {direction!r}; it is {' or '.join(get_args(Direction))}")
    if max_p is not None and (chance is None or not 0 < max_p <= 1):
        raise InvalidPairing(f"max_p={max_p} must be above 0 and at most 1, and needs chance=, a number of shifts")
    halves = None
    measure = (left_codes.provenance if isinstance(left_codes, Candidates) else correlate_options).get(
        "measure", "pearson"
    )
    if measure != "pearson" and (cross_fit or chance is not None):
        raise InvalidPairing(
            f"cross_fit and chance measure Pearson's r, and these partners are chosen by {measure}; leave one out"
        )
    if cross_fit:
        if not isinstance(left_codes, Codes) or not isinstance(right_codes, Codes):
            raise InvalidCodes("cross_fit chooses on some documents and measures on others: it needs both sides' Codes")
        halves = split_by_document(left_codes, right_codes, seed)
        left_codes, right_codes = halves.choosing.left, halves.choosing.right
    candidates = _candidates(left_codes, right_codes, correlate_options)
    left_to_right = direction == "left-to-right"
    sides = (candidates.left_to_right, candidates.right_to_left)
    choosing, chosen = sides if left_to_right else sides[::-1]
    allowed = choosing.found & (choosing.r[:, 0] >= (-np.inf if min_weight is None else min_weight))
    latents = np.flatnonzero(allowed)
    partners = choosing.partner[latents, 0].astype(np.int64)
    kept = _METHODS[method](latents, partners, chosen.partner[:, 0])
    latents, partners = latents[kept], partners[kept]
    if not len(latents):
        raise InvalidPairing(_nothing_found(candidates, method, int(allowed.sum()), min_weight))
    left, right = (latents, partners) if left_to_right else (partners, latents)
    provenance = {
        **{name: candidates.provenance.get(name, "") for name in ("left", "right", "text_hash")},
        "method": method,
        "direction": direction,
        "min_weight": min_weight,
        "measure": measure,
        "min_firings": candidates.provenance.get("min_firings"),
        "min_cofirings": candidates.provenance.get("min_cofirings"),
        "n_tokens": candidates.n_tokens,
        "tokens_left_out": halves.left_out if halves else candidates.provenance.get("tokens_left_out"),
        "left_latents": len(candidates.left_firings),
        "right_latents": len(candidates.right_firings),
        "without_candidate": {side: dict(candidates.removed[side]) for side in ("left", "right")},
        "pairs_with_few_cofirings": candidates.removed["pairs"]["few_cofirings"],
        "below_min_weight": int(choosing.found.sum()) - int(allowed.sum()),
    }
    weight, errors = choosing.r[latents, 0], choosing.standard_error[latents, 0]
    if chance is not None:
        null = _null(chance, left_codes, right_codes, candidates, seed, correlate_options.get("memory"))
        said, keep = _beside_chance(null, candidates, Pairing(left, right, provenance=provenance), max_p)
        provenance["chance"] = said
        left, right, weight, errors = left[keep], right[keep], weight[keep], errors[keep]
    if halves:
        left, right, weight, errors, said = _measured_again(halves, left, right, weight, candidates, seed)
        provenance |= said
    partners = right if left_to_right else left
    return Pairing(left, right, weight, provenance={**provenance, **_summary(partners, weight, errors)})


def _null(
    chance: int | ChancePartners,
    left: Codes | Candidates,
    right: Codes | None,
    candidates: Candidates,
    seed: int,
    memory: int | None,
) -> ChancePartners:
    if isinstance(chance, ChancePartners):
        return chance
    if not isinstance(left, Codes) or not isinstance(right, Codes):
        raise InvalidCodes(
            f"chance={chance} shifts need codes, and candidates are already correlated: give pair the codes, or "
            "chance=chance_partners(left_codes, right_codes, ...)"
        )
    gates = {name: candidates.provenance[name] for name in ("min_firings", "min_cofirings")}
    return chance_partners(left, right, chance, seed, **gates, memory=memory)


def _beside_chance(
    null: ChancePartners, candidates: Candidates, pairing: Pairing, max_p: float | None
) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """What a reader asks about chance, and which pairs stay."""
    direction = pairing.provenance["direction"]
    p = null.pair_p_values(pairing, candidates)
    q = null.pair_q_values(pairing, candidates)
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


def _measured_again(
    halves: Halves, left: _Integers, right: _Integers, weight: _Floats, candidates: Candidates, seed: int
) -> tuple[_Integers, _Integers, _Floats, _Floats, dict[str, Any]]:
    """The chosen pairs with their r on the held-out half, and what the provenance says about it."""
    part = halves.held_out
    found = correlations_of_pairs(part.left, part.right, left, right)
    kept = found.defined
    if not kept.any():
        raise InvalidPairing(
            f"none of the {len(kept)} pairs can be measured: in each a latent is constant on the "
            f"{part.left.n_tokens} held-out tokens; read more text"
        )
    firings = np.minimum(part.left.firings()[left], part.right.firings()[right])
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
            "mean_r_choosing": float(weight[kept].mean()),
            "mean_r_held_out": float(found.r[kept].mean()),
        },
        "choosing_documents": halves.choosing.documents,
        HELD_OUT_DOCUMENTS: part.documents,
    }
    return left[kept], right[kept], found.r[kept], found.standard_error[kept], said


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


def _max(latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.ones(len(latents), dtype=bool)


def _mutual(latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.asarray(chosen_back[partners] == latents)


def _one_to_one(latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.asarray(np.bincount(partners, minlength=len(chosen_back))[partners] == 1)


# Which of the choices are kept, given the choosing latents, their partners, and whom each partner would choose.
_METHODS: dict[str, Callable[[_Integers, _Integers, NDArray[np.int32]], NDArray[np.bool_]]] = {
    "max": _max,
    "mutual": _mutual,
    "one-to-one": _one_to_one,
}


def _summary(partners: _Integers, weight: NDArray[np.float64], errors: NDArray[np.float64]) -> dict[str, Any]:
    """What a reader asks of a pairing first; `unique_partners` is distinct partners per pair, in (0, 1]."""
    quartiles = np.quantile(weight, (0.25, 0.5, 0.75))
    return {
        "pairs": len(partners),
        "unique_partners": len(np.unique(partners)) / len(partners),
        "multiplicity": Pairing(np.arange(len(partners)), partners).multiplicity(),
        "mean_r": float(weight.mean()),
        "quartiles_r": [float(quartile) for quartile in quartiles],
        "median_standard_error": float(np.median(errors)),
    }


def _nothing_found(candidates: Candidates, method: str, choices: int, min_weight: float | None) -> str:
    reasons = []
    for side, firings in (("left", candidates.left_firings), ("right", candidates.right_firings)):
        counts = [f"{reason} {count}" for reason, count in candidates.removed[side].items() if count]
        reasons.append(f"{len(firings)} {side} latents ({', '.join(counts) or 'none removed'})")
    floor = "" if min_weight is None else f" with r of at least {min_weight}"
    return (
        f"no pair was found by {method!r}: {choices} latents have a partner{floor}, of {' and '.join(reasons)}, "
        f"over {candidates.n_tokens} tokens; read more text, or lower min_firings, min_cofirings or min_weight"
    )
