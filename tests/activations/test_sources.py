from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from geomsim.activations.array_source import ArraySource
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.source import canonical_site, checked_sites, parse_site
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.text import documents_from_strings
from geomsim.activations.tokens import TokenTable
from geomsim.activations.transformers_loading import weights_digest
from geomsim.activations.transformers_source import TransformersSource
from geomsim.activations.windows import EMPTY, FIRST, NORM, SPECIAL
from geomsim.errors import InvalidConfig, InvalidModel, InvalidText

FAMILIES = ("gpt2", "gpt-neox", "llama")
CONTEXT = 16
BLOCKS = {"gpt2": "h", "gpt-neox": "layers", "llama": "layers"}


@pytest.fixture(scope="module")
def sources(tiny_models):
    return {family: TransformersSource(path) for family, path in tiny_models.items()}


def gathered(source, documents, sites, **options):
    batches = list(source.read(documents, sites, **options))
    tokens = TokenTable.concatenate([batch.tokens for batch in batches])
    return tokens, {site: torch.cat([batch.activations[site] for batch in batches]) for site in sites}


def all_hidden_states(path, tokenizer, documents, hidden):
    """One unpadded window after the other through plain transformers, without its first position and special tokens."""
    import transformers

    model = transformers.AutoModel.from_pretrained(path, dtype=torch.float32).eval()
    rows = []
    for document in documents:
        ids = tokenizer(document.text, add_special_tokens=False)["input_ids"]
        for begin in range(0, len(ids), CONTEXT):
            window = torch.tensor([ids[begin : begin + CONTEXT]])
            with torch.no_grad():
                states = model(input_ids=window, output_hidden_states=True).hidden_states[hidden][0]
            keep = (window[0] != tokenizer.eos_token_id) & (torch.arange(window.shape[1]) > 0)
            rows.append(states[keep])
    return torch.cat(rows), model


