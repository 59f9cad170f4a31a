"""Denoising against its definition, and what it is for: a loop certified that was not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from geomsim import GeomsimWarning, InvalidConfig, InvalidSpace, Space
from geomsim_topological import denoising as module
from geomsim_topological.denoising import knn_mean, reduce_by_pca
from geomsim_topological.persistence import diagram


def noisy_circle(noise, rows=1500, width=128):
    random = np.random.default_rng(0)
    turn = random.uniform(0, 2 * np.pi, rows)
    points = noise * random.normal(size=(rows, width))
    points[:, 0] += np.cos(turn)
    points[:, 1] += np.sin(turn)
    return points


@pytest.mark.parametrize("k", [1, 2, 7, 60])
def test_means_of_near_rows(k, monkeypatch):
    points = np.random.default_rng(1).normal(size=(60, 5)) + 100
    near = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(points, return_distance=False)
    expected = points[near].mean(axis=1)
    assert knn_mean(points, k) == pytest.approx(expected, abs=1e-10)
    monkeypatch.setattr(module, "_TILE", 130)
    assert knn_mean(Space(points), k) == pytest.approx(expected, abs=1e-10)


def test_equally_far_rows_count_in_order():
    points = np.array([[0.0], [1.0], [-1.0], [5.0], [0.0]])
    assert knn_mean(points, 1).ravel().tolist() == points.ravel().tolist()
    assert knn_mean(points, 3)[0].tolist() == [pytest.approx(1 / 3)]
    assert knn_mean(points, 4)[0].tolist() == [pytest.approx(0.0)]


@pytest.mark.parametrize("shape", [(50, 6), (8, 20), (20, 20)])
def test_principal_components(shape):
    points = np.random.default_rng(2).normal(size=shape) * np.arange(1, shape[1] + 1) + 7
    for components in (1, 3, 5):
        found = reduce_by_pca(points, components)
        expected = PCA(components, svd_solver="full").fit_transform(points)
        assert np.abs(found) == pytest.approx(np.abs(expected), abs=1e-9)
        assert pdist(found) == pytest.approx(pdist(expected), abs=1e-9)
        assert (pdist(found) <= pdist(points) + 1e-9).all()
    everything = reduce_by_pca(points, shape[1])
    assert everything.shape == shape
    assert pdist(everything) == pytest.approx(pdist(points), abs=1e-8)


def test_signs_are_fixed():
    points = np.random.default_rng(3).normal(size=(40, 4)) * [4, 3, 2, 1]
    assert reduce_by_pca(points[::-1], 3)[::-1] == pytest.approx(reduce_by_pca(points, 3))


def test_a_tie_at_the_border_is_told():
    turn = 2 * np.pi * np.arange(12) / 12
    circle = np.column_stack([np.cos(turn), np.sin(turn), 0.1 * np.cos(5 * turn)])
    with pytest.warns(GeomsimWarning, match="principal components 1 and 2 have equal variance"):
        reduce_by_pca(circle, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reduce_by_pca(circle, 2)
        reduce_by_pca(np.ones((4, 3)), 2)


def test_a_loop_in_many_dimensions_becomes_certified():
    points = noisy_circle(0.08)
    before = diagram(points, landmarks=150)
    means, plane = knn_mean(points, 25), reduce_by_pca(points, 3)
    both = knn_mean(plane, 25)
    radii = [diagram(cloud, landmarks=150).covering_radius for cloud in (points, means, plane, both)]
    assert not before.certified.any()
    assert radii[1] < 0.5 * radii[0]
    assert radii[2] < 0.5 * radii[0]
    assert radii[3] < min(radii[1:3])
    for cloud in (means, both):
        found = diagram(cloud, landmarks=150)
        assert found.certified.sum() == 1
        assert found.bars[0, 1] == pytest.approx(3**0.5, abs=0.15)


def test_no_loop_is_made_where_there_is_none():
    points = np.random.default_rng(4).normal(size=(600, 30))
    assert not diagram(knn_mean(points, 10), landmarks=80).certified.any()
    assert not diagram(reduce_by_pca(points, 3), landmarks=80).certified.any()


def test_what_cannot_be_done_is_refused():
    points = np.zeros((5, 3))
    for k in (0, 6, 2.0, True):
        with pytest.raises(InvalidConfig, match=r"k is how many rows are averaged, .* from 1 to 5 as there are 5 rows"):
            knn_mean(points, k)
    for components in (0, 4, 1.5):
        with pytest.raises(
            InvalidConfig, match=r"components is how many directions are kept, from 1 to 3 as there are 3"
        ):
            reduce_by_pca(points, components)
    for denoise in (knn_mean, reduce_by_pca):
        with pytest.raises(InvalidSpace):
            denoise([[np.nan]], 1)


def test_a_row_is_the_nearest_to_itself():
    points = np.concatenate([1e-4 * np.random.default_rng(6).normal(size=(40, 2)) + 1e5, np.zeros((1, 2))])
    assert knn_mean(points, 1) == pytest.approx(points, rel=0, abs=1e-10)


def test_a_far_origin_costs_few_digits():
    points = np.random.default_rng(5).normal(size=(80, 3))
    assert knn_mean(points + 1e6, 5) - 1e6 == pytest.approx(knn_mean(points, 5), abs=1e-8)
    assert cdist(reduce_by_pca(points + 1e6, 2), [[0.0, 0.0]]) == pytest.approx(
        cdist(reduce_by_pca(points, 2), [[0.0, 0.0]]), abs=1e-7
    )
