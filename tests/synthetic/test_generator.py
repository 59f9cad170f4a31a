from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import binom, spearmanr

import geomsim
from geomsim import Pairing
from geomsim.errors import InvalidConfig, InvalidPairing
from geomsim_synthetic import SimulatedNetwork, Truth, TwoModels, pairing_recovery, two_models

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def default() -> TwoModels:
    return two_models()


def small(**changes: Any) -> TwoModels:
    arguments: dict[str, Any] = {
        "n_features": 48,
        "width": 16,
        "n_tokens": 1500,
        "mean_active": 4.0,
        "firing": "uniform",
    }
    return two_models(**{**arguments, **changes})


def paired_directions(two: TwoModels) -> tuple[NDArray[Any], NDArray[Any]]:
    left, right = two.pairing.apply(two.left.space(), two.right.space())
    return left.numpy(), right.numpy()


def best_correlation(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """The largest |r| of each left column with any right column."""
    correlation = np.corrcoef(left.T, right.T)[: left.shape[1], left.shape[1] :]
    best: NDArray[np.float64] = np.abs(correlation).max(axis=1)
    return best


def test_firing_rates_match_their_probabilities(default: TwoModels) -> None:
    for truth, network in ((default.truth.left, default.left), (default.truth.right, default.right)):
        firings = (network.codes.toarray() > 0).sum(axis=0)
        np.testing.assert_array_equal(firings, truth.firings)
        # One in a million per side, over all features (Bonferroni).
        tail = 1e-6 / len(firings)
        low, high = (binom.ppf(edge, default.truth.n_tokens, truth.probability) for edge in (tail, 1 - tail))
        assert ((low <= firings) & (firings <= high)).all()
        assert sum(truth.probability) == pytest.approx(8.0)


@pytest.mark.parametrize("width", [16, (16, 24), (24, 16)])
def test_shared_features_are_arranged_alike(width: int | tuple[int, int]) -> None:
    two = small(width=width)
    left, right = paired_directions(two)
    np.testing.assert_allclose(left @ left.T, right @ right.T, atol=1e-12)
    assert two.rotation is not None
    assert two.rotation.shape == (two.left.width, two.right.width)
    np.testing.assert_allclose(left @ two.rotation, right, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(two.left.directions, axis=1), 1.0)
    np.testing.assert_allclose(np.linalg.norm(two.right.directions, axis=1), 1.0)


def test_population_values_of_an_equal_arrangement() -> None:
    two = small(shared=1.0)
    left, right = paired_directions(two)
    _, _, disparity = procrustes(left, right)
    centred_left, centred_right = left - left.mean(axis=0), right - right.mean(axis=0)
    cka = np.linalg.norm(centred_left.T @ centred_right) ** 2 / (
        np.linalg.norm(centred_left.T @ centred_left) * np.linalg.norm(centred_right.T @ centred_right)
    )
    population = two.truth.population
    assert np.sqrt(1 - disparity) == pytest.approx(population["procrustes"])
    assert cka == pytest.approx(population["cka"])
    for measure in ("euclidean", "cosine"):
        rsa = spearmanr(pdist(left, measure), pdist(right, measure)).statistic
        assert rsa == pytest.approx(population[f"rsa({measure})"], abs=1e-6)


def test_an_independent_arrangement_shares_firing_and_nothing_else() -> None:
    scores = []
    for seed in range(40):
        two = small(shared=1.0, geometry="independent", n_tokens=50, seed=seed)
        left, right = paired_directions(two)
        scores.append(spearmanr(pdist(left), pdist(right)).statistic)
    assert two.rotation is None
    assert two.truth.shared_cosine is None
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(len(scores)) + two.truth.population["rsa"]
    paired = two.left.codes[:, two.pairing.left] - two.right.codes[:, two.pairing.right]
    assert not paired.toarray().any()


def test_geometry_noise_turns_every_shared_feature_by_the_stated_angle() -> None:
    two = small(geometry_noise=0.75)
    left, right = paired_directions(two)
    assert two.rotation is not None
    np.testing.assert_allclose((left @ two.rotation * right).sum(axis=1), 0.8)
    assert two.truth.shared_cosine == pytest.approx(0.8)
    assert two.truth.population == {}
    # Beyond layer 0 the features of both networks, turned against each other, drift each their own way.
    drifting = small(geometry_noise=0.75, layers=2, drift=0.5)
    assert drifting.truth.shared_cosine == pytest.approx(0.8)
    assert drifting.at_layer(1).truth.shared_cosine is None
    assert small(layers=2, drift=0.5).at_layer(1).truth.shared_cosine == 1.0


def test_the_correspondence_is_that_of_the_features(default: TwoModels) -> None:
    left, right = default.left.feature, default.right.feature
    expected = {(i, j) for i in range(len(left)) for j in range(len(right)) if left[i] == right[j]}
    assert set(zip(default.pairing.left.tolist(), default.pairing.right.tolist(), strict=True)) == expected
    assert len(expected) == default.truth.n_shared == 128
    assert tuple(sorted(left[default.pairing.left].tolist())) == default.truth.shared_features
    assert default.truth.left.feature == tuple(left.tolist())
    assert len(np.unique(left)) == len(np.unique(right)) == 256


def test_shared_features_fire_alike_and_own_features_do_not(default: TwoModels) -> None:
    left, right = default.left.codes.toarray(), default.right.codes.toarray()
    np.testing.assert_array_equal(left[:, default.pairing.left], right[:, default.pairing.right])
    own = [np.setdiff1d(np.arange(256), rows) for rows in (default.pairing.left, default.pairing.right)]
    # 128 x 128 correlations of independent columns: the largest stays near sqrt(2 log(128²) / 10000) = .044,
    # further out only by the coincidences of rare features.
    assert best_correlation(left[:, own[0]], right[:, own[1]]).max() < 0.15
    assert default.truth.left.probability != default.truth.right.probability
    assert sorted(default.truth.left.probability) == sorted(default.truth.right.probability)


@settings(max_examples=60)
@given(
    n_features=st.integers(2, 30),
    n_shared=st.integers(0, 30),
    width=st.tuples(st.integers(2, 12), st.integers(2, 12)),
    n_tokens=st.integers(1, 60),
    firing=st.sampled_from(["zipf", "uniform", "linear"]),
    seed=st.integers(0, 2**40),
)
def test_what_holds_for_every_draw(
    n_features: int, n_shared: int, width: tuple[int, int], n_tokens: int, firing: str, seed: int
) -> None:
    n_shared = min(n_shared, n_features)
    two = two_models(n_features, n_shared / n_features, width, n_tokens, n_features / 4, firing, seed=seed)
    assert two.truth.n_shared == len(two.truth.pairs) == n_shared
    assert (two.left.width, two.right.width) == width
    for network in (two.left, two.right):
        assert network.codes.shape == (n_tokens, n_features)
        assert network.activations.shape == (n_tokens, network.width)
        assert np.isfinite(network.activations).all()
        np.testing.assert_allclose(np.linalg.norm(network.directions, axis=1), 1.0)
    if n_shared:
        left, right = paired_directions(two)
        np.testing.assert_allclose(left @ left.T, right @ right.T, atol=1e-12)
        np.testing.assert_array_equal(two.left.feature[two.pairing.left], two.right.feature[two.pairing.right])


def test_row_numbers_give_nothing_away() -> None:
    # Under random rows about one pair stands on the same row number, and half of the pairs are in rising order.
    two = two_models(n_features=400, shared=1.0, n_tokens=10, mean_active=4)
    assert (two.pairing.left == two.pairing.right).sum() < 10
    assert abs(np.corrcoef(two.pairing.left, two.pairing.right)[0, 1]) < 4 / np.sqrt(400)
    assert abs(np.corrcoef(np.arange(400), two.left.feature)[0, 1]) < 4 / np.sqrt(400)
    assert two.left.space().ids[0] != two.right.space().ids[0]  # type: ignore[index]


def test_neurons_do_not_align_and_features_do() -> None:
    two = two_models(n_features=128, shared=1.0, width=32, n_tokens=4000, mean_active=4, firing="uniform", seed=3)
    features = best_correlation(two.left.codes.toarray(), two.right.codes.toarray())
    neurons = best_correlation(two.left.activations, two.right.activations)
    np.testing.assert_allclose(features, 1.0)
    assert neurons.max() < 0.75
    assert np.median(neurons) < 0.6
    # Nothing but the basis differs: the token by token similarities are the same in both.
    left, right = two.left.activations[:200], two.right.activations[:200]
    np.testing.assert_allclose(left @ left.T, right @ right.T, atol=1e-4)


@pytest.mark.parametrize("method", ["max", "mutual", "one-to-one"])
def test_true_codes_are_paired_by_their_correlation(method: str) -> None:
    two = two_models(n_features=64, shared=0.5, width=32, mean_active=4, firing="uniform", seed=1)
    left, right = two.left.true_codes(), two.right.true_codes()
    assert (left.n_tokens, left.n_latents, left.name) == (10_000, 64, "left")
    np.testing.assert_array_equal(left.groups, two.groups)
    np.testing.assert_array_equal(left.firings(), two.truth.left.firings)
    # The limit belongs into the call: a left feature without a partner still chooses somebody's right one, and
    # filtering afterwards would cost "one-to-one" both pairs.
    pairing = geomsim.pair(left, right, method=method, min_weight=0.5)
    recovery = pairing_recovery(pairing, two.pairing)
    assert recovery.precision > 0.95
    assert recovery.recall > 0.95


def test_activations_are_codes_times_directions() -> None:
    two = small(width=(16, 10))
    for network in (two.left, two.right):
        expected = network.codes.toarray().astype(np.float64) @ network.directions
        np.testing.assert_allclose(network.activations, expected, atol=1e-5)
        assert network.activations.dtype == network.codes.dtype == np.float32
        assert network.codes.format == "csr"
        assert network.codes.has_canonical_format


def test_noise_has_the_stated_deviation_and_is_independent_between_networks() -> None:
    quiet, loud = small(n_tokens=20_000), small(n_tokens=20_000, noise=0.3)
    added = {side: getattr(loud, side).activations - getattr(quiet, side).activations for side in SIDES}
    n = added["left"].size
    for values in added.values():
        assert values.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * n))
        assert abs(values.mean()) < 5 * 0.3 / np.sqrt(n)
    read_out = added["left"] @ quiet.left.directions[0]
    assert read_out.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 20_000))
    assert abs(np.corrcoef(added["left"].ravel(), added["right"].ravel())[0, 1]) < 5 / np.sqrt(n)
    np.testing.assert_array_equal(quiet.left.directions, loud.left.directions)
    assert (quiet.left.codes - loud.left.codes).nnz == 0


