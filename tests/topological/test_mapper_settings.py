"""The parameters that all metrics on Mapper graphs share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geomsim_topological.metrics.mapper_settings import MapperSettings


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_eps_is_relative_to_the_root_mean_square_distance_to_the_mean(unit):
    points = np.random.default_rng(0).normal(size=(150, 4)) + 3.0
    radius = np.sqrt(np.square(points - points.mean(axis=0)).sum() / len(points))
    graph = MapperSettings(n_cubes=3, relative_eps=0.7).graph(torch.from_numpy(points * unit))
    assert graph.eps == pytest.approx(0.7 * radius * unit, rel=1e-8)