@pytest.mark.parametrize("family", FAMILIES)
def test_residual_is_the_next_hidden_state(family, sources, tiny_models, tiny_tokenizer, tiny_documents):
    """hidden_states[l] is the input of block l, so its output is entry l + 1; the last entry is behind the norm."""
    _, found = gathered(sources[family], tiny_documents, ["residual:0", "residual:1"])
    expected, model = all_hidden_states(tiny_models[family], tiny_tokenizer, tiny_documents, 1)
    torch.testing.assert_close(found["residual:0"], expected, atol=1e-5, rtol=0)
    normed, model = all_hidden_states(tiny_models[family], tiny_tokenizer, tiny_documents, 2)
    norm = {"gpt2": "ln_f", "gpt-neox": "final_layer_norm", "llama": "norm"}[family]
    assert (found["residual:1"] - normed).abs().max() > 0.1
    torch.testing.assert_close(model.get_submodule(norm)(found["residual:1"]), normed, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_neurons_times_their_directions_are_the_output_of_the_mlp(family, sources, tiny_documents):
    source = sources[family]
    mlp = f"{BLOCKS[family]}.1.mlp"
    _, found = gathered(source, tiny_documents, ["neurons:1", mlp])
    directions = source.neuron_directions(1)
    assert directions.shape == (64 if family == "gpt2" else 24, 16)
    bias = {"gpt2": "c_proj", "gpt-neox": "dense_4h_to_h", "llama": "down_proj"}[family]
    shift = source._model.get_submodule(f"{mlp}.{bias}").bias
    expected = found["neurons:1"] @ torch.from_numpy(directions) + (0 if shift is None else shift)
    torch.testing.assert_close(found[mlp], expected.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_sources_agree_at_every_site(family, sources, tiny_models, tiny_documents):
    pytest.importorskip("transformer_lens")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    lens = TransformerLensSource(tiny_models[family])
    sites = sources[family].sites()
    assert sites == lens.sites() == ("residual:0", "residual:1", "neurons:0", "neurons:1")
    left, right = (gathered(source, tiny_documents, sites) for source in (sources[family], lens))
    assert left[0].same_tokens(right[0])
    assert left[0].left_out == right[0].left_out
    for site in sites:
        torch.testing.assert_close(left[1][site], right[1][site], atol=1e-4, rtol=0)
        assert sources[family].width(site) == lens.width(site) == left[1][site].shape[1]
    hook = "blocks.1.hook_resid_post"
    early = gathered(lens, tiny_documents, ["residual:0"])[1]["residual:0"]
    torch.testing.assert_close(early, right[1]["residual:0"])
    torch.testing.assert_close(gathered(lens, tiny_documents, [hook])[1][hook], right[1]["residual:1"])
    assert lens.provenance["convention"] == "raw"
    with pytest.raises(InvalidModel, match=r"no hook point 'blocks\.2\.hook_resid_post' in its 2 blocks"):
        lens.width("residual:2")


SHIPPED = sorted(path.parent for path in (Path(__file__).parents[2] / "examples/code_models").glob("*/config.json"))


@pytest.mark.skipif(not SHIPPED, reason="the example models are not here")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_both_sources_agree_on_the_shipped_models(path):
    pytest.importorskip("transformer_lens")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    documents = [document for document in standard_library_documents() if len(document.text) < 8000][:4]
    hooks, lens = TransformersSource(path), TransformerLensSource(path)
    sites = hooks.sites()
    assert sites == lens.sites()
    left, right = (gathered(source, documents, sites) for source in (hooks, lens))
    assert left[0].same_tokens(right[0])
    for site in sites:
        torch.testing.assert_close(left[1][site], right[1][site], atol=1e-4, rtol=0)


def test_a_bridge_with_folded_weights_is_refused(tiny_models):
    bridges = pytest.importorskip("transformer_lens.model_bridge")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    bridge = bridges.TransformerBridge.boot_transformers(str(tiny_models["gpt2"]), device="cpu")
    assert TransformerLensSource(bridge).width("residual:0") == 16
    bridge.enable_compatibility_mode()
    with pytest.raises(InvalidModel, match="compatibility mode"):
        TransformerLensSource(bridge)


@pytest.mark.parametrize(
    ("sites", "runs"), [(["residual:0"], 0), (["neurons:0", "residual:0"], 0), (["residual:1"], 1)]
)
def test_blocks_after_the_last_wanted_one_are_not_run(sites, runs, sources, tiny_documents):
    """The pass ends in the hook of the last wanted site: later blocks and the final norm cost nothing."""
    model = sources["gpt2"]._model
    calls = {"block": 0, "norm": 0}
    handles = [
        model.h[1].register_forward_pre_hook(lambda *_: calls.__setitem__("block", calls["block"] + 1)),
        model.ln_f.register_forward_pre_hook(lambda *_: calls.__setitem__("norm", calls["norm"] + 1)),
    ]
    batches = list(sources["gpt2"].read(tiny_documents[:1], sites, batch_tokens=10**6))
    for handle in handles:
        handle.remove()
    assert len(batches) == 1
    assert calls == {"block": runs, "norm": 0}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.fixture(scope="module", params=FAMILIES)
def lens(request, tiny_models):
    pytest.importorskip("transformer_lens")
    from geomsim.activations.transformer_lens_source import TransformerLensSource

    return TransformerLensSource(tiny_models[request.param])


@pytest.mark.parametrize(
    ("sites", "stop", "runs"),
    [
        (["embed.hook_out"], 0, (0, 0, 0)),
        (["hook_embed"], 0, (0, 0, 0)),
        (["residual:0"], 1, (1, 0, 0)),
        (["neurons:0", "embed.hook_out"], 1, (1, 0, 0)),
        (["residual:1"], 2, (1, 1, 1)),  # behind the last block transformer-lens has no place to stop at
        (["blocks.1.hook_mlp_out", "residual:0"], 2, (1, 1, 1)),
        (["ln_final.hook_in"], None, (1, 1, 1)),
        (["residual:0", "unembed.hook_out"], None, (1, 1, 1)),
    ],
)
def test_transformer_lens_runs_and_keeps_what_is_wanted(sites, stop, runs, lens, tiny_documents, monkeypatch):
    """Blocks behind the last wanted one are not run, and hook points that nobody asked for are not kept."""
    bridge, caches, calls = lens._bridge, [], [0, 0, 0]

    parts = (bridge.blocks[0].mlp, bridge.blocks[1].mlp, bridge.ln_final)
    handles = [
        part.register_forward_pre_hook(lambda *_, place=place: calls.__setitem__(place, calls[place] + 1))
        for place, part in enumerate(parts)
    ]
    run = bridge.run_with_cache

    def seen(*given, **options):
        out, cache = run(*given, **options)
        caches.append((options, set(cache.keys())))
        return out, cache

    monkeypatch.setattr(bridge, "run_with_cache", seen)
    (batch,) = lens.read(tiny_documents[:1], sites, batch_tokens=10**6)
    for handle in handles:
        handle.remove()
    assert tuple(calls) == runs
    ((options, kept),) = caches
    hooks = [lens._hook(site) for site in sites]
    assert (sorted(options["names_filter"]), options["stop_at_layer"]) == (sorted(hooks), stop)
    # transformer-lens keeps what it finds under two names twice.
    assert len(kept) <= 2 * len(sites)
    assert {bridge.hook_dict[name] for name in kept} == {bridge.hook_dict[hook] for hook in hooks}
    assert set(batch.activations) == set(sites)


def test_transformer_lens_is_given_the_mask_of_each_window(lens, tiny_documents, monkeypatch):
    """Windows of one batch differ in length; the mask is 1 where a window has a token and 0 behind its end."""
    seen, run = [], lens._bridge.run_with_cache

    def spy(ids, **options):
        seen.append((ids, options["attention_mask"]))
        return run(ids, **options)

    monkeypatch.setattr(lens._bridge, "run_with_cache", spy)
    batches = list(lens._batches(tiny_documents, 10**6))
    list(lens.read(tiny_documents, ["residual:0"], batch_tokens=10**6))
    assert len(seen) == len(batches)
    for (ids, mask), batch in zip(seen, batches, strict=True):
        np.testing.assert_array_equal(ids.numpy(), batch.ids)
        np.testing.assert_array_equal(mask.numpy(), batch.mask)
    assert any(not mask.all() for _, mask in seen)


def test_every_token_is_in_the_table_or_counted(sources, tiny_tokenizer, tiny_documents):
    tokens, _ = gathered(sources["gpt2"], tiny_documents, ["residual:0"])
    encoded = [
        tiny_tokenizer(document.text, add_special_tokens=False, return_offsets_mapping=True)
        for document in tiny_documents
    ]
    total = sum(len(each["input_ids"]) for each in encoded)
    windows = sum(-(-len(each["input_ids"]) // CONTEXT) for each in encoded)
    assert tokens.left_out == {SPECIAL: 1, FIRST: windows, EMPTY: 1}
    assert len(tokens) + 1 + windows == total
    assert (tokens.position % CONTEXT != 0).all()
    assert tiny_tokenizer.eos_token_id not in tokens.token_id
    for row in range(len(tokens)):
        each, place = encoded[tokens.document[row]], tokens.position[row]
        assert tokens.token_id[row] == each["input_ids"][place]
        assert (tokens.start[row], tokens.end[row]) == tuple(each["offset_mapping"][place])


def test_the_first_position_is_kept_on_request(tiny_models, tiny_documents):
    tokens, _ = gathered(TransformersSource(tiny_models["gpt2"], keep_first=True), tiny_documents, ["residual:0"])
    assert tokens.left_out == {SPECIAL: 1, EMPTY: 1}
    assert (tokens.position % CONTEXT == 0).any()


@pytest.mark.parametrize("batch_tokens", [1, 16, 33, 10**6])
def test_nothing_depends_on_the_batch_size(batch_tokens, sources, tiny_documents):
    sites = ["residual:1", "neurons:0"]
    tokens, values = gathered(sources["llama"], tiny_documents, sites)
    again, found = gathered(sources["llama"], tiny_documents, sites, batch_tokens=batch_tokens)
    assert again.same_tokens(tokens)
    assert again.left_out == tokens.left_out
    for site in sites:
        torch.testing.assert_close(found[site], values[site], atol=1e-5, rtol=0)


def test_context_cuts_shorter_windows_and_changes_what_is_seen(tiny_models, tiny_documents):
    tokens, _ = gathered(TransformersSource(tiny_models["gpt2"], context=4), tiny_documents, ["residual:0"])
    assert (tokens.position % 4 != 0).all()
    with pytest.raises(InvalidConfig, match="windows of 17 tokens were asked for, but the model takes 16"):
        TransformersSource(tiny_models["gpt2"], context=17)
    with pytest.raises(InvalidConfig, match="windows need at least 2 tokens"):
        TransformersSource(tiny_models["gpt2"], context=1)


def test_documents_without_kept_tokens_are_counted(sources):
    tokens, values = gathered(sources["gpt2"], documents_from_strings(["", "x"]), ["residual:0"])
    assert len(tokens) == 0
    assert values["residual:0"].shape == (0, 16)
    assert tokens.left_out == {EMPTY: 1, FIRST: 1}
    with pytest.raises(InvalidText, match="no documents"):
        next(sources["gpt2"].read([], ["residual:0"]))


class Plain(torch.nn.Module):
    """Embedding, then a layer that mixes positions, so that padding would be seen."""

    def __init__(self, vocabulary=256, width=3):
        super().__init__()
        torch.manual_seed(0)
        self.embed = torch.nn.Embedding(vocabulary, width)
        self.mix = torch.nn.Linear(width, width)
        self.drop = torch.nn.Dropout(0.5)
        self.unused = torch.nn.Linear(2, 2)
        self.lengths = []

    def forward(self, ids, mask=None):
        self.lengths.append(ids.shape[1])
        hidden = self.embed(ids)
        return self.drop(self.mix(hidden - hidden.mean(1, keepdim=True)))


def characters(text):
    return [ord(letter) for letter in text], [(place, place + 1) for place in range(len(text))]


def test_any_module_by_path(tiny_documents):
    module = Plain()
    module.embed.eval()
    documents = documents_from_strings(["abcdefg", "ab", "hi"])
    source = ModuleSource(module, characters, context=4)
    assert source.sites() == ("embed", "mix", "drop", "unused")
    assert source.width("mix") == 3
    module.lengths.clear()
    tokens, found = gathered(source, documents, ["drop", "embed"])
    assert module.lengths == [4, 3, 2]  # never padded: windows of one length a batch
    assert tokens.token_id.tolist() == [ord(letter) for letter in "bcdfgbi"]
    torch.testing.assert_close(found["embed"], module.embed(torch.tensor([ord(c) for c in "bcdfgbi"])).detach())
    window = module.embed(torch.tensor([ord(c) for c in "efg"]))
    torch.testing.assert_close(found["drop"][3:5], module.mix(window - window.mean(0)).detach()[1:])
    assert module.training
    assert not module.embed.training
    with pytest.raises(InvalidModel, match=r"never came to 'unused' \(unused\)"):
        list(source.read(documents, ["unused"]))
    with pytest.raises(InvalidModel, match="no module 'nowhere' in Plain; its modules are embed, mix, drop, unused"):
        source.read(documents, ["nowhere"])
    with pytest.raises(InvalidModel, match="a plain module has no numbered blocks"):
        source.width("residual:0")


def test_a_forward_function_gets_the_mask():
    seen = []
    module = Plain()
    source = ModuleSource(
        module, characters, context=4, forward=lambda ids, mask: (seen.append(mask.tolist()), module(ids))
    )
    list(source.read(documents_from_strings(["abcdef"]), ["embed"]))
    assert seen == [[[1, 1, 1, 1], [1, 1, 0, 0]]]


def test_huge_norms_are_left_out_by_a_rule_of_their_window_alone():
    module = torch.nn.Sequential(torch.nn.Embedding(256, 2))
    with torch.no_grad():
        module[0].weight[:] = torch.tensor([1.0, 0.0])
        module[0].weight[ord("!")] = torch.tensor([0.0, 50.0])
    documents = documents_from_strings(["abc!defghijk", "!!!!", "x!"])
    for batch_tokens in (1, 1000):
        source = ModuleSource(module, characters, context=6, max_norm_multiple=10)
        tokens, found = gathered(source, documents, ["0"], batch_tokens=batch_tokens)
        # In "!!!!" and "x!" what remains behind the first position is all huge, and so none of it stands out.
        assert tokens.token_id.tolist() == [ord(letter) for letter in "bcdeghijk!!!!"]
        assert tokens.left_out == {FIRST: 4, NORM: 1}
        assert len(found["0"]) == len(tokens)
    with pytest.raises(InvalidConfig, match="above 1 is needed"):
        ModuleSource(module, characters, context=6, max_norm_multiple=1.0)


def test_activations_that_are_not_finite():
    module = torch.nn.Sequential(torch.nn.Embedding(256, 2))
    with torch.no_grad():
        module[0].weight[ord("n"), 1] = float("nan")
    source = ModuleSource(module, characters, context=8)
    with pytest.raises(InvalidModel, match="2 of 4 tokens have a NaN or an infinity, first token 2 of document 'd'"):
        list(source.read(documents_from_strings(["abnan"], ["d"]), ["0"]))


@pytest.mark.parametrize(
    ("tokenize", "match"),
    [
        (lambda text: ([1, 2], [(0, 1)]), "gave 2 tokens but 1 spans"),
        (lambda text: ([1], [(0, 99)]), "places token 0 of document '0' at characters 0 to 99, but the text has 3"),
    ],
)
def test_a_tokenizer_that_contradicts_itself(tokenize, match):
    with pytest.raises(InvalidModel, match=match):
        list(ModuleSource(Plain(), tokenize, context=4).read(documents_from_strings(["abc"]), ["mix"]))


def test_sites_by_name():
    assert parse_site("residual:12") == ("residual", 12)
    assert parse_site("h.0.mlp") is None
    with pytest.raises(InvalidModel, match="a block number is needed"):
        parse_site("residual:last")
    assert canonical_site("blocks.0.hook_resid_pre") == "blocks.0.hook_resid_pre"  # the embedding is no block's output
    assert canonical_site("blocks.4.mlp.hook_post") == "neurons:4"
    for sites, match in (([], "no sites"), ("residual:0", "must be a list"), (["a", "a"], "named twice")):
        with pytest.raises(InvalidModel, match=match):
            checked_sites(sites)


def test_sites_that_do_not_exist(sources):
    source = sources["gpt2"]
    with pytest.raises(InvalidModel, match="has 2 blocks, counted from 0; the last is 1"):
        source.width("residual:2")
    with pytest.raises(InvalidModel, match=r"no module 'h\.9' in GPT2Model; its modules are wte, wpe"):
        source.width("h.9")


def copy_of(folder, target, leave_out=()):
    shutil.copytree(folder, target, ignore=lambda _, names: [name for name in names if name in leave_out])
    return target


def test_a_directory_without_a_tokenizer(tiny_models, tmp_path, tiny_documents):
    bare = copy_of(tiny_models["gpt2"], tmp_path / "bare", ("tokenizer.json", "tokenizer_config.json"))
    with pytest.raises(InvalidModel, match=r"bare: no tokenizer .*tokenizer\.save_pretrained\(directory\)"):
        TransformersSource(bare)
    elsewhere = TransformersSource(bare, tokenizer=tiny_models["llama"])
    assert next(elsewhere.read(tiny_documents, ["residual:0"])).activations["residual:0"].shape[1] == 16


def test_a_tokenizer_of_another_model(tiny_models, tmp_path, tiny_documents):
    import transformers

    config = transformers.GPT2Config(vocab_size=10, n_positions=16, n_embd=16, n_layer=1, n_head=2, eos_token_id=0)
    transformers.GPT2Model(config).save_pretrained(tmp_path / "small")
    source = TransformersSource(tmp_path / "small", tokenizer=tiny_models["gpt2"])
    with pytest.raises(InvalidModel, match="but the model knows 10 tokens; this tokenizer belongs to another model"):
        list(source.read(tiny_documents, ["residual:0"]))


def test_directories_that_are_no_models(tiny_models, tmp_path):
    with pytest.raises(InvalidModel, match="absent: no such model directory"):
        TransformersSource(tmp_path / "absent")
    with pytest.raises(InvalidModel, match="no such model directory"):
        TransformersSource("./absent")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InvalidModel, match=r"no config\.json, .* it holds notes\.txt"):
        TransformersSource(tmp_path)
    with pytest.raises(InvalidModel, match="a file where a model directory"):
        TransformersSource(tmp_path / "notes.txt")
    with pytest.raises(InvalidConfig, match="dtype 'float8'"):
        TransformersSource(tiny_models["gpt2"], dtype="float8")


def test_a_hub_id_that_cannot_be_fetched(monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidModel, match=r"nobody/nothing: no such directory here, and as a hub id"):
        TransformersSource("nobody/nothing")


def test_weights_that_are_truncated_or_missing(tiny_models, tmp_path):
    from safetensors.torch import load_file, save_file

    cut = copy_of(tiny_models["gpt2"], tmp_path / "cut")
    weights = cut / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidModel, match="cut: the model could not be read"):
        TransformersSource(cut)
    weights.write_bytes(whole)
    kept = load_file(weights)
    del kept["transformer.h.1.mlp.c_fc.weight"]
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(InvalidModel, match=r"1 weights are not in the files, h\.1\.mlp\.c_fc\.weight first"):
        TransformersSource(cut)


def test_an_unknown_architecture_lists_its_modules(tiny_tokenizer, tmp_path, tiny_documents):
    import transformers

    config = transformers.BertConfig(
        vocab_size=len(tiny_tokenizer), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=16,
    )  # fmt: skip
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    tiny_tokenizer.save_pretrained(tmp_path)
    source = TransformersSource(tmp_path)
    with pytest.raises(InvalidModel, match=r"keeps its blocks at none of the places known here.*encoder\.layer\.0"):
        source.width("residual:0")
    assert "encoder.layer.0" in source.sites()
    # Not causal: padding would change what real tokens see, were it not masked.
    tokens, found = gathered(source, tiny_documents, ["encoder.layer.0"])
    again, single = gathered(source, tiny_documents, ["encoder.layer.0"], batch_tokens=1)
    assert tokens.same_tokens(again)
    torch.testing.assert_close(found["encoder.layer.0"], single["encoder.layer.0"], atol=1e-5, rtol=0)


def test_arrays_give_the_same_batches():
    values = np.arange(10.0).reshape(5, 2)
    source = ArraySource({"a": values, "b": torch.ones(5, 1)}, groups=["x", "y", "x", "x", "y"])
    tokens, found = gathered(source, [], ["a", "b"], batch_tokens=2)
    np.testing.assert_array_equal(found["a"], values)
    assert tokens.documents == ("x", "y")
    assert tokens.groups.tolist() == [0, 1, 0, 0, 1]
    assert tokens.position.tolist() == [0, 0, 1, 2, 1]
    assert (source.width("a"), source.width("b"), source.sites()) == (2, 1, ("a", "b"))
    counted = ArraySource({"a": values}, tokens=tokens.counted({"special token": 4}))
    assert gathered(counted, [], ["a"], batch_tokens=2)[0].left_out == {"special token": 4}


@pytest.mark.parametrize(
    ("arrays", "options", "match"),
    [
        ({}, {}, "no arrays"),
        ({"a": [[1.0]], "b": [[1.0], [2.0]]}, {}, r"arrays differ in rows \(\{'a': 1, 'b': 2\}\)"),
        ({"a": [1.0, 2.0]}, {}, r"an array of shape \(2,\) where \(rows, width\)"),
        ({"a": np.zeros((0, 2))}, {}, r"an array of shape \(0, 2\)"),
        ({"a": [[1.0], [np.inf], [np.nan]]}, {}, "2 of 3 rows have a NaN or an infinity, first row 1"),
        ({"a": [[1.0]]}, {"groups": [1, 2]}, "1 rows of activations but 2 groups"),
    ],
)
def test_arrays_that_are_no_activations(arrays, options, match):
    with pytest.raises(InvalidModel, match=match):
        ArraySource(arrays, **options)


def test_arrays_read_no_text():
    source = ArraySource({"a": [[1.0]]}, name="mine")
    with pytest.raises(InvalidText, match="mine: arrays are activations already"):
        source.read(documents_from_strings(["x"]), ["a"])
    with pytest.raises(InvalidModel, match="no such array; there are 'a'"):
        source.read([], ["b"])


def test_importing_the_interface_imports_no_torch():
    code = (
        "import sys, geomsim.activations.source, geomsim.activations.transformers_source, geomsim.activations.windows\n"
        "import geomsim.activations.module_source, geomsim.activations.array_source, geomsim.activations.dictionary\n"
        "import geomsim.activations.transformer_lens_source, geomsim.activations.reading\n"
        "assert not {'torch', 'transformers', 'transformer_lens', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_provenance_tells_weights_apart(tiny_models):
    from transformers import AutoModel

    place = next(iter(tiny_models.values()))
    model = AutoModel.from_pretrained(place)
    before = weights_digest(model)
    assert before == weights_digest(AutoModel.from_pretrained(place)) == TransformersSource(place).provenance["weights"]
    with torch.no_grad():
        for weight in model.parameters():
            weight += 1e-4 * torch.randn_like(weight)
    assert weights_digest(model) != before
