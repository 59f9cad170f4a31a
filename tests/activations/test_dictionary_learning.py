from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from dictionary_samples import (
    LATENTS,
    THRESHOLD,
    WIDTH,
    K,
    Sample,
    check_reads_like,
    gate,
    jump,
    pre_activations,
    relu,
    top_k,
    write_dictionary_learning,
    write_sae_lens,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.dictionary import read_dictionary
from geomsim.errors import InvalidModel

SAMPLE = Sample()
REFERENCES = {
    "AutoEncoder": lambda each, x: relu(pre_activations(each, x)),
    "AutoEncoderNew": lambda each, x: relu(pre_activations(each, x, subtract=False)),
    "AutoEncoderTopK": lambda each, x: top_k(pre_activations(each, x), K),
    "BatchTopKSAE": lambda each, x: jump(pre_activations(each, x), THRESHOLD),
    "MatryoshkaBatchTopKSAE": lambda each, x: jump(pre_activations(each, x), THRESHOLD),
    "JumpReluAutoEncoder": lambda each, x: jump(pre_activations(each, x, subtract=False), each.threshold),
    "GatedAutoEncoder": gate,
}
TWINS = ("AutoEncoderTopK", "BatchTopKSAE")


@pytest.mark.parametrize("kind", REFERENCES)
def test_every_class_is_its_formula(kind, tmp_path):
    folder = write_dictionary_learning(tmp_path / "trainer_0", SAMPLE, kind)
    for place in (folder, folder / "ae.pt"):
        mine = read_dictionary(place)
        check_reads_like(mine, SAMPLE, REFERENCES[kind](SAMPLE, SAMPLE.points()))
        assert (mine.site, mine.name, mine.convention) == ("residual:3", "trainer_0", "raw")
    provenance = mine.provenance
    assert (provenance["architecture"], provenance["format"]) == (kind, "dictionary-learning")
    assert (provenance["model_name"], provenance["layer"]) == ("EleutherAI/pythia-70m-deduped", 3)


@pytest.mark.parametrize("kind", [kind for kind in REFERENCES if kind not in TWINS])
def test_the_names_of_the_weights_tell_the_class_where_nothing_else_does(kind, tmp_path):
    mine = read_dictionary(write_dictionary_learning(tmp_path, SAMPLE, kind, config=False))
    check_reads_like(mine, SAMPLE, REFERENCES[kind](SAMPLE, SAMPLE.points()))
    assert mine.site is None
    assert "model_name" not in mine.provenance


@settings(max_examples=15, derandomize=True)
@given(
    seed=st.integers(0, 10**6), kind=st.sampled_from(sorted(REFERENCES)), width=st.integers(1, 7),
    more=st.integers(0, 6),
)  # fmt: skip
def test_any_shape_and_square_ones_too(seed, kind, width, more, tmp_path_factory):
    sample = Sample(seed, width, max(K, width + more))
    folder = write_dictionary_learning(tmp_path_factory.mktemp("ae"), sample, kind, group_sizes=None)
    mine = read_dictionary(folder).encode(torch.from_numpy(sample.points()))
    reference = REFERENCES[kind](sample, sample.points()) * np.linalg.norm(sample.decoder, axis=1)
    np.testing.assert_allclose(mine.toarray(), reference, atol=1e-4, rtol=1e-4)


def test_top_k_and_batch_top_k_hold_the_same_weights(tmp_path):
    for kind in TWINS:
        folder = write_dictionary_learning(tmp_path / kind, SAMPLE, kind, config=False)
        with pytest.raises(InvalidModel, match=r"AutoEncoderTopK and BatchTopKSAE cannot be told apart.*selection="):
            read_dictionary(folder)
    points = SAMPLE.points()
    check_reads_like(
        read_dictionary(folder, selection="per-token"), SAMPLE, REFERENCES["AutoEncoderTopK"](SAMPLE, points)
    )
    check_reads_like(read_dictionary(folder, selection="threshold"), SAMPLE, REFERENCES["BatchTopKSAE"](SAMPLE, points))


def test_the_caller_may_choose_the_other_rule(tmp_path):
    batch = write_dictionary_learning(tmp_path / "batch", SAMPLE, "BatchTopKSAE")
    top = write_dictionary_learning(tmp_path / "top", SAMPLE, "AutoEncoderTopK")
    assert read_dictionary(batch).provenance["selection"] == "threshold"
    assert read_dictionary(top).provenance["selection"] == "per-token"
    assert read_dictionary(batch, selection="per-token").sha256 == read_dictionary(top).sha256
    assert read_dictionary(top, selection="threshold").sha256 == read_dictionary(batch).sha256
    with pytest.raises(InvalidModel, match="selection='threshold' does not apply"):
        read_dictionary(write_dictionary_learning(tmp_path / "relu", SAMPLE, "AutoEncoder"), selection="threshold")


@pytest.mark.parametrize("kind", ["BatchTopKSAE", "MatryoshkaBatchTopKSAE"])
@pytest.mark.parametrize("threshold", [-1.0, 0.0, float("nan"), None])
def test_a_threshold_that_was_never_estimated(kind, threshold, tmp_path):
    weights = {"threshold": None if threshold is None else np.float32(threshold)}
    folder = write_dictionary_learning(tmp_path, SAMPLE, kind, **weights)
    with pytest.raises(InvalidModel, match=r"threshold was never estimated \(.*selection='per-token'"):
        read_dictionary(folder)
    mine = read_dictionary(folder, selection="per-token")
    check_reads_like(mine, SAMPLE, top_k(pre_activations(SAMPLE, SAMPLE.points()), K))


def test_k_comes_from_the_weights_or_from_the_configuration(tmp_path):
    both = write_dictionary_learning(tmp_path / "both", SAMPLE, "AutoEncoderTopK", {"k": 9})
    assert read_dictionary(both).k == K
    old = write_dictionary_learning(tmp_path / "old", SAMPLE, "AutoEncoderTopK", {"k": 9}, k=None, threshold=None)
    assert read_dictionary(old).k == 9


def test_the_same_autoencoder_in_two_formats_is_one_dictionary(tmp_path):
    mine = read_dictionary(write_dictionary_learning(tmp_path / "ae", SAMPLE, "AutoEncoder"))
    assert mine.sha256 == read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE)).sha256
    weights = {"b_enc": None, "b_gate": SAMPLE.gate_bias, "b_mag": SAMPLE.magnitude_bias, "r_mag": SAMPLE.log_scale}
    theirs = read_dictionary(write_sae_lens(tmp_path / "gated", SAMPLE, {"architecture": "gated"}, **weights))
    assert (
        read_dictionary(write_dictionary_learning(tmp_path / "g", SAMPLE, "GatedAutoEncoder")).sha256 == theirs.sha256
    )


