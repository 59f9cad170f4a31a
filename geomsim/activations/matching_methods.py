"""The ways to make pairs of candidates. Each is a frozen dataclass; its fields are its parameters."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.assignment import greedy_pairs, largest_total
from geomsim.activations.best_by_chance import Direction
from geomsim.activations.candidate_pairs import CandidatePairs, candidate_pairs
from geomsim.activations.candidates import Candidates
from geomsim.activations.transport_matching import transport_plan
from geomsim.errors import InvalidPairing

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]


class Matched(NamedTuple):
    """Pairs sorted by the choosing latent, each array (pairs,); what the method has to say about them."""

    left: _Integers
    right: _Integers
    r: _Floats
    standard_error: _Floats
    mass: _Floats | None
    said: dict[str, Any]

    def keep(self, kept: NDArray[np.bool_]) -> Matched:
        """Only some of the pairs."""
        columns = (self.left[kept], self.right[kept], self.r[kept], self.standard_error[kept])
        return Matched(*columns, None if self.mass is None else self.mass[kept], self.said)


class MatchingMethod(Protocol):
    """What :func:`geomsim.pair` asks of a method.

    `exclusive`: whether a latent with its true partner is out of reach for others. `alone` names, for the choosing and
    the chosen side, why a latent with a candidate that is good enough may be without a partner.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - as in `pair`
    @property
    def exclusive(self) -> bool: ...  # noqa: D102
    @property
    def alone(self) -> tuple[str, str]: ...  # noqa: D102

    def match(self, candidates: Candidates, direction: Direction, min_weight: float | None) -> Matched:
        """The pairs; none where no candidate is good enough."""
        ...


