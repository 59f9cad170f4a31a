from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from geomsim.activations import dictionary as dictionary_module
from geomsim.activations.dictionary import Dictionary, read_dictionary
from geomsim.errors import InvalidModel

WIDTH, LATENTS, K = 8, 24, 4


def made(seed=0, **changes):
    random = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=random)

    parts = {
        "encoder": draw(WIDTH, LATENTS),
        "encoder_bias": draw(LATENTS),
        "decoder": draw(LATENTS, WIDTH) * (0.1 + draw(LATENTS, 1).abs()),
        "decoder_bias": draw(WIDTH),
    }
    return Dictionary(**{**parts, **changes})


def points(rows=50, seed=7):
    return 2 * torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(seed))


def test_relu_is_the_formula_row_by_row():
    mine = made()
    codes = mine.encode(points())
    assert isinstance(codes, scipy.sparse.csr_array)
    assert codes.dtype == np.float32
    x, encoder, decoder = points().numpy(), mine.encoder.numpy(), mine.decoder.numpy()
    norms = np.sqrt((decoder**2).sum(1))
    expected = np.maximum((x - mine.decoder_bias.numpy()) @ encoder + mine.encoder_bias.numpy(), 0)
    np.testing.assert_allclose(codes.toarray(), expected * norms, atol=1e-5)
    # The scale went from the decoder into the code: what is decoded stays the same.
    np.testing.assert_allclose(mine.decode(codes), expected @ decoder + mine.decoder_bias.numpy(), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(mine.directions, axis=1), 1, atol=1e-6)
    assert codes.has_canonical_format
    assert (codes.data > 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, LATENTS), st.booleans())
def test_topk_keeps_the_largest_positive(seed, k, scale_first):
    mine = made(seed, activation="topk", k=k, scale_before_activation=scale_first)
    before = (points() - mine.decoder_bias) @ mine.encoder + mine.encoder_bias
    norms = mine.decoder_norms
    ranked = before * norms if scale_first else before
    kth = ranked.sort(dim=1, descending=True).values[:, k - 1 : k]
    expected = torch.where((ranked >= kth) & (ranked > 0), before * norms, 0)
    codes = mine.encode(points())
    np.testing.assert_allclose(codes.toarray(), expected, atol=1e-5)
    assert (np.diff(codes.indptr) <= k).all()
    assert codes.has_canonical_format


def test_jumprelu_needs_more_than_its_threshold():
    mine = made(activation="jumprelu", threshold=torch.full((LATENTS,), 1.5))
    before = (points() - mine.decoder_bias) @ mine.encoder + mine.encoder_bias
    expected = torch.where(before > 1.5, before, 0) * mine.decoder_norms
    np.testing.assert_allclose(mine.encode(points()).toarray(), expected, atol=1e-5)


def test_chunks_change_nothing(monkeypatch):
    mine = made(activation="topk", k=K)
    whole = mine.encode(points())
    monkeypatch.setattr(dictionary_module, "_DENSE_BYTES", 4 * LATENTS * 7)
    # BLAS sums in another order for other shapes and thread counts: equal up to float32 rounding of sums of this size.
    np.testing.assert_allclose(mine.encode(points()).toarray(), whole.toarray(), rtol=2e-6, atol=1e-6)
    assert mine.encode(points()[:0]).shape == (0, LATENTS)


def test_a_latent_that_writes_nothing_stays_silent():
    decoder = made().decoder.clone()
    decoder[3] = 0
    mine = made(decoder=decoder)
    assert not mine.directions[3].any()
    assert mine.encode(points())[:, [3]].nnz == 0


def test_an_exact_dictionary_explains_everything():
    eye = torch.eye(WIDTH)
    both = Dictionary(
        torch.cat([eye, -eye], 1), torch.zeros(2 * WIDTH), torch.cat([eye, -eye]), torch.full((WIDTH,), 0.5)
    )
    assert both.explained_variance(points()) == pytest.approx(1, abs=1e-12)
    nothing = dataclasses.replace(both, encoder=torch.zeros(WIDTH, 2 * WIDTH), decoder_bias=points().mean(0))
    assert nothing.explained_variance(points()) == pytest.approx(0, abs=1e-6)


