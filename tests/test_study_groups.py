"""Two groups of one space as a pair of a study."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim.errors import InvalidConfig
from geomsim.groups import compare_groups
from geomsim.space import Space
from geomsim.study import run_study

POINTS = np.random.default_rng(0).normal(size=(30, 4))
LEFT, RIGHT = [0, 1, 2, 3, 4], [5, 6, 7, 8]


def study_of(**within):
    space = Space(POINTS)
    item = {"left": space, "right": space, "within": {"space": space, "left": LEFT, "right": RIGHT, **within}}
    return run_study(
        {"pairs": [item], "metrics": ["singular-values"], "null": "random-group", "draws": 49, "seed": 2}
    ).records()[0]


def test_random_groups_are_made_of_the_pool():
    pool = list(range(20))
    found = study_of(pool=pool)
    expected = compare_groups(POINTS, LEFT, RIGHT, "singular-values", pool=pool, draws=49, seed=2)
    assert (found["score"], found["null_mean"], found["p_value"]) == (
        expected.score, expected.null_mean, expected.p_value,
    )  # fmt: skip
    everything = study_of()
    assert everything["score"] == found["score"]
    assert everything["null_mean"] != found["null_mean"]
    assert everything["null_mean"] == compare_groups(POINTS, LEFT, RIGHT, "singular-values", draws=49, seed=2).null_mean


def test_a_pool_without_a_row_of_a_group_is_refused():
    with pytest.raises(InvalidConfig, match="pool of random groups lacks row 8"):
        study_of(pool=list(range(8)))
    with pytest.raises(InvalidConfig, match="and maybe pool"):
        study_of(pol=[1])
