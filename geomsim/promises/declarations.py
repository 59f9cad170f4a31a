"""What a metric says of itself: that it can be read, and comes through JSON unchanged."""

from __future__ import annotations

import json
from typing import Any

from geomsim.contract import INVARIANCES, Metric, is_frozen_dataclass
from geomsim.promises.outcomes import Broken

ESTIMATES = ("mean canonical correlation", "cka", "procrustes")
"""What `estimates` may name."""


def declares(metric: Metric[Any]) -> None:
    """A frozen dataclass with a docstring, and class variables that name what exists."""
    kind = type(metric)
    if not is_frozen_dataclass(kind):
        raise Broken(f"{kind.__name__} must be decorated with @dataclass(frozen=True)")
    if getattr(kind, "larger_means", None) not in ("closer", "farther"):
        raise Broken(f"larger_means must be 'closer' or 'farther', is {getattr(kind, 'larger_means', None)!r}")
    unknown = sorted(set(metric.unchanged_by) - set(INVARIANCES))
    if unknown:
        raise Broken(f"unchanged_by names {unknown}; it may name {', '.join(INVARIANCES)}")
    if metric.triangle and metric.larger_means != "farther":
        raise Broken("triangle is declared, but larger_means is 'closer': only distances go round by a third space")
    if metric.estimates not in (*ESTIMATES, None):
        raise Broken(f"estimates must be one of {', '.join(map(repr, ESTIMATES))} or None, is {metric.estimates!r}")
    if not kind.__doc__ or kind.__doc__.startswith(f"{kind.__name__}("):
        raise Broken(f"{kind.__name__} has no docstring")


def through_json(metric: Metric[Any]) -> None:
    """Its parameters make the same metric again after a trip through JSON."""
    parameters = json.loads(json.dumps(metric.parameters()))
    again = type(metric)(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    )
    if again != metric:
        raise Broken(f"{metric!r} became {again!r} through JSON")
