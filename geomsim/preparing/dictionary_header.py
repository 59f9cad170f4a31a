"""What a dictionary says of itself without its weights: where it was trained, its width, how many latents it has.

A hub name that is not on this machine says the place only, by the custom of its format: ``layers.3`` (sparsify),
``blocks.3.hook_resid_post`` (sae-lens), ``layer_3/width_16k/...`` (Gemma Scope).
"""

from __future__ import annotations

import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geomsim.activations import dictionary_learning_format, gemma_scope_format, sae_lens_format, sparsify_format
from geomsim.activations.dictionary_files import Reading, read_json
from geomsim.activations.dictionary_formats import FORMATS, _inside
from geomsim.activations.source import canonical_site
from geomsim.errors import GeomsimWarning, InvalidModel
from geomsim.preparing.model_facts import safetensors_header

_HOOK = re.compile(r"blocks\.\d+\.hook_\w+?(?=[_/]\d|[_/.]?$|/)")


@dataclass(frozen=True)
class DictionaryHeader:
    """What is known; None for what is not."""

    site: str | None = None
    width: int | None = None
    latents: int | None = None
    k: int | None = None
    format: str | None = None
    bytes: int | None = None


def dictionary_header(path: Path, format: str | None = None) -> DictionaryHeader:
    """The header of a dictionary on this machine. Raises InvalidModel where there is none, or a file is damaged."""
    name, file = _weights(path, format)
    if name is None:
        return DictionaryHeader(bytes=file.stat().st_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # they come when it is read
        found = _READERS[name](file)
    return DictionaryHeader(**found, format=name, bytes=file.stat().st_size)


def site_by_name(name: str) -> str | None:
    """The site that a hub name tells, None where it tells none.

    >>> site_by_name("EleutherAI/sae-pythia-70m-32k/layers.3")
    'residual:3'
    >>> site_by_name("google/gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82/params.npz")
    'residual:12'
    >>> site_by_name("jbloom/Gemma-2b-Residual-Stream-SAEs/gemma_2b_blocks.6.hook_resid_post_16384_anthropic_fast_lr")
    'residual:6'
    """
    if "gemma-scope" in name:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)
            file = Path(name) if Path(name).suffix else Path(name) / "params.npz"
            return gemma_scope_format._by_path(file, Reading())[1]
    if found := _HOOK.search(name):
        return canonical_site(found[0])
    folder = Path(name)
    return sparsify_format._site(folder.parent.name if re.fullmatch(r"seed\d+", folder.name) else folder.name)


def _weights(path: Path, format: str | None) -> tuple[str | None, Path]:
    """The format's name and the file of weights; None for a file that only reading would tell."""
    formats = tuple(each for each in FORMATS if format in (None, each.name))
    if path.is_file():
        named = [each.name for each in formats if path.name in each.weights]
        named = named or [each.name for each in formats if path.suffix in each.suffixes]
        return (named[0] if len(named) == 1 else None), path
    found, file = _inside(path, formats)
    return found.name, file


def _sae_lens(file: Path) -> dict[str, Any]:
    config = read_json(file.parent / sae_lens_format.CONFIG)
    metadata = {**config, **(config.get("metadata") or {})}
    hook = metadata.get("hook_name") or metadata.get("hook_point")
    shape = safetensors_header(file).get("W_dec", {}).get("shape")
    k = config.get("k") or (config.get("activation_fn_kwargs") or {}).get("k")
    return {"site": canonical_site(str(hook)) if hook else None, **_sizes(shape), "k": k}


def _sparsify(file: Path) -> dict[str, Any]:
    config = read_json(file.parent / sparsify_format.CONFIG)
    folder = file.parent.resolve()
    place = folder.parent.name if re.fullmatch(r"seed\d+", folder.name) else folder.name
    shape = safetensors_header(file).get("W_dec", {}).get("shape")
    return {"site": sparsify_format._site(place), **_sizes(shape), "k": config.get("k")}


def _gemma_scope(file: Path) -> dict[str, Any]:
    if file.suffix == ".npz":
        told = re.search(r"average_l0_(\d+)", file.resolve().as_posix())
        site = gemma_scope_format._by_path(file, Reading())[1]
        return {"site": site, **_sizes(_npz_shape(file, "W_dec")), "k": int(told[1]) if told else None}
    config = gemma_scope_format._by_config(file)
    header = safetensors_header(file)
    shape = header.get("w_dec", header.get("W_dec", {})).get("shape")
    return {"site": config["site"], **_sizes(shape), "k": config.get("l0")}


def _dictionary_learning(file: Path) -> dict[str, Any]:
    config = dictionary_learning_format._config(file)
    trainer, buffer = config.get("trainer") or {}, config.get("buffer") or {}
    return {
        "site": dictionary_learning_format._site(trainer, buffer),
        "width": trainer.get("activation_dim"), "latents": trainer.get("dict_size"), "k": trainer.get("k"),
    }  # fmt: skip


_READERS = {
    "sae-lens": _sae_lens,
    "sparsify": _sparsify,
    "gemma-scope": _gemma_scope,
    "dictionary-learning": _dictionary_learning,
}


def _sizes(decoder: Any) -> dict[str, int | None]:
    latents, width = decoder if decoder is not None and len(decoder) == 2 else (None, None)
    return {"width": width, "latents": latents}


def _npz_shape(file: Path, array: str) -> tuple[int, ...] | None:
    """The shape of an array in an npz file, by its header alone."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{array}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return tuple(read(stream)[0])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise InvalidModel(f"{file}: truncated or damaged ({error}); fetch or write it again") from error
