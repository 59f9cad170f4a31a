from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from geomsim.activations.array_source import ArraySource
from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import n_shards
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.encoding import encoded_batches
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.activations.transformers_source import TransformersSource
from geomsim.errors import InvalidModel, InvalidText

LATENTS = 40


def dictionary(width, site=None, **changes):
    random = torch.Generator().manual_seed(width)
    encoder = torch.randn(width, LATENTS, generator=random)
    parts = {
        "encoder": encoder, "encoder_bias": torch.zeros(LATENTS), "decoder": encoder.T * 3,
        "decoder_bias": torch.zeros(width), "activation": "topk", "k": 5, "site": site, "sha256": "d" * 64,
        "convention": "raw",
    }  # fmt: skip
    return Dictionary(**{**parts, **changes})


@pytest.fixture(scope="module")
def source(tiny_models):
    return TransformersSource(tiny_models["gpt2"])


@pytest.mark.parametrize("batch_tokens", [16, 4096])
def test_codes_are_the_encoded_activations(batch_tokens, source, tiny_documents):
    mine = dictionary(16, "residual:0")
    seen = []
    codes = read_codes(
        source, tiny_documents, {"residual:0": mine, "neurons:1": None}, batch_tokens=batch_tokens,
        progress=lambda documents, characters: seen.append((documents, characters)),
    )  # fmt: skip
    batches = list(source.read(tiny_documents, ["residual:0", "neurons:1"], batch_tokens=batch_tokens))
    tokens = TokenTable.concatenate([batch.tokens for batch in batches])
    points = torch.cat([batch.activations["residual:0"] for batch in batches])
    assert list(codes) == ["residual:0", "neurons:1"]
    assert codes["residual:0"].is_sparse
    assert not codes["neurons:1"].is_sparse
    np.testing.assert_allclose(codes["residual:0"].dense(), mine.encode(points).toarray(), atol=1e-5)
    np.testing.assert_array_equal(
        codes["neurons:1"].dense(), torch.cat([batch.activations["neurons:1"] for batch in batches])
    )
    for each in codes.values():
        assert each.tokens.same_tokens(tokens)
        assert each.tokens.left_out == tokens.left_out
        np.testing.assert_array_equal(each.groups, tokens.document)
    provenance = codes["residual:0"].provenance
    assert (provenance["model"], provenance["site"], provenance["dictionary"]) == ("gpt2", "residual:0", "d" * 64)
    assert provenance["source"]["context"] == 16
    assert codes["neurons:1"].provenance["dictionary"] == ""
    assert seen == sorted(seen)
    assert seen[-1] == (len(tiny_documents), sum(len(document.text) for document in tiny_documents))


def test_codes_on_disk_are_the_codes_in_memory(source, tiny_documents, tmp_path):
    wanted = {"residual:1": dictionary(16), "neurons:0": None}
    held = read_codes(source, tiny_documents, wanted, batch_tokens=32)
    folders = {"residual:1": tmp_path / "latents", "neurons:0": tmp_path / "neurons"}
    assert write_codes(source, tiny_documents, wanted, folders, batch_tokens=32, shard_characters=100) == folders
    assert [n_shards(folder) for folder in folders.values()] == [2, 2]
    for site, folder in folders.items():
        stored = Codes.open(folder)
        # Batches begin anew with each shard, and sums over longer batches round otherwise.
        np.testing.assert_allclose(stored.dense(), held[site].dense(), rtol=2e-6, atol=1e-5)
        assert stored.tokens.same_tokens(held[site].tokens)
        assert stored.tokens.left_out == held[site].tokens.left_out
        assert stored.provenance["dictionary_name" if site == "residual:1" else "model"] is not None
        assert stored.provenance.get("dictionary", "") == held[site].provenance["dictionary"]


def test_text_is_tokenized_only_when_its_turn_comes():
    asked = []

    def tokenize(text):
        asked.append(text)
        return [ord(letter) for letter in text], [(place, place + 1) for place in range(len(text))]

    source = ModuleSource(torch.nn.Sequential(torch.nn.Embedding(256, 4)), tokenize, context=4)
    documents = documents_from_strings([letter * 4 for letter in "abcdefgh"])
    batches = encoded_batches(source, documents, {"0": None}, batch_tokens=4)
    list(itertools.islice(batches, 2))
    assert asked == ["aaaa", "bbbb"]


def test_counts_of_empty_batches_go_to_their_neighbours(source):
    documents = documents_from_strings(["", "a", "def add(left, right)", "b", "", "c"])
    codes = read_codes(source, documents, {"residual:0": dictionary(16)}, batch_tokens=1)["residual:0"]
    at_once = read_codes(source, documents, {"residual:0": None}, batch_tokens=10**6)["residual:0"]
    assert codes.tokens.same_tokens(at_once.tokens)
    assert codes.tokens.left_out == at_once.tokens.left_out == {"document without tokens": 2, "first of window": 4}
    assert set(codes.groups) == {2}


def test_text_without_a_kept_token(source):
    with pytest.raises(InvalidText, match=r"no token of the 2 documents was kept \(left out: .*1 x first of window"):
        read_codes(source, documents_from_strings(["", "a"]), {"residual:0": None})
    with pytest.raises(InvalidText, match="no documents"):
        read_codes(source, [], {"residual:0": None})


def test_dictionaries_that_do_not_fit(source, tiny_documents, tmp_path):
    with pytest.raises(InvalidModel, match="of width 17, but those of the model at 'residual:0' have width 16"):
        read_codes(source, tiny_documents, {"residual:0": dictionary(17)})
    with pytest.raises(InvalidModel, match="was trained at 'residual:1', not at 'residual:0'"):
        read_codes(source, tiny_documents, {"residual:0": dictionary(16, "residual:1")})
    with pytest.raises(InvalidModel, match="trained on centred activations, but the model is read raw"):
        read_codes(source, tiny_documents, {"residual:0": dictionary(16, convention="centred")})
    with pytest.raises(InvalidModel, match="no sites to read"):
        read_codes(source, tiny_documents, {})
    folder = tmp_path / "codes"
    with pytest.raises(InvalidModel, match="of width 17"):
        write_codes(source, tiny_documents, {"residual:0": dictionary(17)}, {"residual:0": folder})
    assert not folder.exists()
    meant = dataclasses.replace(dictionary(16, "residual:1"), site=None)
    assert read_codes(source, tiny_documents, {"residual:0": meant})["residual:0"].n_latents == LATENTS


def test_arrays_become_codes():
    values = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    source = ArraySource({"mine": values}, groups=np.repeat([0, 1, 2], 10))
    mine = dictionary(6)
    codes = read_codes(source, [], {"mine": mine}, batch_tokens=7)["mine"]
    np.testing.assert_allclose(codes.dense(), mine.encode(torch.from_numpy(values)).toarray(), rtol=1e-5)
    assert codes.groups.tolist() == [0] * 10 + [1] * 10 + [2] * 10