def test_checkpoints_find_their_configuration_one_folder_up(tmp_path):
    folder = write_dictionary_learning(tmp_path / "trainer_0", SAMPLE, "BatchTopKSAE")
    (folder / "checkpoints").mkdir()
    step = (folder / "ae.pt").rename(folder / "checkpoints" / "ae_1000.pt")
    mine = read_dictionary(step)
    assert (mine.activation, mine.site, mine.name) == ("jumprelu", "residual:3", "checkpoints/ae_1000")
    with pytest.raises(InvalidModel, match=r"it holds ae_1000\.pt; if ae_1000\.pt holds one, name that file"):
        read_dictionary(step.parent)


@pytest.mark.parametrize(
    ("trainer", "site"),
    [
        ({}, "residual:3"),
        ({"submodule_name": "resid_post_layer_12"}, "residual:12"),
        ({"submodule_name": "resid_out_layer5"}, "residual:5"),
        ({"submodule_name": "resid_post"}, "residual:3"),
        ({"submodule_name": "mlp_out_layer3"}, None),
        ({"submodule_name": None}, None),  # a layer alone does not say which place in it
        ({"submodule_name": "resid_post", "layer": None}, None),
    ],
)
def test_the_configuration_names_the_site(trainer, site, tmp_path):
    assert read_dictionary(write_dictionary_learning(tmp_path, SAMPLE, "AutoEncoder", trainer)).site == site


