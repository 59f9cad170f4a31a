"""How surprising a score is among draws: p-values, ties, spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import Metric
from geomsim.errors import UndefinedScore
from geomsim.nulls.contract import Chance, Trial

# A draw that differs from the observed score by less than rounding is a tie, and a tie counts against surprise.
# Relative to the largest score at hand, so that the unit of the points decides nothing.
_TIE = 1e-9


def p_value(observed: float, draws: NDArray[np.float64], larger_means: Literal["closer", "farther"]) -> float:
    """The share of draws at least as close as the observed score, the observed one counted in: (b + 1) / (m + 1).

    Never 0 (Phipson and Smyth 2010). Draws within rounding of the observed score count as ties, hence in b.

    >>> p_value(0.9, np.array([0.1, 0.2, 0.95]), "closer")
    0.5
    """
    sign = 1.0 if larger_means == "closer" else -1.0
    at_least = int((sign * draws >= sign * observed - _rounding(observed, draws)).sum())
    return (at_least + 1) / (len(draws) + 1)


def judged(
    kind: str,
    trial: Trial,
    scores: NDArray[np.float64],
    *,
    larger_means: Literal["closer", "farther"] | None = None,
    notes: tuple[str, ...] = (),
    facts: Mapping[str, float | str] | None = None,
) -> Chance:
    """Draws that are no reorderings, as what a null answers; p counts those at least as close as the observed score.

    Close is what the metric's `larger_means` says, or the one given.
    """
    return Chance(
        kind=kind,
        mean=float(scores.mean()),
        sd=spread(scores),
        p_value=p_value(trial.observed, scores, larger_means or trial.metric.larger_means),
        draws=scores,
        notes=notes,
        facts=facts or {},
        is_chance=False,
    )


def spread(scores: NDArray[np.float64]) -> float | None:
    """Standard deviation; exactly 0 where the scores differ by rounding alone, None for a single one.

    >>> spread(np.array([1.0, 3.0])) == 2**0.5, spread(np.array([1.0, 1.0 + 1e-15])), spread(np.array([1.0]))
    (True, 0.0, None)
    """
    if len(scores) < 2:
        return None
    if np.ptp(scores) <= _rounding(0.0, scores):
        return 0.0
    # A power of two, which loses no digits, so that no square leaves the range of numbers.
    unit = math.ldexp(0.5, math.frexp(float(np.abs(scores).max()))[1])
    return unit * float((scores / unit).std(ddof=1))


def check_finite(scores: NDArray[np.float64], metric: Metric[Any], what: str) -> None:
    """Raises UndefinedScore where a draw's score is not finite; `what` names the draws."""
    wrong = int((~np.isfinite(scores)).sum())
    if wrong:
        raise UndefinedScore(
            f"{type(metric).__name__} gives a number that is not finite for {wrong} of {len(scores)} {what}; "
            "a metric must raise DegenerateSpace where it is undefined"
        )


def _rounding(observed: float, draws: NDArray[np.float64]) -> float:
    return _TIE * max(abs(observed), float(np.abs(draws).max()))