def bits(two: TwoModels) -> bytes:
    def one(network: SimulatedNetwork) -> list[NDArray[Any]]:
        codes = network.codes
        return [network.directions, codes.data, codes.indices, codes.indptr, network.activations, network.feature]

    return b"".join(array.tobytes() for array in [*one(two.left), *one(two.right), two.groups])


def global_state() -> bytes:
    state: Any = np.random.get_state()  # noqa: NPY002 - that it is left alone is the point
    return bytes(state[1].tobytes()) + bytes([state[2] % 256])


def test_the_same_seed_gives_the_same_bits_and_global_state_plays_no_part() -> None:
    first = bits(small(seed=4, noise=0.1))
    before = global_state()
    assert bits(small(seed=5, noise=0.1)) != first
    assert global_state() == before
    np.random.random(3)  # noqa: NPY002 - numbers drawn from the global state must change nothing
    assert bits(small(seed=4, noise=0.1)) == first


def test_what_is_done_to_a_result_changes_no_later_one() -> None:
    first = small(seed=6)
    before = bits(first), first.truth.to_json()
    for network in (first.left, first.right):
        for array in (network.directions, network.source_directions, network.source_feature, network.activations):
            array[:] = 0
        network.codes.data[:] = 0
    assert first.rotation is not None
    first.rotation[:] = 0
    again = small(seed=6)
    assert (bits(again), again.truth.to_json()) == before
    assert again.rotation is not None
    assert again.rotation.any()
    for array in (again.setting.probability, again.setting.document_lengths):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_shares_are_nested_and_change_nothing_on_the_left() -> None:
    shares = [small(shared=shared) for shared in (0.0, 0.25, 0.5, 1.0)]
    for fewer, more in pairwise(shares):
        assert set(fewer.truth.shared_features) < set(more.truth.shared_features)
        assert (fewer.left.codes - more.left.codes).nnz == 0


