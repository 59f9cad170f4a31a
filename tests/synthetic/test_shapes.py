"""The invariants of planted shapes, each by a means that the source does not use."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import pdist, squareform

from geomsim.errors import InvalidConfig
from geomsim_synthetic import Planted, TwoModels, preset, two_models
from geomsim_synthetic.generator import from_setting
from geomsim_synthetic.shapes import shape, tree_parents

SIZES: list[tuple[Any, Any]] = [
    ("circle", 4), ("circle", 7), ("circle", 24), ("torus", (6, 6)), ("torus", (8, 9)), ("simplex", 3),
    ("simplex", 9), ("tree", (2, 3)), ("tree", (3, 2)), ("grid", (2, 2)), ("grid", (5, 4)),
]  # fmt: skip


def rank_over_two(columns: list[int]) -> int:
    """Rank over GF(2); a column is a whole number whose bits are its entries."""
    pivots: dict[int, int] = {}
    for column in columns:
        while column:
            lead = column.bit_length()
            if lead not in pivots:
                pivots[lead] = column
                break
            column ^= pivots[lead]
    return len(pivots)


def betti_numbers(points: NDArray[np.float64], scale: float, n: int) -> tuple[int, ...]:
    """The first `n` Betti numbers of the Vietoris-Rips complex: ranks of the boundary matrices over GF(2)."""
    near = squareform(pdist(points)) <= scale
    simplices: list[list[tuple[int, ...]]] = [[(i,) for i in range(len(points))]]
    for _ in range(n):
        simplices.append(
            [
                (*face, j)
                for face in simplices[-1]
                for j in range(face[-1] + 1, len(points))
                if bool(near[j, list(face)].all())
            ]
        )
    ranks = [0]
    for faces, cells in pairwise(simplices):
        place = {face: bit for bit, face in enumerate(faces)}
        boundaries = [sum(2 ** place[face] for face in combinations(cell, len(cell) - 1)) for cell in cells]
        ranks.append(rank_over_two(boundaries))
    return tuple(len(simplices[k]) - ranks[k] - ranks[k + 1] for k in range(n))


def test_the_reference_knows_a_sphere() -> None:
    octahedron = np.vstack([np.eye(3), -np.eye(3)])
    assert betti_numbers(octahedron, 1.5, 3) == (1, 0, 1)


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_betti_numbers_of_the_rows(name: Any, size: Any) -> None:
    planted = shape(name, size)
    assert planted.rips_scale is not None
    assert betti_numbers(planted.coordinates, planted.rips_scale, len(planted.betti)) == planted.betti
    assert np.linalg.norm(planted.coordinates, axis=1).max() == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "size"), [("circle", 24), ("torus", (6, 6)), ("grid", (5, 4))])
def test_betti_numbers_by_ripser(name: Any, size: Any) -> None:
    import ripser

    planted = shape(name, size)
    assert planted.rips_scale is not None
    diagrams = ripser.ripser(planted.coordinates, maxdim=len(planted.betti) - 1)["dgms"]
    alive = [int(((bars[:, 0] <= planted.rips_scale) & (bars[:, 1] > planted.rips_scale)).sum()) for bars in diagrams]
    assert tuple(alive) == planted.betti


def test_no_scale_is_claimed_for_a_torus_that_is_too_long() -> None:
    assert shape("torus", (4, 20)).rips_scale is None


@pytest.mark.parametrize("n", [3, 4, 12])
def test_a_simplex_is_equidistant(n: int) -> None:
    planted = shape("simplex", n)
    assert planted.equal_distance is not None
    np.testing.assert_allclose(pdist(planted.coordinates), planted.equal_distance)
    np.testing.assert_allclose(np.linalg.norm(planted.coordinates, axis=1), 1.0)
    assert planted.coordinates.shape[1] == n - 1


@pytest.mark.parametrize("size", [(2, 3), (3, 2), (1, 5)])
def test_squared_distances_of_a_tree_are_path_lengths(size: tuple[int, int]) -> None:
    planted = shape("tree", size)
    assert planted.tree_lengths is not None
    parents = tree_parents(*size)
    edges = np.zeros((len(parents), len(parents)))
    edges[np.arange(1, len(parents)), parents[1:]] = 1.0
    paths = shortest_path(edges, directed=False)
    squared = squareform(pdist(planted.coordinates, "sqeuclidean"))
    np.testing.assert_allclose(squared / planted.tree_lengths, paths, atol=1e-9)
    for i, j, k, m in combinations(range(len(parents)), 4):
        sums = sorted([squared[i, j] + squared[k, m], squared[i, k] + squared[j, m], squared[i, m] + squared[j, k]])
        assert sums[2] == pytest.approx(sums[1])


def test_a_circle_breaks_the_four_point_condition() -> None:
    squared = squareform(pdist(shape("circle", 8).coordinates, "sqeuclidean"))
    sums = sorted([squared[0, 2] + squared[4, 6], squared[0, 4] + squared[2, 6], squared[0, 6] + squared[2, 4]])
    assert sums[2] > sums[1] + 0.1


@pytest.fixture(scope="module")
def shapes() -> TwoModels:
    return from_setting(preset("shapes"), n_tokens=100)


@pytest.mark.parametrize("side", ["left", "right"])
def test_both_networks_have_the_shapes(shapes: TwoModels, side: str) -> None:
    directions = getattr(shapes, side).directions
    assert [group.shape for group in shapes.truth.groups] == ["circle", "torus", "simplex", "tree", "grid"]
    for group in shapes.truth.groups:
        rows = directions[list(getattr(group, f"{side}_rows"))]
        betti = getattr(group, f"{side}_betti")
        assert group.rips_scale is not None
        assert betti_numbers(rows, group.rips_scale, len(betti)) == betti
        if group.equal_distance:
            np.testing.assert_allclose(pdist(rows), group.equal_distance)
        if group.tree_lengths:
            lengths = pdist(rows, "sqeuclidean") / group.tree_lengths
            np.testing.assert_allclose(lengths, lengths.round(), atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "layer"), [({"geometry_noise": 0.75}, 0), ({"layers": 3, "drift": 0.75}, 2)], ids=["noise", "drift"]
)
@pytest.mark.parametrize("width", [48, 49])
def test_shapes_turn_as_a_whole(changes: dict[str, Any], layer: int, width: int) -> None:
    structures = (*preset("shapes").structures, Planted("circle", 9, where="right"))
    setting = replace(preset("shapes"), n_tokens=10, width=width, structures=structures, **changes)
    before = from_setting(replace(setting, geometry_noise=0.0))
    after = from_setting(setting).at_layer(layer)
    assert after.truth.layer == layer
    for group, same in zip(after.truth.groups, before.truth.groups, strict=True):
        assert group == same
        for side in ("left", "right"):
            rows = list(getattr(group, f"{side}_rows"))
            old, new = (getattr(two, side).directions[rows] for two in (before, after))
            np.testing.assert_allclose(new @ new.T, old @ old.T, atol=1e-12)
            has_turned = layer > 0 or (group.place == "both" and side == "right")
            cosine = np.cos(max(layer, 1) * np.arctan(0.75)) if has_turned else 1.0
            np.testing.assert_allclose((new * old).sum(axis=1), cosine * (old**2).sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("width", [32, 33])
def test_a_loop_and_its_counterpart_have_one_covariance_at_every_layer(width: int) -> None:
    two = from_setting(preset("loop"), n_tokens=10, width=width, layers=3, drift=0.5).at_layer(2)
    group = two.truth.groups[0]
    left, right = two.left.directions[list(group.left_rows)], two.right.directions[list(group.right_rows)]
    assert two.rotation is not None
    np.testing.assert_allclose(np.cov((left @ two.rotation).T), np.cov(right.T), atol=1e-12)
    assert np.abs(left @ two.rotation - right).max() > 0.1


def test_a_shape_that_cannot_turn() -> None:
    tree = Planted("tree", (2, 2))
    options: dict[str, Any] = {"n_features": 20, "n_tokens": 10, "mean_active": 2.0, "structures": (tree,)}
    two_models(width=7, **options)
    two_models(width=8, geometry_noise=0.1, **options)
    turning: list[dict[str, Any]] = [{"geometry_noise": 0.1}, {"drift": 0.1, "layers": 2}]
    for changes in turning:
        with pytest.raises(InvalidConfig, match=r"lies in 7 dimensions.*width 7, an odd number.*wider by one"):
            two_models(width=7, **options, **changes)


def test_only_topology_tells_a_loop_from_its_counterpart() -> None:
    two = from_setting(preset("loop"), n_tokens=100)
    group = two.truth.groups[0]
    assert (group.left_betti, group.right_betti) == ((1, 1), ())
    left = two.left.directions[list(group.left_rows)]
    right = two.right.directions[list(group.right_rows)]
    # What a metric of covariances sees is the same to the last digit.
    assert two.rotation is not None
    np.testing.assert_allclose((left @ two.rotation).mean(axis=0), right.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov((left @ two.rotation).T), np.cov(right.T), atol=1e-12)
    spectra = [np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) for rows in (left, right)]
    np.testing.assert_allclose(spectra[0], spectra[1], atol=1e-12)
    # A circle of radius 1 is a loop up to a scale of sqrt(3); the holes between the counterpart's rows are small.
    for scale in (1.0, 1.3):
        assert betti_numbers(left, scale, 2) == (1, 1)
        assert betti_numbers(right, scale, 2)[1] == 0
    assert two.truth.population == {}


@pytest.mark.parametrize("where", ["left", "right"])
def test_a_shape_of_one_network_alone(where: Any) -> None:
    two = two_models(
        n_features=60, width=16, n_tokens=100, mean_active=4, structures=(Planted("circle", 9, where=where),)
    )
    group = two.truth.groups[0]
    other = "right" if where == "left" else "left"
    assert getattr(group, f"{other}_rows") == getattr(group, f"{other}_betti") == ()
    rows = getattr(two, where).directions[list(getattr(group, f"{where}_rows"))]
    assert betti_numbers(rows, group.rips_scale or 0.0, 2) == (1, 1)
    assert set(getattr(group, f"{where}_rows")) <= set(getattr(two.truth, where).absent)


def test_independent_networks_keep_planted_shapes() -> None:
    two = two_models(
        60, 1.0, 16, 100, 4.0, geometry="independent", structures=(Planted("circle", 9),)
    )  # fmt: skip
    group = two.truth.groups[0]
    for network, rows in ((two.left, group.left_rows), (two.right, group.right_rows)):
        np.testing.assert_allclose(pdist(network.directions[list(rows)]), pdist(shape("circle", 9).coordinates))
    assert two.rotation is None
    assert two.truth.population == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"n_features": 20, "structures": (Planted("circle", 12),)},
            r"structures in both networks need 12 features \(12 for planted geometry\), but there are 10 shared ones",
        ),
        (
            {"n_features": 20, "structures": (Planted("circle", 8, where="left"), Planted("circle", 8, where="left"))},
            r"structures in the left network alone need 16 features .* there are 10 own ones",
        ),
        (
            {"n_features": 200, "width": 8, "structures": (Planted("tree", (3, 2)),)},
            r"structures\[0\]: a planted tree of size \(3, 2\) lies in 13 dimensions, but .* has width 8",
        ),
        ({"structures": ("circle",)}, r"structures\[0\] is a str; CorrelatedGroup, Hierarchy and Planted are known"),
    ],
)
def test_more_geometry_than_room(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        two_models(**{"n_tokens": 10, "mean_active": 2.0, **options})
