from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.decomposition import PCA

from geomsim import GeomsimError, Space
from geomsim.report.views import layouts
from geomsim.report.views.layouts import umap_layout


def groups(n=25, width=6, seed=0):
    """Rows in four directions with a little noise, and which direction each has."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(4), n)
    return np.eye(width)[of] + 0.05 * random.normal(size=(4 * n, width)), of


def test_neighbours_on_the_map_are_neighbours_in_the_space_and_the_seed_decides_all():
    points, of = groups()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = umap_layout(Space(points))
    assert found.words == "UMAP, cosine distance, 15 neighbours, seed 0"
    assert found.places.dtype == np.float64
    assert found.places.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert nearest(found.places, 5, of).all()
    assert umap_layout(Space(points)).places.tobytes() == found.places.tobytes()
    assert umap_layout(Space(points), seed=1).places.tobytes() != found.places.tobytes()
    # The order of the rows is not seen, nor is their length, where directions count.
    order = np.random.default_rng(0).permutation(len(points))
    assert umap_layout(Space(points[order])).places == pytest.approx(found.places[order], abs=1e-9)
    assert umap_layout(Space(points * 2.0**600)).places.tobytes() == found.places.tobytes()
    assert umap_layout(Space(points * 2.0**-600)).places.tobytes() == found.places.tobytes()


def test_euclidean_maps_see_length_and_no_offset():
    points, of = groups()
    lengths = np.where(np.arange(len(points)) % 2, 1.0, 30.0)
    far = umap_layout(Space(points * lengths[:, None]), metric="euclidean", neighbours=8)
    assert far.words == "UMAP, euclidean distance, 8 neighbours, seed 0"
    assert nearest(far.places, 1, lengths == 30).mean() > 0.9
    # As float32 alone, points so far from 0 would all be one.
    offset = umap_layout(Space(points + 2.0**30), metric="euclidean")
    assert nearest(offset.places, 5, of).all()


def nearest(places, k, of):
    """Whether the nearest rows of each are of its kind."""
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    return of[np.argsort(distances, axis=1)[:, 1 : k + 1]] == of[:, None]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_distances_are_those_that_umap_learn_would_compute(metric):
    from umap.distances import named_distances

    rows = np.random.default_rng(1).normal(size=(30, 6)).astype(np.float32)
    rows[7] = 3 * rows[8]
    found = layouts._distances(rows, metric)
    assert (found == found.T).all()
    assert (found >= 0).all()
    assert (np.diag(found) == 0).all()
    by_umap = [[named_distances[metric](one, other) for other in rows] for one in rows]
    assert found == pytest.approx(np.array(by_umap), abs=2e-6)


def test_equal_rows_and_rows_of_zeros():
    points, _ = groups(n=6)
    points[3] = points[4] = points[0]
    points[[7, 9]] = 0.0
    points[9, 0] = -0.0
    found = umap_layout(Space(points))
    assert found.words == (
        "UMAP, cosine distance, 15 neighbours, seed 0; 2 rows lie on the place of an equal one; 2 rows of zeros have "
        "no direction and lie in the middle"
    )
    assert (found.places[[3, 4]] == found.places[0]).all()
    assert (found.places[[7, 9]] == 0).all()
    assert len(np.unique(found.places, axis=0)) == 24 - 2 - 1
    # Zeros are points like others where distances count.
    assert "zeros" not in umap_layout(Space(points), metric="euclidean").words


def test_fewer_rows_than_neighbours():
    points, _ = groups()
    for n in (5, 6, 9):
        found = umap_layout(Space(points[:n]))
        assert np.isfinite(found.places).all()
        assert f"{n - 1} neighbours" in found.words


def test_too_few_different_rows_are_shown_by_their_components():
    points = np.random.default_rng(0).normal(size=(4, 7))
    found = umap_layout(Space(points[[0, 1, 1, 2, 3]]), metric="euclidean")
    assert found.words == (
        "the first two principal components, since only 4 rows differ; 1 row lies on the place of an equal one"
    )
    expected = PCA(2).fit_transform(points)
    ours = found.places[[0, 1, 3, 4]]
    scale = np.linalg.norm(expected) / np.linalg.norm(ours)
    distances = [np.linalg.norm(places[:, None] - places, axis=2) for places in (scale * ours, expected)]
    assert distances[0] == pytest.approx(distances[1], rel=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 6])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_rows_that_are_all_alike(rows, value):
    found = umap_layout(Space(np.full((rows, 5), value)))
    assert (found.places == 0).all()
    assert found.places.shape == (rows, 2)
    assert ("middle" in found.words) == (value == 0)


def test_points_of_one_or_two_columns_are_their_own_map():
    points = np.array([[3.0, 1.0], [2.0, 5.0], [0.0, 0.0]])
    found = umap_layout(Space(points))
    assert found.words == "the points themselves (2 columns)"
    assert (found.places == points).all()
    found = umap_layout(Space(points[:, :1].astype(np.float32)))
    assert found.words == "the points themselves (1 column)"
    assert found.places.tolist() == [[3.0, 0.0], [2.0, 0.0], [0.0, 0.0]]
    found = umap_layout(Space(points * 2.0**900))
    assert found.words == "the points themselves (2 columns), divided by 4.23e+271"
    assert (found.places == points / 5).all()


def test_a_long_layout_tells_how_far_it_is(monkeypatch, capfd):
    told = []

    @contextmanager
    def track(total, what):
        yield lambda step: told.append((total, what, step))

    monkeypatch.setattr(layouts, "track", track)
    monkeypatch.setattr(layouts, "_ALL_DISTANCES", 50)
    points, _ = groups()
    silent = umap_layout(Space(points[:50]))
    assert not told
    assert silent.places.shape == (50, 2)
    umap_layout(Space(points))
    assert {(total, what) for total, what, _ in told} == {(500, "map of 100 rows, rounds")}
    assert sum(step for *_, step in told) > 400
    assert capfd.readouterr() == ("", "")


def test_what_no_map_is_made_of(monkeypatch):
    points, _ = groups()
    with pytest.raises(GeomsimError, match="cosine or euclidean distance, not 'angle'"):
        umap_layout(Space(points), metric="angle")
    for wrong in ({"neighbours": 1}, {"min_dist": 1.5}, {"min_dist": float("nan")}):
        with pytest.raises(GeomsimError, match="at least 2 neighbours and min_dist from 0 to 1, got"):
            umap_layout(Space(points), **wrong)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(GeomsimError, match="pip install umap-learn"):
        umap_layout(Space(points))
