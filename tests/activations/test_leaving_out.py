"""Which tokens are left out, and that they are counted: each rule by name, for every source that reads text."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from geomsim.activations.codes import Codes
from geomsim.activations.dictionary import read_dictionary
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.text import Document, documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.activations.transformers_source import TransformersSource
from geomsim.activations.windows import EMPTY, FIRST, NORM, SPECIAL
from geomsim.errors import InvalidConfig

LEFT = Path(__file__).parents[2] / "examples" / "code_models" / "left"
SOURCES = ["transformers", "transformer-lens", "module"]
SITE = {"transformers": "residual:0", "transformer-lens": "residual:0", "module": "h.0"}
TEXTS = [
    "def add(left, right):\n    return left + right\n" * 4,
    "",
    "<|endoftext|>one<|endoftext|><|endoftext|> two",
    "x",
    "<|endoftext|>",
    "for row in rows:\n    print(row)\n" * 2,
]


def source_of(kind, path, **options):
    """One model behind three interfaces."""
    if kind == "transformers":
        return TransformersSource(path, **options)
    if kind == "transformer-lens":
        pytest.importorskip("transformer_lens")
        from geomsim.activations.transformer_lens_source import TransformerLensSource

        return TransformerLensSource(path, **options)
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.AutoModel.from_pretrained(path, dtype=torch.float32)

    def tokenize(text):
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return encoded["input_ids"], encoded["offset_mapping"]

    options = {"context": model.config.n_positions, **options}
    return ModuleSource(
        model, tokenize, forward=lambda ids, mask: model(input_ids=ids, attention_mask=mask),
        special_ids=tokenizer.all_special_ids, **options,
    )  # fmt: skip


def gathered(source, documents, sites, **options):
    batches = list(source.read(documents, sites, **options))
    tokens = TokenTable.concatenate([batch.tokens for batch in batches])
    return tokens, {site: torch.cat([batch.activations[site] for batch in batches]) for site in sites}


def one_by_one(path, documents, context, *, keep_first=False):
    """(document, position, start, end, id) of every token that is kept, and counts of the others: a plain loop."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    kept, counts = [], Counter()
    for number, document in enumerate(documents):
        encoded = tokenizer(document.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        counts[EMPTY] += not encoded["input_ids"]
        for position, (token, span) in enumerate(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)):
            if token in tokenizer.all_special_ids:
                counts[SPECIAL] += 1
            elif position % context == 0 and not keep_first:
                counts[FIRST] += 1
            else:
                kept.append((number, position, *span, token))
    return kept, {reason: count for reason, count in counts.items() if count}


def rows_of(tokens):
    columns = (tokens.document, tokens.position, tokens.start, tokens.end, tokens.token_id)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("keep_first", [False, True])
def test_every_token_is_kept_or_counted_whatever_reads_it(kind, keep_first, tiny_models):
    documents = documents_from_strings(TEXTS)
    kept, counts = one_by_one(tiny_models["gpt2"], documents, 16, keep_first=keep_first)
    source = source_of(kind, tiny_models["gpt2"], keep_first=keep_first)
    for batch_tokens in (1, 40, 10**6):
        tokens, found = gathered(source, documents, [SITE[kind]], batch_tokens=batch_tokens)
        assert rows_of(tokens) == kept
        assert tokens.left_out == counts
        assert len(found[SITE[kind]]) == len(kept)
    assert counts[SPECIAL] == 4
    assert counts[EMPTY] == 1


@pytest.mark.parametrize("kind", SOURCES)
def test_every_token_of_the_shipped_model_is_kept_or_counted(kind):
    text = Path(__file__).read_text(encoding="utf-8")
    documents = [Document("test", text), Document("two", text[:900] + "<|endoftext|>" + text[900:2000])]
    kept, counts = one_by_one(LEFT, documents, 128)
    source = source_of(kind, LEFT)
    tokens, _ = gathered(source, documents, [SITE[kind]], batch_tokens=1000)
    assert rows_of(tokens) == kept
    assert tokens.left_out == counts
    assert counts[SPECIAL] == text.count("<|endoftext|>") + 1 + text[:2000].count("<|endoftext|>")


