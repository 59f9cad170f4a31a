from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geomsim.activations.best_by_chance import chance_partners
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.filters import LatentMask
from geomsim.activations.matching import match_latents, pair
from geomsim.activations.matching_methods import Greedy, Hungarian, Transport, matching_method
from geomsim.errors import InvalidCodes, InvalidPairing

GATES = {"min_firings": 1, "min_cofirings": 1}
METHODS = ("max", "mutual", "one-to-one", "greedy", "hungarian", "transport")


def random_codes(seed, n=60, widths=(6, 8)):
    rng = np.random.default_rng(seed)
    return [(rng.integers(1, 5, (n, width)) * (rng.random((n, width)) < 0.4)).astype(np.float32) for width in widths]


def loops(left, right, method, direction, floor):
    """Pairs by plain loops over np.corrcoef: (left, right) -> r."""
    r = np.full((left.shape[1], right.shape[1]), -np.inf)
    for i in range(left.shape[1]):
        for j in range(right.shape[1]):
            x, y = left[:, i].astype(float), right[:, j].astype(float)
            if np.ptp(x) and np.ptp(y) and ((x != 0) & (y != 0)).any():
                r[i, j] = np.round(np.corrcoef(x, y)[0, 1], 9)
    if direction == "right-to-left":
        r = r.T
    chosen = {}
    for i in range(len(r)):
        j = max(range(r.shape[1]), key=lambda j: (r[i, j], -j))
        if r[i, j] > -np.inf and (floor is None or r[i, j] >= floor):
            chosen[i] = j
    if method == "mutual":
        chosen = {i: j for i, j in chosen.items() if max(range(len(r)), key=lambda k: (r[k, j], -k)) == i}
    if method == "one-to-one":
        chosen = {i: j for i, j in chosen.items() if list(chosen.values()).count(j) == 1}
    return {((i, j) if direction == "left-to-right" else (j, i)): r[i, j] for i, j in chosen.items()}


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    n=st.integers(4, 60),
    method=st.sampled_from(["max", "mutual", "one-to-one"]),
    direction=st.sampled_from(["left-to-right", "right-to-left"]),
    floor=st.sampled_from([None, 0.1]),
)
def test_pairs_are_those_of_plain_loops(seed, widths, n, method, direction, floor):
    left, right = random_codes(seed, n, widths)
    expected = loops(left, right, method, direction, floor)
    assume(expected)
    pairing = pair(Codes(left), Codes(right), method, direction, floor, **GATES)
    found = dict(zip(zip(pairing.left.tolist(), pairing.right.tolist(), strict=True), pairing.weight, strict=True))
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], abs=2e-9) for key in expected)


def test_mutual_does_not_depend_on_direction_and_reverses_with_the_sides():
    left, right = (Codes(values) for values in random_codes(1))
    one = pair(left, right, "mutual", **GATES)
    other = pair(left, right, "mutual", "right-to-left", **GATES)
    swapped = pair(right, left, "mutual", **GATES)
    pairs = [sorted(zip(p.left.tolist(), p.right.tolist(), strict=True)) for p in (one, other)]
    assert pairs[0] == pairs[1] == sorted(zip(swapped.right.tolist(), swapped.left.tolist(), strict=True))


def test_a_planted_permutation_is_recovered():
    rng = np.random.default_rng(0)
    hidden = rng.random((2000, 30)) * (rng.random((2000, 30)) < 0.1)
    order = rng.permutation(30)
    left = Codes.from_dense(hidden, sparse=True)
    right = Codes.from_dense(hidden[:, order] * (rng.random((2000, 30)) < 0.8), sparse=True)
    for method in METHODS:
        pairing = pair(left, right, method)
        np.testing.assert_array_equal(order[pairing.right], pairing.left)
        assert len(pairing) == 30
        assert pairing.provenance["unique_partners"] == 1


def test_candidates_are_taken_as_codes_are():
    left, right = (Codes(values, name=name) for name, values in zip("lr", random_codes(2), strict=True))
    direct = pair(left, right, "max", **GATES)
    candidates = correlate(left, right, **GATES)
    again = pair(candidates, method="max")
    np.testing.assert_array_equal(direct.left, again.left)
    np.testing.assert_array_equal(direct.right, again.right)
    np.testing.assert_array_equal(direct.weight, again.weight)
    assert direct.provenance == again.provenance
    with pytest.raises(InvalidCodes, match="options top cannot be used"):
        pair(candidates, top=3)
    with pytest.raises(InvalidCodes, match="right codes cannot be used"):
        pair(candidates, right)


