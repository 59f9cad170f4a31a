from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geomsim_audit.analysis import Rung
from geomsim_audit.auditing import Audit
from geomsim_audit.procedure import Procedure
from geomsim_audit.recipe import Synthetic, recipe_of
from geomsim_audit.truth import Count, _tally, judged_by_truth
from geomsim_audit.worlds import KINDS, world


def test_the_interval_where_nothing_or_all_is_found() -> None:
    """0 of n: 1 - (alpha / 2)^(1/n), in closed form."""
    assert Count(0, 50).interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 50)))
    assert Count(50, 50).interval == pytest.approx((0.025 ** (1 / 50), 1.0))
    assert str(Count(0, 50)) == "0 of 50 (0% to 7%)"


def test_the_right_answers() -> None:
    assert [(kind.shared, kind.alike) for kind in KINDS] == [(0.0, False), (1.0, False), (0.5, True), (1.0, True)]


def test_a_world_holds_both_readings() -> None:
    size = Synthetic(features=32, width=16, tokens=400)
    material = world(KINDS[3], size, 4)
    assert material.left.codes["output"].n_latents == 32
    assert material.left.codes["output"].l0 == pytest.approx(8, abs=1)
    assert material.left.explained["input"] < material.left.explained["output"]
    left, right = (side.space.points for side in (material.left, material.right))
    assert not np.allclose(left @ left.T, world(KINDS[3], size, 5).left.space.points @ left.T)
    still = world(KINDS[3], replace(size, drift=0.0), 4)
    assert still.left.explained["input"] == pytest.approx(still.left.explained["output"], abs=0.01)
    assert left.shape == right.shape


def test_what_is_counted(audited: Audit) -> None:
    truth = audited.truth
    assert truth is not None
    assert len(truth.rows) == 3 * len(KINDS)
    assert {row.published.found.of for row in truth.rows} == {2}
    by = {(row.claim, row.kind.name): row for row in truth.rows}
    nothing = by["shared", "nothing shared"]
    assert nothing.alike is False
    assert by["shared", "all shared, arranged independently"].alike is True
    assert by["by RSA", "all shared, arranged independently"].alike is False
    assert nothing.published.mean is not None
    assert nothing.corrected.mean is not None
    # A threshold on r alone finds partners for many where nothing corresponds.
    assert nothing.corrected.mean < nothing.published.mean / 2
    assert by["by RSA", "all shared"].corrected.found == Count(2, 2)
    for row in truth.rows:
        for tally in (row.published, row.corrected):
            assert tally.uncomputed + len(tally.scores) == 2


def test_too_few_pairs_are_no_number() -> None:
    """A verdict is not given on fewer than ten pairs, so the counts must not be either."""
    found = [Rung(Procedure(), 0.9, np.zeros(99), pairs=pairs, p_value=0.01) for pairs in (9, 10, 50)]
    tally = _tally([*found, Rung(Procedure(), None, error="none")], 0.05, 10)
    assert (tally.found.found, tally.found.of, tally.uncomputed, tally.scores) == (2, 4, 2, (0.9, 0.9))
    assert _tally(found, 0.05).found.found == 3


def test_claims_that_worlds_cannot_tell_apart_are_counted(told: dict[str, Any]) -> None:
    told["synthetic"] |= {"worlds": 1, "tokens": 300, "features": 16, "width": 8, "shifts": 3}
    first = told["claims"][0]
    told["claims"] = [first, {**first, "name": "other", "layers": [1, 1]}, {**first, "name": "words", "theme": "code"}]
    truth = judged_by_truth(recipe_of(told))
    assert truth is not None
    assert {row.claim for row in truth.rows} == {"by SVCCA"}
    assert truth.left_out == {"about a theme": 1, "different from another in their layers alone": 1}
    again = judged_by_truth(recipe_of(told))
    assert again is not None
    assert again.to_dict() == truth.to_dict()


def test_none_where_none_is_asked_for(told: dict[str, Any]) -> None:
    told.pop("synthetic")
    assert judged_by_truth(recipe_of(told)) is None
