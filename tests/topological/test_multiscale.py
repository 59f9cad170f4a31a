"""Agreement over a sweep: scores and draws against the metric itself, the corrected p against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shapes import circle

from geomsim import GeomsimError, InapplicableNull
from geomsim_topological.graph_comparison import compare_graphs
from geomsim_topological.graphs.graph import MapperGraph
from geomsim_topological.graphs.membership import membership
from geomsim_topological.metrics.mapper_transport import MapperTransport
from geomsim_topological.multiscale import multiscale_agreement
from geomsim_topological.settings_choice import suggest_settings
from geomsim_topological.stability import sweep_stability
from geomsim_topological.sweep import Setting, Sweep, mapper_sweep


def sweep_of(*graphs, n_rows):
    settings = tuple(Setting(3 + number, 0.3) for number in range(len(graphs)))
    made = (MapperGraph.from_kmapper({"nodes": dict(enumerate(nodes))}, n_rows) for nodes in graphs)
    return Sweep(settings, tuple(made))


def intervals(values, sizes=(3, 5)):
    """Sweeps of chains of rows in the order of some values."""
    order = np.argsort(values)
    return sweep_of(*([part.tolist() for part in np.array_split(order, size)] for size in sizes), n_rows=len(values))


def test_a_sweep_agrees_with_itself_everywhere():
    noisy = circle(200, noise=0.05)
    sweep = mapper_sweep(noisy, noisy[:, 0], (4, 6), (0.3, 0.5), (0.4,))
    found = multiscale_agreement(sweep, sweep, draws=19)
    assert np.abs(found.score).max() < 1e-12
    assert found.agreement == pytest.approx(1.0)
    assert found.p_values.tolist() == found.p_single.tolist() == [1 / 20] * 4
    assert found.p_value == 1 / 20
    assert found.grid.field(found.score).shape == (2, 2, 1)
    own = sweep_stability(sweep)
    assert found.left.stable_share.tolist() == found.right.stable_share.tolist() == own.stable_share.tolist()
    table = found.to_frame()
    assert table["stable_share_right"].tolist() == own.stable_share.tolist()
    assert table["n"].tolist() == [4, 4, 6, 6]


def test_scores_and_draws_are_those_of_the_metric_and_one_shuffle_serves_all_settings():
    random = np.random.default_rng(0)
    values = random.normal(size=40)
    left, right = intervals(values, (3, 5, 5)), intervals(values + random.normal(size=40), (4, 6, 6))
    found = multiscale_agreement(left, right, draws=30, seed=7)
    for number, graphs in enumerate(zip(left.graphs, right.graphs, strict=True)):
        states = [membership(graph) for graph in graphs]
        assert found.score[number] == pytest.approx(compare_graphs(*graphs).value, abs=1e-12)
        assert found.score[number] == float(MapperTransport().score(*states, torch.arange(40)))
        assert found.p_single[number] == (1 + (found.chance[number] <= found.score[number] + 1e-9).sum()) / 31
    assert found.chance[1].tolist() == found.chance[2].tolist()
    assert found.chance.std(axis=1).min() > 0
    assert found.chance_mean == pytest.approx(found.chance.mean(axis=1))
    assert found.agreement == pytest.approx(1 - found.score / found.chance.mean(axis=1))
    assert found.z == pytest.approx((found.chance.mean(axis=1) - found.score) / found.chance.std(axis=1, ddof=1))
    assert found.best == int(np.argmax(found.z))
    again = multiscale_agreement(left, right, draws=30, seed=7)
    assert again.chance.tolist() == found.chance.tolist()
    assert multiscale_agreement(left, right, draws=30, seed=8).chance.tolist() != found.chance.tolist()


def test_corrected_p_by_its_definition():
    random = np.random.default_rng(3)
    values = random.normal(size=30)
    left, right = intervals(values, (3, 5, 8)), intervals(values + 3 * random.normal(size=30), (3, 5, 8))
    found = multiscale_agreement(left, right, draws=40)
    every = -np.column_stack([found.score, found.chance])
    scaled = (every - every.mean(axis=1, keepdims=True)) / every.std(axis=1, keepdims=True)
    best = scaled.max(axis=0)
    expected = [sum(each >= own - 1e-9 for each in [np.inf, *best[1:]]) / 41 for own in scaled[:, 0]]
    assert 0.05 < min(expected) < 1
    assert found.p_values == pytest.approx(expected)
    assert (found.p_values >= found.p_single).all()
    assert found.p_value == min(expected)


def test_choosing_the_best_setting_of_unrelated_sides_is_paid_for():
    corrected, single = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        sweeps = [intervals(random.normal(size=16), (2, 3, 5, 7)) for _ in range(2)]
        found = multiscale_agreement(*sweeps, draws=9, seed=seed)
        corrected.append(found.p_value)
        single.append(found.p_single.min())
    allowed = 0.1 + 3 * np.sqrt(0.1 * 0.9 / 60)
    assert np.mean(np.array(corrected) <= 0.1) <= allowed < np.mean(np.array(single) <= 0.1)
    assert np.mean(np.array(corrected) <= 0.5) > 0.3


def test_documents_change_places_whole():
    values = np.random.default_rng(0).normal(size=24)
    documents = np.repeat(["c", "a", "b", "d"], 6)
    found = multiscale_agreement(intervals(values), intervals(values), draws=200, groups=documents)
    # 4 documents have 24 orders, in each of which rows stay together: as many values, and no p below 1/24.
    assert len(np.unique(found.chance[1].round(12))) <= 24
    assert found.p_value >= 1 / 24
    assert any("24 different orders" in note for note in found.notes)
    # Two documents have two orders, however often these are drawn.
    for seed in range(8):
        two = multiscale_agreement(intervals(values), intervals(values), 9, seed, np.repeat([0, 1], 12))
        assert two.p_value >= 0.5
    # Of unequal length, nothing can move.
    with pytest.raises(InapplicableNull, match="equal_blocks"):
        multiscale_agreement(intervals(values), intervals(values), draws=9, groups=np.repeat([0, 1, 2], [3, 8, 13]))


def test_settings_without_nodes_have_no_score():
    halves = [[0, 1, 2, 3], [4, 5, 6, 7]]
    left = sweep_of([], halves, halves, n_rows=8)
    right = sweep_of(halves, halves, [list(range(8))], n_rows=8)
    found = multiscale_agreement(left, right, draws=19)
    assert np.isnan(found.score).tolist() == np.isnan(found.p_values).tolist() == [True, False, False]
    assert np.isnan(found.z).tolist() == np.isnan(found.agreement).tolist() == [True, False, False]
    assert found.best == 1
    # A single node tells no row from another: whatever the order, the score is the same.
    assert (found.z[2], found.agreement[2], found.p_values[2]) == (0.0, pytest.approx(0.0), 1.0)
    with pytest.raises(GeomsimError, match="at none of the 1 settings"):
        multiscale_agreement(sweep_of([], n_rows=8), sweep_of(halves, n_rows=8))


def test_refuses_sweeps_that_do_not_belong_together():
    sweep = intervals(np.arange(10.0))
    with pytest.raises(GeomsimError, match="10 on the left and 12 on the right"):
        multiscale_agreement(sweep, intervals(np.arange(12.0)))
    with pytest.raises(GeomsimError, match="different settings"):
        multiscale_agreement(sweep, intervals(np.arange(10.0), (3, 5, 7)))
    with pytest.raises(GeomsimError, match="draws is a whole number, at least 1"):
        multiscale_agreement(sweep, sweep, draws=0)
    with pytest.raises(GeomsimError, match="one label for each of 10 rows"):
        multiscale_agreement(sweep, sweep, groups=[0, 1])


def test_one_draw_and_one_setting():
    sweep = intervals(np.arange(10.0), (3,))
    found = multiscale_agreement(sweep, sweep, draws=1)
    assert (found.p_value, found.z.tolist()) == (0.5, [0.0])


def test_the_suggested_setting_does_not_depend_on_which_rows_belong_together():
    random = np.random.default_rng(0)
    left, right = circle(200, noise=0.1), circle(200, noise=0.1, seed=1)
    order = random.permutation(200)
    sweeps = [mapper_sweep(each, each[:, 0], (4, 6), (0.3, 0.5), (0.3,)) for each in (left, right, right[order])]
    assert suggest_settings(*sweeps[:2]).text == suggest_settings(sweeps[0], sweeps[2]).text
