"""Windows that begin with a beginning-of-text token, as those on which Gemma, Llama and their dictionaries trained."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from letters import digests, letters_dictionary, letters_source

from geomsim.activations.cuts import common_cuts
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import Document, documents_from_strings
from geomsim.activations.tokenization import Tokenization, bos_of, load_tokenizer
from geomsim.activations.tokens import TokenTable
from geomsim.activations.transformers_loading import TextReader
from geomsim.activations.transformers_source import TransformersSource
from geomsim.activations.windows import EMPTY, FIRST, NORM, SPECIAL, Windowing, window_batches
from geomsim.errors import GeomsimWarning, InvalidCodes, InvalidConfig

SHIPPED = sorted(path.parent for path in (Path(__file__).parents[2] / "examples/code_models").glob("*/config.json"))
CONTEXT, BOS = 16, 0
SITES = ["residual:0", "residual:1", "neurons:1"]


@pytest.fixture(scope="module")
def with_bos(tiny_models, tmp_path_factory):
    """The tiny models behind a tokenizer that puts <|endoftext|> before every text, as Gemma's puts <bos>."""
    processors = pytest.importorskip("tokenizers.processors")
    root, found = tmp_path_factory.mktemp("with_bos"), {}
    for family, path in tiny_models.items():
        found[family] = Path(shutil.copytree(path, root / family))
        tokenizer = load_tokenizer(str(path))
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", BOS)]
        )
        tokenizer.save_pretrained(found[family])
    return found


@pytest.fixture(scope="module")
def without_any(tiny_models, tmp_path_factory):
    """The tiny llama behind a tokenizer that has no beginning-of-text token."""
    path = Path(shutil.copytree(tiny_models["llama"], tmp_path_factory.mktemp("without") / "llama"))
    config = json.loads((path / "tokenizer_config.json").read_text())
    del config["bos_token"]
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return path


def gathered(source, documents, sites, **options):
    batches = list(source.read(documents, sites, **options))
    tokens = TokenTable.concatenate([batch.tokens for batch in batches])
    return tokens, {site: torch.cat([batch.activations[site] for batch in batches]) for site in sites}


