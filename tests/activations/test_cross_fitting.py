from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.codes import Codes
from geomsim.activations.cross_fitting import correlations_of_pairs, held_out, split_by_document
from geomsim.activations.matching import pair
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.pairing import Pairing
from geomsim_synthetic import two_models
from geomsim_synthetic.recovery import pairing_recovery

GATES = {"min_firings": 1, "min_cofirings": 1}
# How often a correct program may fail a test that compares draws with a law, were its seeds others.
CHANCE = 1e-3


def codes_of(two):
    return [Codes(side.codes, groups=two.groups, name=side.name) for side in (two.left, two.right)]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=30), st.integers(0, 5))
def test_the_halves_are_whole_documents_and_even(sizes, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)[np.random.default_rng(seed).permutation(sum(sizes))]
    codes = Codes(np.arange(len(groups), dtype=np.float32)[:, None], groups=groups)
    halves = split_by_document(codes, codes, seed)
    found = [half.left.matrix[:, 0].astype(int) for half in (halves.choosing, halves.held_out)]
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(len(groups)))
    for half, rows in zip((halves.choosing, halves.held_out), found, strict=True):
        assert half.documents == sorted(set(groups[rows].tolist()))
        np.testing.assert_array_equal(half.right.matrix[:, 0], rows)
    assert not set(halves.choosing.documents) & set(halves.held_out.documents)
    assert abs(len(found[0]) - len(found[1])) <= max(sizes)
    again = split_by_document(codes, codes, seed)
    assert again.choosing.documents == halves.choosing.documents


