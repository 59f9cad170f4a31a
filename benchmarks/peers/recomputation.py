"""Nulls: each draw from what is prepared, beside each draw computed anew by the textbook recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import draws as benchmark
import numpy as np

from peers.similarity import DRAWS, Clouds, latent, orders, our_null
from peers.task import Floats, Task

REDRAWN = 3


def plain_procrustes(left: Floats, right: Floats) -> float:
    """Sum of the singular values of the product of two centred clouds of unit size."""
    left, right = left - left.mean(0), right - right.mean(0)
    scale = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(np.linalg.svd(left.T @ right, compute_uv=False).sum()) / scale


def anew(score: Callable[[Any, Any], float]) -> Callable[[Clouds], Floats]:
    """The score and a few draws of the null, all from the points."""

    def scored(clouds: Clouds) -> Floats:
        left, right = clouds
        return np.array([score(left, right), *(score(left, right[order]) for order in orders(len(left), REDRAWN))])

    return scored


def noise(rows: int, width: int) -> Clouds:
    """Two clouds of white noise, of which SVCCA keeps nearly all components: its draws are dearest here."""
    return benchmark.clouds("noise", rows, width)


SIZES = {"svcca": (1_000, 256), "rsa": (400, 256), "cka": (200, 500), "knn-jaccard": (1_000, 256),
         "procrustes": (1_000, 256)}  # fmt: skip
RECIPES = {**benchmark.PLAIN, "procrustes": plain_procrustes}
CASES = [(f"null-{name}", name, latent, "clouds share 48 directions") for name in SIZES]
CASES.append(("null-svcca-noise", "svcca", noise, "white noise, the worst for geomsim"))
TASKS = tuple(
    Task(
        name, f"{metric}: 999 draws of a shuffle null", "plain recomputation", SIZES[metric], (200, 48),
        "{:,} rows, width {}", make, our_null(metric, DRAWS, REDRAWN), anew(RECIPES[metric]), 1e-8,
        ("numpy", "scipy", "scikit-learn"), ("numpy", "scipy", "sklearn"), draws=(DRAWS + 1, REDRAWN + 1),
        note=f"{data}; the textbook recipe from the points, both sides anew for each draw",
    )
    for name, metric, make, data in CASES
)  # fmt: skip
