"""What synthetic ground truth costs: tokens of two networks as a stream, and dictionaries trained on them.

The stream has 512 features a side, half of them shared, about 8 on a token (Zipf), width 64; "all" has correlated
groups, hierarchies, planted shapes, missed firings, punctuation, distractors and faulty dictionaries too. Batches of
8,192 tokens are made and thrown away: the sparse codes of both sides, with or without the activations of both. Each row
is a process of its own; its peak memory is shown beside that before the first batch, with all libraries loaded.

Training is that of `train_dictionary` on both networks of the preset "easy" (width 64, 256 latents, TopK, 1,000 steps
of 512 tokens), one torch thread. Recovered is the smaller side's share of the shared true directions that a latent
meets with a cosine of at least .95.

`synthetic.py FACTOR` with a number below 1 makes all sizes that much smaller, to see that it runs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

from geomsim_synthetic import (
    CorrelatedGroup,
    Faults,
    Hierarchy,
    Planted,
    Setting,
    batches,
    from_setting,
    mmcs,
    preset,
    share_recovered,
    train_dictionary,
)

PLAIN = Setting(n_features=512, shared=0.5, width=64)
ALL = replace(
    PLAIN,
    noise=0.1,
    seen=(0.9, 0.7),
    structures=(
        *(CorrelatedGroup(6, 0.8) for _ in range(4)),
        *(Hierarchy((None, 0, 0, 1)) for _ in range(4)),
        Planted("circle", 24),
        Planted("torus", (8, 8)),
        Planted("tree", (2, 3), where="left"),
    ),
    dense=2,
    junk=8,
    outliers=1,
    left_faults=Faults(split=16, merged=8, absorbed=2, duplicated=8, dead=16),
    right_faults=Faults(split=16, merged=8, absorbed=2, duplicated=8, dead=16),
)
TOKENS = (10_000, 100_000, 1_000_000)
STREAMS = {"plain, codes": (PLAIN, False), "plain, activations": (PLAIN, True), "all, codes": (ALL, False)}
STREAMS["all, activations"] = (ALL, True)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def stream(name: str, n_tokens: int) -> None:
    setting, activations = STREAMS[name]
    for _ in batches(replace(setting, n_tokens=10), activations=activations):
        pass  # loads the libraries
    before, firings = peak(), 0
    started = time.perf_counter(), time.process_time()
    for batch in batches(replace(setting, n_tokens=n_tokens), activations=activations):
        firings += batch.left.codes.nnz + batch.right.codes.nnz
    seconds, core_seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    cells = [name, f"{n_tokens:,}", f"{firings:,}", f"{seconds:.2f}", f"{core_seconds:.2f}"]
    print(f"| {' | '.join([*cells, f'{peak():.2f}', f'{before:.2f}'])} |", flush=True)


def training(factor: float) -> None:
    import torch

    torch.set_num_threads(1)
    two = from_setting(preset("easy"))
    shares, cosines, seconds = [], [], 0.0
    for network in (two.left, two.right):
        started = time.perf_counter()
        found = train_dictionary(network.activations, 256, k=4, steps=max(10, int(1000 * factor)))
        seconds += time.perf_counter() - started
        truths = network.source_directions[np.isin(network.source_feature, two.truth.shared_features)]
        shares.append(share_recovered(found.dictionary.directions, truths, min_cosine=0.95))
        cosines.append(mmcs(truths, found.dictionary.directions))
    print(f"| easy | {seconds:.1f} | {min(shares):.3f} | {min(cosines):.3f} | {peak():.2f} |", flush=True)


def heading(*heads: str) -> None:
    print(f"\n| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|", flush=True)


def main() -> None:
    if len(sys.argv) == 3:
        name, size = sys.argv[1:]
        training(float(size)) if name == "training" else stream(name, int(size))
        return
    factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    heading("stream", "tokens", "firings, both sides", "seconds", "core seconds", "peak, GiB", "of which before, GiB")
    for name in STREAMS:
        for n_tokens in TOKENS:
            subprocess.run([sys.executable, __file__, name, str(max(1, int(n_tokens * factor)))], check=True)
    heading("preset", "seconds for the pair", "recovered", "MMCS to the truth", "peak, GiB")
    subprocess.run([sys.executable, __file__, "training", str(factor)], check=True)


if __name__ == "__main__":
    main()
