"""Windows that end where words begin: models with different tokenizers read the same text in each."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations.cuts import Cuts, common_cuts
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.reading import read_codes
from geomsim.activations.text import documents_from_strings, text_hash
from geomsim.activations.tokenization import Tokenization, load_tokenizer, tokenization_of
from geomsim.activations.tokens import TokenTable
from geomsim.activations.transformers_source import TransformersSource
from geomsim.activations.windows import FIRST, Windowing, window_batches
from geomsim.errors import InvalidConfig, InvalidText


def by_pattern(pattern: str) -> Tokenization:
    """A tokenizer whose tokens are the matches of a pattern that leaves nothing out."""

    def tokenize(text):
        spans = [match.span() for match in re.finditer(pattern, text, re.DOTALL)]
        return [ord(text[start]) % 256 for start, _ in spans], spans

    return Tokenization(tokenize)


CHARACTERS = by_pattern(".")
LEADING_SPACE = by_pattern(r" ?\w+|\s|[^\w\s]+")
LOOSE_SPACE = by_pattern(r"\w{1,2}|\s+|[^\w\s]")


def cuts_at(documents, offsets):
    """The first document cut at these characters."""
    return Cuts({documents[0].name: np.array(offsets)}, {documents[0].name: text_hash(documents[:1])})


@dataclass
class Reader:
    tokenization: Tokenization
    context: int


def windows_of(documents, tokenization, context, cuts=None):
    """For each document the text of each of its windows, tokens joined."""
    found = {document.name: [] for document in documents}
    texts = {document.name: document.text for document in documents}
    windowing = Windowing(context, keep_first=True)
    for batch in window_batches(documents, tokenization, windowing, cuts=cuts, batch_tokens=50):
        tokens = batch.tokens
        for window in np.unique(batch.window):
            rows = np.flatnonzero(batch.window == window)
            name = tokens.documents[tokens.document[rows[0]]]
            assert len(rows) <= context
            found[name].append("".join(texts[name][tokens.start[row] : tokens.end[row]] for row in rows))
    return found


def test_windows_of_two_tokenizers_hold_the_same_words():
    documents = documents_from_strings(["to be or not to be, that is  the question", "", "one", "  two words\r\n"])
    readers = [Reader(LEADING_SPACE, 4), Reader(LOOSE_SPACE, 6)]
    cuts = common_cuts(documents, readers)
    left, right = (windows_of(documents, reader.tokenization, reader.context, cuts) for reader in readers)
    assert [[each.split() for each in windows] for windows in left.values()] == [
        [each.split() for each in windows] for windows in right.values()
    ]
    # By 4 tokens and 6: to, be, or, | not, to, | be, that, | is, the, | question; spaces are tokens on the right.
    pieces = [["to", "be", "or"], ["not", "to"], ["be,", "that"], ["is", "the"], ["question"]]
    assert [each.split() for each in left["0"]] == pieces
    assert (cuts.inside_words, cuts.across_tokens) == (0, 0)
    # Without cuts the windows end at other words.
    apart = [windows_of(documents, reader.tokenization, reader.context)["0"] for reader in readers]
    assert [each.split() for each in apart[0]] != [each.split() for each in apart[1]]


def test_a_token_with_a_leading_space_goes_with_its_word():
    documents = documents_from_strings(["aa bb cc"])
    cuts = cuts_at(documents, [3, 6])
    assert windows_of(documents, LEADING_SPACE, 4, cuts) == {"0": ["aa", " bb", " cc"]}
    assert windows_of(documents, CHARACTERS, 4, cuts) == {"0": ["aa ", "bb ", "cc"]}


def test_a_token_across_a_cut_goes_with_the_piece_before_it():
    documents = documents_from_strings(["abcd"])
    pairs = by_pattern("..")
    assert windows_of(documents, pairs, 4, cuts_at(documents, [1, 3])) == {"0": ["ab", "cd"]}


def test_cuts_that_no_token_lies_across_come_first():
    documents = documents_from_strings(["x = self._y + self.z"])
    over_two = by_pattern(r"\._?|\w+|.")  # "._" is a token over the words "." and "_y"
    cuts = common_cuts(documents, [Reader(over_two, 6), Reader(CHARACTERS, 12)], "code")
    # The six tokens x, =, self and ._ with their spaces end at 10, and the last word to begin before, "_y" at 9, begins
    # inside a token; so the piece ends where "." begins.
    assert cuts.offsets["0"].tolist() == [8, 18]
    assert cuts.across_tokens == 0


def test_where_every_begin_of_a_word_lies_inside_a_token_it_is_counted():
    documents = documents_from_strings(["a b c d e f"])
    two_words = by_pattern(r" ?. .")  # "a b", " c d", " e f": the second word begins inside
    cuts = common_cuts(documents, [Reader(two_words, 1), Reader(CHARACTERS, 3)])
    assert cuts.offsets["0"].tolist() == [2, 4, 6, 8]
    assert cuts.across_tokens == 2
    assert windows_of(documents, two_words, 1, cuts) == {"0": ["a b", " c d", " e f"]}
    assert windows_of(documents, CHARACTERS, 3, cuts) == {"0": ["a ", "b ", "c ", "d ", "e f"]}


def test_a_word_longer_than_a_context_is_cut_inside_and_counted():
    documents = documents_from_strings(["ab " + "x" * 10 + " cd"])
    readers = [Reader(CHARACTERS, 4), Reader(by_pattern(r"x{3}|\s|\w"), 3)]
    cuts = common_cuts(documents, readers)
    # Tokens of three x begin at 3, 6 and 9; the spaces behind the word at 13.
    assert cuts.offsets["0"].tolist() == [3, 6, 9, 13]
    assert cuts.inside_words == 2
    for reader in readers:
        pieces = windows_of(documents, reader.tokenization, reader.context, cuts)["0"]
        assert pieces == ["ab ", "xxx", "xxx", "xxxx", " cd"]


@settings(max_examples=80)
@given(
    st.lists(st.text(alphabet="ab é\n_.", max_size=40), min_size=1, max_size=3),
    st.integers(2, 7),
    st.integers(3, 9),
    st.sampled_from(["whitespace", "code"]),
)
def test_every_piece_fits_and_none_could_take_the_next_word(texts, left_context, right_context, pattern):
    documents = documents_from_strings(texts)
    readers = [Reader(LEADING_SPACE, left_context), Reader(CHARACTERS, right_context)]
    cuts = common_cuts(documents, readers, pattern)
    from geomsim.activations.words import word_spans

    for document in documents:
        offsets = cuts.offsets[document.name]
        edges = [0, *offsets.tolist(), len(document.text)]
        assert (np.diff(offsets) > 0).all()
        starts = word_spans(document.text, pattern)[:, 0]
        for begin, end in itertools.pairwise(edges):
            assert end - begin <= right_context  # of one character a token, the longer side at least
            if end in starts:
                later = starts[starts > end]
                assert not (later - begin <= min(left_context, right_context)).any()
    for reader in readers:
        found = windows_of(documents, reader.tokenization, reader.context, cuts)
        assert ["".join(found[document.name]) for document in documents] == texts


def test_cuts_that_do_not_fit():
    documents = documents_from_strings(["to be or not"])
    cuts = common_cuts(documents, [Reader(LEADING_SPACE, 4)])
    assert cuts.offsets["0"].tolist() == []
    with pytest.raises(InvalidConfig, match="document '0': the window from character 0 has 12 tokens, more than the"):
        windows_of(documents, CHARACTERS, 4, cuts)
    with pytest.raises(InvalidConfig, match="not those of document '0': they know another text under that name"):
        windows_of(documents_from_strings(["to be"]), LEADING_SPACE, 4, cuts)
    with pytest.raises(InvalidConfig, match="of 1 documents are not those of document '1': they know no such document"):
        windows_of(documents_from_strings(["to be or not", "x"]), LEADING_SPACE, 4, cuts)
    with pytest.raises(InvalidText, match="two documents are named '0'"):
        common_cuts(documents * 2, [Reader(LEADING_SPACE, 4)])
    with pytest.raises(InvalidConfig, match="no sources"):
        common_cuts(documents, [])
    with pytest.raises(InvalidConfig, match=r"cuts of document '0' must ascend from above 0, got \[3, 3\]"):
        cuts_at(documents, [3, 3])
    with pytest.raises(InvalidConfig, match=r"must ascend from above 0, got \[0\]"):
        cuts_at(documents, [0])
    bytes_of = Tokenization(
        lambda text: (list(range(4 * len(text))), [(i // 4, i // 4 + 1) for i in range(4 * len(text))])
    )
    with pytest.raises(InvalidConfig, match="document '0': character 0, '🤖', has more tokens than the 3 that fit"):
        common_cuts(documents_from_strings(["🤖🤖"]), [Reader(bytes_of, 3)])


class Place(torch.nn.Module):
    """What a token's place in its window is."""

    def __init__(self):
        super().__init__()
        self.place = torch.nn.Identity()

    def forward(self, ids):
        return self.place(torch.arange(ids.shape[1]).float().expand(ids.shape)[..., None])


