from __future__ import annotations

import numpy as np
import pytest
from geomsim_rv2 import RV2

import geomsim

LEFT = [[1, 2], [3, 1], [4, 6], [0, 5], [2, 2]]
RIGHT = [[2, 0, 1], [1, 3, 1], [5, 4, 9], [7, 1, 0], [2, 2, 5]]


def test_keeps_the_contract() -> None:
    geomsim.testing.check_metric(RV2)


def test_agrees_with_independent_code() -> None:
    # RV2coeff of hoggorm 0.13.3, on the centred tables
    assert geomsim.compare(LEFT, RIGHT, RV2(), null=None).score == pytest.approx(0.4820738601042096)


def test_wide_noise_scores_low() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(2, 50, 500))
    assert geomsim.compare(left, right, RV2(), null=None).score < 0.25  # linear CKA: .91


@pytest.mark.parametrize("points", [[[0.1, 0.2]] * 5, [[0.0, 1.0], [1.0, 0.0]]])
def test_refuses_points_without_an_answer(points: list[list[float]]) -> None:
    with pytest.raises(geomsim.DegenerateSpace, match=r"all rows are equal|two rows always score 1"):
        geomsim.compare(points, points, RV2(), null=None)
