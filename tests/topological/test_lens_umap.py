"""UMAP as a lens: how it calls umap-learn, and that umap-learn then does what the lens promises."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.lenses.lens_umap import Umap


def cloud(n, width, seed):
    return np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(2, 1, width)


@pytest.fixture
def calls(monkeypatch):
    """A package of that name whose embedding is the first columns and the row's place, and what it was called with."""
    seen = []

    class Embedding:
        def __init__(self, **parameters):
            seen.append(parameters)

        def fit_transform(self, rows):
            warnings.warn("a dependency will change", FutureWarning, stacklevel=2)
            return np.column_stack([rows[:, 0], np.arange(len(rows), dtype=np.float32) ** 2])

    package = types.ModuleType("umap")
    package.UMAP = Embedding
    monkeypatch.setitem(sys.modules, "umap", package)
    return seen


def test_different_rows_are_embedded_in_an_order_of_their_own(calls):
    points = np.repeat(cloud(40, 3, 0), 2, axis=0)
    order = np.random.default_rng(0).permutation(80)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, moved = Umap(2, 7, 0.3, seed=5)(points), Umap(2, 7, 0.3, seed=5)(points[order])
    assert np.array_equal(values[order], moved)
    assert np.array_equal(values[::2], values[1::2])
    assert calls[0] == {"n_components": 2, "n_neighbors": 7, "min_dist": 0.3, "random_state": 5, "n_jobs": 1}
    distinct = values[::2]
    assert distinct.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert (np.sum(distinct**3, axis=0) > 0).all()
    assert values.dtype == np.float64


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(GeomsimError, match="pip install umap-learn"):
        Umap()(cloud(40, 3, 0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Umap(0), "components is at least 1"),
        (lambda: Umap(neighbours=1), "neighbours is at least 2"),
        (lambda: Umap(min_distance=2.0), "min_distance is from 0 to 1"),
        (lambda: Umap()(np.repeat(cloud(15, 3, 0), 3, axis=0)), "more than 15 different rows, and there are 15"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()


@pytest.mark.slow  # numba compiles for a minute
def test_the_embedding_is_that_of_umap_learn():
    umap = pytest.importorskip("umap")
    points = np.concatenate([cloud(100, 5, 0), cloud(100, 5, 1) + 9.0]).astype(np.float32)
    points = points[np.argsort(points[:, 0])]  # the order in which the lens hands them on
    order = np.random.default_rng(0).permutation(200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, moved = Umap(seed=3)(points), Umap(seed=3)(points[order])
    assert np.array_equal(values[order], moved)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = umap.UMAP(random_state=3, n_jobs=1).fit_transform(points).astype(np.float64)
    assert np.abs(values) == pytest.approx(np.abs(theirs - theirs.mean(axis=0)), abs=1e-5)
    side = points.sum(axis=1) > 22.5
    assert np.ptp(values[side], axis=0).max() < np.linalg.norm(values[side].mean(0) - values[~side].mean(0))
