"""Distances at hand against scipy's from differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geomsim_topological.rows.plain_distances import distances_of, rough_distances


@pytest.mark.parametrize(("n", "width"), [(1, 3), (2, 1), (30, 5)])
def test_both_are_the_distances(n, width):
    rows = np.random.default_rng(n).normal(size=(n, width))
    others = np.random.default_rng(7).normal(size=(4, width))
    exact = distances_of(rows)
    assert np.array_equal(exact, exact.T)
    assert exact == pytest.approx(cdist(rows, rows), abs=1e-14)
    assert rough_distances(rows, others) == pytest.approx(cdist(rows, others), abs=1e-12)
    assert rough_distances(rows, rows).diagonal().max() < 1e-7
