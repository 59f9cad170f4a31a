"""What a dictionary was trained on: the model as published, or one with folded norms and centred weights."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path

import pytest
import torch
from dictionary_samples import Sample, write_sae_lens
from letters import LATENTS, WIDTH, letters_dictionary, letters_source

from geomsim.activations.codes import Codes
from geomsim.activations.dictionary import Dictionary, read_dictionary
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import documents_from_strings
from geomsim.activations.transformers_source import TransformersSource
from geomsim.errors import GeomsimWarning, InvalidConfig, InvalidModel

SHIPPED = sorted((Path(__file__).parents[2] / "examples/code_models").glob("*/saes/*/cfg.json"))
shipped = pytest.mark.skipif(not SHIPPED, reason="the example models are not here")
DOCUMENTS = documents_from_strings(["abcdefgh", "abc"])


def unknown():
    return dataclasses.replace(letters_dictionary(), convention="", name="mine")


def metadata(**said):
    return {"metadata": {"hook_name": "blocks.0.hook_resid_post", **said}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ""),
        ({"model_from_pretrained_kwargs": {}}, ""),
        ({"model_class_name": "HookedTransformer", "model_from_pretrained_kwargs": {}}, ""),
        ({"model_from_pretrained_kwargs": {"center_writing_weights": False}}, "raw"),
        ({"model_from_pretrained_kwargs": {"center_writing_weights": True}}, "centred"),
        ({"model_class_name": "AutoModelForCausalLM"}, "raw"),
        ({"convention": "raw"}, "raw"),
        ({"convention": "centred"}, "centred"),
        ({"convention": "raw", "model_from_pretrained_kwargs": {"center_writing_weights": True}}, "raw"),
    ],
)
def test_what_a_sae_lens_directory_says(said, expected, tmp_path):
    sample = Sample()
    found = read_dictionary(write_sae_lens(tmp_path / "sae", sample, metadata(**said)))
    assert found.convention == expected
    assert found.sha256 == read_dictionary(write_sae_lens(tmp_path / "plain", sample, metadata())).sha256
    for stated in ("raw", "centred"):
        told = read_dictionary(tmp_path / "sae", convention=stated)
        assert (told.convention, told.sha256) == (stated, found.sha256)
        assert told.provenance["convention_from"] == "the caller"
    assert "convention_from" not in found.provenance


def test_conventions_that_do_not_exist(tmp_path):
    folder = write_sae_lens(tmp_path / "sae", Sample(), metadata(convention="folded"))
    with pytest.raises(InvalidModel, match=r"sae: convention 'folded': 'raw' .*, 'centred' .* is needed"):
        read_dictionary(folder)
    with pytest.raises(InvalidConfig, match="convention 'folded': choose 'raw' or 'centred'"):
        read_dictionary(folder, convention="folded")
    with pytest.raises(InvalidModel, match="dictionary 'mine': convention 'Raw'"):
        dataclasses.replace(unknown(), convention="Raw")


@shipped
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: "-".join(file.parts[-4:-1:2]) + "-" + file.parts[-2])
def test_the_shipped_dictionaries_say_it_and_sae_lens_reads_them(file):
    mine = read_dictionary(file.parent)
    assert mine.convention == "raw"
    saes = pytest.importorskip("sae_lens.saes.sae")
    theirs = saes.SAE.load_from_disk(file.parent, dtype="float32")
    assert theirs.cfg.metadata.convention == "raw"
    again = read_dictionary(theirs)
    assert (again.convention, again.sha256, again.site) == ("raw", mine.sha256, mine.site)


@shipped
def test_sae_lens_keeps_it_when_it_saves(tmp_path):
    saes = pytest.importorskip("sae_lens.saes.sae")
    sae = saes.SAE.load_from_disk(SHIPPED[0].parent, dtype="float32")
    sae.save_model(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "cfg.json").read_text())["metadata"]["convention"] == "raw"
    assert read_dictionary(tmp_path / "again").convention == "raw"


@pytest.mark.parametrize("how", ["read", "write"])
def test_reading_with_an_unknown_convention_warns_once(how, tmp_path):
    mine = unknown()

    def run(name):
        if how == "read":
            return read_codes(letters_source(), DOCUMENTS, {"0": mine})["0"]
        return Codes.open(write_codes(letters_source(), DOCUMENTS, {"0": mine}, {"0": tmp_path / name})["0"])

    with pytest.warns(GeomsimWarning, match=r"dictionary 'mine' does not say .* read_dictionary\(\.\.\., convention="):
        first = run("first")
    second = run("second")  # a GeomsimWarning would be an error here
    assert (first.dense() == second.dense()).all()
    assert first.provenance["dictionary_convention"] == ""
    with pytest.warns(GeomsimWarning, match="does not say"):
        read_codes(letters_source(), DOCUMENTS, {"0": unknown()})


def test_a_stated_convention_is_silent_and_recorded_and_another_refused():
    mine = dataclasses.replace(unknown(), convention="raw")
    codes = read_codes(letters_source(), DOCUMENTS, {"0": mine})["0"]
    assert codes.provenance["dictionary_convention"] == "raw"
    with pytest.raises(InvalidModel, match="was trained on centred activations, but the model is read raw"):
        read_codes(letters_source(), DOCUMENTS, {"0": dataclasses.replace(mine, convention="centred")})


def test_what_does_not_depend_on_the_convention_is_silent():
    """The neurons of an MLP are the same in a folded model; encoding alone knows no model."""
    mine = unknown()
    mine.check_fits(WIDTH, site="neurons:1", convention="raw")
    dataclasses.replace(mine, site="neurons:1").check_fits(WIDTH, convention="raw")
    mine.check_fits(WIDTH, site="residual:1")
    mine.encode(torch.zeros(2, WIDTH))
    with pytest.warns(GeomsimWarning, match="does not say"):
        mine.check_fits(WIDTH, site="residual:1", convention="raw")


def test_neurons_are_the_same_in_a_folded_model_and_the_residual_stream_is_not(tiny_models):
    """What the warning and its exception for neurons rest on, with transformer-lens as the judge."""
    bridges = pytest.importorskip("transformer_lens.model_bridge")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    ids = torch.arange(5, 15)[None]
    hooks = ["blocks.1.hook_resid_post", "blocks.1.mlp.hook_post"]
    bridge = bridges.TransformerBridge.boot_transformers(str(tiny_models["gpt2"]), device="cpu")
    assert TransformerLensSource(bridge).convention == "raw"
    with torch.no_grad():
        _, raw = bridge.run_with_cache(ids, names_filter=hooks)
        raw = {hook: raw[hook].clone() for hook in hooks}
        bridge.enable_compatibility_mode()
        _, folded = bridge.run_with_cache(ids, names_filter=hooks)
    residual, neurons = hooks
    torch.testing.assert_close(folded[neurons], raw[neurons], atol=1e-4, rtol=1e-4)
    assert (folded[residual] - raw[residual]).abs().max() > 1e-2
    assert folded[residual].mean(-1).abs().max() < 1e-5 < raw[residual].mean(-1).abs().max()


@shipped
def test_a_published_model_with_its_own_dictionary_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = SHIPPED[0].parent
        mine = read_dictionary(folder)
        source = TransformersSource(folder.parents[1])
        codes = read_codes(source, documents_from_strings(["def add(a, b):\n    return a + b\n"]), {mine.site: mine})
    assert codes[mine.site].n_latents == mine.latents != LATENTS
    assert isinstance(mine, Dictionary)
