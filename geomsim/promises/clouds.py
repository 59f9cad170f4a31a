"""The points on which promises are tried: normal clouds of several sizes, the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ((12, 3), (30, 4), (120, 8))
"""Rows and width, from small to large: a broken promise is shown on a small example."""


@dataclass(frozen=True)
class Example:
    """Clouds to try a promise on; `ordinary` ones may not be refused."""

    clouds: tuple[Tensor, ...]
    ordinary: bool


def cloud(rows: int, width: int, seed: int) -> Tensor:
    """Normal points with unequal spread per column, so that no direction is like another; never centred."""
    import torch

    random = np.random.default_rng(seed)
    spread = np.linspace(1.0, 2.0, width)
    return torch.from_numpy(random.normal(size=(rows, width)) * spread + random.normal(size=width))


def related(rows: int, width: int) -> tuple[Tensor, Tensor]:
    """A cloud, and itself with noise added."""
    left = cloud(rows, width, seed=rows)
    return left, left + 0.7 * cloud(rows, width, seed=rows + 1)


def unrelated(rows: int, width: int) -> tuple[Tensor, Tensor]:
    """The left side of :func:`related`, and a cloud of its own."""
    return cloud(rows, width, seed=rows), cloud(rows, width, seed=99)


def largest() -> tuple[Tensor, Tensor]:
    """Related clouds of the size that no metric may refuse."""
    return related(*SIZES[-1])


def pairs(*, also_unrelated: bool = False) -> Iterator[Example]:
    """Related clouds of every size, smallest first, and unrelated ones where asked for."""
    for size in SIZES:
        yield Example(related(*size), size == SIZES[-1])
        if also_unrelated:
            yield Example(unrelated(*size), size == SIZES[-1])


def size_of(clouds: tuple[Tensor, ...]) -> str:
    """Rows and width in words: "12 rows, width 3"."""
    rows = sorted({len(points) for points in clouds})
    widths = [points.shape[1] for points in clouds]
    told = f"width {widths[0]}" if len(set(widths)) == 1 else f"widths {', '.join(map(str, widths))}"
    return f"{' and '.join(map(str, rows))} rows, {told}"
