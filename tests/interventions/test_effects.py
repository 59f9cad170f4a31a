"""Effects on the next token: against closed forms, and against plain full passes with a hook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from linear_predictors import FIRST, SITE, World, log_softmax

from geomsim.activations import Dictionary, Document, read_dictionary
from geomsim.activations.standard_library import standard_library_documents
from geomsim.errors import GeomsimError, InvalidConfig, InvalidModel
from geomsim.interventions import (
    Intervention,
    TransformersPredictor,
    measure_effects,
    read_firings,
    shared_vocabulary,
)
from geomsim.interventions.intervention import Acting, changes
from geomsim.interventions.passing import Passing
from geomsim.interventions.text_firings import row_scale, same_rows

LEFT = Path(__file__).parents[2] / "examples" / "code_models" / "left"


@pytest.fixture(scope="module")
def world():
    return World()


def closed_form(world, seed, documents, members, change):
    """Mean change of log-probabilities and KL over tokens that have one of the members; `change`: strengths to new."""
    uses = world.predictor(seed)
    readout = uses.module.readout.weight.detach().numpy().astype(np.float64)
    basis = world.basis(seed)
    tokens = np.array([ord(letter) - FIRST for document in documents for letter in document.text])
    acting = tokens[(world.strengths[tokens][:, members] > 0).any(axis=1)]
    strengths = world.strengths[acting]
    before = log_softmax(strengths @ basis @ readout.T)
    after = log_softmax(change(strengths.copy()) @ basis @ readout.T)
    kl = (np.exp(before) * (before - after)).sum(axis=1)
    return (after - before).mean(axis=0), kl.mean(), len(acting)


SETS = [np.array([0]), np.array([5]), np.array([3, 7, 11])]


def measured(world, intervention, sets=SETS, seed=1, **options):
    predictor, dictionary, documents = world.predictor(seed), world.dictionary(seed), world.documents()
    firings = read_firings(predictor, dictionary, documents)
    return measure_effects(predictor, dictionary, firings, sets, intervention, windows=None, **options), firings


def without(members):
    def change(strengths):
        strengths[:, members] = 0.0
        return strengths

    return change


@pytest.mark.parametrize("mode", ["ablate", "project-out"])
def test_taking_a_latent_away_changes_logits_by_its_readout(world, mode):
    found, _ = measured(world, Intervention(mode))
    for number, members in enumerate(SETS):
        change, kl, positions = closed_form(world, 1, world.documents(), members, without(members))
        # What the latents do is what is lost without them.
        np.testing.assert_allclose(found.change[number], -change, rtol=1e-5, atol=2e-5)
        assert found.kl[number] == pytest.approx(kl, rel=1e-4)
        assert found.positions[number] == positions


def test_adding_a_latent_at_its_mean_activation(world):
    found, firings = measured(world, Intervention("add", multiple=1.5))
    tokens = np.array([ord(letter) - FIRST for document in world.documents() for letter in document.text])
    there = world.strengths[tokens]
    means = there.sum(axis=0) / (there > 0).sum(axis=0)
    np.testing.assert_allclose(firings.means, means, rtol=1e-5)
    for number, members in enumerate(SETS):

        def change(strengths, members=members):
            strengths[:, members] += 1.5 * means[members]
            return strengths

        expected, kl, _ = closed_form(world, 1, world.documents(), members, change)
        np.testing.assert_allclose(found.change[number], expected, rtol=1e-5, atol=2e-5)
        assert found.kl[number] == pytest.approx(kl, rel=1e-4)


def test_adding_everywhere_counts_all_tokens(world):
    found, firings = measured(world, Intervention("add", where="all"))
    assert found.positions.tolist() == [len(firings)] * len(SETS)


def test_batches_windows_and_a_stopped_run_change_nothing(world, tmp_path, monkeypatch):
    whole, _ = measured(world, Intervention())
    small, _ = measured(world, Intervention(), budget=60_000)
    np.testing.assert_allclose(small.change, whole.change, atol=1e-6)
    assert small.positions.tolist() == whole.positions.tolist()
    from geomsim.interventions import effects

    real, calls = effects._measure, []

    def stopped(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr("geomsim.interventions.effect_sums._EVERY", -1.0)
    monkeypatch.setattr(effects, "_measure", stopped)
    keep = tmp_path / "effects.npz"
    with pytest.raises(KeyboardInterrupt):
        measured(world, Intervention(), budget=60_000, keep=keep)
    again, _ = measured(world, Intervention(), budget=60_000, keep=keep)
    np.testing.assert_array_equal(again.change, small.change)
    np.testing.assert_array_equal(again.kl, small.kl)
    counted = len(calls)
    measured(world, Intervention(), budget=60_000, keep=keep)
    assert len(calls) == counted  # all was there
    other, _ = measured(world, Intervention("project-out"), budget=60_000, keep=keep)
    assert len(calls) > counted  # another intervention is another run
    assert other.positions.tolist() == whole.positions.tolist()
    keep.write_bytes(b"PK nonsense")
    with pytest.raises(GeomsimError, match="damaged"):
        measured(world, Intervention(), keep=keep)


def test_a_stopped_run_goes_on_with_other_memory(world, tmp_path, monkeypatch):
    """How many windows make a chunk depends on what is free; each window is measured once all the same."""
    from geomsim.interventions import effects

    whole, _ = measured(world, Intervention())
    real, measured_windows = effects._measure, []
    monkeypatch.setattr("geomsim.interventions.effect_sums._EVERY", -1.0)
    for number, budget in enumerate((60_000, 30_000, 120_000, 10**9)):

        def stopped(*arguments, last=number == 3, calls=[]):  # noqa: B006
            calls.append(1)
            if len(calls) == 3 and not last:
                calls.clear()
                raise KeyboardInterrupt
            measured_windows.append(np.unique(arguments[6].window))
            real(*arguments)

        monkeypatch.setattr(effects, "_measure", stopped)
        if number < 3:
            with pytest.raises(KeyboardInterrupt):
                measured(world, Intervention(), budget=budget, keep=tmp_path / "effects.npz")
        else:
            found, firings = measured(world, Intervention(), budget=budget, keep=tmp_path / "effects.npz")
    assert np.concatenate(measured_windows).tolist() == list(range(len(firings.windows)))
    assert len({len(each) for each in measured_windows}) > 2
    np.testing.assert_allclose(found.change, whole.change, atol=1e-6)
    assert found.positions.tolist() == whole.positions.tolist()


@pytest.mark.parametrize("mode", ["ablate", "project-out", "add"])
def test_a_control_writes_as_much_in_another_direction(mode):
    random = np.random.default_rng(0)
    own, other = (
        torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        for rows in random.standard_normal((2, 6, 9))
    )
    points = torch.from_numpy(random.standard_normal((5, 9)))
    sets = [np.array([2]), np.array([0, 4])]
    acting = Acting(
        np.array([0, 0, 1, 1, 1]), points, np.array([0, 1, 2, 3, 4]), np.array([2, 2, 0, 4, 4]),
        np.array([0.5, 2.0, 1.0, 3.0, 0.25], dtype=np.float32),
    )  # fmt: skip
    means = np.arange(1.0, 7.0)
    expected = {
        "ablate": lambda row, d, r: (
            -sum(acting.entry_value[at] * r[acting.entry_latent[at]] for at in np.flatnonzero(acting.entry_row == row))
        ),
        "project-out": lambda row, d, r: (
            -np.linalg.norm(np.linalg.qr(d[sets[acting.of_set[row]]].T)[0].T @ points[row].numpy())
        ),
        "add": lambda row, d, r: means[sets[acting.of_set[row]]] @ r[sets[acting.of_set[row]]],
    }[mode]
    for written in (own, other):
        found = changes(Intervention(mode), acting, sets, own, written, means).numpy()
        for row in range(5):
            wanted = expected(row, own.numpy(), written.numpy())
            if mode == "project-out":  # as long as what is taken away, and inside what is written
                assert np.linalg.norm(found[row]) == pytest.approx(-wanted)
                rows = written.numpy()[sets[acting.of_set[row]]]
                np.testing.assert_allclose(np.linalg.lstsq(rows.T, found[row])[0] @ rows, found[row], atol=1e-12)
            else:
                np.testing.assert_allclose(found[row], wanted, rtol=1e-6)
    if mode == "project-out":
        basis = np.linalg.qr(own.numpy()[sets[1]].T)[0]
        taken = changes(Intervention(mode), acting, sets, own, own, means).numpy()[2:]
        np.testing.assert_allclose(taken, -(points.numpy()[2:] @ basis) @ basis.T)


def test_windows_are_limited_and_the_same_ones_for_sets_that_fire_in_all(world):
    predictor, dictionary, documents = world.predictor(1), world.dictionary(1), world.documents()
    firings = read_firings(predictor, dictionary, documents)
    found = measure_effects(predictor, dictionary, firings, SETS, windows=4)
    assert found.windows.tolist() == [4, 4, 4]
    from geomsim.interventions.window_jobs import chosen_windows

    everywhere = np.arange(len(firings))
    first, second = chosen_windows(firings, [everywhere, everywhere], 4, 0)
    assert first.tolist() == second.tolist()
    assert first.tolist() != chosen_windows(firings, [everywhere], 4, 1)[0].tolist()


def test_averaged_rows_are_a_part_of_those_where_it_acts(world):
    predictor, dictionary, documents = world.predictor(1), world.dictionary(1), world.documents()
    firings = read_firings(predictor, dictionary, documents)
    rows = [firings.rows_of(each)[::3] for each in SETS]
    found = measure_effects(predictor, dictionary, firings, SETS, windows=None, averaged=rows)
    assert found.positions.tolist() == [len(each) for each in rows]
    tokens = np.array([ord(letter) - FIRST for document in documents for letter in document.text])[rows[1]]
    readout = predictor.module.readout.weight.detach().numpy().astype(np.float64)
    strengths = world.strengths[tokens]
    ablated = without([5])(strengths.copy())
    basis = world.basis(1)
    expected = (log_softmax(strengths @ basis @ readout.T) - log_softmax(ablated @ basis @ readout.T)).mean(axis=0)
    np.testing.assert_allclose(found.change[1], expected, rtol=1e-5, atol=2e-5)


def test_sets_that_cannot_be(world):
    for sets, what in (([], "no sets"), ([np.zeros(0, dtype=np.int64)], "no latents"), ([np.array([99])], "latent 99")):
        with pytest.raises(InvalidConfig, match=what):
            measured(world, Intervention(), sets)
    for options, what in (
        ({"mode": "remove"}, "mode must be one of"), ({"mode": "add", "multiple": 0.0}, "above 0"),
        ({"where": "all"}, "for mode='add'"), ({"mode": "add", "where": "here"}, "where must be"),
    ):  # fmt: skip
        with pytest.raises(InvalidConfig, match=what):
            Intervention(**options)


def test_a_dictionary_elsewhere_is_refused(world):
    predictor, documents = world.predictor(1), world.documents()
    with pytest.raises(InvalidModel, match="does not say where"):
        read_firings(predictor, Dictionary(torch.eye(24), torch.zeros(24), torch.eye(24), torch.zeros(24)), documents)
    with pytest.raises(InvalidModel, match="no module 'nowhere'"):
        read_firings(predictor, world.dictionary(1), documents, "nowhere")


@pytest.mark.parametrize("normalisation", ["none", "layer_norm", "constant_norm_rescale"])
def test_the_scale_of_a_row_is_that_of_decoding(world, normalisation):
    points = torch.randn(7, 24, generator=torch.Generator().manual_seed(0)) * 3 + 1
    dictionary = world.dictionary(1)
    given = Dictionary(
        dictionary.encoder, dictionary.encoder_bias, dictionary.decoder, dictionary.decoder_bias,
        normalisation=normalisation, convention="raw",
    )  # fmt: skip
    expected = {
        "none": torch.ones(7), "layer_norm": points.std(1), "constant_norm_rescale": points.norm(dim=1) / 24**0.5,
    }[normalisation]  # fmt: skip
    np.testing.assert_allclose(row_scale(given, points), expected, rtol=1e-5)


def test_ablating_under_a_normalised_input_takes_away_what_decoding_puts_there(world):
    predictor, documents = world.predictor(1), world.documents(1)
    basis = torch.from_numpy(world.basis(1)).float()
    dictionary = Dictionary(
        basis.T.contiguous(), torch.zeros(24), basis, torch.zeros(24), normalisation="constant_norm_rescale",
        activation="jumprelu", threshold=0.01, site=SITE, convention="raw",
    )  # fmt: skip
    firings = read_firings(predictor, dictionary, documents)
    found = measure_effects(predictor, dictionary, firings, SETS, windows=None)
    # The basis is exact and without bias, so scale times code is the strength, normalised or not.
    for number, members in enumerate(SETS):
        change, _, _ = closed_form(world, 1, documents, members, without(members))
        np.testing.assert_allclose(found.change[number], -change, rtol=1e-5, atol=5e-5)


def plain_reference(documents, latents, before=()):
    """One window after the other through the whole model, with a hook on the block; nothing is shared with geomsim.

    `before` stands before each window, and takes places of it.
    """
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(LEFT, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(LEFT)
    dictionary = read_dictionary(LEFT / "saes" / "layer_0")
    norms = dictionary.decoder.norm(dim=1)
    sums, counts = np.zeros((len(latents), model.config.vocab_size)), np.zeros(len(latents))
    for document in documents:
        ids = tokenizer(document.text, add_special_tokens=False)["input_ids"]
        for begin in range(0, len(ids), 128 - len(before)):
            window = torch.tensor([[*before, *ids[begin : begin + 128 - len(before)]]])
            with torch.no_grad():
                clean = model(window, output_hidden_states=True)
                stream = clean.hidden_states[1][0]
                before = (stream - dictionary.decoder_bias) @ dictionary.encoder + dictionary.encoder_bias
                before = before * norms
                best = before.topk(dictionary.k, dim=1)
                codes = torch.zeros_like(before).scatter(1, best.indices, best.values.clamp_min(0))
                codes[0] = 0  # the first of a window is left out, whether it is of the text or not
                for number, latent in enumerate(latents):
                    fires = codes[:, latent] > 0
                    if not fires.any():
                        continue
                    contribution = codes[:, latent, None] * dictionary.decoder[latent] / norms[latent]
                    handle = model.transformer.h[0].register_forward_hook(
                        lambda _m, _i, output, away=contribution: (
                            (output[0] - away, *output[1:]) if isinstance(output, tuple) else output - away
                        )
                    )
                    ablated = model(window).logits[0]
                    handle.remove()
                    change = clean.logits[0].log_softmax(1) - ablated.log_softmax(1)
                    sums[number] += change[fires].double().sum(0).numpy()
                    counts[number] += int(fires.sum())
    return sums / counts[:, None], counts


@pytest.mark.parametrize("bos", [None, True])
def test_a_transformer_agrees_with_plain_full_passes(bos):
    document = standard_library_documents("held-out")[0]
    documents = [Document("one", document.text[:1500]), Document("two", document.text[1500:2300])]
    predictor, dictionary = TransformersPredictor(LEFT, bos=bos), read_dictionary(LEFT / "saes" / "layer_0")
    firings = read_firings(predictor, dictionary, documents)
    latents = np.argsort(-firings.firings)[[0, 3, 30, 100]]
    expected, counts = plain_reference(documents, latents.tolist(), [0] if bos else [])
    for skip in (True, False):
        found = measure_effects(predictor, dictionary, firings, list(latents[:, None]), windows=None, skip=skip)
        assert found.positions.tolist() == counts.tolist()
        np.testing.assert_allclose(found.change, expected, atol=1e-4)
        assert np.abs(expected).max() > 0.05


def test_tokens_that_the_head_does_not_predict_are_not_compared(tmp_path):
    """Tokens may have been added to a tokenizer, and heads may be padded to more than there are."""
    import transformers

    for size in (2000, 2100):
        config = transformers.GPT2Config(vocab_size=size, n_embd=8, n_layer=1, n_head=1, n_positions=32)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / str(size))
    whole = TransformersPredictor(LEFT)
    for size, known in ((2000, 2000), (2100, 2048)):
        predictor = TransformersPredictor(tmp_path / str(size), tokenizer=LEFT)
        assert len(predictor.vocabulary) == len(predictor.spellings) == known
        assert predictor.vocabulary == whole.vocabulary[:known]
        shared = shared_vocabulary(whole, predictor)
        assert shared.by == ("text" if known < 2048 else "number")
        assert 0 < max(shared.right) < known
        assert shared.left.tolist() == shared.right.tolist()


def test_a_space_that_a_decoder_drops_at_the_begin_is_there(tmp_path):
    """Tokenizers like those of Llama and Gemma write a space as a part of the token, and drop the first one."""
    import transformers

    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"<unk>": 0, "▁the": 1, "the": 2, "▁cat": 3, "x": 4, "▁x": 5}, unk_token="<unk>")
    )
    made.pre_tokenizer, made.decoder = tokenizers.pre_tokenizers.Metaspace(), tokenizers.decoders.Metaspace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")
    assert tokenizer.decode([1, 3]) == "the cat"
    tokenizer.save_pretrained(tmp_path)
    config = transformers.GPT2Config(vocab_size=6, n_embd=8, n_layer=1, n_head=1, n_positions=32)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    assert TransformersPredictor(tmp_path).vocabulary == (None, " the", "the", " cat", "x", " x")


def test_rows_are_the_same_in_the_same_windows_alone(world):
    documents = world.documents()
    read = [
        read_firings(world.predictor(1, **options), world.dictionary(1), documents)
        for options in ({}, {}, {"context": 8}, {"bos": 3, "context": 17}, {"bos": 3}, {"keep_first": False})
    ]
    assert [same_rows(read[0], each) for each in read] == [True, True, False, True, False, False]


@pytest.mark.parametrize("family", ["gpt2", "gpt-neox", "llama", "gemma2"])
def test_blocks_before_the_site_are_left_out_where_that_changes_nothing(family, tmp_path):
    import transformers

    torch.manual_seed(0)
    small = {"vocab_size": 2048, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3}
    small |= {"num_attention_heads": 2, "max_position_embeddings": 32, "initializer_range": 0.3}
    config = {
        "gpt2": lambda: transformers.GPT2Config(vocab_size=2048, n_embd=16, n_layer=3, n_head=2, n_positions=32),
        "gpt-neox": lambda: transformers.GPTNeoXConfig(**small),
        "llama": lambda: transformers.LlamaConfig(**small),
        "gemma2": lambda: transformers.Gemma2Config(
            **small, num_key_value_heads=1, head_dim=8, final_logit_softcapping=3.0, sliding_window=8
        ),
    }[family]()
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    predictor = TransformersPredictor(tmp_path, tokenizer=LEFT, context=12)
    ids = torch.randint(1, 2048, (3, 12), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[2, 9:] = 0
    places = torch.tensor([3, 14, 20, 30])
    with torch.no_grad():
        expected = predictor.predict(ids, mask).flatten(0, 1)[places]
    for site, skipped in (("residual:1", 2), ("residual:0", 1), ("neurons:1", 0)):
        quick, slow = Passing(predictor, site), Passing(predictor, site, skip=False)
        stream, logits = quick.clean(ids, mask, places)
        torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
        assert quick.skips == skipped
        other = stream + 0.5 * torch.randn(stream.shape, generator=torch.Generator().manual_seed(2))
        changed = quick.changed(ids, mask, other, places)
        torch.testing.assert_close(changed, slow.changed(ids, mask, other, places), atol=1e-5, rtol=1e-4)
        assert float((changed - logits).abs().max()) > 1e-3
    # Nothing of all this stays behind.
    with torch.no_grad():
        torch.testing.assert_close(predictor.predict(ids, mask).flatten(0, 1)[places], expected)
    assert not any("forward" in vars(part) for part in predictor.module.modules())


def test_blocks_that_cannot_be_left_out_are_run():
    """A model whose head looks at the first block too."""

    class Looking(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.first, self.second = (
                torch.nn.Embedding(5, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 4),
            )  # fmt: skip
            self.readout = torch.nn.Linear(4, 5)

        def forward(self, ids):
            early = self.first(self.embedding(ids))
            return self.readout(self.second(early) + early)

    from geomsim.interventions import ModulePredictor

    torch.manual_seed(0)
    module = Looking()
    predictor = ModulePredictor(module, lambda text: ([], []), list("abcde"), context=4)
    predictor.blocks_through = lambda site: (module.first, module.second)
    passing = Passing(predictor, "second")
    ids, places = torch.tensor([[0, 1, 2]]), torch.tensor([0, 2])
    stream, logits = passing.clean(ids, torch.ones_like(ids), places)
    assert passing.skips == 0
    torch.testing.assert_close(passing.changed(ids, torch.ones_like(ids), stream, places), logits)