def test_sources_read_with_cuts_and_say_so(tiny_models, tmp_path):
    documents = documents_from_strings(["to be or not to be, that is the question", "x"])
    module = ModuleSource(Place(), LEADING_SPACE.tokenize, context=5)
    model = TransformersSource(tiny_models["gpt2"])
    cuts = common_cuts(documents, [module, model])
    reading = module.cut_at(cuts)
    assert module.provenance.keys() == reading.provenance.keys() - {"cuts"}
    assert reading.provenance["cuts"] == cuts.provenance
    json.dumps(reading.provenance)
    batches = list(reading.read(documents, ["place"]))
    tokens = TokenTable.concatenate([batch.tokens for batch in batches])
    assert tokens.left_out == {FIRST: len(cuts.offsets["0"]) + 2}
    assert 1 <= float(torch.cat([batch.activations["place"] for batch in batches]).max()) < 5
    again = reading.cut_at(None)
    assert next(again.read(documents, ["place"])).tokens.same_tokens(next(module.read(documents, ["place"])).tokens)
    codes = read_codes(model.cut_at(cuts), documents, {"residual:1": None})["residual:1"]
    assert codes.provenance["source"]["cuts"]["sha256"] == cuts.provenance["sha256"]
    whole = tokenization_of(load_tokenizer(str(tiny_models["gpt2"]))).tokenize(documents[0].text)[1]
    kept = {(start, end) for start, end in zip(codes.tokens.start, codes.tokens.end, strict=True)}
    assert kept <= {tuple(span) for span in whole}  # no piece was tokenized by itself


