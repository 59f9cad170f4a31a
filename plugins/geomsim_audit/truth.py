"""Both procedures where the right answer is known: how often does each say that sides are alike?

This is the evidence for the corrections: a procedure is right that seldom finds what is not there, and finds what is.
Each claim of the recipe is computed in many worlds of four kinds. Themes need words, and other pairs to draw from; such
claims are left out and counted, and so are claims that differ in their layers alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geomsim.parallel import at_most, cores, on_cores
from geomsim.progress import track
from geomsim_audit.analysis import Rung, analyse
from geomsim_audit.procedure import Procedure
from geomsim_audit.recipe import Claim, Recipe, Synthetic
from geomsim_audit.verdicts import FEWEST
from geomsim_audit.worlds import KINDS, Kind, world


@dataclass(frozen=True)
class Count:
    """How many of so many worlds, with the exact binomial interval (Clopper and Pearson 1934)."""

    found: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share, at 95%."""
        from scipy.stats import binomtest

        limits = binomtest(self.found, self.of).proportion_ci(0.95, method="exact")
        return float(limits.low), float(limits.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.found} of {self.of} ({low:.0%} to {high:.0%})"


@dataclass(frozen=True)
class Tally:
    """What one procedure said in the worlds of one kind.

    Attributes
    ----------
    found
        in how many it called the sides alike (p at most alpha, closer than chance).
    uncomputed
        in how many it had no number, for want of pairs, or as corrected fewer pairs than a verdict is given on; they
        count as not found.
    without_p
        in how many it had a number without a p-value, so that it says nothing about chance.
    zeros
        in how many p was 0.
    scores
        of the others.
    """

    found: Count
    uncomputed: int
    without_p: int
    zeros: int
    scores: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Mean score."""
        return float(np.mean(self.scores)) if self.scores else None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "found": self.found.found, "worlds": self.found.of, "interval": list(self.found.interval),
            "uncomputed": self.uncomputed,
            "without p": self.without_p, "p of 0": self.zeros, "mean score": self.mean, "scores": list(self.scores),
        }  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One claim in one kind of world: the right answer, and both tallies."""

    claim: str
    quantity: str
    kind: Kind
    published: Tally
    corrected: Tally

    @property
    def alike(self) -> bool:
        """The right answer: of geometry whether it is shared, of a share whether features are."""
        return self.kind.shared > 0 if self.quantity == "share" else self.kind.alike


@dataclass(frozen=True)
class Truth:
    """What :func:`judged_by_truth` found; `left_out` counts claims by why they were not computed."""

    rows: tuple[Row, ...]
    size: Synthetic
    alpha: float
    left_out: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        rows = [
            {
                "claim": row.claim, "quantity": row.quantity, "world": row.kind.name, "shared": row.kind.shared,
                "alike": row.alike, "published": row.published.to_dict(), "corrected": row.corrected.to_dict(),
            }
            for row in self.rows
        ]  # fmt: skip
        return {"size": vars(self.size), "alpha": self.alpha, "left_out": dict(self.left_out), "rows": rows}


def judged_by_truth(recipe: Recipe, *, seed: int | None = None) -> Truth | None:
    """The claims of a recipe in synthetic worlds, each for itself; None where the recipe asks for none."""
    size = recipe.synthetic
    if size is None:
        return None
    start = recipe.seed if seed is None else seed
    claims, left_out = _different(recipe.claims)
    pieces = [(kind, start * size.worlds + number) for kind in KINDS for number in range(size.worlds)]

    def work(piece: tuple[Kind, int]) -> list[tuple[Rung, Rung]]:
        with at_most(1):
            material = world(piece[0], size, piece[1])
            return [
                (
                    analyse(material, claim, _fitted(claim.published, size), piece[1]),
                    analyse(material, claim, _fitted(claim.corrected, size), piece[1]),
                )
                for claim in claims
            ]

    answers: list[list[tuple[Rung, Rung]]] = []
    with track(len(pieces), "synthetic worlds") as advance:
        for answer in on_cores(work, pieces, cores()):
            answers.append(answer)
            advance(1)
    rows = []
    for at, claim in enumerate(claims):
        for number, kind in enumerate(KINDS):
            part = answers[number * size.worlds : (number + 1) * size.worlds]
            published = _tally([each[at][0] for each in part], recipe.alpha)
            fewest = FEWEST if claim.quantity == "geometry" else 0
            corrected = _tally([each[at][1] for each in part], recipe.alpha, fewest)
            rows.append(Row(claim.name, claim.quantity, kind, published, corrected))
    return Truth(tuple(rows), size, recipe.alpha, left_out)


def _different(claims: Sequence[Claim]) -> tuple[list[Claim], dict[str, int]]:
    """Claims that a world can tell apart."""
    kept: list[Claim] = []
    left_out = {"about a theme": 0, "different from another in their layers alone": 0}
    for claim in claims:
        if claim.theme is not None:
            left_out["about a theme"] += 1
        elif any(
            (claim.quantity, claim.published, claim.corrected) == (each.quantity, each.published, each.corrected)
            for each in kept
        ):
            left_out["different from another in their layers alone"] += 1
        else:
            kept.append(claim)
    return kept, {why: number for why, number in left_out.items() if number}


def _fitted(procedure: Procedure, size: Synthetic) -> Procedure:
    """The procedure for a short text, its draws no more than asked for, each claim for itself."""
    return replace(
        procedure,
        draws=min(procedure.draws, size.draws),
        min_firings=max(1, min(procedure.min_firings, size.tokens // 50)),
        min_cofirings=max(1, min(procedure.min_cofirings, size.tokens // 250)),
        tests="alone",
    )


def _tally(rungs: Sequence[Rung], alpha: float, fewest: int = 0) -> Tally:
    computed = [rung for rung in rungs if rung.score is not None and rung.pairs >= fewest]
    return Tally(
        Count(sum(rung.significant(alpha) for rung in computed), len(rungs)),
        len(rungs) - len(computed),
        sum(rung.p is None for rung in computed),
        sum(rung.p_value == 0 for rung in computed),
        tuple(float(f"{rung.score:.4g}") for rung in computed),
    )
