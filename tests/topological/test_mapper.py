"""Mapper graphs against shapes whose graph is known, and against kmapper and scikit-learn themselves."""

from __future__ import annotations

import warnings

import kmapper
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, KMeans

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_topological import mapper
from geomsim_topological.clusters.neighbour_scale import knee


def circle(n, centre=0.0):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([np.cos(angle) + centre, np.sin(angle)])


def loops(graph):
    return len(graph.edges) - len(graph.nodes) + graph.components


def cloud(n, width, seed):
    return np.random.default_rng(seed).normal(size=(n, width)) * np.linspace(2, 1, width)


def as_sets(graph):
    return {frozenset(rows.tolist()) for rows in graph.nodes.values()}


def kmapper_graph(points, values, n, overlap, clusterer):
    return kmapper.KeplerMapper(verbose=0).map(
        values, points, cover=kmapper.Cover(n, overlap), clusterer=clusterer, nerve=kmapper.GraphNerve()
    )


def test_circle_is_one_loop_of_18_nodes():
    points = circle(2000)
    graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(10, 0.3), mapper.Dbscan(0.05, 3))
    assert (len(graph.nodes), len(graph.edges), graph.components, loops(graph)) == (18, 18, 1, 1)
    assert len(graph.noise) == 0
    theirs = kmapper_graph(points, points[:, :1], 10, 0.3, DBSCAN(eps=0.05, min_samples=3))
    assert as_sets(graph) == {frozenset(rows) for rows in theirs["nodes"].values()}


def test_circle_needs_no_tuning_of_eps():
    points = circle(2000)
    graph = mapper.mapper_graph(points, lambda cloud: cloud[:, 0], mapper.Cubes(10, 0.3))
    assert (len(graph.nodes), graph.components, loops(graph)) == (18, 1, 1)
    assert graph.eps == pytest.approx(2 * np.sin(np.pi / 2000), rel=1e-5)  # one step along the circle


def test_two_circles_figure_eight_and_y_tree():
    apart = np.concatenate([circle(1000), circle(1000, centre=5.0)])
    graph = mapper.mapper_graph(apart, apart[:, 1], mapper.Cubes(10, 0.3), mapper.Dbscan(0.05))
    assert (graph.components, loops(graph)) == (2, 2)
    eight = np.concatenate([circle(1000, -1.0), circle(1000, 1.0)])
    graph = mapper.mapper_graph(eight, eight[:, 0], mapper.Cubes(15, 0.3), mapper.Dbscan(0.05))
    assert (graph.components, loops(graph)) == (1, 2)
    steps = np.linspace(0, 1, 300)[:, None]
    tree = np.concatenate([steps * arm for arm in ([0.0, -1.0], [0.7, 0.7], [-0.7, 0.7])])
    graph = mapper.mapper_graph(tree, tree[:, 1], mapper.Cubes(10, 0.3), mapper.Dbscan(0.05))
    degrees = np.bincount(graph.edges.ravel())
    assert (graph.components, loops(graph), int((degrees == 1).sum())) == (1, 0, 3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dictionary_equals_that_of_kmapper_on_random_data(seed):
    points = cloud(300, 3, seed)
    clusterer = DBSCAN(eps=0.7, min_samples=3)
    ours = mapper.mapper_graph(points, points[:, :2], mapper.Cubes(6, 0.4), clusterer)
    theirs = kmapper_graph(points, points[:, :2], 6, 0.4, clusterer)
    assert len(ours.nodes) > 20
    assert ours.to_kmapper() == theirs
    again = mapper.MapperGraph.from_kmapper(theirs, n_rows=300)
    assert again.to_kmapper() == theirs
    assert (again.incidence != ours.incidence).nnz == 0
    assert ours.edges.tolist() == again.edges.tolist()


def test_networkx_carries_rows_and_shared_rows():
    points = cloud(200, 3, 0)
    graph = mapper.mapper_graph(points, cover=mapper.Cubes(5))
    found = graph.to_networkx()
    assert found.number_of_nodes() == len(graph.nodes)
    assert found.number_of_edges() == len(graph.edges)
    for first, second, weight in found.edges(data="weight"):
        assert weight == len(set(graph.nodes[first]) & set(graph.nodes[second]))


@given(st.integers(0, 10_000), st.integers(2, 5), st.floats(0.2, 1.5))
@settings(max_examples=40)
def test_clusters_are_those_of_scikit_learn_up_to_border_rows(seed, min_samples, eps):
    points = np.random.default_rng(seed).normal(size=(50, 2))
    ours = mapper.Dbscan(eps, min_samples).resolve(points, []).fit_predict(points)
    theirs = DBSCAN(eps=eps, min_samples=min_samples).fit(points)
    core = theirs.core_sample_indices_
    assert np.array_equal(ours == -1, theirs.labels_ == -1)
    pairs = set(zip(ours[core].tolist(), theirs.labels_[core].tolist(), strict=True))
    assert len(pairs) == len(set(ours[core])) == len(set(theirs.labels_[core]))
    for row in np.setdiff1d(np.flatnonzero(ours >= 0), core):
        distances = cdist(points[[row]], points[core])[0]
        assert ours[row] == ours[core[distances.argmin()]]


def test_border_row_goes_to_the_nearest_core_row_whatever_the_order():
    # Two dense clumps, and one row between them that reaches the end of both: .55 to the left, .54 to the right.
    line = np.array([-0.06, -0.04, -0.02, 0.0, 0.55, 1.09, 1.11, 1.13, 1.15])[:, None]
    dbscan = mapper.Dbscan(0.555, 4)
    for order in (np.arange(9), np.arange(9)[::-1], np.random.default_rng(0).permutation(9)):
        labels = np.empty(9, dtype=int)
        labels[order] = dbscan.resolve(line, []).fit_predict(line[order])
        assert labels[4] == labels[5] != labels[3]
    # scikit-learn lets the order decide.
    sklearn = DBSCAN(eps=0.555, min_samples=4)
    forward, backward = sklearn.fit_predict(line), sklearn.fit_predict(line[::-1])[::-1]
    assert (forward[4] == forward[5]) != (backward[4] == backward[5])


grids = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.integers(0, 6)] * width), min_size=6, max_size=40).map(
        lambda rows: np.array(rows, dtype=np.float64)
    )
)


