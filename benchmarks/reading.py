"""Reading activations and codes: geomsim's hooks, stopped behind the last wanted block, beside what libraries offer.

Held-out source code of the standard library is read at one site of a model, in equal batches of about 4,096 tokens:

- "hook, stopped": `TransformersSource`, whose hook ends the forward pass;
- "hook, whole": the same hook, and every later block is run as well;
- "output_hidden_states": all hidden states of the model without its head, of which one is used;
- "lens, stopped": `TransformerLensSource`, with `names_filter` and `stop_at_layer`;
- "lens, full cache": `run_with_cache` without a filter, of which one entry is used;
- "tokenizing alone": windows and masks, no model: what bounds all others.

Models are the shipped `right` (3 blocks, width 128) at its first and last block, and a made one in the shape of GPT-2
(12 blocks, width 256, random weights) at block 3 and the last. The dictionary of `right` is the shipped one (1,024
latents, k = 16), that of the made model random (4,096, k = 32).

Tokens per second are of the fastest of three passes over the text, without and with encoding; a first pass over a few
documents is not timed. Each row is a process of its own, whose peak memory is given with what it held before it read.
Differences are the largest of any activation on the first 2,000 tokens from "hook, stopped". The last of the hidden
states is the one behind the final norm: at the last block `output_hidden_states` does not have the residual stream,
and its difference says so.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geomsim.activations import Batch, Dictionary, Document, TransformerLensSource, TransformersSource, read_dictionary
from geomsim.activations.encoding import encoded_batches
from geomsim.activations.hooks import picked_rows
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.windows import WindowBatch, read_batches, window_batches
from geomsim.parallel import cores

SHIPPED = Path(__file__).parent.parent / "examples" / "code_models"
CASES = (("right", 0), ("right", 2), ("made", 3), ("made", 11))
HOOK, WHOLE, STATES, LENS, CACHE, NOTHING = (
    "hook, stopped", "hook, whole", "output_hidden_states", "lens, stopped", "lens, full cache", "tokenizing alone",
)  # fmt: skip
WAYS = (HOOK, WHOLE, STATES, LENS, CACHE, NOTHING)
CHARACTERS = {"right": 300_000, "made": 80_000}
COMPARED = 2_000


class Whole(TransformersSource):
    """Runs the whole model; where `states` is set, without a hook and with all hidden states."""

    states = False

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        return same_batches(self, documents, sites, batch_tokens, self._all_of_it)

    def _all_of_it(self, batch: WindowBatch, site: str) -> torch.Tensor:
        ids, mask = torch.from_numpy(batch.ids), torch.from_numpy(batch.mask).long()
        kept: list[Any] = []
        block = self._model.get_submodule(self._tap(site).path)
        handle = None if self.states else block.register_forward_hook(lambda _module, _in, out: kept.append(out))
        with torch.no_grad():
            found = self._model(input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=self.states)
        if handle is None:
            kept = [found.hidden_states[int(site.split(":")[1]) + 1]]
        else:
            handle.remove()
        return picked_rows(kept[0], torch.from_numpy(batch.rows), batch.ids.shape, site)


class AllStates(Whole):
    states = True


class FullCache(TransformerLensSource):
    """Keeps every hook point of every block, as `run_with_cache` does unless told otherwise."""

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        return same_batches(self, documents, sites, batch_tokens, self._all_of_it)

    def _all_of_it(self, batch: WindowBatch, site: str) -> torch.Tensor:
        with torch.no_grad():
            _, cache = self._bridge.run_with_cache(
                torch.from_numpy(batch.ids), attention_mask=torch.from_numpy(batch.mask).long()
            )
        return picked_rows(cache[self._hook(site)], torch.from_numpy(batch.rows), batch.ids.shape, site)


class Tokens(TransformersSource):
    """No model is run."""

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        return same_batches(self, documents, sites, batch_tokens, lambda batch, _site: torch.zeros(len(batch.rows), 1))


SOURCES: Mapping[str, Callable[..., Any]] = {
    HOOK: TransformersSource, WHOLE: Whole, STATES: AllStates, LENS: TransformerLensSource, CACHE: FullCache,
    NOTHING: Tokens,
}  # fmt: skip


def same_batches(
    source: Any,
    documents: Sequence[Document],
    sites: Sequence[str],
    batch_tokens: int,
    activations: Callable[[WindowBatch, str], torch.Tensor],
) -> Iterator[Batch]:
    batches = window_batches(documents, source._tokenization, source._windowing, batch_tokens=batch_tokens)
    return read_batches(
        batches, sites, lambda batch: {sites[0]: activations(batch, sites[0])}, source.width, source._windowing
    )


def make_model(folder: Path) -> None:
    import transformers

    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(SHIPPED / "right")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=128, n_embd=256, n_layer=12, n_head=4, initializer_range=0.1,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def dictionary_for(model: str, layer: int) -> Dictionary:
    if model == "right":
        return read_dictionary(SHIPPED / "right" / "saes" / f"layer_{layer}")
    encoder = torch.randn(256, 4096, generator=torch.Generator().manual_seed(0)) / 16
    return Dictionary(
        encoder, torch.zeros(4096), encoder.T.contiguous(), torch.zeros(256), "topk", k=32, convention="raw"
    )


def some_documents(characters: int) -> list[Document]:
    found: list[Document] = []
    for document in standard_library_documents():
        missing = characters - sum(len(each.text) for each in found)
        if missing <= 0:
            break
        found.append(Document(document.name, document.text[:missing]))
    return found


def tokens_per_second(read: Callable[[], Iterator[Any]]) -> float:
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        tokens = sum(len(batch.tokens) + sum(batch.tokens.left_out.values()) for batch in read())
        rates.append(tokens / (time.perf_counter() - started))
    return max(rates)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(model: str, layer: int, way: str, characters: int, folder: Path) -> None:
    torch.set_num_threads(cores())
    source = SOURCES[way](SHIPPED / "right" if model == "right" else folder / "made")
    site, dictionary, documents = f"residual:{layer}", dictionary_for(model, layer), some_documents(characters)
    first = [Document("first", documents[0].text[:3000])]
    for _ in source.read(first, [site]):
        pass
    before = peak()
    plain = tokens_per_second(lambda: source.read(documents, [site]))
    after = peak()
    encoded = None
    if way != NOTHING:
        encoded = tokens_per_second(lambda: encoded_batches(source, documents, {site: dictionary}))
        values, rows = [], 0
        for batch in source.read(documents, [site]):
            values.append(batch.activations[site].numpy())
            rows += len(values[-1])
            if rows >= COMPARED:
                break
        np.save(folder / f"{way}.npy", np.concatenate(values)[:COMPARED])
    print(f"{plain},{encoded or 0},{after},{before}", flush=True)


def main() -> None:
    if len(sys.argv) > 2:
        model, layer, way, characters, folder = sys.argv[1:]
        measure(model, int(layer), way, int(characters), Path(folder))
        return
    # A word behind the name makes a trial of it: a few thousand characters of text.
    few = dict.fromkeys(CHARACTERS, 8_000) if len(sys.argv) > 1 else CHARACTERS
    heads = ["model, block", "way", "tokens/s", "times all hidden states", "with the dictionary, tokens/s"]
    heads += ["peak, GiB", "of which before, GiB", "difference"]
    print(f"{cores()} cores\n\n| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_model(folder / "made")
        for model, layer in CASES:
            found = {}
            for way in WAYS:
                command = [sys.executable, __file__, model, str(layer), way, str(few[model]), place]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found[way] = list(map(float, done.stdout.split("\n")[-2].split(",")))
            for way, (plain, encoded, highest, before) in found.items():
                cells = [f"{model}, {layer}", way, f"{plain:,.0f}", f"{plain / found[STATES][0]:.2f}"]
                cells += [f"{encoded:,.0f}" if encoded else "", f"{highest:.2f}", f"{before:.2f}"]
                if way not in (HOOK, NOTHING):
                    ours, theirs = (np.load(folder / f"{each}.npy") for each in (HOOK, way))
                    cells.append(f"{np.abs(ours - theirs).max():.0e}")
                print(f"| {' | '.join(cells + [''] * (len(heads) - len(cells)))} |", flush=True)


if __name__ == "__main__":
    main()