def test_provenance_says_what_was_counted():
    left, right = random_codes(3)
    left[:, 0] = 0
    left[2:, 1] = 0
    pairing = pair(Codes(left, name="l"), Codes(right, name="r"), "max", min_firings=5, min_cofirings=1, min_weight=0.0)
    said = pairing.provenance
    assert json.loads(json.dumps(said)) == said
    assert (said["left"], said["right"], said["method"], said["direction"]) == ("l", "r", "max", "left-to-right")
    assert said["n_tokens"] == 60
    assert said["left_latents"] == 6
    assert said["without_candidate"]["left"] == {"silent": 1, "constant": 0, "few_firings": 1, "few_cofirings": 0}
    assert said["pairs"] == len(pairing)
    assert said["pairs"] + said["below_min_weight"] == 4
    assert said["unique_partners"] == len(np.unique(pairing.right)) / len(pairing)
    assert said["multiplicity"] == pairing.multiplicity()
    assert said["mean_r"] == pytest.approx(pairing.weight.mean())
    assert said["quartiles_r"] == pytest.approx(np.percentile(pairing.weight, [25, 50, 75]))
    assert said["median_standard_error"] > 0


def test_multiplicity_is_of_the_chosen_side():
    rng = np.random.default_rng(0)
    hidden = rng.random((500, 1))
    crowd = Codes(hidden + 0.1 * rng.random((500, 5)))
    lone = Codes(hidden)
    assert pair(crowd, lone, "max").provenance["multiplicity"] == {"1": 0, "2-10": 1, "11-100": 0, "more": 0}
    backwards = pair(lone, crowd, "max", "right-to-left")
    assert backwards.provenance["multiplicity"] == {"1": 0, "2-10": 1, "11-100": 0, "more": 0}
    assert backwards.left.tolist() == [0] * 5
    assert backwards.right.tolist() == [0, 1, 2, 3, 4]
    assert len(pair(crowd, lone, "mutual")) == 1


def test_a_weak_choice_takes_no_partner_away():
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(500, 1))
    left = Codes(np.concatenate([strong, 0.3 * strong + rng.normal(size=(500, 1))], axis=1))
    right = Codes(strong)
    with pytest.raises(InvalidPairing, match="no pair was found by 'one-to-one'"):
        pair(left, right, "one-to-one")
    floored = pair(left, right, "one-to-one", min_weight=0.9)
    assert floored.left.tolist() == [0]
    assert pair(left, right, "max", min_weight=0.9).one_to_one().left.tolist() == [0]


def test_errors_name_the_choices():
    left, right = (Codes(values) for values in random_codes(4))
    with pytest.raises(InvalidPairing, match="'best'; there are max, mutual, one-to-one, greedy, hungarian, transport"):
        pair(left, right, "best")
    with pytest.raises(InvalidPairing, match="7 is no matching method; there are max, mutual"):
        pair(left, right, 7)
    with pytest.raises(InvalidPairing, match="'forwards'; it is left-to-right or right-to-left"):
        pair(left, right, direction="forwards")
    with pytest.raises(InvalidCodes, match=r"got Codes and NoneType"):
        pair(left)
    with pytest.raises(InvalidCodes, match=r"got ndarray and ndarray .*Codes.from_dense"):
        pair(np.ones((3, 2)), np.ones((3, 2)))


def test_nothing_found_says_why():
    left, right = (Codes(values) for values in random_codes(5))
    with pytest.raises(InvalidPairing, match=r"6 left latents \(few_firings 6\).*over 60 tokens; read more text"):
        pair(left, right)
    with pytest.raises(InvalidPairing, match=r"0 latents have a partner with r of at least 0.99"):
        pair(left, right, min_weight=0.99, **GATES)


