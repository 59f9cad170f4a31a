from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import geomsim
from geomsim_audit.analysis import Rung, analyse, p_of
from geomsim_audit.auditing import CORRECTED, PUBLISHED, Audit, audit_recipe, finished
from geomsim_audit.material import Material, MaterialSide
from geomsim_audit.pairs import paired
from geomsim_audit.procedure import Procedure
from geomsim_audit.recipe import Recipe

Make = Callable[..., Recipe]
OPEN = Procedure(max_false=None, min_firings=1, min_cofirings=1, pairing="many-to-one", metric="rsa")


def correlations(material: Material) -> Any:
    """Every left latent with every right one, by numpy."""
    sides = [side.codes["output"].matrix.toarray().astype(float) for side in (material.left, material.right)]
    n = sides[0].shape[1]
    return np.nan_to_num(np.corrcoef(sides[0].T, sides[1].T)[:n, n:], nan=-2.0)


def together(material: Material) -> Any:
    """Whether two latents ever fire together."""
    sides = [(side.codes["output"].matrix.toarray() > 0).astype(float) for side in (material.left, material.right)]
    return sides[0].T @ sides[1] > 0


def test_pairs_against_a_plain_search(material: Material) -> None:
    r = np.where(together(material), correlations(material), -2.0)
    claims = [(left, int(r[left].argmax()), r[left].max()) for left in range(len(r)) if r[left].max() >= 0.1]
    every = paired(material, replace(OPEN, min_r=0.1))
    assert list(zip(every.pairing.left.tolist(), every.pairing.right.tolist(), strict=True)) == [
        each[:2] for each in claims
    ]
    first: dict[int, tuple[int, float]] = {}
    strongest: dict[int, tuple[int, float]] = {}
    for left in np.flatnonzero(r.max(axis=1) > -2.0).tolist():
        first.setdefault(int(r[left].argmax()), (left, r[left].max()))
    assert min(value for _, value in first.values()) < 0.1
    first = {right: each for right, each in first.items() if each[1] >= 0.1}
    for left, right, value in claims:
        if right not in strongest or value > strongest[right][1]:
            strongest[right] = (left, value)
    for rule, expected in (("first-seen", first), ("strongest", strongest)):
        found = paired(material, replace(OPEN, min_r=0.1, pairing=rule))
        assert dict(zip(found.pairing.right.tolist(), found.pairing.left.tolist(), strict=True)) == {
            right: left for right, (left, _) in expected.items()
        }
        assert found.pairing.weight is not None
        assert found.pairing.weight.mean() == pytest.approx(
            np.mean([value for _, value in expected.values()]), abs=1e-6
        )
        assert found.claimants == len(claims)
    counts = np.bincount([right for _, right, _ in claims])
    assert every.contested == (counts > 1).sum() > 0
    assert first != strongest


def test_pairs_above_chance_are_fewer(material: Material) -> None:
    gated = Procedure(pairing="many-to-one", min_firings=16, min_cofirings=3)
    chosen = paired(material, gated).pairing
    every = paired(material, replace(gated, max_false=None)).pairing
    assert set(chosen.left) < set(every.left)
    assert set(chosen.left) == set(np.flatnonzero(material.true_partners(gated)))


def test_a_score_is_that_of_compare(material: Material, recipe_with: Make) -> None:
    claim = recipe_with().claims[0]
    found = analyse(material, claim, OPEN, 3)
    pairing = paired(material, OPEN).pairing
    expected = geomsim.compare(
        material.left.space, material.right.space, "rsa", pairing=pairing, draws=999, seed=3, groups="ignored"
    )
    assert (found.score, found.p_value, found.pairs) == (expected.score, expected.p_value, len(pairing))
    assert found.effect == pytest.approx((expected.score - found.chance) / (1 - found.chance))  # type: ignore[operator]


def test_the_wrong_layer_is_other_codes(material: Material, recipe_with: Make) -> None:
    claim = recipe_with().claims[0]
    assert analyse(material, claim, OPEN, 0).score != analyse(material, claim, replace(OPEN, layer="input"), 0).score
    assert material.left.explained["input"] < material.left.explained["output"]


