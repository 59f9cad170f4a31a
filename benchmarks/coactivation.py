"""Every latent against every latent: `geomsim.correlate` beside the dense product that Pearson's r needs at the least.

Codes are made: on each token both sides draw L0 latents from rates that fall like 1 / sqrt(rank), and the right side
takes over 60% of the left side's draws under another numbering; values are exponential. `correlate` is timed whole
(one-sided sums, all pairs, the best 16 in both directions, jackknife errors over 20 blocks of documents); one small run
before it loads the compiled loops. All times are the best of three (131k without thresholds: of
one run). Each row is a process of its own, and its peak memory is that of the process with both codes.

How the time grows with the tokens is seen in the three rows of 16k without thresholds (every latent that fires at all
takes part, every pair that co-fires at all counts): with thresholds, more latents pass them where there is more text.

The dense product is ``left.T @ right`` in torch, float32, on as many threads, tile by tile. It is timed on one tile of
left latents and one chunk of tokens, already dense, and scaled linearly to all of them. Making the codes dense, the
co-firings (a second product), the best partners and the errors are not counted against it.

Disagreement is the largest difference between the r of 48 left latents' best 16 partners and those of numpy's dense
float64 product with all right latents, under the same thresholds.

The second table is of counted sums: codes on disk in 20 shards, `count_codes` into a file per shard, and candidates
with errors from the mapped files. There, disagreement is the same as above, for what comes of the files.

Where there is a GPU, the third table has `correlate(..., device="cuda")`, whole and without errors, beside the compiled
loops on the same machine's cores.

`python benchmarks/coactivation.py NAME` measures one row.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.sparse
import torch

import geomsim
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.counted_sums import CountedSums
from geomsim.activations.counting import count
from geomsim.activations.counting_codes import count_codes
from geomsim.parallel import cores

Result = TypeVar("Result")

TILE, CHUNK, CHECKED = 2048, 5000, 48
SIZES = {
    "demo": (1024, 16, 245_000),
    "16k": (16384, 50, 100_000),
    "16k, half, no thresholds": (16384, 50, 50_000),
    "16k, no thresholds": (16384, 50, 100_000),
    "16k, double, no thresholds": (16384, 50, 200_000),
    "131k": (131072, 64, 200_000),
    "131k, no thresholds": (131072, 64, 200_000),
}
COUNTED = {
    "demo, counted": (1024, 16, 245_000),
    "16k, counted": (16384, 50, 100_000),
    "131k, counted": (131072, 64, 200_000),
}
ON_GPU = {
    "demo, cuda": (1024, 16, 245_000),
    "16k, cuda": (16384, 50, 100_000),
    "32k, cuda": (32768, 64, 1_000_000),
}
SHARDS, DOCUMENT = 20, 500
COMPARED = "16k"
# Without thresholds all latents take part, whatever the text: how the time grows with tokens is seen there.
THRESHOLDS = {name: {"min_firings": 1, "min_cofirings": 1} for name in SIZES if name.endswith("no thresholds")}
ONE_RUN = "131k, no thresholds"


def made_codes(width: int, l0: int, tokens: int) -> tuple[geomsim.Codes, geomsim.Codes]:
    random = np.random.default_rng(0)
    rates = np.cumsum(np.arange(1, width + 1) ** -0.5)
    numbering = random.permutation(width).astype(np.int32)
    parts: tuple[list[scipy.sparse.csr_array], ...] = ([], [])
    for start in range(0, tokens, 10_000):
        n = min(10_000, tokens - start)
        drawn = [np.searchsorted(rates, random.random((n, l0)) * rates[-1]).astype(np.int32) for _ in range(2)]
        drawn[1] = numbering[np.where(random.random((n, l0)) < 0.6, *drawn)]
        for part, latents in zip(parts, drawn, strict=True):
            values = random.exponential(size=n * l0).astype(np.float32) + 0.1
            # Latents that are drawn twice on a token add up.
            part.append(
                scipy.sparse.csr_array((values, latents.ravel(), np.arange(0, n * l0 + 1, l0)), shape=(n, width))
            )
            part[-1].sum_duplicates()
    documents = np.arange(tokens) // DOCUMENT
    left, right = (geomsim.Codes(scipy.sparse.vstack(part, format="csr"), groups=documents) for part in parts)
    return left, right


def fastest(work: Callable[[], Result], runs: int = 3) -> tuple[float, float, Result]:
    """Seconds of the fastest run, and fewest core seconds: other work on the machine only ever adds to them."""
    seconds, core_seconds = [], []
    for _ in range(runs):
        started = time.perf_counter(), time.process_time()
        result = work()
        seconds.append(time.perf_counter() - started[0])
        core_seconds.append(time.process_time() - started[1])
    return min(seconds), min(core_seconds), result


def dense_seconds(left: geomsim.Codes, right: geomsim.Codes) -> float:
    """What the dense float32 product of all tokens and latents would take, from one tile and chunk."""
    torch.set_num_threads(cores())
    tile = torch.from_numpy(left.matrix[:CHUNK, :TILE].toarray())
    block = torch.from_numpy(right.matrix[:CHUNK].toarray())
    return fastest(lambda: tile.T @ block)[0] * (left.n_latents / TILE) * (left.n_tokens / CHUNK)


def disagreement(left: geomsim.Codes, right: geomsim.Codes, found: geomsim.Candidates) -> float:
    checked = np.random.default_rng(1).choice(np.flatnonzero(found.left_to_right.found), CHECKED, replace=False)
    own = left.matrix[:, checked].toarray().astype(np.float64)
    r, together = np.empty((CHECKED, right.n_latents)), np.empty((CHECKED, right.n_latents))
    own_centred = own - own.mean(axis=0)
    own_centred /= np.linalg.norm(own_centred, axis=0)
    for start in range(0, right.n_latents, 512):
        part = slice(start, start + 512)
        other = right.matrix[:, part].toarray().astype(np.float64)
        together[:, part] = (own != 0).T.astype(np.float32) @ (other != 0).astype(np.float32)
        other -= other.mean(axis=0)
        with np.errstate(invalid="ignore"):  # latents that never fire
            other /= np.linalg.norm(other, axis=0)
        r[:, part] = own_centred.T @ other
    r[(together < 20) | (right.firings() < 100)] = -np.inf
    expected = -np.sort(-r, axis=1)[:, : found.top]
    expected[np.isinf(expected)] = np.nan
    return float(np.nanmax(np.abs(expected - found.left_to_right.r[checked])))


def measure(name: str) -> None:
    left, right = made_codes(*SIZES[name])
    small = geomsim.Codes(left.matrix[:200], groups=np.arange(200) // 50)
    geomsim.correlate(small, small, min_firings=1, min_cofirings=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    options = THRESHOLDS.get(name, {})
    seconds, core_seconds, found = fastest(
        lambda: geomsim.correlate(left, right, **options), runs=1 if name == ONE_RUN else 3
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    partnered = int(found.left_to_right.found.sum())
    cells = [name, f"{left.n_latents:,}", f"{left.l0:.0f}", f"{left.n_tokens:,}", f"{partnered:,}", f"{seconds:.2f}"]
    cells += [f"{core_seconds:.2f}"]
    cells += [f"{peak / 2**20:.2f}", f"{before / 2**20:.2f}"]
    if name == COMPARED:
        dense = dense_seconds(left, right)
        cells += [f"{dense:.0f}", f"{dense / seconds:.0f}", f"{disagreement(left, right, found):.0e}"]
    if name == "demo":
        product, _, _ = fastest(lambda: right.matrix.T.astype(np.float64).tocsr() @ left.matrix.astype(np.float64))
        print(f"(scipy's sparse product alone, one thread, on the codes of the next row: {product:.2f} s)")
    print(f"| {' | '.join(cells + [''] * (12 - len(cells)))} |", flush=True)


def written(codes: geomsim.Codes, folder: Path) -> Path:
    """The codes on disk, in shards of whole documents."""
    per_shard = -(-codes.n_tokens // (SHARDS * DOCUMENT)) * DOCUMENT
    with CodesWriter(folder, shard_tokens=per_shard) as writer:
        writer.append(codes)
    return folder


def measure_counted(name: str, shape: tuple[int, int, int]) -> None:
    left, right = made_codes(*shape)
    small = geomsim.Codes(left.matrix[:200], groups=np.arange(200) // 20)
    with tempfile.TemporaryDirectory() as scratch:
        folders = written(left, Path(scratch) / "left"), written(right, Path(scratch) / "right")
        warm = count(small, small, block=small.groups).save(Path(scratch) / "small")
        CountedSums.open(warm).candidates(min_firings=1, min_cofirings=1)
        del left, right
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        counting, counting_cores, sums = fastest(lambda: count_codes(*folders, Path(scratch) / "sums"), runs=1)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        choosing, choosing_cores, found = fastest(sums.candidates, runs=1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = sum(file.stat().st_size for file in (Path(scratch) / "sums").iterdir())
        cells = [name, f"{len(sums.blocks)}", f"{counting:.2f}", f"{counting_cores:.2f}", f"{choosing:.2f}"]
        cells += [f"{choosing_cores:.2f}", f"{sums.n_pairs:,}", f"{size / 2**30:.2f}"]
        cells += [f"{kilobytes / 2**20:.2f}" for kilobytes in (before, after, peak)]
        left, right = (geomsim.Codes.open(folder, verify=False) for folder in folders)
        cells += [f"{disagreement(left, right, found):.0e}" if left.n_latents <= 1 << 15 else ""]
    print(f"| {' | '.join(cells)} |", flush=True)


def measure_on_gpu(name: str, shape: tuple[int, int, int]) -> None:
    left, right = made_codes(*shape)
    small = geomsim.Codes(left.matrix[:200], groups=np.arange(200) // 50)
    geomsim.correlate(small, small, min_firings=1, min_cofirings=1, device="cuda")
    seconds, core_seconds, found = fastest(lambda: geomsim.correlate(left, right, device="cuda"), runs=2)
    without, _, _ = fastest(lambda: geomsim.correlate(left, right, device="cuda", standard_errors=False), runs=2)
    on_cpu, _, expected = fastest(lambda: geomsim.correlate(left, right), runs=2)
    difference = np.nanmax(np.abs(found.left_to_right.r - expected.left_to_right.r))
    cells = [name, f"{left.n_tokens:,}", f"{int(found.left_to_right.found.sum()):,}", f"{seconds:.2f}"]
    cells += [f"{core_seconds:.2f}", f"{without:.2f}", f"{torch.cuda.max_memory_allocated() / 2**30:.1f}"]
    cells += [f"{on_cpu:.2f}", f"{difference:.0e}"]
    print(f"| {' | '.join(cells)} |", flush=True)


def table(heads: list[str], names: Iterable[str]) -> None:
    """Each row is measured, and printed, by a process of its own."""
    print(f"\n| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|", flush=True)
    for name in names:
        subprocess.run([sys.executable, __file__, name], check=True)


def main() -> None:
    if len(sys.argv) > 1:
        name = sys.argv[1]
        if name in COUNTED:
            measure_counted(name, COUNTED[name])
        elif name in ON_GPU:
            measure_on_gpu(name, ON_GPU[name])
        else:
            measure(name)
        return
    print(f"{cores()} cores", flush=True)
    heads = ["codes", "latents a side", "L0", "tokens", "left latents with a partner", "seconds", "core seconds"]
    heads += ["peak, GiB", "of which before, GiB", "dense product, s", "ratio", "disagreement"]
    table(heads, SIZES)
    counted = ["codes", "blocks", "count, s", "core seconds", "candidates, s", "core seconds", "pairs held"]
    counted += ["on disk, GiB", "peak before, GiB", "after counting", "in the end", "disagreement"]
    table(counted, COUNTED)
    if torch.cuda.is_available():
        heads = ["codes", "tokens", "left latents with a partner", "seconds", "core seconds", "without errors, s"]
        print(f"\n{torch.cuda.get_device_name()}", flush=True)
        table([*heads, "GPU memory, GiB", "compiled loops, s", "difference from them"], ON_GPU)


if __name__ == "__main__":
    main()
