from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.candidate_pairs import candidate_pairs, only_latents
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes

GATES = {"min_firings": 1, "min_cofirings": 1}


def two_codes(seed, widths=(6, 9), n=60):
    rng = np.random.default_rng(seed)
    return [Codes((rng.random((n, width)) * (rng.random((n, width)) < 0.3)).astype(np.float32)) for width in widths]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), top=st.integers(1, 4), best=st.sampled_from([None, 1, 2, 9]))
def test_the_union_of_both_lists_each_pair_once(seed, top, best):
    candidates = correlate(*two_codes(seed), top=top, **GATES)
    expected = {}
    for partners, turned in ((candidates.left_to_right, False), (candidates.right_to_left, True)):
        for own in range(len(partners.partner)):
            for rank in range(top if best is None else min(top, best)):
                other = int(partners.partner[own, rank])
                if other >= 0:
                    expected[(other, own) if turned else (own, other)] = partners.r[own, rank]
    pairs = candidate_pairs(candidates, best)
    found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert found == sorted(expected)
    assert [expected[pair] for pair in found] == pairs.r.tolist()
    assert (pairs.n_left, pairs.n_right) == (6, 9)


def test_without_some_latents_the_lists_are_those_of_the_others():
    left, right = two_codes(1)
    keep = np.array([True, False, True, True, False, True]), np.array([True] * 3 + [False] * 2 + [True] * 4)
    every = only_latents(correlate(left, right, top=9, **GATES), *keep)
    again = correlate(Codes(left.matrix[:, keep[0]]), Codes(right.matrix[:, keep[1]]), top=9, **GATES)
    for name in ("left_to_right", "right_to_left"):
        one, other = getattr(every, name), getattr(again, name)
        for column in ("partner", "r", "standard_error", "cofirings"):
            np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
    np.testing.assert_array_equal(every.left_firings, again.left_firings)
    np.testing.assert_array_equal(every.right_firings, again.right_firings)


def test_a_list_closes_up_and_may_become_empty():
    candidates = correlate(*two_codes(2), top=1, **GATES)
    favourite = candidates.left_to_right.partner[0, 0]
    keep = np.ones(9, dtype=bool)
    keep[favourite] = False
    rest = only_latents(candidates, np.ones(6, dtype=bool), keep)
    assert not rest.left_to_right.found[0]
    assert np.isnan(rest.left_to_right.r[0, 0])
    assert rest.left_to_right.cofirings[0, 0] == 0
    assert rest.left_to_right.partner.max() < 8
    assert rest.top == 1
