from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from counted_codes import KINDS, assert_agree, assert_same_bits, related_codes, related_values
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.counted_sums import CountedSums
from geomsim.activations.counting import count
from geomsim.activations.matching import pair
from geomsim.activations.tokens import TokenTable
from geomsim.errors import GeomsimWarning, InvalidCodes

# Few blocks are enough to test with; that users are told of them is tested by name.
pytestmark = pytest.mark.filterwarnings("ignore:.* blocks? of text:geomsim.errors.GeomsimWarning")

OPTIONS = {"min_firings": 5, "min_cofirings": 1}


def shards(seed=0, kinds=("sparse", "sparse"), n_shards=6):
    """The sums of each part of a text, counted apart, and the whole codes."""
    left, right = related_codes(seed, kinds, document=100)
    size = 600 // n_shards
    rows = [np.arange(size) + size * number for number in range(n_shards)]
    parts = [count(left.take(part), right.take(part), block=number) for number, part in enumerate(rows)]
    return parts, left, right


@settings(max_examples=20)
@given(order=st.permutations(range(6)), cuts=st.sets(st.integers(1, 5)), nested=st.booleans())
def test_how_shards_were_merged_changes_no_bit(order, cuts, nested):
    parts, left, right = shards()
    expected = count(left, right, block=np.arange(600) // 100).candidates(**OPTIONS)
    workers = np.split(np.array(order), sorted(cuts))
    merged = [parts[group[0]].merge(*(parts[number] for number in group[1:])) for group in workers]
    if nested:
        while len(merged) > 1:
            merged.append(merged.pop().merge(merged.pop()))
    whole = merged[0].merge(*merged[1:])
    assert [block.number for block in whole.blocks] == list(range(6))
    assert_same_bits(whole.candidates(**OPTIONS), expected)


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)))
def test_shards_counted_apart_give_what_correlate_gives_for_the_whole(kinds):
    parts, left, right = shards(1, kinds)
    assert_agree(parts[3].merge(*parts[:3], *parts[4:]).candidates(**OPTIONS), correlate(left, right, **OPTIONS))


def test_more_text_needs_no_recount():
    parts, left, right = shards(2)
    early = parts[0].merge(*parts[1:4])
    first = np.arange(400)
    assert_agree(early.candidates(**OPTIONS), correlate(left.take(first), right.take(first), **OPTIONS))
    assert_agree(early.merge(*parts[4:]).candidates(**OPTIONS), correlate(left, right, **OPTIONS))


