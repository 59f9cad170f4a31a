"""Representation topology divergence: the contract, both directions, samples of rows, and what it has with rtd-lite."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

import geomsim
from geomsim import GeomsimWarning, InvalidConfig
from geomsim_topological.homology.rips import rips_bars
from geomsim_topological.metrics.rtd import RTD
from geomsim_topological.metrics.rtd_lite import RTDLite
from geomsim_topological.rows.distance_scale import scaled_cloud


def score(left, right, metric=None):
    return geomsim.compare(left, right, metric or RTD(), null=None).score


def prepared(metric, *clouds):
    return tuple(metric.prepare(torch.from_numpy(points)) for points in clouds)


def related(n, width=3, seed=0):
    random = np.random.default_rng(seed)
    left = random.normal(size=(n, width))
    return left, left + 0.6 * random.normal(size=(n, width))


def by_ripser(left, right, rows=None, scale="quantile"):
    """The mean over both directions of the lengths of H1 bars of doubled points."""
    rows = np.arange(len(left)) if rows is None else rows
    d, other = (
        squareform(pdist(side[rows])) / scaled_cloud(torch.from_numpy(side), scale).length_of_points
        for side in (left, right)
    )
    total = 0.0
    for own in (d, other):
        zero = np.zeros_like(own)
        bars = rips_bars(np.block([[zero, own], [own, np.minimum(d, other)]]), 1, "ripser", 2)
        total += (bars[:, 1] - bars[:, 0]).sum()
    return total / 2


@pytest.mark.parametrize("metric", [RTD(), RTD(rows=30), RTD(rows=50, scale="root-mean-square")], ids=repr)
def test_keeps_the_contract(metric):
    geomsim.testing.check_metric(metric)


@pytest.mark.parametrize("scale", ["quantile", "root-mean-square"])
@pytest.mark.parametrize("n", [4, 25, 70])
def test_equals_ripser_on_doubled_points(n, scale):
    left, right = related(n)
    metric = RTD(scale=scale)
    states = prepared(metric, left, right)
    for order in (np.arange(n), np.random.default_rng(1).permutation(n)):
        found = float(metric.score(*states, torch.from_numpy(order)))
        assert found == pytest.approx(by_ripser(left, right[order], scale=scale), rel=1e-9)


def test_copies_score_zero():
    left, _ = related(60)
    turned = left @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert score(left, left) == 0.0
    assert score(left, 0.1 * turned - 4) == pytest.approx(0.0, abs=1e-9)


def test_components_are_half_of_rtd_lite_and_loops_add_to_it():
    left, right = related(60)
    lite = score(left, right, RTDLite())
    assert score(left, right) > lite / 2
    metric = RTD()
    found = metric.explain(*prepared(metric, left, right))
    by_components = found.facts["left ahead, of components"] + found.facts["right ahead, of components"]
    assert by_components == pytest.approx(lite)
    assert (found.facts["left ahead"] + found.facts["right ahead"]) / 2 == pytest.approx(score(left, right))
    flat = score(left[:, :1], right[:, :1])  # points on lines have no loops, their smaller distances may
    assert flat >= score(left[:, :1], right[:, :1], RTDLite()) / 2 - 1e-12


def test_a_loop_that_one_side_closes_earlier():
    angle = 2 * np.pi * np.arange(40) / 40
    circle, arc = (np.column_stack([np.cos(part * angle), np.sin(part * angle)]) for part in (1.0, 0.75))
    metric = RTD()
    found = metric.explain(*prepared(metric, arc, circle))
    unit = found.facts["unit of distance left"]
    assert found.facts["unit of distance right"] == pytest.approx(unit)  # of both, the diameter or nearly so
    # The circle closes at its step, the arc where its open end is bridged; the arc, whose steps are shorter, is
    # connected earlier.
    step, short_step, gap = (2 * np.sin(each / 2) for each in (angle[1], 0.75 * angle[1], 2 * np.pi - 0.75 * angle[39]))
    assert found.tables["longest bars, right ahead"]["birth"] == pytest.approx([step / unit])
    assert found.tables["longest bars, right ahead"]["death"] == pytest.approx([gap / unit])
    assert found.facts["right ahead, of components"] == pytest.approx(0.0, abs=1e-9)
    assert found.facts["left ahead"] == pytest.approx(39 * (step - short_step) / unit)
    assert score(arc, circle) == pytest.approx((gap - step + 39 * (step - short_step)) / unit / 2)


def test_a_sample_takes_left_rows_at_even_steps():
    left, right = related(100)
    metric = RTD(rows=30)
    with pytest.warns(GeomsimWarning, match=r"rtd looks at 30 of 100 rows.*use rows=100 for all.*or rtd-lite"):
        states = prepared(metric, left, right)
    order = np.random.default_rng(1).permutation(100)
    found = float(metric.score(*states, torch.from_numpy(order)))
    taken = np.floor(np.arange(30) * 100 / 30).astype(int)
    assert found == pytest.approx(by_ripser(left, right[order], taken), rel=1e-9)
    assert metric.explain(*states).facts["rows used"] == 30


def test_related_clouds_are_closer_than_chance():
    left, right = related(50)
    found = geomsim.compare(left, right, RTD(), draws=99)
    assert found.p_value == 0.01
    assert not found.warnings


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rows": 1}, "rows is how many rows.*from 2 to 5,000; got 1"),
        ({"rows": 5001}, "got 5001. rtd-lite takes any"),
        ({"scale": "none"}, "scale is one of"),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(InvalidConfig, match=message):
        RTD(**parameters)
