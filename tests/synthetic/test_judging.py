from __future__ import annotations

import json

import numpy as np
import pytest

from geomsim import Pairing
from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim_synthetic import (
    Faults,
    TwoModels,
    correspondence_recovery,
    pairing_recovery,
    trained_truth,
    two_models,
)


@pytest.fixture(scope="module")
def two() -> TwoModels:
    return two_models(
        40, 0.5, 12, 100, 3.0, junk=3, left_faults=Faults(split=3, merged=2, duplicated=2, dead=2)
    )  # fmt: skip


def test_all_links_are_all_that_can_be_found(two: TwoModels) -> None:
    found = correspondence_recovery(two.pairing, two.truth)
    assert (found.precision, found.recall, found.f1, found.link_recall) == (1.0, 1.0, 1.0, 1.0)
    assert sum(each.n_features for each in found.relations.values()) == 20 + 3
    assert found.relations["split"].n_links_found == 6
    assert found.relations["merged"].n_features == 4
    assert json.loads(json.dumps(found.to_dict()))["relations"]["junk"]["n_links"] == 3


def test_one_half_finds_a_split_feature_and_half_of_its_links(two: TwoModels) -> None:
    kept = {link.feature: link for link in two.truth.links}
    pairing = Pairing([link.left for link in kept.values()], [link.right for link in kept.values()])
    found = correspondence_recovery(pairing, two.truth)
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert found.link_recall == (len(two.truth.links) - 3 - 2) / len(two.truth.links)
    assert found.relations["split"].n_features_found == 3
    assert found.relations["split"].n_links_found == 3


def test_one_row_of_a_merged_pair_finds_one_feature(two: TwoModels) -> None:
    merged = next(link for link in two.truth.links if link.relation == "merged")
    found = correspondence_recovery(Pairing([merged.left], [merged.right]), two.truth)
    assert (found.precision, found.n_right) == (1.0, 1)
    assert found.recall == 1 / 23
    assert found.relations["merged"].n_features_found == 1


def test_wrong_pairs_are_told_apart(two: TwoModels) -> None:
    clean = [link for link in two.truth.links if link.relation == "one-to-one"][:2]
    absent = two.truth.left.absent[0]
    pairing = Pairing(
        [clean[0].left, clean[0].left, absent, clean[1].left, clean[1].left],
        [clean[0].right, clean[1].right, clean[0].right, clean[1].right, clean[1].right],
    )
    found = correspondence_recovery(pairing, two.truth)
    assert (found.n_found, found.n_right, found.n_absent, found.n_mistaken, found.n_repeated) == (4, 2, 1, 1, 1)
    assert found.precision == 0.5
    assert found.recall == 2 / 23
    nowhere = correspondence_recovery(Pairing([clean[0].left], [two.truth.right.absent[0]]), two.truth)
    assert (nowhere.n_absent, nowhere.n_mistaken, nowhere.precision) == (1, 0, 0.0)
    assert found.f1 == pytest.approx(2 * 0.5 * (2 / 23) / (0.5 + 2 / 23))


def test_punctuation_can_be_left_out(two: TwoModels) -> None:
    found = correspondence_recovery(two.pairing, two.truth, junk=False)
    assert (found.n_left_out, found.recall, "junk" in found.relations) == (3, 1.0, False)
    junk = [link for link in two.truth.links if link.relation == "junk"]
    only = correspondence_recovery(
        Pairing([link.left for link in junk], [link.right for link in junk]), two.truth, junk=False
    )
    assert (only.precision, only.recall, only.f1, only.n_found) == (0.0, 0.0, 0.0, 0)


def test_without_faults_it_is_precision_and_recall() -> None:
    two = two_models(30, 0.5, 8, 10, 3.0)
    random = np.random.default_rng(0)
    pairing = Pairing(
        [*two.pairing.left[:7], *random.integers(0, 30, 9)], [*two.pairing.right[:7], *random.integers(0, 30, 9)]
    )
    ours, plain = correspondence_recovery(pairing, two.truth), pairing_recovery(pairing, two.pairing)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx((plain.precision, plain.recall, plain.f1))


def test_pairings_of_something_else(two: TwoModels) -> None:
    with pytest.raises(InvalidPairing, match=r"names right row 500, but the right dictionary has 43 rows"):
        correspondence_recovery(Pairing([0], [500]), two.truth)
    with pytest.raises(InvalidPairing, match=r"made for trained dictionaries\? Judge it by trained_truth\("):
        correspondence_recovery(Pairing([500], [0]), two.truth)
    with pytest.raises(InvalidPairing, match="nothing that a pairing could find"):
        correspondence_recovery(Pairing([0], [0]), two_models(10, 0.0, 4, 10, 2.0).truth)


def test_trained_latents_are_named_by_their_nearest_source() -> None:
    two = two_models(20, 0.5, 16, 10, 2.0)
    place = {feature: source for source, feature in enumerate(two.left.source_feature.tolist())}
    shared = two.truth.shared_features
    # The left dictionary has two latents for the first shared feature and one for nothing known.
    left = two.left.source_directions[[place[shared[0]], place[shared[0]], place[shared[1]], 0]].copy()
    left[3] = -left[:3].sum(axis=0)
    right_place = {feature: source for source, feature in enumerate(two.right.source_feature.tolist())}
    right = 2.0 * two.right.source_directions[[right_place[shared[1]], right_place[shared[0]], right_place[shared[2]]]]
    truth = trained_truth(two, left, right)
    assert [(link.left, link.right, link.feature, link.relation) for link in truth.links] == [
        (0, 1, shared[0], "split"), (1, 1, shared[0], "split"), (2, 0, shared[1], "one-to-one"),
    ]  # fmt: skip
    assert truth.left.kind == ("found", "found", "found", "unknown")
    assert truth.left.absent == (3,)
    assert truth.right.absent == (2,)
    assert correspondence_recovery(Pairing([0, 2], [1, 0]), truth).recall == 1.0
    # Two latents on the right alone make a split, too.
    twice = trained_truth(two, left[2:3], right[[0, 0]])
    assert [(link.left, link.right, link.relation) for link in twice.links] == [(0, 0, "split"), (0, 1, "split")]
    for wrong in (0, "near"):
        with pytest.raises(InvalidConfig, match=rf"min_cosine={wrong!r} must be above 0"):
            trained_truth(two, left, right, min_cosine=wrong)  # type: ignore[arg-type]