def test_codes_are_written_shard_by_shard_with_one_set_of_cuts(tmp_path):
    """Each shard holds some of the documents, and the cuts of all of them serve."""
    from geomsim.activations.codes import Codes
    from geomsim.activations.pooling import pool_words
    from geomsim.activations.reading import write_codes

    documents = documents_from_strings(
        ["to be or not to be, that is", "the question", "whether tis nobler in the mind"]
    )
    readers = [ModuleSource(Place(), each.tokenize, context=7) for each in (LEADING_SPACE, LOOSE_SPACE)]
    cuts = common_cuts(iter(documents), readers)
    pooled = []
    for name, reader in zip(("left", "right"), readers, strict=True):
        source = reader.cut_at(cuts)
        folders = {"place": tmp_path / name}
        write_codes(source, documents, {"place": None}, folders, shard_characters=1)
        assert len(list(folders["place"].glob("*.safetensors"))) == 3
        codes = Codes.open(folders["place"])
        assert codes.tokens.same_tokens(read_codes(source, documents, {"place": None})["place"].tokens)
        pooled.append(pool_words(codes, iter(documents)))
    assert pooled[0].provenance["source"]["cuts"] == pooled[1].provenance["source"]["cuts"]
    # The first word of each window has its only token left out on the left side, and not on the right.
    assert set(pooled[0].tokens.start) < set(pooled[1].tokens.start)


def test_the_transformer_lens_source_reads_the_same_windows(tiny_models):
    pytest.importorskip("transformer_lens")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    documents = documents_from_strings(["def add(left, right):\n    return left + right\n" * 3])
    sources = [TransformersSource(tiny_models["gpt2"]), TransformerLensSource(tiny_models["gpt2"])]
    cuts = common_cuts(documents, [*sources, Reader(CHARACTERS, 10)])
    assert len(cuts.offsets["0"]) > len(documents[0].text) // 10 - 1
    codes = [read_codes(source.cut_at(cuts), documents, {"residual:1": None})["residual:1"] for source in sources]
    assert codes[0].tokens.same_tokens(codes[1].tokens)
    np.testing.assert_allclose(codes[0].dense(), codes[1].dense(), atol=1e-4)
    usual = read_codes(sources[0], documents, {"residual:1": None})["residual:1"]
    assert not usual.tokens.same_tokens(codes[0].tokens)
