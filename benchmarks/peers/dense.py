"""Co-activation of all latents beside the dense product in torch, in float64 as geomsim computes it and in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import coactivation as benchmark
import numpy as np

from peers.task import Floats, Task

TOP = 16


def best_of_each(r: Any) -> Floats:
    """The correlations of the best partners of each latent, falling; latents without that many have NaN as -1."""
    return np.nan_to_num(np.asarray(r, dtype=np.float64), nan=-1.0)


def ours(codes: tuple[Any, Any]) -> Floats:
    """Pearson's r with the best partners of each latent on either side."""
    import geomsim

    found = geomsim.correlate(*codes, top=TOP, min_firings=1, min_cofirings=1, standard_errors=False)
    return np.vstack([best_of_each(found.left_to_right.r), best_of_each(found.right_to_left.r)])


def made_dense(codes: tuple[Any, Any]) -> list[Any]:
    """All tokens and latents of either side, float32, as a dictionary gives them."""
    import torch

    return [torch.from_numpy(each.matrix.toarray()) for each in codes]


def dense(precision: str) -> Callable[[list[Any]], Floats]:
    """One product of all tokens and latents, and the largest of each row and column."""

    def best(given: list[Any]) -> Floats:
        import torch

        sides = []
        for each in given:
            side = each.to(getattr(torch, precision))
            side = side - side.mean(0)
            lengths = side.norm(dim=0)
            sides.append(side.div_(torch.where(lengths > 0, lengths, 1.0)))
        r = sides[0].T @ sides[1]
        return np.vstack([best_of_each(part.topk(TOP, dim=1).values.numpy()) for part in (r, r.T)])

    return best


NOTE = "the peer gets dense activations ready made, whose memory grows with tokens x latents, geomsim sparse ones"
TASKS = tuple(
    Task(
        name, f"r of every latent with every latent, best 16 of each, peer in {precision}", "torch, dense",
        (2_048, 32, 20_000), (128, 16, 2_000), "{:,} latents a side, L0 {}, {:,} tokens", benchmark.made_codes, ours,
        dense(precision), tolerance, ("torch",), note=f"geomsim in float64{rounded}; {NOTE}", peer_given=made_dense,
    )
    for name, precision, tolerance, rounded in (
        ("coactivation", "float64", 1e-9, ""),
        # What float32 may lose of r, wherever geomsim works in it.
        ("coactivation-float32", "float32", 1e-3, ", the peer's sums rounded in the fourth digit of r"),
    )
)  # fmt: skip
