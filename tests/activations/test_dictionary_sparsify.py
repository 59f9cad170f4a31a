from __future__ import annotations

import json

import numpy as np
import pytest
from dictionary_samples import (
    LATENTS,
    WIDTH,
    K,
    Sample,
    check_reads_like,
    group_max,
    pre_activations,
    top_k,
    write_sae_lens,
    write_sparsify,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.dictionary import read_dictionary
from geomsim.errors import InvalidModel

SAMPLE = Sample()


@pytest.mark.parametrize(
    ("config", "reference"),
    [
        ({}, top_k),
        ({"activation": None}, top_k),  # configurations of before there was a choice
        ({"activation": "groupmax"}, group_max),
    ],
)
def test_codes_are_the_formula(config, reference, tmp_path):
    mine = read_dictionary(write_sparsify(tmp_path / "layers.3", SAMPLE, config))
    check_reads_like(mine, SAMPLE, reference(pre_activations(SAMPLE, SAMPLE.points()), K))
    assert (mine.site, mine.name, mine.convention) == ("residual:3", "layers.3", "raw")
    assert mine.provenance["format"] == "sparsify"


@settings(max_examples=15, derandomize=True)
@given(seed=st.integers(0, 10**6), width=st.integers(1, 7), factor=st.integers(1, 5), said=st.booleans())
def test_any_shape_however_the_number_of_latents_is_said(seed, width, factor, said, tmp_path_factory):
    sample = Sample(seed, width, width * factor)
    config = {"num_latents": width * factor, "expansion_factor": 99} if said else {"expansion_factor": factor}
    folder = write_sparsify(tmp_path_factory.mktemp("sae"), sample, {**config, "k": 1})
    check = top_k(pre_activations(sample, sample.points()), 1)
    mine = read_dictionary(folder).encode(__import__("torch").from_numpy(sample.points()))
    np.testing.assert_allclose(mine.toarray(), check * np.linalg.norm(sample.decoder, axis=1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("folder", "site"),
    [
        ("layers.12", "residual:12"),
        ("layers_7", "residual:7"),
        ("h.0", "residual:0"),
        ("model.layers.5", "residual:5"),
        ("gpt_neox.layers.5", "residual:5"),
        ("layers.3/seed1", "residual:3"),
        ("layers.0.mlp", "layers.0.mlp"),
        ("h.2.attn", "h.2.attn"),
        ("embed_tokens", "embed_tokens"),
        ("my-sae", None),
        ("layers.x", None),
    ],
)
def test_the_folder_names_the_site(folder, site, tmp_path):
    assert read_dictionary(write_sparsify(tmp_path / folder, SAMPLE)).site == site


def test_the_run_names_the_model_and_the_caller_the_site(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model": "EleutherAI/pythia-70m", "sae": {}}))
    folder = write_sparsify(tmp_path / "layers.3", SAMPLE)
    assert read_dictionary(folder).provenance["model_name"] == "EleutherAI/pythia-70m"
    mine = read_dictionary(folder, site="residual:9")
    assert (mine.site, mine.provenance["site_from"]) == ("residual:9", "the caller")


def test_the_same_autoencoder_in_two_formats_is_one_dictionary(tmp_path):
    mine = read_dictionary(write_sparsify(tmp_path / "layers.3", SAMPLE))
    other = read_dictionary(write_sae_lens(tmp_path / "sae", SAMPLE, {"architecture": "topk", "k": K}))
    assert mine.sha256 == other.sha256
    assert mine.name != other.name


@pytest.mark.parametrize(
    ("config", "weights", "match"),
    [
        ({"transcode": True}, {}, r"it is a transcoder, which writes at another place .*transcode in cfg\.json"),
        ({"skip_connection": True}, {}, "a linear skip connection"),
        ({}, {"W_skip": np.zeros((8, 8))}, r"a linear skip connection beside its latents \(W_skip\)"),
        ({"embed_skip": True}, {}, "a skip connection from the embedding"),
        ({"gram_lookup": True}, {}, "an n-gram table was subtracted"),
        ({"signed": True}, {}, r"its latents may be negative \(signed"),
        ({"activation": "relu"}, {}, "activation 'relu' is not supported; topk and groupmax are"),
        ({"activation": "groupmax", "k": 7}, {}, "24 latents do not fall into k = 7 groups"),
        ({"k": None}, {}, "a whole number k is needed; its configuration says None"),
        ({"d_in": None}, {}, "a whole number d_in is needed"),
        ({"expansion_factor": None}, {}, "a whole number expansion_factor is needed"),
        ({"num_latents": 30}, {}, r"encoder\.weight is \(24, 8\), but its configuration says width 8 and 30 latents"),
        (
            {},
            {"W_dec": None},
            r"W_dec missing from the weights of this topk dictionary; they hold b_dec, encoder\.bias",
        ),
        ({}, {"W_dec": SAMPLE.decoder.T}, r"the decoder W_dec is transposed: \(8, 24\) where \(latents, width\)"),
        ({}, {"encoder.weight": SAMPLE.encoder}, r"the encoder encoder\.weight is transposed: \(8, 24\) where"),
        (
            {},
            {"decoder.weight": SAMPLE.decoder},
            r"has weights it should not: decoder\.weight; is it of another kind\?",
        ),
        ({}, {"b_dec": np.full(WIDTH, np.inf, dtype=np.float32)}, "b_dec holds 8 NaN or infinite"),
        ({}, {"encoder.bias": np.zeros(LATENTS, dtype=np.int64)}, r"encoder\.bias holds torch\.int64"),
    ],
)
def test_what_cannot_be_read_says_why(config, weights, match, tmp_path):
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(write_sparsify(tmp_path / "layers.3", SAMPLE, config, **weights))
