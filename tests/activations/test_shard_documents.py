from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from counted_codes import assert_agree
from letters import letters_source

from geomsim.activations.alignment import align
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.codes_reader import iterate_shards, n_shards
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.counting_codes import count_codes
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.pooling import pool_words
from geomsim.activations.reading import write_codes
from geomsim.activations.shard_documents import first_documents, refuse_unlike_shards
from geomsim.activations.text import read_documents
from geomsim.activations.tokens import TokenTable
from geomsim.cli.words import words as words_verb
from geomsim.errors import InvalidCodes

OPTIONS = {"min_firings": 5, "min_cofirings": 1}


def pairs_source():
    """A second tokenizer: two characters a token."""

    def tokenize(text):
        spans = [(start, min(start + 2, len(text))) for start in range(0, len(text), 2)]
        return [sum(map(ord, text[start:end])) % 256 for start, end in spans], spans

    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = torch.nn.Sequential(torch.nn.Embedding(256, 7), torch.nn.Tanh())
    return ModuleSource(module, tokenize, context=8, name="pairs")


@pytest.fixture
def text(tmp_path):
    """A directory of 40 texts, some of which have no word."""
    random = np.random.default_rng(0)
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(40):
        letters = "  " if number in range(10, 15) else "abcdefg  "
        (folder / f"{number:02d}.txt").write_text("".join(random.choice(list(letters), 30)))
    return folder


def test_words_of_two_tokenizers_are_counted_shard_by_shard(text, tmp_path):
    documents = read_documents(text)
    left, right = tmp_path / "left", tmp_path / "right"
    for source, folder in ((letters_source(), left), (pairs_source(), right)):
        write_codes(source, documents, {"1": None}, {"1": folder}, shard_characters=150)
        assert words_verb(folder, text=str(text), out=tmp_path / f"{folder.name}_words") == 0
    assert first_documents(left) == first_documents(right) == list(range(0, 40, 5))
    words = [tmp_path / "left_words", tmp_path / "right_words"]
    assert [n_shards(folder) for folder in words] == [8, 8]
    sizes = [[shard.n_tokens for shard in iterate_shards(folder)] for folder in words]
    assert sizes[0] != sizes[1]  # each side has left out words of its own
    with pytest.warns(match="rest on 7 blocks of text"):  # of white space no words are made
        counted = count_codes(*words, tmp_path / "sums").candidates(**OPTIONS)
    left_codes, right_codes = (Codes.open(folder) for folder in words)
    assert counted.n_tokens == correlate(left_codes, right_codes, **OPTIONS).n_tokens
    # The same in memory: words aligned over the whole text, shards as blocks.
    aligned = align(left_codes, right_codes)
    shard_of = aligned.left.groups // 5
    expected = correlate(*(Codes(side.matrix, groups=shard_of) for side in aligned[:2]), **OPTIONS)
    assert_agree(counted, expected)


def test_words_saved_at_other_documents_are_refused_before_anything_is_counted(text, tmp_path):
    documents = read_documents(text)
    saved = []
    for source, name in ((letters_source(), "left"), (pairs_source(), "right")):
        write_codes(source, documents, {"1": None}, {"1": tmp_path / name}, shard_characters=150)
        pooled = pool_words(Codes.open(tmp_path / name), documents)
        saved.append(tmp_path / f"{name}_words")
        with CodesWriter(saved[-1], shard_tokens=len(pooled) // 4) as writer:
            writer.append(pooled)
    assert n_shards(saved[0]) == n_shards(saved[1])
    message = r"document \d+ is in shard \d of .*words and in shard \d of .*words; .*shard_documents=\[0\]"
    with pytest.raises(InvalidCodes, match=message):
        count_codes(*saved, tmp_path / "sums")
    assert not (tmp_path / "sums").exists()


def made(folder, cuts, documents, tokens=True):
    """Codes of one token per entry of `documents`, cut at these rows whatever they are of."""
    rows = np.arange(len(documents))
    for shard, (start, stop) in enumerate(itertools.pairwise([0, *cuts, len(rows)])):
        part = rows[start:stop]
        table = TokenTable(np.asarray(documents)[part], part, part, part + 1, part, tuple("abcdefgh"), "f00d")
        codes = (
            Codes(np.ones((len(part), 1)), table) if tokens else Codes(np.ones((len(part), 1)), groups=table.document)
        )
        yield shard, codes


def test_a_document_that_is_in_two_shards_is_named(tmp_path, monkeypatch):
    from geomsim.activations import shard_documents

    def refuse(left, right):
        stored = {"left": dict(left), "right": dict(right)}
        monkeypatch.setattr(shard_documents, "n_shards", lambda folder: len(stored[folder.name]))
        monkeypatch.setattr(shard_documents, "first_documents", lambda folder: None)
        monkeypatch.setattr(shard_documents, "open_shard", lambda folder, shard, verify: stored[folder.name][shard])
        refuse_unlike_shards("left", "right")

    whole = [0, 0, 1, 1, 2, 2]
    refuse(made("left", [4], whole), made("right", [4], whole))
    refuse(made("left", [4], whole), made("right", [3], [0, 1, 1, 2]))
    with pytest.raises(InvalidCodes, match="document 1 is in shard 0 of left and in shard 1 of left"):
        refuse(made("left", [3], whole), made("right", [3], whole))
    with pytest.raises(InvalidCodes, match="document 1 is in shard 0 of left and in shard 1 of right"):
        refuse(made("left", [4], whole), made("right", [2], whole))
    # Groups of codes without a token table may have other numbers on the other side.
    refuse(made("left", [4], whole, tokens=False), made("right", [4], [2, 2, 0, 0, 1, 1], tokens=False))
    with pytest.raises(InvalidCodes, match="document 1 is in shard 0 of left and in shard 1 of left"):
        refuse(made("left", [3], whole, tokens=False), made("right", [3], whole, tokens=False))
