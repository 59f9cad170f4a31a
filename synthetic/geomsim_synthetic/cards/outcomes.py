"""Comparisons that may be refused: what came of each, and the reasons of those without a score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import geomsim
from geomsim import Comparison, GeomsimError, Metric
from geomsim.cards import Promise

_LONGEST = 300
_BROKEN = (geomsim.errors.BrokenPromise, geomsim.errors.UndefinedScore)


class Outcomes:
    """Compares as a user does, and counts refusals and crashes instead of stopping at them."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()

    def compare(self, left: Any, right: Any, metric: Metric[Any], **options: Any) -> Comparison | None:
        """The comparison, or None where there is none."""
        try:
            return geomsim.compare(left, right, metric, **options)
        except Exception as error:  # a metric of anybody's may fail in any way; the card counts it and says how
            for kind, reasons in failure(error).items():
                getattr(self, kind).update(reasons)
            return None

    def to_dict(self) -> dict[str, Any]:
        """The counts, for JSON; empty where every comparison has a score."""
        counts = {"refused": dict(self.refused), "crashed": dict(self.crashed)}
        return {name: count for name, count in counts.items() if count}


def failure(error: Exception) -> dict[str, dict[str, int]]:
    """A refusal, or else a crash: an error that is none of geomsim's, a score that is not finite, a promise broken."""
    if isinstance(error, GeomsimError) and not isinstance(error, _BROKEN):
        return {"refused": {str(error)[:_LONGEST]: 1}}
    return {"crashed": {f"{type(error).__name__}: {error}"[:_LONGEST]: 1}}


def without_score(results: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many comparisons of these results were refused or crashed, by reason."""
    counted: Counter[str] = Counter()
    for result in results:
        counted.update(result.get("refused", {}))
        counted.update(result.get("crashed", {}))
    return dict(counted)


def no_crash(section: str, results: Iterable[Mapping[str, Any]]) -> list[Promise]:
    """A broken promise where the metric crashed, else nothing."""
    counted: Counter[str] = Counter()
    for result in results:
        counted.update(result.get("crashed", {}))
    if not counted:
        return []
    reason, times = counted.most_common(1)[0]
    evidence = f"crashed in {counted.total()} of its comparisons, {times} of them with {reason}"
    return [Promise(f"no crash while measuring {section}", False, evidence)]
