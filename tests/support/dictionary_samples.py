"""One small sparse autoencoder, written in every format of dictionaries, and the published formulas in plain numpy.

The writers know the formats from their documentation alone, not from the readers; the references take the weights of
`Sample`, go row by row, and sort where the fast path selects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

WIDTH, LATENTS, K, THRESHOLD = 8, 24, 4, 1.5


@dataclass
class Sample:
    """Random weights, decoder rows of many lengths."""

    seed: int = 3
    width: int = WIDTH
    latents: int = LATENTS

    def __post_init__(self):
        random = np.random.default_rng(self.seed)

        def draw(*shape):
            return random.normal(size=shape).astype(np.float32)

        self.encoder = draw(self.width, self.latents)  # (width, latents)
        self.encoder_bias = draw(self.latents)
        self.decoder = draw(self.latents, self.width) * (0.1 + np.abs(draw(self.latents, 1)))  # (latents, width)
        self.decoder_bias = draw(self.width)
        self.threshold = np.linspace(0, 2, self.latents, dtype=np.float32)
        self.gate_bias, self.magnitude_bias = draw(self.latents), draw(self.latents)
        self.log_scale = 0.3 * draw(self.latents)

    def points(self, rows=40):
        return 2 * np.random.default_rng(self.seed + 1).normal(size=(rows, self.width)).astype(np.float32)


def pre_activations(sample, points, *, subtract=True):
    """``(x - b) E + e``, or ``x E + e``, in float64 as the references want it."""
    x = points.astype(np.float64) - (sample.decoder_bias if subtract else 0)
    return x @ sample.encoder.astype(np.float64) + sample.encoder_bias


def relu(z):
    return np.where(z > 0, z, 0)


def top_k(z, k):
    """The k largest of each row of relu(z), by sorting."""
    out = np.zeros_like(z)
    for row, values in enumerate(relu(z)):
        for latent in np.argsort(-values, kind="stable")[:k]:
            out[row, latent] = values[latent]
    return out


def group_max(z, k):
    """The largest of each of k groups of neighbouring latents of each row of relu(z)."""
    out = np.zeros_like(z)
    size = z.shape[1] // k
    for row, values in enumerate(relu(z)):
        for start in range(0, z.shape[1], size):
            best = start + int(np.argmax(values[start : start + size]))
            out[row, best] = values[best]
    return out


def jump(z, threshold):
    """z where it is more than its threshold and positive."""
    return np.where((z > threshold) & (z > 0), z, 0)


def gate(sample, points):
    """The gated encoder of Rajamanoharan et al. (2024), both paths written out."""
    inner = (points.astype(np.float64) - sample.decoder_bias) @ sample.encoder
    opens = inner + sample.gate_bias > 0
    magnitude = relu(np.exp(sample.log_scale.astype(np.float64)) * inner + sample.magnitude_bias)
    return opens * magnitude


def decoded(sample, codes):
    return codes @ sample.decoder + sample.decoder_bias


def check_reads_like(dictionary, sample, codes):
    """Codes and reconstruction of a dictionary are those of a reference for this sample."""
    points = torch.from_numpy(sample.points())
    lengths = np.linalg.norm(sample.decoder.astype(np.float64), axis=1)
    mine = dictionary.encode(points)
    assert 0 < mine.nnz < mine.shape[0] * mine.shape[1]
    np.testing.assert_allclose(mine.toarray(), codes * lengths, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(dictionary.decode(mine), decoded(sample, codes), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(dictionary.directions, sample.decoder / lengths[:, None], atol=1e-6)


def write_sae_lens(folder: Path, sample: Sample, config=None, **weights):
    """``weights``: more or other weights; None leaves one out. In ``config`` too."""
    parts = {
        "W_enc": sample.encoder, "b_enc": sample.encoder_bias, "W_dec": sample.decoder, "b_dec": sample.decoder_bias,
    }  # fmt: skip
    settings = {
        "architecture": "standard", "d_in": sample.width, "d_sae": sample.latents,
        "metadata": {"hook_name": "blocks.0.mlp.hook_post", "model_from_pretrained_kwargs": {}},
    }  # fmt: skip
    return _write(folder, "sae_weights.safetensors", {**parts, **weights}, "cfg.json", {**settings, **(config or {})})


def write_sparsify(folder: Path, sample: Sample, config=None, **weights):
    parts = {
        "encoder.weight": sample.encoder.T, "encoder.bias": sample.encoder_bias, "W_dec": sample.decoder,
        "b_dec": sample.decoder_bias,
    }  # fmt: skip
    settings = {
        "expansion_factor": sample.latents // sample.width, "normalize_decoder": True, "num_latents": 0, "k": K,
        "multi_topk": False, "skip_connection": False, "transcode": False, "activation": "topk", "d_in": sample.width,
    }  # fmt: skip
    return _write(folder, "sae.safetensors", {**parts, **weights}, "cfg.json", {**settings, **(config or {})})


def gemma_scope_weights(sample: Sample):
    return {
        "W_enc": sample.encoder, "b_enc": sample.encoder_bias, "W_dec": sample.decoder, "b_dec": sample.decoder_bias,
        "threshold": sample.threshold,
    }  # fmt: skip


def write_gemma_scope(folder: Path, sample: Sample, **weights):
    folder.mkdir(parents=True, exist_ok=True)
    parts = {**gemma_scope_weights(sample), **weights}
    np.savez(folder / "params.npz", **{name: value for name, value in parts.items() if value is not None})
    return folder


def write_gemma_scope_2(folder: Path, sample: Sample, config=None, **weights):
    parts = {name.replace("W_", "w_"): value for name, value in gemma_scope_weights(sample).items()}
    settings = {
        "architecture": "jump_relu", "model_name": "google/gemma-3-1b-pt", "width": sample.latents, "l0": 20,
        "hf_hook_point_in": "model.layers.17.output", "hf_hook_point_out": "model.layers.17.output",
    }  # fmt: skip
    return _write(folder, "params.safetensors", {**parts, **weights}, "config.json", {**settings, **(config or {})})


def dictionary_learning_weights(kind: str, sample: Sample):
    """The state dict of a class of ``dictionary_learning``; linear layers keep (out, in)."""
    linear = {"encoder.weight": sample.encoder.T, "decoder.weight": sample.decoder.T}
    biased = {**linear, "encoder.bias": sample.encoder_bias}
    matrices = {
        "W_enc": sample.encoder, "W_dec": sample.decoder, "b_enc": sample.encoder_bias, "b_dec": sample.decoder_bias,
    }  # fmt: skip
    numbers = {"k": np.int32(K), "threshold": np.float32(THRESHOLD)}
    return {
        "AutoEncoder": {**biased, "bias": sample.decoder_bias},
        "AutoEncoderNew": {**biased, "decoder.bias": sample.decoder_bias},
        "AutoEncoderTopK": {**biased, "b_dec": sample.decoder_bias, **numbers},
        "BatchTopKSAE": {**biased, "b_dec": sample.decoder_bias, **numbers},
        "MatryoshkaBatchTopKSAE": {**matrices, **numbers, "group_sizes": np.array([6, sample.latents - 6])},
        "JumpReluAutoEncoder": {**matrices, "threshold": sample.threshold},
        "GatedAutoEncoder": {
            **linear, "r_mag": sample.log_scale, "gate_bias": sample.gate_bias, "mag_bias": sample.magnitude_bias,
            "decoder_bias": sample.decoder_bias,
        },
    }[kind]  # fmt: skip


def write_dictionary_learning(folder: Path, sample: Sample, kind: str, trainer=None, *, config=True, **weights):
    """``config`` False leaves config.json out."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(_tensors({**dictionary_learning_weights(kind, sample), **weights}), folder / "ae.pt")
    settings = {
        "trainer_class": "Trainer", "dict_class": kind, "activation_dim": sample.width, "dict_size": sample.latents,
        "k": K, "layer": 3, "lm_name": "EleutherAI/pythia-70m-deduped", "submodule_name": "resid_post_layer_3",
    }  # fmt: skip
    settings = {key: value for key, value in {**settings, **(trainer or {})}.items() if value is not None}
    if config:
        (folder / "config.json").write_text(json.dumps({"trainer": settings, "buffer": {"ctx_len": 128}}))
    return folder


def _write(folder, weights_name, weights, config_name, config):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_tensors(weights), folder / weights_name)
    (folder / config_name).write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return folder


def _tensors(weights):
    """Tensors that share no memory, of the shapes given (numpy makes a number a vector while it copies)."""
    return {
        name: value.clone() if isinstance(value, torch.Tensor) else torch.as_tensor(np.array(value, order="C"))
        for name, value in weights.items() if value is not None
    }  # fmt: skip
