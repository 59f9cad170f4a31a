"""Stability over sweeps of known shapes, of noise, and of graphs made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import circle, tree_of_three_arms

from geomsim import GeomsimError
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.stability import sweep_stability
from geomsim_topological.sweep import Setting, Sweep, mapper_sweep

KINDS = ("components", "loops", "branches")


def by_hand(*graphs, n_rows=8):
    """One resolution after the other."""
    settings = tuple(Setting(3 + number, 0.3) for number in range(len(graphs)))
    made = (MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows) for nodes in graphs)
    return Sweep(settings, tuple(made))


def test_a_circle_is_one_component_and_one_loop_everywhere():
    points = circle(500)
    found = sweep_stability(mapper_sweep(points, points[:, 0], eps=(0.05,)))
    assert [found.features[kind].share_alive.tolist() for kind in KINDS] == [[1.0], [1.0], []]
    assert found.features["loops"].rows[0].tolist() == list(range(500))
    assert set(found.signatures) == {(1, 1)}
    assert found.stable_share.tolist() == [1.0] * 25
    assert found.settings[found.centre()] == Setting(10, 0.4, 0.05)
    assert found.grid.field(found.by_setting["loops"]).tolist() == np.ones((5, 5, 1)).tolist()


def test_two_circles_figure_eight_and_tree():
    apart = np.concatenate([circle(500), circle(500, 5.0)])
    found = sweep_stability(mapper_sweep(apart, apart[:, 1], (8, 10), (0.3, 0.6), (0.05,)))
    assert [found.features[kind].share_alive.tolist() for kind in KINDS] == [[1.0, 1.0], [1.0, 1.0], []]
    eight = np.concatenate([circle(500, -1.0), circle(500, 1.0)])
    found = sweep_stability(mapper_sweep(eight, eight[:, 0], (15, 20), (0.3, 0.6), (0.05,)))
    assert [found.features[kind].share_alive.tolist() for kind in KINDS] == [[1.0], [1.0, 1.0], []]
    tree, _ = tree_of_three_arms(200)
    found = sweep_stability(mapper_sweep(tree, tree[:, 1], (7, 10, 14), (0.2, 0.4, 0.6), (0.05,)))
    assert [found.features[kind].share_alive.tolist() for kind in KINDS] == [[1.0], [], [1.0, 1.0, 1.0]]
    assert found.by_setting["leaves"].tolist() == [3] * 9


def test_the_loop_of_a_noisy_circle_is_alive_in_most_settings_and_loops_of_noise_in_few():
    noisy = circle(500, noise=0.1)
    found = sweep_stability(mapper_sweep(noisy, noisy, eps=(0.2,)))
    share = found.features["loops"].share_alive
    assert share[0] >= 0.8
    assert len(share) > 10
    assert share[1] <= 0.25
    assert found.signatures[found.centre()] == (1, 1)


def test_order_of_rows_decides_nothing():
    noisy = circle(300, noise=0.15)
    order = np.random.default_rng(1).permutation(300)
    arguments = (6, 12), (0.2, 0.4), (0.2, 0.3)
    before = sweep_stability(mapper_sweep(noisy, noisy, *arguments))
    after = sweep_stability(mapper_sweep(noisy[order], noisy[order], *arguments))
    assert {name: column.tolist() for name, column in before.by_setting.items()} == {
        name: column.tolist() for name, column in after.by_setting.items()
    }
    assert before.region.tolist() == after.region.tolist()
    for kind in KINDS:
        one, other = before.features[kind], after.features[kind]
        assert len(one.rows) > (kind != "components")
        assert {(tuple(rows.tolist()), tuple(alive)) for rows, alive in zip(one.rows, one.alive, strict=True)} == {
            (tuple(np.sort(order[rows]).tolist()), tuple(alive))
            for rows, alive in zip(other.rows, other.alive, strict=True)
        }


def test_shares_regions_and_noise_by_hand():
    ring = [[0, 1], [1, 2], [2, 3], [3, 0]]
    found = sweep_stability(by_hand([], ring, [*ring, [5, 6]], [*ring, [5, 6, 7]], [[0, 1, 2], [2, 3]]), 0.5)
    assert found.signatures == ((0, 0), (1, 1), (2, 1), (2, 1), (1, 0))
    assert found.features["components"].share_alive.tolist() == [0.8, 0.4]
    assert found.features["loops"].alive.tolist() == [[False, True, True, True, False]]
    assert found.by_setting["noise"].tolist() == [1.0, 0.5, 0.25, 0.125, 0.5]
    assert found.by_setting["nodes"].tolist() == [0, 4, 5, 5, 2]
    assert found.by_setting["leaves"].tolist() == [0, 0, 0, 0, 2]
    assert found.members().tolist() == [2, 3]
    assert found.stable_share.tolist() == [0.2, 0.2, 0.4, 0.4, 0.2]
    table = found.to_frame("components")
    assert table["id"].tolist() == ["component 0", "component 1"]
    assert table["rows"].tolist() == [4, 3] or table["rows"].tolist() == [4, 2]
    assert found.to_frame("branches").empty
    assert found.to_frame()["loops"].tolist() == [0, 1, 1, 1, 0]


def test_small_features_are_counted_by_themselves():
    sweep = by_hand([[0, 1, 2, 3], [6, 7]], [[0, 1, 2, 3]])
    assert sweep_stability(sweep).signatures == ((2, 0), (1, 0))
    found = sweep_stability(sweep, least_share=0.3)
    assert found.signatures == ((1, 0), (1, 0))
    assert found.by_setting["left_out_components"].tolist() == [1, 0]
    assert len(found.features["components"].rows) == 1


def test_one_setting_and_graphs_without_nodes():
    one = sweep_stability(by_hand([[0, 1], [1, 2]]))
    assert (one.centre(), one.stable_share.tolist()) == (0, [1.0])
    none = sweep_stability(by_hand([], []))
    assert none.signatures == ((0, 0), (0, 0))
    assert none.features["components"].alive.shape == (0, 2)


def test_refuses_sweeps_that_do_not_hang_together():
    sweep = by_hand([[0, 1]], [[0, 1]])
    longer = Sweep(sweep.settings, (sweep.graphs[0], by_hand([[0]], n_rows=9).graphs[0]))
    with pytest.raises(GeomsimError, match="graphs on 8 and on 9 rows"):
        sweep_stability(longer)
    with pytest.raises(GeomsimError, match="1 graphs for 2 settings"):
        sweep_stability(Sweep(sweep.settings, sweep.graphs[:1]))
    with pytest.raises(GeomsimError, match="no settings"):
        sweep_stability(Sweep((), ()))
    with pytest.raises(GeomsimError, match="least_share"):
        sweep_stability(sweep, least_share=1.0)
