"""The triangle inequality: no way round by a third space is shorter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from geomsim.contract import Metric, UnpairedMetric
from geomsim.promises.clouds import SIZES, Example, cloud
from geomsim.promises.outcomes import Broken, Skipped
from geomsim.promises.scores import joined
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor

_SLACK = 1e-9  # of the largest distance
_ROUNDING = 1e-12  # distances that should be 0


def triangle_inequality(metric: Metric[Any]) -> str:
    """d(left, right) <= d(left, middle) + d(middle, right), each cloud of a triple once in the middle."""
    if not metric.triangle:
        raise Skipped("not declared")
    kept = 0

    def check(*clouds: Tensor) -> None:
        nonlocal kept
        states = [metric.prepare(points) for points in clouds]

        def apart(one: int, other: int) -> float:
            return joined(metric, states[one], states[other], clouds[one])

        for left, middle, right in ((0, 1, 2), (1, 0, 2), (0, 2, 1)):
            straight, round_by = apart(left, right), (apart(left, middle), apart(middle, right))
            slack = _SLACK * max(straight, *round_by) + _ROUNDING
            if not straight <= sum(round_by) + slack:
                names = ("left", "middle", "right")
                raise Broken(
                    f"{names[left]} and {names[right]} are {straight:.9g} apart, but by {names[middle]} it is only "
                    f"{round_by[0]:.9g} + {round_by[1]:.9g} = {sum(round_by):.9g}",
                    fault="shorter" if straight > sum(round_by) else "not finite",
                )
        kept += 1

    tried(metric, check, _triples(unpaired=isinstance(metric, UnpairedMetric)))
    return f"kept by {kept} triples of clouds"


def _triples(unpaired: bool) -> Iterator[Example]:
    """Left, middle and right: unrelated, in line, copies, of unequal widths, and of unequal rows where unpaired."""
    import torch

    for rows, width in (SIZES[0], SIZES[-1]):
        ordinary = (rows, width) == SIZES[-1]
        left, middle, right = (cloud(rows, width, seed=rows + place) for place in range(3))
        yield Example((left, middle, right), ordinary)
        # In line, where an inequality is nearly an equality, and close by, where squares of distances fail most.
        for share, step in ((0.5, 1.0), (0.5, 0.1), (0.2, 0.1), (0.5, 0.01)):
            yield Example((left, left + share * step * middle, left + step * middle), ordinary)
        yield Example((left, left, right), ordinary)
        yield Example((left, right, left.clone()), ordinary)
        yield Example((left, left.flip(1), right), ordinary)
        # A metric may ask for equal widths, so none of these is one that it must take.
        narrow, wide = cloud(rows, max(width // 2, 1), seed=rows + 3), cloud(rows, 4 * width, seed=rows + 4)
        yield Example((left, wide, left + 0.5 * middle), False)
        yield Example((narrow, left, wide), False)
        # Between a flat and a steep spectrum lies one with many small values, which a mean over all of them dilutes.
        steep = right * 10.0 ** -torch.arange(width)
        yield Example((left, torch.cat([(left + steep) / 2, 1e-3 * wide], dim=1), steep), False)
        yield Example((left, left[:, 1:], right), False)
        if unpaired:
            yield Example((left, cloud(3 * rows, 3 * width, seed=rows + 5), right), False)
            yield Example((left, left[: width - 1], right), False)
