"""Characters of tokens by decoding, against tokenizers that know them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from word_checks import SENTENCE

from geomsim.activations.offsets import spans_by_decoding
from geomsim.activations.reading import read_codes
from geomsim.activations.text import Document, documents_from_strings
from geomsim.activations.tokenization import load_tokenizer, tokenization_of
from geomsim.activations.transformers_source import TransformersSource
from geomsim.errors import GeomsimWarning, InvalidText

MODELS = Path(__file__).parents[2] / "examples/code_models"
needs_models = pytest.mark.skipif(not (MODELS / "third").exists(), reason="the example models are not here")

TRAPS = (
    SENTENCE,
    "",
    "x",
    "one\r\n\ttwo   three\n\n",
    " leading and trailing ",
    "cafe\u0301 👩\u200d👩\u200d👧 ok",
    "literal <|endoftext|> inside<|endoftext|>",
    "broken \ufffd, \ufffd and \ufffd",
    "\ufffd",
    "broken before others \ufffdé, \ufffd🤖\ufffd三\ufffd",
    "\u00a0\u3000wide",
)


class Hidden:
    """A fast tokenizer that does not say which characters its tokens cover."""

    is_fast = False

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)

    def __call__(self, text, return_offsets_mapping=False, **options):
        assert not return_offsets_mapping
        return self._tokenizer(text, **options)


def both(tokenizer):
    """What the fast tokenizer says, and what decoding finds."""
    with pytest.warns(GeomsimWarning, match="is a slow tokenizer, which does not say which characters"):
        slow = tokenization_of(Hidden(tokenizer))
    fast = tokenization_of(tokenizer)
    assert (fast.offsets, slow.offsets) == ("tokenizer", "decoding")
    return fast, slow


def spans(tokenization, text):
    ids, found = tokenization.tokenize(text)
    return list(ids), [tuple(span) for span in found]


@needs_models
@pytest.mark.parametrize("name", ["left", "third"])
def test_a_fast_tokenizer_with_its_offsets_hidden_gives_the_same_spans(name):
    fast, slow = both(load_tokenizer(str(MODELS / name)))
    from geomsim.activations.standard_library import standard_library_documents

    code = [document.text for document in standard_library_documents() if len(document.text) < 8000][:6]
    for text in (*TRAPS, *code):
        assert spans(fast, text) == spans(slow, text)


@needs_models
def test_any_text_gets_the_same_spans():
    fast, slow = both(load_tokenizer(str(MODELS / "third")))

    @settings(max_examples=150)
    @given(
        st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("aé \n\ufffd🤖三\u200d")), max_size=30)
    )
    def check(text):
        assert spans(fast, text) == spans(slow, text)

    check()


@needs_models
def test_replacement_characters_side_by_side_are_one_span():
    fast, slow = both(load_tokenizer(str(MODELS / "left")))
    text = "a\ufffd\ufffd\ufffdb"
    expected, found = spans(fast, text)[1], spans(slow, text)[1]
    assert [(1, 4) if end > 1 and start < 4 else (start, end) for start, end in expected] == found


def test_three_byte_level_tokenizers_of_any_size():
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    for texts, size in ((["plain words"], 256), ([SENTENCE], 280), ([SENTENCE] * 2, 400)):
        bpe = tokenizers.ByteLevelBPETokenizer()
        bpe.train_from_iterator(texts, vocab_size=size, min_frequency=1, show_progress=False)
        fast, slow = both(transformers.PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer))
        for text in TRAPS:
            assert spans(fast, text) == spans(slow, text)


def test_bytes_as_tokens_whose_decoder_drops_what_makes_no_character():
    """ByT5: one token per byte, so the closed form is the character of each byte; its decoder ignores broken bytes."""
    transformers = pytest.importorskip("transformers")
    with pytest.warns(GeomsimWarning, match="ByT5Tokenizer is a slow tokenizer"):
        tokenization = tokenization_of(transformers.ByT5Tokenizer())
    for text in TRAPS:
        expected = [(place, place + 1) for place, letter in enumerate(text) for _ in letter.encode()]
        assert spans(tokenization, text)[1] == expected


def test_pieces_that_decode_without_the_spaces_of_the_text():
    """A WordPiece decoder puts one space between words, also where the text has none or several."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "isn", "'", "t", "play", "##ing", ",", "é"])}
    pieces = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    pieces.decoder = tokenizers.decoders.WordPiece(cleanup=False)
    text = "  isn't  playing,\n\té "
    encoded = pieces.encode(text)
    assert pieces.decode(encoded.ids) == "isn ' t playing , é"
    found = spans_by_decoding(encoded.ids, text, pieces.decode)
    assert [text[start:end] for start, end in found] == ["isn", "'", "t", "play", "ing", ",", "é"]
    assert found == encoded.offsets
    spaced = "isn ' t"  # here the space stands in the text as well, and is the token's
    assert spans_by_decoding(pieces.encode(spaced).ids, spaced, pieces.decode) == [(0, 3), (3, 5), (5, 7)]


