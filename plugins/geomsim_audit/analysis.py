"""One claim by one procedure: a number, what chance gives, and p."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import geomsim
from geomsim import GeomsimError, InvalidConfig, Pairing, Space, nulls
from geomsim_audit.material import Material
from geomsim_audit.pairs import Paired, paired
from geomsim_audit.procedure import Formula, Procedure
from geomsim_audit.published import share_of_draws
from geomsim_audit.published_metrics import made
from geomsim_audit.recipe import Claim

Direction = Literal["closer", "farther"]


@dataclass(frozen=True, eq=False)
class Rung:
    """What a procedure found.

    Attributes
    ----------
    procedure
        how.
    score
        the number, larger is closer or farther as `larger_means` says; None where it cannot be computed, and `error`
        says why.
    draws
        what chance gives, (draws,); None for a procedure without chance.
    best
        the score of identity.
    pairs
        how many pairs (of geometry) or latents (of a share) the number rests on.
    facts
        what else there is to say, as numbers.
    p_value, p_adjusted
        by the procedure's formula; and over all claims where it corrects for them. None without chance.
    """

    procedure: Procedure
    score: float | None
    draws: NDArray[np.float64] | None = None
    larger_means: Direction = "closer"
    best: float = 1.0
    pairs: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    p_value: float | None = None
    p_adjusted: float | None = None

    @property
    def chance(self) -> float | None:
        """Mean of the draws."""
        return None if self.draws is None else float(self.draws.mean())

    @property
    def effect(self) -> float | None:
        """(score - chance) / (best - chance): 0 is chance and 1 identity. Without draws chance is taken to be 0.

        None where there is no score, or no way from chance to the best one: it is chance itself, or without end.
        """
        chance = self.chance or 0.0
        if self.score is None or self.best == chance or math.isinf(self.best):
            return None
        return (self.score - chance) / (self.best - chance)

    @property
    def p(self) -> float | None:
        """The p-value that the procedure reports."""
        return self.p_value if self.p_adjusted is None else self.p_adjusted

    @property
    def p_text(self) -> str:
        """The p-value in words; "p <=" where no draw came as close, as far as the formula knows that it cannot be 0.

        >>> Rung(Procedure(), 0.5, np.array([0.1, 0.2, 0.3]), p_value=0.25).p_text
        'p <= 0.25'
        """
        if self.p is None:
            return "no p"
        adjusted = " (Holm)" if self.p_adjusted is not None else ""
        return f"p {'<=' if self.beyond_all_draws and self.p else '='} {self.p:.2g}{adjusted}"

    @property
    def beyond_all_draws(self) -> bool:
        """Whether no draw came as close, so that p is as small as so many draws can make it."""
        return self.draws is not None and self.p_value is not None and self.p_value <= 1 / (len(self.draws) + 1)

    def significant(self, alpha: float) -> bool:
        """Whether the procedure calls it more than chance: p at most alpha, and a score closer than chance."""
        if self.p is None or self.p > alpha or self.score is None or self.chance is None:
            return False
        return self.score > self.chance if self.larger_means == "closer" else self.score < self.chance

    def to_dict(self) -> dict[str, Any]:
        """Everything but the draws."""
        names = ("score", "chance", "effect", "p_value", "p_adjusted", "pairs", "error")
        told = {name: getattr(self, name) for name in names}
        return {**told, "procedure": vars(self.procedure), "facts": dict(self.facts)}


def analyse(material: Material, claim: Claim, procedure: Procedure, seed: int) -> Rung:
    """A claim by a procedure; where its number cannot be computed, the rung says why and has none."""
    try:
        if claim.quantity == "share":
            return _share(material, procedure)
        return _geometry(material, claim, procedure, seed)
    except GeomsimError as error:
        return Rung(procedure, None, error=str(error))


def p_of(score: float, draws: NDArray[np.float64], formula: Formula, larger_means: Direction = "closer") -> float:
    """The p-value of a score by either formula."""
    if formula == "b/m":
        return share_of_draws(score, draws, larger_means)
    return nulls.p_value(score, draws, larger_means)


def _geometry(material: Material, claim: Claim, procedure: Procedure, seed: int) -> Rung:
    found = paired(material, procedure)
    chosen = _theme_pairs(material, claim, procedure, found) if claim.theme else None
    tested = found.pairing if chosen is None else found.pairing.take(chosen)
    metric = made(procedure.metric)
    sides = material.left.space, material.right.space
    assert tested.weight is not None
    facts = {"claimants": found.claimants, "contested": found.contested, "mean r": float(tested.weight.mean())}
    common: dict[str, Any] = {"draws": procedure.draws, "seed": seed}
    draws: NDArray[np.float64] | None = None
    if procedure.null == "random-subset":
        compared = geomsim.compare(*sides, metric, pairing=found.pairing, subset=chosen, null="random-subset", **common)
        draws = compared.null
    elif procedure.null in ("shuffle", "pooled"):
        compared = geomsim.compare(*sides, metric, pairing=tested, null="shuffle", groups="ignored", **common)
        draws = compared.null
    else:
        compared = geomsim.compare(*sides, metric, pairing=tested, null=None)
        if procedure.null == "random-features":
            draws = _random_features(*sides, tested, procedure, seed)
    best = metric.score_range[1] if compared.larger_means == "closer" else metric.score_range[0]
    p_value = None
    if draws is not None:
        p_value = p_of(compared.score, draws, procedure.p, compared.larger_means)
    return Rung(procedure, compared.score, draws, compared.larger_means, best, len(tested), facts, p_value=p_value)


def _theme_pairs(material: Material, claim: Claim, procedure: Procedure, found: Paired) -> NDArray[np.int64]:
    theme = claim.theme
    assert theme is not None
    themes = {theme: geomsim.subspaces.read_themes()[theme]}
    tokens = [side.tokens[procedure.layer] for side in (material.left, material.right)]
    rows = geomsim.subspaces.pair_subspaces(tokens[0], tokens[1], found.pairing, themes)[0].rows
    if not len(rows):
        raise geomsim.InvalidPairing(f"no pair of the {len(found.pairing)} belongs to the theme {theme!r}")
    return rows


def _random_features(
    left: Space, right: Space, tested: Pairing, procedure: Procedure, seed: int
) -> NDArray[np.float64]:
    """Scores where each left row has a right row drawn from the whole dictionary."""
    random = np.random.Generator(np.random.PCG64(seed))
    metric, drawn = made(procedure.metric), []
    for _ in range(procedure.draws):
        other = Pairing(tested.left, random.integers(0, right.n_rows, len(tested)))
        drawn.append(geomsim.compare(left, right, metric, pairing=other, null=None).score)
    return np.array(drawn)


def _share(material: Material, procedure: Procedure) -> Rung:
    """The share of left latents whose best partner is above a threshold; chance by shifted documents.

    As published the threshold is `min_r`; with `max_false` it is also at least the r that chance exceeds for a share
    `max_false` of the latents. Latents that cannot be tested (too few firings) count for neither.
    """
    candidates = material.candidates(procedure)
    best = np.where(candidates.left_to_right.found, candidates.left_to_right.r[:, 0], -np.inf)
    threshold = -1.0 if procedure.min_r is None else procedure.min_r
    tested = material.codes(procedure)[0].firings() >= procedure.min_firings
    draws = None
    if procedure.max_false is not None or procedure.null != "none":
        chance = material.chance(procedure)
        tested = chance.left_tested
        if procedure.max_false is not None:
            threshold = max(threshold, chance.threshold(procedure.max_false))
            if math.isinf(threshold):
                raise InvalidConfig(
                    f"{int(tested.sum())} latents in {chance.shifts} texts with exchanged documents are too few to say "
                    f"which r a share of {procedure.max_false:g} exceeds by chance; take more shifts"
                )
        if procedure.null != "none":
            draws = np.asarray((chance.maxima() >= threshold).mean(axis=0))
    score = float((best[tested] >= threshold).mean())
    p_value = None if draws is None else p_of(score, draws, procedure.p)
    return Rung(
        procedure, score, draws, pairs=int(tested.sum()), facts={"threshold": float(threshold)}, p_value=p_value
    )
