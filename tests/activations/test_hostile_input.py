"""Text, codes, models and dictionaries that nobody should give, but somebody will: what works, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

import geomsim
from geomsim.activations.codes import Codes
from geomsim.activations.dictionary import read_dictionary
from geomsim.activations.latent_look import look
from geomsim.activations.latent_tokens import top_tokens_table
from geomsim.activations.latents import top_contexts, top_tokens
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import Document, documents_from_strings, read_documents
from geomsim.activations.transformers_source import TransformersSource
from geomsim.activations.windows import EMPTY, FIRST, SPECIAL, Windowing
from geomsim.cli.app import run
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidModel, InvalidPairing, InvalidText

MODELS = Path(__file__).parents[2] / "examples" / "code_models"
LEFT = MODELS / "left"
PLAIN = "def add(left, right):\n    return left + right\n"


@pytest.fixture(scope="module")
def source():
    pytest.importorskip("transformers")
    return TransformersSource(LEFT)


@pytest.fixture(scope="module")
def dictionary():
    return read_dictionary(LEFT / "saes" / "layer_0")


def read(source, dictionary, *texts):
    return read_codes(source, documents_from_strings(texts), {"residual:0": dictionary})["residual:0"]


# Text through the public functions.


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_empty_document_changes_nothing_but_the_counts(place, source, dictionary):
    texts = [PLAIN, "x = 1\ny = 2\n"]
    alone = read(source, dictionary, *texts)
    texts.insert(place, "")
    among = read(source, dictionary, *texts)
    np.testing.assert_array_equal(alone.dense(), among.dense())
    assert among.tokens.left_out == {**alone.tokens.left_out, EMPTY: 1}
    assert sorted({*among.groups}) == [number for number in range(3) if number != place]


def test_a_document_of_one_word_is_counted_where_its_only_token_is_the_first(source, dictionary):
    codes = read(source, dictionary, "x", PLAIN, "word")
    assert set(codes.groups) == {1}
    assert codes.tokens.left_out == {FIRST: 3}
    kept = TransformersSource(LEFT, keep_first=True)
    assert set(read(kept, dictionary, "x", PLAIN).groups) == {0, 1}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["", ""], "no token of the 2 documents was kept .left out: 2 x document without tokens"),
        (["x"], "no token of the 1 documents was kept .left out: 1 x first of window"),
        (["<|endoftext|>" * 300], "no token of the 1 documents was kept .left out: 300 x special token"),
    ],
)
def test_text_of_which_nothing_remains(texts, said, source, dictionary):
    with pytest.raises(InvalidText, match=said):
        read(source, dictionary, *texts)


def test_special_tokens_alone_are_counted_beside_other_text(source, dictionary):
    codes = read(source, dictionary, "<|endoftext|>" * 300, PLAIN)
    assert set(codes.groups) == {1}
    assert codes.tokens.left_out == {SPECIAL: 300, FIRST: 1}


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b\x00\x00 c\x07 d", "\ufeffbegins with a mark", "\u202eturned\u200b\u2066 round",
        "e\u0301" * 40 + "\N{WOMAN}\u200d\N{GIRL}", "\r\n" * 50,
    ],
    ids=["NUL", "byte-order mark", "overrides", "combining and joined", "line ends"],
)  # fmt: skip
def test_odd_characters_keep_their_places(text, source, dictionary):
    documents = documents_from_strings([text])
    codes = read_codes(source, documents, {"residual:0": dictionary})["residual:0"]
    tokens = codes.tokens
    assert ((tokens.start >= 0) & (tokens.start <= tokens.end) & (tokens.end <= len(text))).all()
    assert (np.diff(tokens.start) >= 0).all()
    latent = int(codes.firings().argmax())
    for place in top_contexts(codes, latent, documents, context=10_000, one_per_document=False):
        assert place.before + place.token + place.after == text
    shown = str(look(codes, latent, documents))
    assert not set(shown) & set("\x00\x07\r\u202e\u2066")


def test_half_a_surrogate_pair_is_refused_by_its_place(source, dictionary):
    with pytest.raises(InvalidText, match="document '1': character 3 is half of a surrogate pair"):
        read(source, dictionary, PLAIN, "abc\udc80")


def test_a_word_of_100_000_characters(source, dictionary):
    text = "".join(chr(ord("a") + 7 * place % 26) for place in range(100_000))
    codes = read(source, dictionary, text)
    tokens = codes.tokens
    assert codes.n_tokens + tokens.left_out[FIRST] == int(tokens.position.max()) + 1
    assert tokens.left_out[FIRST] == -(-(int(tokens.position.max()) + 1) // 128)
    assert tokens.end[-1] == 100_000
    place = top_contexts(codes, int(codes.firings().argmax()), documents_from_strings([text]), n=1, context=50)[0]
    assert len(place.before + place.token + place.after) <= 100 + len(place.token)


def test_thousands_of_empty_documents(source, dictionary):
    codes = read(source, dictionary, *[""] * 3000, PLAIN)
    assert codes.tokens.left_out == {EMPTY: 3000, FIRST: 1}
    assert set(codes.groups) == {3000}


@pytest.mark.parametrize("given", [[PLAIN], PLAIN, [("name", PLAIN)]])
def test_what_is_no_document_is_refused(given, source, dictionary):
    with pytest.raises(InvalidText, match=r"a (str|tuple) was given as a document; documents_from_strings makes"):
        read_codes(source, given, {"residual:0": dictionary})


def test_a_link_to_nothing_and_a_name_that_is_no_text_are_named(tmp_path):
    (tmp_path / "good.txt").write_text("text")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "gone.txt")
    with pytest.raises(InvalidText, match=r"link\.txt: the link leads to no file"):
        read_documents(tmp_path)
    assert [document.name for document in read_documents(tmp_path, "good*")] == ["good.txt"]
    link.unlink()
    (tmp_path / "caf\udce9.txt").write_text("text")
    with pytest.raises(InvalidText, match=r"the name of the file .* is not UTF-8; rename it"):
        read_documents(tmp_path)


# Models and dictionaries.


def test_a_path_in_place_of_a_dictionary_is_refused(source):
    with pytest.raises(InvalidModel, match=r"site 'residual:1': a str was given as a dictionary; read_dictionary"):
        read_codes(source, documents_from_strings([PLAIN]), {"residual:1": "saes/layer_1"})


def test_a_tokenizer_of_another_module_is_named():
    module = ModuleSource(
        torch.nn.Sequential(torch.nn.Embedding(50, 3)), lambda text: ([ord(one) for one in text], [(0, 1)] * len(text)),
        context=4,
    )  # fmt: skip
    with pytest.raises(InvalidModel, match=r"token numbers up to 97 .* does this tokenizer belong to it"):
        list(module.read(documents_from_strings(["aaaa"]), ["0"]))


@pytest.mark.parametrize("context", [16.5, True, "16"])
def test_a_context_that_is_no_number_of_tokens(context):
    with pytest.raises(InvalidConfig, match=r"context is .*; a whole number of tokens is needed"):
        Windowing(context)


def test_windows_longer_than_the_model_takes():
    with pytest.raises(InvalidConfig, match="windows of 129 tokens were asked for, but the model takes 128"):
        TransformersSource(LEFT, context=129)
    for context in (1, 0, -5):
        with pytest.raises(InvalidConfig, match=f"context is {context}; windows need at least 2 tokens"):
            TransformersSource(LEFT, context=context)


def test_a_dictionary_of_another_width_is_refused_before_anything_is_written(source, tmp_path):
    other = read_dictionary(MODELS / "right" / "saes" / "layer_0")
    with pytest.raises(InvalidModel, match="of width 128, but those of the model at 'residual:0' have width 96"):
        write_codes(source, documents_from_strings([PLAIN]), {"residual:0": other}, {"residual:0": tmp_path / "codes"})
    assert not list((tmp_path).rglob("*.safetensors"))
    assert not list((tmp_path).rglob("manifest.json"))


# Codes.


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_activations_that_are_not_finite_are_counted_and_the_first_is_named(kind, bad):
    matrix = np.ones((6, 3))
    matrix[2, 1] = matrix[4, 0] = bad
    with pytest.raises(InvalidCodes, match="NaN or infinite values on 2 of 6 tokens, the first is token 2"):
        Codes(kind(matrix))


@pytest.mark.parametrize("latent", [1.5, True, -1, 3, "1"])
def test_a_latent_that_is_none(latent):
    for codes in (Codes(np.ones((6, 3))), Codes(scipy.sparse.csr_array(np.ones((6, 3))))):
        with pytest.raises(InvalidCodes, match=f"there is no latent {latent!r}: .* has latents 0 to 2"):
            codes.latent(latent)
        assert codes.latent(np.int64(2)).tolist() == [1.0] * 6


def test_latents_that_never_fire_have_no_partner_and_say_so():
    random = np.random.default_rng(0)
    values = random.random((600, 8)) * (random.random((600, 8)) < 0.5)
    values[:, [2, 5]] = 0
    left, right = Codes.from_scipy(scipy.sparse.csr_array(values)), Codes.from_dense(values[:, ::-1])
    pairing = geomsim.pair(left, right, min_firings=10, min_cofirings=5)
    assert sorted(pairing.left) == [0, 1, 3, 4, 6, 7]
    np.testing.assert_array_equal(pairing.right, 7 - pairing.left)
    silent = Codes.from_scipy(scipy.sparse.csr_array((600, 8)))
    with pytest.raises(InvalidPairing, match=r"no pair was found .*silent 8"):
        geomsim.pair(silent, right)


def test_all_dense_codes_pair_as_sparse_ones_do():
    random = np.random.default_rng(0)
    values = random.normal(size=(600, 8))
    codes = {sparse: Codes.from_dense(values, sparse=sparse) for sparse in (True, False)}
    other = Codes.from_dense(values[:, ::-1] + 0.1 * random.normal(size=(600, 8)))
    found = {sparse: geomsim.pair(each, other) for sparse, each in codes.items()}
    for pairing in found.values():
        np.testing.assert_array_equal(pairing.right, 7 - pairing.left)
    np.testing.assert_allclose(found[True].weight, found[False].weight, atol=1e-6)


def test_codes_of_two_texts_are_refused(source, dictionary):
    left, right = read(source, dictionary, PLAIN * 9), read(source, dictionary, PLAIN.replace("add", "sum") * 9)
    for work in (geomsim.pair, geomsim.correlate):
        with pytest.raises(InvalidCodes, match=r"read different texts \(hash \w{12} and \w{12}\)"):
            work(left, right)
    documents = documents_from_strings([PLAIN.replace("add", "sum") * 9])
    for show in (top_contexts, top_tokens, look):
        with pytest.raises(InvalidCodes, match="not their text"):
            show(left, 0, documents)
    with pytest.raises(InvalidCodes, match="not their text"):
        top_tokens_table(left, documents)


def test_two_shards_of_different_dictionaries_are_refused(source, dictionary, tmp_path):
    import dataclasses

    documents = documents_from_strings([PLAIN * 4] * 20)
    folders = []
    for name in "ab":
        named = dataclasses.replace(dictionary, sha256=name * 64)
        folder = tmp_path / name
        write_codes(source, documents, {"residual:0": named}, {"residual:0": folder}, shard_characters=500)
        folders.append(folder)
    first, second = (sorted(folder.glob("*.safetensors")) for folder in folders)
    assert len(first) == len(second) > 1
    shutil.copy(second[1], first[1])
    with pytest.raises(InvalidCodes, match=rf"{first[1].name}.*dictionary"):
        Codes.open(folders[0])


# The command line: exit code 1, the reason on standard error, nothing that looks finished.


def texts(folder, **files):
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.txt").write_bytes(data)
    return str(folder)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no file fits the pattern"),
        ({"a": b"fine", "bad": b"caf\xe9 au lait"}, "bad.txt: not UTF-8: byte 3 is 0xe9"),
        ({"half": b"ab\xed\xa0\x80"}, "half.txt: not UTF-8: byte 2 is 0xed"),
        ({"a": b"", "b": b""}, "no token of the 2 documents was kept (left out: 2 x document without tokens)"),
        ({"a": b"x"}, "(left out: 1 x first of window)"),
        ({"a": b"<|endoftext|>" * 3}, "(left out: 3 x special token)"),
    ],
    ids=["no files", "latin-1", "surrogate", "all empty", "one token", "special tokens"],
)
def test_text_that_the_command_line_refuses(files, said, tmp_path, capsys):
    text = texts(tmp_path / "text", **files)
    out = tmp_path / "out"
    arguments = ["activations", str(LEFT), "--site", "residual:0", "--text", text, "--out", str(out), "-q"]
    assert run(arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(out.rglob("manifest.json"))
    # The same folder can be used as soon as there is text.
    (tmp_path / "text" / "more.txt").write_text(PLAIN)
    (tmp_path / "text" / "bad.txt").unlink(missing_ok=True)
    (tmp_path / "text" / "half.txt").unlink(missing_ok=True)
    assert run(arguments) == 0
    assert Codes.open(out / "residual_0").n_tokens > 0


def test_odd_text_goes_through_the_command_line(tmp_path, capsys):
    text = texts(tmp_path / "text", a=b"", b=b"a\x00b" * 9, c=b"x", d=b"y" * 100_000, e=b"<|endoftext|>")
    sae = str(LEFT / "saes" / "layer_0")
    assert run(["activations", str(LEFT), "-d", sae, "--text", text, "--out", str(tmp_path / "out"), "-q"]) == 0
    capsys.readouterr()
    codes = Codes.open(tmp_path / "out" / "residual_0")
    assert codes.tokens.left_out[EMPTY] == 1
    assert codes.tokens.left_out[SPECIAL] == 1
    assert {codes.tokens.documents[number] for number in set(codes.groups)} == {"b.txt", "d.txt"}
    latent = int(codes.firings().argmax())
    documents = read_documents(text)
    assert top_contexts(codes, latent, documents, n=2)
    assert "\x00" not in str(look(codes, latent, documents))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--context", "129"], "windows of 129 tokens were asked for, but the model takes 128"),
        (["--site", "residual:9"], "has 2 blocks, counted from 0; the last is 1"),
        (["--max-norm-multiple", "1"], "a multiple of the median above 1 is needed"),
        (["--batch-tokens", "0"], "--batch-tokens is 0; at least 1"),
        (["-d", str(MODELS / "right" / "saes" / "layer_1")], "of width 128, but those of the model"),
        (["-d", str(LEFT)], "no dictionary in a known format"),
    ],
)
def test_options_that_the_command_line_refuses(more, said, tmp_path, capsys):
    text = texts(tmp_path / "text", a=PLAIN.encode())
    out = tmp_path / "out"
    arguments = ["activations", str(LEFT), "--text", text, "--out", str(out), *more]
    arguments += [] if {"--site", "-d"} & set(more) else ["--site", "residual:0"]
    assert run(arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(out.rglob("manifest.json"))


def test_documents_of_one_name_are_refused(source, dictionary):
    twice = [Document("a", PLAIN), Document("a", PLAIN)]
    with pytest.raises(InvalidText, match="two documents are named 'a'"):
        read_codes(source, twice, {"residual:0": dictionary})
