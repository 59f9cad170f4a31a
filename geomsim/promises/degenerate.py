"""Points on which metrics like to fail: a finite number, or an error in words, never NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric
from geomsim.errors import GeomsimError
from geomsim.promises.clouds import Example, cloud
from geomsim.promises.outcomes import Broken
from geomsim.promises.scores import score
from geomsim.promises.smallest import copies, told, tried

if TYPE_CHECKING:
    from torch import Tensor

_SIZES = ((6, 2), (40, 5))
"""Rows and width: few first, so that a broken promise is shown on points that can be read."""


def degenerate(metric: Metric[Any]) -> str:
    """Constant, zero, repeated, flat, few, narrow, huge and tiny points, on either side."""
    for size in _SIZES:
        refused = _refused(metric, *size)
    named = [what if len(sides) == 2 else f"{what} ({sides[0]} only)" for what, sides in refused.items()]
    return f"refused with an error: {', '.join(named) or 'nothing'}; a finite number for the rest"


def _refused(metric: Metric[Any], rows: int, width: int) -> dict[str, list[str]]:
    """The kinds of points that are refused, each with the sides; Broken where a score is not finite."""
    import torch

    ordinary = cloud(rows, width, seed=3).round(decimals=1)  # to be read
    cases = {
        "constant points": torch.ones(rows, width, dtype=torch.float64),
        "rows of zeros": torch.cat([torch.zeros(rows // 2, width, dtype=torch.float64), ordinary[: rows - rows // 2]]),
        "duplicated rows": ordinary[torch.arange(rows) // 4],
        "rank one": ordinary[:, :1] * torch.linspace(1, 2, width, dtype=torch.float64),
        "fewer rows than columns": cloud(rows, 2 * rows + 10, seed=4),
        "one column": ordinary[:, :1],
        "values as large as float16 allows": ordinary * 1e4,
        "values as small as float16 allows": ordinary * 1e-7,
    }
    refused: dict[str, list[str]] = {}
    for what, points in cases.items():
        for side, pair in (("right", (ordinary, points)), ("left", (points, ordinary))):
            try:
                value = score(metric, *copies(pair))
            except GeomsimError:
                refused.setdefault(what, []).append(side)
                continue
            if not np.isfinite(value):
                example = {"left": pair[0].tolist(), "right": pair[1].tolist()}
                raise Broken(
                    f"{what} on the {side}: the score is {value}; raise DegenerateSpace instead{told(pair, example)}",
                    example=example,
                )
    return refused


def two_rows(metric: Metric[Any]) -> str:
    """Two rows give a finite number or an error in words."""

    def check(left: Tensor, right: Tensor) -> str:
        try:
            value = score(metric, left, right)
        except GeomsimError as error:
            return f"two rows are refused: {error}"
        if not np.isfinite(value):
            raise Broken(f"two rows score {value}; raise DegenerateSpace instead", fault="not finite")
        return "two rows give a finite number"

    return tried(metric, check, [Example((cloud(2, 3, seed=1), cloud(2, 3, seed=2)), False)])


def unequal_widths(metric: Metric[Any]) -> str:
    """Sides of unequal width give a finite number or an error in words."""

    def check(left: Tensor, right: Tensor) -> str | None:
        if left.shape[1] == right.shape[1]:  # by a search for smaller examples
            return None
        try:
            value = score(metric, left, right)
        except GeomsimError as error:
            return f"unequal widths are refused: {error}"
        if not np.isfinite(value):
            raise Broken(f"the score is {value}; raise an error in words instead", fault="not finite")
        return "unequal widths give a finite number"

    return tried(metric, check, [Example((cloud(120, 8, seed=1), cloud(120, 5, seed=2)), False)])