def test_padding_is_no_token_even_where_its_number_is_a_special_one(tiny_models, tiny_tokenizer):
    """Windows of 16 and 1 tokens in one batch: 15 padded places, which carry the number of <|endoftext|>."""
    source = source_of("transformers", tiny_models["gpt2"])
    assert source._tokenization.pad_id in source._tokenization.special_ids
    tokens, _ = gathered(source, documents_from_strings(["a" * 17]), ["residual:0"], batch_tokens=10**6)
    total = len(tiny_tokenizer("a" * 17, add_special_tokens=False)["input_ids"])
    assert total > 16
    assert SPECIAL not in tokens.left_out
    assert len(tokens) + sum(tokens.left_out.values()) == total


def test_special_tokens_are_known_by_number_wherever_the_tokenizer_declares_them(tiny_models, tiny_tokenizer, tmp_path):
    import shutil

    shutil.copytree(tiny_models["gpt2"], tmp_path / "model")
    changed = json.loads((tmp_path / "model" / "tokenizer.json").read_text())
    # A token that the tokenizer marks as special without naming it eos, bos, pad or anything else.
    changed["added_tokens"].append(
        {**changed["added_tokens"][0], "id": changed["model"]["vocab"]["("], "content": "(", "special": True}
    )
    (tmp_path / "model" / "tokenizer.json").write_text(json.dumps(changed))
    tokens, _ = gathered(TransformersSource(tmp_path / "model"), documents_from_strings(["x = f(1)"]), ["residual:0"])
    assert tokens.left_out[SPECIAL] == 1
    assert "(" not in [("x = f(1)")[start:end] for start, end in zip(tokens.start, tokens.end, strict=True)]


