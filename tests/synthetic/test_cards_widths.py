"""Functions that need equal widths are measured on sides of one width; all others on unequal ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from card_metrics import Crashing, measured
from scipy.spatial import procrustes

import geomsim
from geomsim.testing import function_metric
from geomsim_synthetic.cards.calibration import SECTION as CALIBRATION
from geomsim_synthetic.cards.power import SECTION as POWER
from geomsim_synthetic.cards.unrelated import PAIRED
from geomsim_synthetic.cards.widths import refuses_unequal_widths
from geomsim_synthetic.cards.worlds import world


def disparity(x: Any, y: Any) -> float:
    return float(procrustes(x, y)[2])


NEEDS_EQUAL = function_metric(disparity, larger_means="farther", score_range=(0.0, 1.0))


def test_who_needs_equal_widths() -> None:
    assert refuses_unequal_widths(NEEDS_EQUAL)
    assert not refuses_unequal_widths(geomsim.metric("cka"))
    assert not refuses_unequal_widths(Crashing())  # fails on any


def test_worlds_and_unrelated_clouds_are_as_wide_as_is_needed() -> None:
    for metric, widths in ((NEEDS_EQUAL, (8, 8)), (geomsim.metric("cka"), (8, 10))):
        data = world(metric, 0.5, 30, 0.1, 0, 0)
        assert (data.left.shape[1], data.right.shape[1]) == widths
    for make in PAIRED.values():
        equal = make(np.random.default_rng(0), True)
        assert equal.left.shape == equal.right.shape


@pytest.mark.parametrize("family", PAIRED)
def test_every_family_is_tried_on_a_foreign_function(family: str) -> None:
    ((_, result),) = measured(CALIBRATION, NEEDS_EQUAL, {"family": family, "first": 0, "datasets": 3, "draws": 19})
    assert len(result["p"]) == 3


def test_nothing_scored_is_not_nothing_found() -> None:
    settings = {"rows": 200, "worlds": 2}
    found, _ = POWER.judge(NEEDS_EQUAL, measured(POWER, NEEDS_EQUAL, settings))
    assert found.headline["smallest share, 200 rows"] < 1.0
    found, _ = POWER.judge(Crashing(), measured(POWER, Crashing(), settings))
    assert found.headline["smallest share, 200 rows"] == "no scores"
    assert "200 rows: no scores" in found.summary
