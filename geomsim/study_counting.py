"""How many cells a study has, and whether all that it asks for exists, before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from geomsim.pairing import Pairing
from geomsim.study_config import CHOICES, chosen_for, subspaces_of
from geomsim.study_parts import Part, themes_of
from geomsim.study_questions import models_of_cell, questions_of


def cells_of_each(items: Iterable[Mapping[str, Any]], config: Mapping[str, Any], base: Path) -> list[int]:
    """:func:`cells_of` of many pairs; of those that ask the same it is counted once, since metrics are looked up."""
    known: dict[str, int] = {}
    found = []
    for item in items:
        own = {key: item[key] for key in CHOICES if key in item}
        asked = repr((own, "within" in item, len(item.get("subsets") or {})))
        if asked not in known:
            known[asked] = cells_of(item, config, base)
        found.append(known[asked])
    return found


def cells_of(item: Mapping[str, Any], config: Mapping[str, Any], base: Path) -> int:
    """The number of cells of one pair of spaces: metrics x nulls of the whole and of each part.

    Raises what an unknown metric, null or theme raises.
    """
    chosen = chosen_for(item, config)
    if "within" in item:
        chosen = {**chosen, "subspaces": None, "buckets": False}
    questions = questions_of(chosen)
    subspaces = subspaces_of(chosen)
    n_parts = len(item.get("subsets") or {}) + (0 if subspaces is None else len(themes_of(subspaces, base)))
    n_parts += len(Pairing([0], [0]).buckets()) if chosen.get("buckets") else 0
    whole, part = Part(), Part(subset=[0])
    counts = [[len(models_of_cell(asked.nulls, asked.metric, each)) for each in (whole, part)] for asked in questions]
    return sum(of_whole + n_parts * of_part for of_whole, of_part in counts)
