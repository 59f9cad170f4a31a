from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.report.flags import place_flags, text_width, wrapped

WIDTH, SIZE = 220.0, 8.0
LABELS = ("a", "features 0.62", "second seed 0.70", "chance of neurons\n0.10 to 0.12")


def boxes_and_poles(limits, flags):
    """Each flag's text as (left, right, bottom, top) and pole as (at, top), in points."""
    scale = WIDTH / (limits[1] - limits[0])
    found = []
    for flag in flags:
        at = (flag.at - limits[0]) * scale
        wide = text_width(flag.text, SIZE)
        left, right = (at, at + wide) if flag.side == "right" else (at - wide, at)
        found.append(((left, right, flag.bottom, flag.top), (at, flag.top)))
    return found


points = st.lists(
    st.tuples(st.floats(-1, 1).map(lambda x: round(x, 3)), st.sampled_from(LABELS)), min_size=1, max_size=7
)


@settings(max_examples=150)
@given(points)
def test_no_text_covers_another_or_is_crossed_by_a_pole_and_all_are_inside(labelled):
    limits, flags = place_flags([at for at, _ in labelled], [text for _, text in labelled], WIDTH, SIZE)
    assert [(flag.at, flag.text) for flag in flags] == labelled
    drawn = boxes_and_poles(limits, flags)
    for i, ((left, right, bottom, top), _) in enumerate(drawn):
        assert left >= -1e-6
        assert right <= WIDTH + 1e-6
        for j, (other, (at, pole_top)) in enumerate(drawn):
            if i == j:
                continue
            apart = right <= other[0] or other[1] <= left or top <= other[2] or other[3] <= bottom
            assert apart, (flags[i], flags[j])
            assert not (left + 0.5 < at < right - 0.5 and pole_top > bottom + 1e-6), (flags[i], flags[j])


def test_far_points_stand_at_one_height_and_near_ones_at_two():
    _, far = place_flags([0.0, 1.0], ["left", "right"], WIDTH, SIZE)
    assert [flag.bottom for flag in far] == [0.0, 0.0]
    _, near = place_flags([0.0, 0.001, 1.0], ["left", "next", "right"], WIDTH, SIZE)
    assert sorted(flag.bottom for flag in near) == [0.0, 0.0, 10.0]


@pytest.mark.parametrize("places", [[0.0], [0.3], [-2.0, -2.0]])
def test_equal_points_have_limits_around_them(places):
    limits, flags = place_flags(places, ["x"] * len(places), WIDTH, SIZE)
    assert limits[0] < places[0] < limits[1]
    assert len({flag.bottom for flag in flags}) == len(places)


def test_the_limits_hold_the_span():
    limits, _ = place_flags([0.5], ["x"], WIDTH, SIZE, span=(0.1, 0.9))
    assert limits[0] < 0.1
    assert limits[1] > 0.9


def test_text_width_grows_with_text_and_size():
    assert text_width("long text", 8) > text_width("long", 8)
    assert text_width("long", 16) == pytest.approx(2 * text_width("long", 8), rel=0.05)
    assert text_width("long\nlonger", 8) == text_width("longer", 8)


def test_wrapped_lines_are_about_as_wide_as_asked_and_lose_nothing():
    text = "SAE features of the left model against neurons of the right model"
    lines = wrapped(text, 100, 8).split("\n")
    assert " ".join(lines) == text
    assert max(text_width(line, 8) for line in lines) <= 100
    assert wrapped("", 100, 8) == ""
    assert np.char.str_len(wrapped("x" * 50, 100, 8).split("\n")).max() <= 20
