"""What becomes of a claim, from its number as published and as corrected.

The rules, in their order:

1. *was never tested*: these data cannot tell, because the corrected number cannot be computed, has no chance to be
   compared with, rests on fewer than ten pairs, or comes from so few draws that p stays above alpha though no draw came
   as close; or the published number does not measure what the claim is about, whatever it was. In that case the
   corrected analysis tests the claim for the first time, and `supported` says what it found.
2. *falls*: the corrected p is above alpha, the corrected score is not closer than chance, or its effect is less than
   the claim needs (`at_least`).
3. *stands, smaller*: it is supported, with an effect below three quarters of the published one.
4. *stands*.

An effect is (score - chance) / (best - chance). A published number without chance is read as its reader must: above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geomsim_audit.analysis import Rung
from geomsim_audit.published_metrics import measures

Word = Literal["stands", "stands, smaller", "falls", "was never tested"]
FEWEST = 10
"""Pairs below which nothing is said about their arrangement."""
SMALLER = 0.75
"""Below this share of the published effect a claim stands smaller."""


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes
    ----------
    word
        see the rules above.
    supported
        whether the corrected analysis supports the claim; None where it cannot be made.
    why
        one sentence.
    reproduced
        whether the published procedure supports the claim on these data at all.
    """

    word: Word
    supported: bool | None
    why: str
    reproduced: bool


def judge(
    published: Rung, corrected: Rung, alpha: float, *, geometry: bool = True, at_least: float | None = None
) -> Verdict:
    """The verdict on a claim.

    `geometry`: whether a metric of arrangement gave its number. `at_least`: the smallest effect with which its sentence
    is still true; None where "more than chance" is all that it says.
    """
    reproduced = _reproduced(published, alpha, at_least)
    if why := _untold(corrected, alpha, geometry, at_least):
        return Verdict("was never tested", None, why, reproduced)
    beyond_chance = corrected.significant(alpha)
    supported = beyond_chance and (at_least is None or (corrected.effect or 0.0) >= at_least)
    found = _found(corrected)
    if beyond_chance and not supported:
        found = f"{_way(corrected)}, and the sentence needs {at_least:g}; {found}"
    if geometry and not measures(published.procedure.metric):
        first = "its first test finds it" if supported else "its first test does not find it"
        return Verdict(
            "was never tested", supported,
            f"The published number does not measure what the claim says; {first}: {found}.", reproduced,
        )  # fmt: skip
    if not supported:
        falls = "Corrected, it is more than chance, but too little" if beyond_chance else (
            "Corrected, it cannot be told from chance"
        )  # fmt: skip
        again = "" if reproduced else " The published procedure does not show it on these data either."
        return Verdict("falls", False, f"{falls}: {found}.{again}", reproduced)
    if published.effect is not None and corrected.effect is not None and corrected.effect < SMALLER * published.effect:
        return Verdict(
            "stands, smaller", True,
            f"It is there, but smaller: {_way(corrected)}, where the published number reads {published.effect:.2f}; "
            f"{found}.", reproduced,
        )  # fmt: skip
    finds = "finds it, too" if reproduced else "finds it; the published one does not on these data"
    return Verdict("stands", True, f"The corrected analysis {finds}: {found}.", reproduced)


def _untold(corrected: Rung, alpha: float, geometry: bool, at_least: float | None) -> str:
    """Why these data cannot tell, or "" where they can."""
    if corrected.score is None or corrected.p is None:
        reason = corrected.error or "the corrected procedure compares with no chance level"
        return f"The corrected analysis cannot be made: {reason}."
    if geometry and corrected.pairs < FEWEST:
        return f"These data have {corrected.pairs} pair{'s' * (corrected.pairs != 1)} for it, too few to tell."
    if corrected.p > alpha and corrected.beyond_all_draws:
        return f"No draw of chance comes as close, but there are too few draws to tell: {_found(corrected)}."
    if at_least is not None and corrected.effect is None:
        return f"{corrected.procedure.metric} has no best score, so at_least = {at_least:g} cannot be judged."
    return ""


def _reproduced(published: Rung, alpha: float, at_least: float | None) -> bool:
    """Without chance any number above it is taken for likeness, and any distance."""
    if published.score is None or (at_least is not None and (published.effect or 0.0) < at_least):
        return False
    if published.draws is not None:
        return published.significant(alpha)
    return published.effect is None or published.effect > 0


def _way(rung: Rung) -> str:
    return f"{rung.effect or 0.0:z.2f} of the way from chance to identity"


def _found(rung: Rung) -> str:
    chance = "" if rung.chance is None else f", chance {rung.chance:z.3f}"
    assert rung.score is not None
    return f"{rung.score:.3f}{chance}, {rung.p_text}"
