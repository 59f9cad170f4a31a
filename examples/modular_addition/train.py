"""Train the small transformers of this example to add modulo a prime; two cores, a few minutes.

python train.py                 # all, into the folders beside this file
python train.py left right      # some

Each is a transformer of one layer without layer norm (Nanda et al. 2023, "Progress measures for grokking via
mechanistic interpretability") that reads "a b =" and says (a + b) mod 31. It sees four fifths of the
961 sums; weight decay makes it generalise to the rest. "untrained" is the left model as it was initialised.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).parent
MODULUS = 31
STEPS = 12_000
SETTINGS = {
    "left": {"seed": 10, "width": 64, "heads": 4},
    "right": {"seed": 2, "width": 96, "heads": 4},
    "untrained": {"seed": 10, "width": 64, "heads": 4},
}


class Adder(nn.Module):
    """Token embeddings, one block of attention and MLP, and an unembedding; reads (batch, 3) tokens."""

    def __init__(self, modulus: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(modulus + 1, width)
        self.position = nn.Parameter(torch.randn(3, width) / width**0.5)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.unembedding = nn.Linear(width, modulus, bias=False)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def last_residual(self, tokens: Tensor) -> Tensor:
        """What stands in the residual stream at the equals sign after the block, (batch, width)."""
        stream = self.embedding(tokens) + self.position
        query, key, value = (
            part(stream).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        stream = stream + self.out(mixed.transpose(1, 2).flatten(-2))
        last: Tensor = stream[:, -1]
        return last + self.down(nn.functional.relu(self.up(last)))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the sum, (batch, modulus)."""
        logits: Tensor = self.unembedding(self.last_residual(tokens))
        return logits


def all_sums(modulus: int = MODULUS) -> tuple[Tensor, Tensor]:
    """Every question "a b =" as tokens, (modulus**2, 3), and its answer."""
    first, second = torch.cartesian_prod(torch.arange(modulus), torch.arange(modulus)).T
    return torch.stack([first, second, torch.full_like(first, modulus)], dim=1), (first + second) % modulus


def train(seed: int, width: int, heads: int, steps: int = STEPS) -> tuple[Adder, dict[str, float]]:
    """A model trained on four fifths of all sums, and its accuracy on those and on the others."""
    torch.manual_seed(seed)
    model = Adder(MODULUS, width, heads)
    questions, answers = all_sums()
    order = torch.randperm(len(questions))
    seen, held_out = order[: len(order) * 4 // 5], order[len(order) * 4 // 5 :]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=1.0)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(questions[seen]), answers[seen])
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        right = model(questions).argmax(1) == answers
    return model, {"seen": right[seen].double().mean().item(), "held out": right[held_out].double().mean().item()}


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names or list(SETTINGS):
        setting = SETTINGS[name]
        model, accuracy = train(**setting, steps=0 if name == "untrained" else STEPS)
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        save_file(model.state_dict(), folder / "model.safetensors")
        (folder / "config.json").write_text(
            json.dumps({"modulus": MODULUS, **setting, "accuracy": accuracy}, indent=2) + "\n"
        )
        print(name, accuracy)


if __name__ == "__main__":
    main(sys.argv[1:])
