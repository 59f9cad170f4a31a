from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from dictionary_samples import (
    LATENTS,
    WIDTH,
    K,
    Sample,
    check_reads_like,
    gate,
    jump,
    pre_activations,
    relu,
    top_k,
    write_sae_lens,
)
from safetensors.torch import load_file, save_file

from geomsim.activations.dictionary import Dictionary, read_dictionary
from geomsim.errors import InvalidConfig, InvalidModel

SAMPLE = Sample()
POINTS = torch.from_numpy(SAMPLE.points())


def sae_lens_sae(kind, **options):
    """An untrained SAE of this kind with the sample's weights."""
    pytest.importorskip("sae_lens")
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.gated_sae import GatedSAE, GatedSAEConfig
    from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
    from sae_lens.saes.matryoshka_batchtopk_sae import (
        MatryoshkaBatchTopKTrainingSAE,
        MatryoshkaBatchTopKTrainingSAEConfig,
    )
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    sae_class, config_class, more = {
        "standard": (StandardSAE, StandardSAEConfig, {}),
        "topk": (TopKSAE, TopKSAEConfig, {"k": K}),
        "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
        "gated": (GatedSAE, GatedSAEConfig, {}),
        "batchtopk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, {"k": K}),
        "matryoshka_batchtopk": (
            MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig,
            {"k": K, "matryoshka_widths": [6, LATENTS]},
        ),
    }[kind]  # fmt: skip
    metadata = SAEMetadata(model_name="tiny", hook_name="blocks.1.hook_resid_post")
    sae = sae_class(config_class(d_in=WIDTH, d_sae=LATENTS, metadata=metadata, **more, **options))
    values = {
        "W_enc": SAMPLE.encoder, "b_enc": SAMPLE.encoder_bias, "W_dec": SAMPLE.decoder, "b_dec": SAMPLE.decoder_bias,
        "threshold": SAMPLE.threshold, "b_gate": SAMPLE.gate_bias, "b_mag": SAMPLE.magnitude_bias,
        "r_mag": SAMPLE.log_scale, "topk_threshold": np.float64(1.5),
    }  # fmt: skip
    with torch.no_grad():
        for name, parameter in sae.state_dict().items():
            parameter.copy_(torch.as_tensor(values[name]))
    return sae


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("standard", {}),
        ("standard", {"apply_b_dec_to_input": False}),
        ("standard", {"normalize_activations": "layer_norm"}),
        ("topk", {}),
        ("topk", {"rescale_acts_by_decoder_norm": True}),
        ("topk", {"normalize_activations": "constant_norm_rescale"}),
        ("jumprelu", {}),
        ("jumprelu", {"apply_b_dec_to_input": False}),
        ("gated", {}),
        ("gated", {"apply_b_dec_to_input": False, "normalize_activations": "layer_norm"}),
    ],
)
def test_codes_and_reconstruction_are_those_of_sae_lens(kind, options, tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    sae_lens_sae(kind, **options).save_model(tmp_path)
    mine = read_dictionary(tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path, dtype="float32")
    with torch.no_grad():
        codes = theirs.encode(POINTS)
        decoded = theirs.decode(codes)
    scale = 1 if options.get("rescale_acts_by_decoder_norm") else mine.decoder_norms
    np.testing.assert_allclose(mine.encode(POINTS).toarray(), codes * scale, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(mine.decode(mine.encode(POINTS), POINTS), decoded, atol=2e-5, rtol=1e-5)
    exact = POINTS.double()
    theirs_explained = float(1 - (exact - decoded).square().sum() / (exact - exact.mean(0)).square().sum())
    assert mine.explained_variance(POINTS) == pytest.approx(theirs_explained, rel=1e-5)
    assert mine.site == "residual:1"
    assert (mine.width, mine.latents) == (WIDTH, LATENTS)
    assert mine.provenance["architecture"] == kind
    if "normalize_activations" in options:
        with pytest.raises(InvalidModel, match=r"decode\(codes, points\) is needed"):
            mine.decode(mine.encode(POINTS))


@pytest.mark.parametrize("kind", ["batchtopk", "matryoshka_batchtopk"])
@pytest.mark.parametrize("rescaled", [False, True])
def test_a_batch_topk_dictionary_is_the_same_while_training_and_saved_for_use(kind, rescaled, tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    sae = sae_lens_sae(kind, rescale_acts_by_decoder_norm=rescaled)
    sae.save_model(tmp_path / "training")
    sae.save_inference_model(tmp_path / "use")
    with torch.no_grad():
        theirs = sae_lens.SAE.load_from_disk(tmp_path / "use", dtype="float32")
        codes, decoded = theirs.encode(POINTS), theirs(POINTS)
    assert 0 < (codes > 0).float().mean() < 0.5
    for place in ("training", "use"):
        mine = read_dictionary(tmp_path / place)
        assert mine.activation == "jumprelu"
        np.testing.assert_allclose(mine.encode(POINTS).toarray(), codes * theirs.W_dec.norm(dim=1).detach(), atol=1e-5)
        np.testing.assert_allclose(mine.decode(mine.encode(POINTS)), decoded, atol=1e-5, rtol=1e-5)
    per_token = read_dictionary(tmp_path / "training", selection="per-token")
    assert (per_token.activation, per_token.k, per_token.provenance["selection"]) == ("topk", K, "per-token")
    assert read_dictionary(tmp_path / "training").provenance["selection"] == "threshold"
    with pytest.raises(InvalidModel, match=r"selection='per-token' does not apply; only a dictionary with both k"):
        read_dictionary(tmp_path / "use", selection="per-token")


def test_a_batch_topk_dictionary_without_a_threshold_is_read_per_token_on_request_alone(tmp_path):
    config = {"architecture": "batchtopk", "k": float(K), "rescale_acts_by_decoder_norm": False}
    for name, threshold in (("zero", torch.tensor(0.0)), ("none", None)):
        folder = write_sae_lens(tmp_path / name, SAMPLE, config, topk_threshold=threshold)
        with pytest.raises(InvalidModel, match=r"threshold was never estimated .*selection='per-token'"):
            read_dictionary(folder)
        mine = read_dictionary(folder, selection="per-token")
        check_reads_like(mine, SAMPLE, top_k(pre_activations(SAMPLE, SAMPLE.points()), K))
    config["k"] = 2.5
    with pytest.raises(InvalidModel, match=r"a whole number k is needed; its configuration says 2\.5"):
        read_dictionary(write_sae_lens(tmp_path / "half", SAMPLE, config), selection="per-token")


@pytest.mark.parametrize("kind", ["standard", "topk", "jumprelu", "gated", "batchtopk"])
def test_a_loaded_object_is_the_same_dictionary(kind, tmp_path):
    sae = sae_lens_sae(kind)
    sae.save_model(tmp_path)
    from_files = read_dictionary(tmp_path)
    for mine in (read_dictionary(sae), Dictionary.from_sae_lens(sae)):
        np.testing.assert_array_equal(mine.encode(POINTS).toarray(), from_files.encode(POINTS).toarray())
        assert mine.sha256 == from_files.sha256
        assert mine.site == "residual:1"
    assert Dictionary.from_sae_lens(sae, "called").name == "called"


def test_something_else_than_a_path_or_an_object():
    for other in (3, None, object(), torch.nn.Linear(2, 3)):
        with pytest.raises(InvalidModel, match="a path, a hub id or a sae-lens SAE is needed, not "):
            read_dictionary(other)


# Against the formulas, without sae-lens.


@pytest.fixture
def plain(tmp_path):
    """A directory written by hand: no training library is needed to read one."""
    return write_sae_lens(tmp_path / "sae", SAMPLE)


@pytest.mark.parametrize(
    ("config", "weights", "reference"),
    [
        ({}, {}, lambda x: relu(pre_activations(SAMPLE, x))),
        ({"apply_b_dec_to_input": False}, {}, lambda x: relu(pre_activations(SAMPLE, x, subtract=False))),
        ({"architecture": "topk", "k": K}, {}, lambda x: top_k(pre_activations(SAMPLE, x), K)),
        (
            {"architecture": "jumprelu"}, {"threshold": SAMPLE.threshold},
            lambda x: jump(pre_activations(SAMPLE, x), SAMPLE.threshold),
        ),
        (
            {"architecture": "gated"},
            {"b_enc": None, "b_gate": SAMPLE.gate_bias, "b_mag": SAMPLE.magnitude_bias, "r_mag": SAMPLE.log_scale},
            lambda x: gate(SAMPLE, x),
        ),
        (
            {"architecture": "batchtopk", "k": K, "rescale_acts_by_decoder_norm": False},
            {"topk_threshold": np.float64(1.25)}, lambda x: jump(pre_activations(SAMPLE, x), 1.25),
        ),
    ],
)  # fmt: skip
def test_every_architecture_is_its_formula(config, weights, reference, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sae_lens", None)
    mine = read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE, config, **weights))
    check_reads_like(mine, SAMPLE, reference(SAMPLE.points()))
    assert mine.site == "neurons:0"
    assert mine.name == "sae"


def test_a_gated_dictionary_whose_gates_differ_from_its_magnitudes_is_not_a_plain_relu(tmp_path):
    weights = {"b_enc": None, "b_gate": SAMPLE.gate_bias, "b_mag": SAMPLE.magnitude_bias, "r_mag": SAMPLE.log_scale}
    mine = read_dictionary(write_sae_lens(tmp_path, SAMPLE, {"architecture": "gated"}, **weights))
    without = dataclasses.replace(mine, activation="relu", threshold=None)
    assert mine.encode(POINTS).nnz < without.encode(POINTS).nnz


def test_a_finetuning_factor_scales_codes_after_they_are_chosen(tmp_path):
    factor = np.linspace(0.5, 2, LATENTS, dtype=np.float32)
    config = {"architecture": "topk", "k": K, "finetuning_scaling_factor": True}
    mine = read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE, config, scaling_factor=factor))
    reference = top_k(pre_activations(SAMPLE, SAMPLE.points()), K)
    lengths = np.linalg.norm(SAMPLE.decoder, axis=1)
    np.testing.assert_allclose(mine.encode(POINTS).toarray(), reference * factor * lengths, atol=1e-5)
    np.testing.assert_allclose(
        mine.decode(mine.encode(POINTS)), (reference * factor) @ SAMPLE.decoder + SAMPLE.decoder_bias, atol=2e-5
    )
    ones = write_sae_lens(tmp_path / "ones", SAMPLE, {"architecture": "topk", "k": K}, scaling_factor=np.ones(1))
    assert read_dictionary(ones).sha256 != mine.sha256


