from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig
from geomsim_synthetic import Faults, Hierarchy, TwoModels, two_models

HIERARCHY = Hierarchy((None, 0, 0, 1), given=0.45, probability=0.3)
FAULTS = Faults(split=4, merged=3, absorbed=1, duplicated=2, dead=5)


def small(**changes: Any) -> TwoModels:
    arguments: dict[str, Any] = {
        "n_features": 60, "shared": 0.7, "width": 16, "n_tokens": 5000, "mean_active": 3.0, "firing": "uniform",
        "structures": (HIERARCHY,),
    }  # fmt: skip
    return two_models(**{**arguments, **changes})


@pytest.fixture(scope="module")
def sound() -> TwoModels:
    return small()


@pytest.fixture(scope="module")
def faulty() -> TwoModels:
    return small(left_faults=FAULTS)


def columns(two: TwoModels, side: str) -> dict[int, NDArray[Any]]:
    network = getattr(two, side)
    return {feature: network.codes[:, [row]].toarray().ravel() for row, feature in enumerate(network.feature.tolist())}


def rows_of(two: TwoModels, kind: str) -> list[int]:
    return [row for row, name in enumerate(two.truth.left.kind) if name == kind]


def test_the_network_and_the_other_side_are_left_alone(sound: TwoModels, faulty: TwoModels) -> None:
    np.testing.assert_array_equal(sound.left.activations, faulty.left.activations)
    np.testing.assert_array_equal(sound.left.source_directions, faulty.left.source_directions)
    np.testing.assert_array_equal(sound.right.activations, faulty.right.activations)
    assert (sound.right.codes - faulty.right.codes).nnz == 0
    assert len(faulty.truth.left.kind) == 60 + 4 - 3 + 2 + 5
    expected = {"split": 8, "merged": 3, "absorbed": 1, "absorbing": 1, "duplicate": 4, "dead": 5}
    assert {kind: len(rows_of(faulty, kind)) for kind in expected} == expected


def test_rows_without_a_fault_are_as_before(sound: TwoModels, faulty: TwoModels) -> None:
    before = columns(sound, "left")
    for row in rows_of(faulty, "plain"):
        np.testing.assert_array_equal(
            faulty.left.codes[:, [row]].toarray().ravel(), before[int(faulty.left.feature[row])]
        )


def test_halves_of_a_split_feature(sound: TwoModels, faulty: TwoModels) -> None:
    before = columns(sound, "left")
    for feature in {int(faulty.left.feature[row]) for row in rows_of(faulty, "split")}:
        rows = [row for row in rows_of(faulty, "split") if faulty.left.feature[row] == feature]
        halves = faulty.left.codes[:, rows].toarray()
        np.testing.assert_array_equal(halves.sum(axis=1), before[feature])
        assert not halves.all(axis=1).any()
        n = (halves > 0).sum()
        assert abs((halves[:, 0] > 0).sum() - n / 2) < 5 * np.sqrt(n) / 2
        np.testing.assert_array_equal(*faulty.left.directions[rows])


def test_split_rows_are_turned_by_the_stated_angle() -> None:
    two = small(left_faults=Faults(split=4, split_turn=0.75))
    rows = rows_of(two, "split")
    place = {feature: source for source, feature in enumerate(two.left.source_feature.tolist())}
    sources = two.left.source_directions[[place[int(two.left.feature[row])] for row in rows]]
    np.testing.assert_allclose((two.left.directions[rows] * sources).sum(axis=1), 0.8)


def test_twins_fire_alike_and_add_up(sound: TwoModels, faulty: TwoModels) -> None:
    before = columns(sound, "left")
    rows = rows_of(faulty, "duplicate")
    for feature in {int(faulty.left.feature[row]) for row in rows}:
        twins = faulty.left.codes[:, [row for row in rows if faulty.left.feature[row] == feature]].toarray()
        np.testing.assert_array_equal(twins[:, 0], twins[:, 1])
        np.testing.assert_array_equal(twins.sum(axis=1), before[feature])


def test_a_merged_row_fires_when_either_does(sound: TwoModels, faulty: TwoModels) -> None:
    before = columns(sound, "left")
    source = {feature: place for place, feature in enumerate(faulty.left.source_feature.tolist())}
    for row in rows_of(faulty, "merged"):
        first, second = faulty.truth.left.features[row]
        merged = faulty.left.codes[:, [row]].toarray().ravel()
        np.testing.assert_array_equal(merged > 0, (before[first] > 0) | (before[second] > 0))
        directions = faulty.left.source_directions[[source[first], source[second]]]
        # The row is the direction between both, its code what of the activations lies along it.
        written = np.outer(before[first], directions[0]) + np.outer(before[second], directions[1])
        np.testing.assert_allclose(merged, written @ faulty.left.directions[row], atol=1e-5)
        cosines = directions @ faulty.left.directions[row]
        assert cosines[0] == pytest.approx(cosines[1])
        rate = faulty.truth.left.probability[row]
        assert abs((merged > 0).mean() - rate) < 5 * np.sqrt(rate / 5000)


