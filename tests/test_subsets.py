"""Comparing a subset of pairs, chance-corrected scores, intervals and shared states, through `geomsim.compare`."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import geomsim
from geomsim import Pairing, Space, compare
from geomsim.comparison import compare_sides
from geomsim.errors import InapplicableNull, InvalidPairing
from geomsim.sides import join
from geomsim.states import States, byte_size

Array = NDArray[np.float64]


def clouds(rows: int = 80, width: int = 5, noise: float = 1.0) -> tuple[Array, Array]:
    random = np.random.default_rng(5)
    left = random.normal(size=(rows, width))
    return left, left @ random.normal(size=(width, width)) + noise * random.normal(size=(rows, width))


# --- subsets ---------------------------------------------------------------------------------------------------------


def test_a_subset_is_its_rows() -> None:
    left, right = clouds()
    chosen = np.arange(10, 50)
    mask = np.isin(np.arange(80), chosen)
    expected = compare(left[chosen], right[chosen], "rsa", draws=19)
    for subset in (chosen, chosen[::-1], chosen.tolist(), mask):
        found = compare(left, right, "rsa", subset=subset, draws=19)
        assert found.score == expected.score
        assert found.n_rows == 40
        assert found.facts["pairs to choose from"] == 80


def test_a_subset_is_one_of_pairs() -> None:
    left, right = clouds()
    pairing = Pairing(np.arange(79, -1, -1), np.arange(79, -1, -1))
    found = compare(left, right, "rsa", pairing=pairing, subset=range(30), null=None)
    assert found.score == pytest.approx(compare(left[50:], right[50:], "rsa", null=None).score)


def test_random_subset_asks_whether_this_one_is_special() -> None:
    left, right = clouds(noise=3.0)
    right[:25] = left[:25]
    special = compare(left, right, "rsa", subset=range(25), null="random-subset", draws=99)
    other = compare(left, right, "rsa", subset=range(40, 65), null="random-subset", draws=99)
    assert special.p_value == 0.01
    assert other.p_value is not None
    assert other.p_value > 0.05


def test_the_mean_of_random_subsets_is_no_chance_level() -> None:
    left, right = clouds(noise=3.0)
    assert compare(left, right, "procrustes", subset=range(25), null="random-subset", draws=9).corrected is None
    # CKA knows its mean over reordered rows, whatever the null.
    found = compare(left, right, "cka", subset=range(25), null="random-subset", draws=9)
    assert found.corrected == compare(left, right, "cka", subset=range(25), null="exact").corrected


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ([], "the subset is empty: none of the pairs is in it"),
        ([3, 80], r"the subset names pair 80, and there are 80 pairs \(0 to 79\)"),
        ([3, 3], "the subset names pair 3 more than once"),
        ([True] * 3, r"a mask has one entry per pair, 80, got shape \(3,\)"),
        ([0.5], "a list of pair numbers or a mask, got float64"),
    ],
)
def test_bad_subsets(subset: list[object], message: str) -> None:
    left, right = clouds()
    with pytest.raises(InvalidPairing, match=message):
        compare(left, right, "rsa", subset=subset)  # type: ignore[arg-type]


def test_a_subset_of_unequal_sides() -> None:
    left, right = clouds()
    with pytest.raises(InvalidPairing, match="a subset is one of pairs, and left has 80 rows, right 70"):
        compare(left, right[:70], "singular-values", subset=[1, 2])


def test_random_subset_without_a_subset() -> None:
    left, right = clouds()
    with pytest.raises(InapplicableNull, match="subset"):
        compare(left, right, "rsa", null="random-subset")


# --- chance-corrected scores -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rsa", "cka", "knn-jaccard", "procrustes-distance"])
def test_chance_corrected_is_an_affine_map_of_everything(name: str) -> None:
    left, right = clouds()
    raw = compare(left, right, name, draws=99)
    found = compare(left, right, geomsim.metric(name, chance_corrected=True), draws=99)
    assert found.raw_score == raw.score
    assert found.score == pytest.approx(raw.corrected)
    assert found.p_value == raw.p_value
    assert found.larger_means == "closer"
    assert found.null is not None
    assert raw.null is not None
    assert abs(np.corrcoef(found.null, raw.null)[0, 1]) == pytest.approx(1)
    assert found.z == pytest.approx(raw.z if raw.larger_means == "closer" else -raw.z)  # type: ignore[operator]
    assert found.parameters["chance_corrected"] is True
    assert "chance_corrected" not in raw.parameters


def test_chance_is_the_exact_mean_where_it_is_known() -> None:
    left, right = clouds()
    without = compare(left, right, "cka", null=None)
    exact = compare(left, right, "cka", null="exact")
    drawn = compare(left, right, "cka", draws=20)
    assert without.corrected == exact.corrected == drawn.corrected
    assert exact.corrected == pytest.approx((exact.score - exact.null_mean) / (1 - exact.null_mean))  # type: ignore[operator]


def test_chance_corrected_scores_are_zero_by_chance_and_one_for_identity() -> None:
    left, _ = clouds(200)
    other = np.random.default_rng(8).normal(size=(200, 5))
    for name in ("rsa", "cka", "svcca", "knn-jaccard", "procrustes-distance", "angular-procrustes"):
        metric = geomsim.metric(name, chance_corrected=True)
        assert compare(left, left, metric, draws=49).score == pytest.approx(1, abs=1e-6), name
        assert abs(compare(left, other, metric, draws=49).score) < 0.1, name


def test_chance_corrected_needs_chance() -> None:
    left, right = clouds()
    metric = geomsim.metric("procrustes", chance_corrected=True)
    with pytest.raises(InapplicableNull, match="no formula for and this null does not give: use null='shuffle'"):
        compare(left, right, metric, null=None)


# --- intervals -------------------------------------------------------------------------------------------------------


def test_an_interval_holds_the_score_and_stands_in_the_record() -> None:
    left, right = clouds()
    found = compare(left, right, "rsa", null=None, interval="auto")
    assert found.interval is not None
    assert found.interval.low < found.score < found.interval.high
    record = found.to_dict()
    assert (record["low"], record["high"]) == (found.interval.low, found.interval.high)
    assert record["interval"] == "0.95 jackknife"
    narrow = compare(left, right, "rsa", null=None, interval="jackknife", confidence=0.5)
    assert narrow.interval is not None
    assert narrow.interval.high - narrow.interval.low < found.interval.high - found.interval.low
    assert "to" in found._repr_html_()


def test_intervals_leave_out_whole_groups() -> None:
    left, right = clouds()
    copied, partner = np.repeat(left[:20], 4, axis=0), np.repeat(right[:20], 4, axis=0)
    groups = np.repeat(np.arange(20), 4)
    free = compare(copied, partner, "rsa", null=None, interval="jackknife")
    bound = compare(Space(copied, groups=groups), Space(partner, groups=groups), "rsa", null=None, interval="jackknife")
    assert free.interval is not None
    assert bound.interval is not None
    assert bound.interval.se > 1.3 * free.interval.se


def test_pairs_that_share_a_row_are_left_out_together() -> None:
    left, right = clouds()
    pairing = Pairing(np.arange(80), np.arange(80) // 4)
    found = compare(left, right, "procrustes", pairing=pairing, null=None, interval="jackknife")
    spread_out = compare(left, right[np.arange(80) // 4], "procrustes", null=None, interval="jackknife")
    assert found.interval is not None
    assert spread_out.interval is not None
    assert found.interval.se != spread_out.interval.se


def test_a_chance_corrected_interval() -> None:
    left, right = clouds()
    metric = geomsim.metric("procrustes-distance", chance_corrected=True)
    found = compare(left, right, metric, draws=49, interval="jackknife")
    assert found.interval is not None
    assert found.interval.low < found.score < found.interval.high


# --- shared states ---------------------------------------------------------------------------------------------------


def test_states_are_prepared_once_and_their_warnings_are_given_each_time() -> None:
    left, right = clouds(30)
    sides, states = join(left, right), States()
    first = compare_sides(sides, "svcca", draws=9, states=states)
    kept = dict(states._kept)
    second = compare_sides(sides, "svcca", draws=9, states=states)
    assert len(kept) == 2
    assert {id(entry.state) for entry in kept.values()} == {id(entry.state) for entry in states._kept.values()}
    assert first.warnings == second.warnings
    assert first.warnings
    assert (first.score, first.p_value) == (second.score, second.p_value)


def test_states_stay_within_their_limit() -> None:
    left, right = clouds(100)
    sides = join(left, right)
    size = byte_size(geomsim.metric("rsa").prepare(sides.tensors()[0]))
    assert size >= 8 * 100 * 99 / 2
    states = States(limit=size)
    compare_sides(sides, "rsa", draws=9, states=states)
    assert len(states._kept) == 1


def test_a_skewed_law_is_turned_with_the_scale() -> None:
    from geomsim.chance_correction import rescaled
    from geomsim.nulls import Chance

    chance = Chance("exact", mean=0.8, sd=0.1, facts={"law": "Pearson type III", "skewness": 0.5})
    turned = rescaled(chance, lambda score: (score - 0.8) / (0.0 - 0.8))
    assert (turned.mean, turned.sd, turned.facts["skewness"]) == (0.0, pytest.approx(0.125), -0.5)
    assert rescaled(chance, lambda score: 2 * score).facts["skewness"] == 0.5
