"""Dictionaries as sae-lens writes them, read without sae-lens: ``cfg.json`` and ``sae_weights.safetensors``.

Weights are ``W_enc`` (width, latents), ``b_enc``, ``W_dec`` (latents, width), ``b_dec``; jumprelu has ``threshold``,
gated has ``b_gate``, ``b_mag`` and ``r_mag`` where the others have ``b_enc``, and batchtopk, which is only written
while training, ``topk_threshold``. ``convention`` in the configuration's metadata, "raw" or "centred", is geomsim's
own key for what the dictionary was trained on. Before version 6 the configuration was flat, with a few other names;
both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.dictionary_files import (
    Layout,
    Reading,
    check_weights,
    gated,
    made,
    read_json,
    read_safetensors,
    selected,
    whole,
)
from geomsim.activations.source import canonical_site, check_convention
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
_MATRICES: Layout = {"W_enc": ("width", "latents"), "W_dec": ("latents", "width"), "b_dec": ("width",)}
_BIASED: Layout = {**_MATRICES, "b_enc": ("latents",)}
_LAYOUTS: Mapping[str, Layout] = {
    "standard": _BIASED,
    "topk": _BIASED,
    "jumprelu": {**_BIASED, "threshold": ("latents",)},
    "gated": {**_MATRICES, "b_gate": ("latents",), "b_mag": ("latents",), "r_mag": ("latents",)},
    "batchtopk": _BIASED,
    "matryoshka_batchtopk": _BIASED,
}
_BATCHES = ("batchtopk", "matryoshka_batchtopk")
_FACTORS = ("scaling_factor", "finetuning_scaling_factor")
_METADATA = (
    "model_name", "hook_name", "model_class_name", "model_from_pretrained_kwargs", "prepend_bos", "context_size",
    "sae_lens_version",
)  # fmt: skip


def read_sae_lens(weights_file: Path, reading: Reading) -> Dictionary:
    """The dictionary of a sae-lens directory."""
    folder = weights_file.parent
    config = read_json(folder / CONFIG)
    return _dictionary(config, read_safetensors(weights_file), folder.name, str(folder), reading)


def dictionary_from_sae_lens(sae: Any, name: str = "", reading: Reading | None = None) -> Dictionary:
    """The dictionary of a sae-lens ``SAE`` object that is already loaded."""
    weights = {part: value.detach() for part, value in sae.state_dict().items()}
    return _dictionary(sae.cfg.to_dict(), weights, name or sae.get_name(), "sae-lens object", reading or Reading())


def _dictionary(
    config: Mapping[str, Any], weights: Mapping[str, Tensor], name: str, place: str, reading: Reading
) -> Dictionary:
    metadata = {**config, **(config.get("metadata") or {})}
    architecture = _architecture(config, metadata, place)
    factors = [part for part in _FACTORS if part in weights]
    also = [*factors, *(["topk_threshold"] if architecture in _BATCHES else [])]
    sizes = {
        size: whole(place, key, config[key])
        for size, key in (("width", "d_in"), ("latents", "d_sae"))
        if config.get(key) is not None
    }
    check_weights(place, architecture, weights, _LAYOUTS[architecture], also=also, **sizes)
    rescaled = architecture in ("topk", *_BATCHES) and bool(config.get("rescale_acts_by_decoder_norm", False))
    hook = metadata.get("hook_name") or metadata.get("hook_point")
    return made(
        place,
        reading,
        {
            "encoder": weights["W_enc"], "encoder_bias": weights.get("b_enc"),
            "decoder": _finetuned(weights, factors, rescaled, config, place), "decoder_bias": weights["b_dec"],
            **_activation(architecture, config, weights, place, reading),
            "subtract_decoder_bias": bool(config.get("apply_b_dec_to_input", True)),
            "scale_before_activation": rescaled,
            "normalisation": _normalisation(config, place, reading),
            "site": canonical_site(hook) if hook else None,
            "convention": _convention(metadata, place),
            "name": name,
            "provenance": {
                "format": "sae-lens", "path": place, "architecture": architecture,
                **{key: metadata[key] for key in _METADATA if metadata.get(key) is not None},
                **({"selection": reading.selection or "threshold"} if architecture in _BATCHES else {}),
            },
        },
    )  # fmt: skip


def _convention(metadata: Mapping[str, Any], place: str) -> str:
    """Raw, centred, or "" where the configuration does not say on which it was trained.

    A key ``convention``, which sae-lens keeps and does not read, says it outright.
    """
    stated = metadata.get("convention")
    if stated is not None:
        check_convention(place, stated)
        return str(stated)
    # HookedTransformer centres the residual stream unless it is told not to; where nothing is said, nothing is known.
    centred = (metadata.get("model_from_pretrained_kwargs") or {}).get("center_writing_weights")
    if centred is not None:
        return "centred" if centred else "raw"
    # A model of transformers itself has nothing folded.
    return "raw" if metadata.get("model_class_name") == "AutoModelForCausalLM" else ""


def _architecture(config: Mapping[str, Any], metadata: Mapping[str, Any], place: str) -> str:
    architecture = str(config.get("architecture", "standard"))
    chosen = _chosen_activation(config)
    if chosen == "topk" and architecture in ("standard", "topk"):
        architecture = "topk"
    elif chosen not in ("relu", "topk"):
        raise InvalidModel(f"{place}: activation function {chosen!r} is not supported (relu, topk and jumprelu are)")
    if "transcoder" in architecture or architecture == "clt":
        raise InvalidModel(
            f"{place}: architecture {architecture!r}: it writes at another place than it reads; that is not supported"
        )
    if architecture not in _LAYOUTS:
        raise InvalidModel(f"{place}: architecture {architecture!r} is not supported; {', '.join(_LAYOUTS)} are")
    if config.get("reshape_activations", "none") != "none" or str(metadata.get("hook_name", "")).endswith(".hook_z"):
        raise InvalidModel(f"{place}: a dictionary on the heads of an attention layer (hook_z) is not supported")
    return architecture


def _chosen_activation(config: Mapping[str, Any]) -> Any:
    return config.get("activation_fn_str", config.get("activation_fn", "relu"))


def _activation(
    architecture: str, config: Mapping[str, Any], weights: Mapping[str, Tensor], place: str, reading: Reading
) -> dict[str, Any]:
    if architecture == "standard":
        return {"activation": "relu"}
    if architecture == "jumprelu":
        return {"activation": "jumprelu", "threshold": weights["threshold"]}
    if architecture == "gated":
        return gated(weights["W_enc"], weights["b_gate"], weights["b_mag"], weights["r_mag"])
    k = config.get("k")
    if _chosen_activation(config) == "topk":
        k = (config.get("activation_fn_kwargs") or {}).get("k", k)
    if architecture == "topk":
        return {"activation": "topk", "k": whole(place, "k", k)}
    return selected(place, reading.selection or "threshold", k, weights.get("topk_threshold"))


def _finetuned(
    weights: Mapping[str, Tensor], factors: list[str], rescaled: bool, config: Mapping[str, Any], place: str
) -> Tensor:
    """The decoder, with the factor folded in by which finetuning multiplies each code before it is decoded."""
    decoder = weights["W_dec"]
    for name in factors:
        factor = weights[name]
        if bool((factor == 1).all()):
            continue
        if tuple(factor.shape) != (len(decoder),) or not bool(factor.isfinite().all()):
            raise InvalidModel(
                f"{place}: {name}, of shape {tuple(factor.shape)}, must hold one finite factor for each of "
                f"{len(decoder)} latents"
            )
        if not config.get("finetuning_scaling_factor"):
            raise InvalidModel(
                f"{place}: its weights hold {name}, but its configuration does not say that it is to be used "
                "(finetuning_scaling_factor); set that to true, or leave the weight out"
            )
        if rescaled:
            raise InvalidModel(f"{place}: {name} together with rescale_acts_by_decoder_norm is not supported")
        decoder = decoder.float() * factor.float().unsqueeze(1)
    return decoder


def _normalisation(config: Mapping[str, Any], place: str, reading: Reading) -> str:
    value = config.get("normalize_activations") or "none"
    if value in ("none", "layer_norm", "constant_norm_rescale"):
        return str(value)
    if value in ("expected_average_only_in", True):
        if reading.input_scale is not None:
            return "none"
        raise InvalidModel(
            f"{place}: it expects activations scaled by a constant that is not in its files (normalize_activations "
            f"= {value!r}); pass it as input_scale= (it is sqrt(width) over the mean length of the activations it was "
            "trained on), or fold it in with sae-lens, sae.fold_activation_norm_scaling_factor(factor), and save again"
        )
    raise InvalidModel(f"{place}: normalize_activations = {value!r} is not supported; fold it into the weights first")
