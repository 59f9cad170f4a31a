"""The permutation law without draws: from the metric's own formulas for its moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomsim.errors import InapplicableNull
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.refusals import paired_metric
from geomsim.orders import distinct_orders

_FEW_ROWS = 40  # measured: benchmarks/calibration.md


@dataclass(frozen=True)
class Exact(Null):
    """The metric's own formulas for mean, variance and skewness over all orders: no draws at all.

    The moments are exact; the law that turns them into p is an approximation. It keeps the level of .05 from about 40
    rows on, and too many data sets pass .01 where a few enormous rows carry the score (benchmarks/calibration.md): on
    such points take the shuffle.
    """

    name: ClassVar[str] = "exact"

    def judge(self, trial: Trial) -> Chance:
        """p from the Pearson type III law with these moments; normal without a third one; None without a variance."""
        metric = paired_metric(trial, self.name)
        moments = metric.null_moments(trial.left_state, trial.right_state)
        if moments is None:
            raise InapplicableNull(f"{type(metric).__name__} has no exact moments; use null='shuffle'")
        if trial.groups is not None:
            raise InapplicableNull(
                "exact moments are those of unrestricted reordering, and these rows come in groups; "
                "use null='shuffle', or groups='ignored' if rows are exchangeable one by one"
            )
        sd = None if moments.variance is None else math.sqrt(max(moments.variance, 0.0))
        chance = None
        facts: dict[str, float | str] = {"law": "mean only: no p-value"}
        if sd:
            from scipy import stats

            z = (trial.observed - moments.mean) / sd
            if metric.larger_means == "farther":
                z = -z
            skewness = moments.skewness
            if skewness is None:
                chance = float(stats.norm.sf(z))
                facts = {"law": "normal (third moment unknown)"}
            else:
                signed = skewness if metric.larger_means == "closer" else -skewness
                chance = float(stats.pearson3.sf(z, signed))
                facts = {"law": "Pearson type III", "skewness": skewness}
            # The law is an approximation; one order among all of them is the least that can be claimed.
            least = 1 / distinct_orders(int(trial.left.shape[0]))
            chance = min(1.0, max(chance, least, float(np.finfo(np.float64).tiny)))
        notes: tuple[str, ...] = ()
        n_rows = int(trial.left.shape[0])
        if chance is not None and n_rows < _FEW_ROWS:
            notes = (
                f"p of {n_rows} rows comes from a law that fits all orders only roughly (at .05 up to .08 of unrelated "
                f"data sets of 12 rows were found alike); below {_FEW_ROWS} rows null='shuffle' is the safe choice",
            )
        return Chance(self.name, moments.mean, sd, chance, notes=notes, facts=facts)
