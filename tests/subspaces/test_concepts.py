from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geomsim
from geomsim.errors import InvalidConfig, InvalidPairing, InvalidSpace
from geomsim.pairing import Pairing
from geomsim.space import Space
from geomsim.subspaces import paired_prototypes, prototypes


def cloud(n=30, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width))


def blobs(places, per_blob, seed=0, noise=0.01):
    """Rows about each place, and the place of each row."""
    places = np.asarray(places, dtype=float)
    where = np.repeat(np.arange(len(places)), per_blob)
    return places[where] + noise * np.random.default_rng(seed).normal(size=(len(where), places.shape[1])), where


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=6, max_size=6).filter(any))
def test_one_centre_is_the_mean_of_a_concepts_rows(labels):
    points = cloud(6)
    found = prototypes(Space(points), labels)
    assert list(found.ids) == sorted({label for label in labels if label})
    for row, name in enumerate(found.ids):
        rows = [number for number, label in enumerate(labels) if label == name]
        np.testing.assert_allclose(found.points[row], sum(points[rows]) / len(rows), rtol=1e-12)
    assert found.provenance["prototypes"]["left_out"] == labels.count(None)
    assert found.groups is None


def test_what_was_done_stands_in_the_provenance():
    space = Space(cloud(4), name="layer 3", provenance={"model": "m"})
    found = prototypes(space, ["b", None, "a", "b"], seed=5)
    assert found.name == "layer 3"
    assert found.provenance == {
        "model": "m",
        "prototypes": {"centres": 1, "rows": {"a": [1], "b": [2]}, "left_out": 1, "seed": 5},
    }


def test_the_order_of_the_rows_does_not_matter():
    points, labels = cloud(), [["x", "y", "z", None][i % 4] for i in range(30)]
    shuffled = np.random.default_rng(1).permutation(30)
    first = prototypes(Space(points), labels)
    second = prototypes(Space(points[shuffled]), [labels[i] for i in shuffled])
    assert first.ids == second.ids
    np.testing.assert_allclose(first.points, second.points, rtol=1e-12)


def test_cluster_centres_find_separate_blobs_the_largest_first():
    near, _ = blobs([[0.0, 0.0]], 7)
    far, _ = blobs([[10.0, 0.0]], 3, seed=1)
    other, _ = blobs([[0.0, 5.0], [0.0, -5.0]], 4, seed=2)
    points = np.vstack([far, near, other])
    found = prototypes(Space(points), ["one"] * 10 + ["two"] * 8, centres=2)
    assert found.ids == ("one/1", "one/2", "two/1", "two/2")
    assert found.groups.tolist() == [0, 0, 1, 1]
    assert found.provenance["prototypes"]["rows"] == {"one": [7, 3], "two": [4, 4]}
    expected = [near.mean(0), far.mean(0), other[:4].mean(0), other[4:].mean(0)]
    np.testing.assert_allclose(found.points, expected, atol=1e-12)


def test_centres_minimise_the_squares_like_all_splits_tried():
    points = cloud(9, 2)
    best = np.inf
    for mask in range(1, 2**8):
        split = np.array([(mask >> row) & 1 for row in range(9)], dtype=bool)
        best = min(best, sum(((points[side] - points[side].mean(0)) ** 2).sum() for side in (split, ~split)))
    found = prototypes(Space(points), ["c"] * 9, centres=2)
    nearest = ((points[:, None] - found.points[None]) ** 2).sum(2).min(1)
    assert nearest.sum() == pytest.approx(best, rel=1e-9)


def test_seeds_repeat_and_concepts_do_not_depend_on_each_other():
    points, labels = cloud(40), ["a"] * 20 + ["b"] * 20
    first = prototypes(Space(points), labels, centres=3, seed=7)
    again = prototypes(Space(points), labels, centres=3, seed=7)
    alone = prototypes(Space(points[20:]), labels[20:], centres=3, seed=7)
    assert np.array_equal(first.points, again.points)
    assert np.array_equal(first.points[3:], alone.points)


