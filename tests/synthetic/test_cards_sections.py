"""What holds for every section of a card: seeds, JSON, no global random state, pieces that stand alone."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from card_metrics import Spread, measured

import geomsim
from geomsim_synthetic.cards import SECTIONS, Section
from geomsim_synthetic.cards.section import generator

PAIRED, UNPAIRED = geomsim.metric("cka"), Spread()
#: Few worlds and rows: of each section one kind of piece and another.
SMALL: dict[str, list[dict[str, Any]]] = {
    "calibration": [
        {"family": family, "first": first, "datasets": 3, "draws": 9}
        for family in ("gaussian", "documents moved whole")
        for first in (0, 3)
    ],
    "power": [{"rows": 40, "worlds": 5}, {"noise": 0.2, "shares": [0.25, 1.0], "worlds": 2}],
    "dose and response": [
        {"number": 0, "shares": [0.0, 0.5, 1.0]},
        {"number": 1, "shares": [0.0, 0.5, 1.0]},
        {"rows": 80, "worlds": 2},
    ],
    "confounding": [
        {"axis": axis, "value": value, "worlds": 2, "draws": 5}
        for axis, value in (("rows", 50), ("rows", 100), ("width", 4), ("sparsity", 0.5))
    ],
    "loops": [{"way": way, "first": 0, "worlds": 3} for way in ("in correspondence", "without correspondence")],
    "cost": [{"rows": 250}],
}
REPEATABLE = [section for section in SECTIONS if section.name != "cost"]


def judged(section: Section, results: list[tuple[Mapping[str, Any], dict[str, Any]]]) -> Any:
    return section.judge(PAIRED, results)


def test_every_section_is_here():
    assert [section.name for section in SECTIONS] == list(SMALL)
    assert [section.name for section in SECTIONS if section.alone] == ["cost"]


@pytest.mark.parametrize("section", REPEATABLE, ids=lambda section: section.name)
def test_pieces_stand_alone(section: Section):
    """One seed gives one result, in any order; another seed gives another."""
    settings = SMALL[section.name]
    first = measured(section, PAIRED, *settings)
    backwards = measured(section, PAIRED, *settings[::-1])[::-1]
    assert first == backwards
    assert judged(section, first) == judged(section, backwards)
    others = measured(section, PAIRED, *settings, seed=1)
    assert [result for _, result in first] != [result for _, result in others]
    assert len({json.dumps(result) for _, result in first}) > 1


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_no_global_random_state_is_touched(section: Section):
    found = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - this is the state that nothing may touch
        torch.manual_seed(seed)
        states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
        found.append(section.measure(PAIRED, SMALL[section.name][0], 3))
        after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
        assert after == states
    assert section.alone or found[0] == found[1]  # nor read


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
@pytest.mark.parametrize("metric", [PAIRED, UNPAIRED], ids=["paired", "unpaired"])
@pytest.mark.parametrize("effort", ["quick", "full"])
def test_settings_are_json_and_no_two_pieces_are_one(section: Section, metric: geomsim.Metric[Any], effort: Any):
    pieces = section.pieces(metric, effort)
    assert pieces
    settings = [dict(piece.settings) for piece in pieces]
    assert json.loads(json.dumps(settings, allow_nan=False)) == settings
    assert len({json.dumps(each) for each in settings}) == len(pieces)
    for piece in pieces:
        assert piece.what


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_measurement_is_json(section: Section):
    """So are its promises, and nothing in it is left that is not a number."""
    results = measured(section, PAIRED, *SMALL[section.name])
    found, promises = judged(section, results)
    assert found.name == section.name
    stored = [found.values, found.headline, [[promise.name, promise.kept, promise.evidence] for promise in promises]]
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert all(type(promise.kept) is bool for promise in promises)
    assert all(value is None or isinstance(value, float) for value in found.headline.values())


def test_generators_belong_to_seed_and_names():
    numbers = {
        generator(seed, *names).random()
        for seed in (0, 1)
        for names in (("a",), ("a", 0), ("a", 1), ("b", 1), ("a", 1, "left"), ("a", "1"), ("a", 1.0), ("a", -1))
    }
    assert len(numbers) == 16
    assert generator(2, "rows", 50, "left").random() == generator(2, "rows", 50, "left").random()
