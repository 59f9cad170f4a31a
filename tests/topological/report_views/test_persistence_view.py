"""Persistence diagrams for the report, and what is certain about them in words."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim import Space
from geomsim.report.page.contents import Contents
from geomsim.report.views.request import ViewRequest
from geomsim_topological.homology.diagram import Diagram
from geomsim_topological.persistence import diagram
from geomsim_topological.report_views.diagram_contents import certificate, diagram_contents
from geomsim_topological.report_views.landmarks_needed import (
    MOST_ROWS,
    LandmarksNeeded,
    can_be_certain,
    landmarks_needed,
)
from geomsim_topological.report_views.persistence_view import persistence_view

DECODER = np.random.default_rng(0).normal(size=(70, 40))
DECODER /= np.linalg.norm(DECODER, axis=1, keepdims=True)
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


def test_where_no_loop_could_be_certain_the_words_say_so_and_what_it_takes():
    found = diagram(DECODER, 1, 40)
    assert 4 * found.covering_radius > 2  # no two rows of length 1 are farther apart
    assert not can_be_certain(found)
    told = diagram_contents(found, "one", Space(DECODER)).sentence
    assert told.startswith("With 40 landmarks no loop of these 70 rows can be certain: it would have to live for more ")
    assert f"the largest distance of two landmarks, {found.diameter:.3g}. " in told
    assert "Only with all 70 different rows as landmarks can any be: " in told
    assert "diagram(points, landmarks=70)`" in told
    assert certificate(found).endswith("less noise. Whether a loop is more than chance is another question.")
    assert diagram(DECODER, 1, 70).certified.all()


def test_a_threshold_that_loops_could_reach_and_none_does_is_told_as_before():
    wide = np.vstack([DECODER, [[100.0] + [0.0] * 39]])
    found = diagram(wide, 1, 40)
    assert can_be_certain(found)
    assert not found.certified.any()
    assert diagram_contents(found, "one", Space(wide)).sentence.startswith(
        f"None of {len(found.bars)} loops is certain"
    )
    assert can_be_certain(diagram(DECODER, 0, 10))  # one component never dies


@pytest.mark.parametrize(("radius", "able"), [(0.2, True), (0.25, False), (0.3, False)])
def test_four_radii_must_be_less_than_the_diameter(radius, able):
    bars = np.array([[0.4, 0.9]])
    assert can_be_certain(Diagram(bars, 1, radius, diameter=1.0)) is able
    assert can_be_certain(Diagram(bars, 1, radius))  # of unknown diameter


@pytest.mark.parametrize("cloud", [DECODER, CIRCLE[::5], CIRCLE[::5].repeat(2, axis=0), 1e6 * DECODER[:, :2]])
def test_the_landmarks_needed_are_the_first_that_could_do(cloud):
    needed = landmarks_needed(Space(cloud))
    counts = range(1, len(np.unique(cloud, axis=0)) + 1)
    able = [count for count in counts if can_be_certain_by_hand(cloud, count)]
    assert needed == LandmarksNeeded(able[0], counts[-1])
    assert able == list(range(able[0], counts[-1] + 1))


def can_be_certain_by_hand(cloud, count):
    """By the library's own choice of so many landmarks."""
    found = diagram(cloud, 1, count)
    return found.diameter > 4 * found.covering_radius


def test_large_clouds_and_equal_rows_have_no_number():
    assert landmarks_needed(Space(np.random.default_rng(0).normal(size=(MOST_ROWS + 1, 2)))) is None
    assert landmarks_needed(Space(np.ones((5, 2)))) is None
