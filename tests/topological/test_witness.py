"""Loops of witness complexes against gudhi, and for how long there are how many."""

from __future__ import annotations

import numpy as np
import pytest
from gudhi import WitnessComplex
from scipy.spatial.distance import cdist

from geomsim_topological.homology import witness
from geomsim_topological.homology.witness import WitnessSettings, relative_living_times
from geomsim_topological.kernels.witness_kernels import living_times, loop_bars, witnessed


def to_landmarks(n, width, landmarks, seed, ties):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, width))
    if ties:
        rows = np.unique(np.round(3 * rows) / 3, axis=0)
    distances = cdist(rows, rows[random.choice(len(rows), min(landmarks, len(rows) // 2), replace=False)])
    return distances


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("gamma", [0.01, 0.1, 0.5])
@pytest.mark.parametrize(("n", "width", "landmarks"), [(12, 2, 4), (40, 1, 10), (100, 2, 20), (150, 6, 30)])
def test_loops_are_those_of_gudhi(n, width, landmarks, gamma, ties):
    for seed in range(3):
        distances = to_landmarks(n, width, landmarks, seed, ties)
        most = gamma * distances.max()
        nearest = np.argsort(distances, axis=1, kind="stable")
        complex_ = WitnessComplex(np.dstack([nearest, np.take_along_axis(distances, nearest, axis=1)]))
        tree = complex_.create_simplex_tree(max_alpha_square=most, limit_dimension=2)
        # Without the last, loops are left out where there is no triangle.
        tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        expected = np.minimum(np.asarray(tree.persistence_intervals_in_dimension(1)).reshape(-1, 2), most)
        found = loop_bars(*witnessed(distances, most), most)
        found, expected = (bars[bars[:, 1] - bars[:, 0] > 1e-12] for bars in (found, expected))
        np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)], atol=1e-12)


def test_living_times():
    bars = np.array([[1.0, 3.0], [2.0, 4.0], [2.5, 10.0]])
    found = living_times(bars, 10.0, 5)
    # 0 loops for 1; 1 in [1, 2) and [4, 10); 2 in [2, 2.5) and [3, 4); 3 in [2.5, 3).
    np.testing.assert_allclose(found, [0.1, 0.7, 0.15, 0.05, 0.0])
    np.testing.assert_allclose(living_times(bars, 10.0, 3), [0.1, 0.7, 0.2])
    np.testing.assert_allclose(living_times(np.empty((0, 2)), 2.0, 3), [1.0, 0.0, 0.0])


def test_many_rows_by_products(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(120, 4))
    settings = WitnessSettings(16, 0.2, 20, repeats=6, seed=0)
    whole = relative_living_times(rows, settings)
    monkeypatch.setattr(witness, "_FEW", 10)
    np.testing.assert_allclose(relative_living_times(rows, settings), whole, atol=1e-6)
