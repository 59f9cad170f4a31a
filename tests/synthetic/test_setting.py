from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig
from geomsim_synthetic import (
    CorrelatedGroup,
    Faults,
    Hierarchy,
    Planted,
    Setting,
    Truth,
    TwoModels,
    from_setting,
    preset,
    two_models,
)
from geomsim_synthetic.presets import PRESETS

SMALL: dict[str, Any] = {"n_features": 40, "width": (12, 16), "n_tokens": 4000, "mean_active": 3.0}
EVERYTHING = Setting(
    **SMALL, shared=0.9, firing="linear", noise=0.1, seed=3, geometry_noise=0.2, magnitudes="half-normal",
    magnitude_scale=2.0, seen=(0.9, 0.5), dense=1, junk=2, layers=2, drift=0.1, outliers=1,
    structures=(
        CorrelatedGroup(3, ((1.0, 0.2, 0.1), (0.2, 1.0, 0.0), (0.1, 0.0, 1.0)), probability=(0.1, 0.2, 0.3)),
        Hierarchy((None, 0, 0, None), given=0.3), Planted("circle", 6, arranged="left"),
        Planted("simplex", 3, where="right"),
    ),
    left_faults=Faults(split=2, absorbed=1, split_turn=0.1), right_faults=Faults(merged=1),
)  # fmt: skip


def by_feature(two: TwoModels, side: str) -> dict[int, NDArray[Any]]:
    network = getattr(two, side)
    return {feature: network.codes[:, [row]].toarray().ravel() for row, feature in enumerate(network.feature.tolist())}


@pytest.mark.parametrize("setting", [EVERYTHING, *PRESETS.values()], ids=["everything", *PRESETS])
def test_setting_and_truth_survive_json(setting: Setting) -> None:
    stored = json.loads(json.dumps(setting.to_dict(), allow_nan=False))
    assert Setting.from_dict(stored) == setting
    truth = from_setting(setting, n_tokens=50, n_documents=None).truth
    again = Truth.from_json(truth.to_json())
    assert again == truth
    assert again.setting is not None
    assert from_setting(again.setting).truth == truth
    assert json.loads(truth.to_json())["pairs"] == [list(pair) for pair in truth.pairs]


def test_arrays_and_lists_are_as_good_as_tuples() -> None:
    arrays = two_models(6, 0.5, 4, 20, firing=np.full(6, 0.2), structures=[Planted("simplex", np.int64(3))])  # type: ignore[arg-type]
    tuples = two_models(6, 0.5, 4, 20, firing=(0.2,) * 6, structures=(Planted("simplex", 3),))
    assert arrays.setting == tuples.setting
    assert hash(arrays.setting) == hash(tuples.setting)


def test_numbers_of_numpy_go_to_json_too() -> None:
    half: Any = np.float32(0.5)
    three: Any = np.int64(3)
    parents: Any = [None, np.int64(0)]
    structures: Any = [
        CorrelatedGroup(three, half, probability=half),
        Hierarchy(parents, given=half),
        Planted("circle", 3 * three, probability=half, reach=three),
    ]
    setting = Setting(
        n_features=16 * three, shared=half, width=4 * three, n_tokens=50, mean_active=4 * half, n_documents=three,
        magnitude_scale=half, seen=(half, 0.5), dense=three, dense_probability=half, junk=three, junk_rate=half,
        noise=half, left_faults=Faults(split=three, split_turn=half), structures=structures,
    )  # fmt: skip
    truth = from_setting(setting).truth
    assert Truth.from_json(truth.to_json()) == truth
    assert from_setting(Setting.from_dict(json.loads(json.dumps(setting.to_dict())))).truth == truth


