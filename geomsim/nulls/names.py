"""Nulls by name."""

from __future__ import annotations

from typing import Any

from geomsim.contract import Metric, PairedMetric
from geomsim.errors import InvalidConfig
from geomsim.nulls.contract import Null
from geomsim.nulls.exact import Exact
from geomsim.nulls.noise_floor import NoiseFloor
from geomsim.nulls.random_baseline import RandomBaseline
from geomsim.nulls.random_subset import RandomSubset
from geomsim.nulls.shuffle import Shuffle
from geomsim.nulls.spectrum_matched import SpectrumMatched

NULLS: dict[str, Null] = {
    null.name: null for null in (Shuffle(), Exact(), NoiseFloor(), RandomSubset(), SpectrumMatched(), RandomBaseline())
}


def null_for(choice: str | Null | None, metric: Metric[Any]) -> Null | None:
    """The null behind a name: "auto" is shuffle for paired metrics and the noise floor for unpaired ones.

    Raises InvalidConfig for a name that does not exist.
    """
    if choice is None or isinstance(choice, Null):
        return choice
    if choice == "auto":
        return NULLS["shuffle" if isinstance(metric, PairedMetric) else "noise-floor"]
    if not isinstance(choice, str) or choice not in NULLS:
        names = ", ".join(map(repr, NULLS))
        raise InvalidConfig(f"no null is called {choice!r}; there are 'auto', {names}, None and instances of Null")
    return NULLS[choice]
