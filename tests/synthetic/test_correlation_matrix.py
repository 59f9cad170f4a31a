from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig
from geomsim_synthetic import CorrelatedGroup, nearest_correlation
from geomsim_synthetic.correlation_matrix import checked_correlation


def noisy(n: int, seed: int) -> NDArray[np.float64]:
    upper = np.triu(np.random.default_rng(seed).uniform(-1, 1, (n, n)), 1)
    matrix: NDArray[np.float64] = upper + upper.T + np.eye(n)
    return matrix


def test_the_example_of_the_paper() -> None:
    # Higham (2002), section 1: both entries of the nearest matrix.
    nearest = nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    assert nearest[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert nearest[0, 2] == pytest.approx(0.1573, abs=5e-5)


@settings(max_examples=30)
@given(n=st.integers(2, 8), seed=st.integers(0, 1000))
def test_it_is_a_correlation_matrix_and_fulfils_the_optimality_conditions(n: int, seed: int) -> None:
    # G - A of the nearest G is diagonal plus positive semi-definite W, with G W = 0 (Higham 2002, theorem 2.4).
    matrix = noisy(n, seed)
    nearest = nearest_correlation(matrix)
    np.testing.assert_allclose(np.diag(nearest), 1.0)
    assert np.linalg.eigvalsh(nearest)[0] >= -1e-12
    apart = nearest - matrix
    # Off the null space of G the normal cone has nothing but a diagonal: solve for it by least squares.
    values, vectors = np.linalg.eigh(nearest)
    alive = vectors[:, values > 1e-6]
    design = np.stack([(np.diag(np.eye(n)[i]) @ alive).ravel() for i in range(n)], axis=1)
    target = (apart @ alive).ravel()
    diagonal, *_ = np.linalg.lstsq(design, target, rcond=None)
    np.testing.assert_allclose(design @ diagonal, target, atol=1e-4)


def test_a_possible_matrix_is_its_own_nearest() -> None:
    matrix = np.corrcoef(np.random.default_rng(0).standard_normal((5, 40)))
    np.testing.assert_allclose(nearest_correlation(matrix), matrix, atol=1e-10)
    checked_correlation(nearest_correlation(noisy(6, 3)))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 1, 0], [1, 1, 1], [0, 1, 1]], r"smallest eigenvalue is -0.414.*nearest_correlation\(correlation\)"),
        ([[1, 0.5], [0.4, 1]], r"not symmetric: entry \(0, 1\) is 0.5 and entry \(1, 0\) is 0.4"),
        ([[1, 0.5], [0.5, 2]], r"ones on its diagonal, entry 1 is 2"),
        ([[1, np.nan], [np.nan, 1]], r"NaN or infinite entries, the first is \(0, 1\)"),
        ([[1, 0.5], [0.5]], r"correlation must be a square matrix of numbers"),
        ([], r"square matrix, got shape \(0,\)"),
        (np.empty((0, 0)), r"square matrix, got shape \(0, 0\)"),
        ([[1, 0.5]], r"square matrix, got shape \(1, 2\)"),
    ],
)
def test_impossible_matrices(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        checked_correlation(matrix)


@pytest.mark.parametrize("members", [2, 3, 7])
def test_one_correlation_of_all_has_its_lowest_where_the_matrix_is_singular(members: int) -> None:
    lowest = -1.0 / (members - 1)
    assert np.linalg.eigvalsh(CorrelatedGroup(members, lowest).matrix)[0] == pytest.approx(0.0, abs=1e-12)
    wrong = np.full((members, members), lowest - 0.1)
    np.fill_diagonal(wrong, 1.0)
    # The nearest of all matrices has equal correlations, too: the number that the message offers.
    np.testing.assert_allclose(nearest_correlation(wrong)[0, 1], lowest, atol=1e-9)
    with pytest.raises(InvalidConfig, match=rf"{lowest:.3g} is the nearest that is possible \(0.1 away\)"):
        CorrelatedGroup(members, lowest - 0.1)


def test_groups_refuse_them_too() -> None:
    with pytest.raises(InvalidConfig, match=r"not positive semi-definite: its smallest eigenvalue is -0.414"):
        CorrelatedGroup(3, [[1, 1, 0], [1, 1, 1], [0, 1, 1]], probability=0.1)  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="no nearest correlation matrix within 2 steps"):
        nearest_correlation(noisy(8, 0), max_iterations=2)
