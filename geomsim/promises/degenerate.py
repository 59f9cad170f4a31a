"""Points on which metrics like to fail: a finite number, or an error in words, never NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from geomsim.contract import Metric
from geomsim.errors import GeomsimError
from geomsim.promises.clouds import cloud
from geomsim.promises.outcomes import Broken
from geomsim.promises.scores import score


def degenerate(metric: Metric[Any]) -> str:
    """Constant, zero, repeated, flat, few, narrow, huge and tiny points, on either side."""
    import torch

    ordinary = cloud(40, 5, seed=3)
    cases = {
        "constant points": torch.ones(40, 5, dtype=torch.float64),
        "rows of zeros": torch.cat([torch.zeros(20, 5, dtype=torch.float64), ordinary[:20]]),
        "duplicated rows": ordinary[torch.arange(40) // 4],
        "rank one": ordinary[:, :1] * torch.linspace(1, 2, 5, dtype=torch.float64),
        "fewer rows than columns": cloud(40, 90, seed=4),
        "one column": ordinary[:, :1],
        "values as large as float16 allows": ordinary * 1e4,
        "values as small as float16 allows": ordinary * 1e-7,
    }
    refused: dict[str, list[str]] = {}
    for what, points in cases.items():
        for side, pair in (("right", (ordinary, points)), ("left", (points, ordinary))):
            try:
                value = score(metric, *pair)
            except GeomsimError:
                refused.setdefault(what, []).append(side)
                continue
            if not np.isfinite(value):
                raise Broken(
                    f"{what} on the {side}: the score is {value}; raise DegenerateSpace instead",
                    example={"left": pair[0].tolist(), "right": pair[1].tolist()},
                )
    named = [what if len(sides) == 2 else f"{what} ({sides[0]} only)" for what, sides in refused.items()]
    return f"refused with an error: {', '.join(named) or 'nothing'}; a finite number for the rest"


def two_rows(metric: Metric[Any]) -> str:
    """Two rows give a finite number or an error in words."""
    left, right = cloud(2, 3, seed=1), cloud(2, 3, seed=2)
    try:
        value = score(metric, left, right)
    except GeomsimError as error:
        return f"two rows are refused: {error}"
    if not np.isfinite(value):
        raise Broken(
            f"two rows score {value}; raise DegenerateSpace instead",
            example={"left": left.tolist(), "right": right.tolist()},
        )
    return "two rows give a finite number"


def unequal_widths(metric: Metric[Any]) -> str:
    """Sides of unequal width give a finite number or an error in words."""
    left, right = cloud(120, 8, seed=1), cloud(120, 5, seed=2)
    try:
        value = score(metric, left, right)
    except GeomsimError as error:
        return f"unequal widths are refused: {error}"
    if not np.isfinite(value):
        raise Broken(f"widths 8 and 5 score {value}", example={"left": left.tolist(), "right": right.tolist()})
    return "unequal widths give a finite number"