def by_hand(path, documents):
    """[bos] + tokens, one window after the other, through transformers alone; the table, and hidden_states[1]."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.AutoModel.from_pretrained(path, dtype=torch.float32).eval()
    table, states = [], []
    for number, document in enumerate(documents):
        encoded = tokenizer(document.text, add_special_tokens=False, return_offsets_mapping=True)
        ids = encoded["input_ids"]
        for begin in range(0, len(ids), CONTEXT - 1):
            window = ids[begin : begin + CONTEXT - 1]
            with torch.no_grad():
                hidden = model(input_ids=torch.tensor([[BOS, *window]]), output_hidden_states=True).hidden_states[1][0]
            for place, token in enumerate(window):
                if token not in tokenizer.all_special_ids:
                    table.append((number, begin + place, *encoded["offset_mapping"][begin + place], token))
                    states.append(hidden[1 + place])
    return table, torch.stack(states)


def rows_of(tokens):
    columns = (tokens.document, tokens.position, tokens.start, tokens.end, tokens.token_id)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("family", ["gpt2", "gpt-neox", "llama"])
def test_a_tokenizer_that_adds_it_by_itself_is_followed(family, with_bos, tiny_models, tiny_documents):
    expected, states = by_hand(with_bos[family], tiny_documents)
    source = TransformersSource(with_bos[family])
    asked = TransformersSource(tiny_models[family], bos=True)
    for reader in (source, asked):
        for batch_tokens in (1, 40, 10**6):
            tokens, found = gathered(reader, tiny_documents, SITES, batch_tokens=batch_tokens)
            assert rows_of(tokens) == expected
            torch.testing.assert_close(found["residual:0"], states, atol=1e-5, rtol=0)
        assert tokens.left_out == {SPECIAL: 1, EMPTY: 1}  # the literal one and no other, and no first of a window
        assert reader.provenance["bos"] == BOS
    total = sum(len(source.tokenization.tokens_of(document)[0]) for document in tiny_documents)
    assert len(tokens) + 1 == total
    # Without it other numbers come out, from other windows.
    bare = TransformersSource(with_bos[family], bos=False)
    usual = TransformersSource(tiny_models[family])
    assert {**bare.provenance, "model": "", "tokenizer": ""} == {**usual.provenance, "model": "", "tokenizer": ""}
    assert "bos" not in usual.provenance
    tokens, found = gathered(bare, tiny_documents, ["residual:0"])
    again, values = gathered(usual, tiny_documents, ["residual:0"])
    assert tokens.same_tokens(again)
    assert tokens.left_out == again.left_out
    assert tokens.left_out[FIRST] > 1
    torch.testing.assert_close(found["residual:0"], values["residual:0"], atol=0, rtol=0)
    assert len(found["residual:0"]) < len(states)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_transformer_lens_reads_the_same(family, with_bos, tiny_models, tiny_documents):
    bridges = pytest.importorskip("transformer_lens.model_bridge")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    for path, bos in ((with_bos[family], None), (with_bos[family], False), (tiny_models[family], None),
                      (tiny_models[family], True)):  # fmt: skip
        # The bridge's own tokenizer is made to add the token whatever its files say.
        bridge = bridges.TransformerBridge.boot_transformers(str(path), device="cpu")
        expected, values = gathered(TransformersSource(path, bos=bos), tiny_documents, SITES)
        for source in (TransformerLensSource(path, bos=bos), TransformerLensSource(bridge, bos=bos)):
            tokens, found = gathered(source, tiny_documents, SITES)
            assert tokens.same_tokens(expected)
            assert tokens.left_out == expected.left_out
            for site in SITES:
                torch.testing.assert_close(found[site], values[site], atol=1e-4, rtol=0)
            assert source.provenance.get("bos") == TransformersSource(path, bos=bos).provenance.get("bos")


def test_without_a_token_there_is_none_to_add(without_any, tiny_documents):
    source = TransformersSource(without_any)
    assert source.tokenization.bos is None
    assert gathered(source, tiny_documents, ["residual:0"])[0].left_out[FIRST] > 1
    with pytest.raises(InvalidConfig, match=r"bos=True: the tokenizer of .*llama has no beginning-of-text token"):
        TransformersSource(without_any, bos=True)
    pytest.importorskip("transformer_lens")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    assert TransformerLensSource(without_any).tokenization.bos is None
    with pytest.raises(InvalidConfig, match="has no beginning-of-text token"):
        TransformerLensSource(without_any, bos=True)


class Made:
    """A tokenizer that puts these before and behind a text."""

    bos_token_id, name_or_path = 1, "made"

    def __init__(self, before, behind=()):
        self.before, self.behind = before, behind

    def __call__(self, text, add_special_tokens):
        return {"input_ids": [*self.before, 7, *self.behind] if add_special_tokens else [7]}


@pytest.mark.parametrize(
    ("before", "behind", "found"),
    [((1,), (), 1), ((1,), (2,), 1), ((), (), None), ((), (1,), None), ((3,), (2,), None), ((3, 1), (), None)],
)
def test_only_a_token_before_the_text_is_one(before, behind, found):
    """Those of BERT begin with another token, those of T5 end with one."""
    assert bos_of(Made(before, behind)) == found
    assert bos_of(Made(before, behind), wanted=True) == 1
    assert bos_of(Made(before, behind), wanted=False) is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_models_are_read_as_before(path):
    source = TransformersSource(path)
    assert "bos" not in source.provenance
    assert source.tokenization.bos is None
    assert TextReader.of(path).tokenization.bos is None


@pytest.mark.skipif(not SHIPPED, reason="the example models are not here")
def test_the_first_words_of_a_text_have_a_row_on_the_shipped_model():
    text = Path(__file__).read_text(encoding="utf-8")
    tokens, _ = gathered(TransformersSource(SHIPPED[0], bos=True), [Document("test", text)], ["residual:0"])
    special = tokens.left_out.pop(SPECIAL)
    assert special == text.count("<|endoftext|>")
    assert not tokens.left_out
    assert tokens.start[0] == 0
    assert len(tokens) + special == tokens.position[-1] + 1


def letters(text):
    return [ord(letter) for letter in text], [(place, place + 1) for place in range(len(text))]


class Seen(torch.nn.Module):
    """Keeps what it is given; a token's activation is its number."""

    def __init__(self):
        super().__init__()
        self.value = torch.nn.Identity()
        self.given = []

    def forward(self, ids):
        self.given.append(ids.tolist())
        return self.value(ids.float()[..., None])


