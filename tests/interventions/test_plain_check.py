"""The scores of a whole check against loops that share nothing with it: hook, run, softmax, compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from geomsim import Pairing
from geomsim.activations import Document, common_cuts, read_dictionary
from geomsim.activations.standard_library import standard_library_documents
from geomsim.interventions import Intervention, Scoring, SetPairs, TransformersPredictor, causal_check

MODELS = Path(__file__).parents[2] / "examples" / "code_models"
RANKS = [1, 4, 9, 16, 25]  # of latents by how often they fire


@pytest.fixture(scope="module")
def documents():
    found = standard_library_documents("held-out")[1]
    return [Document("one", found.text[:1800]), Document("two", found.text[1800:3000])]


class Plain:
    """One layer of a shipped model, by transformers and matrix products alone."""

    def __init__(self, name, layer):
        import transformers

        self.tokenizer = transformers.AutoTokenizer.from_pretrained(MODELS / name)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(MODELS / name, dtype=torch.float32).eval()
        base = self.model.base_model
        self.block = (base.h if hasattr(base, "h") else base.layers)[layer]
        self.dictionary = read_dictionary(MODELS / name / "saes" / f"layer_{layer}")
        self.norms = self.dictionary.decoder.norm(dim=1)

    def codes(self, stream):
        given = self.dictionary
        shift = given.decoder_bias if given.subtract_decoder_bias else 0
        before = (stream - shift) @ given.encoder + given.encoder_bias
        before = before * self.norms if given.scale_before_activation else before
        best = before.topk(given.k, dim=1)
        codes = torch.zeros_like(before).scatter(1, best.indices, best.values.clamp_min(0))
        codes = codes if given.scale_before_activation else codes * self.norms
        codes[0] = 0  # the first of a window is left out
        return codes

    def windows(self, documents, cuts=None):
        for document in documents:
            encoded = self.tokenizer(document.text, add_special_tokens=False, return_offsets_mapping=True)
            ids = np.array(encoded["input_ids"])
            piece = np.arange(len(ids)) // 128
            if cuts is not None:
                texts = [document.text[start:end] for start, end in encoded["offset_mapping"]]
                white = [len(text) - len(text.lstrip()) if text.strip() else 0 for text in texts]
                begins = [start + space for (start, _), space in zip(encoded["offset_mapping"], white, strict=True)]
                piece = np.searchsorted(cuts.offsets[document.name], begins, side="right")
            for number in np.unique(piece):
                yield torch.tensor([ids[piece == number].tolist()])

    @torch.no_grad()
    def run(self, window, stream=None):
        """Log-probabilities, and the stream behind the block; with another stream there, if one is given."""
        seen = []

        def hook(_module, _inputs, output):
            parts = output if isinstance(output, tuple) else (output,)
            seen.append(parts[0][0])
            if stream is not None:
                parts = (stream[None], *parts[1:])
            return parts if isinstance(output, tuple) else parts[0]

        handle = self.block.register_forward_hook(hook)
        logits = self.model(window).logits[0]
        handle.remove()
        return logits.double().log_softmax(1), seen[0]

    def effects(self, documents, latents, mode, cuts=None):
        """What each latent does, (latents, tokens), and the mean prediction where any of them is active."""
        read = [(window, *self.run(window)) for window in self.windows(documents, cuts)]
        read = [(window, clean, stream, self.codes(stream)) for window, clean, stream in read]
        every = torch.cat([codes for _, _, _, codes in read])
        means = every.sum(0) / (every > 0).sum(0).clamp_min(1)
        sums, counts = (np.zeros((len(latents), self.model.config.vocab_size)), np.zeros((len(latents), 1)))
        predicted, places = np.zeros(sums.shape[1]), 0
        for window, clean, stream, codes in read:
            anywhere = (codes[:, latents] > 0).any(1)
            predicted += clean[anywhere].exp().sum(0).numpy()
            places += int(anywhere.sum())
            for number, latent in enumerate(latents.tolist()):
                fires = codes[:, latent] > 0
                if not fires.any():
                    continue
                direction = self.dictionary.decoder[latent] / self.norms[latent]
                size = {
                    "ablate": -codes[:, latent], "add": fires * 1.5 * means[latent],
                    "project-out": -(fires * (stream @ direction)),
                }[mode]  # fmt: skip
                changed, _ = self.run(window, stream + size[:, None] * direction)
                sums[number] += (changed - clean)[fires].sum(0).numpy() * (1 if mode == "add" else -1)
                counts[number] += int(fires.sum())
        return sums / counts, predicted / places

    def frequent(self, documents, cuts=None):
        codes = torch.cat([self.codes(self.run(window)[1]) for window in self.windows(documents, cuts)])
        return np.argsort(-(codes > 0).sum(0).numpy(), kind="stable")[RANKS]


def shared_tokens(sides, *, one_tokenizer):
    """The tokens of both sides that are compared, number by number."""
    if one_tokenizer:
        return [list(range(1, len(sides[0].tokenizer)))] * 2  # token 0 is a special one
    texts = [[each.tokenizer.decode([number]) for number in range(1, len(each.tokenizer))] for each in sides]
    once = [
        {text: number for number, text in enumerate(side, 1) if side.count(text) == 1 and "\ufffd" not in text}
        for side in texts
    ]
    common = [text for text in once[0] if text in once[1]]
    return [[side[text] for text in common] for side in once]


@pytest.mark.parametrize(
    ("mode", "other"), [("ablate", "right"), ("project-out", "right"), ("add", "right"), ("ablate", "third")]
)
def test_scores_are_those_of_plain_loops(mode, other, documents, tmp_path):
    plain = [Plain("left", 1), Plain(other, 1)]
    models = [TransformersPredictor(MODELS / name) for name in ("left", other)]
    cuts = common_cuts(documents, models) if other == "third" else None
    latents = [each.frequent(documents, cuts) for each in plain]
    shared = shared_tokens(plain, one_tokenizer=cuts is None)
    measured = [each.effects(documents, chosen, mode, cuts) for each, chosen in zip(plain, latents, strict=True)]
    left, right = (change[:, numbers] for (change, _), numbers in zip(measured, shared, strict=True))
    options = {"intervention": Intervention(mode, multiple=1.5) if mode == "add" else Intervention(mode)}
    options |= {"windows": None, "draws": 99, "keep": tmp_path}
    sets = SetPairs.from_pairing(Pairing(*latents))
    dictionaries = [each.dictionary for each in plain]
    check = causal_check(*models, *dictionaries, sets, documents, **options)
    assert check.facts["tokens"] == len(shared[0])
    n = len(RANKS)
    assert len(check) == n
    expected = np.corrcoef(left - left.mean(0), right - right.mean(0))[:n, n:]
    np.testing.assert_allclose(check.scores, expected, atol=2e-4)
    as_it_is = np.corrcoef(left, right)[:n, n:]
    np.testing.assert_allclose(check.frame["score_not_centred"], np.diag(as_it_is), atol=2e-4)
    assert np.abs(expected).max() > 0.1
    if mode == "ablate":
        weight = sum(predicted[numbers] for (_, predicted), numbers in zip(measured, shared, strict=True))
        weighed = causal_check(
            *models, *dictionaries, sets, documents, **options, scoring=Scoring(weights="probability")
        )
        cov = np.cov(np.concatenate([left - left.mean(0), right - right.mean(0)]), aweights=weight)
        expected = (cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov))))[:n, n:]
        np.testing.assert_allclose(weighed.scores, expected, atol=2e-4)
        assert np.abs(weighed.scores - check.scores).max() > 0.02