def planted(seed, n=2000, width=40, shared=25):
    """The first latents of both sides fire on the same tokens, the others on their own."""
    rng = np.random.default_rng(seed)
    fires = rng.random((2, n, width)) < 0.06
    fires[1, :, :shared] = fires[0, :, :shared] & (rng.random((n, shared)) < 0.9)
    return [Codes.from_dense(side * rng.random((n, width)), groups=np.arange(n) // 25, sparse=True) for side in fires]


def test_chance_stands_beside_the_pairs():
    left, right = planted(0)
    gates = {"min_firings": 20, "min_cofirings": 1}
    candidates, null = correlate(left, right, **gates), chance_partners(left, right, seed=3, **gates)
    pairing = pair(left, right, "max", chance=5, seed=3, **gates)
    said = pairing.provenance["chance"]
    assert json.loads(json.dumps(said)) == said
    assert pairing.provenance == pair(candidates, method="max", chance=null).provenance
    assert (said["shifts"], said["seed"], said["tested"], said["with_a_partner"]) == (5, 3, 40, 40)
    assert said["mean_best_r"] == pytest.approx(candidates.left_to_right.r[:, 0].mean())
    assert said["mean_best_r_by_chance"] == pytest.approx(null.mean())
    assert said["threshold"] == null.threshold(0.05)
    p = null.p_values(candidates)
    assert said["share_of_pairs_p"] == np.mean(p <= 0.05)
    assert said["share_of_pairs_q"] == np.mean(null.q_values(candidates) <= 0.05)
    assert (p[:25] == said["least_p"]).all()
    assert said["above_max_p"] == 0
    without = pair(left, right, "max", **gates)
    np.testing.assert_array_equal(pairing.right, without.right)
    assert "chance" not in without.provenance


def test_max_p_drops_and_counts():
    left, right = planted(1)
    gates = {"min_firings": 20, "min_cofirings": 1}
    every = pair(left, right, "max", chance=5, **gates)
    kept = pair(left, right, "max", chance=5, max_p=0.01, **gates)
    p = chance_partners(left, right, **gates).pair_p_values(every, correlate(left, right, **gates))
    np.testing.assert_array_equal(kept.left, every.left[p <= 0.01])
    assert set(range(25)) <= set(kept.left.tolist())
    assert len(kept) < 30
    assert kept.provenance["chance"]["above_max_p"] == len(every) - len(kept)
    assert kept.provenance["pairs"] == len(kept)
    fitted = pair(left, right, "max", chance=5, max_p=0.01, cross_fit=True, **gates)
    assert fitted.provenance["cross_fit"]["chosen_pairs"] == len(fitted)
    assert set(range(25)) <= set(fitted.left.tolist())
    with pytest.raises(InvalidPairing, match="no pair has a chance p-value of at most 1e-06; the smallest of 40"):
        pair(left, right, "max", chance=5, max_p=1e-6, **gates)


def test_errors_of_chance_and_halves_say_what_is_needed():
    left, right = planted(2)
    gates = {"min_firings": 20, "min_cofirings": 1}
    candidates = correlate(left, right, **gates)
    with pytest.raises(InvalidCodes, match=r"cross_fit chooses on some documents .* both sides' Codes"):
        pair(candidates, cross_fit=True)
    with pytest.raises(InvalidCodes, match=r"chance=5 shifts need codes.*chance=chance_partners"):
        pair(candidates, chance=5)
    with pytest.raises(InvalidPairing, match=r"max_p=0.05 .*needs chance="):
        pair(left, right, max_p=0.05)
    with pytest.raises(InvalidPairing, match="max_p=0 must be above 0"):
        pair(left, right, max_p=0, chance=5)
    whole = chance_partners(left, right, **gates)
    with pytest.raises(InvalidCodes, match="do not belong together: tokens 2000 and"):
        pair(left, right, cross_fit=True, chance=whole, **gates)


@pytest.mark.parametrize("more", [{"cross_fit": True}, {"chance": 2}])
def test_other_measures_are_not_mixed_with_pearson(more):
    left, right = (Codes.from_dense(codes, groups=np.arange(60) // 10) for codes in random_codes(0))
    with pytest.raises(InvalidPairing, match="measure Pearson's r, and these partners are chosen by cosine"):
        pair(left, right, measure="cosine", **GATES, **more)
    assert pair(left, right, measure="cosine", **GATES).provenance["measure"] == "cosine"
    assert pair(left, right, **GATES).provenance["measure"] == "pearson"


# --- the other methods -----------------------------------------------------------------------------------------------


def rows_of(pairing):
    return list(zip(pairing.left.tolist(), pairing.right.tolist(), strict=True))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(METHODS[3:]), floor=st.sampled_from([None, 0.1]))
def test_symmetric_methods_do_not_care_who_is_left(seed, method, floor):
    rng = np.random.default_rng(seed)
    # Continuous values, so that no two r are equal.
    left, right = (
        Codes((rng.random((50, width)) * (rng.random((50, width)) < 0.5)).astype(np.float32)) for width in (6, 8)
    )
    try:
        one = pair(left, right, method, min_weight=floor, **GATES)
    except InvalidPairing:
        with pytest.raises(InvalidPairing, match=f"no pair was found by '{method}'"):
            pair(right, left, method, min_weight=floor, **GATES)
        return
    backwards = pair(left, right, method, "right-to-left", floor, **GATES)
    swapped = pair(right, left, method, min_weight=floor, **GATES)
    assert rows_of(one) == sorted(rows_of(one))
    assert [(right, left) for left, right in rows_of(backwards)] == rows_of(swapped)
    assert sorted(rows_of(backwards)) == rows_of(one)
    order = rng.permutation(8)
    renumbered = pair(left, Codes(right.matrix[:, order]), method, min_weight=floor, **GATES)
    assert sorted((left, int(order[right])) for left, right in rows_of(renumbered)) == rows_of(one)
    assert floor is None or one.weight.min() >= floor
    if method != "transport":
        assert one.mass is None
        assert len(set(one.left.tolist())) == len(set(one.right.tolist())) == len(one)


def test_methods_with_parameters():
    left, right = planted(3)
    candidates = correlate(left, right, min_firings=20, min_cofirings=1)
    assert matching_method("greedy") == Greedy()
    assert matching_method(Hungarian(), unmatched_at=0.3) == Hungarian(0.3)
    every = pair(candidates, method="hungarian")
    some = pair(candidates, method=Hungarian(unmatched_at=0.3))
    assert some.weight.min() > 0.3 > every.weight.min()
    assert set(rows_of(some)) >= {(latent, latent) for latent in range(25)}
    assert some.provenance["hungarian"] == {
        "unmatched_at": 0.3, "best": None, "total_r": pytest.approx(some.weight.sum()),
    }  # fmt: skip
    for method, said in (
        (lambda: Hungarian(unmatched_at=1), "unmatched_at must be at least -1 and below 1, got 1"),
        (lambda: Hungarian(best=0), "best must be at least 1, got 0"),
        (lambda: Transport(epsilon=0), "epsilon must be a number above 0, got 0"),
        (lambda: Transport(epsilon=np.inf), "epsilon must be a number above 0, got inf"),
        (lambda: Transport(marginal=-1), "marginal must be a number above 0, got -1"),
        (lambda: Transport(min_share=1), "min_share must be at least 0 and below 1, got 1"),
        (lambda: matching_method("greedy", epsilon=1), "'greedy' does not take epsilon; it takes no parameters"),
        (lambda: matching_method("hungarian", marginal=1), "does not take marginal; it takes unmatched_at, best"),
    ):
        with pytest.raises(InvalidPairing, match=said):
            method()


def trimmed(candidates, best):
    """R of the pairs that stand among the `best` of either latent, 0 elsewhere, (left latents, right latents)."""
    r = np.zeros((len(candidates.left_firings), len(candidates.right_firings)))
    for partners, of_pairs in ((candidates.left_to_right, r), (candidates.right_to_left, r.T)):
        for latent, listed in enumerate(partners.partner[:, :best].tolist()):
            for rank, partner in enumerate(listed):
                if partner >= 0:
                    of_pairs[latent, partner] = partners.r[latent, rank]
    return np.maximum(r, 0)


@pytest.mark.parametrize("seed", range(4))
def test_only_the_best_of_each_list_go_into_the_largest_total(seed):
    from scipy.optimize import linear_sum_assignment

    left, right = (Codes.from_dense(values) for values in random_codes(seed, n=80, widths=(20, 24)))
    candidates = correlate(left, right, top=8, **GATES)
    totals = {}
    for best in (1, 2, 8, None):
        r = trimmed(candidates, best)
        rows, columns = linear_sum_assignment(r, maximize=True)
        expected = {(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if r[row, column] > 0}
        found = pair(candidates, method=Hungarian(best=best))
        assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
        assert found.provenance["hungarian"]["total_r"] == pytest.approx(r[rows, columns].sum(), abs=1e-12)
        totals[best] = found.weight.sum()
    assert totals[1] < totals[2] - 0.01 < totals[None] - 0.02
    assert totals[8] == totals[None]


def test_transport_keeps_the_mass_of_splits_and_merges():
    # Left latent 0 is two of the right; two of the left are right latent 2; 3 and 3 are alike.
    rng = np.random.default_rng(0)
    n = 4000
    parts = rng.random((n, 2)) < 0.05
    whole = rng.random(n) < 0.1
    half = rng.random(n) < 0.5
    alike = rng.random(n) < 0.1
    own = rng.random((n, 2)) < 0.05
    left = np.stack([parts.any(axis=1), whole & half, whole & ~half, alike, own[:, 0]], axis=1)
    right = np.stack([parts[:, 0], parts[:, 1], whole, alike, own[:, 1]], axis=1)
    pairing = pair(Codes(left.astype(float)), Codes(right.astype(float)), "transport", min_weight=0.2, min_cofirings=1)
    assert rows_of(pairing) == [(0, 0), (0, 1), (1, 2), (2, 2), (3, 3)]
    np.testing.assert_allclose(pairing.weight[:2], 0.69, atol=0.05)
    assert (pairing.mass[:4] > 0.4).all()
    assert pairing.mass[4] == pytest.approx(1, abs=0.05)
    assert pairing.mass[:2].sum() > pairing.mass[4]
    said = pairing.provenance["transport"]
    assert (said["left_latents_split"], said["right_latents_merged"]) == (1, 1)
    assert said["mass"] == pytest.approx(pairing.mass.sum() + said["mass_left_out"])
    assert json.loads(json.dumps(pairing.provenance)) == pairing.provenance
    every = pair(Codes(left.astype(float)), Codes(right.astype(float)), Transport(min_share=0), min_cofirings=1)
    some = pair(Codes(left.astype(float)), Codes(right.astype(float)), "transport", min_cofirings=1)
    assert len(every) == len(some) + some.provenance["transport"]["pairs_left_out"]
    assert some.mass.min() >= 0.1 > every.mass.min()


def test_chance_of_pairs_that_are_not_the_best():
    left, right = planted(4)
    gates = {"min_firings": 20, "min_cofirings": 1}
    candidates, null = correlate(left, right, **gates), chance_partners(left, right, **gates)
    for method in (Greedy(), Hungarian(), Transport(min_share=0)):
        every = pair(candidates, method=method, chance=null)
        p = []
        for i, j, r in zip(every.left.tolist(), every.right.tolist(), every.weight, strict=True):
            of_both = []
            for maxima, firings, tested, latent in (
                (null.left_to_right, null.left_firings, null.left_tested, i),
                (null.right_to_left, null.right_firings, null.right_tested, j),
            ):
                # 40 latents are fewer than a window of 100: all of them are the pool.
                assert tested.sum() <= null.neighbours
                pool = maxima[tested].ravel()
                of_both.append((1 + np.count_nonzero(pool >= r)) / (1 + len(pool)))
                assert firings[latent] >= 20
            p.append(max(of_both))
        assert every.provenance["chance"]["share_of_pairs_p"] == np.mean(np.array(p) <= 0.05)
        for most in (0.05, 0.3, *np.quantile(p, (0.4, 0.7, 0.9))):
            kept = pair(candidates, method=method, chance=null, max_p=most)
            assert rows_of(kept) == [pair for pair, value in zip(rows_of(every), p, strict=True) if value <= most]
            assert kept.provenance["chance"]["above_max_p"] == len(every) - len(kept)
            assert {(latent, latent) for latent in range(25)} <= set(rows_of(kept))


# --- masks and reasons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("more", [{}, {"chance": 2}, {"cross_fit": True}, {"decoys": True}])
def test_masked_latents_are_as_if_they_were_not_there(method, more):
    left, right = planted(5, n=1500)
    gates = {"min_firings": 10, "min_cofirings": 1}
    rng = np.random.default_rng(1)
    keep = [rng.random(40) < 0.7 for _ in range(2)]
    keep[0][0] = keep[1][1] = False
    masked = pair(left, right, method, left_mask=LatentMask(keep[0], "x"), right_mask=keep[1], **more, **gates)
    smaller = [
        Codes(codes.matrix[:, np.flatnonzero(kept)], groups=codes.groups)
        for codes, kept in zip((left, right), keep, strict=True)
    ]
    again = pair(*smaller, method, **more, **gates)
    numbers = [np.flatnonzero(kept) for kept in keep]
    assert rows_of(masked) == [(int(numbers[0][i]), int(numbers[1][j])) for i, j in rows_of(again)]
    np.testing.assert_array_equal(masked.weight, again.weight)
    assert masked.provenance["left_latents"] == 40
    assert masked.provenance["unmatched"]["left"]["x"] == int((~keep[0]).sum())
    assert masked.provenance["unmatched"]["right"]["left_out_by_user"] == int((~keep[1]).sum())
    for name in ("mean_r", "pairs", "below_min_weight", "without_candidate", "unique", "multiplicities"):
        assert masked.provenance[name] == again.provenance[name]


def test_a_masked_latent_takes_nobodys_partner_away():
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(500, 1))
    left = Codes(np.concatenate([strong, 0.3 * strong + rng.normal(size=(500, 1))], axis=1))
    right = Codes(strong)
    for codes in ({"left_codes": left, "right_codes": right}, {"left_codes": correlate(left, right)}):
        assert rows_of(pair(**codes, method="mutual")) == [(0, 0)]
        assert rows_of(pair(**codes, method="mutual", left_mask=[False, True])) == [(1, 0)]
        assert rows_of(pair(**codes, method="one-to-one", left_mask=[False, True])) == [(1, 0)]


def test_candidates_that_lose_all_their_partners_are_counted():
    left, right = (Codes(values) for values in random_codes(1))
    candidates = correlate(left, right, top=1, **GATES)
    keep = np.ones(8, dtype=bool)
    keep[candidates.left_to_right.partner[0, 0]] = False
    matching = match_latents(candidates, method="max", right_mask=keep)
    assert matching.left.reasons[0] == "partners_left_out"
    assert matching.pairing.provenance["without_candidate"]["left"]["few_cofirings"] == 0


def test_masks_that_do_not_fit_are_refused():
    left, right = planted(0)
    gates = {"min_firings": 20, "min_cofirings": 1}
    with pytest.raises(InvalidPairing, match="the right mask is of 3 latents, and there are 40 right latents"):
        pair(left, right, right_mask=[True] * 3)
    with pytest.raises(InvalidPairing, match=r"the left mask leaves none of 40 latents: \{'bad': 40\}; loosen"):
        pair(left, right, left_mask=LatentMask([False] * 40, "bad"))
    with pytest.raises(InvalidPairing, match="do not belong to masked ones; give a number of shifts"):
        pair(left, right, left_mask=np.arange(40) > 0, chance=chance_partners(left, right, **gates), **gates)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(METHODS),
    direction=st.sampled_from(["left-to-right", "right-to-left"]),
    floor=st.sampled_from([None, 0.15]),
    min_firings=st.sampled_from([1, 12]),
)
def test_every_latent_is_paired_or_told_why_not(seed, method, direction, floor, min_firings):
    left, right = random_codes(seed)
    left[:, 0], right[:, 1], right[:, 2] = 0, 3, 0
    left[5:, 2] = 0
    codes = Codes(left), Codes(right)
    candidates = correlate(*codes, min_firings=min_firings, min_cofirings=3)
    try:
        matching = match_latents(*codes, method, direction, floor, min_firings=min_firings, min_cofirings=3)
    except InvalidPairing:
        return
    again = match_latents(candidates, method=method, direction=direction, min_weight=floor)
    for side, of_pair, partners in (
        ("left", matching.pairing.left, candidates.left_to_right),
        ("right", matching.pairing.right, candidates.right_to_left),
    ):
        mask = getattr(matching, side)
        np.testing.assert_array_equal(np.flatnonzero(mask.keep), np.unique(of_pair))
        assert ((mask.reasons == "") == mask.keep).all()
        assert matching.pairing.provenance["unmatched"][side] == mask.removed
        assert matching.pairing.provenance["without_candidate"][side] == candidates.removed[side]
        assert getattr(again, side).reasons.tolist() == mask.reasons.tolist()
        below = partners.found & (partners.r[:, 0] < (floor or -2)) & ~mask.keep
        assert (mask.reasons[below] == "below_min_weight").all()
    assert matching.left.reasons[0] == "silent"
    assert matching.right.reasons[1:3].tolist() == ["constant", "silent"]


def test_cross_fit_says_who_was_constant_on_the_other_half():
    rng = np.random.default_rng(0)
    values = (rng.random((400, 5)) < 0.2) * rng.random((400, 5))
    groups = np.arange(400) // 20
    chosen = pair(Codes(values, groups=groups), Codes(values, groups=groups), cross_fit=True, **GATES)
    held_out = np.isin(groups, chosen.provenance["held_out_documents"])
    values[held_out, 3] = 0
    codes = Codes(values, groups=groups)
    matching = match_latents(codes, codes, cross_fit=True, **GATES)
    assert matching.left.reasons.tolist() == ["", "", "", "constant_held_out", ""]
    assert matching.right.removed == {"constant_held_out": 1}
