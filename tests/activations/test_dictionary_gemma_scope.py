from __future__ import annotations

import numpy as np
import pytest
import torch
from dictionary_samples import (
    Sample,
    check_reads_like,
    jump,
    pre_activations,
    write_gemma_scope,
    write_gemma_scope_2,
    write_sae_lens,
)

from geomsim.activations.dictionary import read_dictionary
from geomsim.errors import GeomsimWarning, InvalidModel

SAMPLE = Sample()
REFERENCE = jump(pre_activations(SAMPLE, SAMPLE.points(), subtract=False), SAMPLE.threshold)
RESIDUAL = "gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71"


def test_codes_are_the_formula(tmp_path):
    folder = write_gemma_scope(tmp_path / RESIDUAL, SAMPLE)
    for place in (folder, folder / "params.npz", str(folder)):
        mine = read_dictionary(place)
        check_reads_like(mine, SAMPLE, REFERENCE)
        assert (mine.site, mine.convention) == ("residual:20", "raw")
        assert mine.name == "layer_20/width_16k/average_l0_71"
        assert mine.provenance["model_name"] == "gemma-2-2b (from the path)"


def test_the_second_release_says_where_it_was_trained(tmp_path):
    mine = read_dictionary(write_gemma_scope_2(tmp_path / "resid_post" / "layer_17_width_16k_l0_small", SAMPLE))
    check_reads_like(mine, SAMPLE, REFERENCE)
    assert (mine.site, mine.name) == ("residual:17", "layer_17_width_16k_l0_small")
    assert mine.provenance["model_name"] == "google/gemma-3-1b-pt"
    first = read_dictionary(write_gemma_scope(tmp_path / RESIDUAL, SAMPLE))
    assert mine.sha256 == first.sha256


