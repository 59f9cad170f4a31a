from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from geomsim.activations.codes import Codes
from geomsim.activations.latents import firing_rate, top_contexts, top_tokens
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

DOCUMENTS = [Document("one", "the cat saw the dog"), Document("two", "the end")]
SPANS = [(0, 0, 3), (0, 4, 7), (0, 8, 11), (0, 12, 15), (0, 16, 19), (1, 0, 3), (1, 4, 7)]
#          the   cat   saw   the   dog   the   end
LATENTS = [[1.0, 0.0, 0.0, 3.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0, 2.0, 0.0, -5.0]]


def codes(kind=np.asarray):
    document, start, end = np.array(SPANS).T
    names = tuple(text.name for text in DOCUMENTS)
    table = TokenTable(document, np.arange(7), start, end, np.arange(7), names, "hash")
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


def test_what_cannot_be_read():
    with pytest.raises(InvalidCodes, match="no token table"):
        top_contexts(Codes(np.ones((2, 1))), 0, DOCUMENTS)
    with pytest.raises(InvalidCodes, match="no latent 2"):
        top_tokens(codes(), 2, DOCUMENTS)
    with pytest.raises(InvalidCodes, match="'two' was read but is not among the 1 documents"):
        top_contexts(codes(), 0, DOCUMENTS[:1])
    with pytest.raises(InvalidCodes, match=r"characters 12 to 15 of 'one', which has 5.*not the text"):
        top_contexts(codes(), 0, [Document("one", "short"), DOCUMENTS[1]])
