"""Views of plugins: what fails is said, faults of a view go on their way with its name."""

from __future__ import annotations

import importlib.metadata
import sys
import types

import numpy as np
import pytest

from geomsim import DegenerateSpace, InvalidPairing, Space
from geomsim.report.views import offered
from geomsim.report.views.offered import GROUP, offered_views
from geomsim.report.views.request import ViewRequest, Views

REQUEST = ViewRequest("one and other", Space(np.eye(3)), Space(np.eye(3)))


@pytest.fixture
def offer(monkeypatch):
    def install(**views):
        module = types.ModuleType("views_of_a_test")
        for name, view in views.items():
            setattr(module, name, view)
        monkeypatch.setitem(sys.modules, "views_of_a_test", module)
        points = [importlib.metadata.EntryPoint(name, f"views_of_a_test:{name}", GROUP) for name in reversed(views)]
        points.append(importlib.metadata.EntryPoint("gone", "no_such_module:view", GROUP))
        monkeypatch.setattr(offered.importlib.metadata, "entry_points", lambda group: points if group == GROUP else [])
        return dict(offered_views())

    return install


def test_views_come_by_name_and_one_that_is_not_there_says_so(offer):
    found = offer(b=lambda request: Views(notes=[request.name]), a=lambda request: Views())
    assert list(found) == ["a", "b", "gone"]
    assert found["b"](REQUEST).notes == ["one and other"]
    (note,) = found["gone"](REQUEST).notes
    assert "'gone'" in note
    assert "cannot be imported" in note
    assert "no_such_module" in note


def test_an_error_of_geomsim_is_a_note_and_any_other_goes_on(offer):
    def degenerate(request):
        raise DegenerateSpace("all rows are one: look at them")

    def faulty(request):
        return 1 / 0

    found = offer(degenerate=degenerate, faulty=faulty, nothing=lambda request: None)
    (note,) = found["degenerate"](REQUEST).notes
    assert note.startswith("one and other: the view 'degenerate'")
    assert note.endswith("all rows are one: look at them")
    with pytest.raises(ZeroDivisionError) as caught:
        found["faulty"](REQUEST)
    assert "the view 'faulty'" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match=r"'nothing'.*must answer with"):
        found["nothing"](REQUEST)


def test_sides_and_tokens_fit_each_other():
    with pytest.raises(InvalidPairing, match="3 left rows and 2 right rows"):
        ViewRequest("x", Space(np.eye(3)), Space(np.eye(2)))
    with pytest.raises(InvalidPairing, match="1 lists of right tokens for 3 rows"):
        ViewRequest("x", Space(np.eye(3)), Space(np.eye(3)), right_tokens=[["a"]])


def test_views_add_up():
    both = Views(notes=["a"]) + Views(notes=["b"])
    assert both.notes == ["a", "b"]
