"""From tokens to words: the pools against a slow reference, and each trap by its name."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from word_checks import SENTENCE, SENTENCE_WORDS, all_kept, slowly_pooled, token_codes, words_of

from geomsim.activations.alignment import align
from geomsim.activations.codes import Codes
from geomsim.activations.pooled_rows import maxima, sums
from geomsim.activations.pooling import pool_words
from geomsim.activations.text import documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.activations.windows import EMPTY, FIRST, NORM, SPECIAL
from geomsim.errors import InvalidCodes, InvalidConfig, InvalidText

POOLS = ("last", "max", "mean", "sum")
MODELS = Path(__file__).parents[2] / "examples/code_models"


def rows(codes: Codes) -> list[float]:
    return codes.dense()[:, 0].tolist()


@st.composite
def tokenized_texts(draw):
    """Some documents of letters, spaces and an accent, cut into tokens anywhere, characters split at times."""
    texts = draw(st.lists(st.text(alphabet="ab é\n", max_size=12), min_size=1, max_size=4))
    kept = []
    for text in texts:
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=6)))
        bounds = [0, *(cut for cut in cuts if cut < len(text)), len(text)]
        spans = [(a, b) for a, b in itertools.pairwise(bounds) if b > a]
        for place in reversed(range(len(spans))):
            if text[spans[place][1] - 1] == "é" and draw(st.booleans()):
                end = spans[place][1]
                spans.insert(place + 1, (end - 1, end))
        kept.append(spans)
    seed = draw(st.integers(0, 2**16))
    return texts, all_kept(*kept), seed


@settings(max_examples=60)
@given(tokenized_texts(), st.sampled_from(POOLS), st.sampled_from([r"\S+", r"[ab]", "é?a+"]), st.booleans())
def test_every_pool_is_the_slow_reference(made, pool, pattern, sparse):
    texts, kept, seed = made
    n_tokens = sum(map(len, kept))
    if not n_tokens:
        return
    random = np.random.default_rng(seed)
    values = random.normal(size=(n_tokens, 5)) * (random.random((n_tokens, 5)) < 0.4)
    codes, documents = token_codes(texts, kept, scipy.sparse.csr_array(values) if sparse else values)
    expected = slowly_pooled(codes, documents, pool, pattern)
    if not expected:
        with pytest.raises(InvalidCodes, match="none is left"):
            pool_words(codes, documents, pool, pattern)
        return
    words = pool_words(codes, documents, pool, pattern)
    assert words.is_sparse == sparse
    assert list(zip(words.tokens.document.tolist(), words.tokens.position.tolist(), strict=True)) == list(expected)
    np.testing.assert_allclose(words.dense(), np.array(list(expected.values())), rtol=1e-6, atol=1e-7)
    assert words.groups.tolist() == words.tokens.document.tolist()
    assert (words.tokens.token_id == -1).all()


def test_rows_in_any_order_give_the_same_words():
    texts, spans = ["one two", "três"], ([(0, 3), (3, 5), (5, 7)], [(0, 2), (2, 3), (2, 3), (3, 4)])
    codes, documents = token_codes(texts, all_kept(*spans))
    shuffled = codes.take(np.array([4, 0, 6, 2, 5, 1, 3]))
    for pool in POOLS:
        left, right = pool_words(codes, documents, pool), pool_words(shuffled, documents, pool)
        assert left.tokens.same_tokens(right.tokens)
        np.testing.assert_array_equal(left.dense(), right.dense())


def test_pieces_of_bounded_memory_give_the_same_maxima():
    random = np.random.default_rng(1)
    dense = random.normal(size=(50, 7)) * (random.random((50, 7)) < 0.5)
    row, begin = random.integers(0, 50, 60), np.arange(0, 60, 3)
    end = begin + random.integers(1, 4, 20)
    expected = np.array([dense[row[a:b]].max(axis=0) for a, b in zip(begin, end, strict=True)])
    for matrix in (dense, scipy.sparse.csr_array(dense)):
        for memory in (1, 2000, None):
            found = maxima(matrix, row, begin, end, memory=memory)
            np.testing.assert_allclose(found.toarray() if scipy.sparse.issparse(found) else found, expected)
    totals = np.array([dense[row[a:b]].sum(axis=0) for a, b in zip(begin, end, strict=True)])
    np.testing.assert_allclose(sums(scipy.sparse.csr_array(dense), row, begin, end).toarray(), totals)


# The traps.


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("H₂O", [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)], [5.0]),  # subscript two inside
        ("CO₂ is", [(0, 2), (2, 3), (2, 3), (2, 3), (3, 6)], [4.0, 5.0]),  # and at the end
        ("café", [(0, 3), (3, 4), (3, 4)], [3.0]),
        ("café", [(0, 4), (3, 4)], [2.0]),  # the first byte of the accent came with the letters before
        ("🤖", [(0, 1)] * 4, [4.0]),
        ("x₂y z", [(0, 2), (1, 3), (3, 5)], [2.0, 3.0]),  # its last byte came with the letter behind
    ],
)
def test_one_character_split_over_several_tokens_is_seen_with_the_last(text, spans, expected):
    codes, documents = token_codes([text], all_kept(spans))
    assert rows(pool_words(codes, documents)) == expected


def test_a_token_over_two_words_belongs_to_both_and_is_counted():
    codes, documents = token_codes(["to be or"], all_kept([(0, 1), (1, 4), (4, 5), (5, 8)]))
    words = pool_words(codes, documents)
    # "to" ends in the token "o b", the last to hold a character of it; so does the beginning of "be".
    assert rows(words) == [2.0, 3.0, 4.0]
    assert words.provenance["words"]["tokens_over_several_words"] == 1
    assert rows(pool_words(codes, documents, "sum")) == [3.0, 5.0, 4.0]
    one_token, documents = token_codes(["a b c"], all_kept([(0, 5)]))
    assert rows(pool_words(one_token, documents)) == [1.0, 1.0, 1.0]
    codes, documents = token_codes(["__init__(self"], all_kept([(0, 2), (2, 6), (6, 9), (9, 13)]))
    words = pool_words(codes, documents, "last", "code")
    assert (words_of(words, documents), rows(words)) == (["__init__", "(", "self"], [3.0, 3.0, 4.0])


def test_leading_spaces_owned_by_the_token():
    codes, documents = token_codes(["to be  or"], all_kept([(0, 2), (2, 5), (5, 9)]))
    words = pool_words(codes, documents)
    assert (words_of(words, documents), rows(words)) == (["to", "be", "or"], [1.0, 2.0, 3.0])
    assert words.provenance["words"]["tokens_over_several_words"] == 0
    assert words.tokens.left_out == {}


def test_runs_of_spaces_are_no_words_and_counted():
    codes, documents = token_codes(["a   \n\n  b "], all_kept([(0, 1), (1, 4), (4, 6), (6, 9), (9, 10)]))
    words = pool_words(codes, documents)
    assert rows(words) == [1.0, 4.0]
    assert words.tokens.left_out == {"token of no word": 3}
    assert words.provenance["words"]["tokens_of_no_word"] == 3
    assert (words.provenance["words"]["words"], words.provenance["words"]["tokens"]) == (2, 5)


def test_isnt_is_one_word_however_it_is_cut():
    for spans in ([(0, 5)], [(0, 3), (3, 5)], [(0, 2), (2, 3), (3, 4), (4, 5)]):
        codes, documents = token_codes(["isn't"], all_kept(spans))
        assert rows(pool_words(codes, documents)) == [float(len(spans))]


def test_special_tokens_at_zero_zero_belong_to_no_word():
    codes, documents = token_codes(["ab c"], all_kept([(0, 0), (0, 2), (2, 4), (0, 0)]))
    words = pool_words(codes, documents)
    assert rows(words) == [2.0, 3.0]
    assert words.tokens.left_out == {"token of no word": 2}
    inside, documents = token_codes(["ab c"], all_kept([(0, 2), (1, 1), (2, 4)]))  # of no character, so of no word
    assert rows(pool_words(inside, documents)) == [1.0, 3.0]


def test_an_inline_end_of_text_is_left_out_where_it_ends_a_word():
    text = "one <|endoftext|> two<|endoftext|> <|endoftext|>three"
    # The special tokens at positions 1, 3 and 5 were left out by their number.
    kept = [[(0, 0, 4), (2, 17, 21), (4, 34, 35), (6, 48, 53)]]
    codes, documents = token_codes([text], kept, left_out={SPECIAL: 3})
    words = pool_words(codes, documents)
    assert words_of(words, documents) == ["one", "<|endoftext|>three"]
    assert words.tokens.left_out == {
        "word without a kept token (special token)": 1,
        "word without its last token (special token)": 1,
        "token of no word": 1,
    }
    assert words_of(pool_words(codes, documents, "max"), documents) == ["one", "two<|endoftext|>", "<|endoftext|>three"]


def test_an_empty_document_has_no_words():
    codes, documents = token_codes(["", "a b", ""], all_kept([], [(0, 1), (1, 3)], []), left_out={EMPTY: 2})
    words = pool_words(codes, documents)
    assert rows(words) == [1.0, 2.0]
    assert words.tokens.documents == ("0", "1", "2")
    assert words.tokens.document.tolist() == [1, 1]
    assert words.tokens.left_out == {}


def test_a_document_of_one_word_whose_only_token_is_the_first_of_its_window():
    codes, documents = token_codes(["word", "two words"], [[], [(1, 3, 9)]], left_out={FIRST: 2})
    words = pool_words(codes, documents)
    assert words_of(words, documents) == ["words"]
    assert words.tokens.left_out == {"word without a kept token (first of window)": 2}


def test_crlf_ends_a_word():
    codes, documents = token_codes(["one\r\ntwo\r\n"], all_kept([(0, 3), (3, 4), (4, 5), (5, 9), (9, 10)]))
    words = pool_words(codes, documents)
    assert (words_of(words, documents), rows(words)) == (["one", "two"], [1.0, 4.0])


def test_a_combining_accent_is_part_of_its_word():
    text = "cafe\u0301 x"
    codes, documents = token_codes([text], all_kept([(0, 4), (4, 5), (4, 5), (5, 7)]))
    for pattern in ("whitespace", "code"):
        words = pool_words(codes, documents, "last", pattern)
        assert (words_of(words, documents), rows(words)) == (["cafe\u0301", "x"], [3.0, 4.0])


def test_a_joined_emoji_is_one_word():
    text = "👩\u200d👧!"
    codes, documents = token_codes([text], all_kept([(0, 1), (0, 1), (1, 2), (1, 3), (2, 3), (3, 4)]))
    assert rows(pool_words(codes, documents)) == [6.0]
    assert rows(pool_words(codes, documents, "last", "code")) == [5.0, 6.0]


def test_a_word_longer_than_the_context_has_a_first_token_in_each_window():
    text = "abcdefgh ij"
    kept = [[(1, 1, 2), (2, 2, 3), (4, 4, 5), (5, 5, 6), (7, 7, 8), (8, 8, 10), (9, 10, 11)]]
    codes, documents = token_codes([text], kept, left_out={FIRST: 3})
    assert rows(pool_words(codes, documents)) == [5.0, 7.0]
    mean = pool_words(codes, documents, "mean")
    assert rows(mean) == [3.0, 6.5]
    assert mean.provenance["words"]["words_pooled_from_a_part"] == 1


# What reading left out.


def test_a_part_of_a_word_is_not_its_last_token():
    kept = [[(0, 0, 2), (2, 4, 6), (3, 6, 8)]]  # the token at characters 2 to 4 had a huge norm
    codes, documents = token_codes(["abcd efg"], kept, left_out={NORM: 1})
    words = pool_words(codes, documents)
    assert words_of(words, documents) == ["efg"]
    assert words.tokens.left_out == {"word without its last token (huge norm)": 1}
    parts = pool_words(codes, documents, "max")
    assert words_of(parts, documents) == ["abcd", "efg"]
    assert parts.provenance["words"]["words_pooled_from_a_part"] == 1
    assert parts.provenance["words"]["tokens_left_out"] == {NORM: 1}


@pytest.mark.parametrize(
    ("kept", "parts"),
    [
        ([(0, 0, 2), (1, 2, 4), (2, 4, 6)], 0),
        ([(0, 0, 2), (2, 4, 6)], 1),
        ([(1, 2, 4), (2, 4, 6)], 1),
        ([(0, 0, 2), (1, 2, 4)], 1),
    ],
)
def test_words_pooled_from_a_part_are_counted(kept, parts):
    codes, documents = token_codes(["abcdef"], [kept], left_out={NORM: 3 - len(kept)})
    assert pool_words(codes, documents, "sum").provenance["words"]["words_pooled_from_a_part"] == parts


@pytest.mark.parametrize(
    ("text", "kept", "left_out", "known"),
    [
        ("é b", [(1, 0, 1), (2, 1, 3)], {FIRST: 1}, "complete"),  # its second byte, and the next token follows
        ("aé b", [(0, 0, 2), (2, 2, 4)], {FIRST: 1}, "incomplete"),  # position 1 can only be the accent's second byte
        ("aé b", [(0, 0, 2), (2, 3, 4)], {FIRST: 1}, "perhaps"),  # position 1 has the space, and perhaps that byte
        ("ae b", [(0, 0, 2), (2, 2, 4)], {FIRST: 1}, "complete"),  # a letter of one byte is seen in one token
        ("b é", [(0, 0, 1), (1, 1, 3)], {}, "complete"),  # the document ends here: nothing was left out
        ("b é", [(1, 1, 3)], {FIRST: 1}, "complete"),  # what was left out came before
        ("b é", [(1, 1, 3)], {FIRST: 2}, "perhaps"),  # one more was left out, and it may come after
        ("é<>", [(0, 0, 1), (1, 1, 3)], {}, "complete"),
    ],
)
def test_a_last_character_that_may_go_on_in_a_token_left_out(text, kept, left_out, known):
    place = text.split().index(next(word for word in text.split() if not word.isascii() or word == "ae"))
    for texts, tokens, counts in (
        ([text], [kept], left_out),
        ([text, ""], [kept, []], {**left_out, EMPTY: 1}),  # an empty document has no token to leave out
        ([text, "x"], [kept, []], {**left_out, FIRST: left_out.get(FIRST, 0) + 1}),  # the one of "x" is known
    ):
        codes, documents = token_codes(texts, tokens, left_out=counts)
        pooled = {pool: pool_words(codes, documents, pool) for pool in POOLS}
        assert (place in pooled["last"].tokens.position) == (known != "incomplete")
        for pool, words in pooled.items():
            made = words.provenance["words"]
            assert made["words_perhaps_unfinished"] == (known == "perhaps")
            assert made["words_pooled_from_a_part"] == (known == "incomplete" and pool != "last")
            # Its first byte may have been in the token that was left out before it.
            head = text == "é b"
            assert made["words_perhaps_pooled_from_a_part"] == (known == "perhaps") + head


def test_what_one_document_lost_takes_no_word_of_another():
    texts = ["x = 1 # café", "a bé"]
    spans = [(0, 1), (1, 3), (3, 5), (5, 7), (7, 11), (11, 12), (11, 12)]
    first = [(position, *span) for position, span in enumerate(spans)][1:]
    for lost in (2, 4):
        # The second document is left out behind its first token, which does not end in the accent.
        codes, documents = token_codes(texts, [first, [(1, 1, 3)]], left_out={FIRST: lost})
        words = pool_words(codes, documents)
        assert words_of(words, documents) == ["=", "1", "#", "café"]
        assert words.tokens.left_out[f"word without its last token ({FIRST})"] == 1
        # Nobody knows where the two tokens more were left out, so the word is counted too.
        assert words.provenance["words"]["words_perhaps_unfinished"] == (lost == 4)
        total = pool_words(codes, documents, "sum").provenance["words"]
        assert (total["words_pooled_from_a_part"], total["words_perhaps_unfinished"]) == (1, lost == 4)


def test_rows_of_a_document_are_the_same_whatever_is_read_beside_it():
    pytest.importorskip("transformers")
    if not (MODELS / "third").exists():
        pytest.skip("the example models are not here")
    from geomsim.activations.reading import read_codes
    from geomsim.activations.transformers_source import TransformersSource

    source = TransformersSource(MODELS / "left", context=8)
    alone = ["x = 1 # café", "naïve é", "🤖 " * 5 + "🤖", "y"]
    found = []
    for texts in (*([text] for text in alone[:3]), alone, ["", *reversed(alone), "z é"]):
        documents = documents_from_strings(texts)
        words = pool_words(read_codes(source, documents, {"residual:1": None})["residual:1"], documents)
        kept = {text: [] for text in alone}
        for document, word in zip(words.tokens.document.tolist(), words_of(words, documents), strict=True):
            kept.setdefault(texts[document], []).append(word)
        found.append(kept)
        assert "café" in kept["x = 1 # café"] or "x = 1 # café" not in texts
    for number, text in enumerate(alone[:3]):
        assert found[number][text] == found[3][text] == found[4][text] != []


@pytest.mark.parametrize("name", ["left", "third"])
def test_an_inline_end_of_text_read_by_a_shipped_model(name):
    """The literal is one special token, by whatever tokenizer, and takes with it the word that it ends."""
    pytest.importorskip("transformers")
    if not (MODELS / "third").exists():
        pytest.skip("the example models are not here")
    from geomsim.activations.reading import read_codes
    from geomsim.activations.transformers_source import TransformersSource

    text = "one two <|endoftext|> three<|endoftext|> <|endoftext|>four café<|endoftext|> é"
    documents = documents_from_strings([text])
    codes = read_codes(TransformersSource(MODELS / name), documents, {"residual:1": None})["residual:1"]
    assert codes.tokens.left_out == {SPECIAL: 4, FIRST: 1}
    # By hand: the first token is "one" for both tokenizers, and is the first of the window.
    kept = ["two", "<|endoftext|>four", "é"]
    cut = ["three<|endoftext|>", "café<|endoftext|>"]
    words = pool_words(codes, documents)
    assert words_of(words, documents) == kept
    why = f"({SPECIAL} or {FIRST})"
    assert {reason: count for reason, count in words.tokens.left_out.items() if reason != "token of no word"} == {
        f"word without a kept token {why}": 2, f"word without its last token {why}": 2,
    }  # fmt: skip
    # The row is that of the last token with a character of the word, and of none behind it.
    for row, word in enumerate(kept):
        end = text.rindex(word) + len(word)
        last = np.flatnonzero(codes.tokens.end == end)[-1]
        np.testing.assert_array_equal(words.dense()[row], codes.dense()[last])
    largest = pool_words(codes, documents, "max")
    assert words_of(largest, documents) == ["two", cut[0], kept[1], cut[1], "é"]
    assert largest.provenance["words"]["words_pooled_from_a_part"] == 3  # both, and "four" without what stands before
    # As code: the literal is three words of its own, none of which has a token, and the names before it are whole.
    code = pool_words(codes, documents, "last", "code")
    assert words_of(code, documents) == ["two", "three", "four", "café", "é"]
    assert code.tokens.left_out[f"word without a kept token {why}"] == 1 + 4 * 3


# Several tokenizers.


def byte_level(texts: list[str], size: int):
    tokenizers = pytest.importorskip("tokenizers")
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=size, min_frequency=1, show_progress=False)
    return lambda text: (encoded.ids, encoded.offsets) if (encoded := bpe.encode(text)) else ([], [])


def read_by(tokenize, texts: list[str]):
    return token_codes(texts, all_kept(*(tokenize(text)[1] for text in texts)))


@pytest.mark.parametrize("pool", POOLS)
def test_three_tokenizers_give_the_same_six_words(pool):
    plain = ["isn't it so naive", "the naive cafe isn't in H2O", "cafe naive"]
    lengths, tables = [], []
    for texts, size in ((plain, 256), (plain, 275), ([SENTENCE] * 3, 400)):
        codes, documents = read_by(byte_level(texts, size), [SENTENCE])
        words = pool_words(codes, documents, pool)
        assert words_of(words, documents) == SENTENCE_WORDS
        lengths.append(len(codes))
        tables.append(words)
    assert lengths[0] == len(SENTENCE.encode()) == 40
    assert lengths[0] > lengths[1] > 15 > lengths[2]
    for other in tables[1:]:
        assert tables[0].tokens.same_tokens(other.tokens)
        assert align(tables[0], other).left_out == {"left": 0, "right": 0}
    if pool == "last":
        # In bytes: the last byte of each word.
        ends = [len(SENTENCE[: SENTENCE.index(word) + len(word)].encode()) for word in SENTENCE_WORDS]
        assert rows(tables[0]) == ends


@pytest.mark.skipif(not (MODELS / "third").exists(), reason="the example models are not here")
def test_the_shipped_tokenizers_give_the_same_words():
    from geomsim.activations.tokenization import load_tokenizer, tokenization_of

    texts = [SENTENCE, "def f(self):\r\n    return self._naïve  # 🤖\n", "", "x", "café"]
    for pattern in ("whitespace", "code"):
        pooled, lengths = [], []
        for name in ("left", "third"):
            tokenize = tokenization_of(load_tokenizer(str(MODELS / name))).tokenize
            codes, documents = read_by(tokenize, texts)
            lengths.append(len(codes))
            pooled.append(pool_words(codes, documents, "last", pattern))
        assert lengths[0] != lengths[1]
        assert pooled[0].tokens.same_tokens(pooled[1].tokens)


def test_words_of_two_readings_of_the_third_and_left_models():
    """With what reading leaves out, the words that remain on both sides are the same, row by row."""
    pytest.importorskip("transformers")
    if not (MODELS / "third").exists():
        pytest.skip("the example models are not here")
    from geomsim.activations.reading import read_codes
    from geomsim.activations.transformers_source import TransformersSource

    documents = documents_from_strings([SENTENCE + "\n" + "def add(left, right):\n    return left + right\n" * 40, "x"])
    pooled = []
    for name in ("left", "third"):
        codes = read_codes(TransformersSource(MODELS / name), documents, {"residual:1": None})["residual:1"]
        pooled.append(pool_words(codes, documents))
    aligned = align(*pooled)
    assert aligned.left.tokens.same_tokens(aligned.right.tokens)
    assert 0 < aligned.left_out["left"] < 10
    assert len(aligned.left) > 200


# Align, and what is refused.


def two_words(texts=("one two three",), pattern="whitespace", keep=((0, 1, 2), (0, 1, 2))):
    spans = [(0, 3), (3, 7), (7, 13)]
    sides = []
    for kept in keep:
        codes, documents = token_codes(texts, [[(i, *spans[i]) for i in kept]], left_out={NORM: 3 - len(kept)})
        sides.append(pool_words(codes, documents, "last", pattern))
    return (*sides, documents)


def test_align_drops_words_that_one_side_kept():
    left, right, documents = two_words(keep=((0, 1), (1, 2)))
    aligned = align(left, right)
    assert words_of(aligned.left, documents) == words_of(aligned.right, documents) == ["two"]
    assert aligned.left_out == {"left": 1, "right": 1}
    assert rows(aligned.left) == [2.0]
    assert rows(aligned.right) == [1.0]
    none = two_words(keep=((0,), (2,)))
    with pytest.raises(InvalidCodes, match=r"1 words\) and right codes \(1 words\) share no word"):
        align(*none[:2])


def test_words_are_not_aligned_with_tokens_or_with_other_words():
    left, right, documents = two_words()
    tokens, _ = token_codes([documents[0].text], all_kept([(0, 3), (3, 13)]))
    with pytest.raises(InvalidCodes, match="left codes are words and those of the right codes are tokens; pool the ri"):
        align(left, tokens)
    with pytest.raises(InvalidCodes, match="right codes are words and those of the left codes are tokens; pool the le"):
        align(tokens, right)
    arrays = Codes(np.ones((3, 2)))  # nobody knows of what; the number of rows has to do
    assert align(left, arrays).left is left
    with pytest.raises(InvalidCodes, match=r"different words: the pattern of the left is '\\\\S\+', that of the right"):
        align(left, two_words(pattern="code")[1])
    total = pool_words(*token_codes(["one two three"], all_kept([(0, 3), (3, 7), (7, 13)])), "sum")
    with pytest.raises(
        InvalidCodes, match=r"left codes were pooled by 'last' and those of the right by 'sum', .*; pool both alike"
    ):
        align(left, total)
    with pytest.raises(InvalidCodes, match="left codes were pooled by 'sum' and those of the right by 'last'"):
        align(total, left)
    other = two_words(texts=("one two threx",))[1]
    with pytest.raises(InvalidCodes, match="read different texts"):
        align(left, other)


def moved(codes: Codes, start: list[int], end: list[int]) -> Codes:
    """The same words with their characters moved by so many."""
    table = codes.tokens
    other = TokenTable(
        table.document, table.position, table.start + np.array(start), table.end + np.array(end), table.token_id,
        table.documents, table.text_hash,
    )  # fmt: skip
    return Codes(codes.matrix, other, provenance=codes.provenance)


def test_the_first_word_that_differs_is_shown():
    left, right, documents = two_words()
    broken = moved(right, [0, 0, 0], [0, -1, -1])
    with pytest.raises(
        InvalidCodes,
        match=r"word 1 of document '0' is characters 4 to 7, on the left and characters 4 to 6, on the right "
        r"\(2 of 3 words differ\)",
    ):
        align(left, broken)
    with pytest.raises(InvalidCodes, match="is 'two', characters 4 to 7, on the left and 'tw', characters 4 to 6, on"):
        align(left, broken, documents)
    with pytest.raises(
        InvalidCodes, match="word 2 of document '0' is characters 8 to 13, on the left and characters 9"
    ):
        align(left, moved(right, [0, 0, 1], [0, 0, 0]))


def test_pooling_that_cannot_be():
    codes, documents = token_codes(["one two"], all_kept([(0, 3), (3, 7)]))
    with pytest.raises(InvalidConfig, match="pool 'first': choose last, max, mean, sum"):
        pool_words(codes, documents, "first")
    with pytest.raises(InvalidCodes, match="no token table, so nobody knows which characters"):
        pool_words(Codes(np.ones((2, 1))), documents)
    with pytest.raises(InvalidCodes, match="are of words already"):
        pool_words(pool_words(codes, documents), documents)
    with pytest.raises(InvalidText, match=r"of another text: they read 1 documents \(hash .*give the documents"):
        pool_words(codes, documents_from_strings(["one two!"]))
    with pytest.raises(InvalidText, match="these are 2"):
        pool_words(codes, documents_from_strings(["one two", ""]))
    with pytest.raises(InvalidCodes, match=r"of 0 words that match '\\\\d\+' none is left"):
        pool_words(codes, documents, "last", r"\d+")
    outside = Codes(codes.matrix, TokenTable([0, 0], [0, 1], [0, 3], [3, 9], [0, 0], ("0",)))
    with pytest.raises(InvalidCodes, match="token 1 of document '0' has characters 3 to 9, but the text has 7"):
        pool_words(outside, documents)


def test_words_survive_the_disk(tmp_path):
    left, right, _ = two_words(keep=((0, 1), (1, 2)))
    again = Codes.open(left.save(tmp_path / "left"))
    assert again.provenance["words"] == left.provenance["words"]
    assert again.tokens.same_tokens(left.tokens)
    assert align(again, right).left_out == {"left": 1, "right": 1}


def test_pooled_codes_are_paired_and_keep_their_groups():
    codes, documents = token_codes(["one two", "three"], all_kept([(0, 3), (3, 7)], [(0, 5)]))
    grouped = Codes(codes.matrix, codes.tokens, groups=[5, 6, 5])
    assert pool_words(grouped, documents).groups.tolist() == [5, 6, 5]