def test_two_models_are_compared_concept_by_concept():
    points, where = blobs(cloud(12, 5), 6)
    labels = [f"concept {i}" for i in where]
    rotation = np.linalg.qr(cloud(5, 5, seed=3))[0]
    order = np.random.default_rng(4).permutation(len(points))
    left = prototypes(Space(points), labels)
    right = prototypes(
        Space((points @ rotation)[order]), [labels[i] if labels[i] != "concept 0" else None for i in order]
    )
    pairing = Pairing.by_id(left, right)
    assert len(pairing) == 11
    assert geomsim.compare(left, right, "procrustes", pairing=pairing, null=None).score == pytest.approx(1.0)


def test_paired_centres_are_means_of_the_same_pairs():
    left_points, where = blobs([[0, 0], [8, 0], [0, 8], [8, 8]], [6, 5, 4, 3])
    right_points = cloud(18, 3, seed=9)
    pairing = Pairing(np.arange(18), np.random.default_rng(2).permutation(18))
    labels = ["low" if i < 2 else "high" for i in where]
    left, right = paired_prototypes(Space(left_points), Space(right_points), pairing, labels, centres=2)
    assert left.ids == right.ids == ("high/1", "high/2", "low/1", "low/2")
    assert left.groups.tolist() == right.groups.tolist() == [0, 0, 1, 1]
    for row, blob in enumerate([2, 3, 0, 1]):
        np.testing.assert_allclose(left.points[row], left_points[where == blob].mean(0), atol=1e-12)
        np.testing.assert_allclose(right.points[row], right_points[pairing.right[where == blob]].mean(0), atol=1e-12)
    assert right.provenance["prototypes"]["clustered"] == "left"


def test_the_clusters_do_not_depend_on_the_other_side():
    space, labels = Space(cloud(24)), ["a"] * 12 + ["b"] * 12
    lefts = [
        paired_prototypes(space, Space(cloud(24, 7, seed)), Pairing.identity(24), labels, centres=3)[0].points
        for seed in (1, 2)
    ]
    assert np.array_equal(*lefts)


def test_clustering_the_right_side_is_swapping_the_sides():
    left, right, labels = Space(cloud(20)), Space(cloud(20, 6, 1)), ["a"] * 10 + ["b"] * 10
    pairing = Pairing(np.arange(20), np.arange(20)[::-1])
    swapped = Pairing(pairing.right, pairing.left)
    there = paired_prototypes(left, right, pairing, labels, centres=2, clustered="right")
    back = paired_prototypes(right, left, swapped, labels, centres=2, clustered="left")
    assert np.array_equal(there[0].points, back[1].points)
    assert np.array_equal(there[1].points, back[0].points)


def test_a_rotated_copy_has_the_same_prototypes_rotated():
    points, rotation = cloud(40, 5), np.linalg.qr(cloud(5, 5, seed=3))[0]
    order = np.random.default_rng(4).permutation(40)
    labels = [f"concept {i % 4}" for i in range(40)]
    pairing = Pairing(order, np.arange(40))
    left, right = paired_prototypes(Space(points), Space((points @ rotation)[order]), pairing, labels, centres=3)
    assert len(left) == 12
    np.testing.assert_allclose(left.points @ rotation, right.points, atol=1e-12)


def test_paired_means_count_a_row_once_for_each_pair():
    left, right = Space([[0.0], [3.0]]), Space([[1.0], [2.0], [6.0]])
    first, second = paired_prototypes(left, right, Pairing([0, 0, 1, 1], [0, 1, 2, 2]), ["a", "a", "a", None])
    assert (first.points.tolist(), second.points.tolist()) == ([[1.0]], [[3.0]])
    assert first.provenance["prototypes"]["left_out"] == second.provenance["prototypes"]["left_out"] == 1