@given(grids, st.integers(0, 1000), st.integers(1, 6))
@settings(max_examples=150)
def test_the_order_of_the_rows_changes_nothing(points, seed, n_cubes):
    # Whole numbers make ties everywhere: equal rows, equal distances, rows on the edges of cubes.
    order = np.random.default_rng(seed).permutation(len(points))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        try:
            graph = mapper.mapper_graph(points, cover=mapper.Cubes(n_cubes))
        except DegenerateSpace:
            with pytest.raises(DegenerateSpace):
                mapper.mapper_graph(points[order], cover=mapper.Cubes(n_cubes))
            return
        moved = mapper.mapper_graph(points[order], cover=mapper.Cubes(n_cubes))
    assert moved.names == graph.names
    assert (moved.incidence != graph.incidence[order]).nnz == 0


@pytest.mark.parametrize("seed", range(5))
def test_rotated_moved_and_scaled_copies_have_the_same_nodes(seed):
    points = cloud(150, 6, seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    there = mapper.mapper_graph(points, cover=mapper.Cubes(5))
    back = mapper.mapper_graph(points @ rotation * 3.7 + 11.0, cover=mapper.Cubes(5))
    assert as_sets(there) == as_sets(back)
    assert back.eps == pytest.approx(3.7 * there.eps)


def test_component_signs_follow_the_longer_tail():
    points = np.column_stack([np.random.default_rng(0).exponential(size=300) * 3, cloud(300, 1, 1)[:, 0]])
    lens = mapper.PrincipalComponents(2)
    scores, turned = lens(points), lens(-points)
    assert (np.sum(scores**3, axis=0) > 0).all()
    assert np.sum(turned**3, axis=0) == pytest.approx(np.sum(scores**3, axis=0))
    centred = points - points.mean(0)
    assert np.square(scores).sum(0) == pytest.approx(np.linalg.svd(centred, compute_uv=False) ** 2)


def test_components_of_equal_variance_are_reported():
    with pytest.warns(GeomsimWarning, match="components 1 and 2 have equal variance"):
        mapper.PrincipalComponents(2)(circle(100))


def test_components_stop_at_the_rank():
    line = np.arange(20.0)[:, None] * np.array([[1.0, 2.0, 3.0]])
    assert mapper.PrincipalComponents(2)(line).shape == (20, 1)
    assert mapper.PrincipalComponents(2)(line.astype(np.float32).astype(np.float64) / 3).shape == (20, 1)
    with pytest.raises(DegenerateSpace, match="all rows are equal"):
        mapper.mapper_graph(np.full((20, 3), 0.1))


def test_knee_is_farthest_below_the_chord():
    assert knee(np.array([2.0, 2.0, 2.0])) == 2.0
    assert knee(np.array([1.0, 2.0, 3.0, 4.0])) == 4.0  # a straight curve has none: take in all
    x = np.linspace(0, 1, 100_001)
    assert knee(x**4) == pytest.approx(0.25 ** (4 / 3), abs=1e-4)  # slope 1 at x = (1/4)^(1/3)
    assert knee(7.0 * x**4 + 3.0) == pytest.approx(7.0 * 0.25 ** (4 / 3) + 3.0, abs=1e-3)


def test_copies_of_rows_do_not_shrink_the_knee():
    points = cloud(60, 2, 0)
    graph = mapper.mapper_graph(np.repeat(points, 4, axis=0), cover=mapper.Cubes(3))
    assert graph.eps > 0.1
    assert len(graph.noise) == 0


def test_noise_is_listed():
    points = np.concatenate([circle(200), [[5.0, 5.0]]])
    graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(3), mapper.Dbscan(0.1))
    assert graph.noise.tolist() == [200]
    nothing = mapper.mapper_graph(points, points[:, 0], clusterer=mapper.Dbscan(1e-6))
    assert (len(nothing.nodes), len(nothing.edges), nothing.components, len(nothing.noise)) == (0, 0, 0, 201)
    assert nothing.to_kmapper()["nodes"] == {}