def test_a_share_against_a_plain_count(material: Material, recipe_with: Make) -> None:
    claim = recipe_with().claims[2]
    r = np.where(together(material), correlations(material), -2.0)
    fires = (material.left.codes["output"].matrix.toarray() > 0).sum(axis=0)
    found = analyse(material, claim, replace(OPEN, min_r=0.2, null="none"), 0)
    assert found.score == pytest.approx((r[fires > 0].max(axis=1) >= 0.2).mean())
    assert found.p is None
    assert found.chance is None
    gated = replace(claim.corrected, min_r=None)
    corrected = analyse(material, claim, gated, 0)
    threshold = material.chance(gated).threshold(0.05)
    assert corrected.facts["threshold"] == threshold
    assert corrected.chance == pytest.approx(0.05, abs=0.01)
    assert corrected.p_value == 1 / 20
    high = analyse(material, claim, replace(gated, min_r=0.9), 0)
    assert high.facts["threshold"] == 0.9


def test_too_few_chance_maxima_for_a_threshold(material: Material, recipe_with: Make) -> None:
    claim = recipe_with().claims[2]
    found = analyse(material, claim, replace(claim.corrected, max_false=0.0001), 0)
    assert found.score is None
    assert "are too few to say which r a share of 0.0001 exceeds by chance" in found.error


def test_no_chance_no_p(material: Material, recipe_with: Make) -> None:
    found = analyse(material, recipe_with().claims[0], replace(OPEN, null="none"), 0)
    assert found.draws is None
    assert found.p_text == "no p"
    assert found.effect == found.score


def test_random_features_are_drawn_from_the_whole_dictionary(material: Material, recipe_with: Make) -> None:
    found = analyse(material, recipe_with().claims[0], replace(OPEN, null="random-features", draws=20), 0)
    again = analyse(material, recipe_with().claims[0], replace(OPEN, null="random-features", draws=20), 0)
    other = analyse(material, recipe_with().claims[0], replace(OPEN, null="random-features", draws=20), 1)
    assert found.draws is not None
    assert again.draws is not None
    assert other.draws is not None
    assert found.draws.tolist() == again.draws.tolist() != other.draws.tolist()
    assert abs(found.draws.mean()) < 0.1


def test_what_cannot_be_computed_says_why(material: Material, recipe_with: Make) -> None:
    found = analyse(material, recipe_with().claims[0], replace(OPEN, min_r=0.999), 0)
    assert found.score is None
    assert "no pair was found" in found.error
    assert not found.significant(0.05)
    without = Material(
        *(MaterialSide(side.space, {"output": side.codes["output"]}) for side in (material.left, material.right))
    )
    wrong = analyse(without, recipe_with().claims[0], replace(OPEN, layer="input"), 0)
    assert wrong.error == "the input of the block was not read for left"


def test_themes_and_random_subsets(material: Material, recipe_with: Make) -> None:
    keyword = geomsim.subspaces.read_themes()["code"].keywords[0]
    words = [[keyword] if latent % 2 else ["?"] for latent in range(48)]
    sides = [
        MaterialSide(side.space, side.codes, side.explained, {"output": words})
        for side in (material.left, material.right)
    ]
    themed = Material(*sides)
    claim = replace(recipe_with().claims[0], theme="code")
    pairing = paired(themed, OPEN).pairing
    both = int(((pairing.left % 2 == 1) & (pairing.right % 2 == 1)).sum())
    found = analyse(themed, claim, OPEN, 0)
    assert found.pairs == both
    assert pairing.weight is not None
    assert found.facts["mean r"] == pytest.approx(
        pairing.weight[(pairing.left % 2 == 1) & (pairing.right % 2 == 1)].mean()
    )
    assert found.facts["mean r"] != pytest.approx(pairing.weight.mean(), rel=1e-4)
    subset = analyse(themed, claim, replace(OPEN, null="random-subset"), 0)
    assert subset.score == found.score
    assert subset.chance is not None
    assert subset.chance > 0.1
    nothing = analyse(themed, replace(claim, theme="months"), OPEN, 0)
    assert "belongs to the theme 'months'" in nothing.error