@pytest.mark.parametrize("kind", ["standard", "topk", "batchtopk"])
def test_an_input_scale_is_folded_in_as_sae_lens_folds_it(kind, tmp_path):
    scale = 0.37
    options = {} if kind == "standard" else {"rescale_acts_by_decoder_norm": True}
    sae = sae_lens_sae(kind, normalize_activations="expected_average_only_in", **options)
    sae.save_model(tmp_path / "sae")
    with pytest.raises(InvalidModel, match=r"scaled by a constant that is not in its files.*pass it as input_scale="):
        read_dictionary(tmp_path / "sae")
    mine = read_dictionary(tmp_path / "sae", input_scale=scale)
    assert mine.provenance["input_scale"] == scale
    sae.fold_activation_norm_scaling_factor(scale)
    assert mine.sha256 == read_dictionary(sae).sha256
    # The dictionary of the scaled points, decoded and scaled back.
    unscaled = dataclasses.replace(
        mine, encoder=mine.encoder / scale, decoder=mine.decoder * scale, decoder_bias=mine.decoder_bias * scale,
        threshold=None if mine.threshold is None else mine.threshold * scale,
    )  # fmt: skip
    np.testing.assert_allclose(
        mine.decode(mine.encode(POINTS)), unscaled.decode(unscaled.encode(scale * POINTS)) / scale, atol=2e-5
    )