def test_another_seed_is_another_split_and_a_giant_document_is_outweighed():
    codes = Codes(np.ones((1000, 1)), groups=np.arange(1000) // 10)
    splits = [split_by_document(codes, codes, seed) for seed in (0, 1, 2)]
    assert len({tuple(split.choosing.documents) for split in splits}) == 3
    assert all(split.choosing.left.n_tokens == 500 for split in splits)
    sizes = [100] + [10] * 10
    giant = Codes(np.ones((200, 1)), groups=np.repeat(np.arange(11), sizes))
    assert {split_by_document(giant, giant, seed).choosing.left.n_tokens for seed in range(4)} <= {90, 100, 110}


@pytest.mark.parametrize("sparse", [True, False])
def test_correlations_of_pairs_against_numpy(sparse):
    rng = np.random.default_rng(0)
    left, right = ((rng.random((300, width)) * (rng.random((300, width)) < 0.2)) for width in (7, 5))
    left[:, 3] = 0
    if not sparse:
        left, right = left - 5, right + 100
    of_left, of_right = np.array([0, 6, 3, 2, 2]), np.array([4, 4, 0, 1, 1])
    codes = [Codes.from_dense(values, sparse=sparse, groups=np.arange(300) // 30) for values in (left, right)]
    for memory in (None, 2000):
        found = correlations_of_pairs(*codes, of_left, of_right, memory=memory)
        assert found.defined.tolist() == [True, True, False, True, True]
        for i in np.flatnonzero(found.defined):
            columns = [c.dense()[:, j].astype(float) for c, j in zip(codes, (of_left[i], of_right[i]), strict=True)]
            assert found.r[i] == pytest.approx(np.corrcoef(*columns)[0, 1], abs=1e-11)
            assert found.cofirings[i] == np.count_nonzero(columns[0] * columns[1])
            # Delete one document at a time: what the jackknife is.
            rest = [np.corrcoef(*(c[np.arange(300) // 30 != d] for c in columns))[0, 1] for d in range(10)]
            assert found.standard_error[i] == pytest.approx(np.sqrt(0.9 * ((rest - np.mean(rest)) ** 2).sum()))
        assert np.isnan(found.r[2])


def test_weights_are_those_of_the_held_out_tokens():
    two = two_models(60, shared=0.5, width=8, n_tokens=6000, mean_active=6, firing="uniform", seed=3)
    left, right = codes_of(two)
    pairing = pair(left, right, "max", "right-to-left", cross_fit=True, seed=5, **GATES)
    said = pairing.provenance
    assert json.loads(json.dumps(said)) == said
    parts = [held_out(codes, pairing).dense() for codes in (left, right)]
    for i in range(len(pairing)):
        expected = np.corrcoef(parts[0][:, pairing.left[i]], parts[1][:, pairing.right[i]])[0, 1]
        assert pairing.weight[i] == pytest.approx(expected, abs=1e-7)
    chosen = np.isin(two.groups, said["choosing_documents"])
    halves = split_by_document(left, right, 5)
    plain = pair(halves.choosing.left, halves.choosing.right, "max", "right-to-left", **GATES)
    np.testing.assert_array_equal(plain.left, pairing.left)
    np.testing.assert_array_equal(plain.right, pairing.right)
    cross = said["cross_fit"]
    assert (cross["choosing_tokens"], cross["held_out_tokens"]) == (chosen.sum(), (~chosen).sum())
    assert said["n_tokens"] == chosen.sum()
    assert cross["mean_r_choosing"] == pytest.approx(plain.weight.mean())
    assert cross["mean_r_held_out"] == said["mean_r"] == pytest.approx(pairing.weight.mean())
    again = pair(left, right, "max", "right-to-left", cross_fit=True, seed=5, **GATES)
    np.testing.assert_array_equal(again.weight, pairing.weight)
    assert again.provenance == said
    other = pair(left, right, "max", "right-to-left", cross_fit=True, seed=6, **GATES)
    assert other.provenance["held_out_documents"] != said["held_out_documents"]


def law_of_r(n_tokens):
    """The law of r between two independent normal columns (Fisher 1915): of variance 1 / (n - 1)."""
    return scipy.stats.beta(n_tokens / 2 - 1, n_tokens / 2 - 1, loc=-1, scale=2)


@pytest.mark.parametrize(("method", "compared"), [("max", 60), ("mutual", 99)])
def test_the_luck_of_the_choice_stays_in_the_choosing_half(method, compared):
    """Independent normal columns, 40 left and 60 right, over two halves of 200 tokens: every law is known.

    The r in one row and one column of the table of all r are independent, of the distribution function F. So the r that
    is chosen is the largest of its row of 60, or of its row and column of 99, and has the distribution function F^60 or
    F^99. Over tokens that had no part in the choice the r of different left latents are independent, of the law F.
    """
    weights, excess, law = [], [], law_of_r(200)
    luck = 1 - scipy.integrate.quad(lambda r: law.cdf(r) ** compared, -1, 1, points=[0, 0.3])[0]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        left, right = (Codes.from_dense(rng.normal(size=(400, n)), groups=np.arange(400) // 20) for n in (40, 60))
        pairing = pair(left, right, method, cross_fit=True, seed=seed, **GATES)
        cross = pairing.provenance["cross_fit"]
        assert (cross["choosing_tokens"], cross["held_out_tokens"]) == (200, 200)
        assert len(set(pairing.left.tolist())) == len(pairing) == cross["chosen_pairs"]
        weights.append(pairing.weight)
        # Times the number of pairs, since data with more mutual pairs have others: of this sum the mean is 0.
        excess.append(len(pairing) * (cross["mean_r_choosing"] - luck))
    weights = np.concatenate(weights)
    assert scipy.stats.ttest_1samp(excess, 0).pvalue > CHANCE
    assert scipy.stats.kstest(weights, law.cdf).pvalue > CHANCE
    largest = scipy.stats.norm.isf(CHANCE / 2) * law.std() / np.sqrt(len(weights))
    assert abs(weights.mean()) < largest
    # So many pairs are enough to see a tenth of the luck.
    assert largest < luck / 10


def test_true_pairs_are_found_as_well_and_keep_their_correlation():
    two = two_models(200, shared=0.5, width=32, n_tokens=20_000, mean_active=8, firing="uniform", seed=1)
    left, right = codes_of(two)
    whole = pair(left, right, min_weight=0.5)
    fitted = pair(left, right, min_weight=0.5, cross_fit=True)
    for pairing in (whole, fitted):
        recovery = pairing_recovery(pairing, two.pairing)
        assert (recovery.precision, recovery.recall) == (1, 1)
    # Shared features fire alike, so r is 1 on any tokens.
    np.testing.assert_allclose(fitted.weight, 1)


def test_pairs_that_cannot_be_measured_are_dropped_and_counted():
    rng = np.random.default_rng(0)
    values = rng.random((400, 6)) * (rng.random((400, 6)) < 0.3)
    codes = Codes(values, groups=np.arange(400) // 20)
    kept = np.isin(codes.groups, split_by_document(codes, codes, 0).held_out.documents)
    values[kept, 1] = 0  # silent where it would be measured
    values[kept, 2] = 0
    values[np.flatnonzero(kept)[:3], 2] = 1  # and this one rare
    codes = Codes(values, groups=codes.groups)
    pairing = pair(codes, codes, cross_fit=True, min_firings=20, min_cofirings=10)
    assert pairing.left.tolist() == [0, 2, 3, 4, 5]
    np.testing.assert_allclose(pairing.weight, 1)
    cross = pairing.provenance["cross_fit"]
    assert cross["chosen_pairs"] == 6
    assert cross["dropped_constant"] == 1
    assert (cross["kept_with_few_firings"], cross["kept_with_few_cofirings"]) == (1, 1)
    assert pairing.provenance["pairs"] == 5
    values[kept] = 0
    codes = Codes(values, groups=codes.groups)
    with pytest.raises(InvalidPairing, match=r"none of the 6 pairs can be measured: .* constant on the 200 held-out"):
        pair(codes, codes, cross_fit=True, **GATES)


def test_token_tables_are_aligned_first_and_name_the_documents():
    def table(skipped):
        rows = [i for i in range(80) if i not in skipped]
        start = np.array(rows)
        return rows, TokenTable(
            start // 20, start % 20, start, start + 1, start, documents=("a", "b", "c", "d"), text_hash="h"
        )

    values = np.random.default_rng(0).random((80, 3))
    sides = [Codes(values[rows], tokens=tokens) for rows, tokens in (table({0, 1}), table({79}))]
    pairing = pair(*sides, cross_fit=True, **GATES)
    assert pairing.provenance["tokens_left_out"] == {"left": 1, "right": 2}
    documents = pairing.provenance["held_out_documents"]
    parts = [held_out(side, pairing) for side in sides]
    for part in parts:
        assert sorted(set(part.tokens.document.tolist())) == documents
        assert part.text_hash == "h"
    other = Codes(values, groups=np.arange(80) // 20, provenance={"text_hash": "other"})
    with pytest.raises(InvalidPairing, match="made on another text"):
        held_out(other, pairing)


def test_labels_of_one_side_are_enough():
    values = np.random.default_rng(0).random((40, 3))
    left, right = Codes(values), Codes(values, groups=np.arange(40) // 10)
    pairing = pair(left, right, cross_fit=True, **GATES)
    assert held_out(right, pairing).n_tokens == 20
    with pytest.raises(InvalidCodes, match="know no documents"):
        held_out(left, pairing)


def test_errors_say_that_documents_are_needed():
    values = np.random.default_rng(0).random((40, 3))
    bare = Codes(values)
    with pytest.raises(InvalidCodes, match=r"neither side knows which document .*give groups"):
        pair(bare, bare, cross_fit=True, **GATES)
    single = Codes(values, groups=np.zeros(40, dtype=int))
    with pytest.raises(InvalidCodes, match=r"at least 2 documents.*have 1"):
        pair(single, single, cross_fit=True, **GATES)
    left, right = Codes(values, groups=np.arange(40) // 10), Codes(values, groups=9 - np.arange(40) // 10)
    with pytest.raises(InvalidCodes, match=r"label their documents differently, .* token 0: 0 and 9"):
        pair(left, right, cross_fit=True, **GATES)
    pairing = pair(left, left, cross_fit=True, **GATES)
    with pytest.raises(InvalidCodes, match="2 of 2 held-out documents"):
        held_out(Codes(values, groups=np.full(40, 77)), pairing)
    with pytest.raises(InvalidPairing, match=r"held no documents out.*cross_fit=True"):
        held_out(left, Pairing([0], [0]))