@pytest.mark.parametrize("clustered", ["left", "right"])
def test_pairs_drawn_at_random_score_as_chance(clustered):
    # Clusters of one side must not make sides look alike that have nothing to do with each other.
    p_values = []
    labels = [f"c{i}" for i in np.repeat(np.arange(12), 8)]
    for seed in range(30):
        left, right = paired_prototypes(
            Space(cloud(96, 6, 2 * seed)), Space(cloud(96, 6, 2 * seed + 1)), Pairing.identity(96), labels,
            centres=2, clustered=clustered,
        )  # fmt: skip
        # Comparison takes the groups of a space for blocks: whole concepts are exchanged.
        p_values.append(geomsim.compare(left, right, "rsa", draws=99, seed=seed).p_value)
    assert sum(p <= 0.1 for p in p_values) <= 8  # 3 expected; P(more than 8 of 30 at .1) is .002
    assert 0.3 < np.mean(p_values) < 0.7


def test_torch_points_and_float32():
    torch = pytest.importorskip("torch")
    points = cloud(6).astype(np.float32)
    found = prototypes(Space(torch.from_numpy(points)), ["a", "a", "a", "b", "b", "b"])
    assert found.points.dtype == np.float64
    np.testing.assert_allclose(found.points[0], points[:3].astype(np.float64).mean(0), rtol=1e-15)


def test_what_cannot_be_collapsed():
    space = Space(cloud(4), name="layer 3")
    with pytest.raises(InvalidSpace, match="space 'layer 3' has 4 rows but 3 labels"):
        prototypes(space, ["a", "b", "c"])
    with pytest.raises(InvalidSpace, match="4 rows but 4 labels"):
        prototypes(space, "abcd")
    with pytest.raises(InvalidSpace, match="none of its 4 rows has a label"):
        prototypes(space, [None] * 4)
    with pytest.raises(InvalidSpace, match="label 1 is ''; a label is the name of a concept"):
        prototypes(space, ["a", "", "a", "a"])
    with pytest.raises(InvalidSpace, match="label 2 is nan; a label is the name"):
        prototypes(space, ["a", "a", float("nan"), "a"])
    with pytest.raises(InvalidConfig, match="at least one centre, got centres=0"):
        prototypes(space, ["a"] * 4, centres=0)
    with pytest.raises(InvalidSpace, match="concept 'b' has 1 distinct rows, fewer than 2 centres; ask"):
        prototypes(space, ["a", "a", "b", "a"], centres=2)
    with pytest.raises(
        InvalidSpace, match="'a' has 2 distinct rows, fewer than 3 centres, and so have 1 other concepts"
    ):
        prototypes(space, ["a", "a", "b", "b"], centres=3)


def test_equal_rows_make_no_centres():
    with pytest.raises(InvalidSpace, match="'a' has 2 distinct rows, fewer than 3 centres"):
        prototypes(Space([[0.0], [0.0], [1.0], [1.0]]), ["a"] * 4, centres=3)


def test_what_cannot_be_paired():
    left, right = Space(cloud(4), name="l"), Space(cloud(4), name="r")
    with pytest.raises(InvalidSpace, match="the pairing has 3 pairs but 4 labels"):
        paired_prototypes(left, right, Pairing.identity(3), ["a"] * 4)
    with pytest.raises(InvalidPairing, match="pair 4 names left row 4"):
        paired_prototypes(left, right, Pairing.identity(5), ["a"] * 5)
    with pytest.raises(InvalidConfig, match="clustered must be 'left' or 'right', got 'both'"):
        paired_prototypes(left, right, Pairing.identity(4), ["a"] * 4, clustered="both")
    with pytest.raises(InvalidSpace, match="space 'r': concept 'b' has 1 distinct rows"):
        paired_prototypes(left, right, Pairing.identity(4), ["a", "a", "a", "b"], centres=2, clustered="right")