def test_stored_text_that_is_no_truth() -> None:
    stored = Setting(**SMALL).to_dict()
    with pytest.raises(InvalidConfig, match=r"no JSON text.*give what to_json returned"):
        Truth.from_json("nothing")
    with pytest.raises(InvalidConfig, match=r"no stored truth: source, seed, .* missing"):
        Truth.from_json("{}")
    with pytest.raises(InvalidConfig, match="a stored truth is a table of names and values, got list"):
        Truth.from_json("[]")
    with pytest.raises(InvalidConfig, match="no stored setting: structures, left_faults, right_faults missing"):
        Setting.from_dict({})
    with pytest.raises(InvalidConfig, match="'nosie' is no parameter of two networks; did you mean 'noise'"):
        Setting.from_dict({**stored, "nosie": 1.0})
    with pytest.raises(InvalidConfig, match="kind='sphere' must be one of correlated, hierarchy, planted"):
        Setting.from_dict({**stored, "structures": [{"kind": "sphere"}]})


@pytest.mark.parametrize("share", [(1.0, 0.5), (0.3, 0.6)])
def test_networks_miss_firings_of_shared_features(share: tuple[float, float]) -> None:
    arguments = {**SMALL, "structures": (CorrelatedGroup(4, 0.8, probability=0.2), Planted("circle", 6))}
    all_seen, missed = two_models(**arguments), two_models(**arguments, seen=share)
    kinds = dict(zip(missed.left.feature.tolist(), missed.truth.left.kind, strict=True))
    for side, kept in zip(("left", "right"), share, strict=True):
        before, after = by_feature(all_seen, side), by_feature(missed, side)
        truth = dict(zip(getattr(missed, side).feature.tolist(), getattr(missed.truth, side).probability, strict=True))
        for feature in missed.truth.shared_features:
            n = int((before[feature] > 0).sum())
            if kinds[feature] == "planted":
                np.testing.assert_array_equal(before[feature], after[feature])
                continue
            np.testing.assert_array_equal(after[feature][after[feature] > 0], before[feature][after[feature] > 0])
            assert abs((after[feature] > 0).sum() - kept * n) <= 5 * np.sqrt(n * kept * (1 - kept)) + 1e-9
            assert abs((after[feature] > 0).mean() - truth[feature]) < 5 * np.sqrt(truth[feature] / 4000)
        own = set(before) - set(missed.truth.shared_features)
        assert all((before[feature] == after[feature]).all() for feature in own)


def test_layers_drift_by_the_stated_angle_in_both_networks_alike() -> None:
    setting = Setting(**{**SMALL, "n_features": 60}, layers=4, drift=0.3, junk=2, dense=1)
    layers = [from_setting(setting)]
    layers += [layers[0].at_layer(layer) for layer in range(1, 4)]
    angle = np.arctan(0.3)
    for i, first in enumerate(layers):
        left, right = first.pairing.apply(first.left.space(), first.right.space())
        np.testing.assert_allclose(left.numpy() @ left.numpy().T, right.numpy() @ right.numpy().T, atol=1e-12)
        assert (first.left.codes - layers[0].left.codes).nnz == 0
        for j, second in enumerate(layers):
            for side in ("left", "right"):
                cosines = (getattr(first, side).directions * getattr(second, side).directions).sum(axis=1)
                np.testing.assert_allclose(cosines, np.cos((i - j) * angle), atol=1e-12)
        np.testing.assert_allclose(first.left.codes @ first.left.directions, first.left.activations, atol=1e-4)
    with pytest.raises(InvalidConfig, match="layer=4: these networks have layers 0 to 3"):
        layers[0].at_layer(4)


def test_outliers_stand_out() -> None:
    two = two_models(**SMALL, outliers=2, outlier_mean=30.0, outlier_deviation=2.0)
    plain = two_models(**SMALL)
    for side in ("left", "right"):
        added = getattr(two, side).activations - getattr(plain, side).activations
        places = np.flatnonzero(np.abs(added).sum(axis=0))
        assert sorted(places) == sorted(getattr(two.truth, side).outliers)
        np.testing.assert_allclose(added[:, places].mean(axis=0), 30.0, atol=5 * 2 / np.sqrt(4000))
        np.testing.assert_allclose(added[:, places].std(axis=0), 2.0, rtol=0.1)


