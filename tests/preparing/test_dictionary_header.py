"""What dictionaries say of themselves without their weights, against what reading them gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dictionary_samples import (
    Sample,
    write_dictionary_learning,
    write_gemma_scope,
    write_gemma_scope_2,
    write_sae_lens,
    write_sparsify,
)

from geomsim.activations import read_dictionary
from geomsim.errors import InvalidModel
from geomsim.preparing.dictionary_header import dictionary_header, site_by_name

WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "sae-lens": ("blocks.0", lambda folder: write_sae_lens(folder, Sample())),
    "sparsify": ("layers.3", lambda folder: write_sparsify(folder, Sample())),
    "sparsify, a seed": ("layers.3/seed1", lambda folder: write_sparsify(folder, Sample())),
    "gemma-scope": (
        "gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82", lambda folder: write_gemma_scope(folder, Sample()),
    ),
    "gemma-scope 2": ("layer_3", lambda folder: write_gemma_scope_2(folder, Sample())),
    "dictionary-learning": (
        "trainer_0",
        lambda folder: write_dictionary_learning(
            folder, Sample(), "AutoEncoderTopK",
            {"activation_dim": 8, "dict_size": 24, "k": 4, "submodule_name": "resid_post_layer_2", "layer": 2},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("format", WRITERS)
def test_a_header_says_what_reading_says(format: str, tmp_path: Path):
    name, write = WRITERS[format]
    write(tmp_path / name)
    header, read = dictionary_header(tmp_path / name), read_dictionary(tmp_path / name)
    assert (header.site, header.width, header.latents) == (read.site, read.width, read.latents)
    assert header.format == format.partition(" 2")[0].partition(",")[0]
    weights = next(file for file in (tmp_path / name).iterdir() if file.suffix in (".npz", ".pt", ".safetensors"))
    assert header.bytes == weights.stat().st_size
    if read.k is not None:
        assert header.k == read.k


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("EleutherAI/sae-pythia-70m-32k/layers.3", "residual:3"),
        ("EleutherAI/sae-pythia-70m-32k/layers.3.mlp", "layers.3.mlp"),
        ("EleutherAI/sae-pythia-70m-32k/layers.3/seed1", "residual:3"),
        ("google/gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82/params.npz", "residual:12"),
        ("google/gemma-scope-2b-pt-mlp/layer_7/width_16k/average_l0_9", "blocks.7.hook_mlp_out"),
        ("jbloom/Gemma-2b-Residual-Stream-SAEs/gemma_2b_blocks.6.hook_resid_post_16384_anthropic", "residual:6"),
        ("jbloom/GPT2-Small-SAEs-Reformatted/blocks.8.hook_resid_pre", "residual:7"),
        ("owner/repository/some_folder", None),
    ],
)  # fmt: skip
def test_what_hub_names_tell(name: str, site: str | None):
    assert site_by_name(name) == site


def test_files_that_are_damaged_or_of_several_formats_are_named(tmp_path: Path):
    write_sae_lens(tmp_path / "cut", Sample())
    (tmp_path / "cut" / "sae_weights.safetensors").write_bytes(b"\xff" * 12)
    write_sae_lens(tmp_path / "two", Sample())
    write_gemma_scope(tmp_path / "two", Sample())
    write_gemma_scope(tmp_path / "layer_1", Sample())
    (tmp_path / "layer_1" / "params.npz").write_bytes(b"PK")
    (tmp_path / "none").mkdir()
    faults: list[tuple[str, dict[str, Any], str]] = [
        ("cut", {}, "not a whole file of weights"),
        ("two", {}, "more than one dictionary: .*choose with format='sae-lens'"),
        ("layer_1", {}, r"params.npz: truncated or damaged"),
        ("none", {}, "no dictionary"),
    ]
    for name, options, message in faults:
        with pytest.raises(InvalidModel, match=message):
            dictionary_header(tmp_path / name, **options)
    assert dictionary_header(tmp_path / "two", "sae-lens").format == "sae-lens"
