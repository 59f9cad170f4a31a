"""What a metric says of itself: kind, direction, range, invariances, parameters, and which nulls apply to it."""

from __future__ import annotations

import importlib.metadata
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

from geomsim.catalog import Entry, instance_of
from geomsim.contract import Metric, PairedMetric
from geomsim.errors import DegenerateSpace, GeomsimError, GeomsimWarning, InapplicableNull
from geomsim.nulls import NULLS, Trial, null_for
from geomsim.nulls.names import GROUP

_OF_PAIRED = ("shuffle", "exact", "spectrum-matched", "random-baseline", "random-subset", "random-group")
_OF_UNPAIRED = ("noise-floor", "spectrum-matched", "random-baseline", "random-subset", "random-group", "label-swap")
_EXACT, _SPECTRUM_MATCHED = "exact", "spectrum-matched"
_ROWS, _WIDTH = 40, 3


def describe(entry: Entry) -> dict[str, Any]:
    """What a metric says of itself, ready for JSON.

    Raises BrokenPlugin where it cannot be imported, GeomsimError where it has parameters without defaults.
    """
    kind = entry.load()
    instance = instance_of(kind)
    low, high = instance.score_range
    return {
        "name": entry.name,
        "distribution": entry.distribution,
        "version": entry.version,
        "kind": "paired" if isinstance(instance, PairedMetric) else "unpaired",
        "larger_means": instance.larger_means,
        "range": [_bound(low), _bound(high)],
        "unchanged_by": sorted(instance.unchanged_by),
        "symmetric": instance.symmetric,
        "nulls": nulls_of(instance),
        "parameters": instance.parameters(),
        "summary": summary(kind),
        "documentation": inspect.getdoc(kind) or "",
    }


def facts_in_words(found: dict[str, Any]) -> dict[str, str]:
    """What :func:`describe` found, as names and values for people."""
    return {
        "range": f"{found['range'][0]} to {found['range'][1]}",
        "unchanged by": ", ".join(found["unchanged_by"]) or "nothing",
        "symmetric": "yes" if found["symmetric"] else "no",
        "nulls": ", ".join(found["nulls"]),
        "parameters": ", ".join(f"{key}={value!r}" for key, value in found["parameters"].items()) or "none",
        "from": f"{found['distribution']} {found['version']}".strip(),
    }


def summary(kind: type[Metric[Any]]) -> str:
    """The first sentence of a metric's docstring."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def nulls_of(metric: Metric[Any]) -> list[str]:
    """The nulls that can judge a metric, by name: its default first, those of plugins last.

    Whether rows are paired decides about most. Three are asked, on points of no meaning, and left out where they refuse
    or where the metric is undefined on such points: exact moments, which some paired metrics have; clouds of equal
    spectra, which say nothing of an unpaired metric that reads spectra alone; and whatever plugins offer. A plugin's
    null that fails in another way is left out with a warning.
    """
    offered = sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)} - set(NULLS))
    paired = isinstance(metric, PairedMetric)
    names = [*(_OF_PAIRED if paired else _OF_UNPAIRED), *offered]
    doubtful = [_EXACT if paired else _SPECTRUM_MATCHED, *offered]
    suited = _suited(metric, doubtful)
    return [name for name in names if name not in doubtful or name in suited]


def _suited(metric: Metric[Any], names: Sequence[str]) -> set[str]:
    """Which of these nulls answer for a metric."""
    import torch

    random = torch.Generator().manual_seed(0)
    points, others = torch.randn(2, _ROWS, _WIDTH, dtype=torch.float64, generator=random).unbind()
    failed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of these points
        try:
            left, right = metric.prepare(points), metric.prepare(others)
        except DegenerateSpace:
            return set()
        # What is refused does not depend on the score, and some metrics are slow to give their first one.
        trial = Trial(metric, points, others, left, right, observed=0.0, draws=1)
        known = isinstance(metric, PairedMetric) and metric.null_mean(left, right) is not None
        suited = {_EXACT} if known else set()
        for name in names:
            try:
                if name != _EXACT and (null := null_for(name, metric)) is not None:
                    null.judge(trial)
                    suited.add(name)
            except (InapplicableNull, DegenerateSpace):
                continue
            except GeomsimError as error:
                failed.append(f"whether the null {name!r} suits {type(metric).__name__} cannot be told: {error}")
    for words in failed:
        warnings.warn(words, GeomsimWarning, stacklevel=3)
    return suited


def _bound(value: float) -> float | str:
    return value if abs(value) != float("inf") else ("infinity" if value > 0 else "-infinity")
