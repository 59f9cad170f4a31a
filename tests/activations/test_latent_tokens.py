from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim.activations import latent_tokens
from geomsim.activations.codes import Codes
from geomsim.activations.latent_tokens import (
    TopTokens,
    read_top_tokens,
    save_top_tokens,
    top_tokens_table,
)
from geomsim.activations.latents import top_tokens
from geomsim.activations.text import Document, text_hash
from geomsim.activations.token_texts import token_strings
from geomsim.activations.tokens import TokenTable
from geomsim.errors import GeomsimError, InvalidCodes
from geomsim.tables import write_parquet

WORDS = ["to", "be", "or", "not", "None", "NA", "\n", "é"]


def written(words, matrix, per_document=5):
    """Codes over a text of these words, and its documents; a matrix of (tokens, latents)."""
    documents, spans = [], []
    for number, first in enumerate(range(0, len(words), per_document)):
        text = ""
        for word in words[first : first + per_document]:
            spans.append((number, len(text), len(text) + len(word)))
            text += word + " "
        documents.append(Document(f"text {number}", text))
    document, start, end = np.array(spans).T
    names = tuple(document.name for document in documents)
    tokens = TokenTable(document, np.arange(len(words)), start, end, np.arange(len(words)), names, text_hash(documents))
    return Codes(matrix, tokens, name="some codes"), documents


def one_by_one(codes, documents, n):
    return [
        (latent, rank, share.token, share.firings)
        for latent in range(codes.n_latents)
        for rank, share in enumerate(top_tokens(codes, latent, documents, n), 1)
    ]


def listed(table):
    frame = table.frame
    return list(zip(frame["latent"], frame["rank"], frame["token"], frame["firings"], strict=True))


@settings(max_examples=60)
@given(data=st.data(), n=st.integers(1, 4), sparse=st.booleans(), budget=st.sampled_from([1, 700, 1 << 20]))
def test_all_latents_at_once_equal_one_by_one(data, n, sparse, budget):
    # Small whole numbers make ties, which keep the order of the text, and leave rounding out of it.
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    shape = len(words), data.draw(st.integers(1, 5))
    values = data.draw(
        st.lists(
            st.sampled_from([0.0, 0.0, 1.0, 2.0, -2.0]), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
        )
    )
    matrix = np.array(values).reshape(shape)
    codes, documents = written(words, scipy.sparse.csr_array(matrix) if sparse else matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_tokens, "batch_budget", lambda: budget)
        table = top_tokens_table(codes, documents, n)
    assert listed(table) == one_by_one(codes, documents, n)
    shares = [share.share for latent in range(shape[1]) for share in top_tokens(codes, latent, documents, n)]
    np.testing.assert_allclose(table.frame["share"], shares, rtol=1e-12)
    assert [len(row) for row in table.strings] == np.bincount(table.frame["latent"], minlength=shape[1]).tolist()


def test_real_numbers_and_many_latents():
    random = np.random.default_rng(0)
    words = random.choice(WORDS, 400).tolist()
    matrix = scipy.sparse.random(400, 60, density=0.1, random_state=0, format="csr")
    codes, documents = written(words, matrix, per_document=37)
    assert listed(top_tokens_table(codes, documents)) == one_by_one(codes, documents, 5)


def test_ranked_by_the_strongest_activation():
    #                  to   be   to   or   be
    values = np.array([[1.0, 3.0, 1.0, -4.0, 3.0], [2.0, 2.0, 2.0, 2.0, 2.0]]).T
    codes, documents = written(["to", "be", "to", "or", "be"], values)
    table = top_tokens_table(codes, documents, ranked_by="largest")
    assert table.strings == [["or", "be", "to"], ["to", "be", "or"]]
    np.testing.assert_allclose(table.frame["share"], [4 / 12, 6 / 12, 2 / 12, 0.4, 0.4, 0.2])
    assert top_tokens_table(codes, documents).strings[0] == ["be", "or", "to"]


@given(data=st.data())
@settings(max_examples=30)
def test_the_strongest_activation_is_that_of_a_plain_search(data):
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=10))
    values = data.draw(st.lists(st.sampled_from([0.0, 1.0, -2.0, 3.0]), min_size=len(words), max_size=len(words)))
    codes, documents = written(words, np.array(values)[:, None])
    strongest: dict[str, float] = {}
    for word, value in zip(words, values, strict=True):
        if value:
            strongest[word] = max(strongest.get(word, 0.0), abs(value))
    expected = sorted(strongest, key=lambda word: -strongest[word])[:3]
    assert top_tokens_table(codes, documents, 3, ranked_by="largest").strings == [expected]


def test_silent_latents_have_no_tokens_but_are_counted():
    codes, documents = written(["to", "be"], np.array([[0.0, 1.0, 0.0], [0.0, 3.0, 0.0]]))
    table = top_tokens_table(codes, documents)
    assert table.strings == [[], ["be", "to"], []]
    assert (len(table), table.silent) == (3, 2)
    assert repr(table) == "TopTokens(2 tokens of 3 latents, 2 of them silent)"
    assert table.frame["share"].tolist() == [0.75, 0.25]


