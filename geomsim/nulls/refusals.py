"""What several nulls refuse, in the same words, with the names of the nulls that can judge instead."""

from __future__ import annotations

from typing import Any

from geomsim.contract import Metric, PairedMetric
from geomsim.errors import InapplicableNull
from geomsim.nulls.contract import Trial

_FOR_PAIRED = ("shuffle", "exact", "spectrum-matched", "random-baseline")
_FOR_UNPAIRED = ("noise-floor", "spectrum-matched", "random-baseline")


def instead(metric: Metric[Any], but: str) -> str:
    """The nulls that suit this kind of metric and ask for nothing more than two sides, without the one that refuses."""
    names = [repr(name) for name in (_FOR_PAIRED if isinstance(metric, PairedMetric) else _FOR_UNPAIRED) if name != but]
    return f"null={', '.join(names[:-1])} or {names[-1]}"


def paired_metric(trial: Trial, null: str) -> PairedMetric[Any]:
    """The metric of the trial. Raises InapplicableNull where reordering rows would change nothing."""
    if not isinstance(trial.metric, PairedMetric):
        raise InapplicableNull(
            f"{type(trial.metric).__name__} is unpaired: reordering rows changes nothing, so the p-value of a "
            f"{null} null would always be 1. Use {instead(trial.metric, null)}"
        )
    return trial.metric


def refuse_groups(trial: Trial, null: str) -> None:
    """Raises InapplicableNull where rows come in groups, and this null would treat them one by one."""
    if trial.grouped:
        paired = isinstance(trial.metric, PairedMetric)
        whole = "'shuffle', which moves whole groups" if paired else "'noise-floor', which halves sides by whole groups"
        raise InapplicableNull(
            f"null='{null}' treats rows one by one, and these come in groups (tokens of one document resemble each "
            f"other). Use null={whole}, or groups='ignored' if rows are independent"
        )