def test_rows_of_faults_fire_as_often_as_stated() -> None:
    # So frequent that a merged row is far from the sum of its two, and halves from the whole.
    faults = Faults(split=3, merged=3, absorbed=1, duplicated=3)
    two = small(firing=(0.4,) * 60, mean_active=None, n_tokens=20_000, seen=(0.9, 0.5), left_faults=faults)
    truth = two.truth.left
    chance, rate = np.array(truth.probability), np.array(truth.firings) / 20_000
    assert set(truth.kind) == {"plain", "hierarchy", "split", "merged", "absorbed", "absorbing", "duplicate"}
    assert (np.abs(rate - chance) < 5 * np.sqrt(chance * (1 - chance) / 20_000)).all()


def test_an_absorbed_parent_is_silent_where_its_child_fires(sound: TwoModels, faulty: TwoModels) -> None:
    before = columns(sound, "left")
    (parent_row,), (child_row,) = rows_of(faulty, "absorbed"), rows_of(faulty, "absorbing")
    child, parent = faulty.truth.left.features[child_row]
    assert faulty.truth.left.features[parent_row] == (parent,)
    group = faulty.truth.groups[0]
    assert HIERARCHY.parents[group.features.index(child)] == group.features.index(parent)
    parent_codes, child_codes = (faulty.left.codes[:, [row]].toarray().ravel() for row in (parent_row, child_row))
    silent = before[child] > 0
    assert (before[parent][silent] > 0).all()
    assert not parent_codes[silent].any()
    np.testing.assert_array_equal(parent_codes[~silent], before[parent][~silent])
    np.testing.assert_array_equal(child_codes > 0, silent)
    rate = faulty.truth.left.probability[parent_row]
    assert abs((parent_codes > 0).mean() - rate) < 5 * np.sqrt(rate / 5000)


def test_dead_rows_never_fire_and_are_absent(faulty: TwoModels) -> None:
    for row in rows_of(faulty, "dead"):
        assert faulty.truth.left.firings[row] == 0
        assert faulty.truth.left.features[row] == ()
        assert faulty.left.feature[row] == -1
        assert row in faulty.truth.left.absent
        assert np.linalg.norm(faulty.left.directions[row]) == pytest.approx(1.0)


def test_links_are_the_rows_that_stand_for_one_feature(faulty: TwoModels) -> None:
    truth = faulty.truth
    main = [
        features[:1] if kind == "absorbing" else features
        for features, kind in zip(truth.left.features, truth.left.kind, strict=True)
    ]
    expected = {
        (left, right, feature)
        for left, features in enumerate(main)
        for right, others in enumerate(truth.right.features)
        for feature in features
        if feature in others
    }
    assert {(link.left, link.right, link.feature) for link in truth.links} == expected
    assert truth.relations == {
        "one-to-one": 42 - 4 - 6 - 2 - 2, "split": 8, "merged": 6, "absorbed": 2, "duplicate": 4, "junk": 0,
    }  # fmt: skip
    assert {link.feature for link in truth.links} == set(truth.shared_features)
    linked = {link.left for link in truth.links}
    assert set(truth.left.absent) == set(range(len(truth.left.kind))) - linked


def test_faults_on_both_sides() -> None:
    two = small(left_faults=FAULTS, right_faults=Faults(split=10, merged=2))
    doubled = [link for link in two.truth.links if link.relation == "split"]
    assert len({link.feature for link in two.truth.links}) == 42
    assert len(doubled) > 8
    assert two.truth.population == {}
    # Rows of faults stand anywhere, not behind the others.
    assert min(rows_of(two, "dead")) < 30


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"left_faults": Faults(split=30, merged=5)}, r"left faults need 40 shared features .* only 38 are there"),
        (
            {"right_faults": Faults(absorbed=3)},
            r"right faults: 3 absorbed features need .* there are 1. Add a Hierarchy",
        ),
        ({"left_faults": {"split": 3}}, r"left_faults=\{'split': 3\} must be Faults"),
    ],
)
def test_more_faults_than_features(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        small(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": -1}, r"split=-1 must be a whole number of at least 0"),
        ({"dead": 1.5}, r"dead=1.5 must be a whole number"),
        ({"split_turn": -0.1}, r"split_turn=-0.1 must be a finite number of at least 0"),
    ],
)
def test_impossible_faults(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        Faults(**arguments)
