"""The example's page says what its results say, and the results are those of the shipped weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from geomsim_topological.loop_matcher import match_loops
from geomsim_topological.persistence import diagram

FOLDER = Path(__file__).parents[2] / "examples" / "modular_addition"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("adders", "run", "train", "writing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import run

    yield run
    for name in ("adders", "run", "train", "writing"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def results():
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_is_that_of_the_results(example, results):
    from writing import readme

    assert readme(results) == (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["left", "right", "untrained"])
def test_shipped_weights_add_as_well_as_is_said(example, results, name):
    from adders import opened
    from train import all_sums

    questions, answers = all_sums()
    with torch.no_grad():
        right = float((opened(name)(questions).argmax(1) == answers).double().mean())
    accuracy = results["models"][name]["accuracy"]
    assert right == pytest.approx(0.8 * accuracy["seen"] + 0.2 * accuracy["held out"], abs=0.002)


@pytest.mark.parametrize("name", ["left", "right", "untrained"])
def test_loops_and_frequencies_are_those_of_the_weights(example, results, name):
    points = example.embeddings(name)
    found = results["models"][name]
    assert diagram(points).persistence[:4] == pytest.approx(found["lengths"])
    assert {str(f): share for f, share in example.frequencies(points).items()} == found["frequencies"]
    if name != "untrained":
        assert found["p"] <= 0.001
        turned = {each["frequency"] for each in found["turning"]}
        assert turned == {int(f) for f in list(found["frequencies"])[:2]}
    else:
        assert found["p"] > 0.05


def test_the_loops_of_both_models_are_one_but_for_the_winding(example):
    windings = [(turns, 1) for turns in range(1, 16)]
    left, right, untrained = map(example.embeddings, ("left", "right", "untrained"))
    match = match_loops(left, right, loops=2, windings=windings, draws=199)
    assert match.p_value == 1 / 200
    best = match.pairs[0]
    frequencies = {"left": [12, 11], "right": [5, 14]}
    product = best.windings[0] * frequencies["left"][best.left_loop] % 31
    other = frequencies["right"][best.right_loop]
    assert product in (other, 31 - other)
    alone = match_loops(left, untrained, loops=2, windings=windings, draws=99)
    assert alone.p_value > 0.05


def test_weights_are_small(example):
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.safetensors")) < 3_000_000
    assert np.isfinite(example.embeddings("left")).all()
