"""Regions and their centres on small grids that can be drawn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.settings.setting_grid import SettingGrid
from geomsim_topological.sweep import Setting


def drawn(*lines):
    """The grid of a drawing, resolutions downwards and overlaps to the right, and its letters; "." is no setting."""
    cells = [(row, column, letter) for row, line in enumerate(lines) for column, letter in enumerate(line)]
    kept = [(Setting(row + 3, column / 10), letter) for row, column, letter in cells if letter != "."]
    return SettingGrid.of([setting for setting, _ in kept]), [letter for _, letter in kept]


def test_regions_are_connected_by_single_steps_and_counted_by_size():
    grid, letters = drawn("aab", "bba", "baa")
    assert grid.regions(letters).tolist() == [2, 2, 3, 0, 0, 1, 0, 1, 1]  # of equally large ones the earlier first
    grid, letters = drawn("a.a", "aba")
    assert grid.regions(letters).tolist() == [0, 1, 0, 2, 1]


def test_field_lays_out_one_number_per_setting():
    grid, _ = drawn("aa", ".a")
    assert grid.shape == (2, 2, 1)
    np.testing.assert_array_equal(grid.field([1.0, 2.0, 3.0])[:, :, 0], [[1.0, 2.0], [np.nan, 3.0]])


@pytest.mark.parametrize(
    ("lines", "row", "column"),
    [
        (["aaaaa"] * 5, 2, 2),
        (["aaaab"] * 5, 2, 1),  # two steps from the b and from the ends are best; columns 1 and 2 tie, and 1 is first
        (["abbbb", "aaaab", "aaaab", "aaaab", "bbbbb"], 2, 1),
        (["aaa"], 0, 1),
        (["a"], 0, 0),
        (["aaaaa", "aaaaa", "aa.aa", "aaaaa", "aaaaa"], 1, 1),  # where there is no setting is outside as well
    ],
)
def test_centre_is_deepest(lines, row, column):
    grid, letters = drawn(*lines)
    members = np.flatnonzero(grid.regions(letters) == 0)
    assert tuple(grid.places[grid.centre(members)][:2]) == (row, column)


def test_centre_is_that_of_a_search_by_hand():
    for seed in range(30):
        letters = np.random.default_rng(seed).choice(["a", "b"], size=(5, 6), p=[0.8, 0.2])
        grid, flat = drawn(*("".join(line) for line in letters))
        members = np.flatnonzero(grid.regions(flat) == 0)
        own = {tuple(grid.places[member][:2].tolist()) for member in members}
        outside = [place for place in product(range(-1, 6), range(-1, 7)) if place not in own]
        steps = {
            place: (
                -min(abs(place[0] - x) + abs(place[1] - y) for x, y in outside),
                sum(abs(place[0] - x) + abs(place[1] - y) for x, y in own),
                place,
            )
            for place in own
        }
        assert tuple(grid.places[grid.centre(members)][:2]) == min(own, key=steps.__getitem__)


def test_knee_is_next_to_no_number():
    settings = [Setting(5, 0.3, eps) for eps in ("knee", 0.2, 0.1, 0.4)]
    grid = SettingGrid.of(settings)
    assert grid.eps == (0.1, 0.2, 0.4, "knee")
    assert grid.regions(["a"] * 4).tolist() == [1, 0, 0, 0]
    assert settings[grid.centre(np.array([1, 2, 3]))].eps == 0.2
    assert SettingGrid.of([Setting(5, 0.3), Setting(6, 0.3)]).regions(["a", "a"]).tolist() == [0, 0]


def test_refuses_doubles_and_nothing():
    with pytest.raises(GeomsimError, match="1 settings of the sweep are there twice"):
        SettingGrid.of([Setting(5, 0.3), Setting(5, 0.3)])
    with pytest.raises(GeomsimError, match="no settings"):
        SettingGrid.of([])
