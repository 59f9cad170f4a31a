from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import geomsim
from geomsim.errors import InvalidConfig, InvalidSpace
from geomsim_synthetic import (
    TrainedDictionary,
    TwoModels,
    correspondence_recovery,
    from_setting,
    mmcs,
    preset,
    share_recovered,
    train_dictionary,
    train_with_sae_lens,
    trained_truth,
    two_models,
    uniqueness,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny(**changes: Any) -> TwoModels:
    arguments: dict[str, Any] = {
        "n_features": 24, "shared": 0.5, "width": 16, "n_tokens": 4000, "mean_active": 1.5, "firing": "uniform",
    }  # fmt: skip
    return two_models(**{**arguments, **changes})


OPTIONS: dict[str, Any] = {"k": 2, "steps": 300, "batch": 256, "learning_rate": 1e-2}


def shared_sources(two: TwoModels, side: str) -> Any:
    network = getattr(two, side)
    return network.source_directions[np.isin(network.source_feature, two.truth.shared_features)]


def test_a_pair_at_the_easy_setting_recovers_what_is_shared() -> None:
    two = from_setting(preset("easy"))
    trained = [train_dictionary(network.activations, 256, k=4, steps=1000) for network in (two.left, two.right)]
    for side, found in zip(("left", "right"), trained, strict=True):
        truths = shared_sources(two, side)
        directions = found.dictionary.directions
        assert directions.shape == (256, 64)
        assert share_recovered(directions, truths, min_cosine=0.95) >= 0.85
        assert mmcs(truths, directions) >= 0.95
        assert uniqueness(directions, getattr(two, side).source_directions) > 0.5
    # The latents of both sides find each other by their codes alone.
    left, right = trained
    pairing = geomsim.pair(left.codes(two.left), right.codes(two.right), method="mutual", min_weight=0.5)
    truth = trained_truth(two, left.dictionary.directions, right.dictionary.directions)
    assert truth.population == {}
    recovery = correspondence_recovery(pairing, truth)
    assert recovery.precision > 0.9
    assert recovery.recall > 0.9


def test_the_same_seed_gives_the_same_bits_and_global_state_plays_no_part() -> None:
    two = tiny()

    def trained(seed: int) -> tuple[bytes, ...]:
        found = train_dictionary(two.left.activations, 32, seed=seed, **OPTIONS).dictionary
        return found.encoder.numpy().tobytes(), found.decoder.numpy().tobytes(), found.encoder_bias.numpy().tobytes()

    first, state = trained(0), torch.get_rng_state()
    torch.rand(3)
    assert trained(0) == first
    assert trained(1) != first
    torch.set_rng_state(state)
    trained(0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("activation", ["topk", "relu"])
def test_small_dictionaries_are_found_by_both_kinds(activation: Any) -> None:
    two = tiny()
    found = train_dictionary(two.left.activations, 48, activation=activation, l1=0.2, **OPTIONS)
    directions = found.dictionary.directions
    np.testing.assert_allclose(np.linalg.norm(found.dictionary.decoder.numpy(), axis=1), 1.0, rtol=1e-5)
    assert mmcs(two.left.source_directions, directions) > 0.9
    assert found.losses[-1] < found.losses[0]
    points = torch.from_numpy(two.left.activations)
    assert found.dictionary.explained_variance(points) > 0.6
    codes = found.codes(two.left)
    assert (codes.n_tokens, codes.n_latents) == (4000, 48)
    assert int((codes.firings() == 0).sum()) == found.n_dead
    if activation == "topk":
        assert codes.l0 <= 2.0


def test_units_play_no_part() -> None:
    two = tiny()
    small, large = (train_dictionary(two.left.activations * s, 32, **OPTIONS) for s in (1.0, 1024.0))
    np.testing.assert_array_equal(small.dictionary.decoder.numpy(), large.dictionary.decoder.numpy())
    points = torch.from_numpy(two.left.activations)
    # What is read in activations that are 1024 times as large is 1024 times as large.
    np.testing.assert_allclose(
        large.dictionary.encode(points * 1024.0).toarray(),
        1024.0 * small.dictionary.encode(points).toarray(),
        rtol=1e-4,
    )


def test_dead_latents_are_started_anew() -> None:
    # With as many latents as tokens have directions to offer, most starts are in the way of each other.
    two = tiny(n_tokens=2000)
    found = train_dictionary(two.left.activations, 200, **{**OPTIONS, "k": 1})
    assert found.n_revived > 0
    assert 0 <= found.n_dead < 200


def test_sae_lens_finds_the_same() -> None:
    pytest.importorskip("sae_lens")
    two = tiny()
    state = torch.get_rng_state()
    found = train_with_sae_lens(two.left.activations, 48, **{**OPTIONS, "steps": 600})
    assert torch.equal(torch.get_rng_state(), state)
    assert isinstance(found, TrainedDictionary)
    assert found.dictionary.activation == "topk"
    assert found.dictionary.provenance["trainer"] == "sae-lens"
    assert mmcs(two.left.source_directions, found.dictionary.directions) > 0.9
    assert found.dictionary.explained_variance(torch.from_numpy(two.left.activations)) > 0.7
    torch.rand(3)
    again = train_with_sae_lens(two.left.activations, 48, **{**OPTIONS, "steps": 600})
    assert torch.equal(found.dictionary.encoder, again.dictionary.encoder)


def test_sae_lens_trains_relu_dictionaries_too() -> None:
    pytest.importorskip("sae_lens")
    found = train_with_sae_lens(tiny().left.activations, 32, activation="relu", l1=0.02, **{**OPTIONS, "steps": 100})
    assert found.dictionary.activation == "relu"
    assert found.dictionary.latents == 32


@pytest.mark.parametrize("train", [train_dictionary, train_with_sae_lens])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelu"}, r"activation='gelu' must be one of topk, relu"),
        ({"n_latents": 0}, r"n_latents=0 must be a whole number of at least 1"),
        ({"k": 9}, r"k=9 is more than n_latents=8"),
        ({"steps": 0}, r"steps=0 must be a whole number"),
        ({"l1": -1.0}, r"l1=-1.0 must be a finite number of at least 0"),
        ({"learning_rate": float("nan")}, r"learning_rate=nan must be a finite number"),
        ({"learning_rate": 0.0}, r"learning_rate=0 learns nothing"),
        ({"setps": 3}, r"'setps' is no option of training; did you mean 'steps'"),
    ],
)
def test_impossible_options(train: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        train(**{"activations": np.eye(4), "n_latents": 8, **options})


@pytest.mark.parametrize("points", [np.zeros((4, 3)), np.full((4, 3), np.nan), np.ones(5), np.ones((0, 3))])
def test_activations_that_cannot_be_learned(points: Any) -> None:
    with pytest.raises(InvalidSpace, match=r"training needs finite \(tokens, width\) activations that are not all 0"):
        train_dictionary(points, 8)


def test_every_preset_can_be_drawn() -> None:
    for name in ("busy", "tangled", "absorbing"):
        two = from_setting(replace(preset(name), n_tokens=500))
        assert np.isfinite(two.left.activations).all()
