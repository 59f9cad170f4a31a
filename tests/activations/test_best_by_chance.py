from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.stats

from geomsim.activations.best_by_chance import ChancePartners, chance_partners, other_text
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.matching import pair
from geomsim.corrections import benjamini_hochberg
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim_synthetic import two_models

GATES = {"min_firings": 20, "min_cofirings": 1}


def independent(seed, n_features=150, n_tokens=2000, mean_active=8, firing="zipf", **more):
    two = two_models(n_features, 0, 2, n_tokens, mean_active, firing, seed=seed, **more)
    return [Codes(side.codes, groups=two.groups) for side in (two.left, two.right)]


def bursty(rng, groups, kind, width=80):
    """Latents that fire in runs, or prefer some documents, or are on for whole ones."""
    n, documents = len(groups), groups.max() + 1
    values = np.zeros((n, width), dtype=np.float32)
    for column in values.T:
        if kind == "runs":
            for start in np.flatnonzero(rng.random(n) < 0.006):
                column[start : start + 15] = groups[start : start + 15] == groups[start]
        else:
            column[:] = (rng.random(documents) < 0.15)[groups] & (rng.random(n) < (0.3 if kind == "topic" else 1))
        column *= rng.uniform(0.5, 1.5, n)
    return Codes.from_dense(values, groups=groups, sparse=True)


@pytest.mark.parametrize("firing", ["uniform", "zipf"])
def test_p_values_are_uniform_where_nothing_corresponds(firing):
    p = {"left-to-right": [], "right-to-left": []}
    for seed in range(12):
        left, right = independent(seed, firing=firing)
        candidates, chance = correlate(left, right, top=1, **GATES), chance_partners(left, right, seed=seed, **GATES)
        assert chance.mean() == pytest.approx(np.nanmean(candidates.left_to_right.r), abs=0.02)
        for direction, tested in (("left-to-right", chance.left_tested), ("right-to-left", chance.right_tested)):
            p[direction].append(chance.p_values(candidates, direction)[tested])
            assert chance.q_values(candidates, direction).min() > 0.05
    for found in p.values():
        # More small p-values than there should be is what must not happen. Those of one data set share its chance
        # maxima, so the data sets and not the p-values are the sample.
        for level in (0.01, 0.05, 0.2):
            shares = np.array([np.mean(one <= level) for one in found])
            assert shares.mean() - level < 3.5 * shares.std(ddof=1) / np.sqrt(len(shares))
        assert np.concatenate(found).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("kind", ["runs", "topic", "document"])
@pytest.mark.parametrize("length", [40, 600])
def test_what_clusters_in_documents_of_unequal_length_is_no_discovery(kind, length):
    p = []
    for seed in range(10 if length == 40 else 4):
        rng = np.random.default_rng(seed)
        sizes = np.maximum(5, length * rng.lognormal(0, 0.8, 60)).astype(int)
        groups = np.repeat(np.arange(60), sizes)
        left, right = (bursty(rng, groups, kind) for _ in range(2))
        chance = chance_partners(left, right, seed=seed, **GATES)
        p.append(chance.p_values(correlate(left, right, top=1, **GATES))[chance.left_tested])
    pooled = np.concatenate(p)
    assert np.mean(pooled <= 0.05) < 0.085
    assert pooled.mean() == pytest.approx(0.5, abs=0.06)


def test_planted_pairs_are_found_and_the_others_are_not():
    two = two_models(200, shared=0.3, width=2, n_tokens=10_000, mean_active=8, firing="uniform", seed=0)
    left, right = (Codes(side.codes, groups=two.groups) for side in (two.left, two.right))
    candidates, chance = correlate(left, right, **GATES), chance_partners(left, right, **GATES)
    p, q = chance.p_values(candidates), chance.q_values(candidates)
    true = np.isin(np.arange(200), two.pairing.left)
    assert (p[true] == chance.least_p()).all()
    assert chance.least_p() == 1 / 501
    assert (q[true] < 0.05).all()
    assert np.mean(p[~true] <= 0.05) < 0.12
    assert (candidates.left_to_right.r[true, 0] > chance.threshold(0.01)).all()


def test_rare_latents_are_compared_with_rare_ones():
    """The chance maximum of rare latents is larger; one pool for all would make them look significant."""
    rng = np.random.default_rng(0)
    probability = np.repeat([0.008, 0.15], 150)
    small = {"rare": [], "often": [], "one pool, rare": []}
    for seed in range(6):
        left, right = (
            Codes.from_dense((rng.random((3000, 300)) < probability).astype(np.float32), sparse=True) for _ in range(2)
        )
        gates = {"min_firings": 5, "min_cofirings": 1}
        candidates = correlate(left, right, top=1, **gates)
        p = chance_partners(left, right, seed=seed, **gates).p_values(candidates)
        small["rare"].append(np.mean(p[:150] <= 0.05))
        small["often"].append(np.mean(p[150:] <= 0.05))
        together = chance_partners(left, right, seed=seed, neighbours=300, **gates).p_values(candidates)
        small["one pool, rare"].append(np.mean(together[:150] <= 0.05))
    assert np.mean(small["rare"]) == pytest.approx(0.05, abs=0.025)
    assert np.mean(small["often"]) == pytest.approx(0.05, abs=0.025)
    assert np.mean(small["one pool, rare"]) > 0.08


