"""The audit: every claim as published, with each correction alone, and with all of them; then what survives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from geomsim.corrections import holm
from geomsim.progress import track
from geomsim_audit.analysis import Rung, analyse, p_of
from geomsim_audit.material import Material
from geomsim_audit.procedure import STEPS, changes
from geomsim_audit.recipe import Claim, Recipe
from geomsim_audit.verdicts import Verdict, Word, judge

if TYPE_CHECKING:
    from geomsim_audit.truth import Truth

PUBLISHED, CORRECTED = "as published", "all corrected"


@dataclass(frozen=True, eq=False)
class Audited:
    """A claim, its rungs by name (the first as published, the last all corrected), a second opinion, the verdict.

    `beside` is `debiased-cka` of the corrected pairs, the score that few rows do not raise; None for shares.
    """

    claim: Claim
    rungs: Mapping[str, Rung]
    verdict: Verdict
    beside: Rung | None = None

    @property
    def published(self) -> Rung:
        """The number of the paper's procedure."""
        return self.rungs[PUBLISHED]

    @property
    def corrected(self) -> Rung:
        """The number with every correction."""
        return self.rungs[CORRECTED]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "name": self.claim.name,
            "sentence": self.claim.sentence,
            "layers": list(self.claim.layers),
            "quantity": self.claim.quantity,
            "theme": self.claim.theme,
            "at_least": self.claim.at_least,
            "reported": self.claim.reported,
            "reported_p": self.claim.reported_p,
            "verdict": vars(self.verdict),
            "rungs": {
                name: {"changes": changes(self.published.procedure, rung.procedure), **rung.to_dict()}
                for name, rung in self.rungs.items()
            },
            "beside": None if self.beside is None else self.beside.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Audit:
    """What :func:`audit_recipe` found; `readings` says how well each dictionary fits the stream it was fed."""

    recipe: Recipe
    claims: tuple[Audited, ...]
    readings: tuple[Mapping[str, Any], ...] = ()
    truth: Truth | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """How many claims stand, in one or two sentences."""
        count = Counter(each.verdict.word for each in self.claims)
        stand, smaller, fall, _ = (count[word] for word in get_args(Word))
        told = (
            f"Of {len(self.claims)} claim{'s' * (len(self.claims) != 1)}, {stand} stand{'s' * (stand == 1)}, "
            f"{smaller} stand{'s' * (smaller == 1)} smaller and {fall} fall{'s' * (fall == 1)}."
        )
        untested = [each.verdict.supported for each in self.claims if each.verdict.word == "was never tested"]
        if not untested:
            return told
        says = {True: "supports", False: "does not support", None: "cannot tell of"}
        parts = [f"{words} {untested.count(answer)}" for answer, words in says.items() if answer in untested]
        were = "was" if len(untested) == 1 else "were"
        return f"{told} {len(untested)} {were} never tested; of these a right test {' and '.join(parts)}."

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "title": self.recipe.title,
            "source": self.recipe.source,
            "summary": self.summary,
            "alpha": self.recipe.alpha,
            "claims": [each.to_dict() for each in self.claims],
            "readings": [dict(each) for each in self.readings],
            "synthetic": None if self.truth is None else self.truth.to_dict(),
            "provenance": dict(self.provenance),
        }


def audit_recipe(
    recipe: Recipe, materials: Mapping[tuple[int, int], Material], *, seed: int | None = None
) -> tuple[Audited, ...]:
    """Every claim of a recipe on its material, judged.

    `materials` are by left and right layer (:func:`geomsim_audit.reading.read_materials`). The same seed gives the same
    numbers.
    """
    start = recipe.seed if seed is None else seed
    ladders = [claim.ladder for claim in recipe.claims]
    found: list[dict[str, Rung]] = []
    with track(sum(map(len, ladders)), "audit") as advance:
        for claim, rungs in zip(recipe.claims, ladders, strict=True):
            made = {}
            for name, procedure in rungs.items():
                made[name] = analyse(materials[claim.layers], claim, procedure, start)
                advance(1)
            found.append(made)
    together = {name: finished(found, name) for name in (PUBLISHED, *STEPS, CORRECTED)}
    audited = []
    for at, claim in enumerate(recipe.claims):
        done = {name: rungs[at] for name, rungs in together.items() if at in rungs}
        beside = None
        if claim.quantity == "geometry":
            second = replace(claim.corrected, metric="debiased-cka", tests="alone")
            beside = analyse(materials[claim.layers], claim, second, start)
        verdict = judge(
            done[PUBLISHED], done[CORRECTED], recipe.alpha,
            geometry=claim.quantity == "geometry", at_least=claim.at_least,
        )  # fmt: skip
        audited.append(Audited(claim, done, verdict, beside))
    return tuple(audited)


def finished(found: Sequence[Mapping[str, Rung]], name: str) -> dict[int, Rung]:
    """The rungs of one name, by claim, once what takes all claims has been done: pools of draws, and Holm.

    A claim without this rung, because the correction changes nothing there, joins with its published one.
    """
    rungs = {at: each.get(name, each[PUBLISHED]) for at, each in enumerate(found)}
    pools: dict[str, list[np.ndarray[Any, Any]]] = {}
    for rung in rungs.values():
        if rung.procedure.null == "pooled" and rung.draws is not None:
            pools.setdefault(rung.procedure.metric, []).append(rung.draws)
    done = {}
    for at, rung in rungs.items():
        if rung.procedure.null == "pooled" and rung.draws is not None and rung.score is not None:
            draws = np.concatenate(pools[rung.procedure.metric])
            p_value = p_of(rung.score, draws, rung.procedure.p, rung.larger_means)
            rung = replace(rung, draws=draws, p_value=p_value)
        done[at] = rung
    p_values = {at: rung.p_value for at, rung in done.items() if rung.p_value is not None}
    if p_values:
        for at, p_value in zip(p_values, holm(list(p_values.values())), strict=True):
            if done[at].procedure.tests == "holm":
                done[at] = replace(done[at], p_adjusted=float(p_value))
    return {at: rung for at, rung in done.items() if name in found[at]}


def readings_of(materials: Mapping[tuple[int, int], Material]) -> tuple[dict[str, Any], ...]:
    """For each dictionary what it gives back of the stream that it was fed, rightly and one layer off."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for material in materials.values():
        for side in (material.left, material.right):
            if side.explained:
                seen[side.space.name, str(id(side))] = {
                    "dictionary": side.space.name,
                    **{f"explained by the {reading}": value for reading, value in side.explained.items()},
                }
    return tuple(seen.values())


def law_of_one_component(rows: int) -> float:
    """The mean of |r| of two unrelated columns of `rows` numbers: sqrt(2 / (pi n)), for n not small.

    >>> round(law_of_one_component(400), 4)
    0.0399
    """
    return math.sqrt(2 / (math.pi * rows))