def test_pools_and_holm() -> None:
    draws = [np.array([0.0, 0.1, 0.2, 0.3]), np.array([0.4, 0.5, 0.6, 0.7])]
    pooled = Procedure(metric="rsa", null="pooled", p="b/m", tests="alone")
    found: list[Mapping[str, Rung]] = [{PUBLISHED: Rung(pooled, 0.35, each, p_value=-1.0)} for each in draws]
    done = finished(found, PUBLISHED)
    assert [rung.p_value for rung in done.values()] == [0.5, 0.5]
    assert [rung.chance for rung in done.values()] == [0.35, 0.35]
    alone, holm = Procedure(tests="alone"), Procedure(tests="holm")
    one = {PUBLISHED: Rung(alone, 0.3, draws[0], p_value=0.01), CORRECTED: Rung(holm, 0.3, draws[0], p_value=0.02)}
    two = {PUBLISHED: Rung(alone, 0.3, draws[0], p_value=0.04), CORRECTED: Rung(holm, 0.3, draws[0], p_value=0.03)}
    none = {PUBLISHED: Rung(alone, 0.3), CORRECTED: Rung(holm, None, error="none")}
    assert [rung.p for rung in finished([one, two, none], PUBLISHED).values()] == [0.01, 0.04, None]
    assert [rung.p for rung in finished([one, two, none], CORRECTED).values()] == [0.04, 0.04, None]


def test_a_claim_without_a_rung_still_counts_among_the_tests() -> None:
    rung = Rung(Procedure(tests="holm"), 0.3, np.zeros(3), p_value=0.02)
    alone = Rung(Procedure(tests="alone"), 0.3, np.zeros(3), p_value=0.01)
    (found,) = finished([{PUBLISHED: alone, "tests": rung}, {PUBLISHED: rung}], "tests").values()
    assert found.p_adjusted == 0.04


def test_p_by_either_formula() -> None:
    draws = np.array([0.1, 0.2, 0.3])
    assert p_of(0.25, draws, "b/m") == pytest.approx(1 / 3)
    assert p_of(0.25, draws, "(b+1)/(m+1)") == 0.5
    assert p_of(0.25, draws, "b/m", "farther") == pytest.approx(2 / 3)
    assert p_of(0.9, draws, "b/m") == 0
    assert p_of(0.9, draws, "(b+1)/(m+1)") == 0.25


def test_the_whole_audit(audited: Audit, material: Material) -> None:
    assert [each.claim.name for each in audited.claims] == ["by SVCCA", "by RSA", "shared"]
    svcca, rsa, share = audited.claims
    assert list(svcca.rungs) == [
        "as published",
        "layer",
        "pairing",
        "threshold",
        "metric",
        "p",
        "tests",
        "all corrected",
    ]
    assert svcca.verdict.word == "was never tested"
    assert rsa.verdict.supported
    assert svcca.beside is not None
    assert share.beside is None
    assert rsa.corrected.p_adjusted is not None
    assert audited.summary.startswith("Of 3 claims, ")
    assert "1 was never tested; of these a right test supports 1." in audited.summary
    again = audit_recipe(audited.recipe, {(0, 1): material})
    assert [each.to_dict() for each in again] == [each.to_dict() for each in audited.claims]
    assert audited.readings[0]["dictionary"] == "left"
    other = audit_recipe(audited.recipe, {(0, 1): material}, seed=5)
    assert other[0].published.chance != svcca.published.chance


def test_what_a_claim_needs_is_judged(audited: Audit, material: Material) -> None:
    share = audited.claims[2]
    assert share.verdict.supported
    recipe = replace(audited.recipe, claims=(replace(share.claim, at_least=0.99),))
    (found,) = audit_recipe(recipe, {(0, 1): material})
    assert (found.verdict.word, found.verdict.supported) == ("falls", False)
    assert "the sentence needs 0.99" in found.verdict.why
    assert found.to_dict()["at_least"] == 0.99
