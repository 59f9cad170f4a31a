from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from geomsim.activations.codes import Codes
from geomsim.activations.latents import contexts_by_strength, firing_rate, top_contexts, top_tokens
from geomsim.activations.text import Document, text_hash
from geomsim.activations.text_cuts import DocumentParts
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidText

DOCUMENTS = [Document("one", "the cat saw the dog"), Document("two", "the end")]
SPANS = [(0, 0, 3), (0, 4, 7), (0, 8, 11), (0, 12, 15), (0, 16, 19), (1, 0, 3), (1, 4, 7)]
#          the   cat   saw   the   dog   the   end
LATENTS = [[1.0, 0.0, 0.0, 3.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0, 2.0, 0.0, -5.0]]


def codes(kind=np.asarray):
    document, start, end = np.array(SPANS).T
    names = tuple(text.name for text in DOCUMENTS)
    table = TokenTable(document, np.arange(7), start, end, np.arange(7), names, text_hash(DOCUMENTS))
    return Codes(kind(np.array(LATENTS).T), table)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_contexts_are_cut_from_the_text_strongest_first(kind):
    found = top_contexts(codes(kind), 0, DOCUMENTS, context=5)
    assert [(c.document, c.value, c.before, c.token, c.after) for c in found] == [
        ("one", 3.0, " saw ", "the", " dog"),
        ("two", 2.0, "", "the", " end"),
    ]
    everything = top_contexts(codes(kind), 0, DOCUMENTS, one_per_document=False)
    assert [c.value for c in everything] == [3.0, 2.0, 1.0]
    assert len(top_contexts(codes(kind), 0, DOCUMENTS, n=1)) == 1


def test_equal_values_keep_the_order_of_the_text():
    found = top_contexts(codes(), 1, DOCUMENTS, one_per_document=False, context=0)
    assert [(c.token, c.value) for c in found] == [("cat", 2.0), ("dog", 2.0), ("end", -5.0)]


def test_top_tokens_share_the_activation():
    shares = top_tokens(codes(), 0, DOCUMENTS)
    assert [(s.token, s.firings, s.mean, s.largest, s.share) for s in shares] == [("the", 3, 2.0, 3.0, 1.0)]
    shares = top_tokens(codes(), 1, DOCUMENTS, n=2)
    assert [(s.token, s.share) for s in shares] == [("end", 5 / 9), ("cat", 2 / 9)]


def test_firing_rate():
    assert firing_rate(codes(), 0) == 3 / 7
    assert firing_rate(codes(scipy.sparse.csr_array), 1) == 3 / 7


def many(values, width=8):
    """Codes of one latent with these values over documents of `width` words each, saved words and all."""
    words = [f"w{number}" for number in range(len(values))]
    documents, spans = [], []
    for number, first in enumerate(range(0, len(words), width)):
        text = ""
        for word in words[first : first + width]:
            spans.append((number, len(text), len(text) + len(word)))
            text += word + " "
        documents.append(Document(f"text {number}", text))
    document, start, end = np.array(spans).T
    names = tuple(text.name for text in documents)
    table = TokenTable(document, np.arange(len(words)), start, end, np.arange(len(words)), names, text_hash(documents))
    return Codes(np.array(values, dtype=np.float32)[:, None], table), documents


def test_one_per_document_keeps_the_strongest_of_each():
    values = np.random.default_rng(0).permutation(40).astype(float)
    found, documents = many(values)
    by_hand = sorted(max(values[first : first + 8]) for first in range(0, 40, 8))[::-1]
    assert [context.value for context in top_contexts(found, 0, documents, n=9)] == by_hand


def test_a_place_can_be_found_again():
    for context in top_contexts(codes(), 0, DOCUMENTS, n=9, context=3, one_per_document=False):
        text = next(document.text for document in DOCUMENTS if document.name == context.document)
        assert text[context.start :].startswith(context.token + context.after)
        assert text[: context.start].endswith(context.before)


def test_a_sample_by_strength_is_drawn_from_equal_intervals():
    #         0 to 2        2 to 4         4 to 6   6 to 8       8 to 10; an upper edge belongs to its interval
    values = [0.5, 2.0, 0, 2.001, 3, 4.0, 0, 0, 0, 7.0, 6.5, 8.0, 10.0]
    found, documents = many(values)
    intervals = contexts_by_strength(found, 0, documents, intervals=5, each=2)
    assert [(each.low, each.high, each.firings) for each in intervals] == [
        (8.0, 10.0, 1), (6.0, 8.0, 3), (4.0, 6.0, 0), (2.0, 4.0, 3), (0.0, 2.0, 2),
    ]  # fmt: skip
    assert [len(each.contexts) for each in intervals] == [1, 2, 0, 2, 2]
    for each in intervals:
        strengths = [context.value for context in each.contexts]
        assert strengths == sorted(strengths, reverse=True)
        assert all(each.low < strength <= each.high for strength in strengths)
    assert intervals == contexts_by_strength(found, 0, documents, intervals=5, each=2)
    drawn = {contexts_by_strength(found, 0, documents, each=1, seed=seed)[1].contexts[0].value for seed in range(20)}
    assert drawn == {6.5, 7.0, 8.0}


