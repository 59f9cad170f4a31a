"""Each rule by cases made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from geomsim_audit.analysis import Rung
from geomsim_audit.procedure import Procedure
from geomsim_audit.verdicts import judge

RSA, ONE = Procedure(metric="rsa"), Procedure(metric="svcca-of-one-component")
DRAWS = np.tile([0.0, 0.1, -0.1], 333)


def rung(score: float | None, p: float | None, procedure: Procedure = RSA, **more: Any) -> Rung:
    given = {"draws": None if p is None else DRAWS, "pairs": 100, "p_value": p, **more}
    return Rung(procedure, score, **given)


@pytest.mark.parametrize(
    ("published", "corrected", "word", "supported"),
    [
        (rung(0.5, 0.0), rung(0.5, 0.001), "stands", True),
        (rung(0.5, 0.0), rung(0.4, 0.001), "stands", True),
        (rung(0.5, 0.0), rung(0.376, 0.001), "stands", True),
        (rung(0.5, 0.0), rung(0.374, 0.001), "stands, smaller", True),
        (rung(0.5, None), rung(0.2, 0.001), "stands, smaller", True),
        (rung(0.5, 0.0), rung(0.2, 0.06), "falls", False),
        (rung(0.5, 0.0), rung(0.2, 0.01, p_adjusted=0.09), "falls", False),
        (rung(0.5, 0.0), rung(-0.2, 0.01), "falls", False),
        (rung(0.5, 0.0, ONE), rung(0.5, 0.001), "was never tested", True),
        (rung(0.5, 0.0, ONE), rung(0.1, 0.3), "was never tested", False),
        (rung(0.1, 0.4, ONE), rung(0.5, 0.001), "was never tested", True),
        (rung(0.5, 0.0), rung(None, None, error="too few rows"), "was never tested", None),
        (rung(0.5, 0.0), rung(0.5, None), "was never tested", None),
        (rung(0.5, 0.0), rung(0.9, 0.001, pairs=9), "was never tested", None),
        (rung(0.5, 0.0), rung(0.9, 0.001, pairs=10), "stands", True),
        (rung(None, None, error="none"), rung(0.5, 0.001), "stands", True),
    ],
)
def test_words(published: Rung, corrected: Rung, word: str, supported: bool | None) -> None:
    found = judge(published, corrected, 0.05)
    assert (found.word, found.supported) == (word, supported)


def test_a_claim_that_needs_much_falls_on_little() -> None:
    much = judge(rung(0.95, 0.0), rung(0.92, 0.001), 0.05, at_least=0.9)
    assert (much.word, much.supported, much.reproduced) == ("stands", True, True)
    little = judge(rung(0.95, 0.0), rung(0.3, 0.001), 0.05, at_least=0.9)
    assert (little.word, little.supported, little.reproduced) == ("falls", False, True)
    assert little.why == (
        "Corrected, it is more than chance, but too little: 0.30 of the way from chance to identity, and the sentence "
        "needs 0.9; 0.300, chance 0.000, p <= 0.001."
    )
    assert judge(rung(0.95, 0.0), rung(0.3, 0.001), 0.05).word == "stands, smaller"
    assert not judge(rung(0.5, 0.0), rung(0.92, 0.001), 0.05, at_least=0.9).reproduced
    first = judge(rung(0.95, 0.0, ONE), rung(0.3, 0.001), 0.05, at_least=0.9)
    assert (first.word, first.supported) == ("was never tested", False)
    endless = judge(rung(0.95, 0.0), rung(0.92, 0.001, best=np.inf), 0.05, at_least=0.9)
    assert (endless.word, endless.supported) == ("was never tested", None)


def test_few_draws_cannot_make_a_claim_fall() -> None:
    """Where no draw came as close, p says how many draws there were, and not that the claim is wrong."""
    few = judge(rung(0.5, 0.0), rung(0.5, 0.001, p_adjusted=0.06), 0.05)
    assert (few.word, few.supported) == ("was never tested", None)
    assert few.why == (
        "No draw of chance comes as close, but there are too few draws to tell: 0.500, chance 0.000, p <= 0.06 (Holm)."
    )
    assert judge(rung(0.5, 0.0), rung(0.5, 0.002, p_adjusted=0.06), 0.05).word == "falls"


def test_it_does_not_find_too_what_was_not_found() -> None:
    good = rung(0.5, 0.001)
    assert judge(rung(0.5, 0.0), good, 0.05).why.startswith("The corrected analysis finds it, too: ")
    for published in (rung(0.1, 0.4), rung(None, None, error="none")):
        assert judge(published, good, 0.05).why.startswith(
            "The corrected analysis finds it; the published one does not on these data: "
        )


def test_a_scale_without_end_has_p_and_no_effect() -> None:
    endless = rung(0.5, 0.001, best=np.inf)
    assert endless.effect is None
    assert endless.significant(0.05)
    assert not rung(-0.5, 0.001, best=np.inf).significant(0.05)
    assert Rung(RSA, 1.0, DRAWS + 2, "farther", 0.0, p_value=0.001).significant(0.05)
    assert not Rung(RSA, 3.0, DRAWS + 2, "farther", 0.0, p_value=0.001).significant(0.05)
    # A distance that was published without chance has no effect, and its reader took it for likeness.
    assert judge(Rung(RSA, 1.0, None, "farther", 0.0), rung(0.5, 0.001), 0.05).reproduced


def test_a_share_has_no_metric_to_be_wrong() -> None:
    assert judge(rung(0.5, None, ONE), rung(0.5, 0.001, pairs=5), 0.05, geometry=False).word == "stands"


def test_whether_it_was_reproduced() -> None:
    good = rung(0.5, 0.001)
    assert judge(rung(0.5, 0.0), good, 0.05).reproduced
    assert judge(rung(0.5, None), good, 0.05).reproduced
    assert not judge(rung(0.5, 0.2), good, 0.05).reproduced
    assert not judge(rung(None, None, error="none"), good, 0.05).reproduced


def test_why_is_a_sentence_with_numbers() -> None:
    assert judge(rung(0.5, 0.0), rung(0.2, 0.001), 0.05).why == (
        "It is there, but smaller: 0.20 of the way from chance to identity, where the published number reads 0.50; "
        "0.200, chance 0.000, p <= 0.001."
    )
    assert "too few rows" in judge(rung(0.5, 0.0), rung(None, None, error="too few rows"), 0.05).why
    assert "9 pairs" in judge(rung(0.5, 0.0), rung(0.9, 0.001, pairs=9), 0.05).why


def test_effects_of_distances() -> None:
    """Identity is 0, chance 2: halfway is one half, and larger than chance is below 0."""
    closer = Rung(RSA, 1.0, np.array([2.0, 2.0]), "farther", 0.0)
    assert closer.effect == 0.5
    assert Rung(RSA, 3.0, np.array([2.0, 2.0]), "farther", 0.0).effect == -0.5
    assert Rung(RSA, 3.0, np.array([0.0, 0.0]), "farther", 0.0).effect is None