def test_white_space_that_no_token_holds_before_a_character_of_several():
    pieces = [b"a", "é".encode()[:1], "é".encode()[1:]]

    def decode(ids):
        return b"".join(pieces[number] for number in ids).decode("utf-8", errors="replace")

    for space in (" ", "\u3000", "\r\n\u3000"):
        end = 1 + len(space)
        expected = [(0, 1), (end, end + 1), (end, end + 1)]
        assert spans_by_decoding([0, 1, 2], f"a{space}é", decode) == expected


def test_a_decoder_that_changes_what_stood_there():
    """Where a token more changes what those before it decode to, it is decoded by itself."""

    def decode(ids):
        return "".join("ef i"[number] for number in ids).replace("fi", "\ufb01")

    assert decode([1, 3]) == "\ufb01"
    assert spans_by_decoding([0, 1, 3, 2, 1], "efi f", decode) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_a_decoder_that_drops_the_first_space():
    """Metaspace marks each word's beginning, the first too, and decoding takes the first mark away."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {piece: number for number, piece in enumerate(["▁to", "▁be", "▁", "s", "<0xC3>", "<0xA9>", "▁caf"])}
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    for letter in "toebcaf":
        vocabulary.setdefault(letter, len(vocabulary))
    merges = [("▁", "t"), ("▁t", "o"), ("▁", "b"), ("▁b", "e"), ("▁", "c"), ("▁c", "a"), ("▁ca", "f")]
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    pieces = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True))
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="always")
    decoders = tokenizers.decoders
    pieces.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="always")])
    for text in ("to be", "to bes  café to", "café🤖 be", "a\ufffdb é\ufffd t\ufffd"):
        encoded = pieces.encode(text)
        assert pieces.decode(encoded.ids) == text
        assert spans_by_decoding(encoded.ids, text, pieces.decode) == encoded.offsets, encoded.tokens


def test_a_tokenizer_that_changes_the_text_is_an_error_with_document_and_place():
    pieces = {0: "to", 1: " be"}

    def decode(ids):
        return "".join(pieces[number] for number in ids)

    with pytest.raises(
        InvalidText, match=r"token 1 \(id 1\) cannot be placed at character 2: the text goes on with ' B"
    ):
        spans_by_decoding([0, 1], "to Be", decode)
    with pytest.raises(InvalidText, match="after the last of 1 tokens the text goes on at character 2 with ' be'"):
        spans_by_decoding([0], "to be", decode)
    with pytest.raises(InvalidText, match="after the last of 0 tokens"):
        spans_by_decoding([], "x", decode)
    assert spans_by_decoding([], " \n", decode) == []
    with pytest.raises(InvalidText, match="the text goes on at character 0"):
        spans_by_decoding([0], "é", lambda ids: "\ufffd")
    with pytest.raises(InvalidText, match="cannot be placed at character 2: the text goes on with ''"):
        spans_by_decoding([0, 1], "to", lambda ids: "to"[: 2 * len(ids)])

    class Lower(Hidden):
        def __call__(self, text, **options):
            return super().__call__(text.lower(), **options)

    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(["to be"], vocab_size=256, show_progress=False)
    with pytest.warns(GeomsimWarning):
        tokenization = tokenization_of(Lower(transformers.PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer)))
    with pytest.raises(InvalidText, match=r"document 'poem': token 3 \(id \d+\) cannot be placed at character 3"):
        tokenization.tokens_of(Document("poem", "to Be"))


def test_a_model_with_a_slow_tokenizer_reads_the_same_and_says_so(tiny_models, tiny_documents, monkeypatch):
    import transformers

    fast = TransformersSource(tiny_models["gpt2"])
    expected = read_codes(fast, tiny_documents, {"residual:1": None})["residual:1"]
    assert "offsets" not in fast.provenance
    monkeypatch.setattr(transformers.PreTrainedTokenizerFast, "is_fast", property(lambda self: False))
    with pytest.warns(GeomsimWarning) as said:
        slow = TransformersSource(tiny_models["gpt2"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_codes(slow, tiny_documents, {"residual:1": None})["residual:1"]  # said once
    assert found.tokens.same_tokens(expected.tokens)
    assert found.provenance["source"]["offsets"] == "decoding"
    assert [Path(warning.filename) for warning in said] == [Path(__file__)]  # where the source was made


def test_a_bridge_with_a_slow_tokenizer_or_none(tiny_models, monkeypatch):
    bridges = pytest.importorskip("transformer_lens.model_bridge")
    from geomsim.activations.transformer_lens_source import TransformerLensSource
    from geomsim.errors import InvalidModel

    bridge = bridges.TransformerBridge.boot_transformers(str(tiny_models["gpt2"]), device="cpu")
    documents = documents_from_strings(["def add(left, right):\n"])
    expected = read_codes(TransformerLensSource(bridge), documents, {"residual:0": None})["residual:0"]
    monkeypatch.setattr(type(bridge.tokenizer), "is_fast", property(lambda self: False))
    with pytest.warns(GeomsimWarning, match="slow tokenizer"):
        source = TransformerLensSource(bridge)
    found = read_codes(source, documents, {"residual:0": None})["residual:0"]
    assert found.tokens.same_tokens(expected.tokens)
    assert source.provenance["offsets"] == "decoding"
    monkeypatch.setattr(type(bridge), "tokenizer", None)
    with pytest.raises(InvalidModel, match="the bridge has no tokenizer"):
        TransformerLensSource(bridge)
