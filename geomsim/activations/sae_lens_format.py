"""Dictionaries as sae-lens writes them, read without sae-lens: ``cfg.json`` and ``sae_weights.safetensors``.

Weights are ``W_enc`` (width, latents), ``b_enc``, ``W_dec`` (latents, width), ``b_dec``; jumprelu has ``threshold``.
Before version 6 the configuration was flat, with a few other names; both are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.source import canonical_site
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

_CONFIG, _WEIGHTS = "cfg.json", "sae_weights.safetensors"
_ACTIVATIONS = {"standard": "relu", "topk": "topk", "jumprelu": "jumprelu"}
_METADATA = (
    "model_name", "hook_name", "model_class_name", "model_from_pretrained_kwargs", "prepend_bos", "context_size",
    "sae_lens_version",
)  # fmt: skip


def is_sae_lens(folder: Path) -> bool:
    """Whether one of the two files is there."""
    return (folder / _CONFIG).exists() or (folder / _WEIGHTS).exists()


def read_sae_lens(folder: Path) -> Dictionary:
    """The dictionary of a sae-lens directory; InvalidModel names the file that is missing or damaged."""
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise InvalidModel(f"{folder / name}: missing; a sae-lens dictionary needs {_CONFIG} and {_WEIGHTS}")
    config_bytes, weight_bytes = (folder / _CONFIG).read_bytes(), (folder / _WEIGHTS).read_bytes()
    try:
        config = json.loads(config_bytes)
    except ValueError as error:
        raise InvalidModel(f"{folder / _CONFIG}: damaged, not JSON ({error})") from error
    if not isinstance(config, dict):
        raise InvalidModel(f"{folder / _CONFIG}: damaged, a JSON object is needed")
    import safetensors
    from safetensors.torch import load

    try:
        weights = load(weight_bytes)
    except safetensors.SafetensorError as error:
        raise InvalidModel(
            f"{folder / _WEIGHTS}: truncated or damaged ({len(weight_bytes)} bytes, {error}); fetch or write it again"
        ) from error
    digest = hashlib.sha256(config_bytes + weight_bytes).hexdigest()
    return _dictionary(config, weights, folder.name, digest, str(folder))


def dictionary_from_sae_lens(sae: Any, name: str = "") -> Dictionary:
    """The dictionary of a sae-lens ``SAE`` object that is already loaded."""
    weights = {part: value.detach() for part, value in sae.state_dict().items()}
    config = sae.cfg.to_dict()
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for part in sorted(weights):
        digest.update(part.encode() + weights[part].float().cpu().numpy().tobytes())
    return _dictionary(config, weights, name or sae.get_name(), digest.hexdigest(), "sae-lens object")


def _dictionary(
    config: Mapping[str, Any], weights: Mapping[str, Tensor], name: str, sha256: str, place: str
) -> Dictionary:
    metadata = {**config, **(config.get("metadata") or {})}
    architecture, k = _architecture(config, metadata, place)
    needed = ["W_enc", "b_enc", "W_dec", "b_dec", *(["threshold"] if architecture == "jumprelu" else [])]
    missing = [part for part in needed if part not in weights]
    if missing:
        raise InvalidModel(
            f"{place}: {', '.join(missing)} missing from the weights of a {architecture} dictionary; "
            f"they hold {', '.join(sorted(weights))}"
        )
    factor = weights.get("scaling_factor")
    if factor is not None and not bool((factor == 1).all()):
        raise InvalidModel(f"{place}: it carries a finetuning scaling factor, which is not supported")
    unknown = sorted(set(weights) - set(needed) - {"scaling_factor"})
    if unknown:
        raise InvalidModel(
            f"{place}: a {architecture} dictionary has no weights {', '.join(unknown)}; is it of another kind?"
        )
    _check_shapes(config, weights, place)
    hook = metadata.get("hook_name") or metadata.get("hook_point")
    options = metadata.get("model_from_pretrained_kwargs") or {}
    # HookedTransformer centres the residual stream unless it is told not to; where nothing is said, nothing is known.
    centred = options.get("center_writing_weights")
    return Dictionary(
        encoder=weights["W_enc"], encoder_bias=weights["b_enc"],
        decoder=weights["W_dec"], decoder_bias=weights["b_dec"],
        activation=_ACTIVATIONS[architecture], k=k, threshold=weights.get("threshold"),  # type: ignore[arg-type]
        subtract_decoder_bias=bool(config.get("apply_b_dec_to_input", True)),
        scale_before_activation=architecture == "topk" and bool(config.get("rescale_acts_by_decoder_norm", False)),
        normalisation=_normalisation(config, place),  # type: ignore[arg-type]
        site=canonical_site(hook) if hook else None,
        convention="" if centred is None else ("centred" if centred else "raw"),
        name=name, sha256=sha256,
        provenance={
            "format": "sae-lens", "path": place, "architecture": architecture,
            **{key: metadata[key] for key in _METADATA if metadata.get(key) is not None},
        },
    )  # fmt: skip


def _architecture(config: Mapping[str, Any], metadata: Mapping[str, Any], place: str) -> tuple[str, int | None]:
    architecture = config.get("architecture", "standard")
    k = config.get("k")
    chosen = config.get("activation_fn_str", config.get("activation_fn", "relu"))
    if chosen == "topk" and architecture in ("standard", "topk"):
        architecture, k = "topk", (config.get("activation_fn_kwargs") or {}).get("k", k)
    elif chosen not in ("relu", "topk"):
        raise InvalidModel(f"{place}: activation function {chosen!r} is not supported (relu, topk and jumprelu are)")
    if architecture in ("batchtopk", "matryoshka_batchtopk"):
        raise InvalidModel(
            f"{place}: a {architecture} dictionary as it is while training; save it with save_inference_model, "
            "which makes it jumprelu"
        )
    if architecture not in _ACTIVATIONS:
        raise InvalidModel(f"{place}: architecture {architecture!r} is not supported; {', '.join(_ACTIVATIONS)} are")
    if config.get("reshape_activations", "none") != "none" or str(metadata.get("hook_name", "")).endswith(".hook_z"):
        raise InvalidModel(f"{place}: a dictionary on the heads of an attention layer (hook_z) is not supported")
    if architecture == "topk" and not isinstance(k, int):
        raise InvalidModel(f"{place}: a topk dictionary needs a whole number k; its configuration says {k!r}")
    return architecture, k if architecture == "topk" else None


def _normalisation(config: Mapping[str, Any], place: str) -> str:
    value = config.get("normalize_activations") or "none"
    if value in ("none", "layer_norm", "constant_norm_rescale"):
        return str(value)
    if value in ("expected_average_only_in", True):
        raise InvalidModel(
            f"{place}: it expects activations scaled by a constant that is not in its files (normalize_activations "
            f"= {value!r}); fold it in with sae-lens, sae.fold_activation_norm_scaling_factor(factor), then save it"
        )
    raise InvalidModel(f"{place}: normalize_activations = {value!r} is not supported; fold it into the weights first")


def _check_shapes(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: str) -> None:
    if "d_in" not in config or "d_sae" not in config:
        return
    width, latents = int(config["d_in"]), int(config["d_sae"])
    for part, what, shape in (("W_enc", "encoder", (width, latents)), ("W_dec", "decoder", (latents, width))):
        found = tuple(weights[part].shape)
        if found == shape:
            continue
        if found == shape[::-1]:
            raise InvalidModel(
                f"{place}: the {what} {part} is transposed: {found} where {shape} is needed; store its transpose"
            )
        raise InvalidModel(
            f"{place}: {part} is {found}, but its configuration says width {width} and {latents} latents: {shape}"
        )