def test_an_input_scale_that_makes_no_sense(plain, tmp_path):
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InvalidConfig, match=r"input_scale .*: a positive number is needed"):
            read_dictionary(plain, input_scale=scale)
    own = write_sae_lens(tmp_path / "own", SAMPLE, {"normalize_activations": "layer_norm"})
    with pytest.raises(InvalidModel, match=r"normalises each activation by itself \(layer_norm\), so input_scale"):
        read_dictionary(own, input_scale=2)


def test_half_precision_weights_are_read_as_float32(plain):
    weights = plain / "sae_weights.safetensors"
    single = read_dictionary(plain)
    for dtype in (torch.bfloat16, torch.float16):
        save_file({name: value.to(dtype) for name, value in load_file(weights).items()}, weights)
        mine = read_dictionary(plain)
        assert mine.decoder.dtype == torch.float32
        np.testing.assert_allclose(mine.decoder, single.decoder, rtol=2**-7)
    half = read_dictionary(plain)
    save_file({name: value.float() for name, value in load_file(weights).items()}, weights)
    assert read_dictionary(plain).sha256 == half.sha256 != single.sha256


def test_old_flat_configurations(tmp_path):
    old = {
        "architecture": None, "metadata": None, "hook_point": "blocks.2.hook_resid_pre", "normalize_activations": False,
        "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5},
        "model_from_pretrained_kwargs": {"center_writing_weights": True},
    }  # fmt: skip
    mine = read_dictionary(write_sae_lens(tmp_path / "old", SAMPLE, old, scaling_factor=np.ones(LATENTS)))
    assert (mine.activation, mine.k, mine.site, mine.convention) == ("topk", 5, "residual:1", "centred")


