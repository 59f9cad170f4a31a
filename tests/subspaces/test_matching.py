from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim.pairing import Pairing
from geomsim.subspaces import (
    Subspace,
    Theme,
    match_theme,
    pair_subspaces,
    pairs_in_theme,
    row_subspaces,
    theme_labels,
)

DRINKS = Theme("drinks", ("tea", "milk", "Coke"))
WORDS = ["tea", " tea", "ĠMilk", "team", "steal", "coke", "Coke", "\n", "cup", ""]


def plainly(tokens, theme, top, rule, case_sensitive):
    """The rule, word by word."""
    found = []
    for number, row in enumerate(tokens):
        looked_at, matching = 0, 0
        for token in row[:top]:
            looked_at += 1
            for keyword in theme.keywords:
                text = token.replace("Ġ", " ").strip()
                if text == keyword or (not case_sensitive and text.lower() == keyword.lower()):
                    matching += 1
                    break
        if (rule == "any" and matching > 0) or (rule == "most" and 2 * matching > looked_at):
            found.append(number)
    return found


@given(
    tokens=st.lists(st.lists(st.sampled_from(WORDS), max_size=7), max_size=8),
    top=st.integers(1, 6),
    rule=st.sampled_from(["any", "most"]),
    case_sensitive=st.booleans(),
)
def test_rows_match_as_the_rule_says(tokens, top, rule, case_sensitive):
    found = match_theme(tokens, DRINKS, top=top, rule=rule, case_sensitive=case_sensitive)
    assert found.dtype == np.int64
    assert found.tolist() == plainly(tokens, DRINKS, top, rule, case_sensitive)


def test_whole_tokens_match_and_parts_do_not():
    assert match_theme([["team"], ["steal"], ["tea"], ["te"]], DRINKS).tolist() == [2]


def test_most_is_more_than_half_of_the_tokens_there_are():
    tokens = [["tea", "cup"], ["tea", "milk", "cup"], ["tea"], ["tea", "milk", "a", "b", "c"], []]
    assert match_theme(tokens, DRINKS, rule="most").tolist() == [1, 2]
    assert match_theme(tokens, DRINKS, rule="most", top=3).tolist() == [1, 2, 3]


def test_only_the_top_tokens_are_looked_at():
    assert match_theme([["a", "b", "tea"]], DRINKS, top=2).tolist() == []
    assert match_theme([["a", "b", "tea"]], DRINKS, top=3).tolist() == [0]


def test_case_counts_only_where_asked():
    months = Theme("months", ("May",))
    assert match_theme([[" may"], [" May"]], months).tolist() == [0, 1]
    assert match_theme([[" may"], [" May"]], months, case_sensitive=True).tolist() == [1]


LEFT = [["tea"], ["milk"], ["cup"], ["plate"]]
RIGHT = [["milk"], ["spoon"], ["Tea"]]
#               both      left      right     neither   both
PAIRS = Pairing([0, 1, 2, 3, 0], [0, 1, 2, 1, 2])


@pytest.mark.parametrize(
    ("side", "pairs"), [("both", [0, 4]), ("left", [0, 1, 4]), ("right", [0, 2, 4]), ("either", [0, 1, 2, 4])]
)
def test_pairs_match_on_the_side_that_is_asked_for(side, pairs):
    assert pairs_in_theme(LEFT, RIGHT, PAIRS, DRINKS, side=side).tolist() == pairs


def test_swapping_the_sides_swaps_the_answer():
    swapped = Pairing(PAIRS.right, PAIRS.left)
    for side, other in (("left", "right"), ("right", "left"), ("both", "both"), ("either", "either")):
        there = pairs_in_theme(LEFT, RIGHT, PAIRS, DRINKS, side=side)
        back = pairs_in_theme(RIGHT, LEFT, swapped, DRINKS, side=other)
        assert there.tolist() == back.tolist()


def test_an_empty_subspace_is_there_and_says_so():
    themes = {"drinks": DRINKS, "tools": Theme("tools", ("hammer",))}
    drinks, tools = pair_subspaces(LEFT, RIGHT, PAIRS, themes, top=3, rule="most", side="left")
    assert (len(drinks), drinks.of, drinks.is_empty) == (3, 5, False)
    assert drinks.describe() == "drinks: 3 of 5 pairs (most of the top 3 tokens of the left latent are keywords)"
    assert tools.is_empty
    assert tools.rows.tolist() == []
    assert (
        tools.describe() == "tools: empty, none of 5 pairs (most of the top 3 tokens of the left latent are keywords)"
    )


def test_subspaces_of_one_space():
    found = row_subspaces(LEFT, {"drinks": DRINKS})
    assert isinstance(found[0], Subspace)
    assert (found[0].rows.tolist(), found[0].of, found[0].side) == ([0, 1], 4, None)
    assert found[0].describe() == "drinks: 2 of 4 rows (any of the top 5 tokens is a keyword)"


def test_one_label_for_each_row():
    themes = {"hot": Theme("hot", ("tea", "coffee")), "white": Theme("white", ("milk", "snow"))}
    tokens = [["milk", "coffee", "tea"], ["milk", "tea"], ["tea", "milk"], ["cup"], []]
    assert theme_labels(tokens, themes) == ["hot", "white", "hot", None, None]
    assert theme_labels(tokens, themes, rule="most") == ["hot", None, None, None, None]
    assert theme_labels(tokens, themes, top=1) == ["white", "white", "hot", None, None]
    same = {"first": Theme("first", ("tea",)), "second": Theme("second", ("tea",))}
    assert theme_labels([["tea"]], same) == ["first"]


def test_what_cannot_be_matched():
    with pytest.raises(InvalidConfig, match="rule must be one of any, most, got 'all'"):
        match_theme(LEFT, DRINKS, rule="all")
    with pytest.raises(InvalidConfig, match="rule must be one of"):
        theme_labels(LEFT, {"drinks": DRINKS}, rule="all")
    with pytest.raises(InvalidConfig, match="at least one token must be looked at, got top=0"):
        match_theme(LEFT, DRINKS, top=0)
    with pytest.raises(InvalidConfig, match="side must be one of left, right, both, either, got 'neither'"):
        pairs_in_theme(LEFT, RIGHT, PAIRS, DRINKS, side="neither")
    with pytest.raises(InvalidPairing, match="pair 3 names left row 3, but tokens are known of 3 left rows; 1 pairs"):
        pairs_in_theme(LEFT[:3], RIGHT, PAIRS, DRINKS)
    with pytest.raises(InvalidPairing, match="names right row 2, but tokens are known of 2 right rows"):
        pairs_in_theme(LEFT, RIGHT[:2], PAIRS, DRINKS)
