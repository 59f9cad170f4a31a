"""Which setting is suggested, on sweeps made by hand and on circles."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from shapes import circle

from geomsim import GeomsimError, GeomsimWarning
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.settings_choice import suggest_settings
from geomsim_topological.stability import sweep_stability
from geomsim_topological.sweep import Setting, Sweep, mapper_sweep

RING = [[0, 1], [1, 2], [2, 3], [3, 0]]
PATH = [[0, 1], [1, 2], [2, 3]]
TWO = [[0, 1], [2, 3]]


def by_hand(*graphs, n_rows=4):
    settings = tuple(Setting(3 + number, 0.3) for number in range(len(graphs)))
    made = (MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows) for nodes in graphs)
    return Sweep(settings, tuple(made))


def test_one_sweep_gives_the_middle_of_its_largest_region():
    found = suggest_settings(by_hand(PATH, RING, RING, RING, TWO))
    assert (found.index, found.setting, found.region.tolist()) == (2, Setting(5, 0.3), [1, 2, 3])
    assert found.signatures == ((1, 1),)
    assert str(found) == (
        "5 cubes, overlap 0.3, eps knee: the middle of the largest region without change, 3 of 5 settings "
        "(the graph: 1 component, 1 loop, 0% noise)."
    )


def test_two_sweeps_give_the_largest_region_in_which_neither_changes():
    left = by_hand(PATH, PATH, PATH, PATH, RING, RING, RING)
    right = by_hand(PATH, PATH, TWO, RING, RING, RING, RING)
    found = suggest_settings(left, right)
    assert (found.index, found.region.tolist()) == (5, [4, 5, 6])
    assert "left: 1 component, 1 loop, 0% noise; right: 1 component, 1 loop" in found.text
    assert "not looked at" in found.text


def test_the_sides_need_not_look_alike_and_their_rows_are_not_compared():
    left, right = by_hand(PATH, PATH, PATH, RING, RING), by_hand(TWO, TWO, TWO, RING, RING)
    found = suggest_settings(left, right)
    assert (found.index, found.signatures) == (1, ((1, 0), (2, 0)))
    # Other rows, in other order: the choice stays as it is.
    order = np.array([5, 0, 4, 2])
    moved = by_hand(*([order[rows].tolist() for rows in nodes] for nodes in (TWO, TWO, TWO, RING, RING)), n_rows=6)
    assert suggest_settings(left, moved).index == 1


def test_stability_will_do_for_a_sweep():
    sweep = by_hand(PATH, RING, RING)
    assert suggest_settings(sweep_stability(sweep), sweep).index == suggest_settings(sweep).index


def test_settings_that_show_nothing_are_not_suggested():
    found = suggest_settings(by_hand([], [], [], [[0, 1, 2, 3]], RING, RING))
    assert found.region.tolist() == [4, 5]
    assert "4 settings with too much noise or fewer than two nodes left out" in found.text
    noisy = by_hand([[0], [1]], [[0], [1]], [[0], [1]], RING, RING, n_rows=5)
    assert suggest_settings(noisy).region.tolist() == [3, 4]
    assert suggest_settings(noisy, most_noise=0.6).region.tolist() == [0, 1, 2]
    with pytest.raises(GeomsimError, match=r"none of the 2 settings .*least noise 100%\): sweep over larger eps"):
        suggest_settings(by_hand([], []))
    with pytest.raises(GeomsimError, match="most_noise"):
        suggest_settings(noisy, most_noise=2.0)


def test_of_equal_regions_the_one_with_less_noise():
    thin = [[0, 1], [1, 2]]
    assert suggest_settings(by_hand(thin, thin, RING, RING)).region.tolist() == [2, 3]
    assert suggest_settings(by_hand(PATH, PATH, RING, RING)).region.tolist() == [0, 1]


def test_nothing_stable_is_a_warning_and_one_setting_is_none():
    with pytest.warns(GeomsimWarning, match="no two neighbouring settings of 3"):
        assert suggest_settings(by_hand(PATH, RING, PATH)).index == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert suggest_settings(by_hand(RING)).text.endswith(
            "1 of 1 setting (the graph: 1 component, 1 loop, 0% noise)."
        )


def test_refuses_unlike_sweeps():
    with pytest.raises(
        GeomsimError, match=r"2 settings of resolutions \[3, 4\].* left, 3 settings of resolutions \[3, 4, 5\]"
    ):
        suggest_settings(by_hand(PATH, PATH), by_hand(PATH, PATH, PATH))
    sweep = by_hand(PATH, RING)
    with pytest.raises(GeomsimError, match="in another order"):
        suggest_settings(sweep, Sweep(sweep.settings[::-1], sweep.graphs))


def test_each_side_may_have_eps_of_its_own():
    def scaled(*eps):
        graphs = by_hand(PATH, RING, RING).graphs
        return Sweep(tuple(Setting(5, 0.3, each) for each in eps), graphs)

    found = suggest_settings(scaled(0.1, 0.2, 0.3), scaled(10.0, 20.0, 30.0))
    assert found.index == 1
    assert found.setting == found.settings[0] == Setting(5, 0.3, 0.2)
    assert found.settings[1] == Setting(5, 0.3, 20.0)
    assert "eps 0.2 (left) and 20 (right):" in found.text
    for other in ((10.0, 30.0, 20.0), (10.0, 20.0, "knee")):
        with pytest.raises(GeomsimError, match="as many eps, in the same order"):
            suggest_settings(scaled(0.1, 0.2, 0.3), scaled(*other))


def test_two_noisy_circles_get_a_setting_at_which_both_are_one_loop():
    left, right = circle(500, noise=0.08), circle(500, noise=0.1, seed=1)
    sweeps = [mapper_sweep(each, each[:, 0], (5, 8, 12), (0.2, 0.35, 0.5), (0.2,)) for each in (left, right)]
    assert suggest_settings(*sweeps).signatures == ((1, 1), (1, 1))
