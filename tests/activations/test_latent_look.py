from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse
import torch

from geomsim.activations.codes import Codes
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.latent_histogram import activation_histogram
from geomsim.activations.latent_look import look, nearest_directions
from geomsim.activations.latents import contexts_by_strength, top_contexts, top_tokens
from geomsim.activations.text import Document, text_hash
from geomsim.activations.tokens import TokenTable
from geomsim.activations.visible_text import columns_of
from geomsim.errors import InvalidCodes

DOCUMENTS = [Document("one", "the cat\n<b>&\x1b[31m the dog"), Document("two", "the \t猫 end")]
SPANS = [(0, 0, 3), (0, 3, 7), (0, 8, 11), (0, 11, 17), (0, 17, 21), (0, 21, 25), (1, 0, 3), (1, 4, 6), (1, 6, 10)]
VALUES = [[1.0, 0, 0, 0, 3.0, 0, 2.0, 0, 0], [0, 0, 7, 1, 0, 0, 0, 2, 0], [0] * 9, [-1, 2, 0, 1, 1, 1, 1, 1, 1]]


def codes(kind=scipy.sparse.csr_array, **provenance):
    document, start, end = np.array(SPANS).T
    names = tuple(text.name for text in DOCUMENTS)
    table = TokenTable(document, np.arange(9), start, end, np.arange(9), names, text_hash(DOCUMENTS), {"first": 2})
    return Codes(kind(np.array(VALUES, dtype=np.float32).T), table, name="made", provenance=provenance)


def dictionary(**changes):
    decoder = torch.tensor([[1.0, 0.0], [3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]])
    parts = {
        "encoder": torch.ones(2, 4), "encoder_bias": torch.zeros(4), "decoder": decoder,
        "decoder_bias": torch.zeros(2), "sha256": "d" * 64,
    }  # fmt: skip
    return Dictionary(**{**parts, **changes})


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("latent", [0, 1, 3])
def test_it_is_what_the_functions_say_one_by_one(kind, latent):
    held = codes(kind)
    found = look(held, latent, DOCUMENTS, bins=3, tokens=2, contexts=4, context=9, intervals=2, each=1, seed=5)
    assert found.histogram.to_dict() == activation_histogram(held, latent, 3).to_dict()
    assert found.tokens == top_tokens(held, latent, DOCUMENTS, 2)
    assert found.contexts == top_contexts(held, latent, DOCUMENTS, 4, 9)
    assert found.intervals == contexts_by_strength(held, latent, DOCUMENTS, 2, 1, 9, seed=5)
    assert json.loads(json.dumps(found.to_dict()))["tokens"][0]["token"] == found.tokens[0].token


def test_opened_codes_look_the_same(tmp_path):
    opened = Codes.open(codes().save(tmp_path / "codes"))
    assert str(look(opened, 1, DOCUMENTS)) == str(look(codes(), 1, DOCUMENTS))


def test_plain_text_shows_counts_bars_tokens_and_places():
    text = str(look(codes(), 0, DOCUMENTS, dictionary(), bins=3, intervals=1, each=1))
    assert text.startswith(
        "latent 0 of made (4 latents)\n"
        "  active on 3 of 9 tokens (33.333%)\n  median 2, 95% below 2.9, largest 3\n"
        "  left out when the text was read: 2 first\n"
    )
    assert "  2.0 to 3.0  ██████████████████████████████ 2\n" in text
    assert "  1.0 to 2.0  ███████████████                1\n" in text
    assert "⟦the⟧    50.0%        2       1.5         2" in text
    assert "⟦ the⟧ dog" in text
    assert "0 to 3: 3 tokens" in text
    assert " 0.600  latent 1" in text


def test_what_the_text_holds_cannot_steer_a_terminal_or_a_page():
    found = look(codes(), 1, DOCUMENTS)
    assert not set(str(found)) & {"\x1b", "\t", "\r"}
    assert "⟨U+001B⟩[31m" in str(found)
    page = found._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;<mark>&amp;⟨U+001B⟩[31m</mark>" in page
    assert "<mark>⇥猫</mark>" in page


@pytest.mark.parametrize("columns", [60, 100, 150])
def test_lines_fit_their_columns(columns):
    wide = [Document("a very long name of a document, indeed 猫猫", "猫 " * 60 + "word" * 30 + " end")]
    table = TokenTable([0, 0], [0, 1], [118, 120], [119, 240], [0, 1], (wide[0].name,), text_hash(wide))
    found = look(Codes(np.array([[2.0], [4.0]]), table), 0, wide, contexts=3, context=200)
    lines = [line for heading, lines in found.sections(columns) for line in [heading, *lines]]
    assert max(map(columns_of, lines)) <= columns


def test_a_silent_latent_says_so():
    found = look(codes(), 2, DOCUMENTS)
    assert found.summary == "never active: 0 on all 9 tokens"
    assert [heading for heading, _ in found.sections()] == ["latent 2 of made (4 latents)"]
    assert "never active" in found._repr_html_()


def test_without_text_there_are_numbers_only():
    found = look(Codes(np.array([[1.0], [0.0]])), 0)
    assert (found.tokens, found.contexts, found.intervals, found.neighbours) == ((), (), (), ())
    assert repr(found).startswith("LatentLook(latent 0 of the codes (1 latents): active on 1 of 2 tokens (50.000%)")
    with pytest.raises(InvalidCodes, match="no token table"):
        look(Codes(np.array([[1.0], [0.0]])), 0, DOCUMENTS)


def test_neighbours_are_by_cosine():
    # Cosines of row 1, (.6, .8), with the others: .6, 0 for the row of zeros, -.6.
    found = nearest_directions(dictionary(), 1)
    assert [each.latent for each in found] == [0, 2, 3]
    np.testing.assert_allclose([each.cosine for each in found], [0.6, 0, -0.6], atol=1e-6)
    assert [each.latent for each in nearest_directions(dictionary(), 0, n=1)] == [1]
    with pytest.raises(InvalidCodes, match=r"no latent 4: .* has latents 0 to 3"):
        nearest_directions(dictionary(), 4)


def test_a_dictionary_that_did_not_make_the_codes():
    assert look(codes(dictionary="d" * 64), 0, None, dictionary()).neighbours
    with pytest.raises(InvalidCodes, match=r"not made by .*\(hash dddddddddddd, theirs is eeeeeeeeeeee\); give the"):
        look(codes(dictionary="e" * 64), 0, None, dictionary())
    three = {"encoder": torch.ones(2, 3), "encoder_bias": torch.zeros(3), "decoder": torch.ones(3, 2)}
    with pytest.raises(InvalidCodes, match="not made by"):
        look(codes(), 0, None, dataclasses.replace(dictionary(), **three))
