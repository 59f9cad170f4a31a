"""Estimated heat traces against those of all eigenvalues, on graphs with and without structure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from geomsim_topological.neighbours import lanczos
from geomsim_topological.neighbours.lanczos import estimated_traces, exact_traces

TIMES = np.array([0.1, 1.0, 3.0, 10.0])


def similarity(adjacency):
    degrees = adjacency.sum(axis=1)
    return sparse.csr_array(adjacency / np.sqrt(np.outer(degrees, degrees)))


def ring(n):
    return np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0)


def random_graph(n, seed):
    above = np.triu(np.random.default_rng(seed).random((n, n)) < 6 / n, 1)
    return (above | above.T | (ring(n) > 0)).astype(float)


def test_exact_traces_of_a_ring_and_of_a_complete_graph():
    values = 1 - np.cos(2 * np.pi * np.arange(30) / 30)
    np.testing.assert_allclose(
        exact_traces(similarity(ring(30)), TIMES), np.exp(-np.outer(TIMES, values)).mean(axis=1), atol=1e-14
    )
    complete = np.ones((20, 20)) - np.eye(20)
    expected = (1 + 19 * np.exp(-TIMES * 20 / 19)) / 20
    np.testing.assert_allclose(exact_traces(similarity(complete), TIMES), expected, atol=1e-14)
    # Few different eigenvalues: the Lanczos process ends early.
    found = estimated_traces(similarity(complete), TIMES, 200, seed=0)
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=5 * found.std(axis=0).max() / 200**0.5 + 1e-9)


@pytest.mark.parametrize("most_paths", [10**9, 0], ids=["degree 4 known", "degree 2 known"])
@pytest.mark.parametrize("kind", ["ring", "random", "two components"])
def test_estimates_are_unbiased_and_say_how_far_they_are_off(monkeypatch, kind, most_paths):
    monkeypatch.setattr(lanczos, "_MOST_PATHS", most_paths)
    graph = {
        "ring": ring(150),
        "random": random_graph(150, 0),
        "two components": np.block(
            [[random_graph(70, 1), np.zeros((70, 80))], [np.zeros((80, 70)), random_graph(80, 2)]]
        ),
    }[kind]
    probes = 400
    found = estimated_traces(similarity(graph), TIMES, probes, seed=3)
    assert found.shape == (probes, len(TIMES))
    errors = found.std(axis=0, ddof=1) / probes**0.5
    away = found.mean(axis=0) - exact_traces(similarity(graph), TIMES)
    assert (np.abs(away) <= 4.5 * errors + 1e-12).all()
    assert errors[1] < (1e-4 if most_paths else 2e-3)


def test_known_terms_are_the_traces_of_chebyshev_polynomials():
    matrix = similarity(random_graph(40, 5))
    values = np.linalg.eigvalsh(matrix.toarray())
    expected = [np.cos(degree * np.arccos(values.clip(-1, 1))).mean() for degree in range(5)]
    np.testing.assert_allclose(lanczos._chebyshev_traces(matrix), expected, atol=1e-12)


def test_seeds_and_batches(monkeypatch):
    matrix = similarity(random_graph(60, 7))
    first = estimated_traces(matrix, TIMES, 8, seed=1)
    np.testing.assert_array_equal(first, estimated_traces(matrix, TIMES, 8, seed=1))
    assert (first != estimated_traces(matrix, TIMES, 8, seed=2)).any()
    monkeypatch.setattr(lanczos, "_TOGETHER", 60 * 10 * 3)
    np.testing.assert_allclose(first, estimated_traces(matrix, TIMES, 8, seed=1), atol=1e-12)
