"""What a group of features with a joint law of firing offers to the generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Where = Literal["both", "left", "right"]


class Events(NamedTuple):
    """Firings of a group on a block of tokens, one entry each: token, member of the group, tuning (0 to 1]."""

    token: NDArray[np.int64]
    member: NDArray[np.int64]
    tuning: NDArray[np.float32]

    def take(self, kept: NDArray[np.bool_]) -> Events:
        """Some of the firings."""
        return Events(self.token[kept], self.member[kept], self.tuning[kept])


class Moments(NamedTuple):
    """Expected tuning of each member, (size,), and of the product of each two, (size, size)."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]


@dataclass(frozen=True)
class Structure(ABC):
    """A group of features that fire by a law of their own: correlated, in a hierarchy, or along a planted shape."""

    #: Whether all members that fire on a token share one magnitude (times their tuning) rather than having their own.
    one_magnitude: ClassVar[bool] = False
    #: Whether networks may miss firings, each by itself; a child without its parent or half a shape would be no more
    #: what it was.
    may_be_missed: ClassVar[bool] = False

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of features it takes."""

    @property
    @abstractmethod
    def place(self) -> Where:
        """Which networks carry its features."""

    @abstractmethod
    def probabilities(self, profile: NDArray[np.float64]) -> NDArray[np.float64]:
        """Firing probability of each member; `profile` has those that the members would have as plain features."""

    @abstractmethod
    def draw(self, generator: np.random.Generator, probabilities: NDArray[np.float64], n_tokens: int) -> Events:
        """The firings on `n_tokens` tokens; tokens are independent."""

    @abstractmethod
    def moments(self, probabilities: NDArray[np.float64]) -> Moments:
        """Expected tuning and products of tunings on one token."""


def firing_correlation(structure: Structure, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of the codes of all members where every magnitude is 1: ``cov / sqrt(var var)``, (size, size)."""
    first, second = structure.moments(probabilities)
    covariance = second - np.outer(first, first)
    deviation = np.sqrt(np.diag(covariance))
    correlation: NDArray[np.float64] = covariance / np.outer(deviation, deviation)
    return correlation