class Norms(torch.nn.Module):
    """Each character's activation has a norm that is written in the character: 'a' is 1, 'b' 2, ... 'z' 26."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(128, 2)
        self.reversed = torch.nn.Embedding(128, 2)
        with torch.no_grad():
            sizes = torch.arange(128.0) - ord("a") + 1
            self.embed.weight[:] = torch.stack([sizes, 0 * sizes], 1)
            self.reversed.weight[:] = torch.stack([0 * sizes, 27 - sizes], 1)

    def forward(self, ids):
        return self.embed(ids) + self.reversed(ids)


def letters(text):
    return [ord(letter) for letter in text], [(place, place + 1) for place in range(len(text))]


def norms(multiple, **options):
    options = {"context": 8, "special_ids": [ord("|")], **options}
    return ModuleSource(Norms(), letters, max_norm_multiple=multiple, **options)


def kept_letters(source, texts, sites=("embed",), **options):
    tokens, _ = gathered(source, documents_from_strings(texts), list(sites), **options)
    return "".join(map(chr, tokens.token_id)), tokens.left_out


@pytest.mark.parametrize("k", range(4))
def test_exactly_the_tokens_above_the_multiple_are_left_out(k):
    # Behind the first position stand 7 tokens with the median 2: 'f' meets the bound of 3 * 2 = 6, 'g' exceeds it.
    usual = "bbbb" + "f" * (3 - k)
    assert kept_letters(norms(3), ["a" + usual + "g" * k]) == (usual, {FIRST: 1, **({NORM: k} if k else {})})


def test_first_and_special_tokens_neither_count_twice_nor_move_the_median():
    # 'z' stands first and '|' (whose norm is 28) is special: both would exceed the bound and raise the median.
    assert kept_letters(norms(2), ["zab|c|c"]) == ("abcc", {FIRST: 1, SPECIAL: 2})
    assert kept_letters(norms(2), ["zab|d|c"]) == ("abdc", {FIRST: 1, SPECIAL: 2})
    assert kept_letters(norms(2), ["zab|i|c"]) == ("abc", {FIRST: 1, SPECIAL: 2, NORM: 1})
    assert kept_letters(norms(2, keep_first=True), ["zabbb"]) == ("abbb", {NORM: 1})


def test_tokens_of_norm_0_are_kept_and_do_not_move_the_median():
    # '`' stands before 'a' and has norm 0, like most of the units of a layer behind a ReLU on some tokens.
    assert kept_letters(norms(2), ["a```bbbg"]) == ("```bbb", {FIRST: 1, NORM: 1})
    assert kept_letters(norms(2), ["a``````b"]) == ("``````b", {FIRST: 1})
    assert kept_letters(norms(2), ["a```"]) == ("```", {FIRST: 1})


def test_the_rule_looks_at_one_window_only():
    # 'h' is huge beside 'a', and usual beside 'h'.
    assert kept_letters(norms(4), ["aaaahaaa" + "hhhhhhhh"]) == ("aaaaaa" + "hhhhhhh", {FIRST: 2, NORM: 1})


def test_a_token_that_is_huge_at_one_of_the_sites_is_left_out_at_all():
    # 'embed' says 26 of 'z', 'reversed' says 1; of 'a' they say 1 and 26.
    texts = ["mmmzmmma"]
    assert kept_letters(norms(1.9), texts, ["embed"]) == ("mmmmma", {FIRST: 1, NORM: 1})
    assert kept_letters(norms(1.8), texts, ["reversed"]) == ("mmzmmm", {FIRST: 1, NORM: 1})
    assert kept_letters(norms(1.8), texts, ["embed", "reversed"]) == ("mmmmm", {FIRST: 1, NORM: 2})


@pytest.mark.parametrize("multiple", [1, 0.5, -1, float("nan")])
def test_a_multiple_that_leaves_half_of_everything_out_is_refused(multiple):
    with pytest.raises(InvalidConfig, match="a multiple of the median above 1 is needed"):
        norms(multiple)


def long_documents():
    text = Path(__file__).read_text(encoding="utf-8")
    return [Document("all", text), Document("short", text[:300]), Document("part", text[1000:2500])]


@pytest.mark.parametrize("multiple", [1.2, 1.5])
def test_the_rule_on_the_shipped_model_is_that_of_a_plain_loop(multiple):
    documents = long_documents()
    everything, found = gathered(TransformersSource(LEFT), documents, ["residual:1"])
    sizes = np.linalg.norm(found["residual:1"].double().numpy(), axis=1)
    keep = np.zeros(len(sizes), dtype=bool)
    for window in {(int(d), int(p) // 128) for d, p in zip(everything.document, everything.position, strict=True)}:
        inside = (everything.document == window[0]) & (everything.position // 128 == window[1])
        keep[inside] = sizes[inside] <= multiple * np.median(sizes[inside])
    assert 0 < (~keep).sum() < len(keep) / 2
    source = TransformersSource(LEFT, max_norm_multiple=multiple)
    for batch_tokens in (128, 700, 10**6):
        tokens, values = gathered(source, documents, ["residual:1"], batch_tokens=batch_tokens)
        assert tokens.same_tokens(everything.take(keep))
        assert tokens.left_out == {**everything.left_out, NORM: int((~keep).sum())}
        torch.testing.assert_close(values["residual:1"], found["residual:1"][keep], atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", SOURCES)
def test_all_sources_leave_out_the_same_by_norm(kind):
    documents = long_documents()
    expected, _ = gathered(TransformersSource(LEFT, max_norm_multiple=1.3), documents, ["residual:0"])
    tokens, _ = gathered(source_of(kind, LEFT, max_norm_multiple=1.3), documents, [SITE[kind]])
    assert expected.left_out[NORM] > 0
    assert tokens.left_out == expected.left_out
    assert tokens.same_tokens(expected)


def test_counts_are_part_of_codes_in_memory_and_on_disk(tmp_path):
    documents, wanted = long_documents(), {"residual:1": read_dictionary(LEFT / "saes" / "layer_1")}
    source = TransformersSource(LEFT, max_norm_multiple=1.3)
    held = read_codes(source, documents, wanted, batch_tokens=256)["residual:1"]
    folder = write_codes(source, documents, wanted, {"residual:1": tmp_path / "codes"}, shard_characters=1000)[
        "residual:1"
    ]
    stored = Codes.open(folder)
    assert set(held.tokens.left_out) == {SPECIAL, FIRST, NORM}
    assert stored.tokens.left_out == held.tokens.left_out
    assert json.loads((folder / "manifest.json").read_text())["left_out"] == held.tokens.left_out
    kept, counts = one_by_one(LEFT, documents, 128)
    assert held.n_tokens + held.tokens.left_out[NORM] == len(kept)
    assert {reason: count for reason, count in held.tokens.left_out.items() if reason != NORM} == counts


def test_the_command_line_shows_the_counts(tmp_path, capsys):
    from geomsim.cli.app import run

    text = tmp_path / "text.py"
    text.write_text(long_documents()[0].text, encoding="utf-8")
    arguments = ["activations", str(LEFT), "--site", "residual:1", "--text", str(text), "--max-norm-multiple", "1.3"]
    assert run([*arguments, "-q", "--out", str(tmp_path / "out")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    codes = Codes.open(tmp_path / "out" / "residual_1")
    for reason in (SPECIAL, FIRST, NORM):
        assert f"{codes.tokens.left_out[reason]} {reason}" in shown
