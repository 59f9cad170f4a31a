"""What the readers of dictionaries share: reading files without running their code, and checking what is in them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geomsim.activations.dictionary import Dictionary
from geomsim.errors import InvalidConfig, InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

#: The axes of each weight, of "width" and "latents".
Layout = Mapping[str, tuple[str, ...]]

Selection = Literal["threshold", "per-token"]


@dataclass(frozen=True)
class Reading:
    """What the user decides where files leave it open; see :func:`geomsim.activations.read_dictionary`."""

    selection: Selection | None = None
    input_scale: float | None = None
    site: str | None = None
    convention: str | None = None

    def __post_init__(self) -> None:
        if self.convention not in (None, "raw", "centred"):
            raise InvalidConfig(f"convention {self.convention!r}: choose 'raw' or 'centred'")
        if self.selection not in (None, "threshold", "per-token"):
            raise InvalidConfig(f"selection {self.selection!r}: choose 'threshold' or 'per-token'")
        if self.input_scale is not None and not 0 < self.input_scale < float("inf"):
            raise InvalidConfig(f"input_scale {self.input_scale}: a positive number is needed")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; InvalidModel where the file is missing or damaged."""
    if not path.is_file():
        raise InvalidModel(f"{path}: missing; it says how the weights beside it are to be read")
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidModel(f"{path}: damaged, not JSON ({error})") from error
    if not isinstance(found, dict):
        raise InvalidModel(f"{path}: damaged, a JSON object is needed")
    return found


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The weights of a safetensors file, in memory of their own."""
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            # A copy: the file may be written again while the dictionary is in use.
            return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise InvalidModel(
            f"{path}: truncated or damaged ({path.stat().st_size} bytes, {error}); fetch or write it again"
        ) from error


def read_npz(path: Path) -> dict[str, Tensor]:
    """The arrays of an npz file as tensors. Arrays of Python objects, which would be unpickled, are refused."""
    import zipfile

    import numpy as np
    import torch

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        reason = (
            "it holds pickled Python objects, which may run code when they are read; store plain arrays"
            if "pickle" in str(error)
            else f"truncated or damaged ({path.stat().st_size} bytes, {error}); fetch or write it again"
        )
        raise InvalidModel(f"{path}: {reason}") from error
    odd = [f"{name} ({array.dtype})" for name, array in arrays.items() if array.dtype.kind not in "fiub"]
    if odd:
        raise InvalidModel(f"{path}: {', '.join(odd)}: arrays of numbers are needed")
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def read_torch(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that ``torch.save`` wrote, read with ``weights_only=True``: no code in it is run.

    A pickle can name any function to be called while it is read. One that needs more than tensors and plain
    containers is refused, whether it is malicious or holds a whole module.
    """
    import pickle

    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise nearly anything
        called = re.search(r"GLOBAL ([\w.]+)", str(error))
        if called:
            reason = f"it wants to run code while it is read ({called[1]})"
        elif "TorchScript" in str(error):
            reason = "it is a TorchScript archive, which holds code"
        elif isinstance(error, pickle.UnpicklingError):
            reason = "it holds more than tensors, as a pickle that may run code while it is read, or it is damaged"
        else:
            reason = str(error).strip().split("\n")[0]
            raise InvalidModel(
                f"{path}: truncated or damaged ({path.stat().st_size} bytes, {type(error).__name__}: {reason}); "
                "fetch or write it again"
            ) from error
        raise InvalidModel(
            f"{path}: {reason}; geomsim reads numbers only, and nothing was run. If you trust the file, load it with "
            "the library that wrote it and save its weights alone: torch.save(autoencoder.state_dict(), 'ae.pt')"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        inside = (
            ", ".join(f"{name} ({type(value).__name__})" for name, value in list(found.items())[:8])
            if isinstance(found, dict)
            else type(found).__name__
        )
        raise InvalidModel(
            f"{path}: the state dict of an autoencoder is needed, names and their tensors; it holds {inside}"
        )
    return {str(name): value for name, value in found.items()}


def check_weights(
    place: str,
    kind: str,
    weights: Mapping[str, Tensor],
    layout: Layout,
    *,
    also: Collection[str] = (),
    width: int | None = None,
    latents: int | None = None,
) -> tuple[int, int]:
    """(width, latents) of weights that are all there and fit each other.

    What the configuration does not say of `width` and `latents` is taken from the vectors, which no transposition
    can swap. Where both are equal a matrix cannot be told from its transpose, and the format's convention decides.

    Raises
    ------
    InvalidModel
        where weights are missing or unknown, are no floating-point numbers, or have other shapes than they should.
    """
    missing = [name for name in layout if name not in weights]
    if missing:
        raise InvalidModel(
            f"{place}: {', '.join(missing)} missing from the weights of this {kind} dictionary; "
            f"they hold {', '.join(sorted(weights))}"
        )
    unknown = sorted(set(weights) - set(layout) - set(also))
    if unknown:
        raise InvalidModel(
            f"{place}: this {kind} dictionary has weights it should not: {', '.join(unknown)}; is it of another kind?"
        )
    for name in layout:
        if not weights[name].is_floating_point():
            raise InvalidModel(f"{place}: {name} holds {weights[name].dtype}; floating-point numbers are needed")
    sizes = {"width": width, "latents": latents}
    by = "its configuration says" if width is not None and latents is not None else "its other weights say"
    for name, axes in layout.items():
        if len(axes) == 1 and weights[name].ndim == 1 and sizes[axes[0]] is None:
            sizes[axes[0]] = len(weights[name])
    for name, axes in layout.items():
        found, needed = tuple(weights[name].shape), tuple(sizes[axis] for axis in axes)
        if found == needed:
            if len(axes) == 1 and not weights[name].isfinite().all():
                bad = int((~weights[name].isfinite()).sum())
                raise InvalidModel(f"{place}: {name} holds {bad} NaN or infinite numbers")
            continue
        if found == needed[::-1]:
            part = "encoder" if "enc" in name else "decoder"
            raise InvalidModel(
                f"{place}: the {part} {name} is transposed: {found} where ({', '.join(axes)}) = {needed} is needed; "
                "store its transpose"
            )
        raise InvalidModel(
            f"{place}: {name} is {found}, but {by} width {sizes['width']} and {sizes['latents']} latents: {needed}"
        )
    return int(sizes["width"] or 0), int(sizes["latents"] or 0)


def made(place: str, reading: Reading, parts: Mapping[str, Any]) -> Dictionary:
    """The dictionary of these parts, with what the user decided; errors say where its files lie."""
    parts = dict(parts)
    provenance = dict(parts.get("provenance", {}))
    if reading.site is not None:
        parts["site"] = reading.site
        provenance["site_from"] = "the caller"
    if reading.convention is not None:
        parts["convention"] = reading.convention
        provenance["convention_from"] = "the caller"
    if reading.input_scale is not None:
        parts = _with_input_scale(place, parts, reading.input_scale)
        provenance["input_scale"] = reading.input_scale
    if reading.selection is not None and "selection" not in provenance:
        raise InvalidModel(
            f"{place}: selection={reading.selection!r} does not apply; only a dictionary with both k and a threshold "
            "leaves that choice open"
        )
    try:
        return Dictionary(**{**parts, "provenance": provenance})
    except InvalidModel as error:
        raise error.within(place) from None


def selected(place: str, selection: Selection, k: Any, threshold: Tensor | None) -> dict[str, Any]:
    """The parts that decide which latents fire, of a dictionary with both k and a threshold.

    BatchTopK (Bussmann et al., 2024) keeps k latents per token on average while it trains, and at inference those
    above the threshold that was estimated meanwhile. One whose threshold was never estimated (it starts at -1 or 0)
    is refused: reading it as per-token TopK gives other codes, so the caller has to ask for it.
    """
    for name, number in (("k", k), ("threshold", threshold)):
        if number is not None and getattr(number, "ndim", None):
            raise InvalidModel(f"{place}: {name} has shape {tuple(number.shape)}; one number is needed")
    if selection == "threshold":
        value = None if threshold is None else float(threshold)
        if value is None or not value > 0:
            raise InvalidModel(
                f"{place}: its threshold was never estimated ({'missing' if value is None else f'it is {value:g}'}); "
                "train it further, or read it as per-token TopK with selection='per-token', which is another choice "
                "of latents than the one it was trained with"
            )
        return {"activation": "jumprelu", "threshold": value}
    return {"activation": "topk", "k": whole(place, "k", k.item() if hasattr(k, "item") else k)}


def whole(place: str, name: str, value: Any) -> int:
    """A number of the configuration that must be whole; InvalidModel otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise InvalidModel(f"{place}: a whole number {name} is needed; its configuration says {value!r}")
    return int(value)


def gated(encoder: Tensor, gate_bias: Tensor, magnitude_bias: Tensor, log_scale: Tensor) -> dict[str, Any]:
    """A gated encoder as the JumpReLU it equals (Rajamanoharan et al., 2024, "Improving dictionary learning with
    gated sparse autoencoders", appendix on weight tying).

    With ``z = x @ encoder`` a latent fires where ``z + gate_bias > 0``, with strength
    ``relu(exp(log_scale) z + magnitude_bias)``. The first says that the argument of the second is more than
    ``magnitude_bias - exp(log_scale) gate_bias``.
    """
    scale = log_scale.float().exp()
    return {
        "activation": "jumprelu",
        "encoder": encoder.float() * scale,
        "encoder_bias": magnitude_bias,
        "threshold": magnitude_bias.float() - scale * gate_bias.float(),
    }


def _with_input_scale(place: str, parts: dict[str, Any], scale: float) -> dict[str, Any]:
    """Parts that read ``x`` where the given ones read ``scale * x``."""
    if parts.get("normalisation", "none") != "none":
        raise InvalidModel(
            f"{place}: it normalises each activation by itself ({parts['normalisation']}), so "
            "input_scale does not apply"
        )
    changed = {
        **parts,
        "encoder": parts["encoder"].float() * scale,
        "decoder": parts["decoder"].float() / scale,
        "decoder_bias": parts["decoder_bias"].float() / scale,
    }
    if parts.get("scale_before_activation") and parts.get("threshold") is not None:
        changed["threshold"] = parts["threshold"] / scale  # it is compared in units of the decoder's rows
    return changed
