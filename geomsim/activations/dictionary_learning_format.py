"""Dictionaries as the ``dictionary_learning`` package writes them: ``ae.pt``, a state dict, and ``config.json``.

One file name stands for several classes; which one, the configuration says under ``trainer: dict_class``. With x the
activation, ``E`` the encoder and ``b`` the bias that is added on decoding, the classes encode by

================================= ========================================================================
``AutoEncoder``                   ``relu(E (x - b) + e)``
``AutoEncoderNew``                ``relu(E x + e)``
``AutoEncoderTopK``               the k largest of ``relu(E (x - b) + e)``
``BatchTopKSAE``                  those of ``relu(E (x - b) + e)`` that are more than one threshold
``MatryoshkaBatchTopKSAE``        the same, with other names of its weights
``JumpReluAutoEncoder``           those of ``relu(E x + e)`` that are more than the threshold of their latent
``GatedAutoEncoder``              ``relu(exp(r) E (x - b) + m)`` where ``E (x - b) + g > 0``
================================= ========================================================================

Linear layers keep (out, in): ``encoder.weight`` is (latents, width), ``decoder.weight`` (width, latents). ``W_enc`` and
``W_dec`` are the other way round. Some versions multiply codes by the length of the decoder's columns and divide
again before decoding; directions of length 1 do the same. Where training scaled activations, the package folds the
factor into the biases before it saves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.dictionary_files import (
    Layout,
    Reading,
    Selection,
    check_weights,
    gated,
    made,
    read_json,
    read_torch,
    selected,
)
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

_LINEAR: Layout = {"encoder.weight": ("latents", "width"), "decoder.weight": ("width", "latents")}
_BIASED: Layout = {**_LINEAR, "encoder.bias": ("latents",), "b_dec": ("width",)}
_MATRICES: Layout = {
    "W_enc": ("width", "latents"), "W_dec": ("latents", "width"), "b_enc": ("latents",), "b_dec": ("width",),
}  # fmt: skip
_LAYOUTS: Mapping[str, Layout] = {
    "AutoEncoder": {**_LINEAR, "encoder.bias": ("latents",), "bias": ("width",)},
    "AutoEncoderNew": {**_LINEAR, "encoder.bias": ("latents",), "decoder.bias": ("width",)},
    "AutoEncoderTopK": _BIASED,
    "BatchTopKSAE": _BIASED,
    "MatryoshkaBatchTopKSAE": _MATRICES,
    "JumpReluAutoEncoder": {**_MATRICES, "threshold": ("latents",)},
    "GatedAutoEncoder": {
        **_LINEAR, "r_mag": ("latents",), "gate_bias": ("latents",), "mag_bias": ("latents",),
        "decoder_bias": ("width",),
    },
}  # fmt: skip
_NUMBERS = {
    "AutoEncoderTopK": ("k", "threshold"),
    "BatchTopKSAE": ("k", "threshold"),
    "MatryoshkaBatchTopKSAE": ("k", "threshold", "group_sizes"),
}
# At inference the package's own `encode` uses the threshold of the one and the k of the other.
_SELECTION: Mapping[str, Selection] = {
    "AutoEncoderTopK": "per-token", "BatchTopKSAE": "threshold", "MatryoshkaBatchTopKSAE": "threshold",
}  # fmt: skip
_RESIDUAL = re.compile(r"(?:resid(?:ual)?_(?:post|out))(?:_layer_?(\d+))?")
_METADATA = ("trainer_class", "layer", "submodule_name", "lm_name", "steps")


def read_dictionary_learning(weights_file: Path, reading: Reading) -> Dictionary:
    """The dictionary of a state dict, with ``config.json`` beside it or, for a checkpoint, one folder up."""
    place = str(weights_file)
    config = _config(weights_file)
    trainer = config.get("trainer") or {}
    buffer = config.get("buffer") or {}
    if buffer.get("io") == "in_and_out":
        raise InvalidModel(f"{place}: it is a transcoder, which reads a module's input and writes its output")
    weights = read_torch(weights_file)
    kind = _kind(place, weights, trainer.get("dict_class"), reading)
    width, latents = (_number(trainer.get(key)) for key in ("activation_dim", "dict_size"))
    check_weights(place, kind, weights, _LAYOUTS[kind], also=_NUMBERS.get(kind, ()), width=width, latents=latents)
    selection, folder = _selection(kind, reading), weights_file.parent.resolve()
    return made(
        place,
        reading,
        {
            **_matrices(kind, weights),
            **_activation(place, kind, weights, trainer, selection),
            "subtract_decoder_bias": kind not in ("AutoEncoderNew", "JumpReluAutoEncoder"),
            "site": _site(trainer, buffer), "convention": "raw",
            "name": folder.name if weights_file.name == "ae.pt" else f"{folder.name}/{weights_file.stem}",
            "provenance": {
                "format": "dictionary-learning", "path": place, "architecture": kind,
                **({} if "lm_name" not in trainer else {"model_name": trainer["lm_name"]}),
                **{key: trainer[key] for key in _METADATA if trainer.get(key) is not None},
                **({} if selection is None else {"selection": selection}),
            },
        },
    )  # fmt: skip


def _config(weights_file: Path) -> dict[str, Any]:
    """The configuration, or an empty one: without it the names of the weights have to tell the class."""
    folder = weights_file.parent
    for place in (folder, folder.parent) if folder.name == "checkpoints" else (folder,):
        if (place / "config.json").is_file():
            config = read_json(place / "config.json")
            if not isinstance(config.get("trainer", {}), dict):
                raise InvalidModel(f"{place / 'config.json'}: its trainer is {config['trainer']!r}, not an object")
            return config
    return {}


def _kind(place: str, weights: Mapping[str, Tensor], said: Any, reading: Reading) -> str:
    """The class, as the configuration says or as the names of the weights tell."""
    if said is not None:
        if said not in _LAYOUTS:
            raise InvalidModel(f"{place}: dict_class {said!r} is not supported; {', '.join(_LAYOUTS)} are")
        return str(said)
    names = set(weights)
    fitting = [kind for kind, layout in _LAYOUTS.items() if set(layout) <= names <= {*layout, *_NUMBERS.get(kind, ())}]
    if "JumpReluAutoEncoder" in fitting and len(fitting) > 1:
        # One threshold per latent is a JumpReLU; a Matryoshka dictionary has one number.
        fitting = ["JumpReluAutoEncoder" if weights["threshold"].ndim else "MatryoshkaBatchTopKSAE"]
    if fitting == ["AutoEncoderTopK", "BatchTopKSAE"] and reading.selection is not None:
        fitting = ["AutoEncoderTopK" if reading.selection == "per-token" else "BatchTopKSAE"]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InvalidModel(
            f"{place}: without config.json beside it, {' and '.join(fitting)} cannot be told apart, which hold the "
            "same weights and choose their latents differently; put config.json there, or say selection='per-token' "
            "(TopK) or selection='threshold' (BatchTopK)"
        )
    raise InvalidModel(
        f"{place}: weights of no known class: {', '.join(sorted(names)) or 'none'}; known are "
        + "; ".join(f"{kind} ({', '.join(layout)})" for kind, layout in _LAYOUTS.items())
    )


def _matrices(kind: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if "W_enc" in _LAYOUTS[kind]:
        encoder, decoder = weights["W_enc"], weights["W_dec"]
    else:
        encoder, decoder = weights["encoder.weight"].T, weights["decoder.weight"].T
    bias = next(weights[name] for name in ("b_dec", "decoder_bias", "decoder.bias", "bias") if name in weights)
    return {"encoder": encoder, "decoder": decoder, "decoder_bias": bias}


def _activation(
    place: str, kind: str, weights: Mapping[str, Tensor], trainer: Mapping[str, Any], selection: Selection | None
) -> dict[str, Any]:
    if kind == "GatedAutoEncoder":
        return gated(weights["encoder.weight"].T, weights["gate_bias"], weights["mag_bias"], weights["r_mag"])
    bias = weights["b_enc"] if "b_enc" in weights else weights["encoder.bias"]
    if kind == "JumpReluAutoEncoder":
        return {"encoder_bias": bias, "activation": "jumprelu", "threshold": weights["threshold"]}
    if selection is None:
        return {"encoder_bias": bias, "activation": "relu"}
    k = weights.get("k", trainer.get("k"))
    return {"encoder_bias": bias, **selected(place, selection, k, weights.get("threshold"))}


def _selection(kind: str, reading: Reading) -> Selection | None:
    return (reading.selection or _SELECTION[kind]) if kind in _SELECTION else None


def _site(trainer: Mapping[str, Any], buffer: Mapping[str, Any]) -> str | None:
    """The site, where the configuration says that it is a block's output; a layer alone does not say so."""
    found = _RESIDUAL.fullmatch(str(trainer.get("submodule_name") or ""))
    layer = (found[1] or trainer.get("layer")) if found else None
    return None if layer is None or buffer.get("io") == "in" else f"residual:{int(layer)}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
