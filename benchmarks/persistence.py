"""Loops of 50,000 points in 512 dimensions from 300 landmarks, beside ripser's own greedy landmarks.

A circle of radius 1 in the first two coordinates with noise of sd .02 per axis, float32. "geomsim" is
:func:`geomsim_topological.persistence.diagram`: landmarks, certificate, bars. "ripser" is `ripser(points, n_perm=300)`,
which chooses its landmarks likewise and gives no certificate of what they left out. Each in a process of its own.

`python benchmarks/persistence.py 5000 64 100` takes another number of points, dimensions and landmarks.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray


def points_of(n_points: int, width: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, n_points)
    points = generator.standard_normal((n_points, width), dtype=np.float32)
    points *= np.float32(0.02)
    points[:, 0] += np.cos(angle)
    points[:, 1] += np.sin(angle)
    return points


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(kind: str, n_points: int, width: int, landmarks: int) -> dict[str, object]:
    points = points_of(n_points, width)
    if kind == "geomsim":
        from geomsim_topological import persistence

        persistence.diagram(points[:200], 1, 50)
        before, started = peak(), time.perf_counter()
        found = persistence.diagram(points, 1, landmarks)
        return {
            "seconds": time.perf_counter() - started, "before": before, "peak": peak(),
            "longest": float(found.persistence[0]), "certified": int(found.certified.sum()),
        }  # fmt: skip
    from ripser import ripser

    ripser(points[:200], n_perm=50)
    before, started = peak(), time.perf_counter()
    bars = ripser(points, n_perm=landmarks)["dgms"][1]
    seconds = time.perf_counter() - started
    longest = float((bars[:, 1] - bars[:, 0]).max())
    return {"seconds": seconds, "before": before, "peak": peak(), "longest": longest, "certified": "not known"}


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--measure":
        kind, *sizes = sys.argv[2:]
        print(json.dumps(measure(kind, *map(int, sizes))))
        return
    sizes = [int(each) for each in sys.argv[1:]] or [50_000, 512, 300]
    print(f"{sizes[0]:,} points, {sizes[1]} dimensions, {sizes[2]} landmarks\n")
    print("| | seconds | peak, GiB | of which before, GiB | longest loop | certified |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in ("geomsim", "ripser"):
        run = [sys.executable, __file__, "--measure", kind, *map(str, sizes)]
        found = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
        print(
            f"| {kind} | {found['seconds']:.1f} | {found['peak']:.2f} | {found['before']:.2f} | {found['longest']:.3f} "
            f"| {found['certified']} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
