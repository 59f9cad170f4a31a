"""What became of latents in a larger dictionary: known answers by hand, synthetic truth, a slow plain reference."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from geomsim import Codes
from geomsim.activations.containment import Firings, beyond_chance, containment
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.feature_splitting import splitting
from geomsim.activations.splitting_classes import SIDES, UNJUDGED, classes_of
from geomsim.activations.splitting_families import Parts, components, find_parts
from geomsim.activations.splitting_result import Family, Splitting
from geomsim.activations.stitching import Stitching, stitch
from geomsim.errors import GeomsimError, GeomsimWarning, InvalidCodes, InvalidConfig, InvalidPairing
from geomsim_synthetic import CorrelatedGroup, Faults, Hierarchy, TwoModels, two_models

N_TOKENS = 6000


def fired(n: int, seed: int = 0, probability: float = 0.05) -> np.ndarray:
    return np.random.default_rng(seed).random((N_TOKENS, n)) < probability


@pytest.fixture(scope="module")
def by_hand() -> Splitting:
    """Every class once, or more; s are smaller latents, l larger ones."""
    f = fired(12)
    coin = np.random.default_rng(1).random((N_TOKENS, 4))
    few = np.zeros(N_TOKENS, dtype=bool)
    few[[5, 700]] = True
    silent = np.zeros(N_TOKENS, dtype=bool)
    half = coin[:, 0] < 0.5
    general, some = f[:, 5], coin[:, 1] < 0.2
    overlap = coin[:, 2] < 0.4
    smaller = [
        f[:, 0],  # s0 is l0 and l1
        f[:, 1],  # s1 is l2, in which l8 is nested
        f[:, 2],  # s2 and s3 are l3
        f[:, 3],
        f[:, 4],  # s4 is l4 and its twin l5
        general,  # s5 is l6, from which l7 took some
        f[:, 6],  # s6 has vanished
        few,
        silent,
        f[:, 7] & (overlap | (coin[:, 3] < 0.9)),  # s9 and l9 overlap
        f[:, 10],  # s10 contains l14, which is a little of it
    ]
    larger = [
        f[:, 0] & half, f[:, 0] & ~half, f[:, 1], f[:, 2] | f[:, 3], f[:, 4], f[:, 4], general & ~some, general & some,
        f[:, 1] & (coin[:, 2] < 0.5), (f[:, 7] & overlap) | f[:, 8], f[:, 9], few, silent, ~silent,
        f[:, 10] & (coin[:, 0] < 0.3),
    ]  # fmt: skip
    sides = (
        Codes.from_dense(np.stack(each, axis=1) * 1.0, groups=np.arange(N_TOKENS) // 60) for each in (smaller, larger)
    )
    return splitting(*sides, min_firings=30, min_cofirings=5, shifts=20)


def test_every_class_by_hand(by_hand: Splitting) -> None:
    assert by_hand.classes("smaller").tolist() == [
        "split", "one-to-one", "merged", "merged", "tangled", "split", "vanished", "few firings", "dead", "overlapping",
        "containing",
    ]  # fmt: skip
    assert by_hand.classes("larger").tolist() == [
        "split", "split", "one-to-one", "merged", "tangled", "tangled", "split", "split", "nested", "overlapping",
        "new", "few firings", "dead", "always active", "nested",
    ]  # fmt: skip
    assert by_hand.judged == {"smaller": 9, "larger": 12}
    assert by_hand.counts["smaller"]["merged"] == 2
    assert by_hand.counts["larger"]["merged"] == 1
    assert by_hand.shares("larger")["split"] == 4 / 12


def test_families_by_hand(by_hand: Splitting) -> None:
    splits = {family.smaller[0]: family for family in by_hand.families("split")}
    assert set(splits[0].larger) == {0, 1}
    assert splits[0].cover == 1.0
    assert sum(splits[0].shares) == pytest.approx(1.0)
    assert splits[0].effective_parts == pytest.approx(2.0, abs=0.05)
    assert splits[5].larger == (6, 7)  # the main part first
    assert splits[5].main_share == pytest.approx(0.8, abs=0.05)
    assert splits[5] in by_hand.absorbing
    (merge,) = by_hand.families("merged")
    assert (set(merge.smaller), merge.larger, merge.cover) == ({2, 3}, (3,), 1.0)
    (tangle,) = by_hand.families("tangled")
    assert (tangle.smaller, tangle.larger, tangle.cover, tangle.main_share) == ((4,), (4, 5), None, None)
    (same,) = by_hand.families("one-to-one")
    assert (same.smaller, same.larger, same.shares) == ((1,), (2,), (1.0,))
    assert by_hand.pairing().weight == pytest.approx([1.0])
    split = by_hand.pairing("split")
    assert sorted(zip(split.left.tolist(), split.right.tolist(), strict=True)) == [(0, 0), (0, 1), (5, 6), (5, 7)]
    with pytest.raises(InvalidPairing, match="tangled latents have no pairs"):
        by_hand.pairing("tangled")
    with pytest.raises(InvalidCodes, match="there is no relation 'splits'; there are one-to-one, split"):
        by_hand.families("splits")


def test_the_table_by_hand(by_hand: Splitting) -> None:
    frame = by_hand.to_frame().set_index(["side", "latent"])
    nested = frame.loc[("larger", 8)]
    assert (nested["container"], nested["inside"], nested["partners"]) == (1, 1.0, ())
    assert frame.loc[("smaller", 1)]["partners"] == (2,)
    assert frame.loc[("smaller", 0)]["cover"] == 1.0
    vanished = frame.loc[("smaller", 6)]
    assert vanished["q"] > 0.05
    assert vanished["inside"] < 0.2
    assert frame.loc[("smaller", 8)]["container"] == -1
    assert np.isnan(frame.loc[("smaller", 8)]["cover"])
    assert frame.loc[("larger", 0)]["q"] <= 0.05
    assert frame["cosine"].isna().all()
    assert by_hand.stitching is None
    assert by_hand.agreement is None


def test_the_words_say_what_was_counted(by_hand: Splitting) -> None:
    said = by_hand.describe()
    assert "smaller dictionary: 9 latents judged, 1 few firings, 1 dead" in said
    assert "1 ( 11%) vanished: have nothing beyond chance in the larger dictionary" in said
    assert "1 (  8%) new" in said
    assert "2 splits into 2.0 parts on average, at most 2" in said
    assert repr(by_hand) == "Splitting(11 and 15 latents; of the smaller one-to-one 1, split 2, merged 2, tangled 1)"


def test_saved_and_read_again_it_is_the_same(by_hand: Splitting, tmp_path: Path) -> None:
    written = by_hand.save(tmp_path / "found")
    assert sorted(path.name for path in written) == ["families.parquet", "latents.parquet", "links.parquet"]
    again = Splitting.open(tmp_path / "found")
    assert again.frame.equals(by_hand.frame)
    assert again.links.equals(by_hand.links)
    assert again.all_families == by_hand.all_families
    assert again.counts == by_hand.counts
    assert again.describe() == by_hand.describe()
    (tmp_path / "found" / "links.parquet").unlink()
    with pytest.raises(GeomsimError, match=r"links\.parquet: no such file"):
        Splitting.open(tmp_path / "found")


# --- a slow plain reference -------------------------------------------------------------------------------------------


def plain_containment(smaller: np.ndarray, larger: np.ndarray, weigh: str) -> dict[tuple[int, int], tuple[float, ...]]:
    """Shares, shares beyond chance, cofirings and r of every pair, one token after the other."""
    n, found = len(smaller), {}
    for s in range(smaller.shape[1]):
        for la in range(larger.shape[1]):
            both = own = other = own_all = other_all = 0.0
            for token in range(n):
                weights = [
                    abs(float(values[token, latent])) if weigh == "activation" else float(values[token, latent] != 0)
                    for values, latent in ((smaller, s), (larger, la))
                ]
                own_all += weights[0]
                other_all += weights[1]
                if smaller[token, s] and larger[token, la]:
                    both += 1
                    own += weights[0]
                    other += weights[1]
            densities = np.mean(smaller[:, s] != 0), np.mean(larger[:, la] != 0)
            shares = own / own_all, other / other_all
            r = np.corrcoef(smaller[:, s].astype(float), larger[:, la].astype(float))[0, 1]
            excess = (shares[0] - densities[1]) / (1 - densities[1]), (shares[1] - densities[0]) / (1 - densities[0])
            found[s, la] = (*shares, *excess, both, r)
    return found


def random_codes(seed: int, n_latents: int, n_tokens: int = 150) -> np.ndarray:
    random = np.random.default_rng(seed)
    fires = random.random((n_tokens, n_latents)) < 0.3
    return np.asarray(random.gamma(1.0, size=fires.shape) * fires, dtype=np.float32)


@pytest.mark.parametrize("weigh", ["activation", "firings"])
def test_numbers_are_those_of_a_plain_reference(weigh: Any) -> None:
    smaller, larger = random_codes(0, 5), random_codes(1, 7)
    larger[:, 0] = smaller[:, 0] * (np.arange(150) % 2)
    reference = plain_containment(smaller, larger, weigh)
    sides = [Firings(Codes.from_dense(each), weigh, 1) for each in (smaller, larger)]
    found = containment(*sides, -10.0, 1, 1)
    assert len(found.smaller) == sum(values[4] >= 1 for values in reference.values()) == 35
    for place, pair in enumerate(zip(found.smaller.tolist(), found.larger.tolist(), strict=True)):
        got = [
            found.smaller_share[place], found.larger_share[place], found.smaller_inside[place],
            found.larger_inside[place], found.cofirings[place], found.r[place],
        ]  # fmt: skip
        assert got == pytest.approx(reference[pair], abs=1e-6)
    for la in range(7):
        best = max(range(5), key=lambda s: reference[s, la][3])
        assert found.best.right_to_left.partner[la, 0] == best
        assert found.best.right_to_left.r[la, 0] == pytest.approx(reference[best, la][3], abs=1e-6)
    for s in range(5):
        best = max(range(7), key=lambda la: reference[s, la][2])
        assert found.best.left_to_right.partner[s, 0] == best


def test_firings_beyond_chance_are_loevingers_coefficient() -> None:
    # One minus the errors (fires without the container) over those of firings that know nothing of each other.
    smaller, larger = random_codes(2, 1), random_codes(3, 1)
    found = containment(*(Firings(Codes.from_dense(each), "firings", 1) for each in (smaller, larger)), -10.0, 1, 1)
    fires, holds = larger[:, 0] != 0, smaller[:, 0] != 0
    errors, expected = (fires & ~holds).sum(), fires.sum() * (~holds).mean()
    assert found.larger_inside[0] == pytest.approx(1 - errors / expected)


def test_chunks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = random_codes(1, 33, 400)
    smaller = Codes.from_dense(random_codes(0, 20, 400))
    larger = Codes.from_dense(np.concatenate([values, values], axis=1))  # of a tie the lowest number stays
    sides = [Firings(each, "activation", 1) for each in (smaller, larger)]
    whole = containment(*sides, 0.05, 1, 1)
    monkeypatch.setattr("geomsim.activations.coactivation_sparse.cores", lambda: 3)
    pieces = containment(*sides, 0.05, 1, 1, memory=1)
    for name in ("smaller", "larger", "smaller_share", "larger_inside", "r", "cofirings"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    assert pieces.best.left_to_right.partner.max() < 33
    for way in ("left_to_right", "right_to_left"):
        np.testing.assert_array_equal(getattr(whole.best, way).partner, getattr(pieces.best, way).partner)
        np.testing.assert_array_equal(getattr(whole.best, way).r, getattr(pieces.best, way).r)


def test_dense_and_sparse_codes_are_one() -> None:
    values = [random_codes(seed, n, 600) for seed, n in ((0, 30), (1, 40))]
    dense = splitting(*(Codes.from_dense(each, sparse=False) for each in values), min_firings=10, min_cofirings=2)
    sparse = splitting(
        *(Codes.from_scipy(scipy.sparse.csr_array(each)) for each in values), min_firings=10, min_cofirings=2
    )
    assert dense.frame.equals(sparse.frame)


def test_weak_firings_count_little_by_activation_and_much_by_firings() -> None:
    f, noise = fired(60, 3), fired(60, 4, 0.06)
    strong = f * 1.0
    weak = np.where(f, 1.0, 0.02 * noise)
    sides = Codes.from_dense(weak), Codes.from_dense(strong)
    assert set(splitting(*sides).classes("smaller")) == {"one-to-one"}
    found = splitting(*sides, weigh="firings", min_cover=0.9, min_share=0.9)
    assert (set(found.classes("smaller")), set(found.classes("larger"))) == ({"containing"}, {"nested"})


def test_a_part_that_fires_often_covers_less_than_it_seems() -> None:
    f, coin = fired(60, 8, 0.4), np.random.default_rng(9).random((N_TOKENS, 60))
    # A density of .22 covers .55 of the whole, .42 beyond chance.
    found = splitting(Codes.from_dense(1.0 * f), Codes.from_dense(1.0 * (f & (coin < 0.55))))
    assert (set(found.classes("smaller")), set(found.classes("larger"))) == ({"containing"}, {"nested"})
    kept = splitting(Codes.from_dense(1.0 * f), Codes.from_dense(1.0 * (f & (coin < 0.75))))
    assert set(kept.classes("smaller")) == {"one-to-one"}


# --- synthetic truth --------------------------------------------------------------------------------------------------


def true_classes(two: TwoModels) -> dict[str, list[str]]:
    """What each row is, by the components of the true links."""
    truth = two.truth
    sides = truth.left, truth.right
    n = [len(side.kind) for side in sides]
    pairs = np.array(truth.pairs)
    graph = scipy.sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], n[0] + pairs[:, 1])), shape=(sum(n), sum(n)))
    number = connected_components(graph, directed=False)[1]
    members = [Counter(number[: n[0]].tolist()), Counter(number[n[0] :].tolist())]
    classes: dict[str, list[str]] = {"smaller": [], "larger": []}
    doubled = {
        number[row + offset] for side, offset in zip(sides, (0, n[0]), strict=True)
        for row, kind in enumerate(side.kind) if kind == "duplicate"
    }  # fmt: skip
    for place, (name, side) in enumerate(zip(classes, sides, strict=True)):
        for row, kind in enumerate(side.kind):
            group = number[row + place * n[0]]
            shape = members[0][group], members[1][group]
            if kind == "dead":
                known = "dead"
            elif 0 in shape:
                known = "vanished" if place == 0 else "new"
            elif group in doubled or min(shape) > 1:
                known = "tangled"
            else:
                known = "one-to-one" if shape == (1, 1) else "split" if shape[0] == 1 else "merged"
            classes[name].append(known)
    return classes


def precision_and_recall(two: TwoModels, **options: Any) -> dict[tuple[str, str], tuple[float, float, int]]:
    """By side and class: precision, recall, and how many there truly are."""
    found = splitting(two.left.true_codes(), two.right.true_codes(), min_firings=50, **options)
    scores = {}
    for side, known in true_classes(two).items():
        true, got = np.array(known), found.classes(side)  # type: ignore[arg-type]
        for name in set(known):
            correct = int(((true == name) & (got == name)).sum())
            n_found, n_true = int((got == name).sum()), int((true == name).sum())
            scores[side, name] = (correct / n_found if n_found else 0.0, correct / n_true, n_true)
    return scores


FAULTS = {
    "left_faults": Faults(merged=8, dead=3), "right_faults": Faults(split=20, merged=6, duplicated=5, dead=4),
}  # fmt: skip
WORLD: dict[str, Any] = {"n_features": 300, "shared": 0.75, "width": 64, "n_tokens": 40_000, "mean_active": 6.0}


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({"firing": "uniform"}, 0.98),
        ({"firing": "uniform", "seen": (0.9, 0.8)}, 0.95),
        ({"firing": "uniform", "seen": 0.7}, 0.95),
        ({"firing": "uniform", "structures": tuple(CorrelatedGroup(4, 0.7, probability=0.03) for _ in range(8))}, 0.9),
        # Of a frequent and a rare feature in one latent, the rare one is less than a part: min_part.
        ({"firing": "zipf"}, 0.8),
    ],
    ids=["uniform", "few misses", "many misses", "groups that fire together", "rare and frequent"],
)  # fmt: skip
def test_precision_and_recall_on_known_truth(changes: dict[str, Any], least: float) -> None:
    two = two_models(**WORLD, **FAULTS, **changes)
    scores = precision_and_recall(two)
    assert {name for _, name in scores} == {"one-to-one", "split", "merged", "tangled", "vanished", "new", "dead"}
    for place, (precision, recall, n) in scores.items():
        # Chains of features that share halves, which merges on both sides make, are few and not always linked.
        needed = 0.7 if place[1] == "tangled" else least
        assert precision >= needed, (place, precision, n)
        assert recall >= needed, (place, recall, n)


def test_parents_that_lost_tokens_to_a_child_stay_one_to_one_and_are_covered_in_part() -> None:
    trees = tuple(Hierarchy((None, 0, 0), given=0.4, probability=0.1) for _ in range(6))
    two = two_models(**WORLD, firing="uniform", structures=trees, right_faults=Faults(absorbed=6))
    found = splitting(two.left.true_codes(), two.right.true_codes(), min_firings=50)
    assert set(found.classes("larger")[[kind == "absorbed" for kind in two.truth.right.kind]]) == {"one-to-one"}
    frame = found.frame[found.frame["side"] == "smaller"]
    losing = [link.left for link in two.truth.links if two.truth.right.kind[link.right] == "absorbed"]
    assert np.all(frame["cover"].to_numpy()[losing] < 0.7)
    sound = [link.left for link in two.truth.links if link.relation == "one-to-one"]
    assert np.mean(frame["cover"].to_numpy()[sound]) > 0.99


def test_where_nothing_is_shared_nothing_is_found() -> None:
    found = [
        splitting(*(side.true_codes() for side in (two.left, two.right)), min_firings=50)
        for two in (two_models(**{**WORLD, "shared": 0.0}, seed=seed) for seed in range(3))
    ]
    for each in found:
        assert each.counts["smaller"]["vanished"] + each.counts["larger"]["new"] >= 0.99 * 600
        assert not each.all_families
    p = np.concatenate([each.frame["p"] for each in found])
    assert np.mean(p <= 0.05) < 0.07  # and the chance is not too large either
    assert np.mean(p <= 0.5) > 0.4


def test_sides_of_one_size_exchange_split_and_merged() -> None:
    two = two_models(**WORLD, firing="uniform", right_faults=Faults(split=10, merged=10), left_faults=Faults(dead=0))
    left, right = two.left.true_codes(), two.right.true_codes()
    one, other = splitting(left, right, min_firings=50), splitting(right, left, min_firings=50)
    swapped = {"split": "merged", "merged": "split", "vanished": "new", "new": "vanished"}
    turned = [swapped.get(name, name) for name in other.classes("larger")]
    assert one.classes("smaller").tolist() == turned


# --- contracts --------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 6), st.sampled_from(["activation", "firings"]))
def test_every_latent_is_in_one_class_and_one_family(seed: int, n_small: int, more: int, weigh: Any) -> None:
    random = np.random.default_rng(seed)
    base = random.random((300, 6)) < 0.2
    sides = []
    for n in (n_small, n_small + more):
        chosen = base[:, random.integers(6, size=n)] & (random.random((300, n)) < random.random(n))
        sides.append(chosen * random.gamma(1.0, size=(300, n)))
    if not all((each != 0).sum(axis=0).max() >= 10 for each in sides):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)
        found = splitting(
            *(Codes.from_dense(each) for each in sides), min_firings=10, min_cofirings=2, shifts=20, weigh=weigh,
            alpha=0.3,
        )  # fmt: skip
    for side, values in zip(SIDES, sides, strict=True):
        assert sum(found.counts[side].values()) == values.shape[1]
        assert set(found.classes(side)) <= set(classes_of(side))
        named = [latent for family in found.all_families for latent in getattr(family, side)]
        assert len(named) == len(set(named))
        assert sum(found.shares(side).values()) == pytest.approx(1.0)
    frame = found.frame
    inside = frame["inside"].dropna()
    assert (inside <= 1 + 1e-12).all()
    assert (frame["cover"].dropna().between(0, 1 + 1e-12)).all()
    for family in found.all_families:
        shape = len(family.smaller), len(family.larger)
        assert {
            "one-to-one": shape == (1, 1),
            "split": shape[0] == 1 < shape[1],
            "merged": shape[1] == 1 < shape[0],
        }.get(family.relation, max(shape) > 1)
        if family.cover is not None:
            assert max(family.shares) <= family.cover + 1e-12 <= sum(family.shares) + 1e-9


def test_order_and_scale_of_latents_do_not_matter() -> None:
    two = two_models(**WORLD, firing="uniform", **FAULTS)
    left, right = two.left.codes.toarray(), two.right.codes.toarray()
    groups, order = two.groups, np.random.default_rng(0).permutation(right.shape[1])
    one = splitting(*(Codes.from_dense(each, groups=groups) for each in (left, right)))
    other = splitting(
        Codes.from_dense(left * 4.0, groups=groups), Codes.from_dense(right[:, order] * 0.5, groups=groups)
    )  # fmt: skip
    assert one.classes("smaller").tolist() == other.classes("smaller").tolist()
    assert one.classes("larger")[order].tolist() == other.classes("larger").tolist()


def test_tokens_that_one_side_lacks_are_left_out_and_counted() -> None:
    two = two_models(**{**WORLD, "n_tokens": 5000}, firing="uniform")
    left, right = two.left.true_codes(), two.right.true_codes()
    found = splitting(left, right)
    assert found.provenance["n_tokens"] == 5000
    assert set(found.provenance["tokens_left_out"].values()) == {0}


def test_parts_of_a_whole_by_hand() -> None:
    whole = np.zeros((20, 1))
    whole[:10] = 1.0
    others = np.zeros((20, 5))
    others[:6, 0] = 1  # most of it
    others[6:9, 1] = 1  # a part of its own
    others[:3, 2] = 1  # inside the first
    others[:6, 3] = 1  # the first again
    others[2:7, 4] = 1  # mostly inside the first, and a little more
    sides = [Firings(Codes.from_dense(each), "activation", 1) for each in (whole, others)]
    shares = np.array([0.6, 0.3, 0.3, 0.6, 0.5])
    (found,) = find_parts(*sides, np.zeros(5, dtype=np.int64), shares, 0.5, 0.05, 0.5).values()
    assert found == Parts(0, (0, 1), (0.6, 0.3), (3, 4), 0.9, 9 / 20)
    assert found.beyond_chance == pytest.approx((0.9 - 0.45) / 0.55)
    (fewer,) = find_parts(*sides, np.zeros(5, dtype=np.int64), shares, 0.5, 0.31, 0.7).values()
    assert (fewer.parts, fewer.twins) == ((0,), ())
    assert find_parts(*sides, np.full(5, -1), shares, 0.5, 0.05, 0.5) == {}


def test_components_by_hand() -> None:
    def family(whole: int, *parts: int, twins: tuple[int, ...] = ()) -> Parts:
        return Parts(whole, parts, tuple(1 / len(parts) for _ in parts), twins, 1.0, 0.1)

    splits = {0: family(0, 0, 1), 1: family(1, 2), 4: family(4, 6, twins=(7,)), 5: family(5, 8, 9)}
    merges = {5: family(5, 2, 3), 2: family(2, 1), 10: family(10, 5)}
    found = {each.smaller: (each.larger, each.relation) for each in components(splits, merges)}
    assert found == {
        (0,): ((0, 1), "split"), (1,): ((2,), "one-to-one"), (2, 3): ((5,), "merged"), (4,): ((6, 7), "tangled"),
        (5,): ((8, 9, 10), "tangled"),  # parts of a part
    }  # fmt: skip


def test_a_share_beyond_chance() -> None:
    assert beyond_chance(np.array([1.0, 0.5, 0.0]), np.array([0.5, 0.5, 0.5])).tolist() == [1.0, 0.0, -1.0]
    assert Family("tangled", (0, 1), (2, 3)).effective_parts is None
    assert UNJUDGED == ("few firings", "always active", "dead")


# --- directions -------------------------------------------------------------------------------------------------------


def dictionary(rows: Any) -> Dictionary:
    import torch

    decoder = torch.tensor(np.asarray(rows), dtype=torch.float32)
    return Dictionary(decoder.T.contiguous(), torch.zeros(len(decoder)), decoder, torch.zeros(decoder.shape[1]))


def test_directions_that_are_there_already() -> None:
    smaller = dictionary([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    larger = dictionary([[3.0, 0.1, 0.0], [0.0, 1.0, 1.1], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    found = stitch(smaller, larger)
    assert found.novel.tolist() == [False, True, True, True]  # the opposite direction is another one
    assert found.larger_nearest[:2].tolist() == [0, 1]
    assert found.larger_cosine[1] == pytest.approx(1 / np.hypot(1, 1.1))
    assert found.smaller_nearest.tolist() == [0, 1]
    with pytest.raises(InvalidConfig, match=r"min_cosine 1\.5 must lie between -1 and 1"):
        stitch(smaller, larger, 1.5)


def test_agreement_is_cohens_kappa() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    cosine, here = random.random(200), random.random(200) < 0.6
    cosine[3] = np.nan
    judged = random.random(200) < 0.8
    found = Stitching(np.zeros(1, int), np.zeros(1), np.zeros(200, int), cosine, 0.5).agreement(here, judged)
    counted = judged & ~np.isnan(cosine)
    there = cosine[counted] >= 0.5
    assert (
        found["n"]
        == counted.sum()
        == sum(found[name] for name in ("both", "firings alone", "directions alone", "neither"))
    )
    assert found["share"] == pytest.approx(np.mean(there == here[counted]))
    assert found["kappa"] == pytest.approx(metrics.cohen_kappa_score(here[counted], there))
    nobody = Stitching(np.zeros(1, int), np.zeros(1), np.zeros(200, int), cosine, 0.5).agreement(here, judged & False)
    assert (nobody["n"], nobody["share"], nobody["kappa"]) == (0, None, None)


def test_directions_stand_beside_firings() -> None:
    f, half = fired(8), np.random.default_rng(1).random(N_TOKENS) < 0.5
    rows = np.linalg.qr(np.random.default_rng(2).normal(size=(16, 16)))[0]
    larger = np.column_stack([f[:, 0] & half, f[:, 0] & ~half, f[:, 1:]])
    found = splitting(
        Codes.from_dense(f * 1.0), Codes.from_dense(larger * 1.0), smaller_dictionary=dictionary(rows[:8]),
        shifts=20,
        larger_dictionary=dictionary(np.concatenate([rows[[0, 0]] + 0.3 * rows[[8, 9]], rows[1:7], rows[[10]]])),
    )  # fmt: skip
    agreement = found.agreement
    assert agreement is not None
    assert (agreement["both"], agreement["firings alone"], agreement["n"]) == (8, 1, 9)
    assert agreement["same_partner"] == pytest.approx(8 / 9)
    assert found.frame["cosine"].to_numpy()[8:10] == pytest.approx(1 / np.hypot(1, 0.3), abs=1e-6)
    whole = found.links.set_index(["smaller", "larger"])
    assert whole.loc[(0, 0)]["cosine"] == pytest.approx(1 / np.hypot(1, 0.3), abs=1e-6)
    assert "agree on 89% of them" in found.describe()


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_cannot_be_judged_is_refused() -> None:
    small, large = Codes.from_dense(fired(3) * 1.0), Codes.from_dense(fired(4, 1) * 1.0)
    with pytest.raises(
        InvalidCodes, match=r"smaller codes '' have 4 latents and the larger ones '' 3; give the smaller"
    ):
        splitting(large, small)
    with pytest.raises(InvalidCodes, match="no smaller latent fires on 5000 of 6000 tokens"):
        splitting(small, large, min_firings=5000)
    with pytest.raises(InvalidConfig, match="give the larger dictionary too, or neither"):
        splitting(small, large, smaller_dictionary=dictionary(np.eye(3)))
    with pytest.raises(InvalidCodes, match="the larger dictionary '' has 3 latents and the larger codes '' 4"):
        splitting(small, large, smaller_dictionary=dictionary(np.eye(3)), larger_dictionary=dictionary(np.eye(3)))
    with pytest.raises(InvalidCodes, match="5999 tokens"):
        splitting(Codes.from_dense(fired(3)[1:] * 1.0), large)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("min_share", 0.0, "min_share is a share of a latent's activation, above 0 and at most 1; got 0.0"),
        ("min_cover", 1.5, "min_cover is a share"), ("min_part", -0.1, "min_part is a share"),
        ("alpha", 1.0, "alpha must be between 0 and 1"), ("shifts", 0, "shifts must be at least 1, got 0"),
        ("min_firings", 0, "min_firings must be at least 1"), ("min_cofirings", 0, "min_cofirings must be at least 1"),
        ("min_cosine", 2.0, "min_cosine 2.0 must lie"),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(option: str, value: Any, message: str) -> None:
    small, large = Codes.from_dense(fired(30) * 1.0), Codes.from_dense(fired(40, 1) * 1.0)
    both = {"smaller_dictionary": dictionary(np.eye(40)[:30]), "larger_dictionary": dictionary(np.eye(40))}
    with pytest.raises(InvalidConfig, match=message):
        splitting(small, large, **both, **{option: value})


def test_an_unknown_way_to_weigh_is_refused() -> None:
    small, large = Codes.from_dense(fired(3) * 1.0), Codes.from_dense(fired(4, 1) * 1.0)
    with pytest.raises(InvalidConfig, match="weigh='mass' must be one of activation, firings"):
        splitting(small, large, weigh="mass")  # type: ignore[arg-type]


def test_too_few_shifts_of_few_latents_are_said() -> None:
    f = fired(2)
    with pytest.warns(GeomsimWarning, match=r"of so few (smaller|larger) latents .* make at least 10 shifts") as said:
        found = splitting(Codes.from_dense(f * 1.0), Codes.from_dense(f * 1.0))
    assert [str(each.message).partition(" latents")[0] for each in said] == [
        "5 shifts of so few smaller", "5 shifts of so few larger",
    ]  # fmt: skip
    assert not found.all_families
    enough = splitting(Codes.from_dense(f * 1.0), Codes.from_dense(f * 1.0), shifts=10)
    assert enough.counts["smaller"]["one-to-one"] == 2


def test_too_few_shifts_for_a_few_counterparts_among_many_latents_are_said() -> None:
    f = fired(400, 5)
    # Nine in two hundred correspond, which five shifts cannot tell from the one that is expected by chance.
    sides = [Codes.from_dense(1.0 * f[:, :200]), Codes.from_dense(1.0 * np.column_stack([f[:, :9], f[:, 200:391]]))]
    with pytest.warns(
        GeomsimWarning, match=r"(9|10) of 200 tested (smaller|larger) latents lie .*, but 3 shifts give"
    ) as said:
        found = splitting(*sides, shifts=3)
    assert not found.all_families
    needed = max(int(re.findall(r"at least (\d+) shifts", str(each.message))[0]) for each in said)
    enough = splitting(*sides, shifts=needed)
    assert enough.classes("smaller")[:9].tolist() == ["one-to-one"] * 9


def test_documents_that_the_larger_side_alone_knows_are_exchanged_too() -> None:
    values, groups = [random_codes(seed, n, 600) for seed, n in ((0, 30), (1, 40))], np.arange(600) // 30
    of_both, of_one = (
        splitting(*(Codes.from_dense(each, groups=of) for each, of in zip(values, known, strict=True)), min_firings=10)
        for known in ((groups, groups), (None, groups))
    )
    assert of_both.provenance["chance"]["documents"] == of_one.provenance["chance"]["documents"] == 20
    assert of_both.frame.equals(of_one.frame)
