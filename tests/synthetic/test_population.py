from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

import geomsim
from geomsim_synthetic import CorrelatedGroup, Hierarchy, Planted, Setting, batches, from_setting
from geomsim_synthetic.plan import plan
from geomsim_synthetic.population import Covariances, activation_covariances, population_values

SMALL: dict[str, Any] = {"n_features": 24, "shared": 0.5, "width": (6, 8), "mean_active": 3.0, "n_tokens": 200_000}
SETTINGS = {
    "plain": Setting(**SMALL),
    "noise": Setting(**SMALL, noise=0.4, magnitudes="lognormal", magnitude_scale=2.0),
    "missed": Setting(**SMALL, seen=(0.8, 0.3), magnitudes="exponential"),
    "independent": Setting(**SMALL, geometry="independent"),
    "turned": Setting(**SMALL, geometry_noise=0.5),
    "nothing shared": Setting(**{**SMALL, "shared": 0.0}),
    "extras": Setting(**SMALL, dense=2, junk=3, junk_rate=0.3, outliers=1, outlier_deviation=0.5),
    "correlated": Setting(**SMALL, seen=(0.9, 0.6), structures=(CorrelatedGroup(5, 0.8, probability=0.2),)),
    "hierarchy": Setting(
        **SMALL,
        structures=(Hierarchy((None, 0, 0, 1), probability=0.4), Hierarchy((None, 0), where="left", given=0.7)),
    ),
    "planted": Setting(
        **SMALL,
        structures=(Planted("circle", 8, arranged="right", probability=0.5), Planted("grid", (2, 3), where="right")),
    ),
    "one": Setting(**{**SMALL, "shared": 1.0, "width": 6}),
}


def sampled(setting: Setting, layer: int = 0) -> Covariances:
    sums = [np.zeros(width) for width in setting.widths]
    products = [
        np.zeros((a, b)) for a, b in [(setting.widths[i], setting.widths[j]) for i, j in ((0, 0), (1, 1), (0, 1))]
    ]
    for batch in batches(setting, layer=layer):
        sides = [np.asarray(side.activations, dtype=np.float64) for side in (batch.left, batch.right)]
        for place, (i, j) in enumerate(((0, 0), (1, 1), (0, 1))):
            products[place] += sides[i].T @ sides[j]
        for total, side in zip(sums, sides, strict=True):
            total += side.sum(axis=0)
    n = setting.n_tokens
    means = [total / n for total in sums]
    pairs = ((0, 0), (1, 1), (0, 1))
    covariances = [product / n - np.outer(means[i], means[j]) for product, (i, j) in zip(products, pairs, strict=True)]
    return Covariances(means[0], means[1], *covariances)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_long_stream_has_the_stated_covariances(name: str) -> None:
    setting = SETTINGS[name]
    stated, seen = activation_covariances(plan(setting)), sampled(setting)
    n = setting.n_tokens
    for own, mean, other in (
        (stated.left, stated.left_mean, seen.left_mean),
        (stated.right, stated.right_mean, seen.right_mean),
    ):
        assert (np.abs(mean - other) < 5 * np.sqrt(np.diag(own) / n)).all()
    # Fourth moments of sums of sparse features are large: ten times what normal variables would have.
    for a, b, what in (
        (stated.left, stated.left, "left"),
        (stated.right, stated.right, "right"),
        (stated.left, stated.right, "cross"),
    ):
        error = np.sqrt(10 * np.outer(np.diag(a), np.diag(b)) / n)
        assert (np.abs(getattr(stated, what) - getattr(seen, what)) < 5 * error).all(), what
    true, found = population_values(stated), population_values(seen)
    assert found.cka == pytest.approx(true.cka, abs=0.01)
    assert found.procrustes == pytest.approx(true.procrustes, abs=0.01)
    # Canonical correlations of a sample are too large by about width / n, those near 0 by its root.
    np.testing.assert_allclose(found.canonical_correlations, true.canonical_correlations, atol=0.015)


def test_layers_have_their_own_covariances() -> None:
    setting = Setting(**{**SMALL, "n_tokens": 50_000}, layers=3, drift=0.4)
    stated, seen = activation_covariances(plan(setting), layer=2), sampled(setting, layer=2)
    true = from_setting(setting, n_tokens=10).at_layer(2).truth.activations
    assert true == population_values(stated)
    assert true is not None
    assert population_values(seen).cka == pytest.approx(true.cka, abs=0.01)
    assert abs(population_values(activation_covariances(plan(setting))).cka - true.cka) > 0.02
    assert np.abs(stated.cross - seen.cross).max() < 0.03
    assert np.abs(activation_covariances(plan(setting)).cross - seen.cross).max() > 0.1


def test_the_metrics_of_the_project_come_to_the_stated_values() -> None:
    two = from_setting(SETTINGS["noise"], n_tokens=40_000)
    stated = two.truth.activations
    assert stated is not None
    spaces = two.left.token_space(), two.right.token_space()
    expected = {
        "cka": stated.cka,
        "procrustes": stated.procrustes,
        "cca": float(np.mean(stated.canonical_correlations)),
    }
    for metric, value in expected.items():
        assert geomsim.compare(*spaces, metric, null=None).score == pytest.approx(value, abs=0.02), metric


def test_formulas_against_plain_ones() -> None:
    random = np.random.default_rng(0)
    root = random.standard_normal((9, 9))
    joint = root @ root.T
    left, right, cross = joint[:4, :4], joint[4:, 4:], joint[:4, 4:]
    found = population_values(Covariances(np.zeros(4), np.zeros(5), left, right, cross))
    whitened = np.linalg.inv(sqrtm(left)) @ cross @ np.linalg.inv(sqrtm(right))
    np.testing.assert_allclose(found.canonical_correlations, np.linalg.svd(whitened, compute_uv=False))
    assert found.procrustes == pytest.approx(
        np.trace(sqrtm(cross @ cross.T)).real / np.sqrt(np.trace(left) * np.trace(right))
    )
    assert found.cka == pytest.approx((cross**2).sum() / np.sqrt((left**2).sum() * (right**2).sum()))


def test_equal_networks_are_equal_and_strangers_share_nothing() -> None:
    same = population_values(activation_covariances(plan(SETTINGS["one"])))
    assert same.cka == pytest.approx(1.0)
    assert same.procrustes == pytest.approx(1.0)
    np.testing.assert_allclose(same.canonical_correlations, 1.0, atol=1e-6)
    strangers = population_values(activation_covariances(plan(SETTINGS["nothing shared"])))
    assert strangers.cka == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(strangers.canonical_correlations, 0.0, atol=1e-6)
