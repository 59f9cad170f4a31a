"""What a study asks of a pair of spaces: metrics, and by which nulls and with how many draws each is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geomsim.catalog import metrics as metric_names
from geomsim.contract import Metric
from geomsim.errors import InvalidConfig
from geomsim.nulls import Null, null_for
from geomsim.study_config import JUDGING, asked_of, metric_of, nulls_of
from geomsim.study_parts import Part


@dataclass(frozen=True)
class Asked:
    """A metric that is asked of a pair of spaces, and how its scores are judged."""

    metric: Metric[Any]
    nulls: Sequence[str | Null | None]
    options: Mapping[str, Any]


def models_of_cell(nulls: Sequence[str | Null | None], metric: Metric[Any], part: Part) -> list[Null | None]:
    """The nulls of a cell, each once, whatever names they were given; of a part, random subsets too."""
    asked = nulls if part.is_whole else [*nulls, "random-subset"]
    models: list[Null | None] = []
    for model in (null_for(choice, metric) for choice in asked):
        if model not in models:
            models.append(model)
    return models


def questions_of(config: Mapping[str, Any]) -> list[Asked]:
    """What is asked by the choices of a study, or of one pair. Raises what an unknown metric raises."""
    # All installed ones are looked for where none is named alone: a study asks this for each of its pairs.
    return [_asked(choice, config) for choice in (config["metrics"] if "metrics" in config else metric_names())]


def _asked(choice: Any, config: Mapping[str, Any]) -> Asked:
    named, own = asked_of(choice, config)
    metric = metric_of(named)
    if own is not config and (taken := sorted(set(JUDGING) & set(choice) & set(metric.parameters()))):
        raise InvalidConfig(
            f"metric {choice['name']!r} has a parameter {taken[0]!r} of its own, and in the table of a metric "
            f"{taken[0]} says how it is judged: give the metric as an instance, or its parameter another name"
        )
    options = {
        "draws": own.get("draws", 999),
        "seed": own.get("seed", 0),
        "groups": own.get("groups"),
        "interval": None if own.get("interval") == "none" else own.get("interval"),
        "confidence": own.get("confidence", 0.95),
    }
    return Asked(metric, nulls_of(own), options)