@pytest.mark.parametrize("direction", ["left-to-right", "right-to-left"])
def test_p_values_against_a_loop(direction):
    left, right = independent(4, n_features=60)
    candidates = correlate(left, right, top=2, **GATES)
    chance = chance_partners(left, right, shifts=3, neighbours=7, **GATES)
    codes = left if direction == "left-to-right" else right
    maxima = getattr(chance, direction.replace("-", "_"))
    best = getattr(candidates, direction.replace("-", "_")).r[:, 0]
    order = sorted(np.flatnonzero(codes.firings() >= 20), key=lambda latent: codes.firings()[latent])
    assert len(chance.maxima(direction)) == len(order)
    expected = np.ones(codes.n_latents)
    for place, latent in enumerate(order):
        first = min(max(0, place - 3), len(order) - 7)
        pool = [r for other in order[first : first + 7] for r in maxima[other]]
        if not np.isnan(best[latent]):
            expected[latent] = (1 + sum(r >= best[latent] for r in pool)) / (len(pool) + 1)
    np.testing.assert_allclose(chance.p_values(candidates, direction), expected)
    assert (chance.p_values(candidates, direction)[codes.firings() < 20] == 1).all()
    pool = np.sort(chance.maxima(direction).ravel())
    threshold = chance.threshold(0.1, direction)
    assert np.mean(pool > threshold) <= 0.1
    # Its rank: of 181 maxima with a new one, 18 are a share of at most .1 and 19 are not.
    assert threshold == pool[-18]
    assert chance.mean(direction) == pytest.approx(pool[np.isfinite(pool)].mean())


def of_maxima(maxima):
    """Chance partners of as many latents as there are rows, all of them tested."""
    firings, tested = np.full(len(maxima), 50), np.ones(len(maxima), dtype=bool)
    return ChancePartners(maxima, maxima, firings, firings, tested, tested, 2000, neighbours=len(maxima))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.29, 0.5])
@pytest.mark.parametrize(("latents", "shifts"), [(5, 1), (19, 1), (20, 1), (33, 3)])
def test_one_more_chance_maximum_exceeds_the_threshold_as_seldom_as_promised(alpha, latents, shifts):
    """Every one of m + 1 values is in turn the new one among the m others: all cases there are, so no tolerance."""
    values = np.random.default_rng(0).random(latents * shifts + 1)
    exceeds = [
        new > of_maxima(np.delete(values, i).reshape(latents, shifts)).threshold(alpha) for i, new in enumerate(values)
    ]
    share, promised = Fraction(sum(exceeds), len(exceeds)), Fraction(str(alpha))
    # The largest share that there is among those allowed.
    assert share <= promised < share + Fraction(1, len(exceeds))


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.2])
def test_the_threshold_is_where_p_values_of_one_pool_are_alpha(alpha):
    left, right = independent(2, n_features=60, firing="uniform")
    candidates = correlate(left, right, top=1, **GATES)
    chance = chance_partners(left, right, shifts=2, neighbours=60, **GATES)
    assert chance.left_tested.all()
    above = candidates.left_to_right.r[:, 0] > chance.threshold(alpha)
    np.testing.assert_array_equal(above, chance.p_values(candidates) <= alpha)


def test_too_few_chance_maxima_give_no_threshold():
    chance = of_maxima(np.linspace(0.1, 0.2, 18)[:, None])
    assert chance.threshold(0.05) == np.inf
    assert chance.threshold(0.06) == 0.2


def test_the_other_text_is_other_documents_of_like_length():
    """Each right token says which document and position it is of; one shift shows where it went."""
    sizes = np.random.default_rng(0).integers(5, 900, 45)
    groups = np.random.default_rng(1).permutation(np.repeat(np.arange(45), sizes))
    rows, documents = other_text(groups, len(groups), np.random.default_rng(2))
    assert documents == 45
    rank = np.argsort(np.argsort(sizes, kind="stable"))
    stand_ins = []
    for document in range(45):
        there = groups[rows[groups == document]]
        source = int(there[0])
        stand_ins.append(source)
        assert (there == source).all()
        assert source != document
        assert abs(rank[source] - rank[document]) < 20
        # A run of the other document's tokens in reading order, from the start unless it is long.
        place = np.searchsorted(np.flatnonzero(groups == source), rows[groups == document])
        assert (np.diff(place) % sizes[source] == 1 % sizes[source]).all()
        if sizes[source] < 500:
            assert place[0] == 0
    assert sorted(stand_ins) == list(range(45))
    alone, none = other_text(None, 100, np.random.default_rng(0))
    assert none == 0
    np.testing.assert_array_equal(alone, (np.arange(100) + alone[0]) % 100)
    assert 25 <= alone[0] <= 75


