"""The unit of distance of a cloud, and clouds that have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from geomsim import DegenerateSpace, InvalidConfig
from geomsim_topological.rows import distance_scale
from geomsim_topological.rows.distance_scale import check_scale, scaled_cloud


def length(points, scale="quantile"):
    return scaled_cloud(torch.from_numpy(points), scale).length_of_points


@pytest.mark.parametrize("n", [2, 3, 11, 60])
def test_lengths_are_those_of_all_pairs(n):
    points = np.random.default_rng(n).normal(size=(n, 4)) + 100.0
    every = np.sort(pdist(points))
    quantile = every[int(np.ceil(0.9 * len(every))) - 1]
    assert length(points) == pytest.approx(quantile, rel=1e-12)
    assert length(points, "root-mean-square") == pytest.approx(np.sqrt(np.mean(every**2)), rel=1e-12)


@pytest.mark.parametrize("kind", ["normal", "ties", "outlier", "two scales"])
def test_in_tiles_it_is_the_same(monkeypatch, kind):
    points = np.random.default_rng(0).normal(size=(300, 3))
    if kind == "ties":
        points = np.round(points)
    elif kind == "outlier":
        points[7] *= 1e9
    elif kind == "two scales":
        points[:20] *= 1e5
    whole = length(points)
    monkeypatch.setattr(distance_scale, "_FEW", 10)
    monkeypatch.setattr(distance_scale, "_TILE_BYTES", 8 * 300 * 7)
    assert length(points) == pytest.approx(whole, rel=2e-9)
    moved = points[np.random.default_rng(1).permutation(300)]
    assert length(moved) == pytest.approx(length(points), rel=1e-9)


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_huge_and_tiny_numbers(factor):
    points = np.random.default_rng(0).normal(size=(20, 3))
    assert length(factor * points) == pytest.approx(factor * length(points), rel=1e-12)


def test_a_length_beyond_all_numbers_is_the_largest():
    assert length(np.array([[-1.7e308], [1.7e308]])) == np.finfo(np.float64).max


@pytest.mark.parametrize(
    ("points", "scale", "message"),
    [
        (np.ones((1, 3)), "quantile", "1 row has no distance to any other; use"),
        (np.full((9, 3), 0.1), "quantile", "all 9 rows are equal.*look where"),
        (np.full((9, 3), 0.1), "root-mean-square", "all 9 rows are equal.*look where"),
        (np.eye(40)[:, :1], "quantile", "nine in ten pairs of the 40 rows.*leave repeated rows"),
        (
            np.r_[np.random.default_rng(0).normal(size=30), 1e200][:, None],
            "quantile",
            "leave repeated rows or outliers",
        ),
    ],
)
def test_clouds_without_a_unit(points, scale, message):
    with pytest.raises(DegenerateSpace, match=message):
        length(points, scale)


def test_one_row_apart_has_a_root_mean_square():
    assert length(np.eye(40)[:, :1], "root-mean-square") == pytest.approx(np.sqrt(2 / 40))


def test_scales_are_checked():
    with pytest.raises(InvalidConfig, match="scale is one of quantile, root-mean-square; got 'median'"):
        check_scale("median")