def test_other_clusterers_are_used_as_they_are():
    points = cloud(100, 2, 0)
    graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(4), KMeans(2, n_init=1, random_state=0))
    assert len(graph.nodes) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mapper.Cubes(0), "at least 1 cube"),
        (lambda: mapper.Cubes(5, 1.0), "from 0 to below 1, got 1.0"),
        (lambda: mapper.Dbscan("elbow"), "eps is a distance or 'knee', got 'elbow'"),
        (lambda: mapper.Dbscan(0.0), "positive distance"),
        (lambda: mapper.Dbscan(1.0, 0), "min_samples is at least 1"),
        (lambda: mapper.PrincipalComponents(0), "components is at least 1"),
        (lambda: mapper.mapper_graph(circle(9), np.arange(8.0)), r"for 9 rows, got an array of shape \(8, 1\)"),
        (lambda: mapper.mapper_graph(circle(9), np.full(9, np.nan)), "not finite on 9 rows, first on row 0"),
        (lambda: mapper.mapper_graph(circle(9), np.ones(9)), "lens column 0 is the same on all 9 rows"),
        (lambda: mapper.mapper_graph(np.eye(4), np.arange(4.0)), "no distances to find eps in: use fewer cubes"),
        (lambda: mapper.mapper_graph([[np.nan]]), "NaN|finite"),
        (lambda: mapper.MapperGraph.from_kmapper({"nodes": {"a": [7]}}, n_rows=5), "names row 7, but there are 5 rows"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()


def test_a_cover_set_of_any_size_is_clustered():
    # All distances of this set would take 28 GB.
    points = np.random.default_rng(0).uniform(size=(60_000, 2)).astype(np.float32)
    graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(1), mapper.Dbscan(0.02, 3))
    assert (len(graph.nodes), len(graph.noise)) == (1, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_built_in_dbscan_has_the_nodes_and_edges_of_kmapper(dtype, seed):
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0, 2 * np.pi, 3000)
    points = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((3000, 14))]) + generator.normal(
        scale=0.02, size=(3000, 16)
    )
    points = points.astype(dtype)
    ours = mapper.mapper_graph(points, points[:, :2], mapper.Cubes(12, 0.3), mapper.Dbscan(0.2, 2)).to_kmapper()
    # With two samples there are no border rows, so nothing depends on the order of the rows.
    theirs = kmapper_graph(points, points[:, :2], 12, 0.3, DBSCAN(eps=0.2, min_samples=2))
    their_names = {frozenset(rows): name for name, rows in theirs["nodes"].items()}
    assert len(their_names) > 30
    assert {frozenset(rows) for rows in ours["nodes"].values()} == set(their_names)
    renamed = {name: their_names[frozenset(rows)] for name, rows in ours["nodes"].items()}
    assert {name.split("_")[0] for name in renamed} == {name.split("_")[0] for name in renamed.values()}
    assert {frozenset(renamed[name] for name in one) for one in ours["simplices"]} == {
        frozenset(one) for one in theirs["simplices"]
    }


class Odd:
    """A clusterer with fit and labels_ alone, labels with holes, and one way to be wrong."""

    def __init__(self, wrong=False):
        self.wrong = wrong

    def fit(self, points):
        self.dtype = points.dtype
        labels = np.where(points[:, 1] > 0, 7.0, 1_000_000_000)
        self.labels_ = labels[1:] if self.wrong else np.where(points[:, 1] > 1, np.nan, labels)
        return self


def test_clusterers_with_labels_of_their_own():
    points = cloud(100, 2, 0).astype(np.float32)
    clusterer = Odd()
    graph = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(1), clusterer)
    assert clusterer.dtype == np.float32
    assert graph.names == ("cube0_cluster7", "cube0_cluster1000000000")
    assert set(graph.noise) == set(np.flatnonzero(points[:, 1] > 1))
    assert set(graph.nodes["cube0_cluster7"]) == set(np.flatnonzero((points[:, 1] > 0) & (points[:, 1] <= 1)))