def test_what_it_does_not_fit():
    mine = made(name="mine", site="residual:3", convention="raw")
    mine.check_fits(WIDTH, site="residual:3", convention="raw")
    mine.check_fits(WIDTH)
    with pytest.raises(
        InvalidModel, match=r"'mine' reads activations of width 8, but .* at 'residual:3' have width 96"
    ):
        mine.check_fits(96, site="residual:3")
    with pytest.raises(InvalidModel, match="was trained at 'residual:3', not at 'residual:2'"):
        mine.check_fits(WIDTH, site="residual:2")
    with pytest.raises(InvalidModel, match="trained on raw activations, but the model is read centred"):
        mine.check_fits(WIDTH, convention="centred")
    with pytest.raises(InvalidModel, match="have width 9"):
        mine.encode(torch.zeros(2, 9))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"decoder": torch.zeros(WIDTH, LATENTS)},
            r"decoder is transposed: .* = \(8, 24\) where .* \(24, 8\) is needed",
        ),
        ({"decoder": torch.zeros(3, WIDTH)}, r"decoder has shape \(3, 8\).*needs \(24, 8\)"),
        ({"encoder_bias": torch.zeros(3)}, r"encoder_bias has shape \(3,\).*needs \(24,\)"),
        ({"encoder": torch.zeros(3)}, "must be matrices"),
        ({"activation": "jumprelu"}, r"threshold has shape None"),
        ({"activation": "topk"}, "k is None"),
        ({"activation": "topk", "k": LATENTS + 1}, "from 1 to 24 latents"),
        ({"decoder_bias": torch.full((WIDTH,), float("nan"))}, "decoder_bias holds 8 NaN"),
    ],
)
def test_parts_that_do_not_fit(changes, match):
    with pytest.raises(InvalidModel, match=match):
        made(**changes)


# --- sae-lens ---------------------------------------------------------------------------------------------------------


def sae_lens_sae(kind, **options):
    """An untrained SAE of this kind with random weights, decoder rows of many lengths, and its name for reading."""
    pytest.importorskip("sae_lens")
    from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    classes = {
        "standard": (StandardSAE, StandardSAEConfig, {}),
        "topk": (TopKSAE, TopKSAEConfig, {"k": K}),
        "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
    }
    sae_class, config_class, more = classes[kind]
    metadata = SAEMetadata(model_name="tiny", hook_name="blocks.1.hook_resid_post")
    sae = sae_class(config_class(d_in=WIDTH, d_sae=LATENTS, metadata=metadata, **more, **options))
    source = made(3)
    with torch.no_grad():
        sae.W_enc[:], sae.b_enc[:] = source.encoder, source.encoder_bias
        sae.W_dec[:], sae.b_dec[:] = source.decoder, source.decoder_bias
        if kind == "jumprelu":
            sae.threshold[:] = torch.linspace(0, 2, LATENTS)
    return sae


SUPPORTED = [
    ("standard", {}),
    ("standard", {"apply_b_dec_to_input": False}),
    ("standard", {"normalize_activations": "layer_norm"}),
    ("topk", {}),
    ("topk", {"rescale_acts_by_decoder_norm": True}),
    ("topk", {"normalize_activations": "constant_norm_rescale"}),
    ("jumprelu", {}),
    ("jumprelu", {"apply_b_dec_to_input": False}),
]


