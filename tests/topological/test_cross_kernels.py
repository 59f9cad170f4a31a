"""R-Cross-Barcodes against Rips complexes of doubled points, as the paper has them, and known bars."""

from __future__ import annotations

import numpy as np
import pytest
from gudhi.rips_complex import RipsComplex
from scipy.spatial.distance import pdist, squareform

from geomsim_topological.homology.rips import rips_bars
from geomsim_topological.kernels import cross_kernels
from geomsim_topological.kernels.cross_kernels import cross_bars


def bars(own, other):
    values, places = np.unique(np.stack([own, np.minimum(own, other)]), return_inverse=True)
    ranks = places.reshape(2, *own.shape).astype(np.int64)
    found = values[cross_bars(np.ascontiguousarray(ranks[0]), np.ascontiguousarray(ranks[1]))]
    return found[np.lexsort(found.T)]


def by_the_paper(own, other):
    """gudhi on the matrix of 2 n + 1 points: own, its upper triangle, the smaller of both, and an apex."""
    n = len(own)
    upper = np.where(np.tri(n, k=-1, dtype=bool), np.inf, own)
    matrix = np.full((2 * n + 1, 2 * n + 1), np.inf)
    matrix[:n, :n] = own
    matrix[n : 2 * n, :n], matrix[:n, n : 2 * n] = upper, upper.T
    matrix[n : 2 * n, n : 2 * n] = np.minimum(own, other)
    matrix[:n, -1] = matrix[-1, :n] = 0.0
    np.fill_diagonal(matrix, 0.0)
    tree = RipsComplex(distance_matrix=matrix, max_edge_length=own.max()).create_simplex_tree(max_dimension=2)
    tree.compute_persistence(homology_coeff_field=2)
    found = np.asarray(tree.persistence_intervals_in_dimension(1)).reshape(-1, 2)
    return found[np.lexsort(found.T)]


def by_ripser(own, other):
    """Ripser on 2 n points, the first n of which are one, as the authors' program has it."""
    n = len(own)
    matrix = np.zeros((2 * n, 2 * n))
    matrix[n:, :n] = matrix[:n, n:] = own
    matrix[n:, n:] = np.minimum(own, other)
    found = rips_bars(matrix, 1, "ripser", 2)
    return found[np.lexsort(found.T)]


def distances(n, width, seed, ties=False):
    points = np.random.default_rng(seed).normal(size=(n, width))
    return squareform(pdist(np.round(points) if ties else points))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 12])
def test_equal_those_of_the_paper(n, ties):
    for seed in range(5):
        own, other = distances(n, 3, seed, ties), distances(n, 3, seed + 100, ties)
        np.testing.assert_allclose(bars(own, other), by_the_paper(own, other))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "width"), [(30, 2), (60, 5), (100, 20)])
def test_equal_those_of_doubled_points(n, width, ties):
    own, other = distances(n, width, 0, ties), distances(n, width, 1, ties)
    found = bars(own, other)
    assert len(found) > 10
    np.testing.assert_array_equal(found, by_ripser(own, other))


def test_one_more_edge_makes_one_loop():
    # A path of nine rows whose ends the other side joins: the loop is there at 1, and filled at 4, half way round.
    own = np.abs(np.subtract.outer(np.arange(9.0), np.arange(9.0)))
    other = own.copy()
    other[0, 8] = other[8, 0] = 1.0
    assert bars(own, other).tolist() == [[1.0, 4.0]]
    assert bars(other, own).tolist() == []  # the smaller of both is the other side itself


def test_two_clusters_that_the_other_side_has_not():
    own = squareform(pdist([[0.0], [1.0], [10.0], [11.0]]))
    other = squareform(pdist([[0.0], [1.0], [2.0], [3.0]]))
    assert bars(own, other).tolist() == [[1.0, 9.0]]


def test_equal_sides_have_no_bars():
    own = distances(40, 3, 0)
    assert bars(own, own).shape == (0, 2)
    assert bars(own, own + 1.0).shape == (0, 2)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [2, 4, 9, 40])
def test_cuts_give_the_same_bars(monkeypatch, n, ties):
    own, other = distances(n, 3, 0, ties), distances(n, 3, 1, ties)
    expected = bars(own, other)
    monkeypatch.setattr(cross_kernels, "_PATIENCE", 0)
    np.testing.assert_array_equal(bars(own, other), expected)


def test_one_side_nearly_always_larger(monkeypatch):
    random = np.random.default_rng(0)
    left = random.normal(size=(80, 8))
    right = np.sinh(2 * left + random.normal(size=left.shape))
    own, other = (squareform(pdist(side) / np.quantile(pdist(side), 0.9)) for side in (left, right))
    assert (other < own).mean() > 0.8
    tried = []
    reduced = cross_kernels._reduced
    monkeypatch.setattr(cross_kernels, "_reduced", lambda *given: tried.append(given[2]) or reduced(*given))
    np.testing.assert_array_equal(bars(own, other), by_ripser(own, other))
    assert tried == [False, True]  # the short way would take minutes
