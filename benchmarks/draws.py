"""999 draws of a shuffle null against recomputing the metric 999 times, for every installed paired metric.

Recomputing means what code without `prepare` does: both sides anew for each order. A few recomputations are timed and
their mean taken; draws are timed whole, as `geomsim.compare` makes them. The ratio is
(999 x one recomputation) / (999 draws), from one run.

Two clouds of n = 1,000 rows: "latent" has 48 shared directions of falling strength and a little noise, as
representations have; "noise" is white and full-rank, the worst case for SVCCA, which then keeps all 256 components.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import torch

import geomsim

ROWS, WIDTH, DRAWS, RECOMPUTED = 1000, 256, 999, 8


def clouds(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(0)
    if kind == "noise":
        return tuple(torch.from_numpy(random.normal(size=(ROWS, WIDTH))) for _ in range(2))  # type: ignore[return-value]
    shared = random.normal(size=(ROWS, 48)) / np.arange(1, 49) ** 0.5
    sides = []
    for _ in range(2):
        mixed = shared @ random.normal(size=(48, WIDTH)) + 0.02 * random.normal(size=(ROWS, WIDTH))
        sides.append(torch.from_numpy(mixed))
    return sides[0], sides[1]


def seconds_of(metric: geomsim.PairedMetric, left: torch.Tensor, right: torch.Tensor) -> tuple[float, float]:
    """Seconds of one recomputation, and of all draws."""
    random = np.random.default_rng(1)
    orders = [torch.from_numpy(random.permutation(ROWS)) for _ in range(RECOMPUTED + 1)]
    identity = torch.arange(ROWS)
    metric.score(metric.prepare(left), metric.prepare(right), identity)  # warm up
    started = time.perf_counter()
    for order in orders[1:]:
        metric.score(metric.prepare(left), metric.prepare(right[order]), identity)
    one = (time.perf_counter() - started) / RECOMPUTED
    spaces = geomsim.Space(left), geomsim.Space(right)
    started = time.perf_counter()
    geomsim.compare(*spaces, metric, null=None)
    without = time.perf_counter() - started
    started = time.perf_counter()
    geomsim.compare(*spaces, metric, draws=DRAWS)
    return one, time.perf_counter() - started - without


def main() -> None:
    print(f"{torch.get_num_threads()} threads, n = {ROWS}, width {WIDTH}, {DRAWS} draws\n")
    print("| metric | data | recompute once, ms | one draw, ms | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name in geomsim.metrics():
        metric = geomsim.metric(name)
        if not isinstance(metric, geomsim.PairedMetric):
            continue
        for kind in ("latent", "noise"):
            one, draws = seconds_of(metric, *clouds(kind))
            print(
                f"| {name} | {kind} | {one * 1e3:.1f} | {draws / DRAWS * 1e3:.2f} | {one * DRAWS / draws:.0f} |",
                flush=True,
            )
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
