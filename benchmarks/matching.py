"""Pairs from candidates: every method over 32,768 latents a side, and how far Hungarian is from the dense optimum.

Candidates are made, not correlated: each side's latents are noisy copies of concepts in 48 dimensions, half of them of
a concept of their own and half of popular ones (popularity falls like 1 / rank^0.8), so that multiplicities are
heavy-tailed; r is the cosine of two latents. Seconds are of `geomsim.pair` on these candidates, the best of three, with
its summary and reasons; core seconds are those that all threads took together. Peak memory is that of the process, with
the candidates.

The gap is of the total r of the pairs against that of the best one-to-one pairs among all pairs of latents, by
`scipy.optimize.linear_sum_assignment` on the dense matrix, where it fits.

    python benchmarks/matching.py                   # all rows, each in a process of its own
    python benchmarks/matching.py 300 hungarian 8   # one row: latents a side, method, candidates (dense: 0)
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

import geomsim
from geomsim.activations.candidates import Candidates, Partners
from geomsim.activations.matching_methods import Hungarian, Transport
from geomsim.parallel import cores

WIDTH, NOISE, TOP = 48, 0.8, 16
ROWS = (
    (4096, "dense optimum", 0),
    *((4096, method, top) for method, top in (("greedy", 16), ("hungarian", 4), ("hungarian", 8), ("hungarian", 16))),
    *((32768, method, top) for method, top in (("max", 16), ("mutual", 16), ("greedy", 16))),
    *((32768, method, top) for method, top in (("hungarian", 8), ("hungarian", 16), ("transport", 16))),
)


def made_latents(n: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    concepts = random.normal(size=(n, WIDTH)).astype(np.float32)
    popularity = np.arange(1, n + 1) ** -0.8
    sides = []
    for _ in range(2):
        popular = random.choice(n, n, p=popularity / popularity.sum())
        concept = np.where(random.random(n) < 0.5, np.arange(n), popular)
        latents = concepts[concept] + NOISE * random.normal(size=(n, WIDTH)).astype(np.float32)
        sides.append(latents / np.linalg.norm(latents, axis=1, keepdims=True))
    return sides


def best_partners(own: np.ndarray, other: np.ndarray) -> Partners:
    n = len(own)
    partner, r = np.empty((n, TOP), dtype=np.int32), np.empty((n, TOP))
    for start in range(0, n, 1024):
        cosines = own[start : start + 1024] @ other.T
        best = np.argpartition(-cosines, TOP, axis=1)[:, :TOP]
        values = np.take_along_axis(cosines, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        partner[start : start + 1024] = np.take_along_axis(best, order, axis=1)
        r[start : start + 1024] = np.take_along_axis(values, order, axis=1)
    return Partners(partner, r, np.full_like(r, np.nan), np.full((n, TOP), 1000))


def made_candidates(left: np.ndarray, right: np.ndarray) -> Candidates:
    nothing = {"silent": 0, "constant": 0, "few_firings": 0, "few_cofirings": 0}
    return Candidates(
        left_to_right=best_partners(left, right),
        right_to_left=best_partners(right, left),
        left_firings=np.full(len(left), 1000),
        right_firings=np.full(len(right), 1000),
        n_tokens=100_000,
        blocks=20,
        block_kind="documents",
        removed={"left": nothing, "right": nothing, "pairs": {"few_cofirings": 0}},
        provenance={"min_firings": 100, "min_cofirings": 20, "top": TOP},
    )


def dense_optimum(left: np.ndarray, right: np.ndarray) -> tuple[float, int]:
    from scipy.optimize import linear_sum_assignment

    # Two latents alone are worth 0, as for Hungarian.
    r = np.maximum((left @ right.T).astype(np.float64), 0)
    rows, columns = linear_sum_assignment(r, maximize=True)
    return float(r[rows, columns].sum()), int((r[rows, columns] > 0).sum())


def measure(n: int, method: str, top: int) -> None:
    left, right = made_latents(n)
    best = dense_optimum(left, right) if n <= 4096 else None
    if method == "dense optimum":
        assert best is not None
        started = time.perf_counter(), time.process_time()
        total, pairs = dense_optimum(left, right)
        elapsed = time.perf_counter() - started[0], time.process_time() - started[1]
        row(n, method, "all", *elapsed, pairs, total, "0", "", "")
        return
    candidates = made_candidates(left, right)
    chosen = {"hungarian": Hungarian(best=top), "transport": Transport()}.get(method, method)
    seconds, core_seconds = [], []
    for _ in range(3):
        started = time.perf_counter(), time.process_time()
        pairing = geomsim.pair(candidates, method=chosen)
        seconds.append(time.perf_counter() - started[0])
        core_seconds.append(time.process_time() - started[1])
    assert pairing.weight is not None
    total = float(pairing.weight.sum())
    gap = "" if best is None or method in ("max", "transport") else f"{1 - total / best[0]:.3%}"
    steps = pairing.provenance.get("transport", {}).get("steps", "")
    shared = pairing.multiplicity()
    row(
        n, method, str(top), min(seconds), min(core_seconds), len(pairing), total, gap, str(steps),
        "/".join(map(str, shared.values())),
    )  # fmt: skip


def row(
    n: int,
    method: str,
    top: str,
    seconds: float,
    core_seconds: float,
    pairs: int,
    total: float,
    gap: str,
    steps: str,
    shared: str,
) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cells = [f"{n:,}", method, top, f"{seconds:.2f}", f"{core_seconds:.2f}", f"{pairs:,}", f"{total:,.0f}"]
    cells += [gap, steps, shared, f"{peak:.2f}"]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
        return
    heads = ["latents a side", "method", "candidates", "seconds", "core seconds", "pairs", "total r"]
    heads += ["below the optimum", "steps"]
    heads += ["right latents with 1/2-10/11-100/more partners", "peak, GiB"]
    print(f"{cores()} cores\n\n| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|", flush=True)
    for cells in ROWS:
        subprocess.run([sys.executable, __file__, *map(str, cells)], check=True)


if __name__ == "__main__":
    main()
