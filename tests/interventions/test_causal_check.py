"""The whole check on planted truth: two models that use k of n features alike are found to use exactly these alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
from linear_predictors import World

from geomsim import Pairing
from geomsim.errors import GeomsimError, InvalidConfig, InvalidModel, InvalidPairing
from geomsim.interventions import CausalCheck, Intervention, Scoring, SetPairs, causal_check, shared_vocabulary
from geomsim.report.causal import causal_scatter

FEATURES, SHARED = 60, 25


@pytest.fixture(scope="module")
def world():
    return World(tokens=150, features=FEATURES, share=0.15)


def checked(world, shared, seeds=(1, 2), **options):
    left, right = (world.predictor(seed, shared, name=f"model {seed}") for seed in seeds)
    dictionaries = [world.dictionary(seed) for seed in seeds]
    pairing = Pairing(np.arange(FEATURES), np.arange(FEATURES), weight=np.linspace(0.1, 0.9, FEATURES))
    pairs = options.pop("pairs", SetPairs.from_pairing(pairing))
    return causal_check(left, right, *dictionaries, pairs, world.documents(), **options)


@pytest.fixture(scope="module")
def found(world):
    return checked(world, SHARED)


@pytest.mark.parametrize("mode", ["ablate", "project-out", "add"])
def test_exactly_the_shared_features_are_used_alike(world, found, mode):
    check = found if mode == "ablate" else checked(world, SHARED, intervention=Intervention(mode))
    truth = np.arange(FEATURES) < SHARED
    # 5% of what is found may be false.
    assert (check.used_alike & truth).sum() == SHARED
    assert (check.used_alike & ~truth).sum() <= 3
    score = check.frame["score"].to_numpy()
    assert score[truth].min() > score[~truth].max()
    assert check.facts["p_of_mean"] == 1 / 5000
    assert check.facts["control"]["p_of_difference"] < 0.01


def test_unrelated_models_are_not_used_alike(world):
    p = []
    for seeds in ((1, 2), (3, 4), (5, 6)):
        check = checked(world, 0, seeds, draws=499)
        assert check.used_alike.sum() <= 1
        p += check.frame["p"].tolist()
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1
    assert 0.42 < np.mean(p) < 0.58


def test_a_model_with_itself_scores_one(world):
    check = checked(world, SHARED, (1, 1))
    np.testing.assert_allclose(check.frame["score"], 1.0, atol=1e-6)
    np.testing.assert_allclose(check.frame["overlap"], 1.0)
    assert check.frame["kl_left"].tolist() == check.frame["kl_right"].tolist()


def test_both_positions_are_those_where_both_fire(world, found):
    pairing = Pairing(np.arange(FEATURES), np.roll(np.arange(FEATURES), 1))
    check = checked(world, FEATURES, pairs=SetPairs.from_pairing(pairing), positions="both", windows=None, least=1)
    text = "".join(document.text for document in world.documents())
    there = world.strengths[[ord(letter) - 0x4E00 for letter in text]] > 0
    both = (there[:, pairing.left] & there[:, pairing.right]).sum(axis=0)
    together = both > 0
    assert check.frame["positions_left"].tolist() == check.frame["positions_right"].tolist() == both[together].tolist()
    assert check.frame["firings_left"].tolist() == there.sum(axis=0)[pairing.left[together]].tolist()
    assert sum(check.facts["left_out"].values()) == FEATURES - len(check)
    assert np.isnan(check.frame["r"]).all()
    assert check.facts["spearman"] is None
    with pytest.raises(GeomsimError, match="no weights"):
        causal_scatter(check)


def test_windows_that_begin_with_another_token_hold_the_same_text(world, found):
    """What precedes changes nothing in these models, so all must be found as without it."""
    left = world.predictor(1, SHARED, name="model 1", bos=3, keep_first=False)
    right = world.predictor(2, SHARED, name="model 2")
    pairing = Pairing(np.arange(FEATURES), np.arange(FEATURES), weight=np.linspace(0.1, 0.9, FEATURES))
    dictionaries = [world.dictionary(seed) for seed in (1, 2)]
    pairs = SetPairs.from_pairing(pairing)
    usual = checked(world, SHARED, windows=None, positions="both")
    check = causal_check(left, right, *dictionaries, pairs, world.documents(), windows=None, positions="both")
    assert check.facts["left"]["bos"] == 3
    assert "bos" not in check.facts["right"]
    assert check.facts["left"]["windows_read"] == check.facts["right"]["windows_read"]
    assert check.frame["positions_left"].tolist() == usual.frame["positions_left"].tolist()
    np.testing.assert_allclose(check.scores, usual.scores, atol=1e-5)
    other = world.predictor(2, SHARED, keep_first=False)  # leaves the first of each window out
    with pytest.raises(InvalidConfig, match="two models that read the same tokens"):
        causal_check(left, other, *dictionaries, pairs, world.documents(), positions="both")


def test_pairs_without_enough_text_are_left_out_and_counted(world):
    pairs = SetPairs.from_pairing(Pairing([0, 1, 2, 3], [0, 1, 2, 3], weight=[0.1, 0.2, 0.3, 0.4]))
    with pytest.raises(InvalidConfig, match="0 of 4 pairs act on at least 100000"):
        checked(world, SHARED, pairs=pairs, least=100_000)
    silent = World(tokens=150, features=FEATURES, share=0.15)
    silent.strengths[:, 3] = 0.0
    check = checked(silent, SHARED, pairs=pairs)
    assert check.facts["left_out"] == {"pairs measured at fewer than 10 tokens": 1}
    assert check.frame["left"].tolist() == ["0", "1", "2"]
    assert "Left out: 1 pairs measured at fewer than 10 tokens." in check.describe()


def test_saved_and_opened_again(found, tmp_path):
    again = CausalCheck.open(found.save(tmp_path / "out"))
    np.testing.assert_array_equal(again.scores, found.scores)
    assert again.describe() == found.describe()
    assert again.used_alike.tolist() == found.used_alike.tolist()
    assert list(again.frame["promotes_left"][0]) == found.frame["promotes_left"][0]
    stored = json.loads((tmp_path / "out" / "causal.json").read_text())
    assert stored["sentences"] == found.describe().split("\n")
    (tmp_path / "out" / "causal.json").write_text("{")
    with pytest.raises(GeomsimError, match="no causal check could be read"):
        CausalCheck.open(tmp_path / "out")


def test_words_and_figure(found):
    told = found.describe()
    assert f"{FEATURES} pairs of latents of model 1 and model 2" in told
    assert "random directions of the same size" in told
    axes = causal_scatter(found)
    assert axes.get_xlabel() == "correlation of activations"
    drawn = sum(len(line.get_xdata()) for line in axes.get_lines())
    assert drawn >= 2 * FEATURES
    best = found.examples(3)
    assert best["z"].is_monotonic_decreasing
    assert found.examples(3, alike=False)["z"].max() < best["z"].min()
    assert found.examples(3, alike=False)["z"].is_monotonic_increasing
    # More than there are: each of the half that looks alike is an example of one kind.
    kinds = [found.examples(FEATURES, alike=alike) for alike in (True, False)]
    assert [len(kind) for kind in kinds] == [FEATURES // 4] * 2
    assert not set(kinds[0].index) & set(kinds[1].index)
    assert kinds[0]["z"].min() >= kinds[1]["z"].max()


def test_the_effects_of_an_interrupted_run_are_used(world, tmp_path, found):
    checked(world, SHARED, keep=tmp_path)
    stamps = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert sorted(stamps) == [f"effects_{side}_{kind}.npz" for side in ("left", "right") for kind in ("control", "own")]
    again = checked(world, SHARED, keep=tmp_path)
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == stamps
    np.testing.assert_array_equal(again.scores, found.scores)


def test_scoring_is_handed_on(world, found):
    other = checked(world, SHARED, scoring=Scoring(weights="probability", centred=False))
    assert other.facts["scoring"]["weights"] == "probability"
    assert not np.allclose(other.scores, found.scores)


def test_vocabularies_are_joined_by_text_where_they_differ(world):
    left = world.predictor(1)
    other = world.predictor(2, special_ids=[4])
    other._words = (other._words[1], other._words[0], *other._words[2:-2], "x", "x")
    joined = shared_vocabulary(left, other)
    assert joined.by == "text"
    assert (joined.left[:2].tolist(), joined.right[:2].tolist()) == ([0, 1], [1, 0])
    assert 4 not in joined.right.tolist()
    assert (joined.left_only, joined.right_only) == (3, 3)  # the special one, and two that are not the other's
    for sides in ((left, world.predictor(3, special_ids=[4])), (world.predictor(3, special_ids=[4]), left)):
        same = shared_vocabulary(*sides)
        assert same.by == "number"
        assert same.left.tolist() == same.right.tolist() == [number for number in range(150) if number != 4]
    other._words = tuple(f"<{number}>" for number in range(150))
    with pytest.raises(InvalidModel, match="0 tokens in common"):
        shared_vocabulary(left, other)


def test_pairs_spread_over_the_weights():
    pairing = Pairing(np.arange(10), np.arange(10)[::-1], weight=np.linspace(0, 0.9, 10))
    pairs = SetPairs.from_pairing(pairing, 4)
    assert pairs.alike.tolist() == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert np.array_equal(pairs.related, np.eye(4, dtype=bool))
    several = SetPairs.from_pairing(Pairing([0, 1, 0], [5, 6, 6]))
    assert several.related.tolist() == [[True, True, True], [False, True, True], [True, True, True]]
    with pytest.raises(InvalidPairing, match="1 pairs were asked for"):
        SetPairs.from_pairing(pairing, 1)
    with pytest.raises(InvalidConfig, match="positions must be"):
        causal_check(None, None, None, None, pairs, [], positions="any")
