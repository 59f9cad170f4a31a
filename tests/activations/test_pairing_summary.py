from __future__ import annotations

import numpy as np
import pytest

from geomsim.activations.codes import Codes
from geomsim.activations.filters import LatentMask
from geomsim.activations.matching import match_latents, pair
from geomsim.activations.pairing_summary import pairing_report, report_rows, summary
from geomsim.pairing import Pairing


@pytest.fixture
def codes():
    rng = np.random.default_rng(0)
    hidden = (rng.random((2000, 30)) < 0.06) * rng.random((2000, 30))
    right = hidden.copy()
    right[:, 20:] = (rng.random((2000, 10)) < 0.06) * rng.random((2000, 10))
    right[:, 29] = 0
    groups = np.arange(2000) // 50
    return Codes.from_dense(hidden, groups, sparse=True), Codes.from_dense(right, groups, sparse=True)


def test_the_summary_counts_both_sides():
    pairing = Pairing([0, 1, 2, 3], [5, 5, 7, 7], [0.1, 0.2, 0.3, 0.8])
    said = summary(pairing, np.array([0.1, 0.2, 0.4, 0.3]), "left-to-right")
    assert said["pairs"] == 4
    assert said["unique"] == {"left": 1.0, "right": 0.5}
    assert said["unique_partners"] == 0.5
    assert said["multiplicity"] == said["multiplicities"]["right"] == {"1": 0, "2-10": 2, "11-100": 0, "more": 0}
    assert said["multiplicities"]["left"] == {"1": 4, "2-10": 0, "11-100": 0, "more": 0}
    assert said["mean_r"] == pytest.approx(0.35)
    assert said["quartiles_r"] == pytest.approx(np.percentile([0.1, 0.2, 0.3, 0.8], [25, 50, 75]))
    assert said["median_standard_error"] == pytest.approx(0.25)
    assert summary(pairing, np.ones(4), "right-to-left")["unique_partners"] == 1.0


def test_the_report_says_who_is_not_paired_and_why(codes):
    mask = LatentMask(np.arange(30) >= 3, "non_concept: punctuation")
    pairing = pair(*codes, left_mask=mask, decoys=True, max_false_matches=0.2, chance=2, seed=0)
    text = pairing_report(pairing)
    assert f"pairs                     {len(pairing)}" in text
    for line in (
        f"left latents paired       {len(pairing)} of 30, unique in 100% of pairs",
        "left latents not paired   3: non_concept: punctuation",
        "right latents not paired  1: never fires",
        "largest rate asked for    20.0%, so r from ",
        "false matches from r of ",
    ):
        assert line in text, text
    assert "mean_best_r_by_chance" in text


def test_the_rows_add_up(codes):
    matching = match_latents(*codes, "greedy", decoys=True)
    rows = report_rows(matching.pairing)
    for side in ("left", "right"):
        n = sum(int(value.split(":")[0]) for name, value in rows if name == f"{side} latents not paired")
        assert n + len(matching.pairing) == 30


def test_a_part_of_a_pairing_is_counted_anew(codes):
    pairing = pair(*codes, "max")
    part = pairing.where(min_weight=0.5)
    text = pairing_report(part)
    assert f"pairs                     {len(part)}" in text
    assert f"min_weight 0.5: {len(pairing) - len(part)} pairs left out" in text


def test_masses_and_long_lists():
    pairing = Pairing([0, 0], [1, 2], [0.5, 0.6], mass=[0.25, 0.5], provenance={"documents": list(range(12))})
    text = pairing_report(pairing)
    assert "0.375 a pair" in text
    assert "12 in all" in text
    assert "mass" not in pairing_report(Pairing([0], [0]))
