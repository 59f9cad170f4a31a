"""Every error and warning that geomsim raises on purpose.

A message says what was wrong, where (file, row, column, name), what was expected and what to do.
Raise a child at the cause; add context once, at the border, with :meth:`GeomsimError.within`.
"""

from __future__ import annotations

from typing import Self


class GeomsimError(Exception):
    """Parent of all errors that geomsim raises on purpose."""

    def within(self, context: str) -> Self:
        """The same error with the place where it happened put in front of the message."""
        self.args = (f"{context}: {self}", *self.args[1:])
        return self


class InvalidSpace(GeomsimError):
    """Points that no metric can read: not finite, no rows, the wrong shape, ids that do not fit."""


class DegenerateSpace(GeomsimError):
    """Points on which this metric is undefined: constant rows, one point only, too few rows."""


class UndefinedScore(DegenerateSpace):
    """A score that is not finite, where the metric should have raised DegenerateSpace: a promise that it breaks."""


class InvalidPairing(GeomsimError):
    """A pairing that points outside, is empty, or does not belong to these spaces."""


class UnknownMetric(GeomsimError):
    """A name that no installed distribution offers."""


class AmbiguousMetric(GeomsimError):
    """A name that two distributions offer."""


class BrokenPlugin(GeomsimError):
    """A plugin that fails to import, or offers something that is not a metric."""


class BrokenPromise(GeomsimError):
    """A metric that does not keep what the contract promises."""


class InapplicableNull(GeomsimError):
    """A null model that can say nothing about this metric or these spaces."""


class InvalidCodes(GeomsimError):
    """Codes that cannot be read: a missing or damaged shard, two different texts, no latents."""


class InvalidModel(GeomsimError):
    """A model or dictionary that cannot be read, or that do not fit each other."""


class InvalidText(GeomsimError):
    """Text that cannot be read."""


class InvalidConfig(GeomsimError):
    """A configuration that asks for something that does not exist."""


class GeomsimWarning(UserWarning):
    """What a reader must know before believing a number; `compare` collects these in its result."""