def test_a_module_is_given_the_token_by_its_number():
    module = Seen()
    source = ModuleSource(module, letters, context=4, bos=5, special_ids=[ord("|"), 5])
    assert source.provenance["bos"] == 5
    tokens, found = gathered(source, documents_from_strings(["abcdefg", "", "x|"]), ["value"])
    assert [window for batch in module.given for window in batch] == [
        [5, *map(ord, window)] for window in ("abc", "def", "g", "x|")
    ]  # fmt: skip
    assert "".join(map(chr, tokens.token_id)) == "abcdefgx"
    assert found["value"].ravel().tolist() == [float(ord(letter)) for letter in "abcdefgx"]
    assert tokens.left_out == {SPECIAL: 1, EMPTY: 1}
    assert tokens.position.tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert ModuleSource(module, letters, context=4).provenance.keys() == source.provenance.keys() - {"bos"}
    for wrong in (True, False, -1):
        with pytest.raises(InvalidConfig, match=f"bos is {wrong}; the number of the token"):
            ModuleSource(module, letters, context=4, bos=wrong)


def test_padding_stands_behind_the_text_and_the_token_before_it():
    tokenization = Tokenization(letters, frozenset({5}), pad_id=9, bos=5)
    (batch,) = window_batches(documents_from_strings(["abcd", "e"]), tokenization, Windowing(4))
    assert batch.ids.tolist() == [[5, 97, 98, 99], [5, 100, 9, 9], [5, 101, 9, 9]]
    assert batch.mask.tolist() == [[True] * 4, [True, True, False, False], [True, True, False, False]]
    assert batch.rows.tolist() == [1, 2, 3, 5, 9]
    assert batch.window.tolist() == [0, 0, 0, 1, 2]
    # A text without tokens has no window, not even one of the token alone.
    (nothing,) = window_batches(documents_from_strings([""]), tokenization, Windowing(4))
    assert nothing.ids.shape == (0, 0)
    assert nothing.tokens.left_out == {EMPTY: 1}
    for keep_first in (True, False):
        assert (
            len(next(window_batches(documents_from_strings(["ab"]), tokenization, Windowing(4, keep_first))).rows) == 2
        )
    with pytest.raises(InvalidConfig, match="context is 1; windows that begin with a beginning-of-text token need at"):
        next(window_batches(documents_from_strings(["ab"]), tokenization, Windowing(1, keep_first=True)))


def test_its_norm_moves_no_median_and_the_first_token_is_judged():
    module = Seen()
    source = ModuleSource(module, letters, context=8, bos=10**4, max_norm_multiple=2)
    tokens, _ = gathered(source, documents_from_strings(["dddd\u0200ee", "\u0200dddd"]), ["value"])
    assert "".join(map(chr, tokens.token_id)) == "ddddeedddd"
    assert tokens.left_out == {NORM: 2}


