"""The card of a metric, as data: what it promises, and what was measured of it on synthetic truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Promise:
    """One promise, whether it was kept, and the evidence in words.

    `example` holds the smallest points that break it, where points do: `left` and `right`, (rows, width) lists, and
    what else the check needs, such as an `order` or a `middle`.
    """

    name: str
    kept: bool
    evidence: str
    example: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Measurement:
    """Something measured of a metric: a sentence, and the numbers behind it, ready for JSON.

    `headline` holds the few that a leaderboard shows; None where a number does not exist for this metric.
    """

    name: str
    summary: str
    values: Mapping[str, Any] = field(default_factory=dict)
    headline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """All promises of one metric, and all that was measured of it.

    `faults` names the known faults of published implementations that the metric shows, `remarks` what a reader of its
    scores must know though it is no fault, each with its evidence.
    `about` says what was tried: where the metric comes from, effort, seed and versions.
    """

    metric: str
    promises: tuple[Promise, ...]
    parameters: dict[str, Any] = field(default_factory=dict)
    measured: tuple[Measurement, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken

    @property
    def broken(self) -> tuple[Promise, ...]:
        """The promises that were not kept."""
        return tuple(promise for promise in self.promises if not promise.kept)

    @property
    def headline(self) -> dict[str, Any]:
        """The numbers that a leaderboard shows, of all measurements."""
        return {name: value for measurement in self.measured for name, value in measurement.headline.items()}

    def to_dict(self) -> dict[str, Any]:
        """The card, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The card that :meth:`to_dict` wrote, before or after a trip through JSON."""

        def each(kind: type[Any], items: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
            return tuple(kind(**item) for item in items)

        return cls(
            stored["metric"],
            each(Promise, stored["promises"]),
            dict(stored["parameters"]),
            each(Measurement, stored["measured"]),
            dict(stored["faults"]),
            dict(stored["remarks"]),
            dict(stored["about"]),
        )