def test_the_same_seed_gives_the_same_and_memory_changes_nothing():
    left, right = independent(1)
    chance = chance_partners(left, right, shifts=2, seed=3, **GATES)
    same = chance_partners(left, right, shifts=2, seed=3, memory=100_000, **GATES)
    other = chance_partners(left, right, shifts=2, seed=4, **GATES)
    np.testing.assert_array_equal(chance.left_to_right, same.left_to_right)
    np.testing.assert_array_equal(chance.right_to_left, same.right_to_left)
    assert not np.array_equal(chance.left_to_right, other.left_to_right)
    assert repr(chance).startswith("ChancePartners(2 shifts of 2000 tokens, ")
    dense = [Codes(codes.dense(), groups=codes.groups) for codes in (left, right)]
    np.testing.assert_allclose(chance_partners(*dense, shifts=2, seed=3, **GATES).left_to_right, chance.left_to_right)


def test_pairs_take_the_p_value_of_who_chose():
    two = two_models(120, shared=0.2, width=2, n_tokens=3000, mean_active=8, firing="uniform", seed=2)
    left, right = (Codes(side.codes, groups=two.groups) for side in (two.left, two.right))
    candidates, chance = correlate(left, right, **GATES), chance_partners(left, right, **GATES)
    of_left, of_right = chance.p_values(candidates), chance.p_values(candidates, "right-to-left")
    mutual = pair(candidates)
    np.testing.assert_array_equal(
        chance.pair_p_values(mutual, candidates), np.maximum(of_left[mutual.left], of_right[mutual.right])
    )
    backwards = pair(candidates, method="max", direction="right-to-left")
    np.testing.assert_array_equal(chance.pair_p_values(backwards, candidates), of_right[backwards.right])
    q = chance.pair_q_values(backwards, candidates)
    np.testing.assert_allclose(q, chance.q_values(candidates, "right-to-left")[backwards.right])
    strong = backwards.where(min_weight=0.2)
    np.testing.assert_array_equal(chance.pair_p_values(strong, candidates), of_right[strong.right])
    with pytest.raises(InvalidPairing, match="not made of these candidates"):
        chance.pair_p_values(type(mutual)(mutual.left, mutual.right[::-1], provenance=mutual.provenance), candidates)
    with pytest.raises(InvalidPairing, match="does not say who chose"):
        chance.pair_p_values(type(mutual).identity(3), candidates)


def test_benjamini_hochberg_against_scipy():
    p = np.random.default_rng(0).random(40) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p, 40), scipy.stats.false_discovery_control(p))
    padded = scipy.stats.false_discovery_control(np.concatenate([p, np.ones(25)]))[:40]
    np.testing.assert_allclose(benjamini_hochberg(p, 65), padded)


def test_errors_name_what_is_wrong():
    left, right = independent(0, n_features=40)
    chance = chance_partners(left, right, shifts=2, **GATES)
    for name in ("shifts", "neighbours"):
        with pytest.raises(InvalidCodes, match=f"{name} must be at least 1, got 0"):
            chance_partners(left, right, **{name: 0})
    with pytest.raises(InvalidCodes, match="no left latent varies and fires on 5000 of 2000 tokens"):
        chance_partners(left, right, min_firings=5000)
    with pytest.raises(InvalidCodes, match="8 tokens are too few"):
        chance_partners(Codes(left.matrix[:8]), Codes(right.matrix[:8]), min_firings=1)
    with pytest.raises(InvalidCodes, match="min_firings 20 and 10"):
        chance.p_values(correlate(left, right, min_firings=10, min_cofirings=1))
    with pytest.raises(InvalidCodes, match="tokens 2000 and 1000"):
        chance.p_values(correlate(Codes(left.matrix[:1000]), Codes(right.matrix[:1000]), **GATES))
    with pytest.raises(InvalidCodes, match="the right latents fire on other numbers"):
        chance.p_values(correlate(left, left, **GATES))
    with pytest.raises(InvalidCodes, match="unknown direction 'up'"):
        chance.p_values(correlate(left, right, **GATES), "up")
    with pytest.raises(InvalidCodes, match="alpha must be between 0 and 1, got 1"):
        chance.threshold(1)
    lonely = chance_partners(left, right, shifts=2, min_firings=20, min_cofirings=1500)
    assert lonely.threshold() == -np.inf
    with pytest.raises(InvalidCodes, match="no latent has any partner over 2000 tokens"):
        lonely.mean()
    assert isinstance(lonely, ChancePartners)