def test_distractors_are_dense_and_absent() -> None:
    two = two_models(**SMALL, dense=3, dense_probability=0.95)
    for side in ("left", "right"):
        truth = getattr(two.truth, side)
        rows = [row for row, kind in enumerate(truth.kind) if kind == "dense"]
        assert len(rows) == 3
        assert set(rows) <= set(truth.absent)
        np.testing.assert_allclose(np.array(truth.firings)[rows] / 4000, 0.95, atol=0.02)
    assert not set(two.left.feature.tolist()) & (set(two.right.feature.tolist()) - set(two.truth.shared_features))


@pytest.mark.parametrize("law", ["uniform", "constant", "exponential", "lognormal", "half-normal"])
def test_magnitudes_follow_their_law(law: Any) -> None:
    from scipy import stats

    two = two_models(20, 0.5, 8, 20_000, 4.0, "uniform", magnitudes=law, magnitude_scale=2.0)
    values = two.left.codes.data.astype(np.float64)
    frozen = {
        "uniform": stats.uniform(1.0, 2.0),
        "exponential": stats.expon(scale=2.0),
        "lognormal": stats.lognorm(0.5, scale=2.0 * np.exp(-0.125)),
        "half-normal": stats.halfnorm(scale=2.0 * np.sqrt(np.pi / 2.0)),
    }.get(law)
    assert values.min() > 0
    if frozen is None:
        assert (values == 2.0).all()
        return
    assert stats.kstest(values, frozen.cdf).pvalue > 1e-3
    assert frozen.mean() == pytest.approx(2.0)
    assert two.setting.magnitude_law.second_moment == pytest.approx(frozen.var() + 4.0)


def test_settings_of_one_name_are_told_apart() -> None:
    for name, setting in PRESETS.items():
        assert preset(name) == setting
    with pytest.raises(InvalidConfig, match="there is no preset 'hard'; there are easy, busy, tangled"):
        preset("hard")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seen": 0.0}, r"a network that sees no firing does not share the features"),
        ({"seen": (0.5, 1.1)}, r"seen\[1\]=1.1 must be a fraction between 0 and 1"),
        ({"seen": (0.5, 0.6, 0.7)}, r"seen=\(0.5, 0.6, 0.7\) must be one share or a pair"),
        ({"dense": -1}, r"dense=-1 must be a whole number of at least 0"),
        ({"dense": 41}, r"dense=41 distractors are more than n_features=40"),
        ({"dense_probability": 1.0}, r"dense_probability=1.0 is no firing probability: it must be above 0 and below 1"),
        ({"junk": 21}, r"junk=21: there are 20 punctuation marks"),
        ({"junk_rate": 0}, r"junk_rate=0 is no firing probability"),
        ({"outliers": 13}, r"outliers=13 is more than the narrower network's 12 neurons"),
        ({"outlier_mean": float("inf")}, r"outlier_mean=inf must be a finite number"),
        ({"layers": 0}, r"layers=0 must be a whole number of at least 1"),
        ({"drift": -0.1}, r"drift=-0.1 must be a finite number of at least 0"),
        ({"magnitudes": "gamma"}, r"magnitudes='gamma' must be one of uniform, constant"),
        ({"magnitude_scale": 0.0}, r"magnitude_scale=0.0 must be a finite number"),
        ({"shared": [0.5]}, r"shared=\(0.5,\) must be a fraction between 0 and 1"),
        ({"noise": np.ones(2)}, r"noise=\(1.0, 1.0\) must be a finite number"),
        ({"mean_active": "many"}, r"mean_active='many' must be a number"),
        ({"firing": ("often",) * 40, "mean_active": None}, r"firing=.* must be one probability per feature"),
        ({"structures": Planted("circle", 8)}, r"structures=Planted\(.*\) must be a sequence of structures"),
        ({"structures": None}, r"structures=None must be a sequence"),
        ({"shared": 1.01}, r"shared=1.01 must be a fraction between 0 and 1"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        two_models(**{**SMALL, **changes})
