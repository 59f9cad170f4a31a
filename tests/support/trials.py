"""Trials as `compare` makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from geomsim import PairedMetric
from geomsim.nulls import Trial


def make_trial(metric: Any, left: Any, right: Any, chosen: Any = None, **options: Any) -> Trial:
    """A trial from arrays; with `chosen`, of those rows of the arrays. `dtype` is float64 unless told."""
    dtype = options.pop("dtype", torch.float64)
    sides = [torch.as_tensor(np.asarray(side), dtype=dtype) for side in (left, right)]
    sides = [side[:, None] if side.ndim == 1 else side for side in sides]
    if chosen is not None:
        options |= {"pool": tuple(sides), "chosen": np.asarray(chosen, dtype=np.int64)}
        sides = [side[torch.as_tensor(options["chosen"])] for side in sides]
    states = [metric.prepare(side) for side in sides]
    order = [torch.arange(len(sides[0]))] if isinstance(metric, PairedMetric) else []
    return Trial(metric, *sides, *states, float(metric.score(*states, *order)), **options)