def test_sae_lens_reads_the_same_codes(tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    config = {"architecture": "jumprelu", "apply_b_dec_to_input": False, "dtype": "float32", "device": "cpu"}
    folder = write_sae_lens(tmp_path / "sae", SAMPLE, config, threshold=SAMPLE.threshold)
    theirs = sae_lens.SAE.load_from_disk(folder)
    mine = read_dictionary(write_gemma_scope(tmp_path / RESIDUAL, SAMPLE))
    points = torch.from_numpy(SAMPLE.points())
    with torch.no_grad():
        np.testing.assert_allclose(mine.decode(mine.encode(points)), theirs(points), atol=1e-5, rtol=1e-5)
    assert mine.sha256 == read_dictionary(folder).sha256


@pytest.mark.parametrize(
    ("folder", "site", "model"),
    [
        ("gemma-scope-9b-it-res/layer_31/width_16k/average_l0_14", "residual:31", "gemma-2-9b-it (from the path)"),
        ("gemma-scope-2b-pt-mlp/layer_4/width_16k/average_l0_9", "blocks.4.hook_mlp_out", "gemma-2-2b (from the path)"),
        ("gemma-scope-2b-pt-att/layer_4/width_16k/average_l0_9", None, "gemma-2-2b (from the path)"),
        ("gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", None, "gemma-2-2b (from the path)"),
        ("models--google--gemma-scope-2b-pt-res/snapshots/12ab/layer_3/width_16k/canonical", "residual:3",
         "gemma-2-2b (from the path)"),
        ("layer_1/gemma-scope-2b-pt-res/layer_20/width_16k/canonical", "residual:20", "gemma-2-2b (from the path)"),
        ("mine", None, "not in the file"),
    ],
)  # fmt: skip
def test_the_path_names_site_and_model(folder, site, model, tmp_path):
    mine = read_dictionary(write_gemma_scope(tmp_path / folder, SAMPLE))
    assert mine.site == site
    assert mine.provenance["model_name"] == model
    assert mine.provenance["site_from"]


def test_a_layer_without_its_repository_is_taken_as_the_residual_stream_and_said(tmp_path, recwarn):
    folder = write_gemma_scope(tmp_path / "layer_20/width_16k/average_l0_71", SAMPLE)
    with pytest.warns(GeomsimWarning, match="layer_20 in its path is taken as the residual stream after block 20"):
        mine = read_dictionary(folder)
    assert mine.site == "residual:20"
    assert "an assumption" in mine.provenance["site_from"]
    recwarn.clear()
    assert read_dictionary(folder, site="blocks.20.hook_mlp_out").site == "blocks.20.hook_mlp_out"
    assert not recwarn.list


def test_the_hub_keeps_files_behind_links(tmp_path):
    real = write_gemma_scope(tmp_path / "blobs", SAMPLE) / "params.npz"
    folder = tmp_path / "snapshots" / RESIDUAL
    folder.mkdir(parents=True)
    (folder / "params.npz").symlink_to(real)
    mine = read_dictionary(folder / "params.npz")
    assert (mine.site, mine.name) == ("residual:20", "layer_20/width_16k/average_l0_71")


@pytest.mark.parametrize(
    ("hook", "site"),
    [
        ("model.layers.17.post_feedforward_layernorm.output", "layers.17.post_feedforward_layernorm"),
        ("model.language_model.layers.3.output", "residual:3"),
        ("model.layers.17.self_attn.o_proj.input", None),
        (None, None),
    ],
)
def test_sites_of_the_second_release(hook, site, tmp_path):
    folder = write_gemma_scope_2(tmp_path, SAMPLE, {"hf_hook_point_in": hook, "hf_hook_point_out": None})
    assert read_dictionary(folder).site == site


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ({"threshold": None}, "threshold missing from the weights of this jumprelu dictionary"),
        ({"W_enc": SAMPLE.encoder.T}, r"the encoder W_enc is transposed: \(24, 8\) where \(width, latents\) = \(8, 24"),
        ({"W_dec": SAMPLE.decoder.T}, "the decoder W_dec is transposed"),
        ({"W_enc": SAMPLE.encoder.T, "W_dec": SAMPLE.decoder.T}, "the encoder W_enc is transposed"),
        ({"threshold": np.zeros(3, dtype=np.float32)}, r"threshold is \(3,\), but its other weights say width 8"),
        ({"b_enc": np.zeros((24, 1), dtype=np.float32)}, r"b_enc is \(24, 1\)"),
        ({"threshold": np.full(24, np.nan, dtype=np.float32)}, "threshold holds 24 NaN or infinite"),
        ({"b_dec": np.zeros(8, dtype=np.int32)}, r"b_dec holds torch\.int32"),
        ({"b_dec": np.array(["a"] * 8)}, r"b_dec \(<U1\): arrays of numbers are needed"),
        ({"b_dec": np.zeros(8, dtype=np.complex64)}, r"b_dec \(complex64\): arrays of numbers"),
        ({"log_threshold": np.zeros(24, dtype=np.float32)}, "has weights it should not: log_threshold"),
        ({"b_dec": np.array([object()] * 8, dtype=object)}, "it holds pickled Python objects, which may run code"),
    ],
)
def test_what_cannot_be_read_says_why(weights, match, tmp_path):
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(write_gemma_scope(tmp_path / RESIDUAL, SAMPLE, **weights))


def test_transcoders_are_refused(tmp_path):
    with pytest.raises(InvalidModel, match="it is a transcoder"):
        read_dictionary(write_gemma_scope(tmp_path / "gemma-scope-2b-pt-transcoders/layer_2/width_16k", SAMPLE))
    config = {
        "hf_hook_point_in": "model.layers.5.pre_feedforward_layernorm.output",
        "hf_hook_point_out": "model.layers.5.post_feedforward_layernorm.output",
    }
    with pytest.raises(InvalidModel, match=r"a transcoder, which reads model\.layers\.5\.pre_feed.* and writes model"):
        read_dictionary(write_gemma_scope_2(tmp_path / "a", SAMPLE, config))
    with pytest.raises(InvalidModel, match="has weights it should not: affine_skip_connection"):
        read_dictionary(write_gemma_scope_2(tmp_path / "b", SAMPLE, affine_skip_connection=np.zeros((8, 8))))
    with pytest.raises(InvalidModel, match="architecture 'gated' is not supported; jump_relu is"):
        read_dictionary(write_gemma_scope_2(tmp_path / "c", SAMPLE, {"architecture": "gated"}))


def test_an_npz_that_is_damaged(tmp_path):
    file = write_gemma_scope(tmp_path / RESIDUAL, SAMPLE) / "params.npz"
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"PK\x03\x04 not a zip", whole[:200] + b"\xff" * 400 + whole[600:]):
        file.write_bytes(damaged)
        with pytest.raises(InvalidModel, match=r"params\.npz: (truncated or damaged|it holds pickled)"):
            read_dictionary(file)
