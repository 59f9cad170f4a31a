"""Planted decoys: what they keep of a latent, and whether the rate they estimate is the true one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.decoys import FalseMatches, plant_decoys
from geomsim.activations.matching import match_latents, pair
from geomsim.errors import InvalidCodes, InvalidPairing

MODELS = Path(__file__).parent.parent.parent / "examples" / "code_models"
GATES = {"min_firings": 10, "min_cofirings": 1}
FAST = {**GATES, "standard_errors": False}
# How often a correct program may fail a test that compares draws with a law, were its seeds others.
CHANCE = 1e-3
EXACT = ("max", "mutual", "greedy", "hungarian")


def half_shared(seed, n_features=160, n_tokens=5000):
    """Two networks of which half the features are shared, each firing lost or made up at random; and the truth."""
    from geomsim_synthetic import two_models

    two = two_models(n_features, 0.5, 8, n_tokens, mean_active=5, n_documents=n_tokens // 60, seed=seed)
    rng = np.random.default_rng(seed)
    sides = []
    # Some features stay alike, others hardly: their r runs from what chance reaches to nearly 1.
    alike = rng.uniform(0.02, 0.95, 2 * n_features)
    for network in (two.left, two.right):
        matrix = network.true_codes().matrix.toarray()
        lost = (matrix != 0) & (rng.random(matrix.shape) > alike[network.feature])
        made = np.count_nonzero(lost, axis=0) / len(matrix)
        matrix[lost] = 0
        matrix += (rng.random(matrix.shape) < made) * rng.uniform(0.5, 1.5, matrix.shape)
        sides.append(Codes.from_dense(matrix, groups=network.groups, sparse=True))
    return *sides, set(zip(two.pairing.left.tolist(), two.pairing.right.tolist(), strict=True))


def truly_false(pairing, truth, least=-np.inf):
    kept = pairing.weight >= least
    pairs = zip(pairing.left[kept].tolist(), pairing.right[kept].tolist(), strict=True)
    return np.mean([found not in truth for found in pairs])


@pytest.mark.parametrize("sparse", [True, False])
def test_decoys_keep_everything_but_correspondence(sparse):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 60)
    # Runs of tokens, and documents that a latent prefers.
    rates = np.repeat(rng.random((150, 20)) ** 6, 20, axis=0)
    values = (rng.random(rates.shape) < rates) * rng.exponential(size=rates.shape)
    codes = Codes.from_dense(values, groups=groups, sparse=sparse)
    planted = plant_decoys(codes, seed=3)
    assert planted.is_sparse == sparse
    assert (planted.n_latents, planted.n_tokens) == (40, 3000)
    np.testing.assert_array_equal(planted.groups, groups)
    dense, real = planted.dense(), codes.dense()
    np.testing.assert_array_equal(dense[:, :20], real)
    for latent in range(20):
        own, decoy = real[:, latent], dense[:, 20 + latent]
        # Documents of one length are exchanged whole, none stays where it was.
        assert sorted(map(bytes, own.reshape(50, 60))) == sorted(map(bytes, decoy.reshape(50, 60)))
    moved = (dense[:, 20:].reshape(50, 60, 20) != real.reshape(50, 60, 20)).any(axis=(1, 2))
    assert moved.all()
    r = correlate(codes, Codes(planted.matrix[:, 20:], groups=groups), top=20, **GATES)
    assert abs(np.nanmean(r.left_to_right.r)) < 0.02


def latents_of_few_documents(seed, n_documents):
    """Latents that fire in runs in a few documents of unequal length, beside their decoys, and the lengths."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(20, rng.lognormal(5, 0.5, n_documents)).astype(int)
    groups = np.repeat(np.arange(n_documents), sizes)
    rates = 0.5 * rng.random((n_documents, 300))[groups] ** 20
    values = np.repeat(rng.random((len(groups) // 5 + 1, 300)), 5, axis=0)[: len(groups)] < rates
    planted = plant_decoys(Codes.from_dense(values, groups=groups), seed=seed)
    return values, planted.dense()[:, 300:] != 0, sizes


def mean_run(fires):
    begun = np.count_nonzero(np.diff(fires.astype(np.int8), axis=0, prepend=0) > 0, axis=0)
    return np.count_nonzero(fires, axis=0) / begun


def test_decoys_of_documents_of_unequal_length_fire_about_as_often():
    totals = []
    for seed in range(6):
        own, decoys, sizes = latents_of_few_documents(seed, 100)
        assert 4 < sizes.max() / sizes.min() < 25
        of_own, of_decoys = own.sum(axis=0), decoys.sum(axis=0)
        low, high = np.quantile(of_decoys / of_own, (0.05, 0.95))
        assert 0.8 < low < 0.97
        assert 1.03 < high < 1.25
        assert (np.abs(np.quantile(mean_run(decoys) / mean_run(own), (0.05, 0.5, 0.95)) - 1) < 0.1).all()
        totals.append(of_decoys.sum() / of_own.sum())
        # No document is cut or repeated further than from the shortest to the longest.
        assert (of_decoys <= np.ceil(sizes.max() / sizes.min()) * of_own).all()
    assert np.abs(np.array(totals) - 1).max() < 0.04
    assert abs(np.mean(totals) - 1) < 0.02


def test_decoys_of_a_dozen_documents_may_fire_any_number_of_times():
    own, decoys, _ = latents_of_few_documents(3, 12)
    often = own.sum(axis=0) >= 20
    ratio = decoys.sum(axis=0)[often] / own.sum(axis=0)[often]
    assert np.quantile(ratio, 0.05) < 0.5
    assert np.quantile(ratio, 0.95) > 2


def test_shares_of_decoys():
    codes = Codes.from_dense(np.random.default_rng(0).random((400, 10)) < 0.3, groups=np.arange(400) // 20)
    assert plant_decoys(codes, 0.5).n_latents == 15
    many = plant_decoys(codes, 2.3).dense()
    assert many.shape == (400, 33)
    # Copies of one latent are of different orders of the text.
    assert (many[:, 10:20] != many[:, 20:30]).any(axis=0).all()
    np.testing.assert_array_equal(plant_decoys(codes, seed=5).dense(), plant_decoys(codes, seed=5).dense())
    assert (plant_decoys(codes, seed=5).dense() != plant_decoys(codes, seed=6).dense()).any()
    with pytest.raises(InvalidCodes, match=r"a share of 0.04 decoys of 10 latents is none; raise it"):
        plant_decoys(codes, 0.04)


@pytest.mark.parametrize("method", EXACT)
def test_the_estimate_is_the_true_rate_within_its_error(method):
    estimates, rates, errors, off = [], [], [], []
    for seed in range(8):
        left, right, truth = half_shared(seed)
        matching = match_latents(left, right, method, decoys=True, seed=seed, standard_errors=False, **GATES)
        found = matching.false_matches
        for least in (-np.inf, 0.06):
            true = truly_false(matching.pairing, truth, least)
            estimates.append(found.rate(least))
            rates.append(true)
            errors.append(found.standard_error(least))
            off.append((estimates[-1] - true) / errors[-1])
    assert 0.1 < np.mean(rates) < 0.7
    assert max(np.abs(off)) < 3.5
    assert 0.4 < np.std(off) < 1.6
    # The mean of eight is near the truth by far less than one error.
    assert abs(np.mean(estimates) - np.mean(rates)) < 2 * np.mean(errors) / np.sqrt(8)


@pytest.mark.parametrize("method", ["one-to-one", "transport"])
def test_other_methods_are_not_flattered(method):
    off = []
    for seed in range(4):
        left, right, truth = half_shared(seed)
        matching = match_latents(left, right, method, decoys=True, seed=seed, standard_errors=False, **GATES)
        error = matching.false_matches.standard_error()
        off.append((matching.false_matches.rate() - truly_false(matching.pairing, truth)) / error)
    assert -1 < np.mean(off) < 3


def test_decoys_on_the_left_where_the_right_side_chooses():
    left, right, truth = half_shared(1)
    matching = match_latents(left, right, "max", "right-to-left", decoys=True, seed=1, **GATES)
    true = truly_false(matching.pairing, truth)
    assert matching.false_matches.rate() == pytest.approx(true, abs=3 * matching.false_matches.standard_error())
    assert matching.pairing.left.max() < left.n_latents


def test_a_threshold_for_a_rate_keeps_it():
    asked, rates, without = 0.1, [], []
    for seed in range(40):
        left, right, truth = half_shared(seed)
        matching = match_latents(left, right, decoys=True, max_false_matches=asked, seed=seed, **FAST)
        pairing, said = matching.pairing, matching.pairing.provenance["false_matches"]
        assert json.loads(json.dumps(said)) == said
        assert pairing.weight.min() >= said["threshold"]
        assert len(pairing) < said["pairs"]
        rates.append(truly_false(pairing, truth))
        if seed < 10:
            without.append(truly_false(pair(left, right, **FAST), truth))
    # The promise is of the expected rate, and the mean of so many data sets is normal about it.
    error = np.std(rates, ddof=1) / np.sqrt(len(rates))
    refused = scipy.stats.norm.isf(CHANCE)
    assert np.mean(rates) < asked + refused * error
    # It is no promise that is kept by leaving nearly all pairs out, and none that needed no threshold.
    assert np.mean(rates) > asked / 2 - refused * error
    assert np.mean(without) > 2 * asked


def test_nothing_shared_leaves_nothing_at_a_small_rate():
    rng = np.random.default_rng(0)
    left, right = (
        Codes.from_dense((rng.random((3000, 60)) < 0.05) * rng.random((3000, 60)), np.arange(3000) // 50, sparse=True)
        for _ in range(2)
    )
    matching = match_latents(left, right, "max", decoys=True, **GATES)
    assert matching.false_matches.rate() > 0.6
    with pytest.raises(
        InvalidPairing, match=r"no threshold keeps the rate of false matches at 0.05: \d+ pairs of real"
    ):
        pair(left, right, "max", decoys=True, max_false_matches=0.05, **GATES)


def test_every_left_latent_is_told_what_became_of_it():
    left, right, _ = half_shared(2)
    matching = match_latents(left, right, "greedy", decoys=True, max_false_matches=0.2, seed=2, **GATES)
    reasons = matching.left.removed
    # A latent that met a decoy, and all that stood below the threshold.
    assert reasons["matched_a_decoy"] == len(matching.false_matches.decoy)
    assert reasons["above_max_false_matches"] == len(matching.false_matches.real) - len(matching.pairing)
    assert sum(reasons.values()) + len(matching.pairing) == left.n_latents
    assert matching.pairing.right.max() < right.n_latents
    assert len(matching.right) == right.n_latents


# --- the estimate by itself ------------------------------------------------------------------------------------------


def drawn(rng, n_true=100, n_free=100, n_decoys=200):
    """Exclusive matching by hand: free left latents meet free right latents and decoys, at random r."""
    noise = rng.beta(2, 8, n_free)
    is_decoy = rng.permutation(n_free + n_decoys)[:n_free] >= n_free
    true = rng.beta(4, 3, n_true)
    found = FalseMatches(
        np.concatenate([true, noise[~is_decoy]]), noise[is_decoy], n_true + n_free, n_decoys, exclusive=True
    )
    return found, true, noise[~is_decoy]


def test_rate_and_error_over_many_draws():
    rng = np.random.default_rng(0)
    for least in (-np.inf, 0.2, 0.35):
        off, error = [], []
        for _ in range(2000):
            found, _, false = drawn(rng)
            off.append(found.rate(least) - (false >= least).sum() / found.pairs(least))
            error.append(found.standard_error(least))
        assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(2000) + 0.003
        assert np.std(off) == pytest.approx(np.mean(error), rel=0.12)


def test_the_rate_of_what_a_threshold_keeps_is_no_larger_than_asked_for():
    rng = np.random.default_rng(1)
    for rate in (0.05, 0.2):
        kept = []
        for _ in range(1000):
            found, true, false = drawn(rng)
            least = found.threshold(rate)
            n_true, n_false = (true >= least).sum(), (false >= least).sum()
            kept.append(n_false / max(1, n_true + n_false))
        assert np.mean(kept) < rate + 2 * np.std(kept) / np.sqrt(1000)
        assert np.mean(kept) > 0.6 * rate


@pytest.mark.parametrize(("within_reach", "decoys", "taken"), [(5, 8, 6), (10, 40, 12), (20, 40, 30), (60, 100, 70)])
def test_the_bound_is_one_in_expectation_over_all_cases(within_reach, decoys, taken):
    """Of `taken` choosing latents, all the ways to take real ones and decoys, with their probabilities: no draws."""
    law, n_true, expected = scipy.stats.hypergeom(within_reach + decoys, within_reach, taken), 10_000, 0.0
    for false in range(max(0, taken - decoys), min(taken, within_reach) + 1):
        found = FalseMatches(
            np.full(n_true + false, 0.5), np.full(taken - false, 0.5), n_true + within_reach, decoys, exclusive=True
        )
        assert 0 < found.bound() < 1
        expected += law.pmf(false) * false / (n_true + false) / found.bound()
    # The share of false pairs in units of its bound; 1 but for the case that all within reach are taken.
    assert expected == pytest.approx(1 - law.pmf(min(taken, within_reach)), abs=1e-12)


def test_where_every_real_latent_is_taken_decoys_still_tell():
    """All ten are in pairs, as are 19 of 20 decoys: nothing says that any of the ten is true."""
    found = FalseMatches([0.5] * 10, [0.5] * 19, 10, 20, exclusive=True)
    assert found.bound() == 1
    assert found.threshold(0.5) == np.inf
    assert FalseMatches([0.5] * 10, [0.5] * 20, 10, 20, exclusive=True).bound() == 1


def test_thresholds_against_a_loop():
    rng = np.random.default_rng(2)
    found, _, _ = drawn(rng)
    for rate in (0.01, 0.05, 0.3):
        good = [r for r in found.real if found.bound(r) <= rate]
        assert found.threshold(rate) == (min(good) if good else np.inf)


def test_equal_r_stay_together():
    found = FalseMatches([0.5, 0.5, 0.5, 0.9], [0.5], n_real=4, n_decoys=4, exclusive=False)
    assert found.pairs(0.5) == 4
    assert found.decoys(0.5) == 1
    assert found.bound(0.5) == 0.5
    assert found.threshold(0.6) == 0.5
    assert found.threshold(0.3) == np.inf


def test_ratios():
    assert FalseMatches([0.5] * 6, [0.5] * 4, 10, 20, exclusive=False).ratio == 0.5
    # 4 real latents are alone, as are 16 of 20 decoys: 5 were within reach.
    assert FalseMatches([0.5] * 6, [0.5] * 4, 10, 20, exclusive=True).ratio == pytest.approx(5 / 20)
    assert FalseMatches([0.5] * 6, [0.5] * 20, 10, 20, exclusive=True).ratio == 0.5
    assert FalseMatches([0.5] * 10, [], 10, 20, exclusive=True).rate() == 0
    frame = FalseMatches([0.55] * 6, [0.5] * 4, 10, 20, exclusive=False).to_frame()
    assert frame["pairs"].tolist() == [6] * 7 + [0] * 4
    assert frame["decoys"].tolist() == [4] * 7 + [0] * 4


def test_errors_say_what_to_do():
    left, right, _ = half_shared(0)
    with pytest.raises(InvalidPairing, match=r"max_false_matches=0.05 must be between 0 and 1, and needs decoys=True"):
        pair(left, right, max_false_matches=0.05)
    with pytest.raises(InvalidPairing, match=r"max_false_matches=1 must be between"):
        pair(left, right, max_false_matches=1, decoys=True)
    with pytest.raises(InvalidCodes, match="decoys are planted before partners are looked for: give pair the codes"):
        pair(correlate(left, right, **GATES), decoys=True)
    with pytest.raises(InvalidPairing, match="no decoy fires often enough to have a partner"):
        FalseMatches([0.5], [], 3, 0, exclusive=True)
    with pytest.raises(InvalidPairing, match="a rate of false matches is between 0 and 1, got 0"):
        FalseMatches([0.5], [], 3, 3, exclusive=True).threshold(0)


def test_the_shipped_models_have_few_false_matches():
    pytest.importorskip("transformers")
    from geomsim.activations.dictionary import read_dictionary
    from geomsim.activations.reading import read_codes
    from geomsim.activations.standard_library import standard_library_documents
    from geomsim.activations.transformers_source import TransformersSource

    documents = [document for document in standard_library_documents() if len(document.text) < 8000][:16]
    sides = []
    for name, layer in (("left", 1), ("right", 2)):
        dictionary = read_dictionary(MODELS / name / "saes" / f"layer_{layer}")
        sides += read_codes(TransformersSource(MODELS / name), documents, {str(dictionary.site): dictionary}).values()
    left, right = sides
    matching = match_latents(left, right, decoys=True, max_false_matches=0.05, min_firings=20, min_cofirings=5)
    assert matching.false_matches.rate() < 0.03
    assert len(matching.pairing) > 250
    # The same left latents against text that was exchanged: nothing but false matches.
    groups = right.groups
    other = plant_decoys(Codes(right.matrix, groups=groups), seed=9).matrix[:, right.n_latents :]
    lost = match_latents(
        Codes(left.matrix, groups=groups), Codes(other, groups=groups), decoys=True, min_firings=20, min_cofirings=5
    )
    assert lost.false_matches.rate() > 0.7