@pytest.mark.parametrize(
    ("config", "weights", "match"),
    [
        ({}, {"W_dec": SAMPLE.decoder.T}, r"decoder W_dec is transposed: \(8, 24\) where \(latents, width\) = \(24, 8"),
        ({"d_in": None}, {"W_dec": SAMPLE.decoder.T}, "decoder W_dec is transposed"),
        ({}, {"W_enc": SAMPLE.encoder.T}, r"encoder W_enc is transposed: \(24, 8\) where \(width, latents\) = \(8, 24"),
        ({"d_in": None, "d_sae": None}, {"W_enc": SAMPLE.encoder.T}, "encoder W_enc is transposed"),
        ({"d_sae": 25}, {}, r"W_enc is \(8, 24\), but its configuration says width 8 and 25 latents"),
        ({}, {"b_enc": SAMPLE.decoder_bias}, r"b_enc is \(8,\), but its configuration says width 8 and 24 latents"),
        ({"d_in": None}, {"b_dec": SAMPLE.encoder_bias}, r"is \(8, 24\), but its other weights say width 24 and 24"),
        ({"d_in": "eight"}, {}, "a whole number d_in is needed; its configuration says 'eight'"),
        ({}, {"b_enc": None}, "b_enc missing from the weights of this standard dictionary; they hold W_dec, W_enc"),
        ({}, {"b_dec": np.full(WIDTH, np.nan, dtype=np.float32)}, "b_dec holds 8 NaN or infinite numbers"),
        ({}, {"W_enc": np.full((8, 24), np.inf, dtype=np.float32)}, "encoder holds 192 NaN or infinite numbers"),
        ({}, {"W_dec": np.ones((24, 8), dtype=np.int32)}, r"W_dec holds torch\.int32; floating-point numbers are"),
        ({"architecture": "jumprelu"}, {}, "threshold missing"),
        ({"architecture": "gated"}, {}, "b_gate, b_mag, r_mag missing from the weights of this gated dictionary"),
        ({}, {"r_mag": SAMPLE.log_scale}, "has weights it should not: r_mag"),
        (
            {}, {"scaling_factor": np.full(LATENTS, 2.0)},
            "hold scaling_factor, but its configuration does not say that it is to be used",
        ),
        (
            {"finetuning_scaling_factor": True}, {"scaling_factor": np.full(3, 2.0)},
            r"scaling_factor, of shape \(3,\), must hold one finite factor for each of 24 latents",
        ),
        ({"architecture": "temporal"}, {}, "architecture 'temporal' is not supported; standard, topk, jumprelu, gated"),
        ({"architecture": "jumprelu_skip_transcoder"}, {}, "'jumprelu_skip_transcoder': it writes at another place"),
        ({"architecture": "topk"}, {}, "a whole number k is needed; its configuration says None"),
        ({"architecture": "topk", "k": 25}, {}, "k is 25; a number from 1 to 24 latents is needed"),
        ({"activation_fn": "tanh-relu"}, {}, "activation function 'tanh-relu' is not supported"),
        ({"normalize_activations": "covariance_whitening"}, {}, "'covariance_whitening' is not supported"),
        ({"reshape_activations": "hook_z"}, {}, "heads of an attention layer"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(config, weights, match, tmp_path):
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE, config, **weights))


def test_every_error_about_weights_names_the_place(tmp_path):
    folder = write_sae_lens(tmp_path / "here", SAMPLE, W_enc=np.full((8, 24), np.nan, dtype=np.float32))
    with pytest.raises(InvalidModel, match=str(folder)):
        read_dictionary(folder)


def test_a_square_encoder_is_what_the_format_says(tmp_path):
    square = Sample(5, 6, 6)
    mine = read_dictionary(write_sae_lens(tmp_path / "sae", square))
    check_reads_like(mine, square, relu(pre_activations(square, square.points())))


def test_a_decoder_row_of_zeros_never_fires(tmp_path):
    decoder = SAMPLE.decoder.copy()
    decoder[3] = 0
    mine = read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE, {"architecture": "topk", "k": K}, W_dec=decoder))
    assert read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE)).encode(POINTS)[:, [3]].nnz > 0
    assert mine.encode(POINTS)[:, [3]].nnz == 0


