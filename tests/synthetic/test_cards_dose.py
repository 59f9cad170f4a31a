"""Dose and response on a card: tau is scipy's, a direction that is wrong shows, and so does a score of something else.

The population values that scores are held against are looked up on 200,000 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from card_metrics import Constant, Crashing, OneComponent, Ranged, Spread, UpsideDown, measured, promises
from scipy import stats
from torch import Tensor

import geomsim
from geomsim import Metric
from geomsim_synthetic.cards import dose
from geomsim_synthetic.cards.dose import SECTION
from geomsim_synthetic.cards.worlds import tokens

CLOSER, ESTIMATE = "more shared scores closer", "approaches the value that it estimates"
SHARES = [0.0, 0.25, 0.5, 0.75, 1.0]


def worlds(count: int) -> list[dict[str, object]]:
    return [{"number": number, "shares": SHARES} for number in range(count)]


@pytest.mark.parametrize("name", ["procrustes", "singular-values"])
def test_tau_is_that_of_the_stored_scores(name: str):
    metric = geomsim.metric(name)
    results = measured(SECTION, metric, *worlds(3))
    found = SECTION.judge(metric, results)[0]
    assert found.values["scores"] == [result["scores"] for _, result in results]
    sign = 1 if metric.larger_means == "closer" else -1
    taus = [stats.kendalltau(SHARES, sign * np.array(scores)).statistic for scores in found.values["scores"]]
    assert found.values["taus"] == pytest.approx(taus)
    assert found.headline["tau"] == pytest.approx(np.mean(taus))
    if np.ptp(taus) > 0:
        low, high = stats.t.interval(0.95, 2, np.mean(taus), stats.sem(taus))
        assert (found.headline["tau low"], found.headline["tau high"]) == pytest.approx((max(-1, low), min(1, high)))
    assert promises(SECTION, metric, results)[CLOSER].kept


def test_the_interval_of_tau_is_students_and_stays_in_range():
    scores = [[0, 1, 2, 3, 4], [0, 1, 2, 4, 3], [2, 1, 0, 3, 4], [0, 2, 1, 3, 4]]
    results = [(settings, {"scores": made}) for settings, made in zip(worlds(4), scores, strict=True)]
    found = SECTION.judge(Ranged(), results)[0].headline
    taus = [1.0, 0.8, 0.4, 0.8]
    low, high = stats.t.interval(0.95, 3, np.mean(taus), stats.sem(taus))
    assert high > 1
    assert (found["tau"], found["tau low"], found["tau high"]) == pytest.approx((0.75, low, 1.0))


def test_a_reversed_direction_breaks_the_promise():
    results = measured(SECTION, UpsideDown(), *worlds(3))
    found, _ = SECTION.judge(UpsideDown(), results)
    assert found.headline["tau high"] < 0
    assert not promises(SECTION, UpsideDown(), results)[CLOSER].kept


def test_a_constant_score_has_tau_0_and_breaks_the_promise():
    results = measured(SECTION, Constant(), *worlds(3))
    assert SECTION.judge(Constant(), results)[0].values["taus"] == [0.0] * 3
    assert not promises(SECTION, Constant(), results)[CLOSER].kept


def test_rounding_is_no_response():
    scores = [[0.3, 0.3 + 1e-16, 0.3 + 2e-16, 0.3 + 4e-16, 0.3 + 6e-16]] * 3
    results = [(settings, {"scores": made}) for settings, made in zip(worlds(3), scores, strict=True)]
    assert SECTION.judge(Ranged(), results)[0].values["taus"] == [0.0] * 3


def test_scores_that_were_refused_are_left_out_and_counted():
    scores = [[0.0, None, 0.5, 0.4, 1.0], [None, None, None, 0.1, 0.2]]
    results = [
        (settings, {"scores": made, "refused": {"no": 1}}) for settings, made in zip(worlds(2), scores, strict=True)
    ]
    found = SECTION.judge(Ranged(), results)[0]
    assert found.values["taus"] == pytest.approx([stats.kendalltau([0, 2, 3, 4], [0, 0.5, 0.4, 1]).statistic])
    assert found.values["without score"] == {"no": 2}


def test_no_scores_at_all():
    results = measured(SECTION, Crashing(), *worlds(1))
    found, (promise,) = SECTION.judge(Crashing(), results)
    assert (found.summary, found.headline) == ("no scores", {})
    assert promise.name == "no crash while measuring dose and response"
    assert "5 of them with RuntimeError: boom" in promise.evidence


@pytest.mark.parametrize("name", ["cca", "svcca", "cka", "procrustes"])
def test_scores_approach_the_values_that_they_estimate(name: str):
    """More rows, less bias; the values are those of an endless stream."""
    metric = geomsim.metric(name)
    assert metric.estimates is not None
    results = measured(SECTION, metric, *worlds(2), *({"rows": rows, "worlds": 3} for rows in (60, 4000)))
    found = SECTION.judge(metric, results)[0]
    few, many = found.values["bias"]["60"], found.values["bias"]["4000"]
    assert few["truth"] == many["truth"]
    assert abs(many["bias"]) < 0.02 < abs(few["bias"])
    assert found.headline["bias"] == many["bias"]
    assert promises(SECTION, metric, results)[ESTIMATE].kept


def test_one_canonical_correlation_is_not_the_mean_of_all():
    results = measured(SECTION, OneComponent(), *worlds(2), {"rows": 2000, "worlds": 3})
    broken = promises(SECTION, OneComponent(), results)[ESTIMATE]
    assert not broken.kept
    scores, truths = np.array(results[-1][1]["pairs"]).T
    off = np.sqrt(np.mean((scores - truths) ** 2))
    # Its mean may be right by luck: it scatters around the truth. In single worlds it is wrong.
    assert off > 0.1 > 2 * abs(np.mean(scores - truths))
    assert f"bias {np.mean(scores - truths):+.3f}, off by {off:.3f} in a world" in broken.evidence


@dataclass(frozen=True)
class Offset(Ranged):
    """No estimate of CKA."""

    estimates = "cka"

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return super().score(left, right, order) + 2.0


def test_bias_is_tried_where_a_score_estimates_something_only():
    assert [each.what for each in SECTION.pieces(Spread(), "quick")] == [
        f"dose and response, world {number}" for number in range(4)
    ]
    assert [each.settings for each in SECTION.pieces(Offset(), "full")][-3:] == [
        {"rows": rows, "worlds": 10} for rows in (200, 1000, 5000)
    ]
    results = measured(SECTION, Offset(), *worlds(2), {"rows": 100, "worlds": 2})
    assert not promises(SECTION, Offset(), results)[ESTIMATE].kept


@pytest.mark.parametrize(("shared", "noise"), [(0.5, 0.1), (0.25, 0.0), (0.0, 0.1)])
def test_population_values_are_those_of_very_many_tokens(shared: float, noise: float):
    world = tokens(shared, 200_000, noise, 0, 1)
    assert world.population is not None
    left, right = (side - side.mean(0) for side in (world.left, world.right))
    bases = (np.linalg.qr(side)[0] for side in (left, right))
    correlations = np.linalg.svd(np.matmul(*(basis.T if place == 0 else basis for place, basis in enumerate(bases))))[1]
    expected = np.array(world.population.canonical_correlations)
    assert len(expected) == 8
    # A correlation of 0 is estimated by the singular values of noise of sd 1 / sqrt(tokens).
    np.testing.assert_allclose(correlations, expected, atol=0.015)
    assert dose._value(world.population, "mean canonical correlation") == pytest.approx(correlations.mean(), abs=0.01)
    cross = np.linalg.norm(left.T @ right)
    cka = cross**2 / (np.linalg.norm(left.T @ left) * np.linalg.norm(right.T @ right))
    procrustes = np.linalg.svd(left.T @ right)[1].sum() / (np.linalg.norm(left) * np.linalg.norm(right))
    assert dose._value(world.population, "cka") == pytest.approx(cka, abs=0.005)
    assert dose._value(world.population, "procrustes") == pytest.approx(procrustes, abs=0.01)
    assert (max(expected) < 1e-9) == (shared == 0.0)


def test_worlds_of_one_number_are_the_same_networks_with_more_in_common():
    values = [np.mean(tokens(shared, 50, 0.1, 0, 3).population.canonical_correlations) for shared in SHARES]
    assert values == sorted(values)
    again, other = tokens(0.5, 50, 0.1, 0, 3), tokens(0.5, 50, 0.1, 1, 3)
    np.testing.assert_array_equal(again.left, tokens(0.5, 50, 0.1, 0, 3).left)
    assert not np.array_equal(again.left, other.left)


def test_every_installed_estimate_is_a_value_that_truth_knows():
    world = tokens(0.5, 50, 0.1, 0, 0)
    metrics: list[Metric[object]] = [geomsim.metric(name) for name in geomsim.metrics()]
    estimated = {metric.estimates for metric in metrics} - {None}
    assert estimated
    for name in estimated:
        assert 0 <= dose._value(world.population, name) <= 1
