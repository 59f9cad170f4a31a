"""How a check ends other than well: a promise broken, or one that could not be tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Broken(Exception):
    """A promise not kept; the text is the evidence.

    `fault` tells apart the ways in which one check breaks: a smaller example must break in the same way. `example`
    holds what a reader needs to break the promise by hand, ready for JSON: the points of each side, and whatever else
    the check made of them (an order, a changed side).
    """

    def __init__(self, evidence: str, *, fault: str = "", example: Mapping[str, Any] | None = None) -> None:
        super().__init__(evidence)
        self.fault = fault
        self.example = example


class Skipped(Exception):
    """A promise that could not be tried here; the text says why."""