@pytest.mark.parametrize("side", SIDES)
def test_ranks_of_shared_features_are_not_special(side: str) -> None:
    two = two_models(n_features=400, shared=0.5, n_tokens=10, mean_active=4)
    ranks = np.array(two.truth.shared_features)
    # 200 of 400 ranks at random: mean 199.5, standard deviation 400 / sqrt(12 * 200) * sqrt(1/2).
    assert ranks.mean() == pytest.approx(199.5, abs=4 * 400 / np.sqrt(2400) * np.sqrt(0.5))
    assert sum(getattr(two.truth, side).probability) == pytest.approx(4.0)


def test_nothing_shared() -> None:
    two = small(shared=0)
    assert two.truth.n_shared == 0
    assert two.truth.pairs == ()
    assert two.truth.shared_features == ()
    assert two.rotation is None
    assert two.truth.shared_cosine is None
    assert two.truth.population == {}
    assert not set(two.left.feature.tolist()) & set(two.right.feature.tolist())
    with pytest.raises(InvalidPairing, match=r"share no feature .*geometry='independent'"):
        _ = two.pairing


def test_nothing_but_punctuation_shared() -> None:
    two = small(shared=0, junk=3)
    assert two.truth.n_shared == 0
    assert len(two.pairing) == 3
    left, right = paired_directions(two)
    np.testing.assert_allclose(left @ left.T, right @ right.T, atol=1e-12)
    assert two.truth.shared_cosine == two.truth.population["cka"] == 1.0


