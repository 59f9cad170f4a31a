"""Cards of few and small pieces: the real sections with less to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import geomsim_synthetic.cards
from geomsim import Metric, PairedMetric
from geomsim_synthetic.cards import Effort, Piece, Section

PIECES: dict[str, list[dict[str, Any]]] = {
    "calibration": [{"family": "gaussian", "first": first, "datasets": 5, "draws": 19} for first in (0, 5)],
    "power": [{"rows": 200, "worlds": 2}],
    "dose and response": [{"number": number, "shares": [0.0, 0.5, 1.0]} for number in (0, 1)],
    "confounding": [{"axis": "rows", "value": value, "worlds": 2, "draws": 5} for value in (50, 100)],
    "loops": [{"way": "in correspondence", "first": 0, "worlds": 3}],
    "cost": [{"rows": 250}],
}
UNPAIRED = {
    "calibration": [{"family": "random-baseline", "first": 0, "datasets": 5, "draws": 19}],
    "loops": [{"way": "unpaired", "first": 0, "worlds": 3}],
}
#: Each card's pieces: its promises, its known faults, and these.
COUNT = 2 + sum(map(len, PIECES.values()))


def use_small_sections(monkeypatch: pytest.MonkeyPatch, *without: str) -> None:
    """Until the test ends, sections list few pieces; workers need nothing, since settings travel with the work."""

    def small(section: Section) -> Section:
        def pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
            listed = PIECES if isinstance(metric, PairedMetric) else PIECES | UNPAIRED
            return [Piece(f"{section.name} {number}", each) for number, each in enumerate(listed[section.name])]

        return replace(section, pieces=pieces)

    sections = tuple(small(section) for section in geomsim_synthetic.cards.SECTIONS if section.name not in without)
    monkeypatch.setattr(geomsim_synthetic.cards, "SECTIONS", sections)
