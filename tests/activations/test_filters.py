from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.codes import Codes
from geomsim.activations.filters import LatentMask, few_firings, non_concepts
from geomsim.activations.latent_tokens import TopTokens
from geomsim.activations.token_kinds import read_token_kinds
from geomsim.errors import InvalidConfig, InvalidPairing

TOKENS = st.lists(st.sampled_from([" tea", "cup", ".", "\n", " ", "<s>"]), max_size=7)


def test_masks_join_and_the_first_reason_stays():
    one = LatentMask([True, False, True, False], "one")
    other = LatentMask([True, True, False, False], ["", "", "other", "other"])
    joined = one & other
    assert joined.keep.tolist() == [True, False, False, False]
    assert joined.reasons.tolist() == ["", "one", "other", "one"]
    assert joined.removed == {"one": 2, "other": 1}
    assert repr(joined) == "LatentMask(1 of 4 latents kept, {'one': 2, 'other': 1})"
    pd.testing.assert_frame_equal(
        one.to_frame(),
        pd.DataFrame({"latent": range(4), "keep": [True, False, True, False], "reason": ["", "one", "", "one"]}),
        check_dtype=False,
    )


def test_a_mask_is_a_copy_that_nobody_can_write_to():
    keep = np.array([True, False])
    mask = LatentMask(keep)
    keep[0] = False
    assert mask.keep[0]
    assert mask.removed == {"left_out_by_user": 1}
    with pytest.raises(ValueError, match="read-only"):
        mask.keep[0] = False


@pytest.mark.parametrize(
    ("keep", "reasons", "said"),
    [
        ([1, 0], "x", "a mask is a list of true and false, one for each latent; got int64"),
        ([[True]], "x", r"of shape \(1, 1\)"),
        ([True, False], ["x"], "a mask of 2 latents needs as many reasons, got 1"),
        ([True, False], ["x", ""], "latent 1 is not kept and has no reason"),
    ],
)
def test_bad_masks_are_refused(keep, reasons, said):
    with pytest.raises(InvalidPairing, match=said):
        LatentMask(keep, reasons)


def test_masks_of_two_dictionaries_do_not_join():
    with pytest.raises(InvalidPairing, match="differ in length: 1 and 2 latents"):
        LatentMask([True]) & LatentMask([True, True])


def test_few_firings():
    mask = few_firings(Codes.from_dense([[0.0, 1.0, 1.0], [0.0, 0.0, -2.0]]), 2)
    assert mask.reasons.tolist() == ["silent", "few_firings", ""]


@given(st.lists(TOKENS, min_size=1), st.sampled_from(["any", "most"]), st.integers(1, 6))
def test_non_concepts_against_plain_loops(rows, rule, top):
    kinds = read_token_kinds()
    expected = []
    for row in rows:
        bad = sum(kinds.kind(token) != "" for token in row[:top])
        expected.append(not (bad > 0 if rule == "any" else 2 * bad > min(top, len(row))))
    mask = non_concepts(rows, rule=rule, top=top)
    assert mask.keep.tolist() == expected


def test_the_reason_is_the_kind_of_most_tokens_and_of_even_ones_the_stronger():
    rows = [[".", "\n", "\n", "tea"], ["\n", ".", "x"], [".", "\n", "x"], ["x", "y"]]
    assert non_concepts(rows).reasons.tolist() == [
        "non_concept: line_end", "non_concept: line_end", "non_concept: punctuation", "",
    ]  # fmt: skip


def test_only_the_first_tokens_are_looked_at_and_silent_latents_stay():
    frame = pd.DataFrame({"latent": [0, 0, 0, 2], "rank": [1, 2, 3, 1], "token": ["x", ".", ".", ","]})
    tokens = TopTokens(frame, 4)
    assert non_concepts(tokens).keep.tolist() == [False, True, False, True]
    assert non_concepts(tokens, top=1).keep.tolist() == [True, True, False, True]
    assert non_concepts(tokens, top=2, rule="any").keep.tolist() == [False, True, False, True]


def test_a_file_decides(tmp_path):
    file = tmp_path / "lists.toml"
    file.write_text('[lists]\nbrackets = ["("]\n', encoding="utf-8")
    for kinds in (file, str(file), read_token_kinds(file)):
        assert non_concepts([["("], ["."]], kinds=kinds).reasons.tolist() == ["non_concept: brackets", ""]


def test_options_out_of_range():
    with pytest.raises(InvalidConfig, match="rule must be one of any, most, got 'all'"):
        non_concepts([["x"]], rule="all")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="at least one token must be looked at, got top=0"):
        non_concepts([["x"]], top=0)
