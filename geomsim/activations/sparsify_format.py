"""Dictionaries as EleutherAI's sparsify (formerly ``sae``) writes them: ``cfg.json`` and ``sae.safetensors``.

Weights are ``encoder.weight`` (latents, width), ``encoder.bias``, ``W_dec`` (latents, width) and ``b_dec``. The encoder
reads ``x - b_dec``; of ``relu`` of what it gives, "topk" keeps the k largest and "groupmax" the largest of each of k
groups of neighbouring latents. The directory is named after the hookpoint: ``layers.3`` is the output of block 3.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.dictionary_files import (
    Layout,
    Reading,
    check_weights,
    made,
    read_json,
    read_safetensors,
    whole,
)
from geomsim.errors import InvalidModel

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"

_LAYOUT: Layout = {
    "encoder.weight": ("latents", "width"),
    "encoder.bias": ("latents",),
    "W_dec": ("latents", "width"),
    "b_dec": ("width",),
}
# What a configuration may ask for that cannot be written as one encoder and one decoder of the same activations.
_REFUSED = {
    "transcode": "it is a transcoder, which writes at another place than it reads",
    "skip_connection": "it has a linear skip connection beside its latents",
    "embed_skip": "it has a skip connection from the embedding",
    "gram_lookup": "it reads activations from which an n-gram table was subtracted, and the table is not with it",
    "signed": "its latents may be negative",
}
_BLOCK = re.compile(r"(?:.*\.)?(?:layers|h)[._](\d+)")
_SEED = re.compile(r"seed\d+")


def read_sparsify(weights_file: Path, reading: Reading) -> Dictionary:
    """The dictionary of a sparsify directory."""
    folder = weights_file.parent
    place = str(folder)
    config = read_json(folder / CONFIG)
    for option, reason in _REFUSED.items():
        if config.get(option):
            raise InvalidModel(f"{place}: {reason} ({option} in {CONFIG}); that is not supported")
    activation = config.get("activation", "topk")
    if activation not in ("topk", "groupmax"):
        raise InvalidModel(f"{place}: activation {activation!r} is not supported; topk and groupmax are")
    width = whole(place, "d_in", config.get("d_in"))
    latents = whole(place, "num_latents", config.get("num_latents") or 0)
    latents = latents or width * whole(place, "expansion_factor", config.get("expansion_factor"))
    weights = read_safetensors(weights_file)
    if "W_skip" in weights:
        raise InvalidModel(f"{place}: {_REFUSED['skip_connection']} (W_skip); that is not supported")
    check_weights(place, activation, weights, _LAYOUT, width=width, latents=latents)
    hookpoint = folder.resolve()
    if _SEED.fullmatch(hookpoint.name):
        hookpoint = hookpoint.parent
    return made(
        place,
        reading,
        {
            "encoder": weights["encoder.weight"].T, "encoder_bias": weights["encoder.bias"],
            "decoder": weights["W_dec"], "decoder_bias": weights["b_dec"],
            "activation": activation, "k": whole(place, "k", config.get("k")),
            "site": _site(hookpoint.name), "convention": "raw", "name": folder.name,
            "provenance": {
                "format": "sparsify", "path": place, "architecture": activation, "hookpoint": hookpoint.name,
                **_model_name(hookpoint.parent),
            },
        },
    )  # fmt: skip


def _site(hookpoint: str) -> str | None:
    """The site of a hookpoint: a block's output, or a module path; None for a name that is neither."""
    if found := _BLOCK.fullmatch(hookpoint):
        return f"residual:{int(found[1])}"
    return hookpoint if _BLOCK.match(hookpoint) or hookpoint == "embed_tokens" else None


def _model_name(run: Path) -> dict[str, Any]:
    """The model that a training run's own configuration, one folder up, names."""
    if not (run / "config.json").is_file():
        return {}
    name = read_json(run / "config.json").get("model")
    return {"model_name": name} if isinstance(name, str) else {}
