"""Verbs that plugins add to the command line."""

from __future__ import annotations

import importlib.metadata

import pytest

from geomsim.cli.plugin_verbs import plugin_verbs
from geomsim.errors import BrokenPlugin


def verb() -> int:
    """Do it."""
    return 0


class Point:
    dist = None

    def __init__(self, name: str, value: object) -> None:
        self.name, self.value = name, value

    def load(self) -> object:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_each_verb_is_offered_in_order_and_taken_names_stay(monkeypatch: pytest.MonkeyPatch):
    points = [Point("mapper", verb), Point("compare", verb), Point("draw", verb)]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    assert list(plugin_verbs(taken={"compare"})) == [("draw", verb), ("mapper", verb)]


def test_a_verb_that_cannot_be_imported_says_so_when_it_is_called(monkeypatch: pytest.MonkeyPatch):
    points = [Point("draw", ImportError("no module named pencil")), Point("mapper", verb)]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    (name, broken), other = plugin_verbs(taken=())
    assert (name, other) == ("draw", ("mapper", verb))
    assert "no module named pencil" in str(broken.__doc__)
    with pytest.raises(BrokenPlugin, match="the verb 'draw' of a plugin cannot be imported: ImportError: no module"):
        broken()
