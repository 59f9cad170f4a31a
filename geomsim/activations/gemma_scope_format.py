"""Dictionaries of Gemma Scope: ``params.npz``, and ``params.safetensors`` with ``config.json`` in Gemma Scope 2.

Weights are ``W_enc`` (width, latents), ``b_enc``, ``W_dec`` (latents, width), ``b_dec`` and ``threshold`` (latents,);
the second release writes ``w_enc`` and ``w_dec``. A latent's code is ``z = x @ W_enc + b_enc`` where ``z > threshold``,
and 0 elsewhere (JumpReLU; Lieberum et al., 2024, arXiv 2408.05147): nothing is subtracted before.

The first release says nothing about itself inside the file; layer and place are read from the path,
``gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71/params.npz``.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.dictionary_files import (
    Layout,
    Reading,
    check_weights,
    made,
    read_json,
    read_npz,
    read_safetensors,
)
from geomsim.errors import GeomsimWarning, InvalidModel

_LAYOUT: Layout = {
    "W_enc": ("width", "latents"),
    "b_enc": ("latents",),
    "W_dec": ("latents", "width"),
    "b_dec": ("width",),
    "threshold": ("latents",),
}
_REPOSITORY = re.compile(r"(gemma-scope-\w+-(?:pt|it))-(res|mlp|att|transcoders)")
_FOLDER = re.compile(r"layer_(\d+)(?=/|$)")
_HOOK = re.compile(r"model\.(?:language_model\.)?(layers\.(\d+)(?:\.[\w.]+?)?)\.output")


def read_gemma_scope(weights_file: Path, reading: Reading) -> Dictionary:
    """The dictionary of a ``params`` file of either release."""
    place = str(weights_file)
    told: dict[str, Any] = {}
    if weights_file.suffix == ".npz":
        weights = read_npz(weights_file)
        told, site = _by_path(weights_file, reading)
    else:
        told = _by_config(weights_file)
        site = told.pop("site")
        weights = read_safetensors(weights_file)
    weights = {re.sub(r"^w_", "W_", name): value for name, value in weights.items()}
    check_weights(place, "jumprelu", weights, _LAYOUT)
    return made(
        place,
        reading,
        {
            "encoder": weights["W_enc"], "encoder_bias": weights["b_enc"],
            "decoder": weights["W_dec"], "decoder_bias": weights["b_dec"],
            "activation": "jumprelu", "threshold": weights["threshold"], "subtract_decoder_bias": False,
            "site": site, "convention": "raw", "name": _name(weights_file),
            "provenance": {"format": "gemma-scope", "path": place, "architecture": "jumprelu", **told},
        },
    )  # fmt: skip


def _by_path(file: Path, reading: Reading) -> tuple[dict[str, Any], str | None]:
    """What the path says of model and site."""
    path = file.parent.resolve().as_posix()
    repository, layers = _REPOSITORY.search(path), _FOLDER.findall(path)
    if repository and repository[2] == "transcoders":
        raise InvalidModel(f"{file}: it is a transcoder, which writes at another place than it reads; not supported")
    told: dict[str, Any] = {
        "model_name": "not in the file",
        "site_from": "the path" if layers else "not in the file, nor in its path",
    }
    if repository:
        told["model_name"] = repository[1].replace("gemma-scope", "gemma-2").removesuffix("-pt") + " (from the path)"
    if not layers:
        return told, None
    layer = layers[-1]
    kind = repository[2] if repository else None
    if kind is None:
        told["site_from"] = "the path, which names a layer; the residual stream is an assumption"
        if reading.site is None:
            warnings.warn(
                f"{file}: it does not say where in the model it was trained; layer_{layer} in its path is taken as "
                f"the residual stream after block {layer}. If it is of an MLP or attention layer, pass site=",
                GeomsimWarning,
                stacklevel=2,
            )
    if kind == "att":
        told["site_from"] = "the path: the heads of an attention layer before they are mixed, which no source reads"
    sites = {None: f"residual:{layer}", "res": f"residual:{layer}", "mlp": f"blocks.{layer}.hook_mlp_out"}
    return told, sites.get(kind)


def _by_config(file: Path) -> dict[str, Any]:
    """What ``config.json`` of the second release says."""
    config = read_json(file.parent / "config.json")
    if config.get("architecture") != "jump_relu":
        raise InvalidModel(f"{file}: architecture {config.get('architecture')!r} is not supported; jump_relu is")
    here, there = config.get("hf_hook_point_in"), config.get("hf_hook_point_out")
    if there not in (None, here):
        raise InvalidModel(f"{file}: it is a transcoder, which reads {here} and writes {there}; that is not supported")
    found = _HOOK.fullmatch(str(here))
    site = None if not found else f"residual:{found[2]}" if found[1] == f"layers.{found[2]}" else found[1]
    return {
        "site": site,
        **{key: config[key] for key in ("model_name", "hf_hook_point_in", "l0") if config.get(key) is not None},
    }


def _name(file: Path) -> str:
    """The folders from the layer's on, which together name one dictionary."""
    parts = file.parent.resolve().parts  # not of the file: the hub's cache keeps it elsewhere, behind a link
    first = [number for number, part in enumerate(parts) if re.fullmatch(r"layer_\d+.*|embedding", part)]
    return "/".join(parts[first[0] :]) if first else parts[-1]