def test_everything_shared() -> None:
    two = small(shared=1)
    assert two.truth.n_shared == 48
    assert two.truth.shared_features == tuple(range(48))
    assert sorted(two.left.feature.tolist()) == sorted(two.right.feature.tolist())


def test_documents_are_contiguous_and_nearly_equal() -> None:
    two = small(n_tokens=103, n_documents=10)
    lengths = np.bincount(two.groups)
    np.testing.assert_array_equal(lengths, two.truth.document_lengths)
    assert sorted(set(lengths)) == [10, 11]
    assert (np.diff(two.groups) >= 0).all()
    assert two.truth.n_tokens == len(two.groups) == 103
    assert two.truth.n_documents == 10
    assert small(n_tokens=30).truth.n_documents == 1


def test_spaces_carry_ids_names_and_documents() -> None:
    two = small(width=(16, 10))
    assert two.right.space().ids == tuple(f"right/{row}" for row in range(48))
    assert (two.right.space().name, two.right.space().width) == ("right", 10)
    tokens = two.right.token_space()
    assert (tokens.n_rows, tokens.width) == (1500, 10)
    np.testing.assert_array_equal(tokens.groups, two.groups)
    assert isinstance(two.pairing, Pairing)
    assert repr(two.right) == "SimulatedNetwork('right', 48 features in width 10, 1500 tokens)"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shared": 0.0},
        {"geometry": "independent"},
        {"geometry_noise": 0.1},
        {"firing": [0.1] * 48, "mean_active": None},
    ],
)
def test_the_truth_survives_json(changes: dict[str, Any]) -> None:
    truth = small(n_tokens=200, **changes).truth
    stored = json.loads(json.dumps(truth.to_dict(), allow_nan=False))
    assert Truth.from_dict(stored) == truth
    assert stored["population"] == truth.population
    assert stored["left"]["width"] == 16
    assert stored["pairs"] == [list(pair) for pair in truth.pairs]


def test_given_probabilities_are_used() -> None:
    probability = np.linspace(0.05, 0.9, 48)
    two = small(firing=probability, mean_active=None, n_tokens=4000)
    rates = np.array(two.truth.left.firings) / 4000
    np.testing.assert_allclose(rates, np.array(two.truth.left.probability), atol=5 * 0.5 / np.sqrt(4000))
    np.testing.assert_allclose(probability[two.left.feature], two.truth.left.probability)
    assert two.truth.setting is not None
    assert two.truth.setting.firing == tuple(probability)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shared": 1.2}, r"shared=1.2 must be a fraction between 0 and 1"),
        ({"shared": -0.1}, r"shared=-0.1 must be a fraction"),
        ({"shared": float("nan")}, r"shared=nan must be a fraction"),
        ({"shared": "half"}, r"shared='half' must be a fraction"),
        ({"shared": 0.001}, r"shared=0.001 of 48 features is less than half a feature; use 0 or at least 0.0208"),
        ({"n_features": 1}, r"n_features=1 must be a whole number of at least 2"),
        ({"n_features": 2.5}, r"n_features=2.5 must be a whole number"),
        ({"width": 1}, r"width=1 must be a whole number of at least 2"),
        ({"width": (16, 0)}, r"width\[1\]=0 must be a whole number"),
        ({"width": (16, 16, 16)}, r"width=\(16, 16, 16\) must be one whole number or a pair"),
        ({"n_tokens": 0}, r"n_tokens=0 must be a whole number of at least 1"),
        ({"noise": -1}, r"noise=-1 must be a finite number of at least 0"),
        ({"noise": float("inf")}, r"noise=inf must be a finite number"),
        ({"geometry_noise": float("nan")}, r"geometry_noise=nan must be a finite number"),
        ({"geometry": "alike"}, r"geometry='alike' must be one of shared, independent"),
        ({"geometry": "independent", "geometry_noise": 0.1}, r"geometry_noise=0.1 has no meaning"),
        ({"mean_active": 0}, r"mean_active=0 is out of range"),
        ({"mean_active": 25}, r"mean_active=25 is out of range.*at most 24"),
        ({"firing": [0.5] * 47 + [1.0], "mean_active": None}, r"firing\[47\] = 1 is no firing probability"),
        ({"firing": [0.1] * 48}, r"mean_active=4.0 was given beside firing probabilities"),
        ({"n_documents": 2000}, r"n_documents=2000 is more than n_tokens=1500"),
        ({"n_documents": 0}, r"n_documents=0 must be a whole number of at least 1"),
        ({"seed": -1}, r"seed=-1 must be a whole number of at least 0"),
        ({"seed": True}, r"seed=True must be a whole number"),
        ({"nosie": 0.1}, r"'nosie' is no parameter of two networks; did you mean 'noise'"),
    ],
)
def test_impossible_requests(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        small(**changes)
