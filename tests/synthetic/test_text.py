from __future__ import annotations

import json
import re

import numpy as np
import pytest

import geomsim
from geomsim.errors import InvalidConfig
from geomsim_synthetic import Setting, SyntheticText, Tokenisation, TwoModels, from_setting
from geomsim_synthetic.vocabulary import N_WORDS, PUNCTUATION, symbols, words

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def two() -> TwoModels:
    return from_setting(
        Setting(n_features=30, width=8, n_tokens=3000, mean_active=3.0, junk=4, junk_rate=0.3, n_documents=7)
    )


@pytest.fixture(scope="module")
def text(two: TwoModels) -> SyntheticText:
    return two.text()


def test_words_are_where_they_are_said_to_be(two: TwoModels, text: SyntheticText) -> None:
    assert len(text) == 3000
    assert len(text.documents) == 7
    known = symbols(0)
    # By splitting each document's text at its spaces, which the source never does.
    n = 0
    for number, content in enumerate(text.documents.values()):
        for found in re.finditer(r"\S+", content):
            assert (text.document[n], text.start[n], text.end[n]) == (number, *found.span())
            assert text.word(n) == found[0] == known[two.symbols[n]]
            n += 1
    assert n == 3000


@pytest.mark.parametrize("side", SIDES)
def test_tokens_cover_their_word(text: SyntheticText, side: str) -> None:
    tokens = getattr(text, side)
    contents = list(text.documents.values())
    for word in range(400):
        pieces = np.flatnonzero(tokens.word == word)
        spans = list(dict.fromkeys(zip(tokens.start[pieces].tolist(), tokens.end[pieces].tolist(), strict=True)))
        joined = "".join(contents[text.document[word]][start:end] for start, end in spans)
        assert joined.strip(" ") == text.word(word)
        if side == "right" and text.start[word] > 0:
            assert joined.startswith(" ")
        np.testing.assert_array_equal(tokens.is_last[pieces], [False] * (len(pieces) - 1) + [True])
    for document in range(7):
        inside = tokens.document == document
        np.testing.assert_array_equal(tokens.position[inside], np.arange(inside.sum()))


def test_the_two_tokenisations_differ_and_accents_share_a_span(text: SyntheticText) -> None:
    assert len(text.left) > len(text.right) > len(text)
    left = text.left
    same = (left.start[1:] == left.start[:-1]) & (left.end[1:] == left.end[:-1]) & (left.word[1:] == left.word[:-1])
    contents = list(text.documents.values())
    assert same.any()
    for place in np.flatnonzero(same):
        assert contents[left.document[place]][left.start[place] : left.end[place]] in "éö"
        assert left.token_id[place] != left.token_id[place + 1]


@pytest.mark.parametrize("side", SIDES)
def test_pooling_by_the_last_or_largest_token_gives_the_words(two: TwoModels, text: SyntheticText, side: str) -> None:
    tokens = getattr(text, side)
    codes = tokens.codes(unfinished=0.5)
    truth = getattr(two, side).codes.toarray()
    dense = codes.dense()
    np.testing.assert_array_equal(dense[tokens.is_last], truth)
    largest = np.zeros_like(truth)
    np.maximum.at(largest, tokens.word, dense)
    np.testing.assert_array_equal(largest, truth)
    unfinished = ~tokens.is_last
    np.testing.assert_allclose(dense[unfinished], 0.5 * truth[tokens.word[unfinished]])
    assert tokens.codes().n_firings == two_firings(truth)


def two_firings(truth: np.ndarray) -> int:
    return int((truth != 0).sum())


def test_codes_carry_a_token_table_of_one_text(two: TwoModels, text: SyntheticText) -> None:
    left, right = text.left.codes(), text.right.codes()
    assert left.tokens is not None
    assert right.tokens is not None
    assert left.text_hash == right.text_hash != ""
    assert left.tokens.documents == tuple(text.documents)
    assert len(left.tokens) == len(text.left)
    # Words that both cut alike can be paired as they are.
    aligned = geomsim.activations.align(left, right)
    assert 0 < aligned.left.n_tokens == aligned.right.n_tokens < len(text)
    other = from_setting(two.setting, seed=1).text()
    assert other.left.codes().text_hash != left.text_hash


def test_junk_fires_on_its_mark_alone(two: TwoModels) -> None:
    junk = [row for row, kind in enumerate(two.truth.left.kind) if kind == "junk"]
    marks = set()
    for row in junk:
        tokens = np.flatnonzero(two.left.codes[:, [row]].toarray())
        (mark,) = set(two.symbols[tokens].tolist())
        np.testing.assert_array_equal(tokens, np.flatnonzero(two.symbols == mark))
        marks.add(mark)
        rate = two.truth.left.probability[row]
        assert abs(len(tokens) - 3000 * rate) < 5 * np.sqrt(3000 * rate)
    assert marks == {0, 1, 2, 3}
    junk_links = [link for link in two.truth.links if link.relation == "junk"]
    assert {link.left for link in junk_links} == set(junk)


def test_the_vocabulary() -> None:
    assert len(set(words(3))) == len(words(3)) == N_WORDS
    assert words(3) != words(4)
    assert not set(PUNCTUATION) & set(words(3))
    assert all(re.fullmatch(r"\w+", word) for word in words(3))


@pytest.mark.parametrize("piece", [1, 2, 5, 100])
@pytest.mark.parametrize("splits_accents", [True, False])
def test_pieces_put_a_word_together_again(piece: int, splits_accents: bool) -> None:
    tokenisation = Tokenisation(piece, splits_accents=splits_accents)
    for word in ("a", "é", "éé", "kublé", "éra", "metromé"):
        spans = tokenisation.cut(word)
        assert "".join(word[start:end] for start, end in dict.fromkeys(spans)) == word
        assert all(end - start <= piece for start, end in spans)
        assert len(spans) - len(set(spans)) == (word.count("é") if splits_accents else 0)


def test_the_alignment_goes_to_json(text: SyntheticText) -> None:
    stored = json.loads(json.dumps(text.to_dict()))
    assert stored["documents"] == text.documents
    words = stored["words"]
    contents = list(stored["documents"].values())
    for side in SIDES:
        tokens = stored[side]
        assert set(tokens["word"]) == set(range(len(text)))
        columns = (tokens[name] for name in ("word", "start", "end", "document"))
        for word, start, end, document in zip(*columns, strict=True):
            assert document == words["document"][word]
            piece = contents[document][start:end].strip(" ")
            assert piece in contents[document][words["start"][word] : words["end"][word]]


def test_impossible_texts(two: TwoModels, text: SyntheticText) -> None:
    with pytest.raises(InvalidConfig, match=r"left=3 must be a Tokenisation, such as Tokenisation\(piece=4\)"):
        two.text(left=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="piece=0 must be a whole number of at least 1"):
        Tokenisation(0)
    with pytest.raises(InvalidConfig, match=r"unfinished=1.5 must be a fraction"):
        text.left.codes(1.5)