class _ByTheBest(ABC):
    """Methods that look at the best partner of each latent alone."""

    def match(self, candidates: Candidates, direction: Direction, min_weight: float | None) -> Matched:
        """The best partner of each choosing latent, where the method keeps it."""
        left_to_right = direction == "left-to-right"
        sides = (candidates.left_to_right, candidates.right_to_left)
        choosing, chosen = sides if left_to_right else sides[::-1]
        latents = np.flatnonzero(choosing.found & (choosing.r[:, 0] >= (-np.inf if min_weight is None else min_weight)))
        partners = choosing.partner[latents, 0].astype(np.int64)
        kept = self._kept(latents, partners, chosen.partner[:, 0])
        latents, partners = latents[kept], partners[kept]
        left, right = (latents, partners) if left_to_right else (partners, latents)
        return Matched(left, right, choosing.r[latents, 0], choosing.standard_error[latents, 0], None, {})

    @abstractmethod
    def _kept(self, latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which choices are kept, given whom each partner would choose."""


@dataclass(frozen=True)
class Max(_ByTheBest):
    """Each latent of the choosing side takes its best partner: many-to-one."""

    name: ClassVar[str] = "max"
    exclusive: ClassVar[bool] = False
    alone: ClassVar[tuple[str, str]] = ("", "not_chosen")

    def _kept(self, latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.ones(len(latents), dtype=bool)


@dataclass(frozen=True)
class Mutual(_ByTheBest):
    """Both latents are the best of the other."""

    name: ClassVar[str] = "mutual"
    exclusive: ClassVar[bool] = True
    alone: ClassVar[tuple[str, str]] = ("not_mutual", "not_mutual")

    def _kept(self, latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.asarray(chosen_back[partners] == latents)


@dataclass(frozen=True)
class OneToOne(_ByTheBest):
    """Of the pairs of :class:`Max`, those whose partner nobody else chose."""

    name: ClassVar[str] = "one-to-one"
    exclusive: ClassVar[bool] = True
    alone: ClassVar[tuple[str, str]] = ("partner_chosen_by_several", "not_chosen_by_one")

    def _kept(self, latents: _Integers, partners: _Integers, chosen_back: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.asarray(np.bincount(partners, minlength=len(chosen_back))[partners] == 1)


@dataclass(frozen=True)
class Greedy:
    """Of all candidates the largest r first, each latent once; of equal r the lowest left, then right latent."""

    name: ClassVar[str] = "greedy"
    exclusive: ClassVar[bool] = True
    alone: ClassVar[tuple[str, str]] = ("candidates_taken", "candidates_taken")

    def match(self, candidates: Candidates, direction: Direction, min_weight: float | None) -> Matched:
        """Pairs that do not depend on who chooses."""
        pairs = _good_enough(candidate_pairs(candidates), min_weight)
        return _sorted(pairs, greedy_pairs(pairs), direction)


@dataclass(frozen=True)
class Hungarian:
    """The pairs with the largest total r, each latent once or not at all: :func:`assignment.largest_total`.

    Parameters
    ----------
    unmatched_at
        a pair counts by how much its r is above this: latents are rather alone than in a pair below it.
    best
        how many candidates of each latent are used; None for all there are. Fewer are faster; 8 cost some tenths of a
        percent of the total against a dense solution, 16 some hundredths (benchmarks/matching.py).
    """

    unmatched_at: float = 0.0
    best: int | None = None
    name: ClassVar[str] = "hungarian"
    exclusive: ClassVar[bool] = True
    alone: ClassVar[tuple[str, str]] = ("better_alone", "better_alone")

    def __post_init__(self) -> None:
        if not -1 <= self.unmatched_at < 1:
            raise InvalidPairing(f"unmatched_at must be at least -1 and below 1, got {self.unmatched_at}")
        if self.best is not None and self.best < 1:
            raise InvalidPairing(f"best must be at least 1, got {self.best}")

    def match(self, candidates: Candidates, direction: Direction, min_weight: float | None) -> Matched:
        """Pairs that do not depend on who chooses, where there is only one best solution."""
        pairs = _good_enough(candidate_pairs(candidates, self.best), min_weight)
        matched = _sorted(pairs, largest_total(pairs, self.unmatched_at), direction)
        return matched._replace(said={"hungarian": {**asdict(self), "total_r": float(matched.r.sum())}})


@dataclass(frozen=True)
class Transport:
    """Many-to-many pairs with their mass: :mod:`transport_matching`.

    Parameters
    ----------
    epsilon
        how much r two partners may differ by and still share the mass; above 0.
    marginal
        what a latent pays for mass that it does not send or get, above 0; a pair of r below ``1 - 2 * marginal`` is
        hardly worth its mass, so .5 is for Hungarian's ``unmatched_at=0``.
    min_share
        pairs that carry less than this share of what a latent holds, which is 1, are left out; their mass is counted.
    """

    epsilon: float = 0.05
    marginal: float = 0.5
    min_share: float = 0.1
    name: ClassVar[str] = "transport"
    exclusive: ClassVar[bool] = False
    alone: ClassVar[tuple[str, str]] = ("small_shares", "small_shares")

    def __post_init__(self) -> None:
        for name in ("epsilon", "marginal"):
            value = getattr(self, name)
            if not value > 0 or (math.isinf(value) and name == "epsilon"):
                raise InvalidPairing(f"{name} must be a number above 0, got {value}")
        if not 0 <= self.min_share < 1:
            raise InvalidPairing(f"min_share must be at least 0 and below 1, got {self.min_share}")

    def match(self, candidates: Candidates, direction: Direction, min_weight: float | None) -> Matched:
        """Pairs that do not depend on who chooses, each with its mass."""
        pairs = _good_enough(candidate_pairs(candidates), min_weight)
        if not len(pairs.r):
            return _sorted(pairs, np.empty(0, dtype=np.int64), direction, np.empty(0))
        plan = transport_plan(pairs, self.epsilon, self.marginal)
        kept = plan.mass >= self.min_share
        said = {
            **asdict(self),
            "steps": plan.steps,
            "mass": float(plan.mass.sum()),
            "pairs_left_out": int((~kept).sum()),
            "mass_left_out": float(plan.mass[~kept].sum()),
            "left_latents_split": int((np.bincount(pairs.left[kept]) > 1).sum()),
            "right_latents_merged": int((np.bincount(pairs.right[kept]) > 1).sum()),
        }
        matched = _sorted(pairs, np.flatnonzero(kept), direction, plan.mass)
        return matched._replace(said={"transport": said})


_METHODS: dict[str, type[Any]] = {
    method.name: method for method in (Max, Mutual, OneToOne, Greedy, Hungarian, Transport)
}


def matching_method(method: str | MatchingMethod, **parameters: Any) -> MatchingMethod:
    """A method by its name, with its parameters; a method itself stays as it is.

    Raises InvalidPairing for an unknown name or parameter.

    >>> matching_method("hungarian", unmatched_at=0.2)
    Hungarian(unmatched_at=0.2, best=None)
    """
    if not isinstance(method, str):
        if not callable(getattr(method, "match", None)):
            raise InvalidPairing(f"{method!r} is no matching method; there are {', '.join(_METHODS)}")
        return replace(method, **parameters) if parameters else method  # type: ignore[type-var]
    if method not in _METHODS:
        raise InvalidPairing(f"unknown matching method {method!r}; there are {', '.join(_METHODS)}")
    kind = _METHODS[method]
    known = [field.name for field in fields(kind)]
    unknown = [name for name in parameters if name not in known]
    if unknown:
        takes = ", ".join(known) or "no parameters"
        raise InvalidPairing(f"the method {method!r} does not take {', '.join(unknown)}; it takes {takes}")
    chosen: MatchingMethod = kind(**parameters)
    return chosen


def _good_enough(pairs: CandidatePairs, min_weight: float | None) -> CandidatePairs:
    return pairs if min_weight is None else pairs.keep(pairs.r >= min_weight)


def _sorted(pairs: CandidatePairs, chosen: _Integers, direction: Direction, mass: _Floats | None = None) -> Matched:
    """The chosen pairs; they come sorted by left latent, and stay so unless the right side chooses."""
    if direction == "right-to-left":
        chosen = chosen[np.argsort(pairs.right[chosen], kind="stable")]
    mass = None if mass is None else mass[chosen]
    return Matched(pairs.left[chosen], pairs.right[chosen], pairs.r[chosen], pairs.standard_error[chosen], mass, {})