class Fixed:
    """A cover that gives the sets it was made with."""

    def __init__(self, *sets, uses="points"):
        self.given, self.uses = sets, uses

    def __str__(self):
        return "Fixed"

    def sets(self, values):
        self.values = values
        return [np.array(rows, dtype=int) for rows in self.given]


def test_covers_of_points_need_no_lens():
    points = cloud(10, 3, 0).astype(np.float32)
    cover = Fixed([0, 1, 2], [], [2, 3])
    graph = mapper.mapper_graph(points, None, cover, mapper.Dbscan(100.0, 1))
    assert cover.values.dtype == np.float32
    assert graph.names == ("cube0_cluster0", "cube1_cluster0")
    assert graph.edges.tolist() == [[0, 1]]
    assert graph.noise.tolist() == list(range(4, 10))
    assert (graph.meta_data["n_cubes"], graph.meta_data["perc_overlap"]) == ("Fixed", "none")


def test_a_cover_without_rows_gives_a_graph_without_nodes():
    graph = mapper.mapper_graph(np.eye(3), None, Fixed([], []), mapper.Dbscan(1.0))
    assert (len(graph.nodes), graph.noise.tolist()) == (0, [0, 1, 2])
    with pytest.raises(DegenerateSpace, match="no distances to find eps in"):
        mapper.mapper_graph(np.eye(3), None, Fixed([], []))
    assert len(mapper.mapper_graph(np.eye(3), None, Fixed(), KMeans(2)).nodes) == 0


def test_all_noise_and_all_one_node():
    points = cloud(300, 3, 0)
    tiny = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(1), mapper.Dbscan(1e-300, 2))
    assert (len(tiny.nodes), len(tiny.noise)) == (0, 300)
    huge = mapper.mapper_graph(points, points[:, 0], mapper.Cubes(1), mapper.Dbscan(1e300, 300))
    assert (len(huge.nodes), len(huge.edges), len(huge.noise)) == (1, 0, 0)
    assert len(mapper.mapper_graph(points, points[:, 0], mapper.Cubes(1), mapper.Dbscan(1e300, 301)).nodes) == 0


def test_one_row():
    cover = Fixed([0])
    assert len(mapper.mapper_graph([[1.0, 2.0]], None, cover, mapper.Dbscan(1.0, 1)).nodes) == 1
    assert mapper.mapper_graph([[1.0, 2.0]], None, cover, mapper.Dbscan(1.0, 2)).noise.tolist() == [0]
    assert len(mapper.mapper_graph([[1.0, 2.0]], None, cover, mapper.SingleLinkage()).nodes) == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64])
def test_any_dtype_of_points(dtype):
    points = torch.arange(8)[:, None].to(dtype)
    graph = mapper.mapper_graph(points, np.arange(8.0), mapper.Cubes(2, 0.3), mapper.Dbscan(1.0, 2))
    assert (len(graph.nodes), len(graph.noise)) == (2, 0)


def test_rows_read_backwards_and_frozen_points():
    points = cloud(200, 3, 0)
    expected = as_sets(mapper.mapper_graph(points[::-1].copy(), points[::-1, 0], mapper.Cubes(4), mapper.Dbscan(1.0)))
    assert as_sets(mapper.mapper_graph(points[::-1], points[::-1, 0], mapper.Cubes(4), mapper.Dbscan(1.0))) == expected
    frozen = np.asfortranarray(points[::-1])
    frozen.flags.writeable = False
    assert as_sets(mapper.mapper_graph(frozen, frozen[:, 0], mapper.Cubes(4), mapper.Dbscan(1.0))) == expected


@pytest.mark.parametrize(
    ("cover", "clusterer", "message"),
    [
        (Fixed([0, 1], uses="lens"), mapper.Dbscan(1.0), "Fixed cuts the values of a lens, and there is none"),
        (Fixed([0, 3]), mapper.Dbscan(1.0), "set 0 of Fixed does not hold rising row numbers from 0 to 2"),
        (Fixed([0, 1], [], [1, 1]), mapper.Dbscan(1.0), "set 1 of Fixed does not hold rising"),
        (Fixed([2, 0]), mapper.Dbscan(1.0), "set 0 of Fixed does not hold rising"),
        (Fixed([-1, 0]), mapper.Dbscan(1.0), "set 0 of Fixed does not hold rising"),
        (Fixed([[0, 1]]), mapper.Dbscan(1.0), "set 0 of Fixed does not hold rising"),
        (Fixed([0, 1, 2]), Odd(wrong=True), r"gave labels of shape \(2,\) for 3 rows"),
        (Fixed([0, 1, 2]), object(), "is no clusterer: it needs fit_predict"),
    ],
)
def test_covers_and_clusterers_of_other_makers_are_checked(cover, clusterer, message):
    with pytest.raises(GeomsimError, match=message):
        mapper.mapper_graph(np.eye(3), None, cover, clusterer)
