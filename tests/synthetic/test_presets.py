"""What the harder settings are for: they tell methods apart."""

from __future__ import annotations

import pytest

import geomsim
from geomsim_synthetic import CorrespondenceRecovery, TwoModels, correspondence_recovery, from_setting, preset


def judged(two: TwoModels, method: str, min_weight: float = 0.3) -> CorrespondenceRecovery:
    codes = two.left.true_codes(), two.right.true_codes()
    return correspondence_recovery(geomsim.pair(*codes, method=method, min_weight=min_weight), two.truth)


@pytest.mark.parametrize("method", ["max", "mutual", "one-to-one"])
def test_every_method_solves_the_easy_setting(method: str) -> None:
    found = judged(from_setting(preset("easy")), method)
    assert found.precision >= 0.98
    assert found.recall >= 0.98


@pytest.mark.parametrize("seed", [0, 1])
def test_methods_part_ways_on_tangled_dictionaries(seed: int) -> None:
    """Each two methods are apart by five or more standard deviations over seeds (at most .017) in one of both."""
    two = from_setting(preset("tangled"), seed=seed)
    largest, mutual, best = (judged(two, method) for method in ("max", "mutual", "hungarian"))
    assert largest.precision < 0.82 < 0.85 < best.precision < mutual.precision - 0.01
    assert mutual.recall < largest.recall - 0.03
    assert largest.recall < best.recall - 0.03
    assert mutual.recall < 0.67 < 0.72 < best.recall
    assert largest.n_mistaken > best.n_mistaken > mutual.n_mistaken
    assert largest.link_recall > mutual.link_recall + 0.03
    assert judged(two, "one-to-one").recall < mutual.recall - 0.03
