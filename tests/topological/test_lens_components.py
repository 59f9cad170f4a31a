"""The lens of principal components against a singular value decomposition, and what it takes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological.lenses.lens_components import PrincipalComponents


def cloud(n, width, seed):
    return np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(2, 1, width)


@pytest.mark.parametrize("shape", [(2, 1), (5, 3), (60, 16), (30, 200), (90, 400), (300, 100), (20_000, 40)])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_scores_are_those_of_the_singular_value_decomposition(shape, shift):
    points = cloud(*shape, seed=0)
    points[:, 0] *= 3
    points += shift
    centred = points - points.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    scores = PrincipalComponents(3)(points)
    expected = (left * singular)[:, : scores.shape[1]]
    assert scores.shape[1] == min(3, shape[0] - 1, shape[1])
    tolerance = 1e-9 + shift * 1e-13
    assert np.abs(scores) == pytest.approx(np.abs(expected), abs=tolerance * singular[0])
    assert (np.sum(scores**3, axis=0) > 0).all() or shape[0] == 2


def test_float32_is_summed_in_float64():
    points = (cloud(5000, 8, 0) + 300.0).astype(np.float32)
    exact = PrincipalComponents(2)(points.astype(np.float64))
    assert PrincipalComponents(2)(points) == pytest.approx(exact, abs=1e-11)
    with pytest.raises(GeomsimError, match="not finite, first in row 2"):
        PrincipalComponents(2)(np.array([[0.0], [1.0], [np.inf]], dtype=np.float32))


def test_no_copy_of_the_points_is_made():
    points = cloud(200_000, 64, 0).astype(np.float32)
    tracemalloc.start()
    PrincipalComponents(2)(points)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * points.nbytes


def test_wide_clouds_give_what_their_rotated_copies_give():
    points = cloud(40, 20, 0)
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(300, 300)))[0][:20]
    narrow, wide = PrincipalComponents(4)(points), PrincipalComponents(4)(points @ basis)
    assert wide == pytest.approx(narrow, abs=1e-9)


@pytest.mark.parametrize("entry", [0.1, 1e6 / 3, 1e-300, 1e300])
def test_equal_rows_have_no_component(entry):
    for shape in ((1, 3), (20, 3), (3, 20), (100_000, 2)):
        with pytest.raises(DegenerateSpace, match="all rows are equal"):
            PrincipalComponents()(np.full(shape, entry))


@pytest.mark.parametrize("unit", [1e-300, 1e-140, 1e140, 1e300])
def test_huge_and_tiny_numbers(unit):
    points = cloud(50, 5, 0)
    assert PrincipalComponents(2)(points * unit) / unit == pytest.approx(PrincipalComponents(2)(points), abs=1e-9)


def test_rounding_is_no_component():
    line = np.arange(20.0)[:, None] * np.random.default_rng(0).normal(size=(1, 50))
    for dtype in (np.float32, np.float64):
        assert PrincipalComponents(5)(line.astype(dtype)).shape == (20, 1)
        assert PrincipalComponents(5)(line.T.astype(dtype)).shape == (50, 1)
    faint = cloud(500, 3, 0) * np.array([1.0, 1e-2, 1e-4])
    assert PrincipalComponents(5)(faint).shape == (500, 3)


def test_a_tie_behind_the_last_component_asked_for_is_reported_too():
    corners = np.array([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    with pytest.warns(GeomsimWarning, match="components 2 and 3 have equal variance"):
        PrincipalComponents(2)(corners)
    assert PrincipalComponents(1)(corners).ravel().tolist() == [2.0, -2.0, 0.0, 0.0, 0.0, 0.0]
