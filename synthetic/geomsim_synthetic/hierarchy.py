"""Features that fire only with their parent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import one_of, probability
from geomsim_synthetic.checks import probabilities as checked_probabilities
from geomsim_synthetic.plain import keep_plain
from geomsim_synthetic.structure import Events, Moments, Structure, Where

# Sums of conditional probabilities this far above 1 are rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Hierarchy(Structure):
    """A forest of features: a child fires only on tokens on which its parent does.

    Parameters
    ----------
    parents
        the parent of each feature, a number of a feature of this hierarchy, or None for a root.
    exclusive
        whether at most one child of a parent fires on a token; otherwise siblings are independent given the parent.
    given
        probability of a child, given its parent; used unless `probability` names one for every feature.
    probability
        firing probability of each root (None leaves to each that of its rank in the profile); or of all features, one
        each.
    where
        "both" networks carry these features, or "left" or "right" alone.

    Raises
    ------
    InvalidConfig
        on a parent that does not exist, a cycle (which), a child more probable than its parent, exclusive siblings
        that are together more probable than their parent, or no child at all.

    >>> Hierarchy((None, 0, 0, 1), given=0.5, probability=0.4).probabilities(np.empty(4))
    array([0.4, 0.2, 0.2, 0.1])
    """

    parents: tuple[int | None, ...]
    exclusive: bool = True
    given: float = 0.4
    probability: float | tuple[float, ...] | None = None
    where: Where = "both"

    def __post_init__(self) -> None:
        keep_plain(self)
        one_of("where", self.where, ("both", "left", "right"))
        probability("given", self.given)
        _refuse_impossible_parents(self.parents)
        profile = np.full(self.size, 0.5)
        self._check_children(self.probabilities(profile))

    @property
    def size(self) -> int:
        """Number of features."""
        return len(self.parents)

    @property
    def place(self) -> Where:
        """Which networks carry them."""
        return self.where

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of each child, by child."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent is not None)

    def ancestors(self, feature: int) -> tuple[int, ...]:
        """The feature itself, its parent, and so on to the root."""
        line = [feature]
        while (parent := self.parents[line[-1]]) is not None:
            line.append(parent)
        return tuple(line)

    def probabilities(self, profile: NDArray[np.float64]) -> NDArray[np.float64]:
        """Roots as given or as in the profile; children `given` times their parent's, unless all are given."""
        if isinstance(self.probability, tuple):
            return checked_probabilities("probability", self.probability, self.size)
        root = profile
        if self.probability is not None:
            root = np.full(self.size, probability("probability", self.probability))
        depths = np.array([len(self.ancestors(feature)) - 1 for feature in range(self.size)])
        roots = [self.ancestors(feature)[-1] for feature in range(self.size)]
        values: NDArray[np.float64] = root[roots] * self.given**depths
        return values

    def draw(self, generator: np.random.Generator, probabilities: NDArray[np.float64], n_tokens: int) -> Events:
        """From the roots down; exclusive siblings share one uniform number, whose place decides which of them fires."""
        uniform = generator.random((n_tokens, self.size))
        fires = np.zeros((n_tokens, self.size), dtype=bool)
        taken: dict[int, float] = {}
        first_child: dict[int, int] = {}
        for feature in sorted(range(self.size), key=lambda feature: (len(self.ancestors(feature)), feature)):
            parent = self.parents[feature]
            if parent is None:
                fires[:, feature] = uniform[:, feature] < probabilities[feature]
                continue
            chance = probabilities[feature] / probabilities[parent]
            lower, column = 0.0, feature
            if self.exclusive:
                column = first_child.setdefault(parent, feature)
                lower = taken.get(parent, 0.0)
                taken[parent] = lower + chance
            drawn = uniform[:, column]
            fires[:, feature] = fires[:, parent] & (lower <= drawn) & (drawn < lower + chance)
        token, member = np.nonzero(fires)
        return Events(token, member, np.ones(len(token), dtype=np.float32))

    def moments(self, probabilities: NDArray[np.float64]) -> Moments:
        """``P(i and j)``: the lower one's on one line, 0 for exclusive branches, ``p[i] p[j] / p[ancestor]`` else."""
        together = np.outer(probabilities, probabilities)
        lines = [self.ancestors(feature) for feature in range(self.size)]
        for i in range(self.size):
            for j in range(self.size):
                common = next((ancestor for ancestor in lines[i] if ancestor in lines[j]), None)
                if common is None:
                    continue
                if common in (i, j):
                    together[i, j] = probabilities[j if common == i else i]
                else:
                    together[i, j] *= 0.0 if self.exclusive else 1.0 / probabilities[common]
        return Moments(probabilities, together)

    def _check_children(self, probabilities: NDArray[np.float64]) -> None:
        for parent, child in self.edges:
            if probabilities[child] > probabilities[parent] * (1.0 + _ROUNDING):
                raise InvalidConfig(
                    f"impossible hierarchy: feature {child} fires with probability {probabilities[child]:g}, its "
                    f"parent {parent} with {probabilities[parent]:g}; a child fires only with its parent, so its "
                    "probability can be no larger"
                )
        if not self.exclusive:
            return
        for parent in sorted({parent for parent, _ in self.edges}):
            children = [child for above, child in self.edges if above == parent]
            total = float(probabilities[children].sum())
            if total > probabilities[parent] * (1.0 + _ROUNDING):
                raise InvalidConfig(
                    f"impossible hierarchy: the {len(children)} exclusive children of feature {parent} fire with "
                    f"probability {total:g} together, their parent with {probabilities[parent]:g}; lower theirs "
                    f"(given at most {1 / len(children):.3g}) or use exclusive=False"
                )


def _refuse_impossible_parents(parents: tuple[int | None, ...]) -> None:
    if not isinstance(parents, tuple):
        raise InvalidConfig(f"parents={parents!r} must list the parent of each feature, None for a root: (None, 0, 0)")
    n = len(parents)
    for feature, parent in enumerate(parents):
        if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int) or not 0 <= parent < n):
            raise InvalidConfig(
                f"impossible hierarchy: the parent of feature {feature} is {parent!r}, which is missing; "
                f"parents are None or a number from 0 to {n - 1}"
            )
    for start in range(n):
        line = [start]
        while (parent := parents[line[-1]]) is not None and parent not in line:
            line.append(parent)
        if parent is not None:
            cycle = [*line[line.index(parent) :], parent]
            raise InvalidConfig(
                f"impossible hierarchy: a cycle, {' -> '.join(map(str, cycle))} (each arrow leads to the parent); "
                "make one of these features a root (None) or a child of another"
            )
    if all(parent is None for parent in parents):
        raise InvalidConfig("this hierarchy has no child; name the parent of at least one feature")
