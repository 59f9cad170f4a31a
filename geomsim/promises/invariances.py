"""Changes of one side: what a metric declares itself unchanged by leaves the score, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import INVARIANCES, Metric
from geomsim.promises.clouds import largest
from geomsim.promises.outcomes import Broken
from geomsim.promises.scores import close, joined, unlike
from geomsim.promises.smallest import tried

if TYPE_CHECKING:
    from torch import Tensor

_IMPLIED = {
    "affine": {"rotation", "scaling", "translation", "column_permutation"},
    "rotation": {"column_permutation"},
    "monotone": {"scaling"},  # a translation moves each column by another amount
}
_LARGER = 3.7
_TINY = 1e-5  # an absolute epsilon in a denominator passes unseen until the points are small


@dataclass(frozen=True)
class _Changed:
    """The score after a change of one side."""

    kind: str
    side: str
    points: Tensor
    score: float


def invariances(metric: Metric[Any]) -> str:
    """What is declared unchanged is, on every size and both sides; what is not declared does change."""
    declared = set(metric.unchanged_by) & set(INVARIANCES)  # other names are for the check of declarations
    promised = declared.union(*(_IMPLIED.get(kind, set()) for kind in declared))

    def check(left: Tensor, right: Tensor) -> None:
        states = metric.prepare(left), metric.prepare(right)
        before = joined(metric, *states, left)
        for kind in sorted(promised):
            for after in _changed(metric, kind, (left, right), states):
                if not close(before, after.score, 1e-6):
                    raise Broken(
                        f"declared unchanged by {_how(kind, after)} the score goes from {before:.9g} to "
                        f"{after.score:.9g}{_cause(after)}",
                        fault=f"{after.kind}, {unlike(before, after.score)}",
                        example={f"{after.side} changed": after.points.tolist()},
                    )

    tried(metric, check)
    left, right = largest()
    states = metric.prepare(left), metric.prepare(right)
    before = joined(metric, *states, left)
    for kind in INVARIANCES:
        if kind not in promised and all(
            close(before, after.score, 1e-9) for after in _changed(metric, kind, (left, right), states)
        ):
            raise Broken(f"unchanged by {kind}, which unchanged_by does not declare; add {kind!r} to it")
    return f"unchanged by {', '.join(sorted(promised)) or 'nothing'}; changed by the rest"


def _changed(
    metric: Metric[Any], kind: str, clouds: tuple[Tensor, Tensor], states: tuple[Any, Any]
) -> Iterator[_Changed]:
    """The scores with the right side changed in each way that there is, then with the left."""
    left, right = clouds
    for label, points in _changes(kind, right):
        yield _Changed(label, "right", points, joined(metric, states[0], metric.prepare(points), left))
    for label, points in _changes(kind, left):
        yield _Changed(label, "left", points, joined(metric, metric.prepare(points), states[1], left))


def _changes(kind: str, points: Tensor) -> list[tuple[str, Tensor]]:
    """One side after changes of this kind, each with a name."""
    if kind == "scaling":
        return [("larger", points * _LARGER), ("tiny", points * _TINY)]
    return [(kind, _change(kind, points))]


def _change(kind: str, points: Tensor) -> Tensor:
    import torch

    random = np.random.default_rng(11)
    width = points.shape[1]
    if kind == "rotation":
        return points @ torch.from_numpy(np.linalg.qr(random.normal(size=(width, width)))[0])
    if kind == "translation":
        return points + torch.from_numpy(random.normal(size=width) * 5)
    if kind == "affine":
        stretch = np.diag(np.linspace(0.3, 3.0, width)) + 0.3 * random.normal(size=(width, width))
        return points @ torch.from_numpy(stretch) + torch.from_numpy(random.normal(size=width))
    if kind == "column_permutation":
        return points[:, torch.from_numpy(np.roll(np.arange(width), 1))]
    return points.sinh()


def _how(kind: str, after: _Changed) -> str:
    if after.kind == "tiny":  # tried after the larger factor, which left the score
        return f"{kind}, and is by a factor of {_LARGER}, but with the {after.side} side times {_TINY:g}"
    if after.kind == "larger":
        return f"{kind}, but with the {after.side} side times {_LARGER}"
    return f"{kind}, but with the {after.side} side so changed"


def _cause(after: _Changed) -> str:
    return ", as it does where a constant is added to a denominator" if after.kind == "tiny" else ""
