from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.activations.tokens import COLUMNS, TokenTable
from geomsim.errors import InvalidCodes


def table(document=(0, 0, 1), *, names=("a", "b"), text_hash="h", left_out=None):
    n = len(document)
    return TokenTable(
        document,
        np.arange(n),
        2 * np.arange(n),
        2 * np.arange(n) + 2,
        np.arange(n) + 7,
        names,
        text_hash,
        left_out or {},
    )


def test_columns_are_int32_and_groups_are_documents():
    tokens = table()
    assert len(tokens) == 3
    assert all(getattr(tokens, name).dtype == np.int32 for name in COLUMNS)
    np.testing.assert_array_equal(tokens.groups, [0, 0, 1])


def test_take_by_numbers_and_by_mask():
    tokens = table(left_out={"special token": 2})
    for rows in ([2, 0], np.array([2, 0])):
        assert tokens.take(rows).token_id.tolist() == [9, 7]
    masked = tokens.take(np.array([True, False, True]))
    assert masked.token_id.tolist() == [7, 9]
    assert masked.left_out == {"special token": 2}


def test_same_tokens_sees_every_difference():
    tokens = table()
    assert tokens.same_tokens(table(left_out={"x": 1}))
    assert not tokens.same_tokens(table(text_hash="other"))
    assert not tokens.same_tokens(table(names=("a", "c")))
    assert not tokens.same_tokens(tokens.take([0, 1]))
    assert not tokens.same_tokens(tokens.take([0, 2, 1]))


@given(st.lists(st.integers(0, 1), max_size=12), st.lists(st.integers(0, 12), max_size=3))
def test_parts_joined_again_are_the_whole(document, cuts):
    whole = table(document).counted({"special token": 3, "first of window": 0})
    assert whole.left_out == {"special token": 3}
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    parts = [whole.take(np.arange(a, b)).counted({"r": 1}) for a, b in itertools.pairwise(edges)]
    joined = TokenTable.concatenate(parts)
    assert joined.same_tokens(whole)
    assert joined.left_out == Counter({"r": len(parts)})


def test_parts_of_different_texts_do_not_join():
    with pytest.raises(InvalidCodes, match="tables 0 and 1 are of different texts"):
        TokenTable.concatenate([table(), table(text_hash="other")])
    with pytest.raises(InvalidCodes, match="no token tables"):
        TokenTable.concatenate([])


def test_arrays_there_and_back():
    tokens = table(names=("é", 'b"'), left_out={"special token": 1})
    arrays = tokens.to_arrays()
    back = TokenTable.from_arrays({**arrays, "unrelated": np.zeros(2)})
    assert back.same_tokens(tokens)
    assert back.left_out == tokens.left_out
    del arrays["end"]
    with pytest.raises(InvalidCodes, match="end missing; found document"):
        TokenTable.from_arrays(arrays)
    with pytest.raises(InvalidCodes, match="note is damaged"):
        TokenTable.from_arrays({**tokens.to_arrays(), "note": np.frombuffer(b"{", dtype=np.uint8)})


def test_a_table_that_cannot_be():
    with pytest.raises(InvalidCodes, match=r"column 'end' has shape \(1,\) where \(2,\)"):
        TokenTable([0, 0], [0, 1], [0, 1], [1], [5, 6], ("a",))
    with pytest.raises(InvalidCodes, match="row 1 names document 2, but there are 2"):
        table([0, 2])