def test_files_that_are_missing_or_damaged(plain):
    weights, config = plain / "sae_weights.safetensors", plain / "cfg.json"
    whole = weights.read_bytes()
    for damaged in (whole[:-10], whole[:4], b""):
        weights.write_bytes(damaged)
        with pytest.raises(InvalidModel, match=r"sae_weights\.safetensors: truncated or damaged"):
            read_dictionary(plain)
    weights.unlink()
    with pytest.raises(InvalidModel, match=r"sae_weights\.safetensors \(sae-lens\) or .* is missing beside cfg\.json"):
        read_dictionary(plain)
    weights.write_bytes(whole)
    for damaged, match in (("{", "not JSON"), ("[]", "a JSON object is needed")):
        config.write_text(damaged)
        with pytest.raises(InvalidModel, match=rf"cfg\.json: damaged, {match}"):
            read_dictionary(plain)
    config.write_bytes(json.dumps({"name": "é"}, ensure_ascii=False).encode("latin-1"))
    with pytest.raises(InvalidModel, match=r"cfg\.json: damaged, not JSON"):
        read_dictionary(plain)
    config.unlink()
    with pytest.raises(InvalidModel, match=r"cfg\.json: missing"):
        read_dictionary(plain)


def test_a_dictionary_outlives_the_file_it_was_read_from(plain):
    mine = read_dictionary(plain)
    before = mine.encoder.clone()
    (plain / "sae_weights.safetensors").write_bytes(b"\0" * 64)
    assert torch.equal(mine.encoder, before)
