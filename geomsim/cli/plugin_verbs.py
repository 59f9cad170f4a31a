"""Verbs of plugins: entry points of group ``geomsim.verbs``."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Iterator
from typing import Any

from geomsim.errors import BrokenPlugin

GROUP = "geomsim.verbs"


def plugin_verbs(taken: Collection[str]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Name and function of each verb that a plugin offers; names that are `taken` stay with geomsim.

    A verb's module is imported to show its help, so it imports what is heavy where it is used. One that cannot be
    imported is a verb that says so, and all others work.
    """
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name):
        if point.name not in taken:
            yield point.name, _loaded(point)


def _loaded(point: importlib.metadata.EntryPoint) -> Callable[..., Any]:
    try:
        verb: Callable[..., Any] = point.load()
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        distribution = point.dist.name if point.dist else "a plugin"

        def broken() -> int:
            raise BrokenPlugin(f"the verb {point.name!r} of {distribution} cannot be imported: {cause}")

        broken.__doc__ = f"Cannot be used: {cause}."
        return broken
    return verb