@pytest.mark.parametrize(("kind", "options"), SUPPORTED)
def test_codes_and_reconstruction_are_those_of_sae_lens(kind, options, tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    sae_lens_sae(kind, **options).save_model(tmp_path)
    mine = read_dictionary(tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path, dtype="float32")
    with torch.no_grad():
        codes = theirs.encode(points())
        decoded = theirs.decode(codes)
    scale = 1 if options.get("rescale_acts_by_decoder_norm") else mine.decoder_norms
    np.testing.assert_allclose(mine.encode(points()).toarray(), codes * scale, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(mine.decode(mine.encode(points()), points()), decoded, atol=2e-5, rtol=1e-5)
    spread = (points() - points().mean(0)).square().sum()
    theirs_explained = float(1 - (points() - decoded).square().sum() / spread)
    assert mine.explained_variance(points()) == pytest.approx(theirs_explained, abs=1e-5)
    assert mine.site == "residual:1"
    assert (mine.width, mine.latents) == (WIDTH, LATENTS)
    if "normalize_activations" in options:
        with pytest.raises(InvalidModel, match=r"decode\(codes, points\) is needed"):
            mine.decode(mine.encode(points()))


def test_a_batch_topk_dictionary_is_jumprelu_once_saved_for_use(tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=WIDTH, d_sae=LATENTS, k=K))
    with torch.no_grad():
        sae.W_enc.normal_()
        sae.topk_threshold.fill_(0.7)
    sae.save_inference_model(tmp_path / "use")
    mine = read_dictionary(tmp_path / "use")
    assert mine.activation == "jumprelu"
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "use", dtype="float32").encode(points()).detach()
    assert 0 < (theirs > 0).float().mean() < 0.5
    np.testing.assert_allclose(mine.encode(points()).toarray(), theirs * mine.decoder_norms, atol=1e-5)
    sae.save_model(tmp_path / "training")
    with pytest.raises(InvalidModel, match="batchtopk dictionary as it is while training; save it with save_inference"):
        read_dictionary(tmp_path / "training")


def test_a_loaded_sae_object_is_the_same_dictionary(tmp_path):
    from geomsim.activations.sae_lens_format import dictionary_from_sae_lens

    sae = sae_lens_sae("topk")
    sae.save_model(tmp_path)
    np.testing.assert_array_equal(
        dictionary_from_sae_lens(sae).encode(points()).toarray(), read_dictionary(tmp_path).encode(points()).toarray()
    )


@pytest.fixture
def plain(tmp_path):
    """A sae-lens directory written by hand: no training library is needed to read one."""
    return written(tmp_path / "sae")


def written(folder, config=None, **weights):
    folder.mkdir()
    source = made(3)
    parts = {
        "W_enc": source.encoder, "b_enc": source.encoder_bias, "W_dec": source.decoder, "b_dec": source.decoder_bias,
    }  # fmt: skip
    parts = {name: value for name, value in {**parts, **weights}.items() if value is not None}
    save_file({name: value.contiguous() for name, value in parts.items()}, folder / "sae_weights.safetensors")
    settings = {
        "architecture": "standard", "d_in": WIDTH, "d_sae": LATENTS,
        "metadata": {"hook_name": "blocks.0.mlp.hook_post", "model_from_pretrained_kwargs": {}},
    }  # fmt: skip
    settings = {key: value for key, value in {**settings, **(config or {})}.items() if value is not None}
    (folder / "cfg.json").write_text(json.dumps(settings))
    return folder


