"""Further dictionaries of the example's models: other seeds and sizes, and those of a re-randomised model."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import dropwhile
from pathlib import Path
from typing import Any

import torch
from autoencoder_training import SAE_BATCH, SAE_TOKENS, block_outputs, train_sae
from model_training import PLANS, Plan, held_out_loss, open_model, token_stream

QUICK = 40  # steps
RERANDOMISED = "right-rerandomised"
RERANDOMISED_SEED = 7
TABLE_HEAD = """\
| model | layer | latents | seed | explained variance | L0 | dead latents |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Further:
    """A dictionary more of a model that is trained already; seed 0 of 1,024 latents is the one in `saes`."""

    model: str
    layer: int
    seed: int
    latents: int = 1024

    @property
    def folder(self) -> Path:
        """Where it lies, below the directory of the models."""
        if self.model == RERANDOMISED:
            return Path(self.model, "saes", f"layer_{self.layer}")
        size = "" if self.latents == 1024 else f"_latents_{self.latents}"
        return Path(self.model, "more_saes", f"layer_{self.layer}{size}_seed_{self.seed}")

    @property
    def trained(self) -> str:
        """The trained model: its own, or the one whose weights were drawn anew."""
        return "right" if self.model == RERANDOMISED else self.model

    @property
    def plan(self) -> Plan:
        """The plan of its model, with its number of latents."""
        found = next(plan for plan in PLANS if plan.name == self.trained)
        return replace(found, name=self.model, latents=self.latents)

    @property
    def torch_seed(self) -> int:
        """Another one for each dictionary: dictionaries of two sizes would begin with the same numbers."""
        of_model = 9 if self.model == RERANDOMISED else self.plan.seed
        return 100 * of_model + self.layer + 1000 * (self.latents + self.seed)


# In the order of their training: neighbours share a model, which is then read once.
FURTHER = (
    Further("left", 1, 0, latents=512),
    Further("left", 1, 0, latents=4096),
    *(Further("left", layer, 1) for layer in range(2)),
    *(Further("right", layer, seed) for seed in (1, 2) for layer in range(3)),
    *(Further("left", layer, 2) for layer in range(2)),
    *(Further(RERANDOMISED, layer, 0) for layer in range(3)),
    Further("left", 1, 1, latents=512),
    Further("left", 1, 1, latents=4096),
)


@lru_cache(maxsize=1)
def read_model(name: str, root: Path, tokens: int) -> tuple[list[torch.Tensor], list[torch.Tensor], dict[str, Any]]:
    """Each block's outputs on the training text and on the held-out text, and which model it is."""
    if name == RERANDOMISED:
        from geomsim.activations.rerandomised import PROVENANCE, rerandomise

        with tempfile.TemporaryDirectory() as place:
            folder = rerandomise(root / "right", Path(place) / name, seed=RERANDOMISED_SEED)
            made: dict[str, Any] = json.loads((folder / PROVENANCE).read_text())
            model, tokenizer = open_model(folder)
        made["model"] = "right"
        known = {"held_out_loss": held_out_loss(model, token_stream(tokenizer, "held-out")), "rerandomised": made}
    else:
        model, tokenizer = open_model(root / name)
        known = {}
    train = block_outputs(model, token_stream(tokenizer, "train"), min(tokens, SAE_TOKENS))
    return train, block_outputs(model, token_stream(tokenizer, "held-out"), tokens), known


def run_further(further: Further, root: Path, quick: bool) -> None:
    torch.set_num_threads(1)
    target = root / further.folder
    if target.exists():
        print(f"{further.folder}: is there already; delete it to have it trained again", flush=True)
        return
    plan, layer = further.plan, further.layer
    if quick:
        plan = replace(plan, sae_steps=QUICK)
    train, held_out, known = read_model(further.model, root, 50_000 if quick else 10**9)
    said = {"model": further.model, "seed": further.seed, "torch_seed": further.torch_seed}
    said |= {"train_tokens": len(train[layer]), "steps": plan.sae_steps, "samples_per_step": SAE_BATCH}
    target.parent.mkdir(parents=True, exist_ok=True)
    # What others list is either whole or not there.
    with tempfile.TemporaryDirectory(dir=root, prefix=".training-") as place:
        made = Path(place) / target.name
        said |= train_sae(plan, layer, train[layer], held_out[layer], made, further.torch_seed)
        (made / "training.json").write_text(json.dumps({**said, **known}, indent=1) + "\n")
        made.rename(target)


def table_rows(root: Path) -> list[str]:
    """What was measured of each dictionary of models that have several, as rows of the page's table."""
    measured = [json.loads((root / one.folder / "training.json").read_text()) for one in FURTHER
                if (root / one.folder).exists()]  # fmt: skip
    for name in sorted({row["model"] for row in measured} - {RERANDOMISED}):
        trained = json.loads((root / name / "training.json").read_text())["saes"]
        measured += [{**row, "model": name, "seed": 0} for row in trained]
    keys = ("model", "layer", "latents", "seed")
    return [
        f"| `{row['model']}` | {row['layer']} | {row['latents']:,} | {row['seed']} "
        f"| {row['explained_variance']:.3f} | {row['l0']:.1f} | {row['dead_latents']:,} |".replace("| 0.", "| .")
        for row in sorted(measured, key=lambda row: [row[key] for key in keys])
    ]


def write_table(root: Path) -> None:
    """Write the page's table of further dictionaries again, where there is a page."""
    page = root / "README.md"
    if page.exists():
        before, rest = page.read_text().split(TABLE_HEAD)
        after = dropwhile(lambda line: line.startswith("|"), rest.splitlines())
        page.write_text(before + TABLE_HEAD + "\n".join([*table_rows(root), *after]) + "\n")
