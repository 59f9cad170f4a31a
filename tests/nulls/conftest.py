"""Trials as `compare` makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from geomsim import PairedMetric
from geomsim.nulls import Trial


@pytest.fixture
def trial() -> Callable[..., Trial]:
    """A trial from arrays; with `chosen`, of those rows of the arrays."""

    def made(metric: Any, left: Any, right: Any, chosen: Any = None, **options: Any) -> Trial:
        dtype = options.pop("dtype", torch.float64)
        sides = [torch.as_tensor(np.asarray(side), dtype=dtype) for side in (left, right)]
        sides = [side[:, None] if side.ndim == 1 else side for side in sides]
        if chosen is not None:
            options |= {"pool": tuple(sides), "chosen": np.asarray(chosen, dtype=np.int64)}
            sides = [side[torch.as_tensor(options["chosen"])] for side in sides]
        states = [metric.prepare(side) for side in sides]
        paired = isinstance(metric, PairedMetric)
        observed = metric.score(*states, torch.arange(len(sides[0]))) if paired else metric.score(*states)
        return Trial(metric, *sides, *states, float(observed), **options)

    return made