def test_read_without_sae_lens(plain, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sae_lens", None)
    mine = read_dictionary(plain)
    assert mine.site == "neurons:0"
    assert len(mine.sha256) == 64
    assert mine.name == "sae"
    other = written(plain.parent / "other", {"apply_b_dec_to_input": False})
    assert read_dictionary(other).sha256 != mine.sha256


def test_half_precision_weights_are_read_as_float32(plain):
    weights = plain / "sae_weights.safetensors"
    save_file({name: value.half() for name, value in load_file(weights).items()}, weights)
    assert read_dictionary(plain).decoder.dtype == torch.float32


def test_old_flat_configurations(tmp_path):
    old = {
        "architecture": None, "metadata": None, "hook_point": "blocks.2.hook_resid_pre", "normalize_activations": False,
        "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5},
        "model_from_pretrained_kwargs": {"center_writing_weights": True},
    }  # fmt: skip
    mine = read_dictionary(written(tmp_path / "old", old, scaling_factor=torch.ones(LATENTS)))
    assert (mine.activation, mine.k, mine.site, mine.convention) == ("topk", 5, "residual:1", "centred")


@pytest.mark.parametrize(
    ("config", "weights", "match"),
    [
        ({}, {"W_dec": made().decoder.T}, r"decoder W_dec is transposed: \(8, 24\) where \(24, 8\)"),
        ({"d_in": None}, {"W_dec": made().decoder.T}, "the decoder is transposed"),
        ({}, {"W_enc": made().encoder.T}, "encoder W_enc is transposed"),
        ({"d_sae": 25}, {}, r"W_enc is \(8, 24\), but its configuration says width 8 and 25 latents"),
        ({}, {"b_enc": None}, "b_enc missing from the weights of a standard dictionary; they hold W_dec, W_enc, b_dec"),
        ({"architecture": "jumprelu"}, {}, "threshold missing"),
        ({}, {"r_mag": torch.zeros(LATENTS)}, "has no weights r_mag"),
        ({}, {"scaling_factor": torch.full((LATENTS,), 2.0)}, "finetuning scaling factor"),
        ({"architecture": "gated"}, {}, "architecture 'gated' is not supported; standard, topk, jumprelu are"),
        ({"architecture": "topk"}, {}, "needs a whole number k; its configuration says None"),
        ({"activation_fn": "tanh-relu"}, {}, "activation function 'tanh-relu' is not supported"),
        ({"normalize_activations": "expected_average_only_in"}, {}, "fold_activation_norm_scaling_factor"),
        ({"normalize_activations": "covariance_whitening"}, {}, "'covariance_whitening' is not supported"),
        ({"reshape_activations": "hook_z"}, {}, "heads of an attention layer"),
    ],
)
def test_what_cannot_be_read_says_why(config, weights, match, tmp_path):
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(written(tmp_path / "sae", config, **weights))


def test_files_that_are_missing_or_damaged(plain):
    weights, config = plain / "sae_weights.safetensors", plain / "cfg.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    with pytest.raises(InvalidModel, match=r"sae_weights\.safetensors: truncated or damaged"):
        read_dictionary(plain)
    weights.unlink()
    with pytest.raises(InvalidModel, match=r"sae_weights\.safetensors: missing"):
        read_dictionary(plain)
    weights.write_bytes(whole)
    config.write_text("{")
    with pytest.raises(InvalidModel, match=r"cfg\.json: damaged, not JSON"):
        read_dictionary(plain)
    config.unlink()
    with pytest.raises(InvalidModel, match=r"cfg\.json: missing"):
        read_dictionary(plain)


def test_places_that_hold_no_dictionary(plain):
    with pytest.raises(InvalidModel, match=r"no dictionary in a known format.*dictionaries lie below it at sae"):
        read_dictionary(plain.parent)
    with pytest.raises(InvalidModel, match="no such dictionary directory"):
        read_dictionary(plain / "absent")
    with pytest.raises(InvalidModel, match="name the directory it lies in"):
        read_dictionary(plain / "cfg.json")


def test_a_hub_id_is_fetched_folder_by_folder(plain, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(repository, revision, allow_patterns):
        asked.append((repository, revision, allow_patterns))
        return str(plain.parent)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert read_dictionary("owner/repository/sae", revision="v1").name == "sae"
    assert asked == [("owner/repository", "v1", ["sae/cfg.json", "sae/sae_weights.safetensors"])]
    with pytest.raises(InvalidModel, match="the repository owner/repository has no dictionary at 'other'"):
        read_dictionary("owner/repository/other")

    def refused(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refused)
    with pytest.raises(InvalidModel, match=r"no such directory here, and as a hub id .*\(no network\)"):
        read_dictionary("owner/repository/sae")
