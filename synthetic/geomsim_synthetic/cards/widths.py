"""Which widths a metric takes: most compare sides of unequal widths, and some that others publish do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from geomsim import Metric
from geomsim_synthetic.cards.outcomes import Outcomes

_ROWS = 60


def refuses_unequal_widths(metric: Metric[Any]) -> bool:
    """Whether a metric scores sides of one width, and none of two widths: its data are then of one width."""
    random, outcomes = np.random.default_rng(0), Outcomes()
    left, right = random.normal(size=(_ROWS, 8)), random.normal(size=(_ROWS, 10))
    if outcomes.compare(left, right, metric, null=None) is not None:
        return False
    return outcomes.compare(left, right[:, :8], metric, null=None) is not None
