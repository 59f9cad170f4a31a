"""The shipped models of this example, and what is looked at of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from train import Adder, all_sums

HERE = Path(__file__).parent
MODELS = ("left", "right", "untrained")
PLANES = 2

Floats = NDArray[np.float64]


def opened(name: str) -> Adder:
    """A shipped model."""
    config = json.loads((HERE / name / "config.json").read_text(encoding="utf-8"))
    model = Adder(config["modulus"], config["width"], config["heads"])
    model.load_state_dict(load_file(HERE / name / "model.safetensors"))
    return model


def embeddings(name: str) -> Floats:
    """The embedding of each number, (modulus, width)."""
    return opened(name).embedding.weight.detach()[:-1].double().numpy()


def residuals(name: str) -> Floats:
    """What stands at the equals sign for each of the sums, (modulus**2, width)."""
    with torch.no_grad():
        return opened(name).last_residual(all_sums()[0]).double().numpy()


class Plane:
    """Projection to principal components 2k + 1 and 2k + 2, fitted to whatever it is given."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, points: Floats) -> Floats:
        left, singular, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
        here = slice(2 * self.number, 2 * self.number + 2)
        return left[:, here] * singular[here]