def test_inputs_and_transcoders(tmp_path):
    folder = write_dictionary_learning(tmp_path, SAMPLE, "AutoEncoder")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "buffer": {"io": "in"}}))
    assert read_dictionary(folder).site is None
    (folder / "config.json").write_text(json.dumps({**config, "buffer": {"io": "in_and_out"}}))
    with pytest.raises(InvalidModel, match="it is a transcoder, which reads a module's input and writes its output"):
        read_dictionary(folder)
    (folder / "config.json").write_text(json.dumps({"trainer": "standard"}))
    with pytest.raises(InvalidModel, match="its trainer is 'standard', not an object"):
        read_dictionary(folder)


@pytest.mark.parametrize(
    ("kind", "trainer", "weights", "match"),
    [
        ("AutoEncoder", {"dict_class": "CrossCoder"}, {}, "dict_class 'CrossCoder' is not supported; AutoEncoder, "),
        ("AutoEncoder", {"dict_class": "AutoEncoderTopK"}, {}, "b_dec missing from the weights of this AutoEn"),
        ("AutoEncoder", {}, {"W_dec": SAMPLE.decoder}, "this AutoEncoder dictionary has weights it should not: W_dec"),
        ("AutoEncoder", {"dict_class": None}, {"bias": None}, "weights of no known class: decoder.weight, encoder"),
        ("AutoEncoder", {}, {"decoder.weight": SAMPLE.decoder}, r"decoder decoder\.weight is transposed: \(24, 8\)"),
        ("AutoEncoder", {}, {"encoder.weight": SAMPLE.encoder}, r"encoder encoder\.weight is transposed: \(8, 24\)"),
        (
            "AutoEncoder", {"activation_dim": None, "dict_size": None}, {"encoder.weight": SAMPLE.encoder},
            r"encoder encoder\.weight is transposed: \(8, 24\)",
        ),
        ("JumpReluAutoEncoder", {}, {"W_dec": SAMPLE.decoder.T}, "decoder W_dec is transposed"),
        ("AutoEncoder", {"dict_size": 25}, {}, "its configuration says width 8 and 25 latents"),
        ("AutoEncoderTopK", {}, {"k": np.array([1, 2])}, r"k has shape \(2,\); one number is needed"),
        ("BatchTopKSAE", {}, {"threshold": SAMPLE.threshold}, r"threshold has shape \(24,\); one number is needed"),
        ("AutoEncoderTopK", {"k": None}, {"k": None}, "a whole number k is needed"),
        ("GatedAutoEncoder", {}, {"r_mag": np.full(24, np.nan, np.float32)}, "r_mag holds 24 NaN"),
        ("GatedAutoEncoder", {}, {"r_mag": np.full(24, 200, np.float32)}, "encoder holds .* NaN or infinite"),
        ("AutoEncoder", {}, {"bias": np.zeros(8, np.int64)}, r"bias holds torch\.int64"),
        (
            "AutoEncoder", {}, {"encoder.weight": np.zeros((2, 8, 24), np.float32)},
            r"encoder\.weight is \(2, 8, 24\), but",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(kind, trainer, weights, match, tmp_path):
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(write_dictionary_learning(tmp_path, SAMPLE, kind, trainer, **weights))


def test_half_precision(tmp_path):
    folder = write_dictionary_learning(tmp_path, SAMPLE, "AutoEncoder")
    weights = torch.load(folder / "ae.pt", weights_only=True)
    torch.save({name: value.bfloat16() for name, value in weights.items()}, folder / "ae.pt")
    mine = read_dictionary(folder)
    assert mine.encoder.dtype == torch.float32
    np.testing.assert_allclose(mine.encoder, SAMPLE.encoder, rtol=2**-7)
    assert (mine.width, mine.latents) == (WIDTH, LATENTS)
