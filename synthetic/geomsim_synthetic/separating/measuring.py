"""Whether a metric sees what a separating setting shares: by its test, or by telling shared pairs from controls."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest

import geomsim
from geomsim_synthetic.separating.setting import SeparatingCase, SeparatingSetting

# Scores closer than this are ties, so that rounding tells nothing apart.
_TIE = 1e-9
_SIDED = 1.959963984540054  # 97.5% point of the normal law


@dataclass(frozen=True)
class Sight:
    """How well a metric sees what a setting shares.

    Attributes
    ----------
    measure
        "power", the share of data sets in which the metric's shuffle test finds something, or "auc", the chance that a
        shared pair scores closer than a control pair, ties counting half.
    value, low, high
        the share or chance, and its 95% interval: Clopper and Pearson (1934) for power, Newcombe (2006, method 5) for
        the area under the curve.
    data_sets
        how many shared pairs were drawn (and as many controls for "auc").
    refused
        how many comparisons the metric refused (DegenerateSpace). They found nothing; as scores, they are ties.
    """

    measure: Literal["power", "auc"]
    value: float
    low: float
    high: float
    data_sets: int
    refused: int

    @property
    def verdict(self) -> Literal["sees", "misses", "between"]:
        """Power of .8 sees and .2 misses; an area of .8 sees and .4 to .6 misses."""
        if self.value >= 0.8:
            return "sees"
        blind = self.value <= 0.2 if self.measure == "power" else 0.4 <= self.value <= 0.6
        return "misses" if blind else "between"

    def to_dict(self) -> dict[str, Any]:
        """All numbers and the verdict, for JSON."""
        return {**asdict(self), "verdict": self.verdict}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Sight:
        """What `to_dict` wrote."""
        return cls(**{name: value for name, value in stored.items() if name != "verdict"})


def sight(
    setting: SeparatingSetting,
    metric: str | geomsim.Metric[Any],
    *,
    data_sets: int = 40,
    pairs: int = 200,
    draws: int = 99,
    level: float = 0.05,
) -> Sight:
    """What a metric sees of a setting.

    Paired metrics are judged by their power, unless the setting compares scores (``told_apart``): over `data_sets`
    shared pairs, the share in which a shuffle of the rows, with `draws` orders, gives ``p <= level``. Unpaired metrics
    have no such test, and are judged by the scores of `pairs` shared pairs against those of as many controls.

    Data sets have the seeds 0, 1, 2, ..., as have the shuffles; nothing else is random. Shared pair and control pair of
    one seed have the same left side.
    """
    judged = geomsim.metric(metric) if isinstance(metric, str) else metric
    if isinstance(judged, geomsim.PairedMetric) and not setting.told_apart:
        found = [_p_value(setting.draw(seed), judged, draws, seed) for seed in range(data_sets)]
        return power([p is not None and p <= level + 1e-12 for p in found], refused=found.count(None))
    twins = [(setting.draw(seed), setting.draw(seed, shared=False)) for seed in range(pairs)]
    closeness = np.array([_closeness(*both, judged) for both in twins])
    return told_apart(*closeness.T)


def power(found: ArrayLike, *, refused: int = 0) -> Sight:
    """The share of data sets in which something was found, with its interval.

    >>> seen = power([True] * 20 + [False] * 20)
    >>> seen.value, round(seen.low, 3), round(seen.high, 3)
    (0.5, 0.338, 0.662)
    """
    which = np.asarray(found, dtype=bool)
    interval = binomtest(int(which.sum()), len(which)).proportion_ci(0.95, method="exact")
    return Sight("power", float(which.mean()), float(interval.low), float(interval.high), len(which), refused)


def told_apart(shared: ArrayLike, controls: ArrayLike) -> Sight:
    r"""How often a shared pair scores closer than a control pair; scores rise with closeness, NaN is no score.

    .. math:: \theta = P(s > c) + \tfrac12 P(s = c)

    The interval holds all :math:`\theta` with :math:`|\theta - \hat\theta| \le z \sqrt{V(\theta)}`,

    .. math:: V(\theta) = \frac{\theta (1 - \theta)}{m n} \left[1 + \left(\frac{m + n}{2} - 1\right)
       \left(\frac{1 - \theta}{2 - \theta} + \frac{\theta}{1 + \theta}\right)\right]

    for m shared and n control scores: Newcombe (2006), "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic, part 2", Statistics in Medicine, method 5. It has a width at 0 and 1 too.

    >>> told_apart([1.0, 2.0, 3.0], [0.0, 1.0, 2.0]).value
    0.7777777777777778
    """
    first, second = (np.asarray(scores, dtype=np.float64) for scores in (shared, controls))
    refused = int(np.isnan(first).sum() + np.isnan(second).sum())
    differences: NDArray[np.float64] = np.nan_to_num(np.subtract.outer(first, second), nan=0.0)
    area = float(((differences > _TIE) + 0.5 * (np.abs(differences) <= _TIE)).mean())
    low, high = _interval(area, len(first), len(second))
    return Sight("auc", area, low, high, len(first), refused)


def _interval(area: float, m: int, n: int) -> tuple[float, float]:
    def beyond(theta: float) -> float:
        more = 1.0 + ((m + n) / 2.0 - 1.0) * ((1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta))
        return abs(theta - area) - _SIDED * math.sqrt(theta * (1.0 - theta) / (m * n) * more)

    # Negative at the area itself; 0 and 1 have no deviation, so the search keeps off an area that lies there.
    low = 0.0 if area <= 0.0 else float(brentq(beyond, 0.0, min(area, 1.0 - _TIE)))
    high = 1.0 if area >= 1.0 else float(brentq(beyond, max(area, _TIE), 1.0))
    return low, high


def _p_value(case: SeparatingCase, metric: geomsim.Metric[Any], draws: int, seed: int) -> float | None:
    try:
        return geomsim.compare(case.left, case.right, metric, null="shuffle", draws=draws, seed=seed).p_value
    except geomsim.DegenerateSpace:
        return None


def _closeness(case: SeparatingCase, control: SeparatingCase, metric: geomsim.Metric[Any]) -> list[float]:
    """The scores of twins, as closeness; NaN where the metric refuses."""
    if isinstance(metric, geomsim.UnpairedMetric):
        found = _unpaired(case, control, metric)
    else:
        found = [_score(each, metric) for each in (case, control)]
    return found if metric.larger_means == "closer" else [-score for score in found]


def _score(case: SeparatingCase, metric: geomsim.Metric[Any]) -> float:
    try:
        return geomsim.compare(case.left, case.right, metric, null=None).score
    except geomsim.DegenerateSpace:
        return math.nan


def _unpaired(case: SeparatingCase, control: SeparatingCase, metric: geomsim.UnpairedMetric[Any]) -> list[float]:
    """As `geomsim.compare` gives them, but the left side of twins is prepared once, and nothing is explained."""
    import torch

    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", geomsim.GeomsimWarning)  # of noise and few rows: part of what is measured
        try:
            left = metric.prepare(torch.from_numpy(case.left))
        except geomsim.DegenerateSpace:
            return [math.nan, math.nan]
        for each in (case, control):
            try:
                score = float(metric.score(left, metric.prepare(torch.from_numpy(each.right))))
            except geomsim.DegenerateSpace:
                score = math.nan
            else:
                if not math.isfinite(score):
                    raise geomsim.GeomsimError(f"{metric} gives {score}; a metric must raise where it is undefined")
            scores.append(score)
    return scores