def test_cuts_leave_room_for_it():
    documents = documents_from_strings(["to be or not to be that is the question", "one"])
    plain, first = Tokenization(letters), Tokenization(letters, bos=5)

    class Reader:
        def __init__(self, tokenization, context):
            self.tokenization, self.context = tokenization, context

    cuts = common_cuts(documents, [Reader(first, 10), Reader(plain, 12)])
    assert cuts.provenance == common_cuts(documents, [Reader(plain, 9), Reader(plain, 12)]).provenance
    assert cuts.provenance != common_cuts(documents, [Reader(plain, 10), Reader(plain, 12)]).provenance
    for tokenization, context in ((first, 10), (plain, 9)):
        pieces = []
        for batch in window_batches(documents, tokenization, Windowing(context, keep_first=True), cuts=cuts):
            assert batch.ids.shape[1] <= context
            pieces += ["".join(chr(number) for number in ids[mask]).lstrip("\x05") for ids, mask in
                       zip(batch.ids, batch.mask, strict=True)]  # fmt: skip
        assert pieces == ["to be or ", "not to ", "be that ", "is the ", "question", "one"]
    tight = common_cuts(documents, [Reader(plain, 9)])
    with pytest.raises(InvalidConfig, match="has 9 tokens, more than the 8 that fit the context"):
        list(window_batches(documents, first, Windowing(9), cuts=tight))
    with pytest.raises(InvalidConfig, match="context is 1; windows that begin with a beginning-of-text token"):
        common_cuts(documents, [Reader(first, 1)])


def test_two_models_read_the_same_text_in_each_window_one_with_it(with_bos, tiny_models):
    documents = documents_from_strings(["def add(left, right):\n    return left + right\n" * 3])
    left, right = TransformersSource(with_bos["gpt2"]), TransformersSource(tiny_models["llama"])
    readers = [TextReader.of(with_bos["gpt2"]), TextReader.of(tiny_models["llama"])]
    cuts = common_cuts(documents, [left, right])
    assert cuts.provenance == common_cuts(documents, readers).provenance
    codes = [read_codes(source.cut_at(cuts), documents, {"residual:0": None})["residual:0"] for source in (left, right)]
    spans = [set(zip(each.tokens.start, each.tokens.end, strict=True)) for each in codes]
    assert spans[1] < spans[0]  # the right ones lack the first of each window
    assert len(spans[0] - spans[1]) == len(cuts) + 1


def test_a_run_is_resumed_as_it_began(tmp_path):
    documents = [Document(str(number), "lorem ipsum dolor " * 3) for number in range(4)]

    def write(folder, **options):
        source = letters_source(**options)
        choices = {"shard_characters": 60, "resume": True}
        return write_codes(source, documents, {"0": letters_dictionary()}, {"0": folder}, **choices)

    write(tmp_path / "usual")
    write(tmp_path / "none", bos=None)
    assert digests(tmp_path / "usual") == digests(tmp_path / "none")
    for given, now, said in (
        (None, 3, "it was None and is 3 now"), (3, None, "it was 3 and is None now"), (3, 4, "it was 3 and is 4 now"),
    ):  # fmt: skip
        folder = tmp_path / f"{given} {now}"
        write(folder, bos=given)
        (folder / "manifest.json").unlink()
        with pytest.raises(InvalidCodes, match=rf"begun under other options, source\.bos: {said}"):
            write(folder, bos=now)
        before = digests(folder)
        write(folder, bos=given)
        assert before.items() < digests(folder).items()


def test_a_dictionary_that_was_trained_otherwise_is_told_of():
    documents = documents_from_strings(["lorem ipsum"])

    def read(bos, dictionary):
        return read_codes(letters_source(bos=bos), documents, {"0": dictionary})

    for trained, bos, said in ((True, None, "without one"), (False, 3, "with one"), (True, 3, ""), (False, None, "")):
        dictionary = dataclasses.replace(letters_dictionary(), provenance={"prepend_bos": trained}, name="mine")
        if not said:
            read(bos, dictionary)  # a warning would be an error here
            continue
        with pytest.warns(GeomsimWarning, match=rf"'mine' was trained .*, and letters is read {said}.*bos={trained}"):
            read(bos, dictionary)
    read(3, letters_dictionary())  # which says nothing, so nothing is known


def test_a_rerandomised_model_begins_its_windows_as_its_source_does(with_bos, tmp_path):
    from geomsim.activations.rerandomised import rerandomise

    assert TransformersSource(rerandomise(with_bos["llama"], tmp_path / "noise")).provenance["bos"] == BOS
