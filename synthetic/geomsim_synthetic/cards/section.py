"""A section of a metric's card: which pieces it is made of, how each is measured, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from zlib import crc32

import numpy as np

from geomsim import Metric
from geomsim.cards import Measurement, Promise

Effort = Literal["quick", "full"]
Results = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
"""Settings and result of each piece."""


@dataclass(frozen=True)
class Piece:
    """An independent piece of work: `settings` are data, and with the metric and the seed they settle the result."""

    what: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One section of a card.

    `pieces` lists what is to be measured of a metric with this effort (nothing where the section does not apply);
    `measure` answers one piece, from its settings and a seed, as data that JSON can hold; `judge` makes a measurement
    of all answers, and says which promises they keep.

    Pieces that are `alone` measure the machine: nothing else may run beside them.
    """

    name: str
    pieces: Callable[[Metric[Any], Effort], list[Piece]]
    measure: Callable[[Metric[Any], Mapping[str, Any], int], dict[str, Any]]
    judge: Callable[[Metric[Any], Results], tuple[Measurement, list[Promise]]]
    alone: bool = False


def generator(seed: int, *names: str | int | float) -> np.random.Generator:
    """Random numbers that belong to this seed and these names alone."""
    return np.random.default_rng([seed, *(crc32(repr(name).encode()) for name in names)])