def test_a_sample_is_uniform_within_its_interval():
    found, documents = many([1.0] * 10)
    places = [contexts_by_strength(found, 0, documents, 1, 1, seed=seed)[0].contexts[0].token for seed in range(400)]
    counts = np.unique(places, return_counts=True)[1]
    assert len(counts) == 10
    # Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand.
    assert ((counts - 40) ** 2 / 40).sum() < 27.9


def test_negative_activations_begin_their_intervals_at_the_least():
    found, documents = many([-4.0, -1.0, 3.0, 4.0])
    intervals = contexts_by_strength(found, 0, documents, intervals=2, each=5)
    assert [[context.value for context in each.contexts] for each in intervals] == [[4.0, 3.0], [-1.0, -4.0]]
    assert [(each.low, each.high) for each in intervals] == [(0.0, 4.0), (-4.0, 0.0)]
    only = contexts_by_strength(*_with_documents([-4.0, -1.0]), intervals=2)
    assert [(each.low, each.high, each.firings) for each in only] == [(-2.0, 0.0, 1), (-4.0, -2.0, 1)]


def _with_documents(values):
    found, documents = many(values)
    return found, 0, documents


def test_a_silent_latent_has_no_places():
    found, documents = many([0.0, 0.0])
    assert firing_rate(found, 0) == 0
    assert top_contexts(found, 0, documents) == []
    assert top_tokens(found, 0, documents) == []
    assert contexts_by_strength(found, 0, documents) == []


def test_opened_codes_say_the_same(tmp_path):
    held = codes(scipy.sparse.csr_array)
    opened = Codes.open(held.save(tmp_path / "codes"))
    for latent in range(2):
        assert top_contexts(opened, latent, DOCUMENTS) == top_contexts(held, latent, DOCUMENTS)
        assert top_tokens(opened, latent, DOCUMENTS) == top_tokens(held, latent, DOCUMENTS)
        assert contexts_by_strength(opened, latent, DOCUMENTS) == contexts_by_strength(held, latent, DOCUMENTS)


def test_documents_in_another_order_and_with_others_among_them():
    more = [Document("more", "text"), *DOCUMENTS[::-1]]
    assert top_contexts(codes(), 0, iter(more)) == top_contexts(codes(), 0, DOCUMENTS)


def test_documents_that_were_cut_are_cut_again(tmp_path):
    """What `write_codes(longest=...)` reads are parts, named name#1 and so on."""
    whole = [Document("one", "the cat saw\nthe dog\n"), Document("two", "the end")]
    parts = [part for _, part in DocumentParts(whole, 12)]
    assert [part.name for part in parts] == ["one#1", "one#2", "two"]
    table = TokenTable(
        [0, 1, 2], [0, 0, 0], [4, 4, 4], [7, 7, 7], [0, 0, 0], ("one#1", "one#2", "two"), text_hash(parts)
    )
    cut = Codes(np.array([[1.0], [2.0], [3.0]]), table, provenance={"options": {"longest": 12}})
    assert [(place.document, place.token) for place in top_contexts(cut, 0, whole)] == [
        ("two", "end"), ("one#2", "dog"), ("one#1", "cat"),
    ]  # fmt: skip
    assert top_contexts(cut, 0, parts) == top_contexts(cut, 0, whole)
    unknown = Codes(np.array([[1.0], [2.0], [3.0]]), table)
    with pytest.raises(InvalidCodes, match=r"'one#1' was read but is not among the 2 documents given \(2 of 3"):
        top_contexts(unknown, 0, whole)


def test_what_cannot_be_read():
    with pytest.raises(InvalidCodes, match="no token table"):
        top_contexts(Codes(np.ones((2, 1))), 0, DOCUMENTS)
    with pytest.raises(InvalidCodes, match="no latent 2"):
        top_tokens(codes(), 2, DOCUMENTS)
    with pytest.raises(InvalidCodes, match=r"'two' was read but is not among the 1 documents given \(1 of 2"):
        top_contexts(codes(), 0, DOCUMENTS[:1])
    with pytest.raises(InvalidCodes, match=r"characters 4 to 7 of 'one', which has 5.*not the text"):
        top_contexts(codes(), 0, [Document("one", "short"), DOCUMENTS[1]])
    with pytest.raises(InvalidCodes, match=r"not their text \(hash .*the codes are of .*was a file changed since"):
        top_contexts(codes(), 0, [Document("one", "the cat saw the hog"), DOCUMENTS[1]])
    for documents in ("the cat", ["the cat", "the end"]):
        with pytest.raises(InvalidText, match="a str was given as a document; documents_from_strings makes documents"):
            top_contexts(codes(), 0, documents)
    for options in ({"n": -1}, {"context": -1}):
        with pytest.raises(InvalidConfig, match=r"(n|context) is -1; at least 0 is needed"):
            top_contexts(codes(), 0, DOCUMENTS, **options)
    for options in ({"intervals": 0}, {"each": 0}):
        with pytest.raises(InvalidConfig, match=r"(intervals|each) is 0; at least 1 is needed"):
            contexts_by_strength(codes(), 0, DOCUMENTS, **options)
    with pytest.raises(InvalidConfig, match="n is -1"):
        top_tokens(codes(), 0, DOCUMENTS, n=-1)