def test_a_part_whose_latents_never_vary_or_fire_merges_like_any_other():
    left, right = related_values(3)
    left[:100], right[100:200] = 0, 2.5
    for kind in KINDS.values():
        codes = [Codes(kind(values), groups=np.arange(600) // 100) for values in (left, right)]
        found = count(*codes, block=np.arange(600) // 100).candidates(**OPTIONS)
        assert_agree(found, correlate(*codes, **OPTIONS))


def test_neighbouring_blocks_go_together_in_the_jackknife():
    left, right = related_codes(4, document=10)
    many = count(left, right, block=np.arange(600) // 10)
    assert len(many.blocks) == 60
    grouped = count(left, right, block=np.arange(600) // 60)
    found = many.candidates(max_blocks=10, **OPTIONS)
    assert found.blocks == 10
    assert_agree(found, grouped.candidates(**OPTIONS))
    assert many.candidates(**OPTIONS).blocks == 20


def test_one_block_has_no_jackknife():
    left, right = related_codes()
    sums = count(left, right)
    found = sums.candidates(**OPTIONS)
    assert np.isinf(found.left_to_right.standard_error[found.left_to_right.partner >= 0]).all()
    without = sums.candidates(standard_errors=False, **OPTIONS)
    assert np.isnan(without.left_to_right.standard_error).all()
    np.testing.assert_array_equal(found.left_to_right.r, without.left_to_right.r)


def test_how_few_blocks_standard_errors_rest_on_is_said():
    left, right = related_codes(document=10)
    for blocks, said in (
        (1, r"all standard errors are infinite, .* in 1 block"),
        (9, "rest on 9 blocks of text; a block"),
    ):
        few = count(left, right, block=np.arange(600) * blocks // 600)
        with pytest.warns(GeomsimWarning, match=said) as warned:
            few.candidates(**OPTIONS)
        assert len(warned) == 1
        assert warned[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            few.candidates(standard_errors=False, **OPTIONS)
    enough = count(left, right, block=np.arange(600) // 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(enough.candidates(**OPTIONS).left_to_right.standard_error[:, 0]).any()


def test_candidates_can_be_paired():
    left, right = related_codes()
    one = pair(count(left, right, block=np.arange(600) // 30).candidates(**OPTIONS))
    other = pair(correlate(left, right, **OPTIONS))
    np.testing.assert_array_equal(one.left, other.left)
    np.testing.assert_array_equal(one.right, other.right)


def test_text_that_was_counted_twice_is_refused():
    parts, left, right = shards()
    with pytest.raises(InvalidCodes, match=r"block 2 is there twice: .* a number of its own"):
        parts[2].merge(parts[0], parts[2])

    def tabled(codes, documents, text_hash="h"):
        rows = np.arange(codes.n_tokens)
        table = TokenTable(documents, rows, rows, rows + 1, rows, tuple(map(str, range(9))), text_hash)
        return Codes(codes.matrix, table)

    right = Codes(right.matrix)
    first = count(tabled(left, np.arange(600) // 200), right)
    with pytest.raises(InvalidCodes, match="document 2 is in blocks 0 and 1"):
        first.merge(count(tabled(left, np.full(600, 2)), right, block=1))
    # Another text numbers its documents anew.
    other = count(tabled(left, np.full(600, 2), "another"), right, block=1)
    merged = first.merge(other, count(tabled(left, np.full(600, 3)), right, block=7))
    assert merged.n_tokens == 1800
    assert merged.candidates().provenance["text_hash"] == ""
    assert first.candidates().provenance["text_hash"] == "h"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "cosine"}, "measure pearson and cosine"),
        ({"dictionary": "b" * 8}, "left dictionary 'aaaaaaaa' and 'bbbbbbbb'"),
        ({"model": "gpt"}, "left model 'pythia' and 'gpt'"),
        ({"site": "blocks.1"}, r"left site 'blocks\.0' and 'blocks\.1'"),
        ({"width": 39}, "left number of latents 40 and 39"),
        ({"words": {"pool": "last", "pattern": "x"}}, r"left rows 'tokens' and 'words \(last, x\)'"),
    ],
)
def test_sums_of_other_things_are_refused_by_name(change, message):
    left, right = related_values()

    def made(number, measure="pearson", width=40, **identity):
        known = {"model": "pythia", "site": "blocks.0", "dictionary": "a" * 8, **identity}
        codes = Codes(KINDS["sparse"](left[:, :width]), provenance=known)
        return count(codes, Codes(right), measure=measure, block=number)

    assert made(0).merge(made(1)).n_tokens == 1200
    with pytest.raises(InvalidCodes, match=f"do not belong together: {message}; "):
        made(0).merge(made(1, **change))
    # What is not known on one side is no contradiction, and is known afterwards.
    unknown = count(Codes(left), Codes(right), block=2)
    assert unknown.merge(made(0)).identity.left.model == "pythia"


def test_options_and_emptiness():
    parts, _, _ = shards()
    with pytest.raises(InvalidCodes, match="top must be at least 1"):
        parts[0].candidates(top=0)
    with pytest.raises(InvalidCodes, match="at least 2 blocks"):
        parts[0].candidates(max_blocks=1)
    with pytest.raises(InvalidCodes, match="0 counted blocks hold no token"):
        CountedSums(parts[0].identity, []).candidates()
    assert repr(parts[0]) == "CountedSums(1 blocks, 100 tokens, 40 left and 50 right latents)"


def test_digits_that_are_lost_are_said():
    # Sums about 0 of what hardly varies, as no version of `count` makes them: a file could hold them.
    random = np.random.default_rng(0)
    values = np.column_stack([1e5 + random.random(500), random.random(500)]).astype(np.float32)
    sums = count(Codes(KINDS["sparse"](values)), Codes(values[:, 1:]))
    plain = values.astype(np.float64)
    block = sums.blocks[0]
    raw = block.left._replace(origin=np.zeros(2), sums=plain.sum(axis=0), squares=(plain**2).sum(axis=0))
    with pytest.warns(GeomsimWarning, match=r"1 left latents hardly vary beside their mean, the worst is 0: .* 3e-0"):
        CountedSums(sums.identity, [replace(block, left=raw)]).candidates()
