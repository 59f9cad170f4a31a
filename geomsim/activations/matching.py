"""From candidates to a pairing: which latent of one dictionary corresponds to which of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation import Candidates, correlate
from geomsim.activations.codes import Codes
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.pairing import Pairing

Direction = Literal["left-to-right", "right-to-left"]

_Integers = NDArray[np.int64]


def pair(
    left_codes: Codes | Candidates,
    right_codes: Codes | None = None,
    method: str = "mutual",
    direction: Direction = "left-to-right",
    min_weight: float | None = None,
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
        which side chooses; without influence on ``mutual``.
    min_weight
        smallest r that counts; a weaker choice is none, and takes nobody's partner away in ``one-to-one``.
    correlate_options
        ``top``, ``min_firings``, ``min_cofirings`` ... of :func:`correlate`.

    Returns
    -------
    Pairing
        sorted by the choosing latent; ``provenance`` says what was chosen, counted and left out.

    Raises
    ------
    InvalidPairing
        on an unknown method or direction, or when no pair is found.
    InvalidCodes
        when the codes are of different texts, or two things to pair are not given.

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
    weight = choosing.r[latents, 0]
    left, right = (latents, partners) if left_to_right else (partners, latents)
    provenance = {
        **{name: candidates.provenance.get(name, "") for name in ("left", "right", "text_hash")},
        "method": method,
        "direction": direction,
        "min_weight": min_weight,
        "min_firings": candidates.provenance.get("min_firings"),
        "min_cofirings": candidates.provenance.get("min_cofirings"),
        "n_tokens": candidates.n_tokens,
        "tokens_left_out": candidates.provenance.get("tokens_left_out"),
        "left_latents": len(candidates.left_firings),
        "right_latents": len(candidates.right_firings),
        "without_candidate": {side: dict(candidates.removed[side]) for side in ("left", "right")},
        "pairs_with_few_cofirings": candidates.removed["pairs"]["few_cofirings"],
        "below_min_weight": int(choosing.found.sum()) - int(allowed.sum()),
        **_summary(partners, weight, choosing.standard_error[latents, 0]),
    }
    return Pairing(left, right, weight, provenance=provenance)


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
