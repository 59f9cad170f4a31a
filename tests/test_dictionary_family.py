"""Families of dictionaries: each two by the same metrics, and the spread over each two sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import geomsim
from geomsim import Codes
from geomsim.dictionary_family import Member, compare_family
from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim.tables import read_table

N_TOKENS = 1500


def member(name: str, n: int, seed: int, noise: float = 0.3) -> Member:
    """The first `n` of common features, in an order of its own, with directions that are off by some noise."""
    common = np.random.default_rng(0)
    fires = common.random((N_TOKENS, 60)) < 0.1
    rows = common.normal(size=(60, 12))
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    values = fires * random.random((N_TOKENS, 60))
    return Member(name, Codes.from_dense(values[:, order]), rows[order] + noise * random.normal(size=(n, 12)))


GATES = {"min_firings": 20, "min_cofirings": 5}


@pytest.fixture(scope="module")
def family():
    members = [member("large", 60, 3), member("one", 40, 1), member("two", 40, 2)]
    return members, compare_family(members, ["rsa", "procrustes", "mmcs"], draws=19, pairing=GATES)


def test_each_two_are_compared_the_smaller_first_on_as_many_pairs(family) -> None:
    _, found = family
    frame = found.frame
    assert list(zip(frame["left"], frame["right"], strict=True))[::3] == [
        ("one", "two"),
        ("one", "large"),
        ("two", "large"),
    ]
    assert found.pairs == 40
    assert set(frame["n"]) == {40}
    assert list(frame["left_size"]) == [40] * 9
    assert list(frame["right_size"]) == [40] * 3 + [60] * 6
    assert frame[frame["metric"] == "mmcs"]["mean_r"].isna().all()
    assert (frame["p_value"][frame["metric"] != "mmcs"] == 1 / 20).all()


def test_scores_are_those_of_compare_on_the_true_pairs(family) -> None:
    members, found = family
    large, one, two = members
    places = [np.random.default_rng(seed).permutation(40) for seed in (1, 2)]
    order = [int(np.flatnonzero(places[1] == feature)[0]) for feature in places[0]]
    left, right = np.asarray(one.directions), np.asarray(two.directions)[order]
    scores = found.frame.set_index(["left", "right", "metric"])["score"]
    for metric in ("rsa", "procrustes"):
        expected = geomsim.compare(left, right, metric, null=None).score
        assert scores["one", "two", metric] == pytest.approx(expected, abs=1e-6)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (left, np.asarray(large.directions))]
    assert scores["one", "large", "mmcs"] == pytest.approx((unit[0] @ unit[1].T).max(axis=1).mean(), abs=1e-6)


def test_the_spread_is_that_of_the_scores(family) -> None:
    _, found = family
    spread = found.spread().drop(columns="parameters").set_index(["metric", "left_size", "right_size"])
    scores = found.frame.set_index(["left", "right", "metric"])["score"]
    across = [scores["one", "large", "rsa"], scores["two", "large", "rsa"]]
    assert spread.loc[("rsa", 40, 60)].tolist() == pytest.approx([np.mean(across), np.std(across, ddof=1), 2])
    assert spread.loc[("rsa", 40, 40)]["mean"] == scores["one", "two", "rsa"]
    assert np.isnan(spread.loc[("rsa", 40, 40)]["sd"])
    assert repr(found) == "DictionaryFamily(3 dictionaries, 40 pairs of each two)"


def test_fewer_pairs_are_the_strongest(family, tmp_path: Path) -> None:
    members, found = family
    few = compare_family(members, ["rsa"], pairs=10, null=None, pairing=GATES)
    assert set(few.frame["n"]) == {10}
    assert few.frame["mean_r"].min() > found.frame["mean_r"].max()
    assert few.frame["p_value"].isna().all()
    table, note = read_table(few.save(tmp_path / "family.parquet"))
    assert table.equals(few.frame)
    assert note == {"pairs": 10}
    again = compare_family(members, ["rsa"], pairs=10, null=None, pairing=GATES)
    assert again.frame.equals(few.frame)


def test_what_is_no_family_is_refused(family) -> None:
    members, _ = family
    with pytest.raises(InvalidConfig, match="at least two dictionaries, got 1"):
        compare_family(members[:1], ["rsa"])
    with pytest.raises(InvalidConfig, match="a name of its own; 'one' occurs twice"):
        compare_family([members[1], members[1]], ["rsa"])
    with pytest.raises(InvalidConfig, match="at least one metric"):
        compare_family(members, [])
    with pytest.raises(InvalidConfig, match="pairs=50, but some two dictionaries have 40 mutual pairs"):
        compare_family(members, ["rsa"], pairs=50, pairing=GATES)
    wrong = Member("wrong", members[1].codes, np.eye(3))
    with pytest.raises(InvalidConfig, match="'wrong' has 40 latents and 3 directions"):
        compare_family([wrong, members[0]], ["rsa"])


def test_settings_of_one_metric_are_not_mixed(family) -> None:
    members, _ = family
    both = [geomsim.metric("svcca", kept_variance=share) for share in (0.5, 0.99)]
    found = compare_family(members, both, null=None, pairing=GATES)
    spread = found.spread()
    assert list(spread["n"]) == [1, 1, 2, 2]
    assert spread["parameters"].nunique() == 2
    assert spread["mean"].nunique() == 4


def test_two_without_a_mutual_pair_are_named(family) -> None:
    members, _ = family
    silent = Member("silent", Codes.from_dense(np.eye(N_TOKENS, 40)), members[1].directions)
    with pytest.raises(InvalidPairing, match="dictionaries 'one' and 'silent': no pair was found"):
        compare_family([members[1], silent], ["rsa"], pairing=GATES)
    with pytest.raises(InvalidConfig, match="pairs=0: compare at least one pair"):
        compare_family(members, ["rsa"], pairs=0)
    with pytest.raises(InvalidConfig, match="paired by mutual choice; leave the method out"):
        compare_family(members, ["rsa"], pairing={"method": "max"})
