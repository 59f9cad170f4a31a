"""Persistence diagrams for the report, and what is certain about them in words."""

from __future__ import annotations

import numpy as np

from geomsim import Space
from geomsim.report.page.contents import Contents
from geomsim.report.views.request import ViewRequest
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.persistence import diagram
from geomsim_topological.report_views.diagram_contents import certificate
from geomsim_topological.report_views.persistence_view import persistence_view

ANGLE = 2 * np.pi * np.arange(400) / 400
CIRCLE = np.column_stack([np.cos(ANGLE), np.sin(ANGLE)])


def test_a_circle_has_one_certain_loop_on_either_side():
    found = persistence_view(ViewRequest("one", Space(CIRCLE, name="left"), Space(3 * CIRCLE, name="right")))
    assert found.notes == []
    assert [each.name for each in found.diagrams] == ["one: left", "one: right"]
    for each, points in zip(found.diagrams, (CIRCLE, 3 * CIRCLE), strict=True):
        library = diagram(points, 1, 300)
        assert np.array_equal(each.bars, library.bars)
        assert each.certified.tolist() == library.certified.tolist()
        assert each.certified.sum() == 1
        assert each.covering_radius == library.covering_radius > 0
        assert "certain for all 400 rows" in each.sentence
    Contents("title", ["one"], diagrams=found.diagrams)


def test_equal_names_are_told_apart_and_few_rows_are_a_note():
    found = persistence_view(ViewRequest("one", Space(CIRCLE[::8], name="x"), Space(CIRCLE[::8], name="x")))
    assert [each.name for each in found.diagrams] == ["one: x (left)", "one: x (right)"]
    assert "each of the 50 different rows is a landmark" in found.diagrams[0].sentence
    few = persistence_view(ViewRequest("one", Space(CIRCLE[:3]), Space(CIRCLE[:3])))
    assert few.diagrams == []
    assert "4 rows" in few.notes[0]


def words(bars, radius, dimension=1):
    return certificate(Diagram(np.array(bars, dtype=float), dimension, radius, n_points=9, n_landmarks=5))


def test_the_certificate_says_the_rule_of_the_diagram():
    assert words([], 0.1) == "There is no loop at any distance between the 5 landmarks."
    assert words([[0.0, 0.4]], 0.1).startswith("None of 1 loop is certain for all 9 rows: none lives for more than 0.4")
    assert words([[0.0, 1.0], [0.0, 2.0]], 0.1).startswith("2 of 2 loops are certain for all 9 rows: they live for")
    assert words([[0.0, 1.0]], 0.0, 2).startswith("1 void, exact: each of the 5 different rows is a landmark")
