"""Loops on a card: both kinds of worlds have the same covariance, one has the loop; AUC is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from card_metrics import Constant, Crashing, UpsideDown, measured
from hypothesis import given
from hypothesis import strategies as st
from ripser import ripser
from scipy.spatial.distance import pdist
from sklearn.metrics import roc_auc_score

import geomsim
from geomsim_synthetic.cards import loops
from geomsim_synthetic.cards.loops import SECTION

finite = st.floats(-1e3, 1e3, allow_nan=False).map(lambda number: round(number, 3))
SCORES = st.lists(finite, min_size=1, max_size=15)


def piece(way: str, worlds: int = 6, first: int = 0) -> dict[str, object]:
    return {"way": way, "first": first, "worlds": worlds}


def without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_NOISE", 0.0)


def spectrum(points: np.ndarray) -> np.ndarray:
    """What a rotation of the columns leaves of mean and covariance."""
    eigenvalues = np.linalg.eigvalsh(np.cov(points.T))
    return np.append(eigenvalues, np.linalg.norm(points.mean(0)))


@pytest.mark.parametrize("number", range(3))
def test_mean_and_covariance_are_the_same_with_and_without_the_loop(monkeypatch: pytest.MonkeyPatch, number: int):
    """To the last digit before noise, in the same basis even."""
    without_noise(monkeypatch)
    left, circle = loops.loops(True, True, 0, number)
    same_left, other = loops.loops(False, True, 0, number)
    np.testing.assert_array_equal(left, same_left)
    np.testing.assert_allclose(other.mean(0), circle.mean(0), atol=1e-12)
    np.testing.assert_allclose(np.cov(other.T), np.cov(circle.T), atol=1e-12)
    np.testing.assert_allclose(spectrum(left), spectrum(circle), atol=1e-12)
    assert np.abs(other - circle).max() > 0.5


def bars(points: np.ndarray) -> np.ndarray:
    """Lengths of the bars of dimension 1, longest first, as shares of the largest distance."""
    diagram = ripser(points, maxdim=1)["dgms"][1]
    return np.sort(diagram[:, 1] - diagram[:, 0])[::-1] / pdist(points).max()


@pytest.mark.parametrize("number", range(5))
def test_a_side_with_the_loop_has_one_long_bar_and_the_other_none(number: int):
    for both in (True, False):
        left, right = loops.loops(both, number % 2 == 0, 0, number)
        for side, has_loop in ((left, True), (right, both)):
            found = np.append(bars(side), [0.0, 0.0])
            assert (found[0] > 0.4) == has_loop
            assert found[1] < 0.2  # no second one anywhere


def test_rows_correspond_where_they_should(monkeypatch: pytest.MonkeyPatch):
    without_noise(monkeypatch)
    left, right = loops.loops(True, True, 0, 0)
    np.testing.assert_allclose(pdist(left), pdist(right), atol=1e-12)
    left, moved = loops.loops(True, False, 0, 0)
    assert not np.allclose(pdist(left), pdist(moved), atol=0.1)
    np.testing.assert_allclose(np.sort(pdist(moved)), np.sort(pdist(right)), atol=1e-12)


@given(SCORES, SCORES)
def test_auc_is_that_of_scikit_learn_and_lies_in_its_interval(high: list[float], low: list[float]):
    found = loops._auc(high, low)
    labels = [1] * len(high) + [0] * len(low)
    assert found["auc"] == pytest.approx(roc_auc_score(labels, high + low))
    assert 0 <= found["low"] <= found["auc"] <= found["high"] <= 1


@pytest.mark.parametrize("n", range(1, 60))
def test_the_interval_of_a_perfect_auc_is_wilsons(n: int):
    from scipy.stats import binomtest

    expected = binomtest(n, n).proportion_ci(0.95, method="wilson")
    found = loops._auc([1.0] * n, [0.0] * n)
    assert found["auc"] == found["high"] == 1
    assert found["low"] == pytest.approx(expected.low, abs=1e-4)  # 1.96 for 1.959964
    none = loops._auc([0.0] * n, [1.0] * n)
    assert (none["auc"], none["low"], none["high"]) == (0, 0, pytest.approx(1 - expected.low, abs=1e-4))


def test_rounding_makes_no_auc():
    assert loops._auc([0.3 + 1e-16, 0.3, 0.3], [0.3, 0.3 - 1e-16, 0.3])["auc"] == 0.5
    assert loops._auc([1e6 + 1e-9], [1e6])["auc"] == 0.5


@pytest.mark.parametrize("metric", [geomsim.metric("procrustes"), UpsideDown()], ids=["closer", "farther"])
def test_a_card_holds_the_auc_of_its_scores(metric: geomsim.Metric[object]):
    """Procrustes sees the loop by its rows, and not without them; told upside down, it sees it the wrong way round."""
    ways = ("in correspondence", "without correspondence")
    pieces = [piece(way, 3, first) for way in ways for first in (0, 3)]
    results = measured(SECTION, metric, *pieces)
    found, made = SECTION.judge(metric, results)
    assert made == []
    sign = 1 if metric.larger_means == "closer" else -1
    for way in ways:
        both, one = (
            np.concatenate([result[world] for settings, result in results if settings["way"] == way])
            for world in ("both", "one")
        )
        assert len(both) == len(one) == 6
        expected = roc_auc_score([1] * 6 + [0] * 6, sign * np.concatenate([both, one]))
        assert found.values["ways"][way]["auc"] == pytest.approx(expected)
        assert found.values["ways"][way]["score, loop in both"] == pytest.approx(both.mean())
        assert found.values["ways"][way]["score, loop in one"] == pytest.approx(one.mean())
        assert found.values["ways"][way]["worlds"] == 6
    assert found.headline["loop, rows paired"] == (1.0 if sign > 0 else 0.0)
    assert found.headline["loop, rows unpaired"] == found.values["ways"]["without correspondence"]["auc"]
    assert ("in correspondence sees it (AUC 1.00" if sign > 0 else "does not see it (AUC 0.00") in found.summary


def test_worlds_are_those_of_their_numbers():
    metric = geomsim.metric("procrustes")
    ((_, whole),) = measured(SECTION, metric, piece("in correspondence", 4))
    parts = measured(SECTION, metric, piece("in correspondence", 2), piece("in correspondence", 2, first=2))
    assert whole["both"] == parts[0][1]["both"] + parts[1][1]["both"]
    expected = [geomsim.compare(*loops.loops(False, True, 0, k), metric, null=None).score for k in range(4)]
    assert whole["one"] == expected


def test_a_blind_metric_and_one_that_crashes():
    results = measured(SECTION, Constant(), piece("in correspondence"))
    assert SECTION.judge(Constant(), results)[0].values["ways"]["in correspondence"]["auc"] == 0.5
    results = measured(SECTION, Crashing(), piece("in correspondence"))
    found, (promise,) = SECTION.judge(Crashing(), results)
    assert (found.summary, promise.name) == ("no scores", "no crash while measuring loops")
    assert promise.evidence == "crashed in 12 of its comparisons, 12 of them with RuntimeError: boom"


def test_an_unpaired_metric_has_one_way():
    metric = geomsim.metric("singular-values")
    assert [each.settings["way"] for each in SECTION.pieces(metric, "quick")] == ["unpaired"]
    found, _ = SECTION.judge(metric, measured(SECTION, metric, piece("unpaired")))
    # The spectra are equal but for noise.
    assert found.values["ways"]["unpaired"]["low"] < 0.5 < found.values["ways"]["unpaired"]["high"]
    assert list(found.headline) == ["loop, rows unpaired"]


def test_full_worlds_are_each_looked_at_once():
    numbers = [
        number
        for each in SECTION.pieces(geomsim.metric("procrustes"), "full")
        for number in range(each.settings["first"], each.settings["first"] + each.settings["worlds"])
    ]
    assert numbers == [*range(40), *range(40)]