def test_codes_without_a_firing():
    codes, documents = written(["to", "be"], np.zeros((2, 3)))
    table = top_tokens_table(codes, documents)
    assert table.strings == [[], [], []]
    assert list(table.frame.columns) == ["latent", "rank", "token", "share", "firings"]


def test_token_strings_are_cut_from_the_text():
    words = ["to", "be", "\n", "é", "None", "or"]
    codes, documents = written(words, np.ones((6, 1)))
    assert token_strings(codes, documents) == words


def test_a_table_comes_back_from_its_file(tmp_path):
    words = ["None", "NA", "nan", "", "\n\n ", "é"]
    codes, documents = written(words, np.eye(6, 8))
    table = top_tokens_table(codes, documents)
    back = read_top_tokens(save_top_tokens(table, tmp_path / "deep" / "top.parquet"))
    pd.testing.assert_frame_equal(back.frame, table.frame, check_dtype=False)
    assert back.strings == table.strings == [[word] for word in words] + [[], []]
    assert (
        back.provenance
        == table.provenance
        == {"codes": "some codes", "text_hash": codes.text_hash, "n": 5, "ranked_by": "share"}
    )


def test_an_empty_table_comes_back_too(tmp_path):
    codes, documents = written(["to"], np.zeros((1, 2)))
    back = read_top_tokens(save_top_tokens(top_tokens_table(codes, documents), tmp_path / "top.parquet"))
    assert back.strings == [[], []]


def test_a_file_of_other_origin(tmp_path):
    frame = pd.DataFrame({"latent": [2, 0, 2], "rank": [2, 1, 1], "token": ["b", "x", "a"]})
    table = read_top_tokens(write_parquet(frame, tmp_path / "top.parquet"))
    assert isinstance(table, TopTokens)
    assert table.strings == [["x"], [], ["a", "b"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latent": [0], "token": ["a"]}, "need the columns latent, rank and token, and this file has latent, token"),
        ({"latent": [0.5], "rank": [1], "token": ["a"]}, "column 'latent' must hold whole numbers"),
        ({"latent": [-1], "rank": [1], "token": ["a"]}, "column 'latent' must hold whole numbers from 0"),
        ({"latent": [0, 1], "rank": [1, 1], "token": ["a", None]}, "row 1 has no text as its token"),
        ({"latent": [3, 3], "rank": [1, 1], "token": ["a", "b"]}, "latent 3 has more than one token of rank 1"),
    ],
)
def test_a_file_that_is_no_table_of_tokens(tmp_path, columns, message):
    path = write_parquet(pd.DataFrame(columns), tmp_path / "top.parquet")
    with pytest.raises(InvalidCodes, match=rf"top\.parquet: .*{message}"):
        read_top_tokens(path)


def test_a_file_that_contradicts_itself(tmp_path):
    frame = pd.DataFrame({"latent": [4], "rank": [1], "token": ["a"]})
    path = write_parquet(frame, tmp_path / "top.parquet", metadata={"top_tokens": {"n_latents": 3}})
    with pytest.raises(InvalidCodes, match="latent 4 lies outside, the file says it is of 3 latents"):
        read_top_tokens(path)


def test_other_suffixes_and_missing_files(tmp_path):
    codes, documents = written(["to"], np.ones((1, 1)))
    with pytest.raises(InvalidCodes, match=r"top\.csv: top tokens are saved as \.parquet"):
        save_top_tokens(top_tokens_table(codes, documents), tmp_path / "top.csv")
    with pytest.raises(InvalidCodes, match=r"top\.csv: top tokens are read from \.parquet"):
        read_top_tokens(tmp_path / "top.csv")
    with pytest.raises(GeomsimError, match="no such file"):
        read_top_tokens(tmp_path / "top.parquet")


def test_what_cannot_be_counted():
    codes, documents = written(["to", "be"], np.ones((2, 1)), per_document=1)
    with pytest.raises(InvalidCodes, match="no token table"):
        top_tokens_table(Codes(np.ones((2, 1))), documents)
    with pytest.raises(InvalidCodes, match="'text 1' was read but is not among the 1 documents given"):
        top_tokens_table(codes, documents[:1])
    with pytest.raises(InvalidCodes, match="token 1 spans characters 0 to 2 of 'text 1', which has 1"):
        top_tokens_table(codes, [documents[0], Document("text 1", "x")])
    with pytest.raises(InvalidCodes, match="at least one token per latent is needed, got n=0"):
        top_tokens_table(codes, documents, n=0)
    with pytest.raises(InvalidCodes, match="ranked_by must be one of share, largest, got 'mean'"):
        top_tokens_table(codes, documents, ranked_by="mean")
