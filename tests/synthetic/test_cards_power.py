"""Power on a card: the search finds the smallest share, whatever it is, and the level of the test is what it says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from card_metrics import Constant, Crashing, Ranged, Spread, measured, promises

import geomsim
from geomsim_synthetic.cards import power
from geomsim_synthetic.cards.outcomes import Outcomes
from geomsim_synthetic.cards.power import SECTION
from geomsim_synthetic.cards.worlds import clouds, tokens

SHARES = power._SHARES


class FromThreshold:
    """Finds every share from a place on."""

    def __init__(self, place: int) -> None:
        self.place, self.asked = place, set[float]()

    def found(self, shared: float, number: int) -> bool:
        self.asked.add(shared)
        return SHARES.index(shared) >= self.place


@pytest.mark.parametrize("place", range(len(SHARES) + 1))
@pytest.mark.parametrize("worlds", [5, 10])
def test_the_search_finds_each_possible_threshold(place: int, worlds: int):
    detector = FromThreshold(place)
    found = power._smallest_share(detector, worlds)
    assert found["smallest"] == (SHARES[place] if place < len(SHARES) else None)
    assert len(detector.asked) <= 4  # 11 possible answers
    assert set(found["tried"]) == {f"{share:.3f}" for share in detector.asked}


@pytest.mark.parametrize("worlds", [5, 10])
def test_stopping_early_changes_no_verdict(monkeypatch: pytest.MonkeyPatch, worlds: int):
    """All sequences of hits and misses: the one share is found exactly where 8 of 10 of all worlds hit."""
    monkeypatch.setattr(power, "_SHARES", (0.5,))

    class Listed:
        def __init__(self, hits: tuple[bool, ...]) -> None:
            self.hits, self.looked = hits, 0

        def found(self, shared: float, number: int) -> bool:
            assert number == self.looked  # each world once, in order
            self.looked += 1
            return self.hits[number]

    stopped = 0
    for hits in product([False, True], repeat=worlds):
        detector = Listed(hits)
        found = power._smallest_share(detector, worlds)
        assert (found["smallest"] is not None) == (sum(hits) >= 0.8 * worlds)
        assert found["tried"] == {"0.500": f"{sum(hits[: detector.looked])} of {detector.looked}"}
        stopped += detector.looked < worlds
    assert stopped > 0.5 * 2**worlds


def test_power_of_a_paired_metric_counts_p_values_up_to_the_level():
    shares = [0.0, 0.5, 1.0]
    ((_, result),) = measured(SECTION, geomsim.metric("procrustes"), {"noise": 0.3, "shares": shares, "worlds": 6})
    expected = []
    for shared in shares:
        p = []
        for number in range(6):
            data = tokens(shared, 200, 0.3, 0, number)
            found = geomsim.compare(data.left, data.right, "procrustes", draws=19, seed=number)
            p.append(found.p_value)
        expected.append(np.mean(np.array(p) < 0.0501))
    assert result["power"] == expected
    assert result["power"][0] < 1.0 == result["power"][-1]


def test_the_smallest_share_of_a_paired_metric_agrees_with_a_look_at_all_shares():
    metric = geomsim.metric("procrustes")
    ((_, result),) = measured(SECTION, metric, {"rows": 60, "worlds": 5})
    detector = power._Detector(metric, 60, power._LITTLE_NOISE, 0)
    hits = {share: sum(detector.found(share, number) for number in range(5)) for share in SHARES}
    place = SHARES.index(result["smallest"])
    assert hits[SHARES[place]] >= 4
    assert place == 0 or hits[SHARES[place - 1]] < 4
    assert f"{result['smallest']:.3f}" in result["tried"]


def test_an_unpaired_metric_finds_what_is_closer_than_in_95_of_100_worlds_without_sharing():
    """The lowest threshold that one more world of n passes in at most 1 of 20 cases: k of n + 1 lie above the k-th."""
    metric, n = Spread(), power._NULL_WORLDS
    above = max(k for k in range(1, n) if k / (n + 1) <= 0.05)
    rate = above / (n + 1)
    assert rate > 0.04
    alarms = []
    for seed in range(12):
        detector = power._Detector(metric, 30, 0.0, seed)
        closeness = []
        for number in range(-n, 0):
            data = clouds(0.0, 30, 0.0, seed, number)
            closeness.append(-abs(np.square(data.left).mean() - np.square(data.right).mean()))
        assert detector._threshold == pytest.approx(sorted(closeness)[-above])
        alarms += [detector.found(0.0, number) for number in range(50)]
    # The threshold differs from seed to seed: the rate has variance r (1 - r) (1 / (n + 1) / 12 + 1 / 600), about.
    margin = 3.5 * (rate * (1 - rate) * (1 / (n + 1) / 12 + 1 / 600)) ** 0.5
    assert np.mean(alarms) == pytest.approx(rate, abs=margin)


def test_an_unpaired_metric_that_sees_the_cloud_finds_a_part_of_it():
    ((_, result),) = measured(SECTION, geomsim.metric("singular-values"), {"rows": 100, "worlds": 5})
    assert 0 < result["smallest"] <= 1


def test_too_few_worlds_without_sharing_set_no_threshold(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(power, "_NULL_WORLDS", 18)
    detector = power._Detector(Spread(), 30, 0.0, 0)
    assert not any(detector.found(1.0, number) for number in range(3))


def test_a_metric_that_sees_nothing_has_no_smallest_share():
    results = measured(SECTION, Constant(), {"rows": 30, "worlds": 5})
    found = SECTION.judge(Constant(), results)[0]
    assert results[0][1]["smallest"] is None
    assert results[0][1]["tried"]["1.000"] == "0 of 2"
    assert found.headline == {"smallest share, 30 rows": None}
    assert found.summary == "smallest share found in 8 of 10 worlds: 30 rows: none"


def test_crashes_and_refusals_find_nothing_and_are_counted():
    results = measured(SECTION, Crashing(), {"rows": 30, "worlds": 5}, {"noise": 0.0, "shares": [1.0], "worlds": 2})
    made = promises(SECTION, Crashing(), results)["no crash while measuring power"]
    assert not made.kept
    assert "RuntimeError: boom" in made.evidence
    assert results[1][1]["power"] == [0.0]
    few = measured(SECTION, geomsim.metric("cca"), {"rows": 8, "worlds": 5})
    found, made = SECTION.judge(geomsim.metric("cca"), few)
    assert made == []
    assert sum(found.values["without score"].values()) == few[0][1]["refused"].popitem()[1] > 0


def test_shares_are_whole_numbers_of_features_and_worlds_of_one_number_are_comparable():
    for share in (*SHARES, *power._CURVE["full"]):
        assert share * 24 == pytest.approx(round(share * 24), abs=1e-9)
    assert list(SHARES) == sorted(SHARES)
    less, more = clouds(0.25, 40, 0.0, 3, 1), clouds(0.5, 40, 0.0, 3, 1)
    np.testing.assert_array_equal(less.left, more.left)


def test_so_many_right_rows_of_a_cloud_lie_near_left_rows():
    """In no order that tells which."""
    for shared in (0.0, 0.25, 1.0):
        world = clouds(shared, 200, 0.0, 0, 0)
        nearest = np.linalg.norm(world.right[:, None] - world.left, axis=2)
        # The jitter has a standard deviation of .05 in each of 8 directions.
        assert (nearest.min(1) < 0.3).mean() == pytest.approx(shared, abs=0.05)
        assert (nearest.argmin(1) == np.arange(200)).mean() < 0.05
    noisy = clouds(1.0, 200, 2.0, 0, 0)
    np.testing.assert_allclose((noisy.right - world.right).std(), 2.0, rtol=0.1)
    assert np.square(clouds(0.0, 2000, 0.0, 0, 0).right).mean() == pytest.approx(
        np.square(clouds(0.0, 2000, 0.0, 0, 0).left).mean(), rel=0.05
    )


def test_a_refusal_is_no_crash():
    outcomes = Outcomes()
    assert outcomes.compare(np.ones((5, 2)), np.ones((5, 2)), Ranged(), null=None) is None
    assert list(outcomes.to_dict()) == ["refused"]
