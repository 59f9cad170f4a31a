from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chisquare

from geomsim.errors import InvalidConfig
from geomsim_synthetic.firing import draw_firings, firing_probabilities


@pytest.mark.parametrize("firing", ["zipf", "uniform", "linear"])
@pytest.mark.parametrize(("n_features", "mean_active"), [(256, 8.0), (10, 5.0), (100, 0.01), (7, 3.2), (2, 0.5)])
def test_the_profile_solves_its_equation(firing: str, n_features: int, mean_active: float) -> None:
    ranks = np.arange(n_features)
    weights = {"zipf": 1 / (ranks + 1), "uniform": ranks * 0.0 + 1.0, "linear": 1.0 * (n_features - ranks)}[firing]
    probability = firing_probabilities(n_features, mean_active, firing)
    assert probability.sum() == pytest.approx(mean_active)
    assert probability.min() > 0.0
    assert probability.max() <= 0.5
    if mean_active < n_features / 2:
        scale = brentq(lambda c: np.minimum(0.5, c * weights).sum() - mean_active, 0.0, n_features / weights.min())
        np.testing.assert_allclose(probability, np.minimum(0.5, scale * weights), rtol=1e-8)


def test_given_probabilities_are_kept() -> None:
    np.testing.assert_array_equal(firing_probabilities(3, 8.0, [0.9, 0.1, 0.5]), [0.9, 0.1, 0.5])


@pytest.mark.parametrize(
    ("firing", "mean_active", "message"),
    [
        ("pareto", 1.0, r"firing='pareto' is no known profile; use one of zipf, uniform, linear"),
        ("zipf", 0.0, r"mean_active=0 is out of range: with 4 features it must be above 0"),
        ("zipf", 2.1, r"mean_active=2.1 is out of range.*at most 2"),
        ("zipf", float("nan"), r"mean_active=nan is out of range"),
        ([0.5, 0.0, 1.0, 0.5], 8.0, r"firing\[1\] = 0 is no firing probability.*above 0 and below 1.*2 of 4"),
        ([0.5, 0.5, 0.5, float("nan")], 8.0, r"firing\[3\] = nan is no firing probability"),
        ([0.5], 8.0, r"one probability for each of the 4 features, got shape \(1,\)"),
    ],
)
def test_impossible_probabilities(firing: str | list[float], mean_active: float, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        firing_probabilities(4, mean_active, firing)


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.95])
def test_firings_are_independent_coin_flips(probability: float) -> None:
    # Every pattern of 2 tokens and 2 features must turn up as often as 4 independent flips make it.
    n_draws, generator = 4000, np.random.default_rng(5)
    seen = np.zeros(16)
    for _ in range(n_draws):
        tokens, features = draw_firings(generator, np.full(2, probability), 2)
        seen[int((2 ** (2 * tokens + features)).sum())] += 1
    n_ones = np.array([pattern.bit_count() for pattern in range(16)])
    expected = n_draws * probability**n_ones * (1 - probability) ** (4 - n_ones)
    common = expected >= 5
    pooled = [np.append(counts[common], counts[~common].sum()) for counts in (seen, expected)]
    seen_pooled, expected_pooled = (counts[pooled[1] > 0] for counts in pooled)
    assert chisquare(seen_pooled, expected_pooled).pvalue > 1e-3


def test_each_feature_has_its_own_probability_and_none_fires_twice_on_a_token() -> None:
    probabilities = np.array([0.001, 0.02, 0.3, 0.9])
    tokens, features = draw_firings(np.random.default_rng(0), probabilities, 50_000)
    places = tokens * 4 + features
    assert (np.diff(places) > 0).all()
    deviation = np.sqrt(50_000 * probabilities * (1 - probabilities))
    assert (np.abs(np.bincount(features) - 50_000 * probabilities) < 5 * deviation).all()


def test_the_rarest_and_the_most_frequent() -> None:
    tokens, features = draw_firings(np.random.default_rng(0), np.array([1e-300, 1 - 1e-12]), 1000)
    np.testing.assert_array_equal(tokens, np.arange(1000))
    assert (features == 1).all()
    assert len(draw_firings(np.random.default_rng(0), np.array([1e-300]), 1000)[0]) == 0
